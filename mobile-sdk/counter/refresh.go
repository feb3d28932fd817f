package counter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/medcard/medcard/qr/trust"
)

// Part is one of the things by which codes are judged without a network.
type Part struct {
	Name   string // "keys", or "status" with the number of the list
	Issued time.Time
	Age    time.Duration
	State  Freshness
}

// Freshness is how much a part is worth.
type Freshness string

// The freshnesses.
const (
	Fresh   Freshness = "fresh"   // as good as asking
	Usable  Freshness = "usable"  // good enough without a network
	Stale   Freshness = "stale"   // too old: what depends on it cannot be told
	Missing Freshness = "missing" // never fetched
)

// Parts says what is held, the key set first, and how stale each part is: what Refresh would renew.
func (c *Counter) Parts(now time.Time) []Part {
	c.mu.Lock()
	defer c.mu.Unlock()
	keys := c.cache.Keys()
	parts := []Part{{Name: "keys", Issued: keys.IssuedAt, Age: now.Sub(keys.IssuedAt), State: Fresh}}
	switch {
	case keys.Sequence == 0:
		parts[0] = Part{Name: "keys", State: Missing}
	case now.After(keys.Expires):
		parts[0].State = Stale
	case parts[0].Age > trust.FreshKeys:
		parts[0].State = Usable
	}
	for _, n := range c.wantedLists() {
		part := Part{Name: fmt.Sprintf("status %d", n), State: Missing}
		if issued, held := c.cache.StatusIssued(n); held {
			part.Issued, part.Age, part.State = issued, now.Sub(issued), Fresh
			switch {
			case part.Age > trust.UsableStatus:
				part.State = Stale
			case part.Age > trust.FreshStatus:
				part.State = Usable
			}
		}
		parts = append(parts, part)
	}
	return parts
}

// wantedLists are the status lists that the key set names and this counter holds: those of its regions. Those that are missing or oldest
// come first, so that a refresh that is cut short goes on where it was.
func (c *Counter) wantedLists() []uint32 {
	var lists []uint32
	for _, n := range c.cache.Keys().Lists {
		if c.config.Regions == nil || slices.Contains(c.config.Regions, trust.RegionOf(n)) {
			lists = append(lists, n)
		}
	}
	issued := func(n uint32) time.Time { at, _ := c.cache.StatusIssued(n); return at }
	slices.SortStableFunc(lists, func(a, b uint32) int { return cmp.Or(issued(a).Compare(issued(b)), cmp.Compare(b, a)) })
	return lists
}

// Refresh brings everything that Verify goes by up to date: the key set, then the status lists of this counter's regions, each only if it
// changed. What arrived stays, whatever else fails: call it again and it goes on with what is missing. Nothing that is older than what was
// held already is taken, nor is it after a restart.
func (c *Counter) Refresh(ctx context.Context) error {
	c.mu.Lock()
	held := c.cache.Keys().Sequence > 0
	c.mu.Unlock()
	if err := c.refresh(ctx, wanted{path: "/v1/trust/keys", file: keysFile, held: held}, c.cache.AcceptKeys); err != nil {
		return err
	}
	c.mu.Lock()
	lists := c.wantedLists()
	c.shelf.dropStatusBut(lists, c.cache.DropStatus)
	c.mu.Unlock()
	var failed error
	for _, n := range lists {
		failed = errors.Join(failed, c.refreshList(ctx, n))
		if ctx.Err() != nil {
			break
		}
	}
	return failed
}

func (c *Counter) refreshList(ctx context.Context, n uint32) error {
	c.mu.Lock()
	_, held := c.cache.StatusIssued(n)
	c.mu.Unlock()
	// As a pharmacy: only those are told what was handed out.
	what := wanted{path: fmt.Sprintf("/v1/trust/status/%d", n), file: statusFile(n), held: held, authorised: true}
	return c.refresh(ctx, what, func(data []byte) error {
		got, err := c.cache.AcceptStatus(data)
		if err == nil && got != n {
			err = fmt.Errorf("%w: it is another list", trust.ErrFormat)
		}
		return err
	})
}

// wanted is one signed thing to fetch.
type wanted struct {
	path, file string
	held       bool // it is believed here already: an unchanged one need not come again
	authorised bool
}

func (c *Counter) refresh(ctx context.Context, what wanted, accept func([]byte) error) error {
	etag := ""
	if what.held {
		etag = c.shelf.etag(what.file)
	}
	data, etag, err := c.fetch(ctx, what.path, etag, what.authorised)
	if err != nil || data == nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := accept(data); err != nil {
		return err
	}
	if err := c.shelf.write(what.file, data, etag); err != nil {
		return err
	}
	return c.shelf.writeFloor(c.cache.Floor())
}
