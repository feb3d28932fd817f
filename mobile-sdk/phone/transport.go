package phone

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/medcard/medcard/mobile-sdk/problem"
	"github.com/medcard/medcard/sync/wire"
)

// call is one request to the server.
type call struct {
	method string
	path   string
	query  url.Values
	header http.Header
	body   any
	raw    []byte // in place of body: bytes as they are, with a Content-Type among the headers
	into   any    // where the answer's JSON goes; nil = nowhere
	open   bool   // needs no session
	once   bool   // must not be sent a second time of its own accord
}

const (
	maxAnswer  = 8 << 20                // of an answer that is not a stream
	maxText    = 64 << 10               // of an answer that is a text
	zipFrom    = 2 << 10                // a body below is not worth zipping
	tries      = 4                      // of one request
	firstPause = 500 * time.Millisecond // before the second try; it doubles
	longest    = 30 * time.Second       // of one pause
	silence    = time.Minute            // without a byte: the connection is dead
)

func defaultHTTP() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // documented to be one
	t.ResponseHeaderTimeout = silence
	return &http.Client{
		Transport: t,
		// A redirect is not part of the protocol; whoever redirects is a captive portal.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// do makes a call and reads its answer.
func (c *Client) do(ctx context.Context, call call) error {
	res, err := c.send(ctx, call)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if call.into == nil || res.StatusCode == http.StatusNoContent {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return offline(ctx, err)
	}
	if json.Unmarshal(body, call.into) != nil {
		return ErrAnswer // not its error, which may quote the answer
	}
	return nil
}

// fetchText makes a call to an open route that answers with a text.
func (c *Client) fetchText(ctx context.Context, path string) (string, error) {
	res, err := c.send(ctx, call{method: http.MethodGet, path: path, open: true})
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxText))
	if err != nil {
		return "", offline(ctx, err)
	}
	return string(text), nil
}

// send makes a call, tries again what may pass, and renews the session when its time has come. An answer that is returned
// is a success (or 304), its body still unread.
func (c *Client) send(ctx context.Context, call call) (*http.Response, error) {
	body, zipped, err := encode(call.body)
	if err != nil {
		return nil, err
	}
	if call.raw != nil {
		body = call.raw
	}
	pause := firstPause
	for n := 1; ; n++ {
		res, err := c.authorised(ctx, call, body, zipped)
		if err == nil || call.once || n == tries || !passing(err) || ctx.Err() != nil {
			return res, err
		}
		if err := c.rest(ctx, err, &pause); err != nil {
			return nil, err
		}
	}
}

// rest waits before another try: as long as the server says, else longer each time.
func (c *Client) rest(ctx context.Context, why error, pause *time.Duration) error {
	d := c.between(*pause/2, *pause)
	var p *problem.Problem
	if errors.As(why, &p) && p.RetryAfter > 0 {
		if p.RetryAfter > longest {
			return why // longer than anybody looks at a screen
		}
		d = c.between(p.RetryAfter, p.RetryAfter+*pause/2)
	}
	*pause = min(2**pause, longest)
	return c.wait(ctx, d)
}

// authorised makes one try, and a second one if the server does not take the access token any more.
func (c *Client) authorised(ctx context.Context, call call, body []byte, zipped bool) (*http.Response, error) {
	if call.open {
		return c.proved(ctx, call, body, zipped, tokens{})
	}
	t, err := c.access(ctx, "")
	if err != nil {
		return nil, err
	}
	res, err := c.proved(ctx, call, body, zipped, t)
	var p *problem.Problem
	if !errors.As(err, &p) || p.Status != http.StatusUnauthorized {
		return res, err
	}
	if t, err = c.access(ctx, t.Access); err != nil {
		return nil, err
	}
	return c.proved(ctx, call, body, zipped, t)
}

// proved makes one try, and a second one if the server says by its own clock that the proof is too old or too new: nothing was done then.
func (c *Client) proved(ctx context.Context, call call, body []byte, zipped bool, t tokens) (*http.Response, error) {
	before := c.prover.told("")
	res, err := c.try(ctx, call, body, zipped, t)
	var p *problem.Problem
	if !errors.As(err, &p) || p.Code != codeUseNonce || c.prover.told("") == before {
		return res, err
	}
	return c.try(ctx, call, body, zipped, t)
}

