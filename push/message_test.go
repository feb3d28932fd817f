package push

import (
	"bytes"
	"context"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"
)

// A message that could hold words would one day hold a diagnosis. So no field may be of a type that can.
func TestMessageCannotHoldWords(t *testing.T) {
	var walk func(path string, typ reflect.Type)
	walk = func(path string, typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Bool, reflect.Uint8, reflect.Int64:
		case reflect.Array:
			walk(path+"[]", typ.Elem())
		case reflect.Struct:
			for i := range typ.NumField() {
				walk(path+"."+typ.Field(i).Name, typ.Field(i).Type)
			}
		default:
			t.Errorf("%s is a %s: it could carry words to a carrier; let the phone learn them by syncing", path, typ)
		}
	}
	walk("Message", reflect.TypeFor[Message]())
}

func TestMessageCheck(t *testing.T) {
	good := Message{ID: ID{1}, Topic: News, Language: Russian}
	tests := map[string]struct {
		change func(*Message)
		ok     bool
	}{
		"complete":            {func(*Message) {}, true},
		"no id":               {func(m *Message) { m.ID = ID{} }, false},
		"no topic":            {func(m *Message) { m.Topic = 0 }, false},
		"unknown topic":       {func(m *Message) { m.Topic = topics }, false},
		"unknown language":    {func(m *Message) { m.Language = languages }, false},
		"negative lifetime":   {func(m *Message) { m.TTL = -1 }, false},
		"longest lifetime":    {func(m *Message) { m.TTL = MaxTTL }, true},
		"too long a lifetime": {func(m *Message) { m.TTL = MaxTTL + 1 }, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m := good
			tt.change(&m)
			if got := m.Check() == nil; got != tt.ok {
				t.Errorf("Check says %v, want %v", got, tt.ok)
			}
		})
	}
}

func TestTopics(t *testing.T) {
	seen := map[string]bool{}
	for _, topic := range Topics() {
		name := topic.String()
		if name == "" || seen[name] {
			t.Errorf("topic %d has no name of its own: %q", topic, name)
		}
		seen[name] = true
		if back, ok := TopicNamed(name); !ok || back != topic {
			t.Errorf("TopicNamed(%q) = %v, %v", name, back, ok)
		}
		if topic.Lifetime() <= 0 || topic.Lifetime() > MaxTTL {
			t.Errorf("%s lives %s", name, topic.Lifetime())
		}
		s := topic.Sentence()
		if (s.TitleKey != "") != topic.Visible() || (s.BodyKey != "") != topic.Visible() {
			t.Errorf("%s: a topic has a sentence if and only if it is visible", name)
		}
		for _, language := range []Language{Russian, English} {
			title, body, ok := s.In(language)
			if topic.Visible() && (!ok || title == "" || body == "") {
				t.Errorf("%s has no sentence in language %d", name, language)
			}
		}
	}
	if len(seen) > 4 {
		t.Error("FCM keeps four collapse keys per phone apart; a fifth topic would drop one at random")
	}
	if Topic(200).String() != "" || Topic(200).Visible() {
		t.Error("a topic outside the set has properties")
	}
}

func TestAddressCheck(t *testing.T) {
	tests := map[string]struct {
		address Address
		ok      bool
	}{
		"token":           {Address{FCM, "dGVzdA:APA91bH-_x"}, true},
		"installation":    {Address{FCMApp, "cIsdz0wQRk2"}, true},
		"no carrier":      {Address{"", "x"}, false},
		"unknown carrier": {Address{"pigeon", "x"}, false},
		"empty":           {Address{FCM, ""}, false},
		"a space":         {Address{FCM, "a b"}, false},
		"a line feed":     {Address{FCM, "a\nb"}, false},
		"not ASCII":       {Address{FCM, "жетон"}, false},
		"longest":         {Address{FCM, strings.Repeat("x", maxToken)}, true},
		"too long":        {Address{FCM, strings.Repeat("x", maxToken+1)}, false},
	}
	for name, tt := range tests {
		if got := tt.address.Check() == nil; got != tt.ok {
			t.Errorf("%s: Check says %v, want %v", name, got, tt.ok)
		}
	}
}

func TestLogSenderLogsNoToken(t *testing.T) {
	var out bytes.Buffer
	sender := LogSender{Log: slog.New(slog.NewTextHandler(&out, nil))}
	results := sender.Send(context.Background(), []Delivery{
		{To: Address{FCM, "secret-token"}, Message: Message{ID: ID{0xab}, Topic: News}},
		{To: Address{FCM, "secret-token"}, Message: Message{}},
	})
	if results[0].Outcome != Delivered || results[1].Outcome != Refused {
		t.Errorf("outcomes are %v", results)
	}
	line := out.String()
	if strings.Contains(line, "secret-token") {
		t.Error("the log holds the token")
	}
	if !strings.Contains(line, "topic=news") || !strings.Contains(line, "push=ab00") {
		t.Errorf("the line does not tell which push it was: %s", line)
	}
	if strings.Count(line, "\n") != 1 {
		t.Errorf("want one line a delivered push: %s", line)
	}
}

func TestResultZeroLosesNothing(t *testing.T) {
	if (Result{}).Outcome != Later {
		t.Error("a result that nobody filled in must mean: try again")
	}
	for o, want := range map[Outcome]string{Later: "later", Delivered: "delivered", TokenDead: "token dead", Refused: "refused", 77: "refused"} {
		if o.String() != want {
			t.Errorf("outcome %d is called %q, want %q", o, o, want)
		}
	}
	if d := (Message{Topic: Wake}).Lifetime(); d != time.Hour {
		t.Errorf("a wake without a lifetime of its own lives %s", d)
	}
}
