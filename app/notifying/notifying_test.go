package notifying

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/notice"
	"github.com/medcard/medcard/push"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.FixedZone("MSK", 3*60*60))

const (
	noticeID = "0b7f5d2e-8f6a-4f0c-9d5e-2a4b6c8d0e1f"
	cardID   = card.ID("card-1")
)

// scene is a service over a fake store, with Ada who owns the card and has two phones.
type scene struct {
	*Service
	store   *fake
	carrier *carrier
	now     time.Time
	counted []push.Result
}

func newScene() *scene {
	s := &scene{now: noon, carrier: &carrier{answer: push.Result{Outcome: push.Delivered, Reason: push.Accepted}}}
	s.store = &fake{state: state{
		news:   map[string]notice.Due{},
		owners: map[card.ID][]identity.AccountID{cardID: {"ada"}},
		treats: map[identity.ClientID]bool{"clinic-1": true},
		contacts: []notice.Contact{
			{Device: "phone-1", Account: "ada", Carrier: "fcm", Token: "token-1", Language: account.Russian, Seen: noon},
			{Device: "phone-2", Account: "ada", Carrier: "fid", Token: "token-2", Seen: noon},
			{Device: "phone-3", Account: "eve", Carrier: "fcm", Token: "token-3", Seen: noon},
		},
	}}
	ids := 0
	s.Service = New(Parts{Store: s.store, Sender: s.carrier, Clock: func() time.Time { return s.now },
		NewID: func() string { ids++; return fmt.Sprintf("reminder-%d", ids) },
		Count: func(_ notice.Kind, r push.Result) { s.counted = append(s.counted, r) }})
	return s
}

func (s *scene) hasNews(about notice.Kind, except identity.DeviceID) {
	s.store.news[string(cardID)+"ada"+string(about)] = notice.Due{ID: noticeID, Except: except}
}

func devices(pushes []notice.Push) (all []identity.DeviceID) {
	for _, p := range pushes {
		all = append(all, p.Device)
	}
	return all
}

func TestAnnounceReachesTheOwnersDevices(t *testing.T) {
	tests := map[string]struct {
		change func(*scene)
		about  notice.Kind
		want   []identity.DeviceID
	}{
		"both phones":                      {func(s *scene) { s.hasNews(notice.News, "") }, notice.News, []identity.DeviceID{"phone-1", "phone-2"}},
		"not the one that wrote":           {func(s *scene) { s.hasNews(notice.Wake, "phone-2") }, notice.Wake, []identity.DeviceID{"phone-1"}},
		"nothing waits":                    {func(*scene) {}, notice.News, nil},
		"news of another kind waits":       {func(s *scene) { s.hasNews(notice.Wake, "") }, notice.News, nil},
		"access ended since":               {func(s *scene) { s.hasNews(notice.News, ""); s.store.owners[cardID] = nil }, notice.News, nil},
		"nobody is signed in on any phone": {func(s *scene) { s.hasNews(notice.News, ""); s.store.contacts = nil }, notice.News, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newScene()
			tt.change(s)
			if err := s.Announce(t.Context(), cardID, "ada", tt.about); err != nil {
				t.Fatal(err)
			}
			if got := devices(s.store.pushes); !slices.Equal(got, tt.want) {
				t.Errorf("pushes for %v, want %v", got, tt.want)
			}
			for _, p := range s.store.pushes {
				if p.ID != noticeID || p.Kind != tt.about || !p.Ends.Equal(noon.Add(tt.about.Lifetime())) {
					t.Errorf("push %+v", p)
				}
			}
			again := len(s.store.pushes)
			if err := s.Announce(t.Context(), cardID, "ada", tt.about); err != nil || len(s.store.pushes) != again {
				t.Errorf("the job ran again and pushed again (%v)", err)
			}
		})
	}
}