func (c *Client) try(ctx context.Context, call call, body []byte, zipped bool, t tokens) (*http.Response, error) {
	address := *c.base
	address.Path += call.path
	address.RawQuery = call.query.Encode()
	// Not the caller's context itself: the guard over the answer's body must be able to end the request.
	guarded, cancel := context.WithCancelCause(ctx)
	req, err := http.NewRequestWithContext(guarded, call.method, address.String(), bytes.NewReader(body))
	if err != nil {
		cancel(nil)
		return nil, fail("make a request", err)
	}
	for name, values := range call.header {
		req.Header[name] = values
	}
	if body != nil && call.raw == nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if zipped {
		req.Header.Set("Content-Encoding", "gzip")
	}
	if err := c.introduce(req, call, t); err != nil {
		cancel(nil)
		return nil, err
	}
	var connected atomic.Bool
	req = req.WithContext(httptrace.WithClientTrace(guarded, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}))
	res, err := c.http.Do(req)
	if err != nil {
		cancel(nil)
		if !connected.Load() && ctx.Err() == nil {
			return nil, fmt.Errorf("%w: %w", errUnreachable, withoutAddress(err))
		}
		return nil, offline(ctx, err)
	}
	if res.StatusCode >= 200 && res.StatusCode < 300 || res.StatusCode == http.StatusNotModified {
		res.Body = guard(res.Body, cancel)
		return res, nil
	}
	defer cancel(nil)
	defer res.Body.Close()
	c.prover.told(res.Header.Get(headerNonce))
	return nil, problem.From(res)
}

// introduce says and proves who makes a request. One without tokens that changes something may be asking for some, which are bound to the
// key that it proves.
func (c *Client) introduce(req *http.Request, call call, t tokens) error {
	switch {
	case t.Type == bound:
		req.Header.Set("Authorization", bound+" "+t.Access)
		return c.prove(req, t.Access)
	case t.Access != "":
		req.Header.Set("Authorization", bearer+" "+t.Access)
	case call.open && call.method == http.MethodPost:
		return c.prove(req, "")
	}
	return nil
}

// errUnreachable says that not even a connection came about. Trying again at once would only keep the person waiting: either
// there is no network, or Run will try later.
var errUnreachable = fmt.Errorf("%w: no connection", ErrOffline)

// offline names a failure of the network. A context that has ended keeps its own error.
func offline(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return fmt.Errorf("%w: %w", ErrOffline, withoutAddress(err))
}

// withoutAddress takes off what net/http puts around an error: an address may name a card, and errors end in logs.
func withoutAddress(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// zippers are used again: to make one costs more than to zip what a phone has to say.
var zippers = sync.Pool{New: func() any {
	z, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil {
		panic(err) // there is such a level
	}
	return z
}}

// encode writes a body, zipped if that pays.
func encode(v any) (body []byte, zipped bool, err error) {
	if v == nil {
		return nil, false, nil
	}
	if body, err = wire.Marshal(v); err != nil || len(body) < zipFrom {
		return body, false, err
	}
	var b bytes.Buffer
	z := zippers.Get().(*gzip.Writer) //nolint:forcetypeassert // nothing else is put there
	defer zippers.Put(z)
	z.Reset(&b)
	if _, err := z.Write(body); err != nil {
		return nil, false, err
	}
	if err := z.Close(); err != nil {
		return nil, false, err
	}
	return b.Bytes(), true, nil
}

// errSilent ends a request whose answer stopped coming.
var errSilent = errors.New("phone: nothing came for a minute")

// guardedBody is an answer's body that does not wait for ever: phones change between networks, and a connection that died on the way
// gives no error.
type guardedBody struct {
	io.ReadCloser
	timer  *time.Timer
	cancel context.CancelCauseFunc
}

func guard(body io.ReadCloser, cancel context.CancelCauseFunc) io.ReadCloser {
	return &guardedBody{ReadCloser: body, cancel: cancel, timer: time.AfterFunc(silence, func() { cancel(errSilent) })}
}

func (g *guardedBody) Read(p []byte) (int, error) {
	n, err := g.ReadCloser.Read(p)
	g.timer.Reset(silence)
	return n, err
}

func (g *guardedBody) Close() error {
	g.timer.Stop()
	g.cancel(nil)
	return g.ReadCloser.Close()
}
