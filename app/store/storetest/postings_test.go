package storetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/posting"
	"github.com/medcard/medcard/sync/cardsync"
)

var clinic = identity.Actor{Kind: identity.Clinic, Client: "clinic-1", Scopes: []string{"system/*.c"}}

// posts runs f in an Update with a permit to post into the card; "" opens a new one.
func posts(t *testing.T, db *store.DB, id card.ID, f func(*store.Tx, consent.Permit) error) (card.ID, error) {
	t.Helper()
	return id, db.Update(context.Background(), func(tx *store.Tx) (err error) {
		if id == "" {
			if id, err = tx.CreateCard(noon); err != nil {
				return err
			}
		}
		p, err := tx.DecideWrite(clinic, id, "system/*.c", card.Everything())
		if err != nil {
			return err
		}
		return f(tx, p)
	})
}

func opened(t *testing.T, db *store.DB, f func(*store.Tx, consent.Permit) error) card.ID {
	t.Helper()
	id, err := posts(t, db, "", f)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestWhatWasPostedIsKnownByItsKey(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		visit := posting.Key{Type: "Encounter", Name: "identifier|urn:visits|1"}
		bill := posting.Key{Type: "Claim", Name: "id|1"}
		old, fresh := posting.Digest(sha256.Sum256([]byte("old"))), posting.Digest(sha256.Sum256([]byte("new")))
		record := card.RecordID(store.NewID())
		id := opened(t, db, func(tx *store.Tx, p consent.Permit) error {
			return tx.Keep(p, "clinic-1", []posting.Posting{
				{Key: visit, Digest: old, Record: record, Version: 1, At: noon, Body: []byte(`{"resourceType":"Encounter"}`)},
				{Key: bill, Digest: old, Version: 1, At: noon, Body: []byte(`{"resourceType":"Claim"}`)},
			})
		})
		ask := func(id card.ID, client identity.ClientID, questions ...posting.Question) (known []posting.Known) {
			t.Helper()
			if _, err := posts(t, db, id, func(tx *store.Tx, p consent.Permit) (err error) {
				known, err = tx.Known(p, client, questions)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return known
		}
		got := ask(id, "clinic-1", posting.Question{Key: bill, Digest: old}, posting.Question{Key: visit, Digest: old}, posting.Question{Key: visit, Digest: fresh}, posting.Question{Key: posting.Key{Type: "Encounter", Name: "id|1"}})
		want := []posting.Known{{Version: 1, Same: true}, {Record: record, Version: 1, Same: true}, {Record: record, Version: 1}, {}}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("question %d: got %+v, want %+v", i, got[i], want[i])
			}
		}
		if other := ask(id, "clinic-2", posting.Question{Key: visit, Digest: old}); other[0] != (posting.Known{}) {
			t.Errorf("another organisation sees %+v", other)
		}
		stranger := opened(t, db, func(*store.Tx, consent.Permit) error { return nil })
		if other := ask(stranger, "clinic-1", posting.Question{Key: visit, Digest: old}); other[0] != (posting.Known{}) {
			t.Errorf("another card holds %+v", other)
		}
		if _, err := posts(t, db, id, func(tx *store.Tx, p consent.Permit) error {
			return tx.Keep(p, "clinic-1", []posting.Posting{{Key: visit, Digest: fresh, Record: record, Version: 2, At: noon, Body: []byte(`{}`)}})
		}); err != nil {
			t.Fatal(err)
		}
		if got := ask(id, "clinic-1", posting.Question{Key: visit, Digest: fresh}); got[0] != (posting.Known{Record: record, Version: 2, Same: true}) {
			t.Errorf("the newest version: %+v", got)
		}
		if _, err := posts(t, db, id, func(tx *store.Tx, p consent.Permit) error {
			return tx.Keep(p, "clinic-1", []posting.Posting{{Key: visit, Digest: old, Record: record, Version: 2, At: noon, Body: []byte(`{}`)}})
		}); err == nil {
			t.Error("a version was written twice")
		}
	})
}

