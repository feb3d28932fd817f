package story

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/medcard/medcard/app/httpapi"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/mobile-sdk/credential"
)

// Bad turns at every route of the table: who may not come in, addresses that are none, bodies that are none. Each is refused in a
// document that programs can read, says nothing of what was sent, and leaves the database as it was.

// cast is who and what the turns are tried with.
type cast struct {
	*World
	openAPI
	known
	t      testing.TB
	tokens map[identity.ActorKind]string
	narrow map[identity.ActorKind]map[string]string // organisations' tokens with one scope alone
	card   card.ID
}

// casting fills a world with a patient who has a card, a phone and a prescription, and with organisations.
func casting(ctx context.Context, t *testing.T, w *World) *cast {
	t.Helper()
	clinic, pharmacy := got(w.Clinic(ctx, "Поликлиника № 7"))(t), got(w.Pharmacy(ctx, "Аптека № 1"))(t)
	id, claim := admitted(ctx, t, clinic)
	anna := somebody("7")
	w.enrol(ctx, t, anna)
	token := str(w.enter(ctx, t, anna), "accessToken")
	got(w.post(ctx, "/v1/cards/claim", token, body{"code": claim}))(t)
	devices := got(w.post(ctx, "/v1/sync/devices", token, body{"cards": []any{body{"card": id}}}))(t)
	cards, _ := devices["cards"].([]any)
	got(w.post(ctx, "/v1/cards/"+string(id)+"/grants", token, body{
		"client": clinic.ID, "scopes": []string{"lab.*"}, "purpose": "TREAT", "ends": w.Now().Add(time.Hour).UTC().Format(time.RFC3339),
	}))(t)
	paper := got(clinic.Prescribe(ctx, id, "bad-turns-0001"))(t)
	c := &cast{
		World: w, openAPI: readDocument(t, w), t: t, card: id,
		known: known{
			"card": id, "client": clinic.ID, "device": anna.device["id"], "actor": number(dig(cards[0], "actor")), "id": paper.ID, "list": w.Now().UTC().Format("200601"),
			"login": "+79161234567", "phone": "+79161234568", "email": "anna@example.org", "deviceSecret": strings.Repeat("s", 32), "scopes": []any{"lab.general"}, "ctx": "", "hlc": "0000000000000001", "n": 1,
			"hash": strings.Repeat("ab", 32), "Upload-Length": len(canary),
			"account": nil, // a grant names an organisation or a person
			"ranges":  []any{body{"count": 1, "sum": "0123456789abcdef"}}, "ids": []any{id},
			"op": "create", "kind": "comment", "atoms": body{"text": body{"v": canary}}, "at": "",
		},
		tokens: map[identity.ActorKind]string{
			identity.Patient: token, identity.Clinic: got(clinic.Token(ctx))(t), identity.Pharmacy: got(pharmacy.Token(ctx))(t), identity.Auditor: got(w.auditor(ctx, t)(ctx))(t),
			identity.Reviewer: w.bureau(ctx, t).clerk(ctx, t, "Орлова Вера Павловна").token,
			identity.Insurer:  w.insurer(ctx, t, "Страховая компания", "23").token,
		},
		narrow: map[identity.ActorKind]map[string]string{},
	}
	for _, kind := range []identity.ActorKind{identity.Clinic, identity.Pharmacy} {
		c.narrow[kind] = map[string]string{}
		name, key, err := w.Register(ctx, kind, "с одним правом")
		ok(t, err)
		for _, scope := range append(slices.Clone(clinicScopes), "system/dispensing.c") {
			source := credential.New(credential.Client{ID: string(name), Key: key, TokenURL: w.URL + "/oauth/token", Scopes: []string{scope}, Clock: w.Now})
			if token, err := source.As(Doctor)(ctx); err == nil { // not every kind may have every scope
				c.narrow[kind][scope] = token
			}
		}
	}
	return c
}

func number(v any) int { n, _ := v.(float64); return int(n) }

// good is the request as documented, with a token that the route takes.
func (c *cast) good(r httpapi.Route) turn {
	u := c.openAPI.good(c.t, c.known, r)
	if kinds := r.Access.Kinds(); len(kinds) > 0 {
		u.token = c.tokens[kinds[0]]
	}
	return u
}

// but is the turn with changes.
func (u turn) but(name string, change func(*turn)) turn {
	u.name, u.headers = name, slices.Clone(u.headers)
	change(&u)
	return u
}

