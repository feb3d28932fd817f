package story

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// syncPaths are the endpoints of sync. What is thrown at the last one goes into its query.
var syncPaths = []string{"/v1/sync/devices", "/v1/sync/pull", "/v1/sync/push", "/v1/sync", "/v1/sync/check", "/v1/sync/head"}

// prey is the device of a patient that is fuzzed at: a server over SQLite, a session, and a card that is replaced when much was written
// to it.
type prey struct {
	*World
	session account.Session
	token   string
	card    card.ID
	actor   uint32
	place   wire.PullCard // where a whole pull ended
}

// standing is what any write to the card moves.
type standing struct {
	head      replica.Head
	actors    []replica.Actor
	decisions []replica.Decision
	records   int
}

// FuzzSync throws any bytes at every endpoint of sync, over HTTP. Whatever comes, the answer is no mistake of ours; a refusal is a
// problem document and leaves the card as it was; an edit that was taken is taken once: sent again, it is answered alike and moves
// nothing.
//
// Words in capitals stand for what a device would know, so that the bytes get past the first look: see fill.
func FuzzSync(f *testing.F) {
	mutation := `{"n":NEXT,"op":"create","id":"RECORD","kind":"comment","atoms":{"text":{"v":"a"},"about":{"v":{"record":"RECORD"}}}}`
	batch := `{"device":"DEVICE","card":"CARD","epoch":"EPOCH","actor":ACTOR,"mutations":[` + mutation + `]}`
	for _, seed := range []struct {
		path int
		body string
	}{
		{0, `{"device":"DEVICE","cards":[{"card":"CARD","fresh":false}]}`},
		{0, `{"cards":[{"card":"CARD"},{"card":"RECORD"}],"key":"k"}`},
		{1, `{"device":"DEVICE","cards":[{"card":"CARD","actor":ACTOR}]}`},
		{1, `{"device":"DEVICE","maxBytes":1,"cards":[{"card":"CARD","actor":ACTOR,"epoch":"EPOCH","cursor":"CURSOR","at":"CURSOR","view":"VIEW","low":"CURSOR"}]}`},
		{1, `{"device":"DEVICE","cards":[{"card":"CARD","actor":ACTOR,"epoch":"EPOCH","cursor":"CURSOR","part":"CURSOR.CURSOR.CURSOR.VIEW","view":"x"}]}`},
		{1, `{"device":"DEVICE","cards":[{"card":"CARD","actor":ACTOR,"epoch":"another","cursor":"AAAAAAAAAAAAAAAAAAAAAA"}]}`},
		{2, batch},
		{2, `{"device":"DEVICE","card":"CARD","epoch":"EPOCH","actor":ACTOR,"acked":LAST,"mutations":[{"n":NEXT,"op":"patch","id":"RECORD","kind":"measurement","ctx":"0:1,ACTOR:7","hlc":"0195f3a1b2c30004","at":"CURSOR","atoms":{"reading":{"v":{"systolic":120},"seen":["ACTOR:1"]}}}]}`},
		{2, `{"device":"DEVICE","card":"CARD","epoch":"EPOCH","actor":0,"mutations":[]}`},
		{3, `{"device":"DEVICE","cards":[{"card":"CARD","actor":ACTOR,"epoch":"EPOCH","cursor":"CURSOR","at":"CURSOR","view":"VIEW","mutations":[` + mutation + `]}]}`},
		{3, `{"device":"DEVICE","cards":[{"card":"CARD","actor":ACTOR,"epoch":"EPOCH","mutations":[{"n":NEXT,"op":"delete","id":"RECORD","kind":"comment","ctx":"ACTOR:1"},{"n":1,"op":"resolve","id":"RECORD","kind":"comment"}]}]}`},
		{3, `{"device":"DEVICE","cards":[{"card":"CARD","actor":4294967295,"acked":9007199254740991,"epoch":"EPOCH"}]}`},
		{4, `{"device":"DEVICE","card":"CARD","actor":ACTOR,"epoch":"EPOCH","cursor":"CURSOR","view":"VIEW","ranges":[{"count":1,"sum":"0000000000000001"}]}`},
		{4, `{"device":"DEVICE","card":"CARD","actor":ACTOR,"epoch":"EPOCH","cursor":"CURSOR","view":"VIEW","ids":["RECORD"],"ranges":[{"from":"RECORD","to":"RECORD","count":0,"sum":"0"}]}`},
		{5, `CARD`},
		{5, `CARD,RECORD,,CARD`},
	} {
		f.Add(byte(seed.path), []byte(seed.body))
	}
	w, err := Start(f.Context(), Options{Dir: f.TempDir()})
	ok(f, err)
	f.Cleanup(func() { ok(f, w.Close()) })
	p := &prey{World: w}
	p.enter(f)
	if a := p.throw(f, "/v1/sync/push", p.fill([]byte(batch), p.stands(f))); len(a.results()) != 1 || a.results()[0].Outcome != wire.Accepted {
		f.Fatalf("a good batch is not taken, so what follows would show nothing: %d %s", a.status, a.text)
	}
	f.Fuzz(func(t *testing.T, path byte, body []byte) {
		before := p.stands(t)
		if before.records > 200 || len(before.actors) > 50 || len(before.decisions) > 500 {
			p.another(t)
			before = p.stands(t)
		}
		to := syncPaths[int(path)%len(syncPaths)]
		sent := p.fill(body, before)
		first := p.throw(t, to, sent)
		after := p.stands(t)
		p.judge(t, to, first, before, after)
		if results := first.results(); len(results) > 0 {
			again := p.throw(t, to, sent)
			if !slices.Equal(again.results(), results) || !p.stands(t).same(after) {
				t.Errorf("sent again: %v and then %v; it stood at %+v and then at %+v", results, again.results(), after, p.stands(t))
			}
		}
	})
}

