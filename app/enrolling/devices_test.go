package enrolling

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

func TestDevicesAreListedAndSignedOut(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.enrol(annasPhone, annasEmail, annasPassword)
	phone, tablet, old := newDevice(), newDevice(), newDevice()
	tablet.Name = "Планшет"
	stale := w.signIn(old)
	w.pass(time.Hour)
	one, two := w.signIn(phone), w.signIn(tablet)
	anna := w.actor(one)
	of := func(d Device) identity.DeviceID { return identity.DeviceOf(anna.Account, d.ID) }
	for _, d := range []Device{phone, tablet, old} {
		w.memory.pushes[string(anna.Account)+string(of(d))] = true
	}
	w.pass(time.Minute)
	_, err := w.Refresh(ctx, two.Refresh, tablet.Secret)
	w.must(err)
	list, err := w.Devices(ctx, anna)
	w.must(err)
	found := false
	for _, d := range list {
		if d.ID == of(tablet) {
			found = d.Name == "Планшет" && d.Seen.Equal(w.now) && d.SignedIn
		}
	}
	if len(list) != 3 || !found {
		t.Errorf("listed %+v", list)
	}

	w.want("device.not_found", w.SignOutDevice(ctx, anna, identity.DeviceID(newDevice().ID)))
	w.want("device.not_found", w.SignOutDevice(ctx, anna, "x"))
	w.must(w.SignOutDevice(ctx, anna, of(tablet)))
	if w.memory.sessions[two.Session].Live(w.now) || !w.memory.sessions[stale.Session].Live(w.now) || !w.memory.sessions[one.Session].Live(w.now) {
		t.Error("the wrong session ended")
	}
	if w.memory.pushes[string(anna.Account)+string(of(tablet))] || len(w.memory.pushes) != 2 || !strings.Contains(w.lastLetter(), "Сеансы Medcard завершены") {
		t.Errorf("pushes %v, letter %q", w.memory.pushes, w.lastLetter())
	}
	w.must(w.SignOutOthers(ctx, anna))
	if w.memory.sessions[stale.Session].Live(w.now) || !w.memory.sessions[one.Session].Live(w.now) || len(w.memory.pushes) != 1 {
		t.Error("the others are not out, or she is")
	}
	if list, err = w.Devices(ctx, anna); err != nil || len(list) != 1 || list[0].ID != of(phone) {
		t.Errorf("%+v, %v", list, err)
	}
	w.must(w.SignOut(ctx, anna, false))
	if len(w.memory.pushes) != 0 {
		t.Error("who signed out is still reached")
	}
}

func TestPasswordIsChangedByWhoKnowsIt(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.enrol(annasPhone, annasEmail, annasPassword)
	hers := newDevice()
	one, other := w.signIn(hers), w.signIn(newDevice())
	anna := w.actor(one)
	waiting := w.challenged(newDevice())
	code := w.smsCode(annasPhone)
	const next = "другие сорок тысяч"
	w.want("password.wrong", w.ChangePassword(ctx, anna, "not her password", next))
	w.want("password.wrong", w.ChangePassword(ctx, anna, "", next))
	w.want("password.length", w.ChangePassword(ctx, anna, annasPassword, "short"))
	w.want("password.guessable", w.ChangePassword(ctx, anna, annasPassword, "8 912 345-67-89"))
	w.must(w.ChangePassword(ctx, anna, annasPassword, next))
	if w.memory.sessions[other.Session].Live(w.now) || !w.memory.sessions[one.Session].Live(w.now) || !strings.Contains(w.lastLetter(), "Пароль Medcard изменён") {
		t.Error("other sessions live, or hers does not, or she was not told")
	}
	_, err := w.SecondFactor(ctx, waiting.ID, code)
	w.want("code.expired", err) // the old password opened it
	_, err = w.SignIn(ctx, Credentials{Login: annasPhone, Password: annasPassword, Device: hers}, home)
	w.want("credentials.wrong", err)
	_, err = w.SignIn(ctx, Credentials{Login: annasPhone, Password: next, Device: hers}, home)
	w.must(err)
	for range 20 {
		err = w.ChangePassword(ctx, anna, "not her password", next)
	}
	w.want("throttled", err)
}

