package exchanging

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/app/fhir/example"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/sync/cardsync"
)

var (
	noon  = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	first = identity.Actor{Kind: identity.Clinic, Client: "clinic-1", Organisation: "Поликлиника № 7", Scopes: []string{Right}}
	other = identity.Actor{Kind: identity.Clinic, Client: "clinic-2", Organisation: "Больница", Scopes: []string{Right}}
)

func newService(s Store) *Service {
	n := 0
	return New(Parts{Store: s, Clock: func() time.Time { return noon }, Random: rand.Reader, NewID: func() string {
		n++
		return fmt.Sprintf("00000000-0000-7000-8000-%012d", n)
	}})
}

func receive(t *testing.T, s *Service, a identity.Actor, body []byte) Received {
	t.Helper()
	got, err := s.Receive(context.Background(), a, body, "request")
	if err != nil {
		t.Fatalf("%v %v", err, fault.From(err).Fields)
	}
	return got
}

// patient is the smallest bundle: one person, known by what is given.
func patient(born string, identifiers ...string) []byte {
	var list []string
	for _, i := range identifiers {
		system, value, _ := strings.Cut(i, "|")
		list = append(list, fmt.Sprintf(`{"system":%q,"value":%q}`, system, value))
	}
	return fmt.Appendf(nil, `{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:7d7bfd0e-0000-4000-8000-000000000001",
		"resource":{"resourceType":"Patient","identifier":[%s],"birthDate":%q},"request":{"method":"POST","url":"Patient"}}]}`, strings.Join(list, ","), born)
}

const (
	snils  = card.SystemSNILS + "|" + "112-233-445 95"
	policy = card.SystemOMS + "|" + "2341998071655749"
)

func TestTheExampleIsTakenInOnce(t *testing.T) {
	store := newFake()
	s := newService(store)
	got := receive(t, s, first, example.Bundle())
	if !got.Opened || got.Claim == "" || len(got.Entries) == 0 {
		t.Fatalf("received %+v", got)
	}
	for _, e := range got.Entries {
		kept := e.Type == "Organization" || e.Type == "Practitioner" || e.Type == "Coverage"
		if kept != (e.State == Kept) || kept != (e.Record == "") || e.Version != 1 || !kept && e.State != Created {
			t.Errorf("entry %+v", e)
		}
		if !kept && store.versions[e.Record] != 1 {
			t.Errorf("%s has %d versions", e.Type, store.versions[e.Record])
		}
	}
	if len(store.audit) != 1 || store.audit[0].Action != audit.Publish || store.audit[0].Actor.Client != first.Client || store.audit[0].Request != "request" {
		t.Errorf("audit %+v", store.audit)
	}
	if len(store.news) != 1 || !slices.Contains(store.news[0], "lab.general") {
		t.Errorf("news %v", store.news)
	}
	again := receive(t, s, first, example.Bundle())
	if again.Opened || again.Card != got.Card {
		t.Errorf("again %+v", again)
	}
	for _, e := range again.Entries {
		if e.State != Unchanged || e.Version != 1 {
			t.Errorf("the same again: %+v", e)
		}
	}
	if len(store.news) != 1 {
		t.Error("the same again is no news")
	}
	if again.Claim == "" || again.Claim == got.Claim || store.claims[string(got.Card)+string(first.Client)] != again.Claim {
		t.Error("the desk gets a fresh code, and the older one is dead")
	}
}

func TestFactsReferToRecordsOfTheCard(t *testing.T) {
	store := newFake()
	got := receive(t, newService(store), first, example.Bundle())
	facts := map[card.Kind][]card.Fact{}
	ids := map[card.RecordID]card.Kind{}
	for id, r := range store.records {
		fact, err := cardsync.ToFact(r.Kind, r.Atoms)
		if err != nil {
			t.Fatal(err)
		}
		facts[r.Kind] = append(facts[r.Kind], fact)
		ids[id] = r.Kind
	}
	report := facts[card.KindReport][0].(card.Report)
	if len(report.Results) != 5 || ids[report.Results[0]] != card.KindObservation || ids[report.Visit] != card.KindEncounter {
		t.Errorf("report %+v", report)
	}
	if drug := facts[card.KindMedication][0].(card.Medication); len(drug.For) != 1 || ids[drug.For[0]] != card.KindCondition || drug.Requester.Name != "Морозов Алексей Викторович" {
		t.Errorf("medication %+v", drug)
	}
	// A later bundle that names the visit by its identifier finds the record of the first.
	later := []byte(`{"resourceType":"Bundle","type":"transaction","entry":[
		{"resource":{"resourceType":"Patient","identifier":[{"system":"https://clinic.example/id/chart","value":"A-10442"}],"birthDate":"1984-06-15"},"request":{"method":"POST","url":"Patient"}},
		{"resource":{"resourceType":"Procedure","id":"p1","status":"completed","code":{"text":"Спирометрия"},"subject":{"reference":"Patient?identifier=https://clinic.example/id/chart|A-10442"},
		 "encounter":{"reference":"Encounter?identifier=https%3A%2F%2Fclinic.example%2Fid%2Fvisit%7C2026-118845"}},"request":{"method":"POST","url":"Procedure"}}]}`)
	second := receive(t, newService(store), first, later)
	if second.Card != got.Card {
		t.Fatal("another card")
	}
	fact, err := cardsync.ToFact(card.KindProcedure, store.records[second.Entries[1].Record].Atoms)
	if err != nil || ids[fact.(card.Procedure).Visit] != card.KindEncounter {
		t.Errorf("procedure %+v, %v", fact, err)
	}
}

