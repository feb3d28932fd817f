package story

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/app/fhir/example"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/app/store/storetest"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

var uuidIn = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// What the owner took back after the backup does not come back with it. Nobody but the owner sees anything after a restore, until
// the owner has said of each whether it may go on.
func TestARestoreHoldsEverybodysAccess(t *testing.T) {
	binary := build(t)
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		ctx := t.Context()
		p := launch(t, binary, cfg.Postgres)
		save, restore := p.tools(t, cfg.Postgres)
		clinic := p.clinic(t, "Clinic No. 1")
		list := got(p.run("clients", "list"))(t)
		clinicID := identity.ClientID(uuidIn.FindString(list))
		posted := got(clinic.Post(ctx, example.Bundle()))(t)
		id := posted.Card
		_, mine, err := p.SignUp(ctx, "+79161234567", "anna@example.org")
		ok(t, err)
		got(mine.Claim(ctx, posted.Claim))(t)
		ok(t, mine.RegisterPush(ctx, "fcm", "annas-phone", "ru"))
		boris, his, err := p.SignUp(ctx, "+79161234560", "boris@example.org")
		ok(t, err)
		clara, hers, err := p.SignUp(ctx, "+79161234561", "clara@example.org")
		ok(t, err)
		for _, h := range []*Phone{mine, his, hers} {
			defer h.Close()
		}
		got(mine.Sync(ctx))(t)
		share := func(with identity.AccountID, lasts time.Duration) consent.GrantID {
			return got(mine.Card(id).GiveGrant(ctx, phone.Wish{Account: with, Scopes: card.Scopes{"dx.*", "note.general"}, Ends: p.Now().Add(lasts)}))(t).ID
		}
		toBoris, toClara, soonOver := share(boris.Account, 24*time.Hour), share(clara.Account, 24*time.Hour), share(boris.Account, 2*time.Second)
		toClinic := got(mine.Card(id).GiveGrant(ctx, phone.Wish{Client: clinicID, Scopes: card.Scopes{"lab.*"}, Purpose: consent.Treatment, Ends: p.Now().Add(time.Hour)}))(t).ID
		clinicReads := func() error {
			return clinic.Call(ctx, http.MethodGet, "/v1/cards/"+string(id)+"/records?kinds=observation", map[string]string{"Purpose-Of-Use": "TREAT"}, nil, nil)
		}
		has := func(h *Phone) int { return got(h.Card(id).Counts())(t)[card.KindCondition] }
		for _, h := range []*Phone{his, hers} {
			got(h.Sync(ctx))(t)
			if has(h) == 0 {
				t.Fatal("he was let in and sees nothing")
			}
		}
		ok(t, clinicReads())

		ok(t, save())
		// He writes after the backup: only his phone will know of it.
		condition := got(his.Card(id).Conditions(phone.Paging{}))(t).Entries[0].ID
		got(his.Card(id).Comment(condition, "Принести снимки"))(t)
		got(his.Sync(ctx))(t)
		ok(t, mine.Card(id).RevokeGrant(ctx, toClara))
		got(hers.Sync(ctx))(t)
		time.Sleep(2 * time.Second) // one runs out
		p.stop(t)
		rang := len(p.Push.To("annas-phone"))
		ok(t, restore())
		p.start(t)
		if rung := pushed(t, p.World, "annas-phone", rang+1)[rang:]; len(rung) != 1 {
			t.Errorf("the owner's phone was told %d times: %v", len(rung), rung)
		}

		for _, h := range []*Phone{his, hers, mine} {
			ok(t, h.Enter(ctx))
			report := got(h.Sync(ctx))(t)
			if h == his && !slices.Contains(report.Held, id) {
				t.Errorf("his access is held, and the sync says %+v", report)
			}
			if h != mine && has(h) > 0 {
				t.Error("held, and his phone still has it")
			}
			if me := got(h.Me(ctx))(t); among(me, id) != (h == mine) {
				t.Errorf("the card is in the list of whose access is held, or not in the owner's: %v", me.Cards)
			}
		}
		if has(mine) == 0 {
			t.Error("the owner's own card is gone")
		}
		refused(t, clinicReads(), http.StatusForbidden, "access.held")
		states := func() map[consent.GrantID]consent.State {
			all := map[consent.GrantID]consent.State{}
			for _, g := range got(mine.Card(id).Grants(ctx))(t) {
				if g.Role != consent.Owner {
					all[g.ID] = g.State
				}
			}
			return all
		}
		want := map[consent.GrantID]consent.State{toBoris: consent.Held, toClara: consent.Held, toClinic: consent.Held, soonOver: consent.Over}
		for grant, state := range states() {
			if state != want[grant] {
				t.Errorf("a grant is %s, want %s", state, want[grant])
			}
		}

		_, err = his.Card(id).ConfirmGrant(ctx, toBoris)
		refused(t, err, http.StatusForbidden, "access.held")
		for _, grant := range []consent.GrantID{toBoris, toClinic} {
			if g := got(mine.Card(id).ConfirmGrant(ctx, grant))(t); g.State != consent.Running || g.ID != grant {
				t.Errorf("confirmed: %+v", g)
			}
			_, err := mine.Card(id).ConfirmGrant(ctx, grant)
			refused(t, err, http.StatusNotFound, "grant.not_held")
		}
		_, err = mine.Card(id).ConfirmGrant(ctx, soonOver)
		refused(t, err, http.StatusNotFound, "grant.not_held")
		ok(t, mine.Card(id).RevokeGrant(ctx, toClara))
		_, err = mine.Card(id).ConfirmGrant(ctx, toClara)
		refused(t, err, http.StatusNotFound, "grant.not_held")
		refused(t, mine.Card(id).RevokeGrant(ctx, toClara), http.StatusNotFound, "grant.not_found")
		if left := states(); left[toBoris] != consent.Running || left[toClinic] != consent.Running || left[toClara] != consent.Revoked {
			t.Errorf("in the end the grants are %v", left)
		}

		ok(t, clinicReads())
		got(his.Sync(ctx))(t)
		got(hers.Sync(ctx))(t)
		if has(his) == 0 || has(hers) > 0 {
			t.Errorf("confirmed, he has %d; revoked, she has %d", has(his), has(hers))
		}
		got(mine.Sync(ctx))(t)
		for _, h := range []*Phone{his, mine} {
			if comments := got(h.Card(id).Comments(condition))(t); len(comments) != 1 || comments[0].Pending {
				t.Errorf("what he wrote after the backup is not there once his access is confirmed: %+v", comments)
			}
		}
		var actions []string
		for _, a := range got2(mine.Card(id).AccessLog(ctx, 0))(t) {
			actions = append(actions, string(a.Action))
		}
		if log := strings.Join(actions, " "); strings.Count(log, "confirm") != 2 || strings.Count(log, "hold") != 1 || !strings.Contains(log, "revoke") {
			t.Errorf("in the log stand %s", log)
		}
	})
}

// got2 is got for what has a place beside its value.
func got2[T, P any](value T, _ P, err error) func(testing.TB) T { return got(value, err) }