// lost asks for a new password and gives the codes that came.
func (w *world) lost(d Device) (found func(phone, email, password string) error, phone, email string) {
	w.t.Helper()
	r, err := w.LostPassword(context.Background(), annasPhone, d, home)
	w.must(err)
	w.Wait()
	return func(phone, email, password string) error {
		return w.FoundPassword(context.Background(), r.ID, phone, email, password, home)
	}, w.smsCode(annasPhone), w.mailCode(annasEmail)
}

func TestLostPasswordNeedsBothChannels(t *testing.T) {
	ctx := context.Background()
	const next = "другие сорок тысяч"
	w := newWorld(t)
	w.enrol(annasPhone, annasEmail, annasPassword)
	hers := newDevice()
	one := w.signIn(hers)
	app := w.app(w.actor(one))
	found, phone, email := w.lost(newDevice())
	w.want("password.length", found(phone, email, "short"))
	w.want("code.wrong", found(phone, other(email), next))
	w.want("code.wrong", found(other(phone), email, next))
	w.want("code.wrong", found(email, phone, next))
	w.want("password.guessable", found(phone, email, annasEmail))
	w.must(found(phone, email, next))
	w.want("code.used", found(phone, email, next))
	if w.memory.sessions[one.Session].Live(w.now) || !strings.Contains(w.lastLetter(), "Пароль Medcard изменён") {
		t.Error("her session lives, or she was not told")
	}
	c, err := w.SignIn(ctx, Credentials{Login: annasPhone, Password: next, Device: hers}, home)
	w.must(err)
	if c.Method != account.TOTP {
		t.Error("a lost password took the second factor with it")
	}
	if left := len(w.memory.devices); left != 0 {
		t.Errorf("%d devices are known still: whose they are is in doubt", left)
	}
	_, err = w.SecondFactor(ctx, c.ID, app.Code(w.now))
	w.must(err)

	w.pass(time.Hour)
	found, phone, email = w.lost(newDevice())
	for range account.CodeTries {
		_ = found(phone, other(email), next)
	}
	w.want("code.exhausted", found(phone, email, next))
	found, phone, email = w.lost(newDevice())
	w.pass(account.CodeLife)
	w.want("code.expired", found(phone, email, next))
	w.want("code.expired", w.FoundPassword(ctx, "x", phone, email, next, home))
}

// Nobody learns from a lost password who has an account: the answers, the work in the database and the limits are the same.
func TestLostPasswordsOfUnknownPeopleAreAnsweredAlike(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.enrol(annasPhone, annasEmail, annasPassword)
	type seen struct{ asked, tried, codes string }
	try := func(login string) (s seen) {
		r, err := w.LostPassword(ctx, login, newDevice(), home)
		w.must(err)
		s.asked = strings.Join(w.memory.calls, " ")
		if r.Ends.Sub(w.now) != account.CodeLife {
			t.Errorf("ends %v", r.Ends)
		}
		w.Wait()
		for range account.CodeTries + 1 {
			s.codes += string(fault.CodeOf(w.FoundPassword(ctx, r.ID, "000000", "000000", annasPassword, home))) + " "
		}
		s.tried = strings.Join(w.memory.calls, " ")
		w.pass(time.Hour)
		return s
	}
	want := try(annasPhone)
	for name, login := range map[string]string{"unknown phone": "+79120000000", "unknown e-mail": "nobody@example.ru", "no login at all": "x", "empty": ""} {
		if got := try(login); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	if n := len(w.outbox.sms); n != 1 {
		t.Errorf("messages went to %d phones", n)
	}
}

// A stranger who asks for new passwords without end neither floods her phone nor keeps her from asking on a phone that is known.
func TestLostPasswordsAreFew(t *testing.T) {
	w := newWorld(t)
	w.enrol(annasPhone, annasEmail, annasPassword)
	hers := newDevice()
	w.signIn(hers)
	before := len(w.outbox.sms[annasPhone])
	for i := range 300 {
		from := Origin{Address: "203.0.113." + string(rune('0'+i%10))}
		_, _ = w.LostPassword(context.Background(), annasPhone, newDevice(), from)
	}
	w.Wait()
	if n := len(w.outbox.sms[annasPhone]) - before; n != lostByLogin.burst {
		t.Errorf("%d messages, want %d", n, lostByLogin.burst)
	}
	found, phone, email := w.lost(hers)
	w.must(found(phone, email, "другие сорок тысяч"))
}
