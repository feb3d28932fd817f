package story

import (
	"context"
	"net/http"
	"testing"

	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/fhir/example"
	"github.com/medcard/medcard/app/openid/openidtest"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/app/store/storetest"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// The national identity system is a real OpenID provider here, which says of people what the test lets it say.
func TestAPersonComesInThroughTheStatesProvider(t *testing.T) {
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		ctx := t.Context()
		provider := openidtest.Start()
		t.Cleanup(provider.Close)
		w, err := Start(ctx, Options{Dir: t.TempDir(), Postgres: cfg.Postgres, Change: func(c *config.Config) {
			c.OIDCIssuer, c.OIDCProfile, c.OIDCClient, c.OIDCSecret, c.OIDCRedirect = provider.Issuer, "esia", openidtest.Client, openidtest.Secret, openidtest.Redirect
		}})
		ok(t, err)
		t.Cleanup(func() { ok(t, w.Close()) })
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		anna, hers, err := w.SignUp(ctx, "+79161234567", "anna@example.org")
		ok(t, err)
		boris, his, err := w.SignUp(ctx, "+79161234568", "boris@example.org")
		ok(t, err)
		_, claim := admitted(ctx, t, clinic)
		got(hers.Claim(ctx, claim))(t)

		comeIn := func(p *Patient, who, name string) (*Phone, phone.Challenge, error) {
			handset := got(p.Handset(name))(t)
			d := got(handset.BeginExternalSignIn(ctx))(t)
			state, code, err := provider.SignIn(d.URL, who)
			ok(t, err)
			if state != d.State {
				t.Errorf("another state came back")
			}
			c, err := handset.ExternalSignIn(ctx, d, code)
			return handset, c, err
		}
		provider.Claims["id1"] = map[string]any{"snils": example.SNILS, "trusted": false}
		_, _, err = comeIn(anna, openidtest.One, "a phone")
		refused(t, err, http.StatusNotFound, "external.unknown") // who types Anna's number does not become Anna
		provider.Claims["id1"]["trusted"] = true
		second, c, err := comeIn(anna, openidtest.One, "second phone")
		ok(t, err)
		if c.Method != "sms" {
			t.Errorf("asked for %+v", c)
		}
		ok(t, second.SecondFactor(ctx, c.ID, got(w.Code(ctx, anna.Login))(t)))
		if me := got(second.Me(ctx))(t); me.Account != anna.Account {
			t.Errorf("she is %+v", me)
		}

		// Boris cannot link himself to Anna's person, and links his own.
		d := got(his.BeginLink(ctx))(t)
		_, code, err := provider.SignIn(d.URL, openidtest.One)
		ok(t, err)
		refused(t, his.Link(ctx, d, code), http.StatusConflict, "external.other_person")
		d = got(his.BeginLink(ctx))(t)
		_, code, err = provider.SignIn(d.URL, openidtest.Two)
		ok(t, err)
		ok(t, his.Link(ctx, d, code))
		if links := got(his.Factors(ctx))(t).Links; len(links) != 1 || links[0].Provider != "esia" {
			t.Errorf("%+v", links)
		}
		third, c, err := comeIn(boris, openidtest.Two, "third phone")
		ok(t, err)
		ok(t, third.SecondFactor(ctx, c.ID, got(w.Code(ctx, boris.Login))(t)))
		ok(t, third.Unlink(ctx))
		_, _, err = comeIn(boris, openidtest.Two, "fourth phone")
		refused(t, err, http.StatusNotFound, "external.unknown")
	})
}

// A server without a provider says so.
func TestThereMayBeNoProvider(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		_, hers, err := w.SignUp(ctx, "+79161234567", "anna@example.org")
		ok(t, err)
		_, err = hers.BeginExternalSignIn(ctx)
		refused(t, err, http.StatusNotFound, "external.not_set_up")
	})
}