func TestWhatWasPostedComesBackByteForByte(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		const body = `{ "resourceType" : "Observation", "valueQuantity":{"value":7.10} }`
		visit, hidden := card.RecordID(store.NewID()), card.RecordID(store.NewID())
		id := newCard(t, db, "ada")
		if _, err := posts(t, db, id, func(tx *store.Tx, p consent.Permit) error {
			for i, text := range []string{"{}", body} {
				if err := tx.Keep(p, "clinic-1", []posting.Posting{{Key: posting.Key{Type: "Observation", Name: "id|1"}, Record: visit, Version: i + 1, At: noon, Body: []byte(text)}}); err != nil {
					return err
				}
			}
			if err := tx.Keep(p, "clinic-1", []posting.Posting{{Key: posting.Key{Type: "Condition", Name: "id|1"}, Record: hidden, Version: 1, At: noon, Body: []byte(body)}}); err != nil {
				return err
			}
			return tx.Publish(p, []cardsync.Record{cardsync.FromFact(visit, card.Observation{}, card.General), cardsync.FromFact(hidden, card.Condition{}, card.General)}, noon)
		}); err != nil {
			t.Fatal(err)
		}
		err := db.Update(context.Background(), func(tx *store.Tx) error {
			owner, err := tx.Decide(patient("ada"), id, consent.PatientRequest, noon)
			if err != nil {
				return err
			}
			if got, found, err := tx.AsPosted(owner, visit); string(got) != body || !found || err != nil {
				t.Errorf("got %q, %v, %v", got, found, err)
			}
			if _, found, err := tx.AsPosted(owner, card.RecordID(store.NewID())); found || err != nil {
				t.Errorf("no such record: %v, %v", found, err)
			}
			return tx.AddGrant(owner, consent.Grant{ID: consent.GrantID(store.NewID()), Card: id, Role: consent.Reader, Client: "clinic-2",
				Scopes: card.Scopes{"lab.*"}, Purpose: consent.Treatment, Starts: noon})
		})
		if err != nil {
			t.Fatal(err)
		}
		err = db.View(context.Background(), func(tx *store.Tx) error {
			reader, err := tx.Decide(identity.Actor{Kind: identity.Clinic, Client: "clinic-2", Person: identity.Person{ID: "7", Name: "Иванова А. П.", Role: "терапевт"}}, id, consent.Treatment, noon)
			if err != nil {
				return err
			}
			if got, found, err := tx.AsPosted(reader, visit); string(got) != body || !found || err != nil {
				t.Errorf("in scope: got %q, %v, %v", got, found, err)
			}
			if got, found, err := tx.AsPosted(reader, hidden); found || err != nil {
				t.Errorf("out of scope: got %q, %v, %v", got, found, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestAPatientIsFoundByNumberOrName(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		policy := card.Number{System: card.SystemOMS, Value: "2341998071655749"}
		snils := card.Number{System: card.SystemSNILS, Value: "11223344595"}
		ada := posting.Introduction{Client: "clinic-1", Names: []string{"identifier|urn:mrn|7"}, Numbers: []card.Number{policy}, Born: "1980"}
		id := opened(t, db, func(tx *store.Tx, p consent.Permit) error { return tx.Introduce(p, ada) })
		find := func(who posting.Introduction) (found []posting.Match) {
			t.Helper()
			if err := db.View(context.Background(), func(tx *store.Tx) (err error) {
				found, err = tx.CardsOfPatient(who)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return found
		}
		if got := find(posting.Introduction{Client: "clinic-2", Numbers: []card.Number{policy}}); len(got) != 1 || got[0] != (posting.Match{Card: id, Born: "1980", By: card.SystemOMS}) {
			t.Errorf("by number: %+v", got)
		}
		if got := find(posting.Introduction{Client: "clinic-1", Names: ada.Names}); len(got) != 1 || got[0].Card != id {
			t.Errorf("by name: %+v", got)
		}
		for name, who := range map[string]posting.Introduction{
			"another clinic's name":     {Client: "clinic-2", Names: ada.Names},
			"the number elsewhere":      {Client: "clinic-1", Numbers: []card.Number{{System: card.SystemSNILS, Value: policy.Value}}},
			"nothing to be found by":    {Client: "clinic-1"},
			"a name that is the number": {Client: "clinic-1", Names: []string{policy.System + "|" + policy.Value}},
		} {
			if got := find(who); len(got) != 0 {
				t.Errorf("%s: %+v", name, got)
			}
		}
		// More is learnt about the same person; less does not replace it.
		for _, born := range []card.Date{"1980-05-03", "1980-05"} {
			if _, err := posts(t, db, id, func(tx *store.Tx, p consent.Permit) error {
				return tx.Introduce(p, posting.Introduction{Client: "clinic-2", Names: []string{"id|9", "id|9"}, Numbers: []card.Number{policy, snils}, Born: born})
			}); err != nil {
				t.Fatal(err)
			}
		}
		if got := find(posting.Introduction{Numbers: []card.Number{policy}}); got[0].Born != "1980-05-03" {
			t.Errorf("born %s", got[0].Born)
		}
		_, err := posts(t, db, id, func(tx *store.Tx, p consent.Permit) error {
			return tx.Introduce(p, posting.Introduction{Client: "clinic-1", Numbers: []card.Number{{System: card.SystemSNILS, Value: "08765430300"}}})
		})
		if !errors.Is(err, posting.ErrOther) {
			t.Errorf("a second SNILS: %v", err)
		}
		_, err = posts(t, db, "", func(tx *store.Tx, p consent.Permit) error {
			return tx.Introduce(p, posting.Introduction{Client: "clinic-3", Names: []string{"id|1"}, Numbers: []card.Number{snils}})
		})
		if !errors.Is(err, posting.ErrTaken) {
			t.Errorf("a number of another card: %v", err)
		}
		if got := find(posting.Introduction{Client: "clinic-3", Names: []string{"id|1"}}); len(got) != 0 {
			t.Errorf("a refused introduction left %+v", got)
		}
	})
}

func TestAClaimCodeOpensOnce(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		ends := noon.Add(time.Hour)
		put := func(code identity.ClaimCode) func(*store.Tx, consent.Permit) error {
			return func(tx *store.Tx, p consent.Permit) error { return tx.PutClaim(p, "clinic-1", code, ends) }
		}
		id := opened(t, db, put("AAAAAAAAAAAA"))
		if _, err := posts(t, db, id, put("BBBBBBBBBBBB")); err != nil {
			t.Fatal(err)
		}
		err := db.Update(context.Background(), func(tx *store.Tx) error {
			if _, found, err := tx.Claim("AAAAAAAAAAAA"); found || err != nil {
				t.Errorf("the older code: found %v, %v", found, err)
			}
			claim, found, err := tx.Claim("BBBBBBBBBBBB")
			if !found || err != nil || claim.Card != id || !claim.Ends.Equal(ends) || !claim.Redeemed.IsZero() {
				t.Errorf("the code: %+v, %v, %v", claim, found, err)
			}
			for _, want := range []bool{true, false} {
				if got, err := tx.RedeemClaim("BBBBBBBBBBBB", "ada", noon); got != want || err != nil {
					t.Errorf("redeemed %v, %v; want %v", got, err, want)
				}
			}
			claim, _, err = tx.Claim("BBBBBBBBBBBB")
			if claim.By != "ada" || !claim.Redeemed.Equal(noon) {
				t.Errorf("after: %+v", claim)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestPostingAsksForAPermit(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		id := newCard(t, db, "ada")
		err := db.Update(context.Background(), func(tx *store.Tx) error {
			owner, err := tx.Decide(patient("ada"), id, consent.PatientRequest, noon)
			if err != nil {
				return err
			}
			narrow, err := tx.DecideWrite(clinic, id, "system/*.c", card.Scopes{"rx.general"})
			if err != nil {
				return err
			}
			for name, p := range map[string]consent.Permit{"none": {}, "the owner's": owner, "a narrow one": narrow} {
				_, known := tx.Known(p, "clinic-1", nil)
				for act, err := range map[string]error{
					"Known": known, "Keep": tx.Keep(p, "clinic-1", nil), "Introduce": tx.Introduce(p, posting.Introduction{}),
					"PutClaim": tx.PutClaim(p, "clinic-1", "AAAAAAAAAAAA", noon),
				} {
					if !errors.Is(err, store.ErrForeignPermit) {
						t.Errorf("%s with %s permit: %v", act, name, err)
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