func TestDeliver(t *testing.T) {
	tests := map[string]struct {
		answer push.Result
		code   fault.Code
		after  time.Duration
		dead   bool
	}{
		"delivered":      {push.Result{Outcome: push.Delivered, Reason: push.Accepted}, "", 0, false},
		"dead":           {push.Result{Outcome: push.TokenDead, Reason: push.Unregistered}, "", 0, true},
		"refused":        {push.Result{Outcome: push.Refused, Reason: push.BadMessage}, "push.refused", 0, false},
		"later":          {push.Result{Reason: push.Network}, "push.later", 0, false},
		"later, as told": {push.Result{Reason: push.Throttled, After: time.Minute}, "push.later", time.Minute, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newScene()
			s.carrier.answer = tt.answer
			err := s.Deliver(t.Context(), notice.Push{ID: noticeID, Device: "phone-1", Kind: notice.News, Ends: noon.Add(time.Hour)})
			if got := fault.CodeOf(err); got != tt.code {
				t.Fatalf("%v, want %q", err, tt.code)
			}
			if err != nil && fault.From(err).RetryAfter != tt.after {
				t.Errorf("again in %s, want %s", fault.From(err).RetryAfter, tt.after)
			}
			if _, found, _ := (&fakeTx{state: s.store.state}).Contact("phone-1", notice.News, noon); found == tt.dead {
				t.Errorf("the contact is there: %v", found)
			}
			if len(s.carrier.got) != 1 || len(s.counted) != 1 || s.counted[0] != tt.answer {
				t.Errorf("carrier got %v, counted %v", s.carrier.got, s.counted)
			}
		})
	}
}

func TestWhatTheCarrierGets(t *testing.T) {
	s := newScene()
	ends := noon.Add(time.Hour + time.Millisecond)
	for _, device := range []identity.DeviceID{"phone-1", "phone-2"} {
		if err := s.Deliver(t.Context(), notice.Push{ID: noticeID, Device: device, Kind: notice.Upcoming, Ends: ends}); err != nil {
			t.Fatal(err)
		}
	}
	want := []push.Delivery{
		{To: push.Address{Carrier: push.FCM, Token: "token-1"}, Message: push.Message{Topic: push.Reminder, Language: push.Russian, TTL: time.Hour}},
		{To: push.Address{Carrier: push.FCMApp, Token: "token-2"}, Message: push.Message{Topic: push.Reminder, Language: push.DeviceLanguage, TTL: time.Hour}},
	}
	for i := range want {
		want[i].Message.ID = s.carrier.got[i].Message.ID
	}
	if !slices.Equal(s.carrier.got, want) {
		t.Errorf("got %+v\nwant %+v", s.carrier.got, want)
	}
	if got := want[0].Message.ID.String(); got != strings.ReplaceAll(noticeID, "-", "") {
		t.Errorf("the id on the wire is %s: two tries of one notice must look alike", got)
	}
}

func TestEveryKindHasATopic(t *testing.T) {
	for _, kind := range []notice.Kind{notice.Wake, notice.Access, notice.News, notice.Upcoming, notice.Security, notice.Verdict, notice.Family, notice.Incident, notice.Device, notice.Destroyed} {
		m, ok := messageOf(notice.Push{ID: noticeID, Kind: kind}, "", time.Hour)
		if !ok || m.Check() != nil {
			t.Errorf("%s cannot be sent", kind)
		}
		if kind.Lifetime() > push.MaxTTL {
			t.Errorf("%s outlives what the carrier keeps", kind)
		}
	}
}

func TestDeliverWithoutSending(t *testing.T) {
	tests := map[string]struct {
		push notice.Push
		code fault.Code
	}{
		"too late":            {notice.Push{ID: noticeID, Device: "phone-1", Kind: notice.News, Ends: noon}, "push.expired"},
		"the device is gone":  {notice.Push{ID: noticeID, Device: "phone-9", Kind: notice.News, Ends: noon.Add(1)}, ""},
		"a kind of tomorrow":  {notice.Push{ID: noticeID, Device: "phone-1", Kind: "dance", Ends: noon.Add(1)}, "push.refused"},
		"an id that is no id": {notice.Push{ID: "7", Device: "phone-1", Kind: notice.News, Ends: noon.Add(1)}, "push.refused"},
	}
	for name, tt := range tests {
		s := newScene()
		if err := s.Deliver(t.Context(), tt.push); fault.CodeOf(err) != tt.code {
			t.Errorf("%s: %v, want %q", name, err, tt.code)
		}
		if len(s.carrier.got) != 0 {
			t.Errorf("%s: sent all the same", name)
		}
	}
}

