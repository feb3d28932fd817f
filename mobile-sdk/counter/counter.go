package counter

import (
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/document"
	"github.com/medcard/medcard/qr/foreign"
	"github.com/medcard/medcard/qr/trust"
)

// Config is what a counter needs. Bearer and Server may be missing where only Verify is used.
type Config struct {
	Dir    string   // a folder of its own for what was fetched
	Server string   // base URL
	Roots  []qr.Key // pinned roots of trust: the current one, then its successor

	Foreign foreign.Keys // of issuers of foreign certificates that are believed; nil = they are recognised, and not checked
	Regions []uint8      // whose status lists are held; nil = those of all

	// Bearer yields an access token for a pharmacy's system; package credential makes one.
	Bearer func(context.Context) (string, error)
	// Dictionary gives the full name of a medicine's code; nil = names are not compared.
	Dictionary func(code uint32) (name string, known bool)
	// DeviceKey signs receipts of what is handed out without a network: an Ed25519 key in the phone's own keystore; nil = one in Dir.
	DeviceKey crypto.Signer
	HTTP      *http.Client // nil = one with a deadline
}

// Counter is the client. It is safe for concurrent use.
type Counter struct {
	config Config
	server *url.URL

	mu      sync.Mutex
	cache   *trust.Cache
	shelf   shelf
	handled map[qr.TokenID]time.Time // handed out here, until when that matters

	accounts map[qr.TokenID]account // what is known of prescriptions of which something was handed out
	book     book
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
	c.cache.Raise(c.shelf.readFloor())
	c.handled, c.accounts, c.book.dir = c.shelf.readHandled(), map[qr.TokenID]account{}, config.Dir
	if err := c.openBook(); err != nil {
		return nil, err
	}
	c.readAccounts()
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
	// Foreign is what somebody else's certificate says. The answer about it stands in there; Verdict says NO, for it is none of ours.
	Foreign *foreign.Certificate
}

// NotOurs is why a foreign certificate is nothing to hand medicines out on.
const NotOurs trust.Reason = "not_ours"

// Verify checks a code against what was fetched last. It never touches the network.
func (c *Counter) Verify(text string, now time.Time) Verdict {
	if other, known := foreign.Read(text, c.config.Foreign, now); known {
		return Verdict{Verdict: trust.Verdict{Answer: trust.No, Reasons: []trust.Reason{NotOurs}}, Foreign: &other}
	}
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
