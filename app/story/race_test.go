package story

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/medcard/medcard/app/dispensing"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/app/store/storetest"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/mobile-sdk/credential"
	"github.com/medcard/medcard/mobile-sdk/problem"
)

var (
	raceRounds      = flag.Int("dispense.rounds", 4, "rounds of the race for a prescription; the goal is 100")
	racePharmacists = flag.Int("dispense.pharmacists", 60, "pharmacists at once; the goal is 1000")
)

// desk is where a pharmacist or a clinic's system asks.
type desk interface {
	ask(ctx context.Context, d deed, paper Paper) (heard, error)
}

// errAgain means that nobody can tell what became of the request, or that it had no effect: the same is to be asked again.
var errAgain = errors.New("ask again")

// doors are the servers' HTTP doors; pharmacist n goes to the n-th, with a token of pharmacy n.
type doors struct {
	client  *http.Client
	urls    []string
	tokens  [][]string // of each door, by pharmacy
	clinics []string   // of each door
}

const racePharmacies = 10

// openDoors registers the pharmacies and fetches a token for each at each server.
func openDoors(ctx context.Context, t *testing.T, clinic identity.ClientID, clinicKey *Key, worlds ...*World) doors {
	t.Helper()
	d := doors{client: &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConns: 3000, MaxIdleConnsPerHost: 1500}}}
	t.Cleanup(d.client.CloseIdleConnections)
	type client struct {
		id  identity.ClientID
		key *Key
	}
	var pharmacies []client
	for n := range racePharmacies {
		id, key, err := worlds[0].Register(ctx, identity.Pharmacy, fmt.Sprintf("Аптека № %d", n+1))
		ok(t, err)
		pharmacies = append(pharmacies, client{id, key})
	}
	for _, w := range worlds {
		token := func(c client, scopes ...string) string {
			return got(credential.New(credential.Client{ID: string(c.id), Key: c.key, TokenURL: w.URL + "/oauth/token", Scopes: scopes, Clock: w.Now}).As(Pharmacist)(ctx))(t)
		}
		var tokens []string
		for _, p := range pharmacies {
			tokens = append(tokens, token(p, dispensing.Right))
		}
		d.urls, d.tokens = append(d.urls, w.URL), append(d.tokens, tokens)
		d.clinics = append(d.clinics, token(client{clinic, clinicKey}, dispensing.CancelRight))
	}
	return d
}