// header replaces a header, or leaves it out when the value is "".
func (u *turn) header(name, value string) {
	u.headers = slices.DeleteFunc(u.headers, func(line string) bool { return strings.HasPrefix(line, name+":") })
	if value != "" {
		u.headers = append(u.headers, name+": "+value)
	}
}

func (u *turn) query(text string) {
	if strings.Contains(u.target, "?") {
		u.target += "&" + text
	} else {
		u.target += "?" + text
	}
}

// wants says how a turn must be refused.
func wants(code string, statuses ...int) func(*turn) {
	return func(u *turn) { u.want, u.code = statuses, code }
}

func TestBadTurns(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		c := casting(ctx, t, w)
		routes := w.Server.API.Routes()
		if len(routes) < 30 {
			t.Fatalf("only %d routes", len(routes))
		}
		group := func(name string, turns func(*testing.T, httpapi.Route)) {
			w.untouched(ctx, t, name, func(t *testing.T) {
				for _, r := range routes {
					turns(t, r)
				}
			})
		}
		group("strangers", c.strangers)
		group("addresses", c.addresses)
		group("bodies", c.bodies)
		group("encodings", c.encodings)
		group("fields", c.fields)
		w.untouched(ctx, t, "methods", c.methods)
		for _, r := range routes { // values that are strange and may be good: what they write is theirs
			c.strange(t, r)
		}
	})
}

var megabytes = make([]byte, 8<<20)

// strangers have no token, none that is one, or one of somebody else.
func (c *cast) strangers(t *testing.T, r httpapi.Route) {
	kinds := r.Access.Kinds()
	good := c.good(r)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	c.refuses(t, good.but("much from nobody", func(u *turn) {
		u.token, u.body = "", megabytes
		if limit(r) <= int64(len(megabytes)) || len(kinds) > 0 {
			wants("body.too_large", 413)(u)
		}
	}))
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 2<<20 {
		t.Errorf("%s: nobody made the server use %d KB", r.Path, used>>10)
	}
	if len(kinds) == 0 {
		c.survives(t, good.but("a token that is none, though none is needed", func(u *turn) { u.token = canary; u.body = nil }))
		return
	}
	c.refuses(t, good.but("no token", func(u *turn) { u.token = ""; wants("token.missing", 401)(u) }))
	for _, token := range []string{canary, "a.b.c", c.tokens[kinds[0]] + "x", strings.Repeat(canary, 300)} {
		c.refuses(t, good.but("a token that is none", func(u *turn) { u.token = token; wants("token.invalid", 401)(u) }))
	}
	c.refuses(t, good.but("another scheme", func(u *turn) {
		u.token = ""
		u.header("Authorization", "Basic "+canary)
		wants("token.missing", 401)(u)
	}))
	for kind, token := range c.tokens {
		if !slices.Contains(kinds, kind) {
			c.refuses(t, good.but("a "+kind.String(), func(u *turn) { u.token = token; wants("actor.not_allowed", 403)(u) }))
		}
	}
	for _, kind := range kinds {
		for scope, token := range c.narrow[kind] {
			if r.Access.Scope() != "" && scope != r.Access.Scope() {
				c.refuses(t, good.but("the scope "+scope, func(u *turn) { u.token = token; wants("scope.missing", 403)(u) }))
			}
		}
	}
}