// thrown is what came back.
type thrown struct {
	reply
	lines  []wire.Line
	pushed wire.PushResponse
}

func (a thrown) results() []wire.Result {
	list := a.pushed.Results
	for _, line := range a.lines {
		if line.Res != nil {
			list = append(list, *line.Res)
		}
	}
	return list
}

func (p *prey) judge(t *testing.T, path string, a thrown, before, after standing) {
	t.Helper()
	if a.status >= 500 {
		t.Fatalf("%s: %d %s", path, a.status, a.text)
	}
	if a.status >= 400 {
		if _, err := readRefusal(path, a.reply); err != nil {
			t.Errorf("%s: %d %s: %v", path, a.status, a.text, err)
		}
	}
	taken := slices.ContainsFunc(a.results(), func(r wire.Result) bool { return r.Outcome != wire.Refused })
	switch {
	case a.status >= 400 && !after.same(before):
		t.Errorf("%s: refused with %d, and it stood at %+v and then at %+v", path, a.status, before, after)
	case !taken && (after.head != before.head || after.records != before.records):
		t.Errorf("%s: nothing was taken, and it stood at %+v and then at %+v", path, before, after)
	}
}

func (s standing) same(o standing) bool {
	return s.head == o.head && s.records == o.records && slices.Equal(s.decisions, o.decisions) &&
		slices.EqualFunc(s.actors, o.actors, func(a, b replica.Actor) bool { a.LastSeen, b.LastSeen = time.Time{}, time.Time{}; return a == b })
}

// enter signs a patient in, for longer than any fuzzing takes, and gives her a card.
func (p *prey) enter(t testing.TB) {
	t.Helper()
	anna := somebody("3")
	p.enrol(t.Context(), t, anna)
	token := str(p.World.enter(t.Context(), t, anna), "accessToken")
	var claims struct{ Sid string }
	ok(t, json.Unmarshal(got(base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1]))(t), &claims))
	ok(t, p.Server.Store.View(t.Context(), func(tx *store.Tx) (err error) {
		p.session, _, err = tx.Session(identity.SessionID(claims.Sid))
		return err
	}))
	p.token = got(p.Server.Clients.IssueSession(p.session, p.Now().Add(24*time.Hour)))(t)
	p.another(t)
}

