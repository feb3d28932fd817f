package counter

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/document"
	"github.com/medcard/medcard/qr/trust"
)

// Config is what a counter needs. Bearer and Server may be missing where only Verify is used.
type Config struct {
	Dir    string   // a folder of its own for what was fetched
	Server string   // base URL
	Roots  []qr.Key // pinned roots of trust: the current one and its successor

	// Bearer yields an access token for a pharmacy's system; package credential makes one.
	Bearer func(context.Context) (string, error)
	// Dictionary gives the full name of a medicine's code; nil = names are not compared.
	Dictionary func(code uint32) (name string, known bool)
	HTTP       *http.Client // nil = one with a deadline
}

// Counter is the client. It is safe for concurrent use.
type Counter struct {
	config Config
	server *url.URL

	mu      sync.Mutex
	cache   *trust.Cache
	shelf   shelf
	handled map[qr.TokenID]time.Time // handed out here, until when that matters
}

// Open opens the folder, or makes it, and believes of its content what is still signed by a pinned root.
func Open(config Config) (*Counter, error) {
	cache, err := trust.NewCache(config.Roots...)
	if err != nil {
		return nil, err
	}
	server, err := url.Parse(strings.TrimSuffix(config.Server, "/"))
	if err != nil {
		return nil, errors.New("counter: the server's address cannot be read")
	}
	// No redirect is followed: a bearer token belongs to one server.
	client := http.Client{Timeout: 15 * time.Second}
	if config.HTTP != nil {
		client = *config.HTTP
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	config.HTTP = &client

	c := &Counter{config: config, server: server, cache: cache}
	if c.shelf, err = openShelf(config.Dir); err != nil {
		return nil, err
	}
	c.handled = c.shelf.readHandled()
	if data, ok := c.shelf.read(keysFile); ok {
		_ = c.cache.AcceptKeys(data) // what is damaged is fetched again; until then nothing can be told
	}
	for _, name := range c.shelf.statusFiles() {
		if data, ok := c.shelf.read(name); ok {
			_, _ = c.cache.AcceptStatus(data) // likewise
		}
	}
	return c, nil
}

// Verdict is what can be told of a code without a network, and what the code says once its signature holds.
type Verdict struct {
	trust.Verdict
	Paper *document.Paper
}

// Verify checks a code against what was fetched last. It never touches the network.
func (c *Counter) Verify(text string, now time.Time) Verdict {
	c.mu.Lock()
	defer c.mu.Unlock()
	knowledge := trust.Knowledge{
		Longest: document.Longest,
		Seen:    func(id qr.TokenID) bool { _, seen := c.handled[id]; return seen },
	}
	if c.config.Dictionary != nil {
		knowledge.NameFits = document.NameFits(c.config.Dictionary)
	}
	v := Verdict{Verdict: c.cache.Judge(text, knowledge, now)}
	if v.Document != nil {
		if paper, err := document.Read(*v.Document); err == nil {
			v.Paper = &paper
		}
	}
	return v
}

// Sequence is the number of the key set that is held, 0 = none.
func (c *Counter) Sequence() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cache.Keys().Sequence
}

// remember notes a prescription that was handed out in full, so that its code is known here even without a network, and forgets
// those that are no longer valid anyway.
func (c *Counter) remember(held Held) error {
	id, ok := c.identify(held.Code)
	if !ok {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.handled[id] = held.Prescription.ValidUntil
	maps.DeleteFunc(c.handled, func(_ qr.TokenID, until time.Time) bool { return until.Before(held.LeaseUntil) })
	return c.shelf.writeHandled(c.handled)
}

// identify finds the token of a code: a token code says it openly, a signed one once its signature holds.
func (c *Counter) identify(text string) (qr.TokenID, bool) {
	if qr.IsToken(text) {
		id, err := qr.OpenToken(text)
		return id, err == nil
	}
	v := c.Verify(text, time.Time{}) // the time does not matter: only the signature is asked for
	if v.Document == nil {
		return qr.TokenID{}, false
	}
	return v.Document.Claims().Token, true
}

// NewKey makes an idempotency key.
func NewKey() string { return rand.Text() }

// Refresh fetches the key set, then the status lists that it names, each only if it changed. What arrived stays, whatever else
// fails.
func (c *Counter) Refresh(ctx context.Context) error {
	c.mu.Lock()
	held := c.cache.Keys().Sequence > 0
	c.mu.Unlock()
	if err := c.refresh(ctx, wanted{path: "/v1/trust/keys", file: keysFile, held: held}, c.cache.AcceptKeys); err != nil {
		return err
	}
	var failed error
	c.mu.Lock()
	lists := slices.Clone(c.cache.Keys().Lists)
	c.mu.Unlock()
	for _, n := range lists {
		c.mu.Lock()
		held := c.cache.HoldsStatus(n)
		c.mu.Unlock()
		// As a pharmacy: only those are told what was handed out.
		what := wanted{path: fmt.Sprintf("/v1/trust/status/%d", n), file: statusFile(n), held: held, authorised: true}
		failed = errors.Join(failed, c.refresh(ctx, what, func(data []byte) error {
			got, err := c.cache.AcceptStatus(data)
			if err == nil && got != n {
				err = fmt.Errorf("%w: it is another list", trust.ErrFormat)
			}
			return err
		}))
	}
	return failed
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
	return c.shelf.write(what.file, data, etag)
}
