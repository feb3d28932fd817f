package story

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/app/fhir"
)

// What comes to the door byte by byte, as no decent HTTP client would send it, and what the answer to a refusal must be like.

// canary stands in every value that is submitted in a bad turn. No answer and no log line may hold it.
const canary = "medcard-canary-4711"

// turn is one request as it goes over the wire.
type turn struct {
	name           string
	method, target string
	token          string
	headers        []string // "Name: value"
	body           []byte
	chunked        bool // no Content-Length
	promised       int  // bytes of body that are promised beyond those that come
	want           []int
	code           string // "" = any
}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	text   string
	took   time.Duration
}

// say makes the request on a connection of its own and reads the answer, which may come before everything was sent.
func (w *World) say(t testing.TB, u turn) reply {
	t.Helper()
	started := time.Now()
	connection := got((&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(w.URL, "http://")))(t)
	defer connection.Close()
	ok(t, connection.SetDeadline(time.Now().Add(20*time.Second)))
	go func() {
		// A server that has refused stops reading: an error here is told by the answer.
		_, _ = connection.Write(u.head())
		if u.chunked {
			for rest := u.body; len(rest) > 0; {
				n := min(len(rest), 64<<10)
				if _, err := fmt.Fprintf(connection, "%x\r\n%s\r\n", n, rest[:n]); err != nil {
					return
				}
				rest = rest[n:]
			}
			_, _ = io.WriteString(connection, "0\r\n\r\n")
		} else {
			_, _ = connection.Write(u.body)
		}
		if half, can := connection.(*net.TCPConn); can && u.promised > 0 {
			_ = half.CloseWrite()
		}
	}()
	response, err := http.ReadResponse(bufio.NewReader(connection), &http.Request{Method: u.method})
	if err != nil {
		t.Errorf("%s %s, %s: no answer: %v", u.method, short(u.target), u.name, err)
		return reply{}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Errorf("%s %s, %s: the answer is cut off: %v", u.method, short(u.target), u.name, err)
	}
	return reply{response.StatusCode, response.Header, string(text), time.Since(started)}
}

func (u turn) head() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: medcard\r\nConnection: close\r\n", u.method, u.target)
	if u.token != "" {
		fmt.Fprintf(&b, "Authorization: Bearer %s\r\n", u.token)
	}
	for _, line := range u.headers {
		b.WriteString(line + "\r\n")
	}
	switch {
	case u.chunked:
		b.WriteString("Transfer-Encoding: chunked\r\n")
	case u.body != nil || u.promised > 0:
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(u.body)+u.promised)
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

func short(text string) string {
	if len(text) > 90 {
		return text[:90] + "…"
	}
	return text
}

// refuses makes the turn and checks that it was refused as every turn must be: with one of the statuses, in a document that
// programs can read, and without a word of what was sent.
func (w *World) refuses(t testing.TB, u turn) reply {
	t.Helper()
	r := w.say(t, u)
	if r.status == 0 {
		return r
	}
	fail := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%s %s, %s: %s\n%d %s", u.method, short(u.target), u.name, fmt.Sprintf(format, args...), r.status, r.text)
	}
	if r.status < 400 || r.status > 499 || len(u.want) > 0 && !slices.Contains(u.want, r.status) {
		fail("want %v", u.want)
	}
	if code, err := readRefusal(u.target, r); err != nil {
		fail("%v", err)
	} else if u.code != "" && code != u.code {
		fail("code %s, want %s", code, u.code)
	}
	w.keepsQuiet(t, u, r)
	return r
}

// survives makes a turn that may be answered with success, but never with a mistake of ours.
func (w *World) survives(t testing.TB, u turn) reply {
	t.Helper()
	r := w.say(t, u)
	switch {
	case r.status >= 500:
		t.Errorf("%s %s, %s: %d %s", u.method, short(u.target), u.name, r.status, r.text)
	case r.status >= 400:
		if _, err := readRefusal(u.target, r); err != nil {
			t.Errorf("%s %s, %s: %v\n%d %s", u.method, short(u.target), u.name, err, r.status, r.text)
		}
		w.keepsQuiet(t, u, r)
	}
	return r
}

func (w *World) keepsQuiet(t testing.TB, u turn, r reply) {
	t.Helper()
	if strings.Contains(r.text, canary) || strings.Contains(fmt.Sprint(r.header), canary) {
		t.Errorf("%s %s, %s: the answer repeats what was sent: %v %s", u.method, short(u.target), u.name, r.header, r.text)
	}
}

var codeWords = regexp.MustCompile(`^[a-z0-9_]+(\.[a-z0-9_]+)*$`)

// readRefusal reads an error answer in the format of its part of the house, and complains about what is missing in it.
func readRefusal(target string, r reply) (code string, err error) {
	switch {
	case strings.HasPrefix(target, "/fhir/") && (r.status == http.StatusNotFound || !beforeReading(r)):
		return readOutcome(r)
	case strings.HasPrefix(target, "/oauth/") && strings.HasPrefix(r.text, `{"error":`): // RFC 6749, section 5.2
		var e struct {
			Error       string `json:"error"`
			Description string `json:"error_description"`
		}
		if json.Unmarshal([]byte(r.text), &e) != nil || !codeWords.MatchString(e.Error) || e.Description == "" {
			return "", fmt.Errorf("no error of a token endpoint")
		}
		return e.Error, nil
	}
	var p struct {
		Type, Title, Code, Detail, State, RequestID string
		Status                                      int
		Fields                                      []struct{ Where, Why, Code string }
	}
	d := json.NewDecoder(strings.NewReader(r.text))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return "", fmt.Errorf("no problem document: %w", err)
	}
	if p.Type != "urn:medcard:problem:"+p.Code || p.Title == "" || p.Status != r.status || !codeWords.MatchString(p.Code) || p.Detail == "" || p.RequestID == "" {
		return "", fmt.Errorf("an incomplete problem document")
	}
	if r.header.Get("Content-Type") != "application/problem+json" || r.header.Get("X-Request-Id") != p.RequestID || r.header.Get("Cache-Control") != "no-store" {
		return "", fmt.Errorf("headers %v", r.header)
	}
	for _, f := range p.Fields {
		if f.Where == "" || f.Why == "" {
			return "", fmt.Errorf("a field without place or reason")
		}
	}
	return p.Code, nil
}

// beforeReading reports whether a request was refused before its address was known: the FHIR face can speak FHIR only after that.
func beforeReading(r reply) bool {
	for _, code := range []string{"header.too_large", "request.malformed", "body.too_large"} {
		if strings.HasPrefix(r.text, `{"type":"urn:medcard:problem:`+code+`"`) {
			return true
		}
	}
	return false
}

func readOutcome(r reply) (code string, err error) {
	var o struct {
		ResourceType string
		Issue        []struct {
			Severity, Code, Diagnostics string
			Details                     struct {
				Text   string
				Coding []struct{ System, Code string }
			}
		}
	}
	if err := json.Unmarshal([]byte(r.text), &o); err != nil || o.ResourceType != "OperationOutcome" || len(o.Issue) == 0 || len(o.Issue[0].Details.Coding) == 0 {
		return "", fmt.Errorf("no OperationOutcome: %w", err)
	}
	if err := fhir.Validate([]byte(r.text)); err != nil || r.header.Get("Content-Type") != fhir.ContentType || r.header.Get("X-Request-Id") == "" {
		return "", fmt.Errorf("not R4, or headers that are wrong: %w %v", err, r.header)
	}
	return o.Issue[0].Details.Coding[0].Code, nil
}
