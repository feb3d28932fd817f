package story

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/medcard/medcard/app/fhir/example"
	"github.com/medcard/medcard/app/granting"
	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/domain/family"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// The numbers of somebody else than the example's patient.
const (
	anotherENP   = "2341 9980 7165 5749"
	anotherSNILS = "112-233-445 95"
)

var sokolova = family.Named{Name: card.Name{Text: "соколова анна игоревна"}, Born: "1984-06-15"}

// person is somebody with a phone, closed at the end of the test.
func (w *World) person(ctx context.Context, t *testing.T, number, email string) (*Patient, *Phone) {
	t.Helper()
	who, handset, err := w.SignUp(ctx, number, email)
	ok(t, err)
	t.Cleanup(func() { _ = handset.Close() })
	return who, handset
}

// proves sends a document that a reviewer approves. holder is whom it names, by his word; zero = he says nothing of it.
func proves(ctx context.Context, t *testing.T, desk reviewer, who *Patient, p *Phone, slot evidence.Slot, number string, holder family.Named) {
	t.Helper()
	got(p.PutDocumentFile(ctx, slot, 1, located(t)))(t)
	d := got(p.HandInDocument(ctx, slot, number))(t)
	ok(t, desk.Judge(ctx, judgement{Account: who.Account, Document: d.ID, Approved: true, Holder: holder}))
}

// insured has the insurer of a policy confirm it.
func (w *World) insured(ctx context.Context, t *testing.T, who *Patient, p *Phone, number string) {
	t.Helper()
	got(p.LinkPolicy(ctx, phone.NamedPolicy{Number: number}))(t)
	if l := got(p.ConfirmPolicy(ctx, got(w.Code(ctx, who.Login))(t)))(t); l.State != evidence.Linked {
		t.Fatalf("the policy is %+v", l)
	}
}

// closedTo asserts that the card stays closed, and why.
func closedTo(ctx context.Context, t *testing.T, p *Phone, id card.ID, code string, lacks ...string) {
	t.Helper()
	if words := missing(ctx, t, p); !slices.Equal(words, lacks) {
		t.Errorf("missing: %q, want %q", words, lacks)
	}
	_, _, err := p.Card(id).AccessLog(ctx, 0)
	status := http.StatusForbidden
	if code == "card.not_found" {
		status = http.StatusNotFound
	}
	refused(t, err, status, code)
	if report := got(p.Sync(ctx))(t); report.Received > 0 {
		t.Errorf("a closed card was synced: %+v", report)
	}
}

// opensTo asserts that the card came with a sync.
func opensTo(ctx context.Context, t *testing.T, p *Phone, id card.ID) {
	t.Helper()
	if words := missing(ctx, t, p); len(words) > 0 {
		t.Errorf("missing: %q", words)
	}
	if report := got(p.Sync(ctx))(t); report.Received == 0 {
		t.Errorf("the sync brought %+v", report)
	}
	if found := got(p.Card(id).Conditions(phone.Paging{}))(t).Entries; len(found) == 0 {
		t.Error("the card is open and empty")
	}
}

// logs asserts that the card's log tells of the acts.
func logs(ctx context.Context, t *testing.T, p *Phone, id card.ID, acts ...audit.Action) {
	t.Helper()
	log, _, err := p.Card(id).AccessLog(ctx, 0)
	ok(t, err)
	for _, act := range acts {
		if !slices.ContainsFunc(log, func(a phone.Access) bool { return a.Action == act }) {
			t.Errorf("the log does not tell of %s: %+v", act, log)
		}
	}
}

