package story

import (
	"context"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/family"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// Each line of the log says who it was: which of two persons who were let in, who acted in the patient's name, or the owner herself, and on
// which of her phones.
func TestTheAccessLogSaysWho(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		s := seclude(ctx, t, w)
		clara, hers, err := w.SignUp(ctx, "+79161234562", "clara@example.org")
		ok(t, err)
		defer hers.Close()
		lent := got(s.hers.GiveGrant(ctx, phone.Wish{Account: clara.Account, Scopes: card.Scopes{"dx.*"}, Ends: w.Now().Add(9 * time.Hour)}))(t)
		grants := map[string]consent.GrantID{}
		for _, g := range got(s.hers.Grants(ctx))(t) {
			grants[string(g.Account)] = g.ID
		}
		ok(t, s.other.reads(ctx, s.id))
		newest := func() phone.Access {
			t.Helper()
			page, _, err := s.hers.AccessLog(ctx, 0)
			ok(t, err)
			return page[0]
		}
		if e := newest(); e.Standing != "" || e.Account != "" || e.Organisation != s.other.Name || e.Person != Doctor.Name || e.Role != Doctor.Role {
			t.Errorf("a clinic reads: %+v", e)
		}
		got(s.boris.Sync(ctx))(t)
		if e := newest(); e.Standing != audit.LetIn || e.Account != s.person.Account || e.Grant != grants[string(s.person.Account)] || e.Device != "" {
			t.Errorf("Boris syncs: %+v", e)
		}
		got(hers.Sync(ctx))(t)
		if e := newest(); e.Standing != audit.LetIn || e.Account != clara.Account || e.Grant != lent.ID || e.DeviceName != "" {
			t.Errorf("Clara syncs: %+v", e)
		}
		ok(t, s.hers.RevokeGrant(ctx, lent.ID))
		page, _, err := s.hers.AccessLog(ctx, 0)
		ok(t, err)
		if e := page[1]; e.Standing != audit.LetIn || e.Grant != lent.ID {
			t.Errorf("Clara's line once she is shut out: %+v", e)
		}

		got(s.anna.Sync(ctx))(t)
		devices := got(s.anna.Devices(ctx))(t)
		if e := newest(); e.Standing != audit.Self || e.DeviceName == "" || e.DeviceName != devices[0].Name || e.Device != devices[0].ID {
			t.Errorf("Anna syncs with %+v: %+v", devices[0], e)
		}
		proven(ctx, t, s.hers)
	})
}

// Who acts in the patient's name is told from whom she let in, and the entry by which he did stays provable.
func TestTheAccessLogNamesTheAgent(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		h := keepHouse(ctx, t, w, w.Now().AddDate(-9, 0, 0))
		r := got(h.represent(ctx, family.Proven{Level: family.Full, Basis: family.BirthCertificate}))(t)
		got(h.his.OpenAsRepresentative(ctx, r.ID))(t)
		got(h.boris.Sync(ctx))(t)
		page, _, err := h.hers.AccessLog(ctx, 0)
		ok(t, err)
		if e := page[0]; e.Action != audit.Sync || e.Standing != audit.Agent || e.Account != h.parent.Account || e.Representation != r.ID || e.Grant != "" {
			t.Errorf("a parent syncs: %+v", e)
		}
		proven(ctx, t, h.hers)
	})
}
