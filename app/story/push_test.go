package story

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/app/fhir/example"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/push/pushtest"
)

// owner signs a patient up who owns the card that the clinic made.
func owner(ctx context.Context, t *testing.T, w *World, c *Clinic) (*Patient, *Phone, card.ID) {
	t.Helper()
	id, claim := admitted(ctx, t, c)
	p, handset, err := w.SignUp(ctx, "+79161234567", "anna@example.org")
	ok(t, err)
	t.Cleanup(func() { _ = handset.Close() })
	got(handset.Claim(ctx, claim))(t)
	return p, handset, id
}

// arrived waits for the n-th message to a token.
func arrived(t *testing.T, w *World, token string, n int) pushtest.Wire {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if all := w.Push.To(token); len(all) >= n {
			return all[n-1]
		}
	}
	t.Fatalf("%d messages for %s, want %d", len(w.Push.To(token)), token, n)
	return pushtest.Wire{}
}

func result(t *testing.T, n int) []byte {
	t.Helper()
	return got(LabResult(n, "2026-11-22T09:00:00+03:00"))(t)
}

// value is that of the result; as part of a longer number it says nothing.
var value = regexp.MustCompile(`\b131\b`)

func TestALabResultRingsAndSaysNothing(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		p, first, id := owner(ctx, t, w, clinic)
		second := got(p.Handset("second phone"))(t)
		defer second.Close()
		ok(t, first.RegisterPush(ctx, "fcm", "phone-0", "ru"))
		ok(t, second.Enter(ctx))
		arrived(t, w, "phone-0", 1) // of the new device
		ok(t, first.RegisterPush(ctx, "fcm", "phone-1", "ru"))
		ok(t, second.RegisterPush(ctx, "fcm", "phone-2", ""))

		got(clinic.Post(ctx, result(t, 1)))(t)
		for _, token := range []string{"phone-1", "phone-2"} {
			message := arrived(t, w, token, 1)
			if !message.Visible() || message.Data["topic"] != "news" {
				t.Errorf("%s got %s", token, message.Raw)
			}
			if value.MatchString(message.Raw) {
				t.Errorf("the push to %s holds the value: %s", token, message.Raw)
			}
			for _, canary := range []string{"Гемоглобин", "718-7", example.Family, example.SNILS, example.Policy, string(id), "Поликлиника"} {
				if strings.Contains(message.Raw, canary) {
					t.Errorf("the push to %s holds %q: %s", token, canary, message.Raw)
				}
			}
		}

		// The same bundle again changes nothing, so there is no news of it.
		got(clinic.Post(ctx, result(t, 1)))(t)
		// Who signed out hears nothing more.
		ok(t, first.SignOut(ctx, false))
		got(clinic.Post(ctx, result(t, 2)))(t)
		arrived(t, w, "phone-2", 2)
		time.Sleep(300 * time.Millisecond)
		if n, m := len(w.Push.To("phone-1")), len(w.Push.To("phone-2")); n != 1 || m != 2 {
			t.Errorf("the phone that signed out has %d messages, the other %d; want 1 and 2", n, m)
		}
	})
}

func TestPushesThatFail(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		_, handset, _ := owner(ctx, t, w, clinic)

		// The carrier is ill for a moment: the push comes all the same.
		ok(t, handset.RegisterPush(ctx, "fcm", "ill", "ru"))
		w.Push.Fail("ill", pushtest.Internal())
		got(clinic.Post(ctx, result(t, 1)))(t)
		arrived(t, w, "ill", 1)
		if n := w.Push.Tried("ill"); n != 2 {
			t.Errorf("tried %d times, want 2", n)
		}

		// The app was deleted: one try, then never again. The token that it gets afterwards works.
		ok(t, handset.RegisterPush(ctx, "fcm", "dead", "ru"))
		w.Push.Fail("dead", pushtest.Unregistered())
		got(clinic.Post(ctx, result(t, 2)))(t)
		for end := time.Now().Add(20 * time.Second); w.Push.Tried("dead") == 0 && time.Now().Before(end); {
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(200 * time.Millisecond)
		got(clinic.Post(ctx, result(t, 3)))(t)
		time.Sleep(500 * time.Millisecond)
		if n := w.Push.Tried("dead"); n != 1 {
			t.Errorf("a dead token was tried %d times", n)
		}
		ok(t, handset.RegisterPush(ctx, "fid", "fresh", "ru"))
		got(clinic.Post(ctx, result(t, 4)))(t)
		if message := arrived(t, w, "fresh", 1); message.Fid != "fresh" {
			t.Errorf("got %s", message.Raw)
		}
	})
}

