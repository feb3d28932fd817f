package story

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/app/enrolling"
	"github.com/medcard/medcard/app/oauth"
	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/mobile-sdk/credential"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// insurer is one that is connected.
type insurer struct {
	*World
	*credential.Source
	id    identity.ClientID
	token string
}

// again is the insurer with a token that has not run out.
func (i insurer) again(ctx context.Context, t testing.TB) insurer {
	t.Helper()
	i.token = got(i.Token(ctx))(t)
	return i
}

// enrolling is the service of people's accounts, as the server's own upkeep has it.
func (w *World) enrolling(t testing.TB) *enrolling.Service {
	t.Helper()
	return got(server.Accounts(w.Server.Store, got(server.Custody(w.cfg, w.Now))(t), w.cfg, io.Discard, w.Now))(t)
}

func (w *World) insurer(ctx context.Context, t testing.TB, name string, policies ...string) insurer {
	t.Helper()
	key, public, err := newKey()
	ok(t, err)
	client := got(w.Server.Clients.AddClient(ctx, oauth.NewClient{Kind: identity.Insurer, Name: name, Keys: public, Policies: policies}))(t)
	source := credential.New(credential.Client{ID: string(client.ID), Key: key, TokenURL: w.URL + "/oauth/token", Scopes: []string{"system/Coverage.u"}, Clock: w.Now})
	return insurer{w, source, client.ID, ""}.again(ctx, t)
}

type asked struct {
	ID, Number  string
	Asked, Ends time.Time
	Holder      struct {
		Family, Born string
		Given        []string
	}
}

func (i insurer) asked(ctx context.Context, t testing.TB) []asked {
	t.Helper()
	var page struct{ Policies []asked }
	ok(t, i.Call(ctx, i.token, http.MethodGet, "/v1/insurer/policies", nil, nil, &page))
	return page.Policies
}

func (i insurer) look(ctx context.Context, id string) (a asked, err error) {
	return a, i.Call(ctx, i.token, http.MethodGet, "/v1/insurer/policies/"+id, nil, nil, &a)
}

func (i insurer) confirm(ctx context.Context, id string) (code string, err error) {
	var a struct{ Code string }
	return a.Code, i.Call(ctx, i.token, http.MethodPost, "/v1/insurer/policies/"+id+"/confirm", nil, nil, &a)
}

func (i insurer) refuse(ctx context.Context, id, why string) error {
	return i.Call(ctx, i.token, http.MethodPost, "/v1/insurer/policies/"+id+"/refuse", nil, body{"reason": why}, nil)
}

var annasPolicy = phone.NamedPolicy{Number: "7750930841004216", Holder: &phone.Named{Family: "Соколова", Given: []string{"Анна", "Игоревна"}, Born: "1984-06-15"}}

// A connected insurer is asked, and nobody else: it sees number, name and date of birth, and sends the code to the phone that it has on file. The
// account's own phone gets none, so that who knows a number proves nothing by it. Another insurer sees nothing of it.
func TestAnInsurerConfirmsAPolicy(t *testing.T) {
	demanding(t, []string{"insurer"}, func(ctx context.Context, t *testing.T, w *World, _ reviewer) {
		anna, hers, id := owner(ctx, t, w, got(w.Clinic(ctx, "Поликлиника № 7"))(t))
		ok(t, hers.RegisterPush(ctx, "fcm", "anna-phone", "ru"))
		mine, other := w.insurer(ctx, t, "Страховая компания", "77", "50"), w.insurer(ctx, t, "Другая страховая", "23")
		if list := got(hers.Insurers(ctx))(t); len(list) != 2 || list[0].Name != "Страховая компания" || !slices.Equal(list[0].Policies, []string{"77", "50"}) {
			t.Errorf("the app reads %+v", list)
		}
		_, err := hers.LinkPolicy(ctx, phone.NamedPolicy{Number: annasPolicy.Number})
		refused(t, err, http.StatusUnprocessableEntity, "policy.holder")
		for range 2 { // an answer may be lost
			if l := got(hers.LinkPolicy(ctx, annasPolicy))(t); l.State != evidence.Pending || l.Name != "Страховая компания" || !l.Answered.IsZero() {
				t.Errorf("asked: %+v", l)
			}
		}
		if code, err := w.Code(ctx, anna.Login); err == nil {
			t.Errorf("her own phone got %s", code)
		}
		_, err = hers.ConfirmPolicy(ctx, "123456")
		refused(t, err, http.StatusConflict, "policy.unanswered")

		list := mine.asked(ctx, t)
		if len(list) != 1 || list[0].Number != "" || !list[0].Ends.Equal(list[0].Asked.Add(evidence.AnswerTerm)) {
			t.Fatalf("the insurer is asked %+v", list)
		}
		q := list[0].ID
		raw := w.say(t, turn{method: http.MethodGet, target: "/v1/insurer/policies/" + q, token: mine.token})
		if seen := got(mine.look(ctx, q))(t); seen.Number != annasPolicy.Number || seen.Holder.Family != "Соколова" || seen.Holder.Born != "1984-06-15" {
			t.Errorf("it sees %+v", seen)
		}
		for _, secret := range []string{string(id), anna.Login, "anna@example.org", string(anna.Account)} {
			if strings.Contains(raw.text, secret) {
				t.Errorf("it sees %s: %s", secret, raw.text)
			}
		}
		if text := w.rows(t, "policy_question") + w.rows(t, "policy_link"); strings.Contains(text, "Соколова") || strings.Contains(text, annasPolicy.Number) {
			t.Error("the question lies open in the database")
		}
		if len(other.asked(ctx, t)) > 0 {
			t.Error("another insurer is asked")
		}
		_, err = other.look(ctx, q)
		refused(t, err, http.StatusNotFound, "policy.not_asked")
		_, err = other.confirm(ctx, q)
		refused(t, err, http.StatusNotFound, "policy.not_asked")
		refused(t, other.refuse(ctx, q, "notOurs"), http.StatusNotFound, "policy.not_asked")

		lost := got(mine.confirm(ctx, q))(t)
		w.rings(t, "anna-phone", 1)
		if l := got(hers.Policies(ctx))(t); len(l) != 1 || l[0].State != evidence.Pending || l[0].Answered.IsZero() {
			t.Errorf("after the answer: %+v", l)
		}
		if left := mine.asked(ctx, t); len(left) > 0 {
			t.Errorf("still asked: %+v", left)
		}
		_, err = mine.look(ctx, q)
		refused(t, err, http.StatusConflict, "policy.answered")
		if p := refused(t, mine.refuse(ctx, q, "otherPerson"), http.StatusConflict, "policy.answered"); p.State != "confirmed" {
			t.Errorf("the state is %q", p.State)
		}
		_, err = mine.confirm(ctx, q)
		refused(t, err, http.StatusTooManyRequests, "code.too_soon")
		_, err = hers.LinkPolicy(ctx, annasPolicy)
		refused(t, err, http.StatusTooManyRequests, "code.too_soon")
		w.Skip(time.Minute)
		code := got(mine.confirm(ctx, q))(t)
		if lost != code {
			_, err = hers.ConfirmPolicy(ctx, lost)
			refused(t, err, http.StatusUnprocessableEntity, "code.wrong")
		}
		w.Skip(8 * time.Hour) // she was asleep
		ok(t, hers.Enter(ctx))
		if l := got(hers.ConfirmPolicy(ctx, code))(t); l.State != evidence.Linked {
			t.Errorf("confirmed: %+v", l)
		}
		if report := got(hers.Sync(ctx))(t); report.Received == 0 {
			t.Error("linked, and the card is closed")
		}
		log, _, err := hers.Card(id).AccessLog(ctx, 0)
		ok(t, err)
		for _, want := range []audit.Action{audit.Inspect, audit.Judge} {
			if !slices.ContainsFunc(log, func(a phone.Access) bool {
				return a.Action == want && a.Who == "insurer" && a.Organisation == "Страховая компания"
			}) {
				t.Errorf("the log does not tell of %s", want)
			}
		}
		mine = mine.again(ctx, t)
		for _, target := range []string{"/records", "/access-log"} {
			refused(t, w.Call(ctx, mine.token, http.MethodGet, "/v1/cards/"+string(id)+target, map[string]string{"Purpose-Of-Use": "TREAT"}, nil, nil), http.StatusForbidden, "actor.not_allowed")
		}
	})
}

