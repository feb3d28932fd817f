package fcm

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/medcard/medcard/push"
	"github.com/medcard/medcard/push/pushtest"
)

const project = "medcard-test"

// stub opens the carrier's other end and a sender to it.
func stub(t *testing.T, timeout time.Duration) (*pushtest.Server, *Sender) {
	t.Helper()
	server, err := pushtest.Start(project)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	sender, err := New(t.Context(), Config{Project: project, Endpoint: server.Endpoint(), Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	return server, sender
}

func to(token string) push.Delivery {
	return push.Delivery{To: push.Address{Carrier: push.FCM, Token: token}, Message: push.Message{ID: push.ID{7}, Topic: push.News}}
}

func TestEveryAnswerOfTheCarrier(t *testing.T) {
	server, sender := stub(t, 300*time.Millisecond)
	result := func(o push.Outcome, r push.Reason, after time.Duration) push.Result {
		return push.Result{Outcome: o, Reason: r, After: after}
	}
	tests := map[string]struct {
		fault pushtest.Fault
		want  push.Result
	}{
		"200 slow":                   {pushtest.Slow(20 * time.Millisecond), result(push.Delivered, push.Accepted, 0)},
		"200 of somebody else":       {pushtest.Garbage(http.StatusOK), result(push.Later, push.Garbled, 0)},
		"200 without end":            {pushtest.Endless(), result(push.Later, push.Garbled, 0)},
		"200 cut off":                {pushtest.Half(), result(push.Later, push.Network, 0)},
		"400 that blames the token":  {pushtest.BadToken(), result(push.TokenDead, push.BadToken, 0)},
		"400 that blames the data":   {pushtest.BadMessage(), result(push.Refused, push.BadMessage, 0)},
		"400 of somebody else":       {pushtest.Garbage(http.StatusBadRequest), result(push.Later, push.Garbled, 0)},
		"401":                        {pushtest.Unauthorized(), result(push.Later, push.BadCredential, 0)},
		"401 of Apple":               {pushtest.AppleRefused(), result(push.Later, push.BadCredential, 0)},
		"403":                        {pushtest.Forbidden(), result(push.Later, push.BadCredential, 0)},
		"403 of another project":     {pushtest.WrongSender(), result(push.TokenDead, push.WrongSender, 0)},
		"404 unregistered":           {pushtest.Unregistered(), result(push.TokenDead, push.Unregistered, 0)},
		"404 of somebody else":       {pushtest.Garbage(http.StatusNotFound), result(push.Later, push.Garbled, 0)},
		"429":                        {pushtest.Throttled(), result(push.Later, push.Throttled, time.Minute)},
		"429 that asks for less":     {pushtest.Throttled().After(5 * time.Second), result(push.Later, push.Throttled, time.Minute)},
		"429 that asks for more":     {pushtest.Throttled().After(90 * time.Second), result(push.Later, push.Throttled, 90*time.Second)},
		"500":                        {pushtest.Internal(), result(push.Later, push.Down, 0)},
		"500 with Retry-After":       {pushtest.Internal().After(7 * time.Second), result(push.Later, push.Down, 7*time.Second)},
		"502 of a proxy":             {pushtest.Garbage(http.StatusBadGateway), result(push.Later, push.Down, 0)},
		"503":                        {pushtest.Unavailable(), result(push.Later, push.Down, 0)},
		"503 with Retry-After":       {pushtest.Unavailable().After(30 * time.Second), result(push.Later, push.Down, 30*time.Second)},
		"503 that asks for a week":   {pushtest.Unavailable().After(7 * 24 * time.Hour), result(push.Later, push.Down, time.Hour)},
		"503 that delivered already": {pushtest.Unavailable().Delivering(), result(push.Later, push.Down, 0)},
		"503 with a date gone by":    {pushtest.Unavailable().AfterDate(time.Now().Add(-time.Hour)), result(push.Later, push.Down, 0)},
		"no answer":                  {pushtest.Hang(), result(push.Later, push.Network, 0)},
		"reset":                      {pushtest.Reset(), result(push.Later, push.Network, 0)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			server.Forget()
			token := "phone:" + fmt.Sprintf("%x", name)
			server.Fail(token, tt.fault)
			got := sender.Send(t.Context(), []push.Delivery{to(token)})
			if len(got) != 1 || got[0] != tt.want {
				t.Fatalf("got %+v, want %+v", got, tt.want)
			}
			if tried := server.Tried(token); tried != 1 {
				t.Errorf("it was tried %d times; the job decides about another try, nobody else", tried)
			}
			if again := sender.Send(t.Context(), []push.Delivery{to(token)}); again[0].Outcome != push.Delivered {
				t.Errorf("the fault outlived its request: %+v", again[0])
			}
		})
	}
}

func TestRetryAfterAsADate(t *testing.T) {
	server, sender := stub(t, time.Second)
	server.Fail("phone", pushtest.Internal().AfterDate(time.Now().Add(2*time.Minute)))
	got := sender.Send(t.Context(), []push.Delivery{to("phone")})[0]
	if got.After < 110*time.Second || got.After > 2*time.Minute {
		t.Errorf("asked to wait %s, want about two minutes", got.After)
	}
}

// Results belong to the deliveries at their place, over several batches and with unsendable ones between.
func TestManyAtOnce(t *testing.T) {
	server, sender := stub(t, 5*time.Second)
	const n = 2*batch + 7
	deliveries := make([]push.Delivery, n)
	for i := range deliveries {
		token := fmt.Sprintf("phone-%d", i)
		deliveries[i] = to(token)
		switch i % 10 {
		case 3:
			server.Fail(token, pushtest.Unregistered())
		case 5:
			deliveries[i].To.Token = ""
		case 7:
			deliveries[i].Message.Topic = 0
		}
	}
	results := sender.Send(t.Context(), deliveries)
	if len(results) != n {
		t.Fatalf("%d results for %d deliveries", len(results), n)
	}
	delivered := 0
	for i, r := range results {
		want := push.Result{Outcome: push.Delivered, Reason: push.Accepted}
		switch i % 10 {
		case 3:
			want = push.Result{Outcome: push.TokenDead, Reason: push.Unregistered}
		case 5:
			want = push.Result{Outcome: push.TokenDead, Reason: push.BadToken}
		case 7:
			want = push.Result{Outcome: push.Refused, Reason: push.BadMessage}
		default:
			delivered++
		}
		if r != want {
			t.Fatalf("delivery %d: %+v, want %+v", i, r, want)
		}
	}
	if got := len(server.Messages()); got != delivered {
		t.Errorf("%d messages arrived, want %d", got, delivered)
	}
	if got := sender.Send(t.Context(), nil); len(got) != 0 {
		t.Errorf("nothing to send gave %v", got)
	}
}

func TestHangingUpEndsTheCall(t *testing.T) {
	server, sender := stub(t, time.Minute)
	server.FailAll(pushtest.Hang())
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	results := sender.Send(ctx, []push.Delivery{to("a"), to("b")})
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("Send returned after %s", took)
	}
	for _, r := range results {
		if r.Outcome != push.Later {
			t.Errorf("a delivery that was cut off is %+v: it must be tried again", r)
		}
	}
}