// Whoever has another's code and a policy of his own is told that the two are two people's. The patient redeems beside him, and with her
// policy the card is hers and he waits no longer.
func TestSomebodyElsesPolicyOpensNoCard(t *testing.T) {
	demanding(t, []string{"insurer"}, func(ctx context.Context, t *testing.T, w *World, _ reviewer) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		id, slip := admitted(ctx, t, clinic)
		boris, his := w.person(ctx, t, "+79161234560", "boris@example.org")
		w.insured(ctx, t, boris, his, anotherENP)
		got(his.Claim(ctx, slip))(t)
		closedTo(ctx, t, his, id, "proof.other_patient", "proof.other_patient insurer")

		second := got(clinic.Post(ctx, example.Bundle()))(t).Claim
		anna, hers := w.person(ctx, t, "+79161234567", "anna@example.org")
		got(hers.Claim(ctx, second))(t)
		closedTo(ctx, t, hers, id, "policy.not_linked", "policy.not_linked")
		w.insured(ctx, t, anna, hers, example.Policy)
		opensTo(ctx, t, hers, id)
		logs(ctx, t, hers, id, audit.Refuse, audit.Revoke, audit.Grant)
		closedTo(ctx, t, his, id, "card.not_found", "card.not_claimed")
		_, err := his.Claim(ctx, slip)
		refused(t, err, http.StatusConflict, "claim.used")
	})
}

// Where the card knows no number of a document, name and birth date are compared, as the reviewer read them. What cannot be compared opens nothing; a document that is put right does.
func TestSomebodyElsesPassportOpensNoCard(t *testing.T) {
	demanding(t, []string{"passport"}, func(ctx context.Context, t *testing.T, w *World, desk reviewer) {
		id, slip := admitted(ctx, t, got(w.Clinic(ctx, "Поликлиника № 7"))(t))
		anna, hers := w.person(ctx, t, "+79161234567", "anna@example.org")
		got(hers.Claim(ctx, slip))(t)
		closedTo(ctx, t, hers, id, "documents.not_approved", "documents.not_approved passport")
		passport := func(holder family.Named) {
			proves(ctx, t, desk, anna, hers, evidence.Passport, "4510 123456", holder)
		}
		passport(family.Named{})
		closedTo(ctx, t, hers, id, "proof.missing", "proof.missing")
		other := sokolova
		other.Born = "1984-06-16"
		passport(other)
		closedTo(ctx, t, hers, id, "proof.other_patient", "proof.other_patient passport")

		maiden := sokolova
		maiden.Name = card.Name{Text: "Лебедева Анна Игоревна"}
		passport(maiden)
		opensTo(ctx, t, hers, id)
	})
}

// A number says more than a name.
func TestSomebodyElsesNumberOpensNoCard(t *testing.T) {
	demanding(t, []string{"snils"}, func(ctx context.Context, t *testing.T, w *World, desk reviewer) {
		id, slip := admitted(ctx, t, got(w.Clinic(ctx, "Поликлиника № 7"))(t))
		anna, hers := w.person(ctx, t, "+79161234567", "anna@example.org")
		proves(ctx, t, desk, anna, hers, evidence.SNILS, anotherSNILS, sokolova)
		got(hers.Claim(ctx, slip))(t)
		closedTo(ctx, t, hers, id, "proof.other_patient", "proof.other_patient snils")
		proves(ctx, t, desk, anna, hers, evidence.SNILS, example.SNILS, family.Named{})
		opensTo(ctx, t, hers, id)
		logs(ctx, t, hers, id, audit.Refuse)
	})
}

// A clinic that came later gives a code that opens nothing by itself, else it could read what others wrote: not by its own word, nor by a code to
// the person's own phone. It does no harm to who has the code of the first clinic.
func TestTheCodeOfALaterClinicOpensNothingByItself(t *testing.T) {
	demanding(t, nil, func(ctx context.Context, t *testing.T, w *World, _ reviewer) {
		first, later := got(w.Clinic(ctx, "Психдиспансер"))(t), got(w.Clinic(ctx, "Стоматология"))(t)
		opened := got(first.Post(ctx, filled(t, anna.patient(), diagnosis("dx-1", "Шизофрения"))))(t)
		joined := got(later.Post(ctx, filled(t, anna.patient(), diagnosis("dx-2", "Кариес"))))(t)
		dentist, his := w.person(ctx, t, "+79161234560", "dentist@example.org")
		got(his.Claim(ctx, joined.Claim))(t)
		closedTo(ctx, t, his, opened.Card, "proof.missing", "proof.missing")
		w.insured(ctx, t, dentist, his, example.Policy)
		closedTo(ctx, t, his, opened.Card, "proof.missing", "proof.missing")

		_, hers := w.person(ctx, t, "+79161234567", "anna@example.org")
		got(hers.Claim(ctx, opened.Claim))(t)
		opensTo(ctx, t, hers, opened.Card)
		closedTo(ctx, t, his, opened.Card, "card.not_found", "card.not_claimed")
	})
}

