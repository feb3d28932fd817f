package enrolling

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

func TestSignIn(t *testing.T) {
	w := newWorld(t)
	who := w.enrol(annasPhone, annasEmail, annasPassword)
	ctx := context.Background()
	for name, login := range map[string]string{"phone": "8 912 345 67 89", "e-mail": "ANNA@example.ru"} {
		t.Run(name, func(t *testing.T) {
			d := newDevice()
			c, err := w.SignIn(ctx, Credentials{Login: login, Password: annasPassword, Device: d}, home)
			w.must(err)
			if len(w.memory.sessions) != 0 || c.To == annasPhone {
				t.Errorf("a session without the second factor, or an open number: %+v", c)
			}
			tokens, err := w.SecondFactor(ctx, c.ID, w.smsCode(annasPhone))
			w.must(err)
			s := w.memory.sessions[tokens.Session]
			if s.Account != who || !s.SecondFactor() || tokens.Device != identity.DeviceOf(who, d.ID) || tokens.AccessEnds.Sub(w.now) != account.AccessLife {
				t.Errorf("%+v, %+v", s, tokens)
			}
			_, err = w.SecondFactor(ctx, c.ID, w.smsCode(annasPhone))
			w.want("code.used", err)
			if len(w.memory.sessions) != 1 {
				t.Error("a replayed code opened a session")
			}
			delete(w.memory.sessions, tokens.Session)
		})
	}
}

func TestBadTurnsOfASecondFactor(t *testing.T) {
	ctx := context.Background()
	for name, turn := range map[string]func(*world, Challenge, string) error{
		"wrong": func(w *world, c Challenge, code string) error {
			_, err := w.SecondFactor(ctx, c.ID, other(code))
			w.want("code.wrong", err)
			return nil
		},
		"expired": func(w *world, c Challenge, code string) error {
			w.pass(account.CodeLife)
			_, err := w.SecondFactor(ctx, c.ID, code)
			w.want("code.expired", err)
			return nil
		},
		"guessed": func(w *world, c Challenge, code string) error {
			for range account.CodeTries {
				_, _ = w.SecondFactor(ctx, c.ID, other(code))
			}
			_, err := w.SecondFactor(ctx, c.ID, code)
			w.want("code.exhausted", err)
			return nil
		},
		"of another sign-in": func(w *world, _ Challenge, code string) error {
			c, err := w.SignIn(ctx, Credentials{Login: annasPhone, Password: annasPassword, Device: newDevice()}, home)
			w.must(err)
			_, err = w.SecondFactor(ctx, c.ID, code)
			w.want("code.wrong", err)
			return nil
		},
		"as a registration": func(w *world, c Challenge, code string) error {
			_, err := w.Confirm(ctx, c.ID, account.ByPhone, code)
			w.want("code.expired", err)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.enrol(annasPhone, annasEmail, annasPassword)
			c, err := w.SignIn(ctx, Credentials{Login: annasPhone, Password: annasPassword, Device: newDevice()}, home)
			w.must(err)
			w.must(turn(w, c, w.smsCode(annasPhone)))
			if len(w.memory.sessions) != 0 {
				t.Error("a session was opened")
			}
		})
	}
}