func TestRegister(t *testing.T) {
	ada := identity.Actor{Kind: identity.Patient, Account: "ada", Device: "phone-1", SecondFactor: true}
	tests := map[string]struct {
		actor          identity.Actor
		carrier, token string
		language       account.Language
		code           fault.Code
	}{
		"another token":          {ada, "fcm", "token-9", account.English, ""},
		"without a language":     {ada, "fid", "token-9", "", ""},
		"a clinic":               {identity.Actor{Kind: identity.Clinic, Client: "c"}, "fcm", "x", "", "device.missing"},
		"no device":              {identity.Actor{Kind: identity.Patient, Account: "ada"}, "fcm", "x", "", "device.missing"},
		"an unknown carrier":     {ada, "pigeon", "x", "", "invalid_input"},
		"a token with a newline": {ada, "fcm", "x\ny", "", "invalid_input"},
		"an unknown language":    {ada, "fcm", "x", "tlh", "invalid_input"},
	}
	for name, tt := range tests {
		s := newScene()
		err := s.Register(t.Context(), tt.actor, tt.carrier, tt.token, tt.language)
		if fault.CodeOf(err) != tt.code {
			t.Errorf("%s: %v, want %q", name, err, tt.code)
		}
		want := notice.Contact{Device: "phone-1", Account: "ada", Carrier: tt.carrier, Token: tt.token, Language: tt.language, Seen: noon}
		if got := slices.Contains(s.store.contacts, want); got != (tt.code == "") {
			t.Errorf("%s: kept %v", name, got)
		}
	}
}

func TestSweepForgetsTheSilent(t *testing.T) {
	s := newScene()
	s.store.contacts[0].Seen = noon.Add(-notice.StaleAfter - 1)
	s.store.contacts[1].Seen = noon.Add(-notice.StaleAfter)
	if err := s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(s.store.contacts) != 2 || s.store.contacts[0].Device != "phone-2" {
		t.Errorf("left: %v", s.store.contacts)
	}
}

func clinic(client identity.ClientID, scopes ...string) identity.Actor {
	return identity.Actor{Kind: identity.Clinic, Client: client, Organisation: "Clinic No. 1", Scopes: scopes}
}

func ask() Ask {
	return Ask{Card: cardID, Template: notice.Appointment, Subject: "visit-7", Starts: noon.Add(72 * time.Hour), Key: "key-00001", Request: "r1"}
}

func TestTriggerPlansAndRemindTells(t *testing.T) {
	s := newScene()
	got, err := s.Trigger(t.Context(), clinic("clinic-1", Right), ask())
	if err != nil {
		t.Fatal(err)
	}
	if !got.At.Equal(noon.Add(48*time.Hour)) || got.ID != "reminder-1" {
		t.Errorf("planned %+v; want it a day ahead", got)
	}
	if len(s.store.audits) != 1 || s.store.audits[0].Action != audit.Remind || s.store.audits[0].What != "appointment" {
		t.Errorf("audit: %+v", s.store.audits)
	}

	again, err := s.Trigger(t.Context(), clinic("clinic-1", Right), ask())
	if err != nil || again != got || len(s.store.reminders) != 1 || len(s.store.audits) != 1 {
		t.Errorf("asked again: %+v, %v, %d reminders, %d audits", again, err, len(s.store.reminders), len(s.store.audits))
	}
	other := ask()
	other.Subject = "visit-8"
	if _, err := s.Trigger(t.Context(), clinic("clinic-1", Right), other); !errors.Is(err, errKeyReused) {
		t.Errorf("another reminder under the same key: %v", err)
	}

	s.now = got.At
	if err := s.Remind(t.Context(), cardID, got.ID); err != nil {
		t.Fatal(err)
	}
	if want := []identity.DeviceID{"phone-1", "phone-2"}; !slices.Equal(devices(s.store.pushes), want) {
		t.Errorf("told %v, want %v", devices(s.store.pushes), want)
	}
	for _, p := range s.store.pushes {
		if p.Kind != notice.Upcoming || !p.Ends.Equal(ask().Starts) {
			t.Errorf("push %+v: it is worth nothing once the visit has begun", p)
		}
	}
	if err := s.Remind(t.Context(), cardID, got.ID); err != nil || len(s.store.pushes) != 2 {
		t.Errorf("the job ran again: %d pushes, %v", len(s.store.pushes), err)
	}
}