// To a patient it is as good as any other, once she has shown who she is.
func TestTheCodeOfALaterClinicOpensWithAProof(t *testing.T) {
	demanding(t, nil, func(ctx context.Context, t *testing.T, w *World, desk reviewer) {
		first, later := got(w.Clinic(ctx, "Городская больница"))(t), got(w.Clinic(ctx, "Стоматология"))(t)
		got(first.Post(ctx, filled(t, anna.patient(), diagnosis("dx-1", "Гастрит"))))(t)
		joined := got(later.Post(ctx, filled(t, anna.patient(), diagnosis("dx-2", "Кариес"))))(t)
		patient, hers := w.person(ctx, t, "+79161234567", "anna@example.org")
		got(hers.Claim(ctx, joined.Claim))(t)
		closedTo(ctx, t, hers, joined.Card, "proof.missing", "proof.missing")
		proves(ctx, t, desk, patient, hers, evidence.SNILS, example.SNILS, family.Named{})
		opensTo(ctx, t, hers, joined.Card)
	})
}

// Whoever keeps proving that he is somebody else loses the code, so that nobody finds out by it whose card it is.
func TestTooManyMismatchesSpendTheCode(t *testing.T) {
	demanding(t, []string{"snils"}, func(ctx context.Context, t *testing.T, w *World, desk reviewer) {
		id, slip := admitted(ctx, t, got(w.Clinic(ctx, "Поликлиника № 7"))(t))
		boris, his := w.person(ctx, t, "+79161234560", "boris@example.org")
		got(his.Claim(ctx, slip))(t)
		for range evidence.MaxMismatches {
			if me := got(his.Me(ctx))(t); !slices.Equal(me.Waiting, []card.ID{id}) {
				t.Fatalf("he waits for %v", me.Waiting)
			}
			proves(ctx, t, desk, boris, his, evidence.SNILS, anotherSNILS, sokolova)
		}
		closedTo(ctx, t, his, id, "card.not_found", "card.not_claimed")
		_, err := his.Claim(ctx, slip)
		refused(t, err, http.StatusConflict, "claim.used")
		proves(ctx, t, desk, boris, his, evidence.SNILS, example.SNILS, family.Named{})
		closedTo(ctx, t, his, id, "card.not_found", "card.not_claimed")
	})
}

// Who proves nothing waits a month and no longer, but for the time in which a reviewer lets him wait. He keeps nobody else from the card.
func TestAnOwnerWhoProvesNothingLapses(t *testing.T) {
	demanding(t, []string{"passport"}, func(ctx context.Context, t *testing.T, w *World, desk reviewer) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		id, slip := admitted(ctx, t, clinic)
		_, his := w.person(ctx, t, "+79161234560", "boris@example.org")
		ok(t, his.RegisterPush(ctx, "fcm", "boris-phone", "ru"))
		got(his.Claim(ctx, slip))(t)
		anna, hers := w.person(ctx, t, "+79161234567", "anna@example.org")
		got(hers.Claim(ctx, got(clinic.Post(ctx, example.Bundle()))(t).Claim))(t)
		got(hers.PutDocumentFile(ctx, evidence.Passport, 1, located(t)))(t)
		d := got(hers.HandInDocument(ctx, evidence.Passport, "4510 123456"))(t)
		waiting := func(he, she int) {
			t.Helper()
			ok(t, w.Server.API.Enrolling.Sweep(ctx))
			if me := got(his.Me(ctx))(t); len(me.Waiting) != he {
				t.Errorf("he waits for %v, want %d", me.Waiting, he)
			}
			if me := got(hers.Me(ctx))(t); len(me.Waiting) != she {
				t.Errorf("she waits for %v, want %d", me.Waiting, she)
			}
		}
		w.Skip(29 * 24 * time.Hour)
		waiting(1, 1)
		w.Skip(2 * 24 * time.Hour)
		waiting(0, 1)
		w.rings(t, "boris-phone", 1)
		closedTo(ctx, t, his, id, "card.not_found", "documents.not_approved passport", "card.not_claimed")

		ok(t, desk.Judge(ctx, judgement{Account: anna.Account, Document: d.ID, Approved: true, Holder: sokolova}))
		opensTo(ctx, t, hers, id)
		logs(ctx, t, hers, id, audit.Revoke)
	})
}

