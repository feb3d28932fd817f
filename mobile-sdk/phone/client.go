package phone

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone/vault"
)

// Config says how to open a client. File, Key and BaseURL are needed, the rest has defaults.
type Config struct {
	File    string // the encrypted file; its folder is made if it is missing
	Key     []byte // 32 bytes from the phone's keystore; never written
	BaseURL string // of the server, e.g. "https://card.example"

	// ScopeKeys is the part of the phone's keystore in which the key of each scope stands; nil = in the file, where a key is destroyed by
	// overwriting alone. Once a file was opened with a keystore it wants it each time.
	ScopeKeys ScopeKeys

	AuditKey   string               // verifies the server's audit log; "" = the one that the server names first, kept from then on
	DeviceName string               // shown to the person in the list of sessions
	Progress   func(Progress)       // told after each page of a sync that was applied
	Uploaded   func(UploadProgress) // told after each piece of a file that arrived at the server
	FileCache  int64                // bytes that the files of a card may take here; 0 = 256 MiB. What only this phone has is kept beyond it
	Indexing   func(Indexing)       // told after each portion of records that became ready for search
	AuditAlarm func(*AuditError)    // told when Run finds that the server's audit log does not hold, once a day until it does or AcceptAuditLog
	Log        *slog.Logger         // what happens in the background: codes and counts, never content; nil = nowhere

	HTTPClient *http.Client                               // nil = one of its own
	Clock      func() time.Time                           // nil = time.Now
	Uptime     func() time.Duration                       // since the phone was switched on, sleep included; nil = as the system says
	Random     io.Reader                                  // nil = crypto/rand
	Wait       func(context.Context, time.Duration) error // how to wait before another try; nil = a timer
}

// ScopeKeys is what an app implements over the Android Keystore or the iOS Keychain, see vault.ScopeKeys.
type ScopeKeys = vault.ScopeKeys

// Client is one installation of the app. It is safe for concurrent use.
type Client struct {
	vault      *vault.Vault
	http       *http.Client
	base       *url.URL
	time       *watch
	random     io.Reader
	wait       func(context.Context, time.Duration) error
	progress   func(Progress)
	uploaded   func(UploadProgress)
	fileCache  int64
	indexing   func(Indexing)
	auditAlarm func(*AuditError)
	log        *slog.Logger

	auditKey    string
	auditing    turnstile    // one check of the audit log at a time
	sighted     atomic.Bool  // somebody looked who saw a card, and Run has not looked at the log since
	unwitnessed atomic.Int64 // when Run asked for the log last and got no answer, in nanoseconds since 1970

	self    installation
	prover  *prover
	session *session
	syncing turnstile // one sync at a time

	keeping   sync.Mutex  // of whoever changes the list of documents that wait
	documents atomic.Bool // whether any do
	wake      chan struct{}

	mu    sync.Mutex
	cards map[card.ID]*Card
}

// What opening refuses with.
var (
	// ErrKey says that the file does not open under the key: it belongs to another one, or is damaged.
	ErrKey = vault.ErrKey
	// ErrKeySize says that the key has not 32 bytes.
	ErrKeySize = vault.ErrKeySize
	// ErrNewer says that a newer version of the SDK wrote the file.
	ErrNewer = vault.ErrNewer
	// ErrKeystore says that ScopeKeys failed, or is missing though the file's keys stand in it.
	ErrKeystore = vault.ErrKeystore
	// ErrDamagedFile says that somebody met a damaged page of the file: Close and Open anew, which rescues what can be read. The session stays
	// if it can be read, else calls fail with ErrSignedOut; the cards are fetched anew; what waits in the outbox waits on. Of edits that
	// cannot be read Losses tells.
	ErrDamagedFile = vault.ErrDamagedFile
	// ErrClosed says that the client was closed or wiped.
	ErrClosed = vault.ErrClosed
)