// A stranger learns from the answer, the work and the limits nothing about who has an account.
func TestUnknownPeopleAreAnsweredAlike(t *testing.T) {
	w := newWorld(t)
	w.enrol(annasPhone, annasEmail, annasPassword)
	ctx := context.Background()
	type seen struct {
		err   string
		calls []string
	}
	try := func(login, password string, from Origin) seen {
		_, err := w.SignIn(ctx, Credentials{Login: login, Password: password, Device: newDevice()}, from)
		return seen{err.Error(), w.memory.calls}
	}
	want := try(annasPhone, "not her password", home)
	if want.err != errCredentials.Error() {
		t.Fatal(want.err)
	}
	for name, login := range map[string]string{"unknown phone": "+79120000000", "unknown e-mail": "nobody@example.ru", "no login at all": "x", "empty": ""} {
		if got := try(login, "not her password", home); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	if got := try(annasPhone, "short", home); !reflect.DeepEqual(got, want) {
		t.Errorf("a password that cannot be: %+v", got)
	}
	// Both kinds of logins run into the same limit after the same number of tries.
	tries := func(login string) (n int) {
		for ; n < 100; n++ {
			if _, err := w.SignIn(ctx, Credentials{Login: login, Password: "not her password", Device: newDevice()}, elsewhere); fault.CodeOf(err) == "throttled" {
				return n
			}
		}
		return n
	}
	if known, unknown := tries(annasEmail), tries("other@example.ru"); known != unknown || known != signInByPair.burst {
		t.Errorf("%d tries at a known login, %d at an unknown one", known, unknown)
	}
}

// The work that must be the same is above all the hash: nobody's password takes one too.
func TestNobodysPasswordIsHashed(t *testing.T) {
	p := NewPasswords()
	// Other work on the machine only ever adds to the time, so the fastest of some is what it takes.
	fastest := func(work func() error) time.Duration {
		best := time.Hour
		for range 4 {
			start := time.Now()
			if err := work(); err != nil {
				t.Fatal(err)
			}
			best = min(best, time.Since(start))
		}
		return best
	}
	somebody := fastest(func() error {
		_, err := p.Hash(t.Context(), zeros{}, annasPassword)
		return err
	})
	nobody := fastest(func() error {
		right, _, err := p.Check(t.Context(), annasPassword, "")
		if right {
			t.Error("right")
		}
		return err
	})
	if nobody < somebody/5 {
		t.Errorf("nobody took %v, somebody %v", nobody, somebody)
	}
}

// A stranger who hammers an account slows himself down; its person gets in from a device she used before, and from a new one
// elsewhere.
func TestStrangersDoNotLockAnybodyOut(t *testing.T) {
	w := newWorld(t)
	w.enrol(annasPhone, annasEmail, annasPassword)
	ctx := context.Background()
	hers := newDevice()
	w.signIn(hers)
	w.pass(time.Hour)
	stranger := func(from Origin) error {
		_, err := w.SignIn(ctx, Credentials{Login: annasPhone, Password: "guess guess guess", Device: Device{ID: hers.ID, Secret: newDevice().Secret}}, from)
		return err
	}
	for range 200 {
		_ = stranger(elsewhere)
	}
	w.want("throttled", stranger(elsewhere))
	for range 200 {
		_ = stranger(home) // even behind her own router
	}
	w.signIn(hers)
	_, err := w.SignIn(ctx, Credentials{Login: annasPhone, Password: annasPassword, Device: newDevice()}, Origin{Address: "192.0.2.44"})
	w.must(err)
}

func TestKnownDeviceHasALimitToo(t *testing.T) {
	w := newWorld(t)
	w.enrol(annasPhone, annasEmail, annasPassword)
	hers := newDevice()
	w.signIn(hers)
	w.pass(time.Hour)
	for range signInByDevice.burst {
		_, err := w.SignIn(context.Background(), Credentials{Login: annasPhone, Password: "a child plays", Device: hers}, home)
		w.want("credentials.wrong", err)
	}
	_, err := w.SignIn(context.Background(), Credentials{Login: annasPhone, Password: annasPassword, Device: hers}, home)
	w.want("throttled", err)
	w.pass(fault.From(err).RetryAfter)
	w.signIn(hers)
}

func TestMessagesToOnePhoneAreFew(t *testing.T) {
	w := newWorld(t)
	w.enrol(annasPhone, annasEmail, annasPassword)
	before := len(w.outbox.sms[annasPhone])
	for i := range 300 { // somebody who knows the password, from everywhere
		from := Origin{Address: "203.0.113." + string(rune('0'+i%10))}
		_, _ = w.SignIn(context.Background(), Credentials{Login: annasPhone, Password: annasPassword, Device: newDevice()}, from)
	}
	if n := len(w.outbox.sms[annasPhone]) - before; n != smsByAccount.burst {
		t.Errorf("%d messages, want %d", n, smsByAccount.burst)
	}
}

func TestDeviceMustIntroduceItself(t *testing.T) {
	w := newWorld(t)
	good := newDevice()
	for code, d := range map[fault.Code]Device{
		"device.id":     {ID: "phone", Secret: good.Secret},
		"device.secret": {ID: good.ID, Secret: "short"},
		"device.name":   {ID: good.ID, Secret: good.Secret, Name: strings.Repeat("x", 101)},
	} {
		_, err := w.SignIn(context.Background(), Credentials{Login: annasPhone, Password: annasPassword, Device: d}, home)
		w.want(code, err)
	}
}

func TestNewDeviceIsToldOf(t *testing.T) {
	w := newWorld(t)
	who := w.enrol(annasPhone, annasEmail, annasPassword)
	d := newDevice()
	letters := func() int { return len(w.outbox.mail[annasEmail]) }
	before := letters()
	rang := func(want ...string) {
		t.Helper()
		if !slices.Equal(w.memory.rung, want) {
			t.Errorf("rang: %q, want %q", w.memory.rung, want)
		}
		w.memory.rung = nil
	}
	w.memory.rung = nil
	w.signIn(d)
	if letters() != before+1 || !strings.Contains(w.outbox.mail[annasEmail][before], "с нового устройства") {
		t.Error("no letter about a new device")
	}
	rang(string(who) + " but " + string(identity.DeviceOf(who, d.ID)))
	w.signIn(d)
	if letters() != before+1 {
		t.Error("a letter about a known device")
	}
	rang()
	d.Secret = newDevice().Secret
	w.signIn(d)
	if letters() != before+2 {
		t.Error("no letter about a device that only claims to be a known one")
	}
	rang(string(who) + " but ")
}

func TestPasswordIsHashedAnewWhenTheCostChanges(t *testing.T) {
	w := newWorld(t)
	who := w.enrol(annasPhone, annasEmail, annasPassword)
	old := w.memory.accounts[who].Password
	w.signIn(newDevice())
	if w.memory.accounts[who].Password != old {
		t.Fatal("hashed anew for nothing")
	}
	w.passwords.memory = 128
	w.signIn(newDevice())
	if now := w.memory.accounts[who].Password; now == old || !strings.Contains(now, "m=128,") {
		t.Errorf("kept %q", now)
	}
	w.signIn(newDevice())
}

func TestSecondFactorIsSentAgain(t *testing.T) {
	w := newWorld(t)
	w.enrol(annasPhone, annasEmail, annasPassword)
	ctx := context.Background()
	c, err := w.SignIn(ctx, Credentials{Login: annasPhone, Password: annasPassword, Device: newDevice()}, home)
	w.must(err)
	first := w.smsCode(annasPhone)
	w.want("code.too_soon", w.Resend(ctx, c.ID, account.ByPhone, home))
	w.want("code.expired", w.Resend(ctx, c.ID, account.ByEmail, home))
	w.pass(account.CodeLife) // the first code is expired, the sign-in is not
	w.must(w.Resend(ctx, c.ID, account.ByPhone, home))
	if first != w.smsCode(annasPhone) {
		_, err = w.SecondFactor(ctx, c.ID, first)
		w.want("code.wrong", err)
	}
	_, err = w.SecondFactor(ctx, c.ID, w.smsCode(annasPhone))
	w.must(err)
	w.want("code.no_more", w.Resend(ctx, c.ID, account.ByPhone, home))

	late, err := w.SignIn(ctx, Credentials{Login: annasPhone, Password: annasPassword, Device: newDevice()}, home)
	w.must(err)
	w.pass(secondFactorLife)
	w.want("code.expired", w.Resend(ctx, late.ID, account.ByPhone, home))
}

func TestSweepKeepsADayForReplays(t *testing.T) {
	w := newWorld(t)
	w.must(w.Sweep(context.Background()))
	if got := w.now.Sub(w.memory.unused); got != account.UnusedLife {
		t.Errorf("devices are kept for %v", got)
	}
	if got := w.now.Sub(w.memory.forgotten); got != 24*time.Hour {
		t.Errorf("forgot what ended %v ago", got)
	}
}
