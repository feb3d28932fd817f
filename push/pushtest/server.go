package pushtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Server is the stub. Its methods may be called at any time, from any goroutine.
type Server struct {
	Project string
	URL     string // of the host; Endpoint is what the SDK wants

	http  *http.Server
	close context.CancelFunc

	mu       sync.Mutex
	bearer   string // demanded of each request; "" = nobody asks
	accounts *accounts
	faults   map[string][]Fault // by token, used up from the front
	standing *Fault             // for every token without faults of its own
	roulette func() (Fault, bool)
	messages []Wire
	tried    map[string]int // by token
	changed  chan struct{}  // closed and renewed with each accepted message
}

// Start opens the stub for a project on a free port of this machine.
func Start(project string) (*Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{Project: project, URL: "http://" + listener.Addr().String(), close: cancel, faults: map[string][]Fault{}, tried: map[string]int{}, changed: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/projects/{project}/{call}", s.send)
	mux.HandleFunc("POST /token", s.token)
	s.http = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	go func() { _ = s.http.Serve(listener) }()
	return s, nil
}

// Endpoint is the base that fcm.Config takes.
func (s *Server) Endpoint() string { return s.URL + "/v1" }

// Close ends the stub and lets go of everybody who hangs on it.
func (s *Server) Close() error { s.close(); return s.http.Close() }

// Demand makes the stub ask for this bearer token.
func (s *Server) Demand(bearer string) { s.mu.Lock(); s.bearer = bearer; s.mu.Unlock() }

// Fail lines up faults for one token: each request for it takes the next one, then all is well again.
func (s *Server) Fail(token string, faults ...Fault) {
	s.mu.Lock()
	s.faults[token] = append(s.faults[token], faults...)
	s.mu.Unlock()
}

// FailAll makes a fault the answer for everybody; without an argument all is well again.
func (s *Server) FailAll(fault ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.standing = nil
	if len(fault) > 0 {
		s.standing = &fault[0]
	}
}

// Roulette makes that share of all requests end in one of the faults, by the seed.
func (s *Server) Roulette(share float64, seed uint64, faults ...Fault) {
	dice := rand.New(rand.NewPCG(seed, seed))
	s.mu.Lock()
	s.roulette = func() (Fault, bool) { return faults[dice.IntN(len(faults))], dice.Float64() < share }
	s.mu.Unlock()
}

// Messages are the accepted messages, in the order of arrival.
func (s *Server) Messages() []Wire {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Wire(nil), s.messages...)
}

// To are the accepted messages for one token or installation.
func (s *Server) To(token string) (got []Wire) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.messages {
		if s.messages[i].To() == token {
			got = append(got, s.messages[i])
		}
	}
	return got
}

// Tried counts the requests for one token, whatever their answer.
func (s *Server) Tried(token string) int { s.mu.Lock(); defer s.mu.Unlock(); return s.tried[token] }

// Forget drops the messages so far.
func (s *Server) Forget() { s.mu.Lock(); s.messages = nil; s.mu.Unlock() }

// Wait returns the first message for the token, once there is one.
func (s *Server) Wait(ctx context.Context, token string) (Wire, error) {
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if got := s.To(token); len(got) > 0 {
			return got[0], nil
		}
		select {
		case <-ctx.Done():
			return Wire{}, errors.New("pushtest: no message came")
		case <-changed:
		}
	}
}

func (s *Server) send(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err != nil {
		return
	}
	if r.PathValue("call") != "messages:send" || r.PathValue("project") != s.Project {
		refuse(w, Fault{status: http.StatusNotFound}, "no such method or project")
		return
	}
	if !s.authorised(r) {
		refuse(w, Unauthorized(), "the request lacks a valid bearer token")
		return
	}
	message, dryRun, field, problem := parse(body)
	fault, faulty := s.next(message.To())
	if problem != nil {
		refuse(w, Fault{status: http.StatusBadRequest, code: "INVALID_ARGUMENT", field: field}, problem.Error())
		return
	}
	if !faulty || fault.deliver {
		s.accept(message, dryRun)
	}
	if !faulty {
		s.reply(w)
		return
	}
	s.misbehave(w, r, fault)
}

func (s *Server) authorised(r *http.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bearer == "" && s.accounts == nil {
		return true
	}
	given, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return found && given != "" && (given == s.bearer || s.accounts != nil && s.accounts.issued[given])
}

// next takes the fault that this request meets.
func (s *Server) next(token string) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tried[token]++
	if line := s.faults[token]; len(line) > 0 {
		s.faults[token] = line[1:]
		return line[0], true
	}
	if s.standing != nil {
		return *s.standing, true
	}
	if s.roulette != nil {
		return s.roulette()
	}
	return Fault{}, false
}

func (s *Server) accept(message Wire, dryRun bool) {
	if dryRun {
		return
	}
	s.mu.Lock()
	s.messages = append(s.messages, message)
	close(s.changed)
	s.changed = make(chan struct{})
	s.mu.Unlock()
}

func (s *Server) reply(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	fmt.Fprintf(w, "{\n  \"name\": \"projects/%s/messages/0:%d\"\n}\n", s.Project, rand.Uint64())
}

func (s *Server) misbehave(w http.ResponseWriter, r *http.Request, f Fault) {
	if f.delay > 0 {
		select {
		case <-time.After(f.delay):
		case <-r.Context().Done():
			return
		}
	}
	switch {
	case f.hang:
		<-r.Context().Done()
	case f.reset, f.half:
		breakOff(w, f.half)
	case f.body != "":
		w.WriteHeader(f.status)
		_, _ = io.WriteString(w, f.body)
	case f.status == http.StatusOK:
		s.reply(w)
	default:
		refuse(w, f, "told to fail")
	}
}

// breakOff ends the connection below HTTP, in the middle of an answer or before it.
func breakOff(w http.ResponseWriter, half bool) {
	connection, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	if half {
		_, _ = io.WriteString(connection, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 80\r\n\r\n{\"name\": \"proj")
	} else if tcp, ok := connection.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a reset instead of an orderly end
	}
	_ = connection.Close()
}

// refuse answers in Google's error model.
func refuse(w http.ResponseWriter, f Fault, text string) {
	var details []any
	if f.code != "" {
		details = append(details, map[string]any{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": f.code})
	}
	if f.field != "" {
		details = append(details, map[string]any{"@type": "type.googleapis.com/google.rpc.BadRequest",
			"fieldViolations": []any{map[string]any{"field": f.field, "description": text}}})
	}
	if f.retry != "" {
		w.Header().Set("Retry-After", f.retry)
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(f.status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{
		"code": f.status, "message": text, "status": statusName(f.status), "details": details}})
}