func (d doors) ask(ctx context.Context, what deed, paper Paper) (heard, error) {
	door := int(what.key[0]) % len(d.urls)
	token, path := d.tokens[door][what.who], "/v1/dispensing/"+paper.ID+"/"+what.what
	body := map[string]any{"idempotencyKey": what.key}
	switch what.what {
	case "accept":
		path, body["code"] = "/v1/dispensing/accept", paper.Code
	case "cancel":
		path, token = "/v1/prescriptions/"+paper.ID+"/cancel", d.clinics[door]
	case "complete":
		body["items"] = []any{map[string]any{"item": 0, "quantity": what.quantity}}
		fallthrough
	case "reject":
		body["secret"] = what.secret
	}
	content, err := json.Marshal(body)
	if err != nil {
		return heard{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, d.urls[door]+path, bytes.NewReader(content))
	if err != nil {
		return heard{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := d.client.Do(request)
	if err != nil {
		return heard{}, errAgain
	}
	defer response.Body.Close()
	if response.StatusCode >= http.StatusMultipleChoices {
		code := problem.CodeOf(problem.From(response))
		if response.StatusCode >= http.StatusInternalServerError || code == "prescription.raced" {
			return heard{}, errAgain
		}
		return heard{code: code}, nil
	}
	var answer struct {
		Secret, State string
		Items         []struct{ Remaining int }
		Prescription  struct{ Items []struct{ Remaining int } }
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return heard{}, errAgain
	}
	if what.what == "accept" {
		return heard{secret: answer.Secret, remaining: answer.Prescription.Items[0].Remaining}, nil
	}
	return heard{state: answer.State, remaining: answer.Items[0].Remaining}, nil
}

// inside asks the act itself, over a store of the test's choice.
type inside struct {
	store dispensing.Store
	token prescription.Token
}

func (i inside) ask(ctx context.Context, d deed, paper Paper) (heard, error) {
	service := &dispensing.Service{
		Store: i.store, Clock: time.Now, Secret: rand.Text, Zone: time.UTC,
		Token: func(context.Context, string) (prescription.Token, error) { return i.token, nil },
	}
	who := identity.Actor{Kind: identity.Pharmacy, Client: identity.ClientID(fmt.Sprintf("0191d5a0-0000-7000-8000-%012d", d.who)), Scopes: []string{dispensing.Right}}
	ask := dispensing.Ask{Key: d.key, Request: "race"}
	var course prescription.Course
	var t heard
	var err error
	switch d.what {
	case "accept":
		var held dispensing.Held
		held, err = service.Accept(ctx, who, "", ask)
		if err == nil {
			return heard{secret: held.Secret, remaining: held.Prescription.Course.Items[0].Remaining()}, nil
		}
	case "complete":
		course, err = service.Complete(ctx, who, prescription.ID(paper.ID), d.secret, []prescription.Portion{{Quantity: d.quantity}}, ask)
	case "reject":
		course, err = service.Reject(ctx, who, prescription.ID(paper.ID), d.secret, ask)
	}
	switch {
	case err == nil:
		t.state, t.remaining = string(course.State), course.Items[0].Remaining()
	case fault.CodeOf(err) == "prescription.raced", fault.KindOf(err) == fault.Unavailable:
		return t, errAgain
	case fault.KindOf(err) == fault.Internal: // the control variant breaks in more ways than one
		return t, err
	}
	t.code = string(fault.CodeOf(err))
	return t, nil
}

// round is one race for one prescription.
type round struct {
	desk
	witness
	paper    Paper
	n        int
	working  bool // winners go on to hand out, reject, and are raced by others and by the clinic; else they only hold
	mu       sync.Mutex
	won      int
	strange  error
	recovers bool // the winner asks again as if it had never heard
}

// do asks until there is an answer.
func (r *round) do(ctx context.Context, by int, d deed) heard {
	return r.saw(by, d, func() heard {
		for {
			t, err := r.ask(ctx, d, r.paper)
			if err == nil {
				return t
			}
			if !errors.Is(err, errAgain) || ctx.Err() != nil {
				r.mu.Lock()
				r.strange = err
				r.mu.Unlock()
				return heard{code: "strange"}
			}
			time.Sleep(5 * time.Millisecond)
		}
	})
}

// pharmacist is one person's work in a round.
func (r *round) pharmacist(ctx context.Context, n int) {
	who := n % racePharmacies
	key := func(what string) string { return fmt.Sprintf("%c%s-%d-%d", 'a'+n%2, what, r.n, n) }
	accept := deed{what: "accept", who: who, key: key("accept")}
	t := r.do(ctx, n, accept)
	if t.code != "" {
		for try := 0; r.working && n%5 == 0 && t.code == "prescription.in_work" && try < 3; try++ { // comes again
			time.Sleep(time.Duration(1+n%7) * time.Millisecond)
			t = r.do(ctx, n, accept)
		}
		if t.code != "" {
			return
		}
	}
	r.mu.Lock()
	r.won++
	r.mu.Unlock()
	old := t.secret
	if r.recovers {
		if t = r.do(ctx, n, accept); t.code != "" {
			return
		}
	}
	if !r.working {
		return
	}
	if r.recovers && n%3 == 0 {
		r.do(ctx, n, deed{what: "complete", who: who, key: key("stale"), secret: old, quantity: 1})
	}
	finish := deed{what: "complete", who: who, key: key("finish"), secret: t.secret, quantity: min(20, t.remaining)}
	switch (n + r.n) % 3 {
	case 0:
		finish.quantity = t.remaining
	case 1:
		finish.what, finish.quantity = "reject", 0
	}
	r.do(ctx, n, finish)
	r.do(ctx, n, finish) // the answer was lost
}

func (r *round) run(ctx context.Context, pharmacists int) {
	r.began = time.Now()
	gate := make(chan struct{})
	var everybody sync.WaitGroup
	for n := range pharmacists {
		everybody.Go(func() {
			<-gate
			r.pharmacist(ctx, n)
		})
	}
	if _, http := r.desk.(doors); http && r.working && r.n%3 == 0 {
		everybody.Go(func() {
			<-gate
			for try := range 5 {
				d := deed{what: "cancel", key: fmt.Sprintf("%ccancel-%d-%d", 'a'+try%2, r.n, try)}
				if t := r.do(ctx, pharmacists, d); t.code != "prescription.in_work" {
					r.do(ctx, pharmacists, d)
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
	close(gate)
	everybody.Wait()
}

// linearizable says whether one order explains what everybody was told.
func (r *round) linearizable() porcupine.CheckResult {
	return porcupine.CheckOperationsTimeout(courseModel, essential(r.ops), time.Minute)
}

// TestTheRaceForOnePrescription runs on two servers over one PostgreSQL, on one over SQLite. The full count:
//
//	go test ./app/story -run TestTheRaceForOnePrescription -timeout 2h -v -dispense.rounds 100 -dispense.pharmacists 1000
func TestTheRaceForOnePrescription(t *testing.T) {
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		ctx, dir := t.Context(), t.TempDir()
		worlds := []*World{got(Start(ctx, Options{Dir: dir, Postgres: cfg.Postgres}))(t)}
		t.Cleanup(func() { ok(t, worlds[0].Close()) })
		if cfg.Postgres != "" {
			second := got(Start(ctx, Options{Dir: dir, Postgres: cfg.Postgres, Push: worlds[0].Push}))(t)
			t.Cleanup(func() { ok(t, second.Stop()) })
			worlds = append(worlds, second)
		}
		w := worlds[0]
		clinicID, clinicKey, err := w.Register(ctx, identity.Clinic, "Поликлиника № 7")
		ok(t, err)
		source := credential.New(credential.Client{ID: string(clinicID), Key: clinicKey, TokenURL: w.URL + "/oauth/token", Scopes: clinicScopes, Clock: w.Now})
		clinic := &Clinic{ID: clinicID, Token: source.As(Doctor), world: w}
		id, _ := admitted(ctx, t, clinic)
		began := time.Now()
		d := openDoors(ctx, t, clinicID, clinicKey, worlds...)
		operations, held := 0, 0
		for n := range *raceRounds {
			if time.Since(began) > 4*time.Minute { // tokens last five
				d, began = openDoors(ctx, t, clinicID, clinicKey, worlds...), time.Now()
			}
			r := &round{desk: d, n: n, paper: got(clinic.Prescribe(ctx, id, fmt.Sprintf("race-%08d", n)))(t), working: n%2 == 1, recovers: true}
			r.run(ctx, *racePharmacists)
			if r.strange != nil {
				t.Fatalf("round %d: %v", n, r.strange)
			}
			if !r.working {
				held++
				if r.won != 1 {
					t.Errorf("round %d: %d of %d won", n, r.won, *racePharmacists)
				}
			}
			if result := r.linearizable(); result != porcupine.Ok {
				t.Errorf("round %d: %s: no order explains what the %d were told", n, result, *racePharmacists)
			}
			operations += len(r.ops)
		}
		t.Logf("%d servers, %d rounds of %d pharmacists (%d of them with exactly one winner), %d operations checked",
			len(worlds), *raceRounds, *racePharmacists, held, operations)
	})
}

func TestTheCheckerCatchesACarelessStore(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		id, _ := admitted(ctx, t, clinic)
		pharmacy := got(w.Pharmacy(ctx, "Аптека № 1"))(t)
		ok(t, pharmacy.Refresh(ctx))
		fresh := func(n int, with dispensing.Store) *round {
			paper := got(clinic.Prescribe(ctx, id, fmt.Sprintf("control-%08d", n)))(t)
			token := prescription.Token(pharmacy.Verify(paper.Code, w.Now()).Document.Claims().Token)
			return &round{desk: inside{with, token}, n: n, paper: paper, working: n%2 == 1, recovers: true}
		}
		for n := range 2 { // the same race is fine over the real store
			r := fresh(n, honest{w.Server.Store})
			r.run(ctx, 50)
			if r.strange != nil || r.linearizable() != porcupine.Ok {
				t.Errorf("the real store: %v, %s", r.strange, r.linearizable())
			}
		}
		for n := range 15 {
			r := fresh(100+2*n, naive{w.Server.Store})
			r.recovers = false
			r.run(ctx, 50)
			if result := r.linearizable(); result == porcupine.Illegal && r.won > 1 && r.strange == nil {
				t.Logf("round %d: the careless store let %d of 50 win, and the checker says %s", n+1, r.won, result)
				return
			}
		}
		t.Error("the careless store was never caught: this race would not see a mistake in the real one either")
	})
}
