package server

import (
	"crypto/rand"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/issuing"
	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/app/store/storetest"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/posting"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/domain/referral"
	"github.com/medcard/medcard/sync/cardsync"
)

// Acts on papers against a real store, on both databases, where races and refusals are the database's to show.

var (
	doctor = identity.Actor{
		Person: identity.Person{ID: "7", Name: "Иванова А. П.", Role: "терапевт"},
		Kind:   identity.Clinic, Client: "0191d5a0-0000-7000-8000-0000000000c1", Organisation: "Поликлиника № 7",
		Scopes: []string{issuing.PrescriptionRight, issuing.ReferralRight, "system/*.c"},
	}
	anna = identity.Actor{Kind: identity.Patient, Account: "anna", Device: "d1", SecondFactor: true}
)

// office is an issuing service whose cards belong to Anna, and have been posted to by the doctor.
type office struct {
	*issuing.Service
	db *store.DB
}

func inOffice(t *testing.T, test func(*testing.T, office)) {
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		db := storetest.OpenStore(t, cfg)
		custody, err := keys.OpenFolder(t.TempDir(), time.Now)
		if err != nil {
			t.Fatal(err)
		}
		issue, _, _, err := papers(db, custody, config.Config{Issuer: "test", Zone: "Europe/Moscow"}, Options{Clock: time.Now}, prometheus.NewRegistry())
		if err != nil {
			t.Fatal(err)
		}
		test(t, office{issue, db})
	})
}