func TestOtherContentIsANewVersion(t *testing.T) {
	store := newFake()
	s := newService(store)
	before := receive(t, s, first, example.Bundle())
	changed := bytes.Replace(example.Bundle(), []byte(`"value": 11.20`), []byte(`"value": 11.2`), 1)
	after := receive(t, s, first, changed)
	var versions []Became
	for i, e := range after.Entries {
		if e.State != Unchanged {
			versions = append(versions, e)
		}
		if e.Record != before.Entries[i].Record {
			t.Errorf("%s moved to another record", e.Type)
		}
	}
	if len(versions) != 1 || versions[0].Type != "Observation" || versions[0].State != Updated || versions[0].Version != 2 {
		t.Fatalf("changed: %+v", versions)
	}
	if store.versions[versions[0].Record] != 2 {
		t.Error("the record has no second version")
	}
	// The sender's own bookkeeping is no content: here the addresses inside the bundle.
	moved := bytes.ReplaceAll(changed, []byte("urn:uuid:"), []byte("https://clinic.example/fhir/Thing/"))
	for _, e := range receive(t, s, first, moved).Entries {
		if e.State != Unchanged {
			t.Errorf("other addresses: %+v", e)
		}
	}
}

func TestAnotherClinicAddsToTheSameCard(t *testing.T) {
	store := newFake()
	s := newService(store)
	mine := receive(t, s, first, example.Bundle())
	theirs := receive(t, s, other, example.Bundle())
	if theirs.Card != mine.Card || theirs.Opened {
		t.Fatalf("%+v", theirs)
	}
	if theirs.Entries[2].Record == mine.Entries[2].Record {
		t.Error("each organisation writes its own records")
	}
}

