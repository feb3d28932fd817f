package story

import (
	"bytes"
	"context"
	"encoding/base32"
	"encoding/json"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/app/enrolling/passkeytest"
	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/mobile-sdk/medcard"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// How a person guards the way in, with the SDK against the whole server.

// stepUp shows the second factor once more, with the code that comes.
func (h *Phone) stepUp(ctx context.Context, t testing.TB) {
	t.Helper()
	c := got(h.StepUp(ctx))(t)
	got(h.ConfirmStepUp(ctx, c.ID, got(h.Owner.world.Code(ctx, h.Owner.Login))(t)))(t)
}

// authenticator gives the phone's owner an app.
func (h *Phone) authenticator(ctx context.Context, t testing.TB) account.Authenticator {
	t.Helper()
	secret := got(h.EnrolAuthenticator(ctx))(t)
	raw := got(base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret.Secret))(t)
	app := account.Authenticator{Secret: raw}
	ok(t, h.ConfirmAuthenticator(ctx, app.Code(h.Owner.world.Now())))
	return app
}

func TestAPersonGuardsTheWayIn(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		anna, first, err := w.SignUp(ctx, "+79161234567", "anna@example.org")
		ok(t, err)
		app := first.authenticator(ctx, t)
		codes := got(first.NewRecoveryCodes(ctx))(t)
		if f := got(first.Factors(ctx))(t); f.Authenticator.IsZero() || f.RecoveryCodes != len(codes) || len(codes) != account.RecoveryCodes {
			t.Errorf("%+v with %d codes", f, len(codes))
		}

		second := got(anna.Handset("second phone"))(t)
		c := got(second.SignIn(ctx, anna.Login, anna.Password))(t)
		if c.Method != "otp" || c.To != "" {
			t.Errorf("asked for %+v", c)
		}
		refused(t, second.SecondFactor(ctx, c.ID, app.Code(w.Now())), http.StatusUnprocessableEntity, "code.wrong") // it confirmed the app
		w.Skip(30 * time.Second)
		ok(t, second.SecondFactor(ctx, c.ID, app.Code(w.Now())))

		third := got(anna.Handset("third phone"))(t)
		c = got(third.SignIn(ctx, anna.Login, anna.Password))(t)
		ok(t, third.SecondFactor(ctx, c.ID, strings.ToLower(codes[3])))
		if f := got(third.Factors(ctx))(t); f.RecoveryCodes != len(codes)-1 {
			t.Errorf("%d codes are left", f.RecoveryCodes)
		}
		letters := 0
		for _, line := range w.codes.All() {
			if strings.Contains(line, anna.Email) && strings.Contains(line, "Осталось кодов: 9") {
				letters++
			}
		}
		if letters != 1 {
			t.Errorf("%d letters tell of the used recovery code", letters)
		}

		w.Skip(identity.FactorFresh)
		refused(t, second.RemoveAuthenticator(ctx), http.StatusForbidden, phone.CodeStepUp)
		c = got(second.StepUp(ctx))(t)
		until := got(second.ConfirmStepUp(ctx, c.ID, app.Code(w.Now())))(t)
		if left := until.Sub(w.Now()); left <= 0 || left > identity.FactorFresh {
			t.Errorf("fresh for %v", left)
		}
		ok(t, second.RemoveAuthenticator(ctx))
		refused(t, first.RemoveAuthenticator(ctx), http.StatusForbidden, phone.CodeStepUp) // another session's proof
		first.stepUp(ctx, t)
		refused(t, first.RemoveAuthenticator(ctx), http.StatusNotFound, "authenticator.not_found")
	})
}

// Whoever holds an unlocked phone for a minute cannot let himself in for good.
func TestAnotherPersonIsLetInWithAFreshFactor(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		_, hers, err := w.SignUp(ctx, "+79161234567", "anna@example.org")
		ok(t, err)
		boris, _, err := w.SignUp(ctx, "+79161234568", "boris@example.org")
		ok(t, err)
		_, code := admitted(ctx, t, clinic)
		id := got(hers.Claim(ctx, code))(t)
		w.Skip(identity.FactorFresh)
		wish := phone.Wish{Account: boris.Account, Scopes: card.Scopes{"lab.*", "rx.*"}, Ends: w.Now().Add(time.Hour)}
		_, err = hers.Card(id).GiveGrant(ctx, wish)
		refused(t, err, http.StatusForbidden, phone.CodeStepUp)
		hers.stepUp(ctx, t)
		got(hers.Card(id).GiveGrant(ctx, wish))(t)
	})
}

