package story

import (
	"context"
	"strings"
	"testing"
	"time"
)

// Who signs in from a device that was not there before is told of by the person's other devices, at night as well, each in its language; not by the
// new one, nor by anything that would tell the carrier who it is.
func TestOtherDevicesRingForANewOne(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		anna, first, id := owner(ctx, t, w, clinic)
		ok(t, first.RegisterPush(ctx, "fcm", "anna-phone", "ru"))
		_, his, err := w.SignUp(ctx, "+79161234560", "boris@example.org")
		ok(t, err)
		t.Cleanup(func() { _ = his.Close() })
		ok(t, his.RegisterPush(ctx, "fcm", "boris-phone", "ru"))
		tablet := got(anna.Handset("tablet of Anna"))(t)
		t.Cleanup(func() { _ = tablet.Close() })

		ok(t, tablet.Enter(ctx))
		ok(t, tablet.RegisterPush(ctx, "fcm", "anna-tablet", "en"))
		arrived(t, w, "anna-phone", 1)
		third := got(anna.Handset("third device of Anna"))(t)
		t.Cleanup(func() { _ = third.Close() })
		ok(t, third.Enter(ctx))
		ok(t, third.RegisterPush(ctx, "fcm", "anna-third", "ru"))
		for token, n := range map[string]int{"anna-phone": 2, "anna-tablet": 1} {
			m := arrived(t, w, token, n)
			if !m.Visible() || m.Data["topic"] != "security" {
				t.Errorf("%s: %s", token, m.Raw)
			}
			if words := map[string]string{"anna-phone": "Безопасность", "anna-tablet": "Security"}[token]; !strings.Contains(m.Raw, words) {
				t.Errorf("%s is not told in its language: %s", token, m.Raw)
			}
			for _, word := range []string{string(id), string(anna.Account), anna.Email, "third device"} {
				if strings.Contains(m.Raw, word) {
					t.Errorf("the push holds %q: %s", word, m.Raw)
				}
			}
		}
		ok(t, third.SignOut(ctx, false))
		ok(t, third.Enter(ctx)) // known by now
		time.Sleep(400 * time.Millisecond)
		for token, want := range map[string]int{"anna-phone": 2, "anna-tablet": 1, "anna-third": 0, "boris-phone": 0} {
			if all := w.Push.To(token); len(all) != want {
				t.Errorf("%s got %d pushes, want %d", token, len(all), want)
			}
		}
	})
}
