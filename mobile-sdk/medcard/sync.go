package medcard

import (
	"context"
	"time"

	"github.com/medcard/medcard/domain/card"
)

// Cancellation stops a Sync from another thread: the system wants its time back. One is good for one call.
type Cancellation struct {
	ctx context.Context
	end context.CancelFunc
}

// NewCancellation makes one.
func NewCancellation() *Cancellation {
	ctx, end := context.WithCancel(context.Background())
	return &Cancellation{ctx: ctx, end: end}
}

// Cancel stops the call, which fails with sdk.cancelled. What it has applied stays, and the next one goes on from there.
func (c *Cancellation) Cancel() (err error) {
	defer guard(&err)
	c.end()
	return nil
}

// CancelAfter stops the call when so many milliseconds have passed: iOS gives a refresh task 30 seconds.
func (c *Cancellation) CancelAfter(milliseconds int64) (err error) {
	defer guard(&err)
	if c.end == nil {
		return errArgument // the timer would call it on a thread of its own, where no guard stands
	}
	time.AfterFunc(time.Duration(milliseconds)*time.Millisecond, c.end)
	return nil
}

// Report is what a sync did.
type Report struct {
	Unchanged bool   // the server had no news, and this phone none for it
	Sent      int    // edits that the server answered
	Received  int    // records that came, new ones and new versions
	Removed   int    // records that went
	Uploaded  int    // files, attached here, that the server has now
	HandedIn  int    // documents, kept here, that are being checked now
	New       []byte // JSON: the ids of cards that came to this phone: somebody let the person see them
	Gone      []byte // JSON: the ids of cards to which this phone has no access any more; everything of them was deleted
	Held      []byte // JSON: the ids of cards of others who have to confirm the access first, since the server was restored
	Forgotten []byte // JSON: the ids of the person's own cards that a restored server does not know to be hers: they stay, claim them again
}

// Sync brings all cards in step with the server, once, and returns when it is done. null = nobody will stop it. Only one runs at a
// time, others wait for it. sdk.offline: try again when there is a network; the next one continues where this one stopped.
func (c *Client) Sync(stop *Cancellation) (report *Report, err error) {
	defer guard(&err)
	ctx, end := context.WithCancel(c.life)
	defer end()
	if stop != nil {
		defer context.AfterFunc(stop.ctx, end)()
	}
	r, err := c.inner.Sync(ctx)
	if err != nil {
		return nil, err
	}
	out := &Report{Unchanged: r.Unchanged, Sent: r.Sent, Received: r.Received, Removed: r.Removed, Uploaded: r.Uploaded, HandedIn: r.HandedIn}
	for _, l := range []struct {
		to  *[]byte
		ids []card.ID
	}{{&out.New, r.New}, {&out.Gone, r.Gone}, {&out.Held, r.Held}, {&out.Forgotten, r.Forgotten}} {
		if *l.to, err = marshal(texts(l.ids)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Index makes what syncs brought ready for search, so that the next search answers at once. StartSync does it by itself; who calls Sync
// calls it afterwards. null = nobody will stop it; stopped, it goes on there the next time.
func (c *Client) Index(stop *Cancellation) (err error) {
	defer guard(&err)
	ctx, end := context.WithCancel(c.life)
	defer end()
	if stop != nil {
		defer context.AfterFunc(stop.ctx, end)()
	}
	return c.inner.Index(ctx)
}

// StartSync syncs now, whenever Wake is called or something was edited, and every quarter of an hour, until StopSync or Close. It
// is for the time in which the app is on the screen; in the background the system's scheduler calls Sync. sdk.running if it
// runs already. It ends by itself when the session does, and the Log is told.
func (c *Client) StartSync() (err error) {
	defer guard(&err)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stop != nil {
		select {
		case <-c.stopped: // that one has ended by itself
		default:
			return errRunning
		}
	}
	ctx, stop := context.WithCancel(c.life)
	stopped := make(chan struct{})
	c.stop, c.stopped = stop, stopped
	go func() {
		defer close(stopped)
		defer stop()
		defer quiet(c.log)
		if err := c.inner.Run(ctx); ctx.Err() == nil {
			c.log.Info("background sync ended", "code", failureOf(err).Code)
		}
	}()
	return nil
}

// StopSync stops it and waits until it has stopped.
func (c *Client) StopSync() (err error) {
	defer guard(&err)
	c.stopBackground()
	return nil
}

func (c *Client) stopBackground() {
	c.mu.Lock()
	stop, stopped := c.stop, c.stopped
	c.stop, c.stopped = nil, nil
	c.mu.Unlock()
	if stop != nil {
		stop()
		<-stopped
	}
}

// Wake makes the background sync run at once: a push came, the network is back, the app was opened.
func (c *Client) Wake() (err error) {
	defer guard(&err)
	c.inner.Wake()
	return nil
}
