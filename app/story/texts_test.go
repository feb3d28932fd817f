package story

import (
	"net/http"
	"strings"
	"testing"

	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/notifying/smpp/smpptest"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/app/store/storetest"
)

// A code goes over an operator's message centre to the phone, and nowhere else. Where the centre takes nothing the person hears so at once.
func TestACodeGoesOverAMessageCentre(t *testing.T) {
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		ctx := t.Context()
		centre := smpptest.Start(t, "medcard", "s3cret")
		w := open(t, Options{Dir: t.TempDir(), Postgres: cfg.Postgres, Change: func(c *config.Config) {
			c.SMS = "smpp://medcard:s3cret@" + centre.Address + "?from=Medcard"
		}})
		anna := somebody("3")
		register := body{"phone": anna.phone, "email": anna.email, "password": anna.password}
		id := got(w.post(ctx, "/v1/auth/register", "", register))(t)["registration"]
		taken, _ := centre.Taken()
		if len(taken) != 1 || "+"+taken[0].To != anna.phone || taken[0].From != "Medcard" {
			t.Fatalf("the centre has %+v", taken)
		}
		code := sixDigits.FindString(taken[0].Text)
		if shown := strings.Join(append(w.codes.All(), w.Log.All()...), "\n"); code == "" || strings.Contains(shown, code) {
			t.Errorf("the code stands on the console, or there is none: %q", taken[0].Text)
		}
		got(w.post(ctx, "/v1/auth/confirm", "", body{"registration": id, "channel": "phone", "code": code}))(t)
		got(w.post(ctx, "/v1/auth/confirm", "", body{"registration": id, "channel": "email", "code": got(w.Code(ctx, anna.email))(t)}))(t)

		centre.Refuse(0x58)
		_, err := w.post(ctx, "/v1/auth/sign-in", "", body{"login": anna.phone, "password": anna.password, "device": anna.device})
		if p := refused(t, err, http.StatusServiceUnavailable, "message.not_sent"); p.RetryAfter == 0 {
			t.Error("it does not say when to come again")
		}
		centre.Refuse(0)
		c := got(w.post(ctx, "/v1/auth/sign-in", "", body{"login": anna.phone, "password": anna.password, "device": anna.device}))(t)
		taken, _ = centre.Taken()
		got(w.post(ctx, "/v1/auth/second-factor", "", body{"challenge": c["challenge"], "code": sixDigits.FindString(taken[len(taken)-1].Text)}))(t)
	})
}
