package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// How strictly the door reads, beyond what huma and Fiber do: what one database would take and the other not never gets that far.

// careful is JSON that is UTF-8 and holds no NUL: PostgreSQL keeps no such text, SQLite does.
var careful = huma.Format{
	Marshal: huma.DefaultJSONFormat.Marshal,
	Unmarshal: func(data []byte, v any) error {
		if !utf8.Valid(data) || holdsNUL(data) {
			return errText
		}
		return json.Unmarshal(data, v)
	},
}

var errText = errors.New("httpapi: text that is not UTF-8, or holds a NUL")

// holdsNUL looks for the escape of a NUL in JSON text. Behind an even number of backslashes the u is a plain letter.
func holdsNUL(data []byte) bool {
	for i := 0; ; i++ {
		at := bytes.Index(data[i:], []byte(`\u0000`))
		if at < 0 {
			return false
		}
		i += at
		escapes := 0
		for n := i; n >= 0 && data[n] == '\\'; n-- {
			escapes++
		}
		if escapes%2 == 1 {
			return true
		}
	}
}

// isJSON reports whether the body says that it is JSON, or says nothing.
func isJSON(c *fiber.Ctx) bool {
	named := c.Get(fiber.HeaderContentType)
	kind, _, err := mime.ParseMediaType(named)
	return named == "" || err == nil && kind == fiber.MIMEApplicationJSON
}

// aUUID is a UUID as this API writes it. PostgreSQL reads several other spellings and SQLite none, and what is sealed is bound to
// the one.
const aUUID = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"

var isUUID = regexp.MustCompile(aUUID)

// tighten makes every schema of a UUID ask for that spelling.
func tighten(doc *huma.OpenAPI) {
	seen := map[*huma.Schema]bool{}
	var visit func(*huma.Schema)
	visit = func(s *huma.Schema) {
		if s == nil || seen[s] {
			return
		}
		seen[s] = true
		if s.Format == "uuid" {
			s.Pattern, s.PatternDescription = aUUID, "a UUID in lower case"
			s.PrecomputeMessages()
		}
		for _, p := range s.Properties {
			visit(p)
		}
		visit(s.Items)
	}
	for _, s := range doc.Components.Schemas.Map() {
		visit(s)
	}
	for _, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op == nil {
				continue
			}
			for _, p := range op.Parameters {
				visit(p.Schema)
			}
		}
	}
}

// onlyKnown refuses query parameters that a bare route does not describe, as huma does for its operations.
func onlyKnown(r Route, parameters []*huma.Param) fiber.Handler {
	var names []string
	for _, p := range parameters {
		if p.In == "query" {
			names = append(names, p.Name)
		}
	}
	if r.FHIR {
		names = append(names, "_format", "_pretty") // every FHIR client may send them
	}
	return func(c *fiber.Ctx) error {
		if r.Lenient {
			return c.Next()
		}
		var unknown []string
		for name := range c.Request().URI().QueryArgs().All() {
			if !slices.Contains(names, string(name)) {
				unknown = append(unknown, string(name))
			}
		}
		if len(unknown) == 0 {
			return c.Next()
		}
		f := errUnknownField
		for _, name := range unknown {
			f = f.At(placeOf("query."+name), "unknown query parameter")
		}
		return f
	}
}

// readable refuses addresses whose query is no text.
func readable(c *fiber.Ctx) error {
	for name, value := range c.Request().URI().QueryArgs().All() {
		for _, text := range [][]byte{name, value} {
			if !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
				return errInvalid.At("query", "is not UTF-8, or holds a NUL")
			}
		}
	}
	return nil
}

// limitBodies says how much of a body is read at all, once its headers are there. fasthttp reads it whole before the gate is asked:
// without this, anybody could have 16 MiB read into memory on every connection.
func limitBodies(routes []Route) func(*fasthttp.RequestHeader) fasthttp.RequestConfig {
	large := map[string]Route{}
	var open []Route // those with parameters in their address
	for _, r := range routes {
		switch {
		case r.maxBody() <= defaultBody:
		case strings.Contains(r.Path, "{"):
			open = append(open, r)
		default:
			large[r.Method+" "+strings.ToLower(r.Path)] = r
		}
	}
	return func(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
		path, _, _ := strings.Cut(string(h.RequestURI()), "?")
		path = strings.ToLower(strings.TrimSuffix(path, "/")) // as Fiber takes addresses
		r, found := large[string(h.Method())+" "+path]
		if at := slices.IndexFunc(open, func(r Route) bool { return r.Method == string(h.Method()) && r.leads(path) }); at >= 0 {
			r, found = open[at], true
		}
		if !found || len(r.Access.kinds) > 0 && len(h.Peek(fiber.HeaderAuthorization)) == 0 {
			return fasthttp.RequestConfig{MaxRequestBodySize: defaultBody}
		}
		return fasthttp.RequestConfig{MaxRequestBodySize: int(r.maxBody())}
	}
}

// leads reports whether an address in lower case is one of the route's.
func (r Route) leads(path string) bool {
	want, have := strings.Split(strings.ToLower(r.Path), "/"), strings.Split(path, "/")
	return len(want) == len(have) && !slices.ContainsFunc(want, func(segment string) bool {
		is := have[0]
		have = have[1:]
		return segment != is && !strings.HasPrefix(segment, "{")
	})
}

// knownMethods answers what has no method of HTTP, for which Fiber has a line of plain text.
func (a *API) knownMethods(next fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		if slices.Contains(fiber.DefaultMethods, string(ctx.Method())) {
			next(ctx)
			return
		}
		c := a.app.AcquireCtx(ctx)
		defer a.app.ReleaseCtx(c)
		if err := a.fail(c, fiber.ErrMethodNotAllowed); err != nil {
			ctx.SetStatusCode(fiber.StatusMethodNotAllowed)
		}
	}
}
