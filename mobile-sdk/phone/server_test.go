package phone_test

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/sync/cardsync"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/simnet"
	"github.com/medcard/medcard/sync/wire"
)

const (
	claimCode = "K7QM-2F9D-X4TB"
	smsCode   = "123456"
	password  = "correct horse"
	account   = "0195e4a5-0000-7000-8000-0000000000aa"
)

// world is a server in memory: the real engine of sync behind the real paths, with an account of which one knows the codes.
type world struct {
	t      testing.TB
	url    string
	engine replica.Server

	mu       sync.Mutex
	now      time.Time
	books    map[card.ID]*simnet.Book
	owned    []card.ID // cards of the account
	claims   map[string]card.ID
	refresh  string // the refresh token that is good
	before   string // the one before it, whose answer may have been lost
	access   map[string]string
	lease    time.Duration
	lent     []wire.Lease // instead of everything for that long
	maxBytes int
	calls    map[string]int
	statuses map[string]int // of the last answers
	person   string
	answer   func(w http.ResponseWriter, r *http.Request) bool // takes the request over, if it says so
}

func newWorld(t testing.TB) *world {
	w := &world{
		t: t, now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), engine: replica.Server{Rules: cardsync.Rules(), PageRows: 40},
		books: map[card.ID]*simnet.Book{}, claims: map[string]card.ID{}, access: map[string]string{}, lease: 90 * 24 * time.Hour, person: account, calls: map[string]int{}, statuses: map[string]int{},
	}
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// newCard makes a card that a claim code opens.
func (w *world) newCard(code string) card.ID {
	id := card.ID(uuid.Must(uuid.NewV7()).String())
	w.books[id] = simnet.NewBook("epoch-1")
	w.claims[code] = id
	return id
}

// publish posts facts as a clinic does.
func (w *world) publish(id card.ID, facts ...card.Fact) []card.RecordID {
	w.t.Helper()
	var ids []card.RecordID
	var batch []replica.Fact
	for _, f := range facts {
		r := cardsync.FromFact(card.RecordID(uuid.Must(uuid.NewV7()).String()), f, card.General)
		ids = append(ids, r.ID)
		batch = append(batch, replica.Fact{ID: string(r.ID), Kind: string(r.Kind), Scope: string(r.Scope), Date: r.Dated, Atoms: r.Atoms})
	}
	w.publishAll(id, batch...)
	return ids
}

func (w *world) publishAll(id card.ID, batch ...replica.Fact) {
	w.t.Helper()
	must(w.t, w.books[id].Update(func(l replica.Ledger) error {
		_, err := w.engine.Publish(l, batch, w.clock())
		return err
	}))
}

// as makes the server take whoever signs in next for another person.
func (w *world) as(person string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.person = person
}

func (w *world) count(path string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls[path]
}

// status gives that of the last answer at the path.
func (w *world) status(path string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.statuses[path]
}

// intercept hands requests to f, which says whether it took the request over.
func (w *world) intercept(f func(http.ResponseWriter, *http.Request) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer = f
}