// An operator takes a wrong owner off a card: his phone loses it, as does whom he let in, and the patient comes in by a new code and reads why.
func TestAWrongOwnerIsTakenOff(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		id, slip := admitted(ctx, t, clinic)
		mallory, his := w.person(ctx, t, "+79161234560", "mallory@example.org")
		friend, friends := w.person(ctx, t, "+79161234561", "friend@example.org")
		ok(t, his.RegisterPush(ctx, "fcm", "mallory-phone", "ru"))
		got(his.Claim(ctx, slip))(t)
		opensTo(ctx, t, his, id)
		got(his.Card(id).GiveGrant(ctx, phone.Wish{Account: friend.Account, Scopes: card.Scopes{"dx.*"}, Ends: w.Now().Add(time.Hour)}))(t)
		got(his.Card(id).GiveGrant(ctx, phone.Wish{Client: clinic.ID, Scopes: card.Scopes{"dx.*"}, Purpose: consent.Emergency, Ends: w.Now().Add(time.Hour)}))(t)
		if report := got(friends.Sync(ctx))(t); report.Received == 0 {
			t.Fatal("the friend got nothing")
		}
		reads := func() error {
			return clinic.Call(ctx, http.MethodGet, "/v1/cards/"+string(id)+"/records?kinds=condition", map[string]string{"Purpose-Of-Use": "ETREAT"}, nil, nil)
		}
		ok(t, reads())

		desk := server.Grant(w.Server.Store, w.Now)
		if list := got(desk.Owners(ctx, id))(t); len(list) != 1 || list[0].Account != mallory.Account {
			t.Errorf("operators read %+v", list)
		}
		removal := granting.Removal{Card: id, Account: mallory.Account, Reason: "Паспорт пациентки показан в поликлинике", By: "Сидорова"}
		for _, bad := range []granting.Removal{
			{Card: id, Account: mallory.Account, By: removal.By}, {Card: id, Account: mallory.Account, Reason: removal.Reason},
			{Card: id, Account: friend.Account, Reason: removal.Reason, By: removal.By},
		} {
			if err := desk.Disown(ctx, bad); err == nil {
				t.Errorf("%+v is carried out", bad)
			}
		}
		ok(t, desk.Disown(ctx, removal))
		if err := desk.Disown(ctx, removal); err == nil {
			t.Error("an owner is taken off twice")
		}
		w.rings(t, "mallory-phone", 1)
		for _, p := range []*Phone{his, friends} {
			got(p.Sync(ctx))(t)
			if cards := got(p.Cards())(t); slices.Contains(cards, id) {
				t.Error("a phone still holds the card")
			}
		}
		refused(t, reads(), http.StatusNotFound, "card.not_found")
		_, err := his.Claim(ctx, slip)
		refused(t, err, http.StatusConflict, "claim.used")

		_, hers := w.person(ctx, t, "+79161234567", "anna@example.org")
		got(hers.Claim(ctx, got(clinic.Post(ctx, example.Bundle()))(t).Claim))(t)
		opensTo(ctx, t, hers, id)
		log, _, err := hers.Card(id).AccessLog(ctx, 0)
		ok(t, err)
		if !slices.ContainsFunc(log, func(a phone.Access) bool { return a.What == "owner: "+removal.Reason && a.Person == removal.By }) {
			t.Errorf("the log does not tell why: %+v", log)
		}
	})
}