// another gives the patient a fresh card and the device an actor on it.
func (p *prey) another(t testing.TB) {
	t.Helper()
	ok(t, p.Server.Store.Update(t.Context(), func(tx *store.Tx) (err error) {
		if p.card, err = tx.CreateCard(p.Now()); err != nil {
			return err
		}
		return tx.GrantOwner(p.card, p.session.Account, p.Now())
	}))
	var in wire.DevicesResponse
	raw := p.throw(t, "/v1/sync/devices", got(json.Marshal(wire.DevicesRequest{Cards: []wire.DeviceCard{{Card: string(p.card)}}}))(t)).text
	ok(t, json.Unmarshal([]byte(raw), &in))
	p.actor = in.Cards[0].Actor
	p.place = wire.PullCard{Card: string(p.card), Actor: p.actor}
	a := p.throw(t, "/v1/sync/pull", got(json.Marshal(wire.PullRequest{Device: string(p.session.Device), Cards: []wire.PullCard{p.place}}))(t))
	if a.status != http.StatusOK || len(a.lines) < 2 || a.lines[len(a.lines)-1].End == nil {
		t.Fatalf("%d %s", a.status, a.text)
	}
	end := a.lines[len(a.lines)-1].End
	p.place.Epoch, p.place.Cursor, p.place.View = a.lines[0].Card.Epoch, end.Cursor, end.View
}

func (p *prey) stands(t testing.TB) (s standing) {
	t.Helper()
	ok(t, p.Server.Store.View(t.Context(), func(tx *store.Tx) error {
		permit, err := tx.Decide(p.session.Actor(), p.card, consent.PatientRequest, p.Now())
		if err != nil {
			return err
		}
		l, err := tx.Ledger(permit)
		if err != nil {
			return err
		}
		if s.head, err = l.Head(); err != nil {
			return err
		}
		if s.actors, err = l.Actors(); err != nil {
			return err
		}
		if s.decisions, err = l.Decisions(p.actor, 0, 1<<53); err != nil {
			return err
		}
		s.records, err = tx.CountRecords(permit)
		return err
	}))
	return s
}

// fill puts what the device knows in the place of the words that stand for it.
func (p *prey) fill(body []byte, s standing) []byte {
	var last uint64
	for _, a := range s.actors {
		if a.Ordinal == p.actor {
			last = a.LMID
		}
	}
	return []byte(strings.NewReplacer(
		"DEVICE", string(p.session.Device), "CARD", string(p.card), "ACTOR", strconv.FormatUint(uint64(p.actor), 10), "EPOCH", p.place.Epoch,
		"CURSOR", p.place.Cursor, "VIEW", p.place.View, "NEXT", strconv.FormatUint(last+1, 10), "LAST", strconv.FormatUint(last, 10),
		"RECORD", "0195e4a5-0000-7000-8000-00000000000"+strconv.FormatUint(last%10, 10),
	).Replace(string(body)))
}

// throw sends bytes and reads the answer, which has a form whatever it says.
func (p *prey) throw(t testing.TB, path string, body []byte) (a thrown) {
	t.Helper()
	method, address := http.MethodPost, p.URL+path
	if path == "/v1/sync/head" {
		method, address, body = http.MethodGet, address+"?cards="+url.QueryEscape(string(body)), nil
	}
	request := got(http.NewRequestWithContext(t.Context(), method, address, bytes.NewReader(body)))(t)
	request.Header.Set("Authorization", "Bearer "+p.token)
	request.Header.Set("Content-Type", "application/json")
	response := got(http.DefaultClient.Do(request))(t)
	defer response.Body.Close()
	text := got(io.ReadAll(response.Body))(t)
	a.reply = reply{status: response.StatusCode, header: response.Header, text: string(text)}
	switch {
	case a.status != http.StatusOK:
	case path == "/v1/sync" || path == "/v1/sync/pull":
		for in := wire.NewLineReader(bytes.NewReader(text)); ; {
			line, err := in.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			ok(t, err)
			a.lines = append(a.lines, line)
		}
		if last := a.lines[len(a.lines)-1]; last.End == nil && last.Err == nil && last.Gone == nil {
			t.Errorf("the stream ends with %s", text)
		}
	case path == "/v1/sync/push":
		ok(t, json.Unmarshal(text, &a.pushed))
	default:
		if !json.Valid(text) {
			t.Errorf("%s answers %s", path, text)
		}
	}
	return a
}