func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	noted := &notedStatus{ResponseWriter: rw, status: http.StatusOK}
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.statuses[r.URL.Path] = noted.status
	}()
	rw = noted
	w.mu.Lock()
	w.calls[r.URL.Path]++
	take := w.answer
	w.mu.Unlock()
	if take != nil && take(rw, r) {
		return
	}
	body, err := readBody(r)
	if err != nil {
		refuse(rw, http.StatusBadRequest, "bad_body")
		return
	}
	if !strings.HasPrefix(r.URL.Path, "/v1/auth/") || r.URL.Path == "/v1/auth/sign-out" {
		if !w.knows(r) {
			refuse(rw, http.StatusUnauthorized, "token.invalid")
			return
		}
	}
	switch r.URL.Path {
	case "/v1/auth/register":
		reply(rw, map[string]any{"registration": "r", "ends": w.clock().Add(time.Hour), "phone": "+7 *** 67", "email": "i***@example.org"})
	case "/v1/auth/confirm":
		reply(rw, map[string]any{"missing": []string{"email"}})
	case "/v1/auth/resend", "/v1/auth/sign-out", "/v1/push-tokens":
		rw.WriteHeader(http.StatusNoContent)
	case "/v1/auth/sign-in", "/v1/auth/second-factor", "/v1/auth/refresh":
		w.letIn(rw, r.URL.Path, body)
	case "/v1/me":
		cards := []map[string]string{}
		for _, id := range w.owned {
			cards = append(cards, map[string]string{"id": string(id), "role": "owner"})
		}
		reply(rw, map[string]any{"account": account, "cards": cards, "missing": []any{}})
	case "/v1/cards/claim":
		w.claim(rw, body)
	case "/v1/sync/devices":
		w.devices(rw, body)
	case "/v1/sync":
		var in wire.SyncRequest
		if in, err = wire.Decode[wire.SyncRequest](body); err != nil {
			refuse(rw, http.StatusUnprocessableEntity, "invalid_input")
			return
		}
		w.stream(rw, in.Device, in.Cards)
	case "/v1/sync/check":
		w.check(rw, body)
	case "/v1/sync/pull":
		in, err := wire.Decode[wire.PullRequest](body)
		if err != nil {
			refuse(rw, http.StatusUnprocessableEntity, "invalid_input")
			return
		}
		w.stream(rw, in.Device, []wire.SyncCard{{PullCard: in.Cards[0]}})
	default:
		refuse(rw, http.StatusNotFound, "route.not_found")
	}
}

type notedStatus struct {
	http.ResponseWriter
	status int
}

func (n *notedStatus) WriteHeader(status int) {
	n.status = status
	n.ResponseWriter.WriteHeader(status)
}

func (n *notedStatus) Flush() { n.ResponseWriter.(http.Flusher).Flush() } //nolint:forcetypeassert // net/http's is one

func readBody(r *http.Request) ([]byte, error) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, err
		}
		body = z
	}
	return io.ReadAll(body)
}

func (w *world) knows(r *http.Request) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, ok := w.access[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	return ok
}

// expire makes the server forget all access tokens, as a restart or their end does.
func (w *world) expire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.access)
}

// letIn signs in. Its challenge carries the device, so that the server needs no memory of it.
func (w *world) letIn(rw http.ResponseWriter, path string, body []byte) {
	var in struct {
		Password, Challenge, Code, RefreshToken string
		Device                                  struct{ ID, Secret string }
	}
	must(w.t, json.Unmarshal(body, &in))
	w.mu.Lock()
	defer w.mu.Unlock()
	device := in.Challenge
	switch {
	case path == "/v1/auth/sign-in" && in.Password == password && len(in.Device.Secret) >= 32:
		reply(rw, map[string]any{"challenge": in.Device.ID, "method": "sms", "to": "+7 *** 67", "ends": w.now.Add(time.Hour)})
		return
	case path == "/v1/auth/sign-in":
		refuse(rw, http.StatusUnauthorized, "credentials.wrong")
		return
	case path == "/v1/auth/second-factor" && in.Code != smsCode:
		refuse(rw, http.StatusUnprocessableEntity, "code.wrong")
		return
	case path == "/v1/auth/refresh":
		user, of, _ := strings.Cut(in.RefreshToken, "/")
		if device = of; in.RefreshToken != w.refresh && in.RefreshToken != w.before || user == "" {
			refuse(rw, http.StatusUnauthorized, "refresh.reused")
			return
		}
	}
	if in.RefreshToken == "" || in.RefreshToken == w.refresh { // else the answer was lost: the same once more
		w.before = w.refresh
		w.refresh = fmt.Sprintf("mcr_%d/%s", len(w.access)+w.calls[path], device)
	}
	token := uuid.NewString()
	w.access[token] = device
	reply(rw, map[string]any{
		"accessToken": token, "tokenType": "Bearer", "accessEnds": w.now.Add(10 * time.Minute), "refreshToken": w.refresh,
		"refreshEnds": w.now.Add(24 * time.Hour), "session": "s", "account": w.person, "device": device,
	})
}

