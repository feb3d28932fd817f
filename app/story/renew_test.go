package story

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/granting"
	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/app/store/storetest"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

func (w *World) renew(ctx context.Context, t *testing.T, id card.ID) {
	t.Helper()
	if begun := got(server.Grant(w.Server.Store, w.Now).Renew(ctx, granting.Renewal{Card: id, Reason: "report 7 of 1 December", By: "Сидорова"}))(t); !begun {
		t.Error("the renewal did not begin")
	}
}

// Whatever people make on cards is sealed anew: each kind of row is there, and all of them open. The log of accesses stays whole.
func TestAllOfACardIsSealedAnew(t *testing.T) {
	tale := func(ctx context.Context, t *testing.T, w *World) {
		ok(t, Tell(ctx, w, func(Step, string, time.Duration) {}))
	}
	cast := func(ctx context.Context, t *testing.T, w *World) { seating(ctx, t, w) }
	for name, c := range map[string]struct {
		fill   func(context.Context, *testing.T, *World)
		tables []string
	}{
		"tale": {tale, []string{"record", "record_version", "posting", "prescription", "referral", "dispensing_answer", "reminder", "attachment_piece", "audit_entry"}},
		"cast": {cast, []string{"certificate", "emergency"}},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(ctx context.Context, t *testing.T, w *World) {
				c.fill(ctx, t, w)
				db := beside(t, w.cfg.Database(), w.cfg.Postgres)
				defer db.Close()
				for _, id := range column(ctx, t, db, "SELECT CAST(id AS text) FROM card WHERE shredded_at IS NULL") {
					w.renew(ctx, t, card.ID(id))
					got(w.Server.Store.Reseal(ctx, card.ID(id), false, func(int, int) {}))(t)
				}
				for _, table := range c.tables {
					if n := column(ctx, t, db, "SELECT CAST(count(*) AS text) FROM "+table); n[0] == "0" {
						t.Errorf("this test has nothing in %s", table)
					}
				}
				log := got(server.Audit(w.Server.Store, got(keys.OpenFolder(w.cfg.KeyFolder(), w.Now))(t), w.cfg.Issuer, w.Now))(t)
				ok(t, log.Sequence(ctx))
				if r := got(log.Verify(ctx, audit.Checkpoint{}, func(audit.Hash, int64) {}))(t); len(r.Findings) > 0 {
					t.Error(r.Findings)
				}
			})
		})
	}
}

// Two servers have the card's key in use while it changes at one of them. Both go on: they read, take what clinics post and what the phone
// writes, and give out files.
func TestACardIsRenewedBesideTheOtherServer(t *testing.T) {
	ctx, dir, cfg := t.Context(), t.TempDir(), storetest.Postgres(t)
	here := open(t, Options{Dir: dir, Postgres: cfg.Postgres})
	there := got(Start(ctx, Options{Dir: dir, Postgres: cfg.Postgres, Push: here.Push, Change: func(c *config.Config) { c.PublicURL = here.URL }}))(t)
	defer func() { ok(t, there.Stop()) }()
	clinic := got(here.Clinic(ctx, "Поликлиника № 7"))(t)
	scan := aFile("%PDF-1.7\n", 1_500_000, 1)
	posted := got(clinic.Post(ctx, filled(t, anna.patient(), reportWith("r1", scan), diagnosis("dx-0", secretDiagnosis))))(t)
	_, handset, err := here.SignUp(ctx, "+79161234567", "nina@example.org")
	ok(t, err)
	t.Cleanup(func() { _ = handset.Close() })
	got(handset.Claim(ctx, posted.Claim))(t)
	got(handset.Sync(ctx))(t)
	token := got(clinic.Token(ctx))(t)
	path := "/v1/cards/" + string(posted.Card)
	let := phone.Wish{Client: clinic.ID, Purpose: consent.Treatment, Scopes: card.Scopes{"dx.*", "lab.*"}, Ends: here.Now().Add(time.Hour)}
	got(handset.Card(posted.Card).GiveGrant(ctx, let))(t)
	written := 1
	both := func(when string) {
		t.Helper()
		for _, w := range []*World{there, here} {
			var file []byte
			purpose := map[string]string{"Purpose-Of-Use": "TREAT"}
			ok(t, w.Call(ctx, token, http.MethodGet, path+"/attachments/"+string(fileHash(scan)), purpose, nil, &file))
			if !bytes.Equal(file, scan) {
				t.Errorf("%s: a file of %d bytes came", when, len(file))
			}
			poster := &Clinic{ID: clinic.ID, Name: clinic.Name, Token: clinic.Token, world: w}
			got(poster.Post(ctx, filled(t, anna.patient(), diagnosis(fmt.Sprint("dx-", written), secretDiagnosis))))(t)
			written++
			var page []byte
			ok(t, w.Call(ctx, token, http.MethodGet, path+"/records?kinds=condition", purpose, nil, &page))
			if n := strings.Count(string(page), secretDiagnosis); n != written {
				t.Errorf("%s: %d diagnoses of %d", when, n, written)
			}
		}
		got(handset.Sync(ctx))(t)
		if list := got(handset.Card(posted.Card).Records(card.KindCondition, phone.Paging{Limit: 100}))(t).Entries; len(list) != written {
			t.Errorf("%s: the phone has %d diagnoses of %d", when, len(list), written)
		}
	}
	both("before")
	here.renew(ctx, t, posted.Card)
	both("begun")
	for ended, n := false, 0; !ended; n++ {
		stopped, stop := context.WithCancel(ctx)
		_, err := here.Server.Store.Reseal(stopped, posted.Card, false, func(int, int) { stop() })
		stop()
		if ended = err == nil; n > 50 {
			t.Fatal("it never ends:", err)
		}
		both(fmt.Sprint("step ", n))
	}
	both("after")
}
