package story

import (
	"testing"
	"time"

	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/store/storetest"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// A server whose log of accesses is extended by a role of its own proves an owner's lines as any other.
func TestTheLogHasARoleOfItsOwn(t *testing.T) {
	cfg, sequencer := storetest.Parted(t)
	ctx := t.Context()
	w := open(t, Options{Dir: t.TempDir(), Postgres: cfg.Postgres, Change: func(c *config.Config) { c.Sequencer = sequencer }})
	clinic := got(w.Clinic(ctx, "Clinic No. 7"))(t)
	_, handset, id := owner(ctx, t, w, clinic)
	mine := handset.Card(id)
	got(mine.GiveGrant(ctx, phone.Wish{Client: clinic.ID, Scopes: card.Scopes{"lab.*"}, Purpose: consent.Treatment, Ends: w.Now().Add(time.Hour)}))(t)
	ok(t, clinic.reads(ctx, id))
	page, _, err := mine.AccessLog(ctx, 0)
	ok(t, err)
	if proof := proven(ctx, t, mine); proof.Proven != len(page) || len(page) == 0 {
		t.Errorf("%+v of %d lines", proof, len(page))
	}
}