func TestServiceAccount(t *testing.T) {
	server, err := pushtest.Start(project)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	credentials, err := server.ServiceAccount()
	if err != nil {
		t.Fatal(err)
	}
	sender, err := New(t.Context(), Config{Credentials: credentials, Endpoint: server.Endpoint(), Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if got := sender.Send(t.Context(), []push.Delivery{to("phone")})[0]; got.Outcome != push.Delivered {
		t.Fatalf("with the right key: %+v", got)
	}
	server.Revoke()
	if got := sender.Send(t.Context(), []push.Delivery{to("phone")})[0]; got != (push.Result{Reason: push.BadCredential}) {
		t.Errorf("with a revoked token: %+v", got)
	}
	if _, err := server.ServiceAccount(); err != nil { // another key is the right one now
		t.Fatal(err)
	}
	late, err := New(t.Context(), Config{Credentials: credentials, Endpoint: server.Endpoint(), Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if got := late.Send(t.Context(), []push.Delivery{to("phone")})[0]; got != (push.Result{Reason: push.BadCredential}) {
		t.Errorf("with a key that is no longer good: %+v", got)
	}
	anonymous, err := New(t.Context(), Config{Project: project, Endpoint: server.Endpoint()})
	if err != nil {
		t.Fatal(err)
	}
	if got := anonymous.Send(t.Context(), []push.Delivery{to("phone")})[0]; got.Reason != push.BadCredential {
		t.Errorf("without credentials: %+v", got)
	}
}

func TestNewRefuses(t *testing.T) {
	for name, cfg := range map[string]Config{
		"nothing":                            {},
		"a project without credentials":      {Project: project},
		"credentials that are no key file":   {Project: project, Credentials: []byte("{}")},
		"credentials that are no JSON":       {Project: project, Credentials: []byte("-----BEGIN")},
		"a stub without a project's name":    {Endpoint: "http://127.0.0.1:1/v1"},
		"an authorised user, not an account": {Project: project, Credentials: []byte(`{"type":"authorized_user"}`)},
	} {
		if _, err := New(t.Context(), cfg); err == nil {
			t.Errorf("%s: New took it", name)
		}
	}
}

func TestNobodyThere(t *testing.T) {
	server, sender := stub(t, time.Second)
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if got := sender.Send(t.Context(), []push.Delivery{to("phone")})[0]; got != (push.Result{Reason: push.Network}) {
		t.Errorf("with nobody there: %+v", got)
	}
}