// reminder is a request for one that starts in two hours, which rings at once, at night too.
func reminder(w *World, id card.ID) map[string]any {
	return map[string]any{"card": id, "template": "appointment", "subject": "A-1", "startsAt": w.Now().Add(2 * time.Hour).Format(time.RFC3339)}
}

func TestAClinicReminds(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic, stranger := got(w.Clinic(ctx, "Поликлиника № 7"))(t), got(w.Clinic(ctx, "Поликлиника № 8"))(t)
		pharmacy := got(w.Pharmacy(ctx, "Аптека № 1"))(t)
		_, handset, id := owner(ctx, t, w, clinic)
		ok(t, handset.RegisterPush(ctx, "fcm", "phone", "en"))
		key := func(k string) map[string]string { return map[string]string{"Idempotency-Key": k} }
		post := func(c *Clinic, k string, body, into any) error {
			return c.Call(ctx, http.MethodPost, "/v1/clinic/reminders", key(k), body, into)
		}

		wanted := reminder(w, id)
		var first, again struct {
			ID   string    `json:"id"`
			Send time.Time `json:"sendAt"`
		}
		ok(t, post(clinic, "reminder-0001", wanted, &first))
		ok(t, post(clinic, "reminder-0001", wanted, &again))
		if first.ID == "" || first != again {
			t.Errorf("the same under the same key: %+v, then %+v", first, again)
		}
		if message := arrived(t, w, "phone", 1); message.Data["topic"] != "reminder" || message.Android.Notification.Title != "Reminder" || strings.Contains(message.Raw, "A-1") {
			t.Errorf("got %s", message.Raw)
		}

		with := func(name string, value any) map[string]any {
			body := map[string]any{}
			for k, v := range wanted {
				body[k] = v
			}
			body[name] = value
			return body
		}
		missing := with("card", "01900000-0000-7000-8000-000000000000")
		for name, turn := range map[string]struct {
			err    error
			status int
			code   string
		}{
			"another reminder under the key": {post(clinic, "reminder-0001", with("subject", "A-2"), nil), 409, "idempotency.reused"},
			"somebody else's patient":        {post(stranger, "reminder-0002", wanted, nil), 404, "card.not_found"},
			"a card that does not live":      {post(clinic, "reminder-0003", missing, nil), 404, "card.not_found"},
			"words as a subject":             {post(clinic, "reminder-0004", with("subject", "medcard-canary HIV"), nil), 422, "invalid_input"},
			"words as a template":            {post(clinic, "reminder-0005", with("template", "medcard-canary HIV"), nil), 422, "invalid_input"},
			"a field for words":              {post(clinic, "reminder-0006", with("text", "medcard-canary HIV"), nil), 422, "unknown_field"},
			"of what has begun":              {post(clinic, "reminder-0007", with("startsAt", w.Now().Add(-time.Hour).Format(time.RFC3339)), nil), 422, "invalid_input"},
			"no key":                         {clinic.Call(ctx, http.MethodPost, "/v1/clinic/reminders", nil, wanted, nil), 422, "invalid_input"},
			"nobody":                         {w.Call(ctx, "", http.MethodPost, "/v1/clinic/reminders", key("reminder-0008"), wanted, nil), 401, "token.missing"},
			"a pharmacy":                     {w.Call(ctx, got(pharmacy.Token(ctx))(t), http.MethodPost, "/v1/clinic/reminders", key("reminder-0009"), wanted, nil), 403, "actor.not_allowed"},
			"a clinic as a phone":            {clinic.Call(ctx, http.MethodPost, "/v1/push-tokens", nil, map[string]string{"carrier": "fcm", "token": "x"}, nil), 403, "actor.not_allowed"},
		} {
			t.Run(name, func(t *testing.T) {
				p := refused(t, turn.err, turn.status, turn.code)
				if said := string(got(json.Marshal(p))(t)); strings.Contains(said, "canary") || strings.Contains(said, "HIV") {
					t.Errorf("the answer repeats what was sent: %s", said)
				}
			})
		}
		for name, err := range map[string]error{
			"an unknown carrier":   handset.RegisterPush(ctx, "pigeon", "x", "ru"),
			"a token of two lines": handset.RegisterPush(ctx, "fcm", "a\nb", "ru"),
		} {
			if err == nil || !strings.Contains(err.Error(), "invalid_input") {
				t.Errorf("%s: %v", name, err)
			}
		}
		time.Sleep(200 * time.Millisecond)
		if n := len(w.Push.To("phone")); n != 1 {
			t.Errorf("the phone rang %d times", n)
		}
	})
}
