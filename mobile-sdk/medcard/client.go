package medcard

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// Options say how to open a client. Made by NewOptions; what is set afterwards has defaults.
type Options struct {
	DeviceName string         // shown to the person in the list of sessions
	Progress   Progress       // told after each page of a sync; null = nobody
	Uploads    UploadProgress // told after each piece of a file that arrived at the server; null = nobody
	AuditAlarm AuditAlarm     // told when the server's audit log does not hold; null = nobody
	Log        Log            // what happens in the background; null = nowhere
	ScopeKeys  ScopeKeys      // where the keys of scopes stand; null = in the file

	file, address string
	key           []byte
}

// NewOptions holds what is needed: the file (its folder is made if it is missing), its key of 32 bytes from the Android Keystore or
// the iOS Keychain, and the server's address, such as https://card.example.
func NewOptions(file string, key []byte, address string) *Options {
	return &Options{file: file, key: bytes.Clone(key), address: address}
}

// Client is one installation of the app: the encrypted file and the way to the server. It may be used from any thread. Calls that
// read and write the file take milliseconds, calls that speak to the server seconds: neither belongs on the thread that draws.
type Client struct {
	inner *phone.Client
	log   *slog.Logger
	life  context.Context // ends with Close
	end   context.CancelFunc

	mu      sync.Mutex
	stop    context.CancelFunc // of the background sync; nil = none runs
	stopped chan struct{}
}

// callTerm bounds every call to the server but Sync, which moves as much as there is and takes a Cancellation.
const callTerm = time.Minute

// Open opens the file, or makes a new one under the key. It needs no network. The SDK keeps the key in memory while the file
// is open; the options forget it, so each Open wants new ones. sdk.key: the file belongs to another key. sdk.keystore: ScopeKeys failed, or
// the file was opened with them before and is not now.
func Open(o *Options) (client *Client, err error) {
	defer guard(&err)
	if o == nil {
		return nil, errArgument
	}
	log := logTo(o.Log)
	inner, err := phone.Open(context.Background(), phone.Config{
		File: o.file, Key: o.key, BaseURL: o.address, DeviceName: o.DeviceName, Progress: progressTo(o.Progress, log), Uploaded: uploadsTo(o.Uploads, log), Log: log,
		ScopeKeys: keysOf(o.ScopeKeys), AuditAlarm: alarmTo(o.AuditAlarm, log),
	})
	clear(o.key)
	o.key = nil
	if err != nil {
		return nil, err
	}
	c := &Client{inner: inner, log: log}
	c.life, c.end = context.WithCancel(context.Background())
	return c, nil
}

// Close ends all work and the use of the file. What waits in the outbox waits on.
func (c *Client) Close() (err error) {
	defer guard(&err)
	c.halt()
	return c.inner.Close()
}

// Wipe destroys everything that this phone holds: cards, outbox, session, settings. It does not tell the server: call SignOut
// before, where there is time for it. The app also deletes the key from the keystore.
func (c *Client) Wipe() (err error) {
	defer guard(&err)
	c.halt()
	return c.inner.Wipe()
}

// halt ends what is under way.
func (c *Client) halt() {
	c.end()
	c.stopBackground()
}

// Cards lists the ids of the cards on this phone, a JSON array of strings.
func (c *Client) Cards() (list []byte, err error) {
	defer guard(&err)
	ids, err := c.inner.Cards()
	if err != nil {
		return nil, err
	}
	return marshal(texts(ids))
}

// Card gives one card. It may be one that is not on the phone yet: it is empty until a sync brought it.
func (c *Client) Card(id string) (one *Card, err error) {
	defer guard(&err)
	if id == "" {
		return nil, errArgument
	}
	return &Card{inner: c.inner.Card(card.ID(id)), client: c}, nil
}

// term is the context of a short call to the server.
func (c *Client) term() (context.Context, context.CancelFunc) {
	return context.WithTimeout(c.life, callTerm)
}