// addresses have parameters that are none, and headers that are too much.
func (c *cast) addresses(t *testing.T, r httpapi.Route) {
	good := c.good(r)
	for _, p := range c.parameters(r) {
		if p.in != "path" {
			continue
		}
		broken := []string{canary, "%00", "%FF%FE", "..%2f" + canary, strings.Repeat("9", 40), "%D0%BA", canary + strings.Repeat("x", 8000)}
		if p.schema["format"] == "uuid" {
			id := uuid.NewString()
			broken = append(broken, strings.ReplaceAll(id, "-", ""), "%7B"+id+"%7D", "urn:uuid:"+id, id[:35], id+"0", id+"%00", strings.ToUpper("abcdef00-0000-7000-8000-000000000001"), "'%20OR%201=1--")
		}
		for _, bad := range broken {
			c.refuses(t, good.but("path "+p.name+"="+short(bad), func(u *turn) {
				u.target = strings.Replace(r.Path, "{"+p.name+"}", bad, 1)
				for _, other := range c.parameters(r) {
					u.target = strings.ReplaceAll(u.target, "{"+other.name+"}", fmt.Sprint(c.sample(c.known, other.name, other.schema)))
				}
				wants("", 404, 422)(u)
			}))
		}
	}
	for _, text := range []string{canary + "=" + canary, canary} {
		if r.Lenient {
			break
		}
		c.refuses(t, good.but("an unknown query parameter", func(u *turn) { u.query(text); wants("unknown_field", 422)(u) }))
	}
	for _, text := range []string{"%00=%00", "a=" + canary + "%00", "%FF=" + canary, canary + "=%FF"} {
		c.refuses(t, good.but("a query that is no text", func(u *turn) { u.query(text); wants("invalid_input", 422)(u) }))
	}
	huge := strings.Repeat(canary, 5000)
	c.refuses(t, good.but("a huge query", func(u *turn) { u.query("a=" + huge); wants("header.too_large", 431)(u) }))
	c.refuses(t, good.but("a huge header", func(u *turn) { u.header("X-Much", huge); wants("header.too_large", 431)(u) }))
	c.refuses(t, good.but("headers without end", func(u *turn) {
		for i := range 2000 {
			u.headers = append(u.headers, fmt.Sprintf("X-%d: %s", i, canary))
		}
		wants("header.too_large", 431)(u)
	}))
	c.refuses(t, good.but("a header that is none", func(u *turn) { u.headers = append(u.headers, canary); wants("", 400)(u) }))
}

// methods that no route has, at every address.
func (c *cast) methods(t *testing.T) {
	takes := map[string][]string{}
	for _, r := range c.Server.API.Routes() {
		takes[r.Path] = append(takes[r.Path], r.Method)
	}
	for _, r := range c.Server.API.Routes() {
		u := c.good(r)
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} {
			if !slices.Contains(takes[r.Path], method) && !c.served(r.Path, method, takes) {
				c.refuses(t, u.but(method, func(u *turn) { u.method = method; wants("method.not_allowed", 405)(u) }))
			}
		}
		c.refuses(t, u.but("a method that is none", func(u *turn) { u.method = "BREW"; wants("method.not_allowed", 405)(u) }))
	}
	for _, target := range []string{"/" + canary, "/v1/" + canary, "/fhir/R4/" + canary, "/%00", "/%FF%FE", "/assets/" + canary, "/assets/..%2f..%2fgo.mod", "//" + canary, "/v1/../" + canary} {
		c.refuses(t, turn{name: "nowhere", method: http.MethodGet, target: target, want: []int{404}, code: "route.not_found"})
	}
}

// served reports whether another route of the table takes the method at this address: /v1/cards/claim is one of /v1/cards/{card}.
func (c *cast) served(path, method string, takes map[string][]string) bool {
	for other, methods := range takes {
		if other == path || strings.Count(other, "/") != strings.Count(path, "/") || !slices.Contains(methods, method) {
			continue
		}
		a, b := strings.Split(other, "/"), strings.Split(path, "/")
		same := true
		for i := range a {
			same = same && (a[i] == b[i] || strings.HasPrefix(a[i], "{"))
		}
		if same {
			return true
		}
	}
	return false
}

