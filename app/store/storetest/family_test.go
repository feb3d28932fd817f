package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/family"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/notice"
	"github.com/medcard/medcard/domain/posting"
)

// bornOn gives a card whose patient was born on the date; "" where nobody tells.
func bornOn(t *testing.T, db *store.DB, born card.Date) (id card.ID) {
	t.Helper()
	id = newCard(t, db, "ada")
	update(t, db, func(tx *store.Tx) error {
		p, err := tx.DecideWrite(identity.Actor{Kind: identity.System}, id, "", card.Everything())
		if err != nil {
			return err
		}
		return tx.Introduce(p, posting.Introduction{Client: "clinic-1", Names: []string{"id|" + store.NewID()}, Born: born})
	})
	return id
}

// Who represents a child has its card on the phone from which he asked and on no other, an adult's attorney on all of his.
func TestRepresent(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		opens := func(id card.ID, device identity.DeviceID, now time.Time) (p consent.Permit, err error) {
			actor := patient("bob")
			actor.Device = device
			update(t, db, func(tx *store.Tx) error {
				p, err = tx.Decide(actor, id, consent.PatientRequest, now)
				return nil
			})
			return p, err
		}
		child, adult, unknown := bornOn(t, db, "2015-05-05"), bornOn(t, db, "1950-05-05"), bornOn(t, db, "")
		mother := family.Proven{Card: child, Agent: "bob", Device: "phone", Level: family.Full, Basis: family.BirthCertificate}
		letter := family.Proven{
			Card: adult, Agent: "bob", Device: "phone", Level: family.Full, Basis: family.PowerOfAttorney, Powers: family.Powers{View: true, Upload: true}, Until: noon.Add(100 * time.Hour),
		}
		represent := func(p family.Proven) (r family.Representation, err error) {
			err = db.Update(t.Context(), func(tx *store.Tx) error {
				r, err = tx.Represent(p, time.UTC, noon)
				return err
			})
			return r, err
		}
		r, err := represent(mother)
		if err != nil {
			t.Fatal(err)
		}
		p, err := opens(child, "phone", noon.Add(24*time.Hour-time.Microsecond))
		if err != nil || p.Representation() != r.ID || !p.Reads("dx.hiv") || p.Adds("vitals.general") || p.Writes("vitals.general") || p.Owner() {
			t.Errorf("on the phone: %+v, %v", p, err)
		}
		for device, at := range map[identity.DeviceID]time.Time{"phone": noon.Add(24 * time.Hour), "tablet": noon, "": noon} {
			if _, err := opens(child, device, at); !errors.Is(err, consent.ErrNoGrant) {
				t.Errorf("on %q at %s: %v", device, at, err)
			}
		}
		if _, err := represent(letter); err != nil {
			t.Fatal(err)
		}
		for device, at := range map[identity.DeviceID]time.Time{"phone": noon, "tablet": noon.Add(99 * time.Hour)} {
			if p, err := opens(adult, device, at); err != nil || !p.Adds("vitals.general") || p.Writes("vitals.general") {
				t.Errorf("the attorney on %s: %+v, %v", device, p, err)
			}
		}
		if _, err := opens(adult, "phone", noon.Add(100*time.Hour)); !errors.Is(err, consent.ErrNoGrant) {
			t.Errorf("after the letter's term: %v", err)
		}
		update(t, db, func(tx *store.Tx) error {
			for device, want := range map[identity.DeviceID]int{"phone": 2, "tablet": 1} {
				cards, err := tx.CardsOf("bob", device)
				if err != nil || len(cards) != want {
					t.Errorf("%s lists %d cards, not %d: %v", device, len(cards), want, err)
				}
			}
			for _, who := range []identity.AccountID{"ada", "bob"} {
				if _, told, err := tx.TakeNews(child, who, notice.Family); err != nil || !told {
					t.Errorf("%s is not told: %v", who, err)
				}
			}
			return nil
		})

		staff, self, nobody := mother, mother, mother
		staff.Level, self.Agent, nobody.Card = family.Manage, "ada", unknown
		for name, c := range map[string]struct {
			p    family.Proven
			want error
		}{
			"manage without a practitioner's role": {staff, family.ErrStaff}, "one's own card": {self, family.ErrSelf}, "nobody knows the age": {nobody, family.ErrBirth},
		} {
			if _, err := represent(c.p); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
	})
}
