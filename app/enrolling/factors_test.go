package enrolling

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// actor is who acts in the session of the tokens, as the door would find out.
func (w *world) actor(of Tokens) identity.Actor { return w.memory.sessions[of.Session].Actor() }

// app gives the person an authenticator app that was confirmed.
func (w *world) app(a identity.Actor) account.Authenticator {
	w.t.Helper()
	secret, err := w.EnrolApp(context.Background(), a)
	w.must(err)
	app := w.memory.apps[a.Account]
	if uri, err := url.Parse(secret.URI); err != nil || uri.Query().Get("secret") != secret.Text || secret.Text != app.Text() {
		w.t.Fatalf("the app was shown another secret: %v", secret)
	}
	w.must(w.ConfirmApp(context.Background(), a, app.Code(w.now)))
	w.pass(time.Minute)
	return app
}

// challenge is a right password.
func (w *world) challenged(d Device) Challenge {
	w.t.Helper()
	c, err := w.SignIn(context.Background(), Credentials{Login: annasPhone, Password: annasPassword, Device: d}, home)
	w.must(err)
	return c
}

func (w *world) lastLetter() string {
	letters := w.outbox.mail[annasEmail]
	return letters[len(letters)-1]
}

func TestAnAppIsTheSecondFactor(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.enrol(annasPhone, annasEmail, annasPassword)
	hers := newDevice()
	anna := w.actor(w.signIn(hers))
	secret, err := w.EnrolApp(ctx, anna)
	w.must(err)
	if c := w.challenged(newDevice()); c.Method != account.SMS {
		t.Error("a secret that was not confirmed is asked for")
	}
	w.want("code.wrong", w.ConfirmApp(ctx, anna, other(w.memory.apps[anna.Account].Code(w.now))))
	again, err := w.EnrolApp(ctx, anna) // the picture was closed too early
	w.must(err)
	if again.Text == secret.Text {
		t.Error("the same secret is shown a second time")
	}
	app := w.memory.apps[anna.Account]
	w.must(w.ConfirmApp(ctx, anna, app.Code(w.now)))
	if f, err := w.Factors(ctx, anna); err != nil || !f.App.Equal(w.now) || !strings.Contains(w.lastLetter(), "аутентификатора") {
		t.Errorf("%+v, %v, %q", f, err, w.lastLetter())
	}
	w.want("authenticator.exists", w.ConfirmApp(ctx, anna, app.Code(w.now)))
	_, err = w.EnrolApp(ctx, anna)
	w.want("authenticator.exists", err)

	messages := len(w.outbox.sms[annasPhone])
	c := w.challenged(newDevice())
	if c.Method != account.TOTP || c.To != "" || len(w.outbox.sms[annasPhone]) != messages {
		t.Errorf("%+v, and a text message was sent", c)
	}
	_, err = w.SecondFactor(ctx, c.ID, app.Code(w.now))
	w.want("code.wrong", err) // it was seen when the app was confirmed
	w.pass(30 * time.Second)
	tokens, err := w.SecondFactor(ctx, c.ID, app.Code(w.now))
	w.must(err)
	_, err = w.SecondFactor(ctx, c.ID, app.Code(w.now.Add(30*time.Second)))
	w.want("code.used", err)
	second := w.challenged(newDevice())
	_, err = w.SecondFactor(ctx, second.ID, app.Code(w.now))
	w.want("code.wrong", err) // replayed at another sign-in
	w.want("code.expired", w.Resend(ctx, second.ID, account.ByPhone, home))

	w.must(w.RemoveApp(ctx, w.actor(tokens)))
	w.want("authenticator.not_found", w.RemoveApp(ctx, w.actor(tokens)))
	w.pass(30 * time.Second)
	_, err = w.SecondFactor(ctx, second.ID, app.Code(w.now))
	w.want("code.expired", err)
	if c := w.challenged(newDevice()); c.Method != account.SMS {
		t.Error("an app that was taken off is asked for")
	}
}