func TestAPhoneIsSignedOutFromAfar(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		anna, hers, err := w.SignUp(ctx, "+79161234567", "anna@example.org")
		ok(t, err)
		stolen, old := got(anna.Handset("stolen phone"))(t), got(anna.Handset("old phone"))(t)
		ok(t, stolen.Enter(ctx))
		ok(t, old.Enter(ctx))
		list := got(hers.Devices(ctx))(t)
		var target identity.DeviceID
		for _, d := range list {
			if !d.SignedIn || d.Own != strings.HasPrefix(d.Name, "first") || w.Now().Sub(d.LastUsed) > time.Minute {
				t.Errorf("%+v", d)
			}
			if d.Name == "stolen phone" {
				target = d.ID
			}
		}
		if len(list) != 3 || target == "" {
			t.Fatalf("%+v", list)
		}
		w.Skip(identity.FactorFresh)
		refused(t, hers.SignOutDevice(ctx, target), http.StatusForbidden, phone.CodeStepUp)
		refused(t, hers.SignOutOthers(ctx), http.StatusForbidden, phone.CodeStepUp)
		hers.stepUp(ctx, t)
		ok(t, hers.SignOutDevice(ctx, target))
		if _, err := stolen.Me(ctx); !errors.Is(err, phone.ErrSignedOut) {
			t.Errorf("the stolen phone hears %v", err)
		}
		got(old.Me(ctx))(t)
		ok(t, hers.SignOutOthers(ctx))
		if _, err := old.Me(ctx); !errors.Is(err, phone.ErrSignedOut) {
			t.Errorf("the old phone hears %v", err)
		}
		got(hers.Me(ctx))(t)
	})
}

func TestAPasswordIsChangedAndLost(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		anna, hers, err := w.SignUp(ctx, "+79161234567", "anna@example.org")
		ok(t, err)
		second := got(anna.Handset("second phone"))(t)
		ok(t, second.Enter(ctx))
		refused(t, hers.ChangePassword(ctx, "not hers at all", "another sentence"), http.StatusUnprocessableEntity, "password.wrong")
		ok(t, hers.ChangePassword(ctx, anna.Password, "another sentence"))
		if _, err := second.Me(ctx); !errors.Is(err, phone.ErrSignedOut) {
			t.Errorf("the second phone hears %v", err)
		}
		_, err = second.SignIn(ctx, anna.Login, anna.Password)
		refused(t, err, http.StatusUnauthorized, "credentials.wrong")

		recovery, _, err := second.LostPassword(ctx, anna.Email)
		ok(t, err)
		byPhone, byEmail := got(w.Code(ctx, anna.Login))(t), got(w.Code(ctx, anna.Email))(t)
		refused(t, second.FoundPassword(ctx, recovery, byPhone, different(byEmail), "a third sentence"), http.StatusUnprocessableEntity, "code.wrong")
		ok(t, second.FoundPassword(ctx, recovery, byPhone, byEmail, "a third sentence"))
		if _, err := hers.Me(ctx); !errors.Is(err, phone.ErrSignedOut) {
			t.Errorf("the first phone hears %v", err)
		}
		anna.Password = "a third sentence"
		ok(t, second.Enter(ctx))
		nobody, _, err := second.LostPassword(ctx, "nobody@example.org")
		ok(t, err)
		refused(t, second.FoundPassword(ctx, nobody, "000000", "000000", "a third sentence"), http.StatusUnprocessableEntity, "code.wrong")
	})
}

// The glove says the same in JSON.
func TestTheGloveGuardsTheWayIn(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		anna, hers, err := w.SignUp(ctx, "+79161234567", "anna@example.org")
		ok(t, err)
		app := hers.authenticator(ctx, t)
		w.Skip(30 * time.Second)
		glove := got(medcard.Open(medcard.NewOptions(filepath.Join(t.TempDir(), "card.db"), bytes.Repeat([]byte{7}, 32), w.URL)))(t)
		defer func() { ok(t, glove.Close()) }()
		c := got(glove.SignIn(anna.Login, anna.Password))(t)
		ok(t, glove.SecondFactor(c.ID, app.Code(w.Now())))
		codes := got(glove.MakeRecoveryCodes())(t)
		key := got(passkeytest.New(w.page()))(t)
		made := got(glove.BeginPasskey())(t)
		ok(t, glove.AddPasskey(made.ID, "Мой телефон", got(key.Make(made.Options))(t)))
		var factors struct {
			Authenticator, RecoveryCodes int64
			Passkeys                     []struct {
				ID, Name    string
				Added, Used int64
			}
			Links []any
		}
		ok(t, json.Unmarshal(got(glove.Factors())(t), &factors))
		if factors.Authenticator == 0 || factors.RecoveryCodes != 10 || strings.Count(string(codes), "-") != 10 || len(factors.Passkeys) != 1 ||
			factors.Passkeys[0].Name != "Мой телефон" || factors.Passkeys[0].Added == 0 || factors.Passkeys[0].Used != 0 || factors.Links == nil {
			t.Errorf("%+v, codes %s", factors, codes)
		}
		var devices []struct {
			ID, Name      string
			LastUsed      int64
			SignedIn, Own bool
		}
		ok(t, json.Unmarshal(got(glove.Devices())(t), &devices))
		if len(devices) != 2 || !devices[0].Own || !devices[1].SignedIn || devices[1].LastUsed == 0 {
			t.Fatalf("%+v", devices)
		}
		ok(t, glove.SignOutDevice(devices[1].ID))
		w.Skip(identity.FactorFresh)
		failure := got(medcard.FailureOf(glove.SignOutOthers()))(t)
		if failure.Code != medcard.CodeStepUp {
			t.Errorf("%+v", failure)
		}
		proof := got(glove.BeginPasskeyStepUp())(t)
		until := got(glove.PasskeyStepUp(proof.ID, got(key.Sign(proof.Options))(t)))(t)
		if until <= w.Now().UnixMilli() {
			t.Errorf("fresh until %d", until)
		}
		ok(t, glove.SignOutOthers())
	})
}
