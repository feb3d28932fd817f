package phone_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

var key = bytes.Repeat([]byte{7}, 32)

// handset is a phone under test: a client, its file, and a network that can fail.
type handset struct {
	*phone.Client
	t       testing.TB
	cfg     phone.Config
	network *network
	waited  time.Duration // how long the client would have waited
	idle    func()        // called when the client waits; nil = nothing
	seen    []phone.Progress
}

func (w *world) handset(name string) *handset {
	w.t.Helper()
	h := &handset{t: w.t, network: &network{}}
	h.cfg = phone.Config{
		File: filepath.Join(w.t.TempDir(), name+".db"), Key: key, BaseURL: w.url, DeviceName: name,
		HTTPClient: &http.Client{Transport: h.network}, Clock: w.clock,
		Wait: func(ctx context.Context, d time.Duration) error {
			h.waited += d
			if h.idle != nil {
				h.idle()
			}
			return ctx.Err()
		},
		Progress: func(p phone.Progress) { h.seen = append(h.seen, p) },
	}
	h.open()
	return h
}

func (h *handset) open() {
	h.t.Helper()
	c, err := phone.Open(h.t.Context(), h.cfg)
	must(h.t, err)
	h.Client = c
	h.t.Cleanup(func() { c.Close() })
}

// restart closes the app and opens it again.
func (h *handset) restart() {
	h.t.Helper()
	must(h.t, h.Close())
	h.open()
}

// enter signs in, claims the card with the code and syncs.
func (h *handset) enter(code string) *phone.Card {
	h.t.Helper()
	h.signIn()
	id, err := h.Claim(h.t.Context(), code)
	must(h.t, err)
	h.sync()
	return h.Card(id)
}

func (h *handset) signIn() {
	h.t.Helper()
	c, err := h.SignIn(h.t.Context(), "+79161234567", password)
	must(h.t, err)
	must(h.t, h.SecondFactor(h.t.Context(), c.ID, smsCode))
}

func (h *handset) sync() phone.Report {
	h.t.Helper()
	r, err := h.Sync(h.t.Context())
	must(h.t, err)
	return r
}

// network is the way to the server, with faults.
type network struct {
	down  atomic.Bool
	fault func(*http.Request) fault // nil = none
}

type fault struct {
	before error // the request never arrives
	after  error // it arrives, its answer does not
	cut    int   // of the answer arrive so many bytes; 0 = all
}

var errNoSignal = errors.New("no signal")

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	if n.down.Load() {
		return nil, errNoSignal
	}
	var f fault
	if n.fault != nil {
		f = n.fault(r)
	}
	if f.before != nil {
		return nil, f.before
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if f.after != nil {
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		return nil, f.after
	}
	if f.cut > 0 {
		res.Body = &cutBody{ReadCloser: res.Body, left: f.cut}
	}
	return res, nil
}

type cutBody struct {
	io.ReadCloser
	left int
}

func (c *cutBody) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, errors.New("connection reset by peer")
	}
	n, err := c.ReadCloser.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

func visit(reason string, day int) card.Visit {
	v := card.Visit{}
	v.Period.Start = card.DateOf(time.Date(2026, 10, 1+day, 9, 0, 0, 0, time.UTC))
	v.Reasons = []card.Concept{{Text: reason}}
	return v
}

func reasonOf(v card.Visit) string {
	if len(v.Reasons) == 0 {
		return ""
	}
	return v.Reasons[0].Label()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