// Open opens the file, or makes a new one under the key. It needs no network. A damaged file is rescued: see ErrDamagedFile. What was sealed under
// keys that the keystore lost is given up, and comes back with the next Sync.
func Open(_ context.Context, cfg Config) (*Client, error) {
	base, err := url.Parse(strings.TrimSuffix(cfg.BaseURL, "/"))
	if err != nil || base.Host == "" || (base.Scheme != "https" && base.Scheme != "http") {
		return nil, errors.New("phone: BaseURL must be an address such as https://card.example")
	}
	c := &Client{
		base: base, http: cfg.HTTPClient, random: cfg.Random, wait: cfg.Wait, progress: cfg.Progress, uploaded: cfg.Uploaded, fileCache: cfg.FileCache, indexing: cfg.Indexing, auditAlarm: cfg.AuditAlarm, log: cfg.Log,
		auditKey: cfg.AuditKey, auditing: newTurnstile(), syncing: newTurnstile(), wake: make(chan struct{}, 1), cards: map[card.ID]*Card{},
	}
	if c.fileCache == 0 {
		c.fileCache = defaultFileCache
	}
	if c.http == nil {
		c.http = defaultHTTP()
	}
	if c.random == nil {
		c.random = rand.Reader
	}
	if c.wait == nil {
		c.wait = waitFor
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.vault, err = vault.Open(cfg.File, cfg.Key, indexed, vault.Custody{Keys: cfg.ScopeKeys, Random: c.random}); err != nil {
		return nil, err
	}
	if c.vault.Rescued() {
		c.log.Warn("the file was damaged; what could be read is in a new one")
	}
	if err := c.restore(cfg); err != nil {
		return nil, errors.Join(err, c.vault.Close())
	}
	cards, err := c.Cards()
	if err != nil {
		return nil, errors.Join(err, c.vault.Close())
	}
	for _, id := range cards {
		k := c.Card(id)
		if err := k.engine.Refetch(k.store.LostScopes()); err != nil {
			return nil, errors.Join(err, c.vault.Close())
		}
		k.enter() // what may not be opened any more goes now
	}
	return c, nil
}

// restore takes up what the file says of the installation.
func (c *Client) restore(cfg Config) (err error) {
	clock := cfg.Clock
	if clock == nil {
		clock = time.Now
	}
	up := cfg.Uptime
	if up == nil {
		up = uptime
	}
	if c.time, err = newWatch(c.vault, clock, up); err != nil {
		return err
	}
	if c.self, err = loadInstallation(c.vault, c.random, cfg.DeviceName); err != nil {
		return err
	}
	if c.prover, err = loadProver(c.vault); err != nil {
		return err
	}
	waiting, err := c.vault.Load(settingDocuments, new([]keptDocument))
	if err != nil {
		return err
	}
	c.documents.Store(waiting)
	c.session, err = loadSession(c.vault)
	return err
}

// Close ends all work. What waits in the outbox waits on.
func (c *Client) Close() error {
	c.time.keep()
	return c.vault.Close()
}

// Wipe destroys everything that this phone holds: cards, outbox, session, settings. It does not tell the server; call SignOut
// before where there is time for it. The app also deletes the key from the keystore, which makes noise of whatever the memory
// chip still holds.
func (c *Client) Wipe() error {
	c.session.forget()
	return c.vault.Wipe()
}

// Cards lists the cards on this phone.
func (c *Client) Cards() ([]card.ID, error) {
	known, err := c.vault.Cards()
	if err != nil {
		return nil, err
	}
	ids := make([]card.ID, len(known))
	for i, id := range known {
		ids[i] = card.ID(id)
	}
	return ids, nil
}

// Card gives one card. It may be one that is not on the phone yet: then it is empty until Enrol and Sync brought it.
func (c *Client) Card(id card.ID) *Card {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.cards[id]
	if !ok {
		k = newCard(c, id)
		c.cards[id] = k
	}
	return k
}

// waitFor waits with a timer.
func waitFor(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// turnstile is a mutex at which one can give up waiting.
type turnstile chan struct{}

func newTurnstile() turnstile { return make(turnstile, 1) }

func (t turnstile) enter(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	default:
	}
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t turnstile) leave() { <-t }

// between draws a time from low to high, so that a million phones that were woken at once do not come at once.
func (c *Client) between(low, high time.Duration) time.Duration {
	n, err := rand.Int(c.random, bigOf(high-low+1))
	if err != nil {
		return high
	}
	return low + time.Duration(n.Int64())
}

func fail(doing string, err error) error { return fmt.Errorf("phone: %s: %w", doing, err) }
