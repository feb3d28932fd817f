package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func patient(account identity.AccountID) identity.Actor {
	return identity.Actor{Kind: identity.Patient, Account: account, Device: "d1", SecondFactor: true}
}

func newCard(t *testing.T, db *store.DB, owner identity.AccountID) (id card.ID) {
	t.Helper()
	err := db.Update(context.Background(), func(tx *store.Tx) (err error) {
		if id, err = tx.CreateCard(noon); err != nil {
			return err
		}
		return tx.GrantOwner(id, owner, noon)
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestOwnerIsLetInAndAStrangerIsNot(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		id := newCard(t, db, "ada")
		err := db.View(ctx, func(tx *store.Tx) error {
			if _, err := tx.Decide(patient("ada"), id, consent.PatientRequest, noon); err != nil {
				t.Errorf("owner: %v", err)
			}
			_, stranger := tx.Decide(patient("eve"), id, consent.PatientRequest, noon)
			_, missing := tx.Decide(patient("eve"), card.ID(store.NewID()), consent.PatientRequest, noon)
			if !errors.Is(stranger, consent.ErrNoGrant) || !errors.Is(missing, consent.ErrNoGrant) {
				t.Errorf("stranger: %v, missing card: %v; they must look alike", stranger, missing)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestReaderSeesUntilRevoked(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		id := newCard(t, db, "ada")
		clinic := identity.Actor{Kind: identity.Clinic, Client: "c1", Person: identity.Person{ID: "7", Name: "Иванова А. П.", Role: "терапевт"}}
		grant := consent.Grant{ID: consent.GrantID(store.NewID()), Card: id, Role: consent.Reader, Client: "c1",
			Scopes: card.Scopes{"lab.*"}, Purpose: consent.Treatment, Starts: noon, Ends: noon.Add(time.Hour)}
		as := func(do func(*store.Tx, consent.Permit) error) {
			t.Helper()
			if err := db.Update(ctx, func(tx *store.Tx) error {
				p, err := tx.Decide(patient("ada"), id, consent.PatientRequest, noon)
				if err != nil {
					return err
				}
				return do(tx, p)
			}); err != nil {
				t.Fatal(err)
			}
		}
		sees := func(now time.Time) (ok bool) {
			t.Helper()
			if err := db.View(ctx, func(tx *store.Tx) error {
				p, err := tx.Decide(clinic, id, consent.Treatment, now)
				ok = err == nil && p.Reads("lab.general") && !p.Reads("dx.general")
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			return ok
		}
		if sees(noon) {
			t.Error("seen before the grant")
		}
		as(func(tx *store.Tx, p consent.Permit) error { return tx.AddGrant(p, grant) })
		if !sees(noon) || sees(noon.Add(time.Hour)) {
			t.Error("the grant must hold from its start to just before its end")
		}
		as(func(tx *store.Tx, p consent.Permit) error {
			found, err := tx.RevokeGrant(p, grant.ID, noon.Add(time.Minute))
			if !found {
				t.Error("the grant to revoke was not found")
			}
			return err
		})
		if sees(noon.Add(time.Minute)) {
			t.Error("seen after the revoke")
		}
	})
}

func TestPermitOfAnotherTransactionIsRefused(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		id := newCard(t, db, "ada")
		var kept consent.Permit
		err := db.View(ctx, func(tx *store.Tx) (err error) {
			kept, err = tx.Decide(patient("ada"), id, consent.PatientRequest, noon)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		err = db.View(ctx, func(tx *store.Tx) error {
			_, err := tx.AuditTrail(kept, 0, 10)
			return err
		})
		if !errors.Is(err, store.ErrForeignPermit) {
			t.Errorf("got %v, want ErrForeignPermit", err)
		}
	})
}

func TestAuditIsNumberedPerCardAndSealed(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		id, other := newCard(t, db, "ada"), newCard(t, db, "bob")
		doctor := identity.Actor{Kind: identity.Clinic, Client: "c1", Organisation: "Поликлиника № 7", Person: identity.Person{ID: "7", Name: "Иванова А. П.", Role: "терапевт"}}
		for i := range 3 {
			err := db.Update(ctx, func(tx *store.Tx) error {
				if err := tx.AppendAudit(audit.Entry{Card: other, At: noon, Actor: doctor, Action: audit.Read, Purpose: consent.Treatment, Request: "r"}); err != nil {
					return err
				}
				return tx.AppendAudit(audit.Entry{Card: id, At: noon.Add(time.Duration(i) * time.Minute), Actor: doctor, Action: audit.Read, Purpose: consent.Treatment, What: "lab.general", Request: "r"})
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		err := db.View(ctx, func(tx *store.Tx) error {
			p, err := tx.Decide(patient("ada"), id, consent.PatientRequest, noon)
			if err != nil {
				return err
			}
			trail, err := tx.AuditTrail(p, 0, 2)
			if err != nil {
				return err
			}
			if len(trail) != 2 || trail[0].Number != 3 || trail[1].Number != 2 || trail[0].Actor.Organisation != doctor.Organisation ||
				trail[0].Actor.Person != doctor.Person || trail[0].What != "lab.general" || !trail[0].At.Equal(noon.Add(2*time.Minute)) {
				t.Errorf("trail: %+v", trail)
			}
			rest, err := tx.AuditTrail(p, 2, 10)
			if len(rest) != 1 || rest[0].Number != 1 {
				t.Errorf("rest: %+v", rest)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestARolledBackUpdateLeavesNothing(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		boom := fault.New(fault.Conflict, "boom", "")
		var id card.ID
		err := db.Update(ctx, func(tx *store.Tx) (err error) {
			if id, err = tx.CreateCard(noon); err != nil {
				return err
			}
			if err := tx.GrantOwner(id, "ada", noon); err != nil {
				return err
			}
			return boom
		})
		if !errors.Is(err, boom) {
			t.Fatalf("got %v", err)
		}
		_ = db.View(ctx, func(tx *store.Tx) error {
			if has, err := tx.HasOwner(id); has || err != nil {
				t.Errorf("has owner: %v, %v", has, err)
			}
			return nil
		})
	})
}

func TestAViewCannotWrite(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		err := db.View(context.Background(), func(tx *store.Tx) error {
			_, err := tx.CreateCard(noon)
			return err
		})
		if err == nil {
			t.Error("a card was created in a View")
		}
	})
}