// bodies that are broken, cut off, of another type, too large.
func (c *cast) bodies(t *testing.T, r httpapi.Route) {
	good := c.good(r)
	kind, _ := c.media(r)
	large := bytes.Repeat([]byte("x"), int(limit(r))+1)
	if kind == "" {
		c.refuses(t, good.but("a body that nobody asked for, too large", func(u *turn) { u.body = large; wants("body.too_large", 413)(u) }))
		return
	}
	c.refuses(t, good.but("too large", func(u *turn) { u.body = large; wants("body.too_large", 413)(u) }))
	c.refuses(t, good.but("too large, in pieces", func(u *turn) { u.body, u.chunked = large, true; wants("body.too_large", 413)(u) }))
	if r.ID == "postTransaction" || r.ID == "register" { // more than the server reads at all: that is not the route's to refuse
		huge := bytes.Repeat([]byte("x"), 17<<20)
		c.refuses(t, good.but("far too large", func(u *turn) { u.body = huge; wants("body.too_large", 413)(u) }))
		c.refuses(t, good.but("far too large, in pieces", func(u *turn) { u.body, u.chunked = huge, true; wants("body.too_large", 413)(u) }))
	}
	c.refuses(t, good.but("far too large, and it does not come", func(u *turn) { u.body, u.promised = nil, 1<<40; wants("body.too_large", 413)(u) }))
	c.refuses(t, good.but("shorter than promised", func(u *turn) { u.promised = 10; wants("", 400)(u) }))
	c.refuses(t, good.but("nothing of what was promised", func(u *turn) { u.body, u.promised = nil, 10; wants("", 400)(u) }))
	c.refuses(t, good.but("a length that is none", func(u *turn) { u.body = nil; u.header("Content-Length", canary); wants("", 400)(u) }))
	if strings.HasPrefix(kind, "image/") || kind == "application/octet-stream" || r.Path == "/oauth/token" { // files are known by their first bytes
		c.refuses(t, good.but("nonsense", func(u *turn) { u.body = []byte(canary); wants("", 400, 415)(u) }))
		return
	}
	if kind == "application/offset+octet-stream" { // any bytes are a piece; nothing names this file
		c.refuses(t, good.but("a piece", wants("attachment.not_found", 404)))
		c.refuses(t, good.but("as JSON", func(u *turn) { u.header("Content-Type", "application/json"); wants("media_type.unsupported", 415)(u) }))
		return
	}
	for name, text := range map[string]string{
		"no JSON": canary, "half a JSON": `{"` + canary + `":`, "two JSONs": `{}{}`, "a tail": `{} ` + canary, "only spaces": "   ", "a NUL": "\x00",
		"UTF-16": "\xff\xfe{\x00}\x00", "a deep one": strings.Repeat("[", 30_000), "a comma too many": `{"` + canary + `":1,}`, "single quotes": `{'` + canary + `':1}`,
	} {
		c.refuses(t, good.but(name, func(u *turn) { u.body = []byte(text); wants("", 400)(u) }))
	}
	c.refuses(t, good.but("empty", func(u *turn) { u.body = []byte{}; wants("", 400)(u) }))
	for _, cut := range []int{1, len(good.body) / 2, len(bytes.TrimSpace(good.body)) - 1} {
		c.refuses(t, good.but("cut off", func(u *turn) { u.body = u.body[:cut]; wants("", 400)(u) }))
	}
	for name, text := range map[string]string{"a list": `["` + canary + `"]`, "a string": `"` + canary + `"`, "a number": `4711`, "null": `null`, "true": `true`} {
		c.refuses(t, good.but(name, func(u *turn) { u.body = []byte(text); wants("", 400, 422)(u) }))
	}
	for _, other := range []string{"text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=" + canary, canary, "application/cbor"} {
		c.refuses(t, good.but("as "+other, func(u *turn) { u.header("Content-Type", other); wants("media_type.unsupported", 415)(u) }))
	}
}

// limit is the most that a route takes.
func limit(r httpapi.Route) int64 {
	if r.MaxBody > 0 {
		return r.MaxBody
	}
	return 64 << 10
}

// bomb unpacks to 200 MB: gzip lets files follow each other, so one of a megabyte will do, many times.
func bomb(t testing.TB) []byte {
	t.Helper()
	return bytes.Repeat(zipped(t, make([]byte, 1<<20)), 200)
}

// encodings that do not unpack, unpack to too much, or are not known here.
func (c *cast) encodings(t *testing.T, r httpapi.Route) {
	if kind, _ := c.media(r); kind == "" {
		return
	}
	good := c.good(r)
	for _, encoding := range []string{"deflate", "br", "zstd", "gzip, gzip", "gzip,br", canary} {
		c.refuses(t, good.but("encoded as "+encoding, func(u *turn) { u.header("Content-Encoding", encoding); wants("encoding.unsupported", 415)(u) }))
	}
	c.refuses(t, good.but("no gzip, though it says so", func(u *turn) { u.header("Content-Encoding", "gzip"); wants("encoding.broken", 400)(u) }))
	whole := zipped(t, good.body)
	for name, bad := range map[string][]byte{"cut off": whole[:len(whole)-9], "with another sum": append(bytes.Clone(whole[:len(whole)-8]), make([]byte, 8)...), "and nothing": {}} {
		c.refuses(t, good.but("gzip "+name, func(u *turn) { u.body = bad; u.header("Content-Encoding", "gzip"); wants("encoding.broken", 400)(u) }))
	}
	content := bomb(t)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	a := c.refuses(t, good.but("a gzip bomb", func(u *turn) { u.body = content; u.header("Content-Encoding", "gzip"); wants("body.too_large", 413)(u) }))
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > uint64(6*limit(r)+(8<<20)) { // a limit is positive
		t.Errorf("%s: a bomb cost %d MB", r.Path, used>>20)
	}
	if a.took > 5*time.Second {
		t.Errorf("%s: a bomb cost %v", r.Path, a.took)
	}
}

