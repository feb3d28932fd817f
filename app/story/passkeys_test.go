package story

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/medcard/medcard/app/enrolling/passkeytest"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// The world serves on an IP address, which no authenticator takes for a domain: its page is opened as localhost.
func (w *World) page() string { return strings.Replace(w.URL, "127.0.0.1", "localhost", 1) }

func TestAPersonComesInWithAPasskey(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		anna, hers, err := w.SignUp(ctx, "+79161234567", "anna@example.org")
		ok(t, err)
		key := got(passkeytest.New(w.page()))(t)
		c := got(hers.BeginPasskey(ctx))(t)
		ok(t, hers.AddPasskey(ctx, c.ID, "Мой телефон", got(key.Make(c.Options))(t)))
		list := got(hers.Factors(ctx))(t).Passkeys
		if len(list) != 1 || list[0].Name != "Мой телефон" || !list[0].Used.IsZero() {
			t.Fatalf("%+v", list)
		}

		second := got(anna.Handset("second phone"))(t)
		c = got(second.BeginPasskeySignIn(ctx))(t)
		signed := got(key.Sign(c.Options))(t)
		ok(t, second.PasskeySignIn(ctx, c.ID, signed))
		if me := got(second.Me(ctx))(t); me.Account != anna.Account {
			t.Errorf("she is %+v", me)
		}
		third := got(anna.Handset("third phone"))(t)
		refused(t, third.PasskeySignIn(ctx, c.ID, signed), http.StatusGone, "code.expired")

		w.Skip(identity.FactorFresh)
		refused(t, second.RemovePasskey(ctx, list[0].ID), http.StatusForbidden, phone.CodeStepUp)
		c = got(second.BeginPasskeyStepUp(ctx))(t)
		got(second.PasskeyStepUp(ctx, c.ID, got(key.Sign(c.Options))(t)))(t)
		ok(t, second.RemovePasskey(ctx, list[0].ID))
		c = got(third.BeginPasskeySignIn(ctx))(t)
		refused(t, third.PasskeySignIn(ctx, c.ID, got(key.Sign(c.Options))(t)), http.StatusUnauthorized, "passkey.refused")
	})
}
