package story

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/mobile-sdk/phone"
)

// told is all that went to a number or an address, but for codes that somebody took.
func (w *World) told(to string) string {
	var all []string
	for _, line := range w.codes.All() {
		if strings.Contains(line, " to "+to+":") {
			all = append(all, line)
		}
	}
	return strings.Join(all, "\n")
}

// Somebody gets another number. The new one answers, the old one is told, and whose a number is nobody learns.
func TestAPersonGetsAnotherNumberAndAddress(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		const old, fresh, his = "+79161234567", "+79261112233", "+79161234568"
		anna, hers, err := w.SignUp(ctx, old, "anna@example.org")
		ok(t, err)
		boris, boriss, err := w.SignUp(ctx, his, "boris@example.org")
		ok(t, err)
		for _, p := range []*Phone{hers, boriss} {
			t.Cleanup(func() { _ = p.Close() })
		}
		w.Skip(time.Hour)
		_, err = hers.ChangePhone(ctx, fresh)
		refused(t, err, http.StatusForbidden, phone.CodeStepUp)
		hers.stepUp(ctx, t)
		_, err = hers.ChangePhone(ctx, "8 (916) 123-45-67")
		refused(t, err, http.StatusConflict, "contact.same")
		_, err = hers.ChangePhone(ctx, "+74951234567")
		refused(t, err, http.StatusUnprocessableEntity, "phone.not_mobile")
		_, err = hers.ChangeEmail(ctx, "")
		refused(t, err, http.StatusUnprocessableEntity, "contact.one")

		// Boris's number is no other than any: its owner is told, and no code is sent that would be right.
		taken := got(hers.ChangePhone(ctx, his))(t)
		if !strings.Contains(w.told(his), "пытались зарегистрироваться") || taken.To == "" {
			t.Errorf("his phone got %q", w.told(his))
		}
		refused(t, hers.ConfirmContact(ctx, taken.ID, "000000"), http.StatusUnprocessableEntity, "code.wrong")

		change := got(hers.ChangePhone(ctx, fresh))(t)
		code := got(w.Code(ctx, fresh))(t)
		refused(t, boriss.ConfirmContact(ctx, change.ID, code), http.StatusGone, "code.expired")
		w.Skip(2 * time.Minute)
		ok(t, hers.Resend(ctx, change.ID, phone.ByPhone))
		again := got(w.Code(ctx, fresh))(t)
		if code != again {
			refused(t, hers.ConfirmContact(ctx, change.ID, code), http.StatusUnprocessableEntity, "code.wrong")
		}
		ok(t, hers.ConfirmContact(ctx, change.ID, again))
		refused(t, hers.ConfirmContact(ctx, change.ID, again), http.StatusGone, "code.expired")
		ok(t, until(ctx, func() bool {
			return strings.Contains(w.told(old), "другой номер") && strings.Contains(w.told("anna@example.org"), "Контакты Medcard изменены")
		}))
		if me := got(hers.Me(ctx))(t); strings.HasSuffix(me.Phone, "67") {
			t.Errorf("she is %+v", me)
		}

		second := got(anna.Handset("second phone"))(t)
		t.Cleanup(func() { _ = second.Close() })
		_, err = second.SignIn(ctx, old, anna.Password)
		refused(t, err, http.StatusUnauthorized, "credentials.wrong")
		c := got(second.SignIn(ctx, fresh, anna.Password))(t)
		ok(t, second.SecondFactor(ctx, c.ID, got(w.Code(ctx, fresh))(t)))

		// Two reach for one address: who answers first has it.
		boriss.stepUp(ctx, t)
		anna.Login = fresh
		hers.stepUp(ctx, t)
		mine := got(hers.ChangeEmail(ctx, "family@example.org"))(t)
		mineCode := got(w.Code(ctx, "family@example.org"))(t)
		others := got(boriss.ChangeEmail(ctx, "family@example.org"))(t)
		ok(t, boriss.ConfirmContact(ctx, others.ID, got(w.Code(ctx, "family@example.org"))(t)))
		refused(t, hers.ConfirmContact(ctx, mine.ID, mineCode), http.StatusConflict, "account.exists")
		third := got(boris.Handset("third phone"))(t)
		t.Cleanup(func() { _ = third.Close() })
		got(third.SignIn(ctx, "family@example.org", boris.Password))(t)
	})
}
