package enrolling

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/account"
)

func TestRefreshRotates(t *testing.T) {
	w := newWorld(t)
	w.enrol(annasPhone, annasEmail, annasPassword)
	ctx := context.Background()
	d := newDevice()
	last := w.signIn(d)
	for range 5 {
		w.pass(account.AccessLife)
		next, err := w.Refresh(ctx, last.Refresh, d.Secret)
		w.must(err)
		if next.Refresh == last.Refresh || next.Session != last.Session || next.AccessEnds.Sub(w.now) != account.AccessLife {
			t.Fatalf("%+v after %+v", next, last)
		}
		last = next
	}
	for hash := range w.memory.refreshes {
		if strings.Contains(hash, tokenPrefix) {
			t.Error("a token is kept as it is")
		}
	}
}

// The answer was lost on the way: the same device asks again and gets the same successor, also twice at once.
func TestLostAnswerIsGivenAgain(t *testing.T) {
	w := newWorld(t)
	w.enrol(annasPhone, annasEmail, annasPassword)
	ctx := context.Background()
	d := newDevice()
	first := w.signIn(d)
	lost, err := w.Refresh(ctx, first.Refresh, d.Secret)
	w.must(err)
	w.pass(account.LostAnswer - time.Second)
	again, err := w.Refresh(ctx, first.Refresh, d.Secret)
	w.must(err)
	if again.Refresh != lost.Refresh || !again.RefreshEnds.Equal(lost.RefreshEnds) {
		t.Fatalf("got another successor: %+v, %+v", lost, again)
	}
	_, err = w.Refresh(ctx, again.Refresh, d.Secret)
	w.must(err)
}

func TestCopiedRefreshTokenEndsTheSession(t *testing.T) {
	ctx := context.Background()
	for name, theft := range map[string]func(*world, Tokens, Device) error{
		"used late": func(w *world, old Tokens, d Device) error {
			w.pass(account.LostAnswer)
			_, err := w.Refresh(ctx, old.Refresh, d.Secret)
			return err
		},
		"used soon, after its successor": func(w *world, old Tokens, d Device) error {
			next, err := w.Refresh(ctx, old.Refresh, d.Secret)
			w.must(err)
			_, err = w.Refresh(ctx, next.Refresh, d.Secret)
			w.must(err)
			_, err = w.Refresh(ctx, old.Refresh, d.Secret)
			return err
		},
		"used soon, by another device": func(w *world, old Tokens, _ Device) error {
			_, err := w.Refresh(ctx, old.Refresh, newDevice().Secret)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.enrol(annasPhone, annasEmail, annasPassword)
			d := newDevice()
			first := w.signIn(d)
			second, err := w.Refresh(ctx, first.Refresh, d.Secret)
			w.must(err)
			w.want("refresh.reused", theft(w, first, d))
			if w.memory.sessions[first.Session].Live(w.now) {
				t.Error("the session lives")
			}
			_, err = w.Refresh(ctx, second.Refresh, d.Secret)
			w.want("refresh.invalid", err)
			letters := w.outbox.mail[annasEmail]
			if !strings.Contains(letters[len(letters)-1], "дважды") {
				t.Error("the person was not told")
			}
		})
	}
}

func TestRefreshThatIsNotGood(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.enrol(annasPhone, annasEmail, annasPassword)
	d := newDevice()
	tokens := w.signIn(d)
	for name, token := range map[string]string{"empty": "", "foreign": "abc", "made up": tokenPrefix + strings.Repeat("A", 43), "long": tokenPrefix + strings.Repeat("A", 4000), "access token": tokens.Access} {
		if _, err := w.Refresh(ctx, token, d.Secret); err == nil {
			t.Errorf("%s was taken", name)
		} else {
			w.want("refresh.invalid", err)
		}
	}
	w.pass(account.RefreshLife)
	_, err := w.Refresh(ctx, tokens.Refresh, d.Secret)
	w.want("refresh.invalid", err)
}

func TestSessionDoesNotLiveForEver(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.enrol(annasPhone, annasEmail, annasPassword)
	d := newDevice()
	tokens := w.signIn(d)
	end := w.now.Add(account.SessionLife)
	for w.now.Before(end) {
		next, err := w.Refresh(ctx, tokens.Refresh, d.Secret)
		w.must(err)
		if next.RefreshEnds.After(end) {
			t.Fatalf("a refresh token until %v, the session ends %v", next.RefreshEnds, end)
		}
		tokens = next
		w.pass(account.RefreshLife - time.Hour)
	}
	_, err := w.Refresh(ctx, tokens.Refresh, d.Secret)
	w.want("refresh.invalid", err)
}

func TestSignOut(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.enrol(annasPhone, annasEmail, annasPassword)
	phone, tablet := newDevice(), newDevice()
	one, two := w.signIn(phone), w.signIn(tablet)
	actor := w.memory.sessions[one.Session].Actor()
	w.must(w.SignOut(ctx, actor, false))
	w.must(w.SignOut(ctx, actor, false))
	_, err := w.Refresh(ctx, one.Refresh, phone.Secret)
	w.want("refresh.invalid", err)
	two, err = w.Refresh(ctx, two.Refresh, tablet.Secret)
	w.must(err)
	w.must(w.SignOut(ctx, actor, true))
	_, err = w.Refresh(ctx, two.Refresh, tablet.Secret)
	w.want("refresh.invalid", err)
}
