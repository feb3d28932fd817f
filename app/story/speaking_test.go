package story

import (
	"bytes"
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/medcard/medcard/app/fhir/example"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/family"
	"github.com/medcard/medcard/domain/identity"
)

// infant is a child's card that nobody redeemed, with people who represent the child.
type infant struct {
	*World
	id    card.ID
	claim string
}

func bear(ctx context.Context, t *testing.T, w *World, born time.Time) infant {
	t.Helper()
	posted := got(got(w.Clinic(ctx, "Роддом № 1"))(t).Post(ctx, bytes.ReplaceAll(example.Bundle(), []byte("1984-06-15"), []byte(born.In(moscowTime).Format(time.DateOnly)))))(t)
	return infant{World: w, id: posted.Card, claim: posted.Claim}
}

func (i infant) represent(ctx context.Context, t *testing.T, p family.Proven) {
	t.Helper()
	p.Card = i.id
	ok(t, i.Server.Store.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.Represent(p, moscowTime, i.Now())
		return err
	}))
}

// glass is a clinic that breaks it, and reads.
func (i infant) glass(ctx context.Context, t *testing.T) {
	t.Helper()
	doctor := Doctor
	doctor.Proven = i.Now().Unix()
	er := i.as(ctx, t, "Скорая помощь", doctor)
	ok(t, er.Call(ctx, http.MethodPost, "/v1/cards/"+string(i.id)+"/emergencies", nil, body{"scopes": []string{"dx.*"}, "reason": "unconscious", "words": "Без сознания, нужны аллергии"}, new(body)))
	ok(t, er.Call(ctx, http.MethodGet, "/v1/cards/"+string(i.id)+"/records", map[string]string{"Purpose-Of-Use": "ETREAT"}, nil, new(body)))
}

// person signs somebody up, with a phone that rings.
func (i infant) person(ctx context.Context, t *testing.T, name, number string) (identity.AccountID, *Phone) {
	t.Helper()
	p, handset, err := i.SignUp(ctx, number, name+"@example.org")
	ok(t, err)
	t.Cleanup(func() { _ = handset.Close() })
	ok(t, handset.RegisterPush(ctx, "fcm", name+"-phone", "ru"))
	return p.Account, handset
}

// Of a small child, who has no account, the parents are told of an emergency at once, and see who opened the card; of an older one nobody but
// the child.
func TestWhoSpeaksForTheChildIsTold(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		baby := bear(ctx, t, w, w.Now().AddDate(-1, 0, 0))
		parent, boris := baby.person(ctx, t, "boris", "+79161234560")
		nurse, clara := baby.person(ctx, t, "clara", "+79161234562")
		_, dan := baby.person(ctx, t, "dan", "+79161234563")
		baby.represent(ctx, t, family.Proven{Agent: parent, Level: family.Full, Basis: family.BirthCertificate})
		baby.represent(ctx, t, family.Proven{Agent: nurse, Level: family.Limited, Basis: family.GuardianOrder})
		arrived(t, w, "boris-phone", 1) // that he may act for the child
		arrived(t, w, "clara-phone", 1)

		baby.glass(ctx, t)
		if m := arrived(t, w, "boris-phone", 2); !m.Visible() || m.Data["topic"] != "security" {
			t.Errorf("the parent's phone shows %s", m.Raw)
		}
		page, _, err := boris.Card(baby.id).AccessLog(ctx, 0)
		ok(t, err)
		if len(page) < 2 || page[0].Action != audit.Read || page[1].Action != audit.BreakGlass || page[1].Organisation != "Скорая помощь" || page[1].Person != Doctor.Name {
			t.Errorf("the parent reads %+v", page)
		}
		if list := got(boris.Card(baby.id).Emergencies(ctx))(t); len(list) != 1 || list[0].Clinic != "Скорая помощь" {
			t.Errorf("the parent's emergencies: %+v", list)
		}
		proven(ctx, t, boris.Card(baby.id))
		if got(boris.Card(baby.id).AccessNotices(ctx))(t) {
			t.Error("nobody asked to be told of each access")
		}
		ok(t, boris.Card(baby.id).SetAccessNotices(ctx, true))
		page, _, err = boris.Card(baby.id).AccessLog(ctx, 0)
		ok(t, err)
		if e := page[0]; e.Action != audit.Notify || e.Standing != audit.Self {
			t.Errorf("he wants to be told of each access: %+v", e)
		}
		baby.glass(ctx, t)
		arrived(t, w, "boris-phone", 3)

		// Who represents the child in part, and who does not at all, is told nothing; nor does the log open the card.
		for name, other := range map[string]*Phone{"limited": clara, "stranger": dan} {
			_, _, err := other.Card(baby.id).AccessLog(ctx, 0)
			refused(t, err, http.StatusNotFound, "card.not_found")
			_, err = other.Card(baby.id).Emergencies(ctx)
			refused(t, err, http.StatusNotFound, "card.not_found")
			if n := len(w.Push.To("clara-phone")) - 1 + len(w.Push.To("dan-phone")); n != 0 {
				t.Errorf("%s: %d pushes", name, n)
			}
		}
		_, err = boris.Card(baby.id).Grants(ctx)
		refused(t, err, http.StatusNotFound, "card.not_found")

		// Once the card has an owner, she is told.
		_, anna := baby.person(ctx, t, "anna", "+79161234567")
		got(anna.Claim(ctx, baby.claim))(t)
		before := len(w.Push.To("boris-phone"))
		baby.glass(ctx, t)
		arrived(t, w, "anna-phone", 1)
		if n := len(w.Push.To("boris-phone")); n != before {
			t.Errorf("%d pushes to the parent of a card with an owner", n-before)
		}
		_, _, err = boris.Card(baby.id).AccessLog(ctx, 0)
		refused(t, err, http.StatusNotFound, "card.not_found")
	})
}

// From the birthday on that makes the child's own word count, the parents are no more told than shown.
func TestTheTurnEndsWhatParentsAreTold(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		teen := bear(ctx, t, w, w.Now().AddDate(-16, 0, 1)) // sixteen tomorrow: what is labelled as addiction is his till then
		parent, boris := teen.person(ctx, t, "boris", "+79161234560")
		teen.represent(ctx, t, family.Proven{Agent: parent, Level: family.Full, Basis: family.BirthCertificate})
		_, _, err := boris.Card(teen.id).AccessLog(ctx, 0)
		ok(t, err)
		w.Skip(48 * time.Hour)
		_, _, err = boris.Card(teen.id).AccessLog(ctx, 0)
		refused(t, err, http.StatusNotFound, "card.not_found")
	})
}
