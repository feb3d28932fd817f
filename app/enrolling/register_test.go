package enrolling

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

func TestRegistration(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	r, err := w.Register(ctx, Application{Phone: "8 (912) 345-67-89", Email: "Anna@Example.ru", Password: annasPassword}, home)
	w.must(err)
	if r.Phone != "+7••••••••89" || r.Email != "a•••@example.ru" {
		t.Errorf("masked as %q and %q", r.Phone, r.Email)
	}
	if len(w.memory.accounts) != 0 {
		t.Fatal("an account before anything was confirmed")
	}
	half, err := w.Confirm(ctx, r.ID, account.ByEmail, w.mailCode(annasEmail))
	w.must(err)
	if half.Account != "" || !reflect.DeepEqual(half.Missing, []account.Channel{account.ByPhone}) {
		t.Errorf("after the e-mail: %+v", half)
	}
	whole, err := w.Confirm(ctx, r.ID, account.ByPhone, " "+w.smsCode(annasPhone)[:3]+" "+w.smsCode(annasPhone)[3:])
	w.must(err)
	if whole.Account == "" || len(whole.Missing) != 0 {
		t.Errorf("after both: %+v", whole)
	}
	a := w.memory.accounts[whole.Account]
	if a.Phone != annasPhone || a.Email != annasEmail || a.Language != account.Russian || strings.Contains(a.Password, annasPassword) {
		t.Errorf("the account is %+v", a)
	}
}

func TestBadTurnsOfACode(t *testing.T) {
	ctx := context.Background()
	by := account.ByPhone
	for name, turn := range map[string]func(*world, account.ChallengeID, string){
		"wrong": func(w *world, id account.ChallengeID, code string) {
			_, err := w.Confirm(ctx, id, by, other(code))
			w.want("code.wrong", err)
			_, err = w.Confirm(ctx, id, by, code)
			w.want("", err)
		},
		"of the other channel": func(w *world, id account.ChallengeID, code string) {
			_, err := w.Confirm(ctx, id, account.ByEmail, code)
			w.want("code.wrong", err)
		},
		"just in time": func(w *world, id account.ChallengeID, code string) {
			w.pass(account.CodeLife - time.Second)
			_, err := w.Confirm(ctx, id, by, code)
			w.want("", err)
		},
		"expired": func(w *world, id account.ChallengeID, code string) {
			w.pass(account.CodeLife)
			_, err := w.Confirm(ctx, id, by, code)
			w.want("code.expired", err)
		},
		"replayed": func(w *world, id account.ChallengeID, code string) {
			_, err := w.Confirm(ctx, id, by, code)
			w.want("", err)
			_, err = w.Confirm(ctx, id, by, code)
			w.want("code.used", err)
		},
		"guessed": func(w *world, id account.ChallengeID, code string) {
			for range account.CodeTries - 1 {
				_, err := w.Confirm(ctx, id, by, other(code))
				w.want("code.wrong", err)
			}
			_, err := w.Confirm(ctx, id, by, other(code))
			w.want("code.exhausted", err)
			_, err = w.Confirm(ctx, id, by, code)
			w.want("code.exhausted", err)
		},
		"for nothing": func(w *world, _ account.ChallengeID, code string) {
			_, err := w.Confirm(ctx, account.ChallengeID(newDevice().ID), by, code)
			w.want("code.expired", err)
			_, err = w.Confirm(ctx, "not an id", by, code)
			w.want("code.expired", err)
		},
		"replaced": func(w *world, id account.ChallengeID, code string) {
			w.pass(account.ResendAfter)
			w.must(w.Resend(ctx, id, by, home))
			fresh := w.smsCode(annasPhone)
			if fresh == code {
				t.Skip("one in a million: the same code was drawn twice")
			}
			_, err := w.Confirm(ctx, id, by, code)
			w.want("code.wrong", err)
			_, err = w.Confirm(ctx, id, by, fresh)
			w.want("", err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			id := w.register(annasPhone, annasEmail, annasPassword)
			turn(w, id, w.smsCode(annasPhone))
		})
	}
}

func TestCodesAreSentAgainSeldom(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	id := w.register(annasPhone, annasEmail, annasPassword)
	err := w.Resend(ctx, id, account.ByPhone, home)
	w.want("code.too_soon", err)
	if wait := fault.From(err).RetryAfter; wait != account.ResendAfter {
		t.Errorf("told to wait %v", wait)
	}
	for range account.CodeSends - 1 {
		w.pass(account.ResendAfter)
		w.must(w.Resend(ctx, id, account.ByPhone, home))
	}
	w.pass(account.ResendAfter)
	w.want("code.no_more", w.Resend(ctx, id, account.ByPhone, home))
	if n := len(w.outbox.sms[annasPhone]); n != account.CodeSends {
		t.Errorf("%d messages", n)
	}
}