func (w *world) claim(rw http.ResponseWriter, body []byte) {
	var in struct{ Code string }
	must(w.t, json.Unmarshal(body, &in))
	id, ok := w.claims[in.Code]
	if !ok {
		refuse(rw, http.StatusUnprocessableEntity, "claim.format")
		return
	}
	if !slices.Contains(w.owned, id) {
		w.owned = append(w.owned, id)
	}
	reply(rw, map[string]any{"card": id})
}

func (w *world) devices(rw http.ResponseWriter, body []byte) {
	in, err := wire.Decode[wire.DevicesRequest](body)
	if err != nil {
		refuse(rw, http.StatusUnprocessableEntity, "invalid_input")
		return
	}
	out := wire.DevicesResponse{Device: in.Device, ServerTime: w.clock(), Limits: wire.CurrentLimits()}
	for _, ask := range in.Cards {
		book := w.books[card.ID(ask.Card)]
		if book == nil || !slices.Contains(w.owned, card.ID(ask.Card)) {
			continue
		}
		must(w.t, book.Update(func(l replica.Ledger) error {
			actor, err := w.engine.Enrol(l, in.Device, in.Key, ask.Fresh, w.clock())
			if spent := (*replica.SpentError)(nil); errors.As(err, &spent) {
				out.Later = append(out.Later, wire.Problem{Code: wire.ProblemActorsSpent, Card: ask.Card, RetryAfter: int(spent.Until.Sub(w.clock()).Seconds())})
				return nil
			}
			if err != nil {
				return err
			}
			head, err := l.Head()
			out.Cards = append(out.Cards, wire.Enrolment{Card: ask.Card, Epoch: head.Epoch, Actor: actor.Ordinal, LMID: actor.LMID, Leases: w.leases(), Own: true})
			return err
		}))
	}
	reply(rw, out)
}

func (w *world) check(rw http.ResponseWriter, body []byte) {
	in, err := wire.Decode[wire.CheckRequest](body)
	if err != nil {
		refuse(rw, http.StatusUnprocessableEntity, "invalid_input")
		return
	}
	book := w.books[card.ID(in.Card)]
	if book == nil || !slices.Contains(w.owned, card.ID(in.Card)) {
		refuse(rw, http.StatusNotFound, "card.not_found")
		return
	}
	var out wire.CheckResponse
	err = book.View(func(l replica.Ledger) error {
		out, err = w.engine.Check(l, replica.Check{Device: in.Device, Ask: in, Sight: replica.Sight{Now: replica.Scopes{"*"}},
			Seal: replica.NewBlockSealer(make([]byte, 32), in.Card, in.Device, in.Epoch)})
		return err
	})
	if err != nil {
		refuse(rw, http.StatusConflict, problemOf(err))
		return
	}
	raw, err := wire.Marshal(out) // the standard encoder would change the bytes of values
	must(w.t, err)
	rw.Header().Set("Content-Type", "application/json")
	_, _ = rw.Write(raw)
}

func (w *world) leases() []wire.Lease {
	if w.lent != nil {
		return w.lent
	}
	return []wire.Lease{{Scope: "*", Until: w.clock().Add(w.lease)}}
}

// same says whether a card has no news, for a phone that is calm.
func (w *world) same(device string, c wire.SyncCard) (same bool) {
	book := w.books[card.ID(c.Card)]
	if book == nil || !slices.Contains(w.owned, card.ID(c.Card)) || len(c.Mutations) > 0 {
		return false
	}
	must(w.t, book.View(func(l replica.Ledger) (err error) {
		same, err = w.engine.Same(l, replica.Pull{Device: device, Ask: c.PullCard, Sight: replica.Sight{Now: replica.Scopes{"*"}},
			Seal: replica.NewBlockSealer(make([]byte, 32), c.Card, device, c.Epoch)})
		return err
	}))
	return same
}