func (o office) card(t *testing.T) (id card.ID) {
	t.Helper()
	now := time.Now()
	err := o.db.Update(t.Context(), func(tx *store.Tx) (err error) {
		if id, err = tx.CreateCard(now); err != nil {
			return err
		}
		if err := tx.GrantOwner(id, anna.Account, now); err != nil {
			return err
		}
		p, err := tx.DecideWrite(doctor, id, "system/*.c", card.Everything())
		if err != nil {
			return err
		}
		if err := tx.Keep(p, doctor.Client, []posting.Posting{{Key: posting.Key{Type: "Patient", Name: "1"}, Version: 1, At: now, Body: []byte("{}")}}); err != nil {
			return err
		}
		person := card.Person{Name: card.Name{Family: "Иванова", Given: []string{"Анна", "Петровна"}}, Born: "1956-03-08"}
		return tx.Publish(p, []cardsync.Record{cardsync.FromFact(card.RecordID(store.NewID()), person, card.General)}, now)
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (o office) trail(t *testing.T, id card.ID) (actions []audit.Action) {
	t.Helper()
	err := o.db.View(t.Context(), func(tx *store.Tx) error {
		p, err := tx.Decide(anna, id, consent.PatientRequest, time.Now())
		if err != nil {
			return err
		}
		list, err := tx.AuditTrail(p, 0, 100)
		actions = nil
		for _, e := range slices.Backward(list) {
			actions = append(actions, e.Action)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return actions
}

func metformin() prescription.Sheet {
	return prescription.Sheet{Form: prescription.Ordinary, Validity: prescription.Days60, Clinic: "1027700132195", Prescriber: "Соколов М. И.", Items: []prescription.Item{{
		Code: 5231, Name: "Метформин", Shape: prescription.Tablet, Strength: []prescription.Strength{{Amount: 500, Unit: prescription.Milligram}}, Quantity: 60,
		Regimen: prescription.Regimen{Portion: 100, Times: 2, Days: 30},
	}}}
}

func cardiologist() referral.Sheet {
	return referral.Sheet{Kind: referral.Consultation, Care: referral.Planned, Clinic: "1027700132195", Purpose: "Консультация кардиолога", Referrer: "Соколов М. И.", Days: 30}
}

func TestAnIdempotencyKeyNamesOneDocument(t *testing.T) {
	inOffice(t, func(t *testing.T, o office) {
		mine, other := o.card(t), o.card(t)
		const key = "visit-1-document-1"
		first, code, err := o.Prescription(t.Context(), doctor, issuing.Filing{Card: mine, Key: key}, metformin())
		if err != nil {
			t.Fatal(err)
		}
		again, same, err := o.Prescription(t.Context(), doctor, issuing.Filing{Card: mine, Key: key}, metformin())
		if err != nil || again.ID != first.ID || same != code {
			t.Errorf("filed again: %s, %v", again.ID, err)
		}
		more := metformin()
		more.Items[0].Quantity = 90
		if _, _, err := o.Prescription(t.Context(), doctor, issuing.Filing{Card: mine, Key: key}, more); !errors.Is(err, issuing.ErrMismatch) {
			t.Errorf("another quantity: %v", err)
		}
		if _, _, err := o.Prescription(t.Context(), doctor, issuing.Filing{Card: other, Key: key}, metformin()); !errors.Is(err, issuing.ErrMismatch) {
			t.Errorf("another card: %v", err)
		}
		if _, _, err := o.Referral(t.Context(), doctor, issuing.Filing{Card: mine, Key: key}, cardiologist()); !errors.Is(err, issuing.ErrMismatch) {
			t.Errorf("another kind: %v", err)
		}
		if trail := o.trail(t, other); len(trail) != 0 {
			t.Errorf("what was refused left %v", trail)
		}
	})
}

// look is that of an actor who says why, if he has to.
func look(who identity.Actor) issuing.Look {
	if who.Kind == identity.Patient {
		return issuing.Look{Request: "request-1"}
	}
	return issuing.Look{Purpose: consent.Treatment, Request: "request-1"}
}

func TestWhoLooksAtACodeIsRemembered(t *testing.T) {
	inOffice(t, func(t *testing.T, o office) {
		id := o.card(t)
		rx, _, err := o.Prescription(t.Context(), doctor, issuing.Filing{Card: id, Key: "a document"}, metformin())
		if err != nil {
			t.Fatal(err)
		}
		ref, _, err := o.Referral(t.Context(), doctor, issuing.Filing{Card: id, Key: "another document"}, cardiologist())
		if err != nil {
			t.Fatal(err)
		}
		for _, who := range []identity.Actor{doctor, anna, anna} {
			if shown, err := o.PrescriptionCode(t.Context(), who, rx.ID, look(who)); err != nil || shown.Code == "" {
				t.Errorf("%s: %v", who.Kind, err)
			}
			if shown, err := o.ReferralCode(t.Context(), who, ref.ID, look(who)); err != nil || shown.Code == "" {
				t.Errorf("%s: %v", who.Kind, err)
			}
		}
		// The clinic's two looks; the owner's many are one.
		want := []audit.Action{audit.Issue, audit.Issue, audit.Read, audit.Read, audit.Read}
		if got := o.trail(t, id); !slices.Equal(got, want) {
			t.Errorf("remembered %v, want %v", got, want)
		}

		foreign, stranger := doctor, anna
		foreign.Client, stranger.Account = identity.ClientID(store.NewID()), "eve"
		for _, who := range []identity.Actor{foreign, stranger} {
			for what, id := range map[string]prescription.ID{"another's": rx.ID, "a missing": prescription.ID(store.NewID())} {
				if _, err := o.PrescriptionCode(t.Context(), who, id, look(who)); !errors.Is(err, issuing.ErrUnknown) {
					t.Errorf("%s sees %s paper: %v", who.Kind, what, err)
				}
			}
		}
		if got := o.trail(t, id); !slices.Equal(got, want) {
			t.Errorf("who was refused left %v", got)
		}
	})
}

// narrow draws places from the first eight only, so that papers that are filed at once meet.
type narrow struct{}

func (narrow) Read(p []byte) (int, error) {
	n, err := rand.Read(p)
	if len(p) == 4 { // the draw of a place
		p[0], p[1], p[2] = p[0]%8, 0, 0
	}
	return n, err
}

var _ io.Reader = narrow{}

func TestPapersFiledAtOnceGetPlacesOfTheirOwn(t *testing.T) {
	inOffice(t, func(t *testing.T, o office) {
		o.Random = narrow{}
		const papers = 5
		var filing sync.WaitGroup
		tokens := make([]prescription.Token, papers)
		for i := range papers {
			id := o.card(t)
			filing.Go(func() {
				rx, _, err := o.Prescription(t.Context(), doctor, issuing.Filing{Card: id, Key: "for " + string(id)}, metformin())
				if err != nil {
					t.Error(err)
				}
				tokens[i] = rx.Token
			})
		}
		filing.Wait()
		err := o.db.View(t.Context(), func(tx *store.Tx) error {
			for i, token := range tokens {
				if _, found, err := tx.StatusOf(token); err != nil || !found {
					t.Errorf("paper %d has no place in the list: %v", i, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}
