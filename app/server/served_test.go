package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/oauth"
	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/app/store/storetest"
	"github.com/medcard/medcard/domain/identity"
)

// served is a whole server that answers on a port of its own, with a clock that runs but can be pushed on, and the console on
// which one-time codes appear. Tests talk to it over HTTP only.
type served struct {
	t       *testing.T
	url     string
	server  *server.Server
	console *console

	mu    sync.Mutex
	ahead time.Duration
}

// eachServed runs a test against a fresh server on every database that is at hand.
func eachServed(t *testing.T, test func(*testing.T, *served)) {
	t.Helper()
	storetest.EachConfig(t, func(t *testing.T, db store.Config) { test(t, serve(t, db)) })
}

func serve(t *testing.T, db store.Config) *served {
	t.Helper()
	data := t.TempDir()
	if db.SQLite != "" {
		data = filepath.Dir(db.SQLite)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &served{t: t, url: "http://" + listener.Addr().String(), console: new(console)}
	cfg, err := config.Load([]string{"MEDCARD_DATA=" + data, "MEDCARD_POSTGRES=" + db.Postgres, "MEDCARD_LISTEN=" + listener.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	if s.server, err = server.New(ctx, cfg, server.Options{Version: "test", Clock: s.now, Console: s.console}); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.server.Run(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("the server stopped with: %v", err)
		}
	})
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		response, err := http.Get(s.url + "/readyz") //nolint:noctx // a test's own server
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return s
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("the server does not become ready")
		}
	}
}

func (s *served) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.ahead)
}

// pass pushes the clock on.
func (s *served) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += d
}

// console keeps what the server shows to whoever runs it.
type console struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.Write(p)
}

var sixDigits = regexp.MustCompile(`\b[0-9]{6}\b`)

// code reads the newest code that went to a phone or an address.
func (s *served) code(to string) string {
	s.t.Helper()
	s.console.mu.Lock()
	defer s.console.mu.Unlock()
	found := ""
	for line := range strings.Lines(s.console.text.String()) {
		if _, text, ok := strings.Cut(line, " to "+to+":"); ok {
			found = sixDigits.FindString(text)
		}
	}
	if found == "" {
		s.t.Fatalf("no code came to %s", to)
	}
	return found
}

// otherCode gives a code that is not the right one.
func otherCode(code string) string {
	return strings.Map(func(r rune) rune { return '0' + (r-'0'+1)%10 }, code)
}

// body is a JSON object.
type body map[string]any

// reply is what came back.
type reply struct {
	status int
	header http.Header
	text   string
	body   body
}

func (r reply) str(name string) string { s, _ := r.body[name].(string); return s }

// call sends a JSON request, with a token unless it is "", and reads the answer.
func (s *served) call(method, path, token string, in any) reply {
	s.t.Helper()
	var content io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			s.t.Fatal(err)
		}
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(context.Background(), method, s.url+path, content)
	if err != nil {
		s.t.Fatal(err)
	}
	if in != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	return s.do(request)
}

func (s *served) do(request *http.Request) reply {
	s.t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	r := reply{status: response.StatusCode, header: response.Header, text: string(text)}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &r.body); err != nil {
			s.t.Fatalf("%s %s answered %d with what is no JSON object", request.Method, request.URL.Path, r.status)
		}
	}
	return r
}

func (s *served) post(path, token string, in any) reply {
	s.t.Helper()
	return s.call(http.MethodPost, path, token, in)
}

func (s *served) get(path, token string) reply {
	s.t.Helper()
	return s.call(http.MethodGet, path, token, nil)
}

// want checks status and, of a problem, its code.
func (s *served) want(r reply, status int, code string) reply {
	s.t.Helper()
	if r.status != status || (code != "" && r.str("code") != code) {
		s.t.Fatalf("got %d %s, want %d %s", r.status, r.text, status, code)
	}
	if status >= 400 && (r.header.Get("Content-Type") != "application/problem+json" || r.str("requestId") == "") {
		s.t.Fatalf("a problem without its form: %v %s", r.header, r.text)
	}
	return r
}

// patient is a person with an app.
type patient struct {
	phone, email, password string
	device                 body
	account                string
}

func newPatient(n int) *patient {
	id := uuid.NewString()
	digit := string(rune('0' + n%10))
	return &patient{
		phone: "+7916123456" + digit, email: "anna" + digit + "@example.org", password: "сорок тысяч обезьян",
		device: body{"id": id, "name": "Телефон", "secret": uuid.NewString()},
	}
}

// register makes the patient's account, as an app does.
func (s *served) register(p *patient) {
	s.t.Helper()
	r := s.want(s.post("/v1/auth/register", "", body{"phone": p.phone, "email": p.email, "password": p.password}), http.StatusAccepted, "")
	id := r.str("registration")
	s.want(s.post("/v1/auth/confirm", "", body{"registration": id, "channel": "phone", "code": s.code(p.phone)}), http.StatusOK, "")
	r = s.want(s.post("/v1/auth/confirm", "", body{"registration": id, "channel": "email", "code": s.code(p.email)}), http.StatusOK, "")
	p.account = r.str("account")
}

// signIn opens a session and gives the whole answer.
func (s *served) signIn(p *patient) reply {
	s.t.Helper()
	r := s.want(s.post("/v1/auth/sign-in", "", body{"login": p.phone, "password": p.password, "device": p.device}), http.StatusOK, "")
	return s.want(s.post("/v1/auth/second-factor", "", body{"challenge": r.str("challenge"), "code": s.code(p.phone)}), http.StatusOK, "")
}

// organisation registers a client, as an operator does.
func (s *served) organisation(kind identity.ActorKind, name string) oauth.ClientKey {
	s.t.Helper()
	key, public, err := oauth.NewClientKey()
	if err != nil {
		s.t.Fatal(err)
	}
	client, err := s.server.Clients.AddClient(context.Background(), oauth.NewClient{Kind: kind, Name: name, Keys: public})
	if err != nil {
		s.t.Fatal(err)
	}
	key.Client = client.ID
	return key
}

// form is what an organisation's system posts for a token.
func (s *served) form(key oauth.ClientKey, who identity.Person) url.Values {
	s.t.Helper()
	assertion, err := key.Assertion(s.url, who, s.now())
	if err != nil {
		s.t.Fatal(err)
	}
	return url.Values{
		"grant_type": {"client_credentials"}, "client_assertion": {assertion},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	}
}

func (s *served) postForm(form url.Values) reply {
	s.t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.url+oauth.TokenPath, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.do(request)
}

// token is an organisation's access token for the person who acts.
func (s *served) token(key oauth.ClientKey, who identity.Person) string {
	s.t.Helper()
	r := s.postForm(s.form(key, who))
	if r.status != http.StatusOK {
		s.t.Fatalf("no token: %d %s", r.status, r.text)
	}
	return r.str("access_token")
}