// Whoever registers with a contact that has an account sees and waits for the same; its owner is told.
func TestRegistrationDoesNotTellWhoHasAnAccount(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	w.enrol(annasPhone, annasEmail, annasPassword)

	fresh, err := w.Register(ctx, Application{Phone: "+79120000001", Email: "new@example.ru", Password: annasPassword}, home)
	w.must(err)
	work := w.memory.calls
	taken, err := w.Register(ctx, Application{Phone: annasPhone, Email: annasEmail, Password: annasPassword}, elsewhere)
	w.must(err)
	if !reflect.DeepEqual(work, w.memory.calls) {
		t.Errorf("other work for a taken contact:\n%v\n%v", work, w.memory.calls)
	}
	if taken.Ends.Sub(w.now) != fresh.Ends.Sub(w.now) || taken.Phone != identity.Phone(annasPhone).Masked() {
		t.Errorf("another answer for a taken contact: %+v", taken)
	}
	last := w.outbox.sms[annasPhone][len(w.outbox.sms[annasPhone])-1]
	if sixDigits.MatchString(last) || !strings.Contains(last, "учётная запись") {
		t.Errorf("the owner got %q", last)
	}
	_, err = w.Confirm(ctx, taken.ID, account.ByPhone, "123456")
	_, err2 := w.Confirm(ctx, fresh.ID, account.ByPhone, other(w.smsCode("+79120000001")))
	w.want("code.wrong", err)
	w.want("code.wrong", err2)
}

// Two people register with one number; the one who answers on both channels gets it, the other hears so.
func TestNobodySquatsOnANumber(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	squatter := w.register(annasPhone, "squatter@example.ru", annasPassword)
	_, err := w.Confirm(ctx, squatter, account.ByEmail, w.mailCode("squatter@example.ru"))
	w.must(err)
	early := w.smsCode(annasPhone)
	w.enrol(annasPhone, annasEmail, annasPassword)
	w.pass(-time.Hour)
	_, err = w.Confirm(ctx, squatter, account.ByPhone, early)
	w.want("account.exists", err)
	if len(w.memory.accounts) != 1 {
		t.Errorf("%d accounts", len(w.memory.accounts))
	}
}

func TestInputIsRefusedWithoutBeingRepeated(t *testing.T) {
	good := Application{Phone: annasPhone, Email: annasEmail, Password: annasPassword}
	for name, c := range map[string]struct {
		change func(*Application)
		code   fault.Code
		where  string
	}{
		"phone":              {func(a *Application) { a.Phone = "+7912345" }, "phone.format", "body.phone"},
		"landline":           {func(a *Application) { a.Phone = "+74951234567" }, "phone.not_mobile", "body.phone"},
		"email":              {func(a *Application) { a.Email = "anna" }, "email.format", "body.email"},
		"short password":     {func(a *Application) { a.Password = "семь777" }, "password.length", "body.password"},
		"long password":      {func(a *Application) { a.Password = strings.Repeat("ы", 129) }, "password.length", "body.password"},
		"broken password":    {func(a *Application) { a.Password = "\xff\xfe12345678" }, "password.length", "body.password"},
		"phone as password":  {func(a *Application) { a.Password = "89123456789" }, "password.guessable", "body.password"},
		"e-mail as password": {func(a *Application) { a.Password = "ANNA@example.ru" }, "password.guessable", "body.password"},
		"language":           {func(a *Application) { a.Language = "xx" }, "language.unknown", "body.language"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			in := good
			c.change(&in)
			_, err := w.Register(context.Background(), in, home)
			w.want(c.code, err)
			f := fault.From(err)
			if len(f.Fields) != 1 || f.Fields[0].Where != c.where {
				t.Errorf("fields %v", f.Fields)
			}
			for _, typed := range []string{in.Phone, in.Email, in.Password} {
				if strings.Contains(fmt.Sprintf("%v %v", err, f.Fields), typed) {
					t.Errorf("the fault repeats %q", typed)
				}
			}
			if len(w.memory.registrations)+len(w.outbox.sms)+len(w.outbox.mail) != 0 {
				t.Error("something was kept or sent")
			}
		})
	}
	w := newWorld(t)
	_, err := w.Register(context.Background(), Application{}, home)
	w.want("invalid_input", err)
	if n := len(fault.From(err).Fields); n != 3 {
		t.Errorf("%d places named of an empty form, want 3", n)
	}
}

func TestGatewayThatIsDownIsSaid(t *testing.T) {
	w := newWorld(t)
	w.outbox.down = errGateway
	_, err := w.Register(context.Background(), Application{Phone: annasPhone, Email: annasEmail, Password: annasPassword}, home)
	w.want("message.not_sent", err)
}

func TestRegistrationIsThrottled(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	try := func(n int, from Origin) error {
		_, err := w.Register(ctx, Application{Phone: fmt.Sprintf("+79%09d", n*10_007), Email: fmt.Sprintf("a%d@example.ru", n), Password: annasPassword}, from)
		return err
	}
	for n := range newByAddress.burst {
		w.must(try(n, home))
	}
	err := try(100, home)
	w.want("throttled", err)
	if wait := fault.From(err).RetryAfter; wait != newByAddress.every {
		t.Errorf("told to wait %v", wait)
	}
	w.must(try(101, elsewhere))
	w.pass(newByAddress.every)
	w.must(try(102, home))
	// One subscriber has a whole /64 of IPv6.
	for n := range newByAddress.burst {
		w.must(try(200+n, Origin{Address: fmt.Sprintf("2001:db8:1:2::%x", n+1)}))
	}
	w.want("throttled", try(300, Origin{Address: "2001:db8:1:2:ffff::1"}))
	w.must(try(301, Origin{Address: "2001:db8:1:3::1"}))
}