// fields that nobody knows, and values of other types, at every place of a JSON body.
func (c *cast) fields(t *testing.T, r httpapi.Route) {
	if kind, _ := c.media(r); kind != "application/json" {
		return
	}
	good := c.good(r)
	var whole any
	ok(t, json.Unmarshal(good.body, &whole))
	send := func(name string, p place, value any, want func(*turn)) {
		c.refuses(t, good.but(fmt.Sprintf("%s at %v", name, p), func(u *turn) { u.body = got(json.Marshal(with(whole, p, value)))(t); want(u) }))
	}
	for _, p := range places(whole) {
		switch v := at(whole, p).(type) {
		case map[string]any:
			if len(p) > 0 && free(p) {
				continue
			}
			send("an unknown field", append(p, canary), canary, wants("unknown_field", 422))
			send("an unknown field of another case", append(p, strings.ToUpper(firstOf(v))), canary, wants("unknown_field", 422))
			send("a string for an object", p, canary, wants("", 400, 422))
			send("a list for an object", p, []any{canary}, wants("", 400, 422))
		case []any:
			send("a string for a list", p, canary, wants("", 400, 422))
			send("a list of lists", p, []any{[]any{canary}}, wants("", 400, 422))
		case string:
			if !free(p) {
				send("a number for a string", p, 4711, wants("", 400, 422))
				send("an object for a string", p, map[string]any{canary: canary}, wants("", 400, 422))
			}
		case float64, bool:
			if !free(p) {
				send("a string for "+fmt.Sprintf("%T", v), p, canary, wants("", 400, 422))
				send("too much", p, json.RawMessage("1e400"), wants("", 400, 422))
			}
		}
	}
}

// free reports whether a place is below what the sync protocol leaves to the records: a mutation's value may be any JSON.
func free(p place) bool {
	return slices.ContainsFunc(p, func(step any) bool { return step == "value" || step == "atoms" })
}

func firstOf(object map[string]any) string {
	for name := range object {
		return name
	}
	return canary
}

// strange are values that may be good or not: none of them is a mistake of ours.
func (c *cast) strange(t *testing.T, r httpapi.Route) {
	good := c.good(r)
	c.survives(t, good)
	for _, p := range c.parameters(r) {
		for _, value := range []string{canary, "", "%00", canary + "%00", "%FF%FE", "-1", "999999999999999999999999", "1e9", "%D0%BA", "'", "null", "2026-11-22T09:00:00Z_" + canary, "2026-11-22T09:00:00Z_%00", "," + canary + ",%00"} {
			switch p.in {
			case "query":
				c.survives(t, good.but("query "+p.name+"="+value, func(u *turn) { u.query(url.QueryEscape(p.name) + "=" + value) }))
			case "header":
				c.survives(t, good.but("header "+p.name+"="+value, func(u *turn) { u.header(p.name, "a"+value+"\xff") }))
			}
		}
	}
	if kind, _ := c.media(r); kind != "application/json" {
		return
	}
	var whole any
	ok(t, json.Unmarshal(good.body, &whole))
	for _, p := range places(whole) {
		text, is := at(whole, p).(string)
		if !is {
			if len(p) > 0 {
				c.survives(t, good.but(fmt.Sprintf("null at %v", p), func(u *turn) { u.body = got(json.Marshal(with(whole, p, nil)))(t) }))
			}
			continue
		}
		for name, value := range map[string]string{
			"a NUL": `\u0000`, "a raw NUL": "\x00", "half a character": `\ud83d`, "bytes that are no UTF-8": "\xff\xfe", "much": strings.Repeat("ж", 5000), "signs": `\u202e\u0007\n`,
		} {
			raw := got(json.Marshal(with(whole, p, "@@@")))(t)
			c.survives(t, good.but(fmt.Sprintf("%s at %v", name, p), func(u *turn) { u.body = bytes.Replace(raw, []byte("@@@"), []byte(text+value), 1) }))
		}
	}
}
