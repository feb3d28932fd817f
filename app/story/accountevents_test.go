package story

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/domain/audit"
)

// event is one of what was done with an account, as its person is told.
type event struct {
	Kind, What, DeviceName, Organisation string
	Count                                int
	At, Last                             time.Time
}

// events lists what was done with the account, oldest first, page by page.
func (w *World) events(ctx context.Context, t *testing.T, token string) (list []event) {
	t.Helper()
	for below := ""; ; {
		var page struct {
			Events []event
			Next   string
		}
		ok(t, w.Call(ctx, token, http.MethodGet, "/v1/me/events"+below, nil, nil, &page))
		for _, e := range page.Events {
			list = append([]event{e}, list...)
		}
		if page.Next == "" {
			return list
		}
		below = "?below=" + page.Next
	}
}

// note does what the server does once an hour, and then once a second, when the log takes it in.
func (w *World) note(ctx context.Context, t *testing.T) {
	t.Helper()
	var console bytes.Buffer
	custody := got(keys.OpenFolder(w.cfg.KeyFolder(), w.Now))(t)
	ok(t, got(server.Accounts(w.Server.Store, custody, w.cfg, &console, w.Now))(t).Note(ctx, w.Now()))
	ok(t, got(server.Audit(w.Server.Store, custody, w.cfg.Issuer, w.Now))(t).Sequence(ctx))
}

// A person reads what was done with his account: who came in and from which device, what was changed, and that somebody was refused. What a
// stranger tries all hour is one line. All of it gets into the log of his own card, once.
func TestAPersonReadsWhatWasDoneWithTheAccount(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Городская больница"))(t)
		id, claim := admitted(ctx, t, clinic)
		anna := somebody("1")
		w.enrol(ctx, t, anna)
		token := str(w.enter(ctx, t, anna), "accessToken")
		got(w.post(ctx, "/v1/cards/claim", token, body{"code": claim}))(t)
		stranger := body{"id": uuid.NewString(), "name": "x", "secret": uuid.NewString()}
		for range 4 {
			_, err := w.post(ctx, "/v1/auth/sign-in", "", body{"login": anna.phone, "password": "a wrong password", "device": stranger})
			refused(t, err, http.StatusUnauthorized, "credentials.wrong")
			_, err = w.post(ctx, "/v1/auth/sign-in", "", body{"login": "+79169999999", "password": "a wrong password", "device": stranger})
			refused(t, err, http.StatusUnauthorized, "credentials.wrong")
		}
		got(w.post(ctx, "/v1/me/factors/recovery-codes", token, nil))(t)
		ok(t, clinic.Call(ctx, http.MethodPut, "/v1/practitioners/"+anna.account, nil, body{"position": "педиатр", "ends": w.Now().Add(time.Hour).UTC()}, nil))

		said := func(list []event) string {
			var words []string
			for _, e := range list {
				words = append(words, strings.TrimSpace(e.Kind+" "+e.What))
			}
			return strings.Join(words, "; ")
		}
		list := w.events(ctx, t, token)
		if got, want := said(list), "registered; signedIn pwd, sms, new device; signInRefused; recoveryCodes; practitioner added"; got != want {
			t.Fatalf("she reads %q, want %q", got, want)
		}
		if e := list[2]; e.Count != 4 || e.DeviceName != "" {
			t.Errorf("four tries of a stranger: %+v", e)
		}
		if list[1].DeviceName == "" || list[3].DeviceName != list[1].DeviceName || list[4].Organisation != clinic.Name || list[4].DeviceName != "" {
			t.Errorf("from where: %+v", list)
		}

		// In the log of her card: what is over at once, the refused tries when their hour is.
		lines := func() (words []string) {
			var page struct {
				Entries []struct{ Action, What, Outcome, Organisation string }
			}
			ok(t, w.Call(ctx, token, http.MethodGet, "/v1/cards/"+string(id)+"/access-log", nil, nil, &page))
			for _, e := range page.Entries {
				if e.Action == string(audit.Account) || e.Action == string(audit.Refuse) {
					words = append(words, e.What)
				}
			}
			return words
		}
		w.note(ctx, t)
		if got := lines(); len(got) != 4 {
			t.Errorf("in the log of her card: %q", got)
		}
		w.Skip(2 * time.Hour)
		token = str(w.enter(ctx, t, anna), "accessToken")
		w.note(ctx, t)
		w.note(ctx, t)
		got := strings.Join(lines(), "; ")
		if strings.Count(got, "signInRefused: 4 times") != 1 || strings.Count(got, "recoveryCodes") != 1 || strings.Count(got, "signedIn") != 2 || strings.Count(got, "practitioner: added") != 1 {
			t.Errorf("in the log of her card: %s", got)
		}
		self := &Patient{Login: anna.phone, Email: anna.email, Password: anna.password, world: w}
		handset, err := self.Handset("Anna's phone")
		ok(t, err)
		defer handset.Close()
		ok(t, handset.Enter(ctx))
		proven(ctx, t, handset.Card(id))
	})
}

// Of who has no card the log's own card remembers it, and nobody reads another's.
func TestEventsOfAnAccountWithoutACard(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		one, two := somebody("1"), somebody("2")
		w.enrol(ctx, t, one)
		w.enrol(ctx, t, two)
		his, hers := str(w.enter(ctx, t, one), "accessToken"), str(w.enter(ctx, t, two), "accessToken")
		ok(t, w.Call(ctx, hers, http.MethodPost, "/v1/auth/sign-out", nil, nil, nil))
		if n := len(w.events(ctx, t, his)); n != 2 {
			t.Errorf("he reads %d events, and two are his", n)
		}
		w.note(ctx, t)
		auditor := got(w.auditor(ctx, t)(ctx))(t)
		said := map[string]int{}
		ok(t, until(ctx, func() bool {
			clear(said)
			var all struct {
				Entries []struct{ Card, Action, What string }
			}
			ok(t, w.Call(ctx, auditor, http.MethodGet, "/v1/audit/entries", map[string]string{"Purpose-Of-Use": "HOPERAT"}, nil, &all))
			for _, e := range all.Entries {
				if e.Card == string(audit.LogCard) && e.Action == string(audit.Account) {
					said[e.What[strings.LastIndex(e.What, " ")+1:]]++
				}
			}
			return said[one.account] == 2 && said[two.account] == 3
		}))
	})
}