// among reports whether the card is one of those that the person sees.
func among(me phone.Me, id card.ID) bool {
	return slices.ContainsFunc(me.Cards, func(c phone.MyCard) bool { return c.ID == id })
}

// Whoever only sees another's card is no patient by it, and is told by what right he sees it.
func TestEverybodyIsToldHowHeSeesACard(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		h := keepHouse(ctx, t, w, w.Now().AddDate(-70, 0, 0))
		is := func(p *Phone, patient bool, roles ...phone.Role) {
			t.Helper()
			me := got(p.Me(ctx))(t)
			var found []phone.Role
			for _, c := range me.Cards {
				found = append(found, c.Role)
			}
			lacks := slices.ContainsFunc(me.Missing, func(m phone.Missing) bool { return m.Code == "card.not_claimed" })
			if me.Recipient != patient || lacks == patient || !slices.Equal(found, roles) {
				t.Errorf("a patient: %v, sees %v, lacks %v", me.Recipient, me.Cards, me.Missing)
			}
		}
		is(h.anna, true, phone.Owner)
		is(h.boris, false)
		got(h.hers.GiveGrant(ctx, phone.Wish{Account: h.parent.Account, Scopes: card.Scopes{"lab.*"}, Ends: w.Now().Add(time.Hour)}))(t)
		is(h.boris, false, phone.LetIn)
		letter := family.Proven{Level: family.Full, Basis: family.PowerOfAttorney, Powers: family.Powers{View: true}, Until: w.Now().AddDate(1, 0, 0)}
		got(h.represent(ctx, letter))(t)
		is(h.boris, false, phone.Representative)
	})
}

// A list that is empty says why: to the card's owner that nobody published any; to everybody else nothing of what may be kept from him.
func TestAnEmptyListSaysWhy(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		posted := got(clinic.Post(ctx, filled(t, anna.patient(), diagnosis("dx-1", "Гастрит"))))(t)
		_, hers := w.person(ctx, t, "+79161234567", "anna@example.org")
		boris, his := w.person(ctx, t, "+79161234560", "boris@example.org")
		got(hers.Claim(ctx, posted.Claim))(t)
		is := func(p *Phone, kind card.Kind, want phone.Empty) {
			t.Helper()
			if page := got(p.Card(posted.Card).Records(kind, phone.Paging{}))(t); page.Empty != want || (want == "") != (len(page.Entries) > 0) {
				t.Errorf("%d of %s, for %q and not %q", len(page.Entries), kind, page.Empty, want)
			}
		}
		is(hers, card.KindCondition, phone.NotSynced)
		got(hers.Sync(ctx))(t)
		is(hers, card.KindCondition, "")
		is(hers, card.KindImmunization, phone.NonePublished)
		got(clinic.Prescribe(ctx, posted.Card, "empty-lists-0001"))(t)
		got(hers.Sync(ctx))(t)
		page := got(hers.Card(posted.Card).PrescriptionsIn(prescription.CategoryCancelled, phone.Paging{}, w.Now()))(t)
		if page.Empty != phone.NoneSuch {
			t.Errorf("none is cancelled, for %q", page.Empty)
		}

		// He sees diagnoses, of which the only one is kept from him, and nothing else: all his lists are empty alike.
		got(hers.Card(posted.Card).GiveGrant(ctx, phone.Wish{Account: boris.Account, Scopes: card.Scopes{"dx.*", "note.*"}, Ends: w.Now().Add(time.Hour)}))(t)
		got(his.Sync(ctx))(t)
		is(his, card.KindCondition, "")
		got(hers.Card(posted.Card).Restrict(ctx, phone.Ban{Scopes: card.Scopes{"dx.*"}}))(t)
		got(his.Sync(ctx))(t)
		for _, kind := range []card.Kind{card.KindCondition, card.KindImmunization, card.KindPrescription} {
			is(his, kind, phone.NoneShown)
		}
	})
}
