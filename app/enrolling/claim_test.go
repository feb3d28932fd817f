package enrolling

import (
	"context"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

const (
	annasCode identity.ClaimCode = "K7QM2F9DX4TB"
	annasCard card.ID            = "card-1"
)

func (w *world) desk(code identity.ClaimCode, id card.ID) {
	w.memory.claims[code] = account.Claim{Card: id, Ends: w.now.Add(24 * time.Hour)}
}

func person(id identity.AccountID) identity.Actor {
	return identity.Actor{Kind: identity.Patient, Account: id, Device: "d", Session: "s", SecondFactor: true}
}

func TestClaimMakesTheOwner(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	anna := person(w.enrol(annasPhone, annasEmail, annasPassword))
	me, err := w.Me(ctx, anna)
	w.must(err)
	if me.Recipient || len(me.Missing) != 1 || me.Missing[0].Code != MissingCard {
		t.Errorf("before: %+v", me)
	}
	w.desk(annasCode, annasCard)
	for range 2 { // the answer to the first may have been lost
		got, err := w.Redeem(ctx, anna, "k7qm-2f9d-x4tb", home)
		w.must(err)
		if got.Card != annasCard || len(got.Missing) > 0 {
			t.Errorf("opened %+v", got)
		}
	}
	if w.memory.owners[annasCard] != anna.Account {
		t.Error("she does not own the card")
	}
	if e := w.memory.entries; len(e) != 1 || e[0].Action != audit.Claim || e[0].Card != annasCard || e[0].Purpose != consent.PatientRequest || e[0].Request != home.Request {
		t.Errorf("remembered %+v", e)
	}
	if me, err = w.Me(ctx, anna); err != nil || !me.Recipient || len(me.Missing) != 0 || len(me.Cards) != 1 || me.Account.Phone != annasPhone {
		t.Errorf("after: %+v, %v", me, err)
	}
}

func TestBadTurnsOfAClaim(t *testing.T) {
	ctx := context.Background()
	eve := person("eve")
	for name, c := range map[string]struct {
		prepare func(*world)
		actor   identity.Actor
		typed   string
		want    fault.Code
	}{
		"never given":          {func(*world) {}, eve, string(annasCode), "claim.wrong"},
		"not a code":           {func(*world) {}, eve, "hello", "claim.wrong"},
		"expired":              {func(w *world) { w.desk(annasCode, annasCard); w.pass(24 * time.Hour) }, eve, string(annasCode), "claim.expired"},
		"of a card with owner": {func(w *world) { w.desk(annasCode, annasCard); w.memory.owners[annasCard] = "anna" }, eve, string(annasCode), "card.owned"},
		"used by somebody else": {func(w *world) {
			w.desk(annasCode, annasCard)
			_, _ = w.Redeem(ctx, person("anna"), string(annasCode), elsewhere)
		}, eve, string(annasCode), "claim.used"},
		"one factor only": {func(w *world) { w.desk(annasCode, annasCard) }, identity.Actor{Kind: identity.Patient, Account: "eve"}, string(annasCode), "second_factor.missing"},
		"by a clinic":     {func(w *world) { w.desk(annasCode, annasCard) }, identity.Actor{Kind: identity.Clinic, Client: "c", SecondFactor: true}, string(annasCode), "second_factor.missing"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c.prepare(w)
			got, err := w.Redeem(ctx, c.actor, c.typed, home)
			w.want(c.want, err)
			if got.Card != "" || w.memory.owners[annasCard] == "eve" {
				t.Errorf("opened %+v", got)
			}
		})
	}
}

// Guessing ends at a limit, whatever is typed, and the limit is the guesser's own.
func TestClaimTriesAreCounted(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	w.desk(annasCode, annasCard)
	for range claimByAccount.burst {
		_, err := w.Redeem(ctx, person("eve"), "0000-0000-0000", elsewhere)
		w.want("claim.wrong", err)
	}
	_, err := w.Redeem(ctx, person("eve"), string(annasCode), elsewhere)
	w.want("throttled", err)
	_, err = w.Redeem(ctx, person("anna"), string(annasCode), home)
	w.must(err)
}
