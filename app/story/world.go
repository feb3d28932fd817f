// Package story puts a whole Medcard on loopback, with everybody who depends on it: a clinic's system, pharmacies with their
// counter clients, patients with phones, a push carrier. They talk to the server over HTTP as they would outside.
//
// The demo tells its tale in it (tale.go), and the black-box tests of package server try in it what else can happen.
package story

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/oauth"
	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/push/pushtest"
)

// World is one running server and those around it.
type World struct {
	URL    string
	Server *server.Server
	Push   *pushtest.Server // stands for FCM: speaks its HTTP v1 protocol
	Log    *Lines           // everything the server logged
	cfg    config.Config
	dir    string
	codes  *Lines // one-time codes, as development shows them on the console
	ahead  atomic.Int64
	stop   context.CancelFunc
	ended  chan error
}

// Options say where a world keeps its data.
type Options struct {
	Dir      string               // of the database, the keys and the phones; a world may go on where an earlier one ended
	Postgres string               // DSN; empty = SQLite in Dir
	Push     *pushtest.Server     // of an earlier world; nil = a carrier of its own
	Change   func(*config.Config) // of the server's configuration; nil = none
}

// pushProject is the name of the project at the push carrier.
const pushProject = "medcard-story"

// Start opens a world and waits until its server is ready.
func Start(ctx context.Context, o Options) (*World, error) {
	w, err := Begin(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := w.waitReady(ctx); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// Begin opens a world and waits for nothing: its database may be away.
func Begin(ctx context.Context, o Options) (*World, error) {
	w := &World{dir: o.Dir, Push: o.Push, Log: new(Lines), codes: new(Lines), ended: make(chan error, 1)}
	var err error
	if w.Push == nil {
		if w.Push, err = pushtest.Start(pushProject); err != nil {
			return nil, err
		}
	}
	carrier := w.Push
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, carrier.Close())
	}
	w.URL = "http://" + listener.Addr().String()
	w.cfg = config.Config{
		Listen: listener.Addr().String(), Data: filepath.Join(o.Dir, "server"), Postgres: o.Postgres, PublicURL: w.URL, Issuer: "medcard", Zone: "Europe/Moscow",
		FCMProject: pushProject, FCMEndpoint: carrier.Endpoint(), MailFrom: "medcard@localhost", ShutdownGrace: 5 * time.Second,
	}
	if o.Change != nil {
		o.Change(&w.cfg)
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	w.stop = stop
	if w.Server, err = server.New(running, w.cfg, server.Options{
		Version: "story", Clock: w.Now, Log: slog.New(slog.NewJSONHandler(w.Log, nil)), Console: w.codes,
	}); err != nil {
		stop()
		return nil, errors.Join(err, listener.Close(), carrier.Close())
	}
	go func() { w.ended <- w.Server.Run(running, listener) }()
	return w, nil
}

func (w *World) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.URL+"/readyz", nil)
		if err != nil {
			return err
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case err := <-w.ended:
			w.ended <- err
			return fmt.Errorf("the server ended: %w", err)
		case <-ctx.Done():
			return errors.New("the server did not become ready")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Close stops the server and waits for it, and for the push carrier.
func (w *World) Close() error { return errors.Join(w.Stop(), w.Push.Close()) }

// Stop stops the server as a signal does and waits for it; the carrier goes on.
func (w *World) Stop() error {
	w.stop()
	err := <-w.ended
	w.ended <- err
	return err
}

// Now is the world's clock, for everybody in it.
func (w *World) Now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

// Skip moves the clock ahead.
func (w *World) Skip(d time.Duration) { w.ahead.Add(int64(d)) }

// Register makes a client of an organisation, as an operator would.
func (w *World) Register(ctx context.Context, kind identity.ActorKind, name string) (identity.ClientID, *Key, error) {
	key, public, err := newKey()
	if err != nil {
		return "", nil, err
	}
	client, err := w.Server.Clients.AddClient(ctx, oauth.NewClient{Kind: kind, Name: name, Keys: public})
	return client.ID, key, err
}

var sixDigits = regexp.MustCompile(`\b\d{6}\b`)

// Code waits for the newest one-time code that went to the phone number or e-mail address, and takes it.
func (w *World) Code(ctx context.Context, to string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for {
		if line, found := w.codes.take(" to " + to + ":"); found {
			if code := sixDigits.FindString(line[strings.Index(line, to)+len(to):]); code != "" {
				return code, nil
			}
		}
		select {
		case <-ctx.Done():
			return "", errors.New("no one-time code came")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// folder makes a folder for one of the world's people.
func (w *World) folder(name string) (string, error) {
	dir := filepath.Join(w.dir, name)
	return dir, os.MkdirAll(dir, 0o700)
}

// Network is an HTTP transport that can be switched off, as a tunnel or a cellar does it.
type Network struct {
	off   atomic.Bool
	bytes sync.Map // path -> *atomic.Int64: of requests and answers
}

// ErrNoNetwork is what a request meets while the network is off.
var ErrNoNetwork = errors.New("story: no network")

// Off switches the network off, or on again.
func (n *Network) Off(off bool) { n.off.Store(off) }

// RoundTrip sends a request while there is a network.
func (n *Network) RoundTrip(r *http.Request) (*http.Response, error) {
	if n.off.Load() {
		return nil, ErrNoNetwork
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	n.count(r.URL.Path, headOf(r.Header)+len(r.URL.RequestURI())+headOf(response.Header))
	response.Body = counted{response.Body, func(read int) { n.count(r.URL.Path, read) }}
	return response, nil
}

// Traffic is how many bytes requests to a path and their answers took, without the body of a request.
func (n *Network) Traffic(path string) int64 {
	if sum, met := n.bytes.Load(path); met {
		return sum.(*atomic.Int64).Load() //nolint:forcetypeassert // nothing else is put there
	}
	return 0
}

func (n *Network) count(path string, more int) {
	sum, _ := n.bytes.LoadOrStore(path, new(atomic.Int64))
	sum.(*atomic.Int64).Add(int64(more)) //nolint:forcetypeassert // nothing else is put there
}

func headOf(h http.Header) (size int) {
	for name, values := range h {
		for _, v := range values {
			size += len(name) + len(v) + len(": \r\n")
		}
	}
	return size
}

// counted tells of each read.
type counted struct {
	io.ReadCloser
	read func(int)
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.read(n)
	return n, err
}

// Client is an HTTP client on the network.
func (n *Network) Client() *http.Client { return &http.Client{Transport: n, Timeout: 30 * time.Second} }

// Lines is a writer that keeps what was written, by lines.
type Lines struct {
	mu   sync.Mutex
	text []string
	rest string
}

// Write takes text in.
func (l *Lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	parts := strings.Split(l.rest+string(p), "\n")
	l.rest = parts[len(parts)-1]
	l.text = append(l.text, parts[:len(parts)-1]...)
	return len(p), nil
}

// All gives every line so far.
func (l *Lines) All() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.text...)
}

// take removes the newest line that holds the text.
func (l *Lines) take(text string) (string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := len(l.text) - 1; i >= 0; i-- {
		if strings.Contains(l.text[i], text) {
			line := l.text[i]
			l.text = append(l.text[:i], l.text[i+1:]...)
			return line, true
		}
	}
	return "", false
}