func TestASecretThatNobodyConfirmsEnds(t *testing.T) {
	w := newWorld(t)
	w.enrol(annasPhone, annasEmail, annasPassword)
	anna := w.actor(w.signIn(newDevice()))
	w.want("authenticator.not_found", w.ConfirmApp(context.Background(), anna, "123456"))
	_, err := w.EnrolApp(context.Background(), anna)
	w.must(err)
	w.pass(account.TOTPEnrolment)
	anna.Proved = w.now
	w.want("authenticator.not_found", w.ConfirmApp(context.Background(), anna, w.memory.apps[anna.Account].Code(w.now)))
}

// Whoever knows the password has few guesses at the app's codes, from however many devices, and the person still gets in.
func TestGuessesAtAnAppAreFew(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.enrol(annasPhone, annasEmail, annasPassword)
	hers := newDevice()
	app := w.app(w.actor(w.signIn(hers)))
	w.pass(time.Hour)
	guesses := 0
	for i := range 40 {
		from := Origin{Address: "203.0.113." + string(rune('0'+i%10))}
		c, err := w.SignIn(ctx, Credentials{Login: annasPhone, Password: annasPassword, Device: newDevice()}, from)
		if err != nil {
			continue
		}
		for range account.CodeTries {
			if _, err := w.SecondFactor(ctx, c.ID, other(app.Code(w.now))); fault.CodeOf(err) == "code.wrong" || fault.CodeOf(err) == "code.exhausted" {
				guesses++
			}
		}
	}
	if guesses != appByAccount.burst {
		t.Errorf("%d guesses, want %d", guesses, appByAccount.burst)
	}
	_, err := w.SecondFactor(ctx, w.challenged(hers).ID, app.Code(w.now))
	w.must(err)
}

func TestAGuessedChallengeIsDead(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.enrol(annasPhone, annasEmail, annasPassword)
	hers := newDevice()
	anna := w.actor(w.signIn(hers))
	codes, err := w.NewRecoveryCodes(ctx, anna)
	w.must(err)
	app := w.app(anna)
	c := w.challenged(hers)
	for range account.CodeTries {
		_, err = w.SecondFactor(ctx, c.ID, other(app.Code(w.now)))
	}
	w.want("code.exhausted", err)
	for _, right := range []string{app.Code(w.now), codes[0].Printed()} {
		_, err = w.SecondFactor(ctx, c.ID, right)
		w.want("code.exhausted", err)
	}
	if f, _ := w.Factors(ctx, anna); f.RecoveryCodes != account.RecoveryCodes {
		t.Error("a recovery code was used up for nothing")
	}
}

func TestRecoveryCodeDoesOnce(t *testing.T) {
	ctx := context.Background()
	for name, withApp := range map[string]bool{"in place of a message": false, "in place of an app": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.enrol(annasPhone, annasEmail, annasPassword)
			anna := w.actor(w.signIn(newDevice()))
			old, err := w.NewRecoveryCodes(ctx, anna)
			w.must(err)
			codes, err := w.NewRecoveryCodes(ctx, anna)
			w.must(err)
			if len(codes) != account.RecoveryCodes {
				t.Fatalf("%d codes", len(codes))
			}
			if withApp {
				w.app(anna)
			}
			for hash := range w.memory.recovery {
				if strings.Contains(hash, string(codes[0])) {
					t.Error("a code is kept as it is")
				}
			}
			c := w.challenged(newDevice())
			w.pass(account.CodeLife) // whatever was sent is too old; the paper is not
			_, err = w.SecondFactor(ctx, c.ID, old[0].Printed())
			w.want("code.wrong", err)
			tokens, err := w.SecondFactor(ctx, c.ID, strings.ToLower(codes[0].Printed()))
			w.must(err)
			if !w.actor(tokens).SecondFactor {
				t.Error("no second factor")
			}
			told := w.outbox.mail[annasEmail]
			if len(told) < 2 || !strings.Contains(told[len(told)-2], "Осталось кодов: 9") {
				t.Errorf("she was not told: %q", told)
			}
			_, err = w.SecondFactor(ctx, w.challenged(newDevice()).ID, codes[0].Printed())
			w.want("code.wrong", err)
			_, err = w.SecondFactor(ctx, w.challenged(newDevice()).ID, codes[1].Printed())
			w.must(err)
		})
	}
}