// An insurer refuses with a reason, or lets the term pass: the person is told, and may ask anew.
func TestAnInsurerDoesNotConfirm(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		_, hers, err := w.SignUp(ctx, "+79161234567", "anna@example.org")
		ok(t, err)
		t.Cleanup(func() { _ = hers.Close() })
		ok(t, hers.RegisterPush(ctx, "fcm", "anna-phone", "ru"))
		near, far := w.insurer(ctx, t, "Ближняя", "77"), w.insurer(ctx, t, "Дальняя", "77")
		_, err = hers.LinkPolicy(ctx, annasPolicy)
		refused(t, err, http.StatusUnprocessableEntity, "policy.which_insurer")
		p := annasPolicy
		p.Insurer = far.id
		got(hers.LinkPolicy(ctx, p))(t)
		if len(near.asked(ctx, t)) > 0 {
			t.Error("the wrong one is asked")
		}
		refused(t, far.refuse(ctx, far.asked(ctx, t)[0].ID, "unanswered"), http.StatusUnprocessableEntity, "invalid_input")
		ok(t, far.refuse(ctx, far.asked(ctx, t)[0].ID, "otherPerson"))
		w.rings(t, "anna-phone", 1)
		if l := got(hers.Policies(ctx))(t); len(l) != 1 || l[0].State != evidence.Failed || l[0].Refusal != evidence.OtherPerson || l[0].Settled.IsZero() {
			t.Errorf("refused: %+v", l)
		}
		_, err = hers.ConfirmPolicy(ctx, "123456")
		refused(t, err, http.StatusNotFound, "policy.not_found")

		p.Insurer = near.id
		got(hers.LinkPolicy(ctx, p))(t)
		q := near.asked(ctx, t)[0].ID
		w.Skip(evidence.AnswerTerm + time.Minute)
		near = near.again(ctx, t)
		if left := near.asked(ctx, t); len(left) > 0 {
			t.Errorf("asked about what has run out: %+v", left)
		}
		_, err = near.confirm(ctx, q)
		refused(t, err, http.StatusNotFound, "policy.not_asked")
		ok(t, w.enrolling(t).Sweep(ctx))
		ok(t, hers.Enter(ctx))
		if l := got(hers.Policies(ctx))(t); len(l) != 1 || l[0].State != evidence.Failed || l[0].Refusal != evidence.Unanswered {
			t.Errorf("unanswered: %+v", l)
		}

		// Without an insurer whose policies begin so, nothing is as before.
		ok(t, w.Server.Clients.RevokeClient(ctx, near.id))
		ok(t, w.Server.Clients.RevokeClient(ctx, far.id))
		if l := got(hers.LinkPolicy(ctx, phone.NamedPolicy{Number: annasPolicy.Number}))(t); l.State != evidence.Pending || l.Name != "" {
			t.Errorf("without: %+v", l)
		}
		if l := got(hers.ConfirmPolicy(ctx, got(w.Code(ctx, "+79161234567"))(t)))(t); l.State != evidence.Linked {
			t.Errorf("linked by her own phone: %+v", l)
		}
	})
}