// stream answers as app/syncing does: results of the push, then pages.
func (w *world) stream(rw http.ResponseWriter, device string, cards []wire.SyncCard) {
	if !slices.ContainsFunc(cards, func(c wire.SyncCard) bool { return !w.same(device, c) }) {
		rw.WriteHeader(http.StatusNoContent)
		return
	}
	rw.Header().Set("Content-Type", "application/x-ndjson")
	out := wire.NewLineWriter(rw)
	for _, c := range cards {
		if w.same(device, c) {
			must(w.t, out.Write(wire.Line{Same: &wire.Same{Card: c.Card}}))
			continue
		}
		id := card.ID(c.Card)
		book := w.books[id]
		if book == nil || !slices.Contains(w.owned, id) {
			must(w.t, out.Write(wire.Line{Gone: &wire.Gone{Card: c.Card}}))
			continue
		}
		seal := replica.NewBlockSealer(make([]byte, 32), c.Card, device, c.Epoch)
		sight := replica.Sight{Now: replica.Scopes{"*"}}
		var results []wire.Result
		err := book.Update(func(l replica.Ledger) error {
			pushed, err := w.engine.Push(l, replica.Push{Device: device, Actor: c.Actor, Epoch: c.Epoch, Acked: c.Acked, Low: c.Low,
				Mutations: c.Mutations, Sight: sight, Seal: seal, Now: w.clock()})
			results = pushed.Results
			return err
		})
		if err != nil && !errors.Is(err, replica.ErrEpoch) {
			must(w.t, out.Write(wire.Line{Err: &wire.Problem{Code: problemOf(err), Card: c.Card}}))
			continue
		}
		w.pages(out, rw, book, device, c, sight, results)
	}
}

func (w *world) pages(out *wire.LineWriter, rw http.ResponseWriter, book *simnet.Book, device string, c wire.SyncCard, sight replica.Sight, results []wire.Result) {
	ask := replica.Pull{Device: device, Ask: c.PullCard, Sight: sight, Leases: w.leases(), Own: true, Results: results}
	for used := 0; ; {
		var page replica.Page
		err := book.View(func(l replica.Ledger) error {
			head, err := l.Head()
			if err != nil {
				return err
			}
			if ask.Ask.Cursor == "" {
				all, err := l.Scan(sight.Now, 0, 1<<20)
				if err != nil {
					return err
				}
				ask.Total = len(slices.DeleteFunc(all, func(r replica.Record) bool { return r.Deleted }))
			}
			ask.Seal = replica.NewBlockSealer(make([]byte, 32), c.Card, device, head.Epoch)
			page, err = w.engine.Pull(l, ask)
			return err
		})
		if err != nil {
			_ = out.Write(wire.Line{Err: &wire.Problem{Code: problemOf(err), Card: c.Card}})
			return
		}
		for _, line := range page.Lines {
			if out.Write(line) != nil {
				return
			}
		}
		if f, ok := rw.(http.Flusher); ok {
			f.Flush()
		}
		used += page.Bytes
		if !page.More || w.maxBytes > 0 && used >= w.maxBytes {
			return
		}
		ask = ask.NextPage(page)
	}
}

func problemOf(err error) string {
	for sentinel, code := range map[error]string{
		replica.ErrForked: wire.ProblemActorForked, replica.ErrActor: wire.ProblemActorUnknown, replica.ErrHole: wire.ProblemHole, replica.ErrEpoch: wire.ProblemEpoch,
	} {
		if errors.Is(err, sentinel) {
			return code
		}
	}
	return "internal"
}

func reply(rw http.ResponseWriter, v any) {
	rw.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(rw).Encode(v)
}

func refuse(rw http.ResponseWriter, status int, code string) {
	rw.Header().Set("Content-Type", "application/problem+json")
	rw.WriteHeader(status)
	_ = json.NewEncoder(rw).Encode(map[string]any{"type": "urn:medcard:problem:" + code, "status": status, "code": code, "detail": "What to do.", "requestId": "req-1"})
}
