package httpapi

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"reflect"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"github.com/medcard/medcard/app/syncing"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/sync/wire"
)

// streamDeadline bounds a whole streamed answer: a phone on a slow line takes the rest with its next request.
const streamDeadline = 3 * time.Minute

// syncRoutes are the phones' delta sync. The requests are read by package wire, more strictly than huma would; the answers are
// streamed line by line, which huma cannot do on Fiber.
func (a *API) syncRoutes() {
	const tag = "sync"
	route := func(id, method, path, summary string, opens Opens, long bool) Route {
		return Route{ID: id, Method: method, Path: path, Summary: summary, Tag: tag, Access: Patients().For(opens), MaxBody: wire.MaxBody, Long: long}
	}
	a.raw(route("syncDevices", http.MethodPost, "/v1/sync/devices", "Get this device's actor on each card", Copy, false), body[wire.DevicesRequest, wire.DevicesResponse](a),
		func(c *fiber.Ctx) error {
			in, err := decode[wire.DevicesRequest](c)
			if err != nil {
				return err
			}
			out, err := a.Syncing.Devices(c.UserContext(), actorFrom(c.UserContext()), in)
			if err != nil {
				return err
			}
			return sendJSON(c, out)
		})
	a.raw(route("syncHead", http.MethodGet, "/v1/sync/head", "Is there news? 304 when not (ETag)", Copy, false), a.describeHead, a.syncHead)
	a.raw(route("syncPush", http.MethodPost, "/v1/sync/push", "Send the edits of one card", Edits, false), body[wire.PushRequest, wire.PushResponse](a),
		func(c *fiber.Ctx) error {
			in, err := decode[wire.PushRequest](c)
			if err != nil {
				return err
			}
			out, err := a.Syncing.Push(c.UserContext(), actorFrom(c.UserContext()), in, requestID(c.UserContext()))
			if err != nil {
				return err
			}
			return sendJSON(c, out)
		})
	a.raw(route("syncCheck", http.MethodPost, "/v1/sync/check", "Find out where this device's copy of a card is damaged", Copy, false), body[wire.CheckRequest, wire.CheckResponse](a),
		func(c *fiber.Ctx) error {
			in, err := decode[wire.CheckRequest](c)
			if err != nil {
				return err
			}
			out, err := a.Syncing.Check(c.UserContext(), actorFrom(c.UserContext()), in, requestID(c.UserContext()))
			if err != nil {
				return err
			}
			return sendZipped(c, out)
		})
	a.raw(route("syncPull", http.MethodPost, "/v1/sync/pull", "Get what is new, as a stream of lines", ReadersCard, true), lines[wire.PullRequest](a), func(c *fiber.Ctx) error {
		in, err := decode[wire.PullRequest](c)
		if err != nil {
			return err
		}
		both := wire.SyncRequest{Device: in.Device, MaxBytes: in.MaxBytes}
		for _, ask := range in.Cards {
			both.Cards = append(both.Cards, wire.SyncCard{PullCard: ask})
		}
		return a.stream(c, both)
	})
	a.raw(route("sync", http.MethodPost, "/v1/sync", "Send edits and get what is new, in one round trip; 204: nothing is", ReadersCard, true), lines[wire.SyncRequest](a), func(c *fiber.Ctx) error {
		in, err := decode[wire.SyncRequest](c)
		if err != nil {
			return err
		}
		return a.stream(c, in)
	})
}

func (a *API) syncHead(c *fiber.Ctx) error {
	var cards []card.ID
	for id := range strings.SplitSeq(c.Query("cards"), ",") {
		if !isUUID.MatchString(id) {
			return errInvalid.At("query.cards", "must be UUIDs in lower case, separated by commas")
		}
		cards = append(cards, card.ID(id))
	}
	if len(cards) == 0 || len(cards) > wire.MaxCards {
		return errInvalid.At("query.cards", "name 1 to 32 cards, separated by commas")
	}
	head, tag, err := a.Syncing.Head(c.UserContext(), actorFrom(c.UserContext()), cards)
	if err != nil {
		return err
	}
	tag = `"` + tag + `"`
	c.Set(fiber.HeaderETag, tag)
	if c.Get(fiber.HeaderIfNoneMatch) == tag {
		// Phones get this answer more often than any other, and often over a slow line: 250 bytes at most. The security headers stay.
		c.Response().Header.Del("X-Request-Id")
		return c.SendStatus(http.StatusNotModified)
	}
	return sendJSON(c, head)
}

// stream answers with lines, or with 204 where there are none to tell. The first page is made before the answer begins, the rest after the
// handler has returned: what they need of the request is copied before.
func (a *API) stream(c *fiber.Ctx, in wire.SyncRequest) error {
	actor, request := actorFrom(c.UserContext()), requestID(c.UserContext())
	if _, err := syncing.DeviceOf(actor, in.Device); err != nil { // while there can still be a status
		return err
	}
	ctx, cancel := context.WithTimeout(a.streaming, streamDeadline)
	var failed error // which is known when next has no more
	next, stop := iter.Pull(func(yield func([]wire.Line) bool) {
		failed = a.Syncing.Stream(ctx, actor, in, request, func(page []wire.Line) error {
			if !yield(page) {
				return errHungUp
			}
			return nil
		})
	})
	page, some := next()
	if !some {
		cancel()
		if failed != nil {
			return failed
		}
		// As often asked as the head, and as short.
		c.Response().Header.Del("X-Request-Id")
		return c.SendStatus(http.StatusNoContent)
	}
	zipped := takesGzip(c)
	c.Set(fiber.HeaderContentType, "application/x-ndjson")
	c.Set(fiber.HeaderVary, fiber.HeaderAcceptEncoding)
	if zipped {
		c.Set(fiber.HeaderContentEncoding, "gzip")
	}
	c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
		defer cancel()
		defer stop()
		defer func() { // the net of observe is not below this function
			if r := recover(); r != nil {
				a.log.Error("panic in a stream", "request", request, "type", fmt.Sprintf("%T", r), "stack", string(debug.Stack()))
			}
		}()
		err := writePages(w, zipped, page, next)
		if err == nil {
			err = failed
		}
		if err != nil && ctx.Err() == nil {
			a.log.Warn("stream ended early", "request", request, "cause", describe(err))
		}
	})
	return nil
}

