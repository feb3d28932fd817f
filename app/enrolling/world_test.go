package enrolling

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// world is a Service with a clock that stands until it is moved, and people who read their messages.
type world struct {
	*Service
	t      *testing.T
	memory *memory
	outbox *outbox
	now    time.Time
}

// outbox is a CodeSender that keeps what it was given.
type outbox struct {
	sync.Mutex // some messages leave after the answer
	sms        map[identity.Phone][]string
	mail       map[identity.Email][]string
	down       error
}

var _ CodeSender = (*outbox)(nil)

func (o *outbox) SMS(_ context.Context, to identity.Phone, text string) error {
	o.Lock()
	defer o.Unlock()
	if o.down == nil {
		o.sms[to] = append(o.sms[to], text)
	}
	return o.down
}

func (o *outbox) Email(_ context.Context, to identity.Email, text string) error {
	o.Lock()
	defer o.Unlock()
	if o.down == nil {
		o.mail[to] = append(o.mail[to], text)
	}
	return o.down
}

var (
	home      = Origin{Address: "198.51.100.7", Request: "r-1"}
	elsewhere = Origin{Address: "203.0.113.9", Request: "r-2"}
)

const (
	annasPhone    = "+79123456789"
	annasEmail    = "anna@example.ru"
	annasPassword = "сорок тысяч обезьян"

	annasPage      = "https://card.example.ru"
	annasAppOrigin = "android:apk-key-hash:yzsxR4s4vSUWHKc0fbgrpDuSsGWZgFOqqJGCKuoG8BM"
)

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, memory: newMemory(), outbox: &outbox{sms: map[identity.Phone][]string{}, mail: map[identity.Email][]string{}},
		now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	passkeys, err := NewPasskeys(RelyingParty{Domain: "card.example.ru", Origins: []string{annasPage}, Apps: []string{annasAppOrigin}})
	if err != nil {
		t.Fatal(err)
	}
	w.Service = New(Parts{
		Passkeys: passkeys,
		Store:    w.memory, Sender: w.outbox, Clock: func() time.Time { return w.now },
		Access: func(s account.Session, ends time.Time) (string, error) {
			return string(s.ID) + " until " + ends.String(), nil
		},
		Digest: func(kind, value string) []byte {
			mac := hmac.New(sha256.New, []byte("key"))
			mac.Write([]byte(kind + ":" + value))
			return mac.Sum(nil)
		},
		Passwords: &Passwords{argon: argon{memory: 64, passes: 1, threads: 1}, slots: make(chan struct{}, 2), line: make(chan struct{}, 32)},
	})
	return w
}

func (w *world) pass(d time.Duration) { w.now = w.now.Add(d) }

var sixDigits = regexp.MustCompile(`\b[0-9]{6}\b`)

// smsCode reads the newest code that came to a phone.
func (w *world) smsCode(to identity.Phone) string {
	w.t.Helper()
	return newest(w.t, w.outbox.sms[to])
}

func (w *world) mailCode(to identity.Email) string {
	w.t.Helper()
	return newest(w.t, w.outbox.mail[to])
}

func newest(t *testing.T, texts []string) string {
	t.Helper()
	for i := len(texts) - 1; i >= 0; i-- {
		if code := sixDigits.FindString(texts[i]); code != "" {
			return code
		}
	}
	t.Fatal("no message with a code came")
	return ""
}

// other gives a code that is not the right one.
func other(code string) string {
	return strings.Map(func(r rune) rune { return '0' + (r-'0'+1)%10 }, code)
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// want checks an error by its code; "" means none.
func (w *world) want(code fault.Code, err error) {
	w.t.Helper()
	if fault.CodeOf(err) != code {
		w.t.Fatalf("got %v, want %q", err, code)
	}
}

func (w *world) register(phone, email, password string) account.ChallengeID {
	w.t.Helper()
	r, err := w.Register(context.Background(), Application{Phone: phone, Email: email, Password: password}, home)
	w.must(err)
	return r.ID
}

// enrol makes an account, as its person would.
func (w *world) enrol(phone, email, password string) identity.AccountID {
	w.t.Helper()
	id := w.register(phone, email, password)
	_, err := w.Confirm(context.Background(), id, account.ByPhone, w.smsCode(identity.Phone(phone)))
	w.must(err)
	done, err := w.Confirm(context.Background(), id, account.ByEmail, w.mailCode(identity.Email(email)))
	w.must(err)
	w.pass(time.Hour)
	return done.Account
}

func newDevice() Device {
	return Device{ID: uuid.NewString(), Name: "Телефон", Secret: uuid.NewString()}
}

func (w *world) signIn(d Device) Tokens {
	w.t.Helper()
	c, err := w.SignIn(context.Background(), Credentials{Login: annasPhone, Password: annasPassword, Device: d}, home)
	w.must(err)
	t, err := w.SecondFactor(context.Background(), c.ID, w.smsCode(annasPhone))
	w.must(err)
	return t
}

var errGateway = errors.New("the gateway is down")

// The test's people prove no key, but where a test says so.

func (w *world) SecondFactor(ctx context.Context, id account.ChallengeID, code string) (Tokens, error) {
	return w.Service.SecondFactor(ctx, id, code, home)
}

func (w *world) Refresh(ctx context.Context, token, secret string) (Tokens, error) {
	return w.Service.Refresh(ctx, token, secret, home)
}

func (w *world) PasskeySignIn(ctx context.Context, id account.ChallengeID, response string) (Tokens, error) {
	return w.Service.PasskeySignIn(ctx, id, response, home)
}