func TestMatching(t *testing.T) {
	for name, c := range map[string]struct {
		before [][]byte
		by     identity.Actor
		post   []byte
		want   fault.Code // "" = the first card
		opened bool
	}{
		"by policy":                       {before: [][]byte{patient("1980-05-03", policy)}, by: other, post: patient("1980-05-03", policy)},
		"by SNILS, written otherwise":     {before: [][]byte{patient("1980-05-03", snils)}, by: other, post: patient("1980-05-03", "urn:oid:1.2.643.100.3|11223344595")},
		"by the clinic's own name":        {before: [][]byte{patient("1980-05-03", "urn:mrn|7")}, by: first, post: patient("1980-05-03", "urn:mrn|7")},
		"another clinic's name":           {before: [][]byte{patient("1980-05-03", "urn:mrn|7")}, by: other, post: patient("1980-05-03", "urn:mrn|7"), opened: true},
		"less is known of the birth date": {before: [][]byte{patient("1980-05-03", policy)}, by: other, post: patient("1980", policy)},
		"born on another day":             {before: [][]byte{patient("1980-05-03", policy)}, by: other, post: patient("1980-05-04", policy), want: ErrMismatch.Code},
		"a number of each of two cards":   {before: [][]byte{patient("1980-05-03", policy), patient("1980-05-03", snils)}, by: other, post: patient("1980-05-03", policy, snils), want: ErrAmbiguous.Code},
		"another number of the same kind": {before: [][]byte{patient("1980-05-03", policy, snils)}, by: other, post: patient("1980-05-03", policy, card.SystemSNILS+"|08765430300"), want: ErrMismatch.Code},
		"nothing to be known by":          {by: first, post: patient("1980-05-03"), want: "fhir.not_r4"},
	} {
		t.Run(name, func(t *testing.T) {
			store := newFake()
			s := newService(store)
			var want card.ID
			for i, b := range c.before {
				if got := receive(t, s, first, b); i == 0 {
					want = got.Card
				}
			}
			audits := len(store.audit)
			got, err := s.Receive(context.Background(), c.by, c.post, "")
			switch {
			case c.want != "":
				if fault.CodeOf(err) != c.want {
					t.Errorf("got %+v, %v; want %s", got, err, c.want)
				}
				if len(store.audit) != audits || len(store.cards) != len(c.before) {
					t.Error("a refused bundle left something behind")
				}
			case err != nil || got.Opened != c.opened || (got.Card == want) == c.opened:
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestAClaimedCardGivesNoCode(t *testing.T) {
	store := newFake()
	s := newService(store)
	got := receive(t, s, first, example.Bundle())
	store.owned[got.Card] = true
	if again := receive(t, s, first, example.Bundle()); again.Claim != "" {
		t.Error("a code for a card that has an owner")
	}
	if len(store.audit) != 1 {
		t.Error("nothing happened, so nothing is written down")
	}
}

func TestWhoMayPost(t *testing.T) {
	for name, a := range map[string]identity.Actor{
		"nobody":                {},
		"a patient":             {Kind: identity.Patient, Account: "a", SecondFactor: true, Scopes: []string{Right}},
		"a clinic with no such": {Kind: identity.Clinic, Client: "c", Scopes: []string{"system/*.r"}},
	} {
		store := newFake()
		if _, err := newService(store).Receive(context.Background(), a, example.Bundle(), ""); err == nil || len(store.cards)+len(store.audit) != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := receive(t, newService(newFake()), identity.Actor{Kind: identity.Operator}, example.Bundle()); !got.Opened {
		t.Error("an operator imports")
	}
}

func TestTwoIntroductionsAtOnce(t *testing.T) {
	store := newFake()
	store.taken = 2
	if got := receive(t, newService(store), first, example.Bundle()); len(store.cards) != 1 {
		t.Errorf("%+v, cards %v", got, store.cards)
	}
	store = newFake()
	store.taken = 100
	if _, err := newService(store).Receive(context.Background(), first, example.Bundle(), ""); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("always taken: %v", err)
	}
}

func TestAllOrNothing(t *testing.T) {
	store := newFake()
	store.broken = errors.New("disk full")
	empty := store.clone()
	if _, err := newService(store).Receive(context.Background(), first, example.Bundle(), ""); err == nil {
		t.Fatal("no error")
	}
	if !reflect.DeepEqual(store.state, empty) {
		t.Errorf("left behind: %+v", store.state)
	}
}

func TestTheAnswer(t *testing.T) {
	store := newFake()
	s := newService(store)
	got := receive(t, s, first, example.Bundle())
	var doc struct {
		ResourceType, Type string
		Entry              []struct {
			Response struct {
				Status, Location, Etag string
				Outcome                *struct {
					Issue []struct {
						Details struct {
							Coding []struct{ System, Code string }
						}
					}
				}
			}
		}
	}
	if err := json.Unmarshal(got.Response(), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.ResourceType != "Bundle" || doc.Type != "transaction-response" || len(doc.Entry) != len(got.Entries) {
		t.Fatalf("answer %+v", doc)
	}
	for i, e := range doc.Entry {
		r := e.Response
		if r.Status != "201 Created" || r.Etag != `W/"1"` || (r.Location == "") != (got.Entries[i].State == Kept) {
			t.Errorf("entry %d: %+v", i, r)
		}
		if (r.Outcome != nil) != (got.Entries[i].Type == "Patient") {
			t.Errorf("entry %d: outcome %+v", i, r.Outcome)
		}
		if r.Outcome != nil && r.Outcome.Issue[0].Details.Coding[0].Code != got.Claim.Printed() {
			t.Errorf("claim code %+v", r.Outcome)
		}
	}
	if again := receive(t, s, first, example.Bundle()).Response(); bytes.Contains(again, []byte("201")) {
		t.Errorf("nothing is created twice: %s", again)
	}
}

func TestConditionsOfARequest(t *testing.T) {
	store := newFake()
	s := newService(store)
	with := func(phone, request string) []byte {
		return fmt.Appendf(nil, `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"Patient","id":"7","birthDate":"1980",
			"identifier":[{"system":"urn:mrn","value":"7"}],"telecom":[{"value":%q}]},"request":%s}]}`, phone, request)
	}
	put := func(version int) string {
		return fmt.Sprintf(`{"method":"PUT","url":"Patient?identifier=urn:mrn|7","ifMatch":"W/\"%d\""}`, version)
	}
	create := `{"method":"POST","url":"Patient","ifNoneExist":"identifier=urn:mrn|7"}`
	if got := receive(t, s, first, with("1", create)).Entries[0]; got.State != Created {
		t.Errorf("create: %+v", got)
	}
	if got := receive(t, s, first, with("2", create)).Entries[0]; got.State != Unchanged || got.Version != 1 {
		t.Errorf("create what is there: %+v", got)
	}
	if got := receive(t, s, first, with("3", put(1))).Entries[0]; got.State != Updated || got.Version != 2 {
		t.Errorf("update what was read: %+v", got)
	}
	if _, err := s.Receive(context.Background(), first, with("4", put(1)), ""); !errors.Is(err, ErrStale) {
		t.Errorf("update what was not read: %v", err)
	}
}

func TestManyBundlesWait(t *testing.T) {
	s := newService(newFake())
	if err := s.room.Acquire(context.Background(), roomBytes); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(context.Background(), time.Millisecond)
	defer stop()
	if _, err := s.Receive(ctx, first, example.Bundle(), ""); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("no room: %v", err)
	}
	s.room.Release(roomBytes)
	receive(t, s, first, example.Bundle())
}