// errHungUp ends the making of pages that nobody reads any more.
var errHungUp = errors.New("httpapi: the phone is gone")

// takesGzip says whether the client asks for it: no header means any, for Fiber.
func takesGzip(c *fiber.Ctx) bool {
	return c.Get(fiber.HeaderAcceptEncoding) != "" && c.AcceptsEncodings("gzip") == "gzip"
}

// zippers are used again and again: to make one takes longer than to zip a small answer.
var zippers = sync.Pool{New: func() any {
	z, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil {
		panic(err) // there is such a level
	}
	return z
}}

// writePages writes a page and those that follow it.
func writePages(w *bufio.Writer, zipped bool, page []wire.Line, next func() ([]wire.Line, bool)) error {
	flush := w.Flush
	out := wire.NewLineWriter(w)
	if zipped {
		z := zippers.Get().(*gzip.Writer) //nolint:forcetypeassert // nothing else is put there
		z.Reset(w)
		out = wire.NewLineWriter(z)
		flush = func() error { return errors.Join(z.Flush(), w.Flush()) }
		defer func() {
			_ = z.Close() // the connection's own end says whether all came through
			zippers.Put(z)
		}()
	}
	for some := true; some; page, some = next() {
		for _, line := range page {
			if err := out.Write(line); err != nil {
				return err
			}
		}
		if err := flush(); err != nil {
			return err
		}
	}
	return nil
}

// decode reads a body of package wire.
func decode[T wire.Request](c *fiber.Ctx) (T, error) {
	if !isJSON(c) {
		var none T
		return none, errMediaType
	}
	in, err := wire.Decode[T](c.Body())
	if err == nil {
		return in, nil
	}
	f := errInvalid
	switch {
	case errors.Is(err, wire.ErrTooLarge):
		f = errTooLarge
	case errors.Is(err, wire.ErrMalformed):
		f = errMalformed
	case errors.Is(err, wire.ErrUnknownField):
		f = errUnknownField
	}
	var place *wire.FieldError
	if errors.As(err, &place) {
		f = f.At(placeOf("body."+place.Path), place.Why)
	}
	return in, f
}

// zipFrom is the size below which zipping does not pay.
const zipFrom = 2 << 10

// sendZipped is sendJSON for answers that may be long.
func sendZipped(c *fiber.Ctx, v any) error {
	if err := sendJSON(c, v); err != nil {
		return err
	}
	c.Set(fiber.HeaderVary, fiber.HeaderAcceptEncoding)
	plain := c.Response().Body()
	if len(plain) < zipFrom || !takesGzip(c) {
		return nil
	}
	var zipped bytes.Buffer
	z := zippers.Get().(*gzip.Writer) //nolint:forcetypeassert // nothing else is put there
	defer zippers.Put(z)
	z.Reset(&zipped)
	if _, err := z.Write(plain); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	c.Set(fiber.HeaderContentEncoding, "gzip")
	return c.Send(zipped.Bytes())
}

func sendJSON(c *fiber.Ctx, v any) error {
	b, err := wire.Marshal(v)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	return c.Send(b)
}

// body describes a route by the types of its request and answer.
func body[I, O any](a *API) func(*huma.Operation) {
	return func(op *huma.Operation) {
		op.RequestBody = &huma.RequestBody{Required: true, Content: content[I](a, "application/json")}
		op.Responses = map[string]*huma.Response{"200": {Description: "OK", Content: content[O](a, "application/json")}}
	}
}

// lines describes a route that answers with a stream of lines.
func lines[I any](a *API) func(*huma.Operation) {
	return func(op *huma.Operation) {
		op.RequestBody = &huma.RequestBody{Required: true, Content: content[I](a, "application/json")}
		op.Responses = map[string]*huma.Response{"200": {
			Description: "One of these a line, until the connection ends; a page counts only with its end line",
			Content:     content[wire.Line](a, "application/x-ndjson"),
		}, "204": {Description: "Nothing new in any card, to a device that is calm"}}
	}
}

func content[T any](a *API, mediaType string) map[string]*huma.MediaType {
	return map[string]*huma.MediaType{mediaType: {Schema: huma.SchemaFromType(a.huma.OpenAPI().Components.Schemas, reflect.TypeFor[T]())}}
}

func (a *API) describeHead(op *huma.Operation) {
	op.Parameters = append(op.Parameters,
		&huma.Param{Name: "cards", In: "query", Required: true, Description: "Ids of cards, separated by commas", Schema: &huma.Schema{Type: "string"}},
		&huma.Param{Name: "If-None-Match", In: "header", Schema: &huma.Schema{Type: "string"}})
	op.Responses = map[string]*huma.Response{"200": {Description: "OK", Content: content[wire.HeadResponse](a, "application/json")}, "304": {Description: "Nothing new"}}
}
