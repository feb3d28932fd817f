package story

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// An operator locks an account. From the next request on nothing is open to it, on any phone, but the reason and the appeal; signing in again
// leads to the same. Nothing is lost: what was written meanwhile comes when the account is open again.
func TestALockedAccountMayAppealAndNothingElse(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		person, anna, id := owner(ctx, t, w, got(w.Clinic(ctx, "Городская больница"))(t))
		got(anna.Sync(ctx))(t)
		ok(t, anna.RegisterPush(ctx, "fcm", "anna-phone", "ru"))
		var console bytes.Buffer
		custody := got(keys.OpenFolder(w.cfg.KeyFolder(), w.Now))(t)
		desk := got(server.Accounts(w.Server.Store, custody, w.cfg, &console, w.Now))(t)

		_, err := anna.Lock(ctx)
		refused(t, err, http.StatusNotFound, "lock.not_found")
		refused(t, anna.Appeal(ctx, "Я ничего такого не делала"), http.StatusNotFound, "lock.not_found")
		lock := account.Lock{Account: person.Account, Reason: account.ForeignAccess, Words: "Вы открывали карты чужих людей", By: "Сидорова"}
		for _, bad := range []account.Lock{
			{Account: lock.Account, Reason: "mood", Words: lock.Words, By: lock.By}, {Account: lock.Account, Reason: lock.Reason, By: lock.By},
			{Account: lock.Account, Reason: lock.Reason, Words: lock.Words}, {Account: "00000000-0000-7000-8000-000000000000", Reason: lock.Reason, Words: lock.Words, By: lock.By},
		} {
			if err := desk.Lock(ctx, bad); err == nil {
				t.Errorf("%+v is locked", bad)
			}
		}
		if _, err := anna.Me(ctx); err != nil {
			t.Errorf("a lock that was refused locks: %v", err)
		}

		ok(t, desk.Lock(ctx, lock))
		if mail := console.String(); !strings.Contains(mail, "заблокирована") || strings.Contains(mail, lock.Words) {
			t.Errorf("she is written %q", mail)
		}
		hers := anna.Card(id)
		written := got(hers.Comment(got(hers.Records(card.KindObservation, phone.Paging{Limit: 1}))(t).Entries[0].ID, "Стало лучше"))(t)
		_, err = anna.Sync(ctx)
		refused(t, err, http.StatusForbidden, phone.CodeLocked)
		_, err = anna.Me(ctx)
		refused(t, err, http.StatusForbidden, phone.CodeLocked)
		_, err = hers.Grants(ctx)
		refused(t, err, http.StatusForbidden, phone.CodeLocked)
		if page := got(hers.Records(card.KindObservation, phone.Paging{Limit: 1}))(t); len(page.Entries) == 0 {
			t.Error("what was on the phone is gone")
		}

		other := got(person.Handset("another phone"))(t)
		defer other.Close()
		challenge := got(other.SignIn(ctx, person.Login, person.Password))(t)
		ok(t, other.SecondFactor(ctx, challenge.ID, got(w.Code(ctx, person.Login))(t)))
		_, err = other.Sync(ctx)
		refused(t, err, http.StatusForbidden, phone.CodeLocked)
		seen := got(other.Lock(ctx))(t)
		if seen.Reason != lock.Reason || seen.Words != lock.Words || seen.By != lock.By || seen.Since.IsZero() || !seen.Appealed.IsZero() {
			t.Errorf("she reads %+v", seen)
		}
		refused(t, other.Appeal(ctx, "нет"), http.StatusUnprocessableEntity, "invalid_input")
		ok(t, other.Appeal(ctx, "Это карта моей матери, вот доверенность"))
		ok(t, other.Appeal(ctx, "Это карта моей матери, доверенность у вас"))
		list := got(desk.Locked(ctx))(t)
		if len(list) != 1 || list[0].Account != person.Account || list[0].Appeal != "Это карта моей матери, доверенность у вас" || list[0].Appealed.IsZero() {
			t.Errorf("operators read %+v", list)
		}

		ok(t, desk.Unlock(ctx, person.Account, "Сидорова"))
		if err := desk.Unlock(ctx, person.Account, "Сидорова"); err == nil {
			t.Error("it is opened twice")
		}
		report := got(anna.Sync(ctx))(t)
		if report.Sent != 1 {
			t.Errorf("what she wrote while it was locked: %+v", report)
		}
		if e := got(hers.Record(written.Record))(t); e.ID != written.Record {
			t.Error("what she wrote is not there")
		}
		_, err = anna.Lock(ctx)
		refused(t, err, http.StatusNotFound, "lock.not_found")
		if done := operatorActions(ctx, t, anna, w, id); len(done) != 2 || done[0] != audit.Lock || done[1] != audit.Unlock {
			t.Errorf("the log of the card has %v", done)
		}
	})
}

// That a person is locked stands in the log of his own card and of nobody else's, though others let him see theirs; of who has no card it stands in
// the log's own.
func TestALockIsNobodyElsesBusiness(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		s := seclude(ctx, t, w)
		var console bytes.Buffer
		custody := got(keys.OpenFolder(w.cfg.KeyFolder(), w.Now))(t)
		desk := got(server.Accounts(w.Server.Store, custody, w.cfg, &console, w.Now))(t)
		log := got(server.Audit(w.Server.Store, custody, w.cfg.Issuer, w.Now))(t)
		lock := account.Lock{Account: s.person.Account, Reason: account.ForeignAccess, Words: "Вы открывали карты чужих людей", By: "Сидорова"}
		ok(t, desk.Lock(ctx, lock))
		ok(t, desk.Unlock(ctx, lock.Account, lock.By))
		page, _, err := s.hers.AccessLog(ctx, 0)
		ok(t, err)
		for _, e := range page {
			if e.Action == audit.Lock || e.Action == audit.Unlock || e.Person == lock.By {
				t.Errorf("in the log of who let him see her card: %+v", e)
			}
		}
		ok(t, log.Sequence(ctx))
		auditor := got(w.auditor(ctx, t)(ctx))(t)
		var all struct {
			Entries []struct{ Card, Action, What string }
		}
		ok(t, w.Call(ctx, auditor, http.MethodGet, "/v1/audit/entries", map[string]string{"Purpose-Of-Use": "HOPERAT"}, nil, &all))
		said := ""
		for _, e := range all.Entries {
			if e.Card == string(audit.LogCard) && strings.HasSuffix(e.What, "of "+string(lock.Account)) {
				said += e.Action + " "
			}
		}
		if said != "lock unlock " {
			t.Errorf("the log's own card says of him %q", said)
		}
	})
}