func TestDangerousActsNeedAFreshFactor(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.enrol(annasPhone, annasEmail, annasPassword)
	hers := newDevice()
	tokens := w.signIn(hers)
	acts := map[string]func(identity.Actor) error{
		"enrol an app":       func(a identity.Actor) error { _, err := w.EnrolApp(ctx, a); return err },
		"confirm an app":     func(a identity.Actor) error { return w.ConfirmApp(ctx, a, "123456") },
		"remove an app":      func(a identity.Actor) error { return w.RemoveApp(ctx, a) },
		"sign a device out":  func(a identity.Actor) error { return w.SignOutDevice(ctx, a, "x") },
		"sign others out":    func(a identity.Actor) error { return w.SignOutOthers(ctx, a) },
		"change password":    func(a identity.Actor) error { return w.ChangePassword(ctx, a, "", "short") },
		"begin a passkey":    func(a identity.Actor) error { _, err := w.BeginPasskey(ctx, a); return err },
		"add a passkey":      func(a identity.Actor) error { return w.AddPasskey(ctx, a, "x", "", "") },
		"remove a passkey":   func(a identity.Actor) error { return w.RemovePasskey(ctx, a, []byte("x")) },
		"new recovery codes": func(a identity.Actor) error { _, err := w.NewRecoveryCodes(ctx, a); return err },
	}
	try := func(fresh bool) {
		t.Helper()
		for name, act := range acts {
			if refused := fault.CodeOf(act(w.actor(tokens))) == "step_up.required"; refused == fresh {
				t.Errorf("%s: refused %v", name, refused)
			}
		}
	}
	try(true)
	w.pass(identity.FactorFresh)
	try(false)
	for name, act := range acts {
		if err := act(identity.Actor{Kind: identity.Patient, Account: w.actor(tokens).Account, Proved: w.now}); fault.CodeOf(err) != "second_factor.missing" {
			t.Errorf("%s without a second factor: %v", name, err)
		}
	}

	c, err := w.StepUp(ctx, w.actor(tokens), home)
	w.must(err)
	_, err = w.SecondFactor(ctx, c.ID, w.smsCode(annasPhone))
	w.want("code.expired", err) // it opens no session
	_, err = w.ProveAgain(ctx, w.actor(tokens), c.ID, other(w.smsCode(annasPhone)))
	w.want("code.wrong", err)
	try(false)
	until, err := w.ProveAgain(ctx, w.actor(tokens), c.ID, w.smsCode(annasPhone))
	w.must(err)
	if until.Sub(w.now) != identity.FactorFresh {
		t.Errorf("fresh until %v", until)
	}
	try(true)
	w.pass(identity.FactorFresh)
	_, err = w.Refresh(ctx, tokens.Refresh, hers.Secret)
	w.must(err)
	try(false) // a refresh proves nothing
}

// Neither a sign-in's code nor another session's is good for a step-up, and trying uses none of its tries up.
func TestAStepUpIsOfItsSession(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.enrol(annasPhone, annasEmail, annasPassword)
	one, two := w.actor(w.signIn(newDevice())), w.actor(w.signIn(newDevice()))
	c, err := w.StepUp(ctx, one, home)
	w.must(err)
	code := w.smsCode(annasPhone)
	for range account.CodeTries + 1 {
		_, err = w.ProveAgain(ctx, two, c.ID, other(code))
		w.want("code.expired", err)
	}
	_, err = w.ProveAgain(ctx, two, w.challenged(newDevice()).ID, w.smsCode(annasPhone))
	w.want("code.expired", err)
	_, err = w.ProveAgain(ctx, one, "no challenge", code)
	w.want("code.expired", err)
	_, err = w.ProveAgain(ctx, one, c.ID, code)
	w.must(err)
}