func TestRemindComesTooLate(t *testing.T) {
	s := newScene()
	r, err := s.Trigger(t.Context(), clinic("clinic-1", Right), ask())
	if err != nil {
		t.Fatal(err)
	}
	s.now = ask().Starts
	if err := s.Remind(t.Context(), cardID, r.ID); err != nil || len(s.store.pushes) != 0 {
		t.Errorf("reminded of what has begun: %v, %v", s.store.pushes, err)
	}
	if err := s.Remind(t.Context(), cardID, "no such"); err != nil {
		t.Errorf("a reminder that is gone: %v", err)
	}
}

func TestTriggerRefuses(t *testing.T) {
	with := func(change func(*Ask)) Ask { a := ask(); change(&a); return a }
	tests := map[string]struct {
		actor identity.Actor
		ask   Ask
		code  fault.Code
		where string
	}{
		"without the scope":         {clinic("clinic-1", "system/*.c"), ask(), "scope.missing", ""},
		"a clinic of nobody's":      {clinic("clinic-2", Right), ask(), consent.ErrNoGrant.Code, ""},
		"a card that does not live": {clinic("clinic-1", Right), with(func(a *Ask) { a.Card = "card-9" }), consent.ErrNoGrant.Code, ""},
		"a patient":                 {identity.Actor{Kind: identity.Patient, Account: "ada"}, ask(), consent.ErrNoGrant.Code, ""},
		"a text as a template":      {clinic("clinic-1", Right), with(func(a *Ask) { a.Template = "your HIV test is back" }), "invalid_input", "body.template"},
		"a text as a subject":       {clinic("clinic-1", Right), with(func(a *Ask) { a.Subject = "HIV test" }), "invalid_input", "body.subject"},
		"no key":                    {clinic("clinic-1", Right), with(func(a *Ask) { a.Key = "" }), "invalid_input", "header.Idempotency-Key"},
		"begun":                     {clinic("clinic-1", Right), with(func(a *Ask) { a.Starts = noon }), "invalid_input", "body.startsAt"},
		"in two years":              {clinic("clinic-1", Right), with(func(a *Ask) { a.Starts = noon.AddDate(2, 0, 0) }), "invalid_input", "body.startsAt"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newScene()
			_, err := s.Trigger(t.Context(), tt.actor, tt.ask)
			if fault.CodeOf(err) != tt.code {
				t.Fatalf("%v, want %q", err, tt.code)
			}
			f := fault.From(err)
			if tt.where != "" && (len(f.Fields) != 1 || f.Fields[0].Where != tt.where) {
				t.Errorf("fields %v, want %s", f.Fields, tt.where)
			}
			if text := fmt.Sprintf("%+v", f); strings.Contains(text, "HIV") {
				t.Errorf("the fault repeats what was sent: %s", text)
			}
			if len(s.store.reminders)+len(s.store.audits)+len(s.store.pushes) != 0 {
				t.Error("something was kept")
			}
		})
	}
}

func TestAClinicMayNotRingAllDay(t *testing.T) {
	s := newScene()
	for i := range perDay + 1 {
		a := ask()
		a.Key = fmt.Sprintf("key-%05d", i)
		_, err := s.Trigger(t.Context(), clinic("clinic-1", Right), a)
		if tooMany := fault.CodeOf(err) == errTooOften.Code; tooMany != (i == perDay) {
			t.Fatalf("reminder %d: %v", i, err)
		}
	}
	s.now = noon.Add(24*time.Hour + 1)
	if _, err := s.Trigger(t.Context(), clinic("clinic-1", Right), ask()); err != nil {
		t.Errorf("the next day: %v", err)
	}
}
