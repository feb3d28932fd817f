package fcm

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/push"
	"github.com/medcard/medcard/push/pushtest"
)

// everyMessage is every message that can be made, but for its id.
func everyMessage() (all []push.Message) {
	for _, topic := range push.Topics() {
		for _, language := range []push.Language{push.DeviceLanguage, push.Russian, push.English} {
			for _, ttl := range []time.Duration{0, time.Second, push.MaxTTL} {
				all = append(all, push.Message{ID: push.ID{0xca, 0xfe}, Topic: topic, Language: language, TTL: ttl})
			}
		}
	}
	return all
}

// send puts messages through the real SDK to the stub and gives back what arrived.
func send(t *testing.T, messages []push.Message) []pushtest.Wire {
	t.Helper()
	server, sender := stub(t, 5*time.Second)
	for i, m := range messages {
		d := push.Delivery{To: push.Address{Carrier: push.FCM, Token: "phone-" + strconv.Itoa(i)}, Message: m}
		if r := sender.Send(t.Context(), []push.Delivery{d})[0]; r.Outcome != push.Delivered {
			t.Fatalf("message %+v: %+v", m, r)
		}
	}
	return server.Messages()
}

// The canary: since a message is a value of closed sets, all that can ever be on the wire can be looked at here. Every word
// that reaches the carrier stands in this list; a new one is thought about by whoever adds it.
func TestNoMedicalWordReachesTheCarrier(t *testing.T) {
	allowed := map[string]bool{}
	for _, sentence := range []push.Sentence{push.News.Sentence(), push.Reminder.Sentence(), push.Security.Sentence()} {
		for _, language := range []push.Language{push.Russian, push.English} {
			title, body, _ := sentence.In(language)
			allowed[title], allowed[body] = true, true
		}
		allowed[sentence.TitleKey], allowed[sentence.BodyKey] = true, true
	}
	for _, word := range []string{"sync", "news", "reminder", "security", "high", "normal", "alert", "background", "PRIVATE", "5", "10", "1"} {
		allowed[word] = true
	}
	shapes := regexp.MustCompile(`^(phone-\d+|[0-9a-f]{32}|\d+(\.\d+)?s|\d{10})$`) // token, id, duration, instant
	medical := regexp.MustCompile(`(?i)диагноз|рецепт|анализ|направлен|врач|клиник|болезн|лекарств|аптек|прием|приём|diagnos|prescri|result|referr|doctor|clinic|disease|drug|pharm|lab|visit|patient|пациент`)

	for _, wire := range send(t, everyMessage()) {
		var document any
		if err := json.Unmarshal([]byte(wire.Raw), &document); err != nil {
			t.Fatal(err)
		}
		for _, word := range words(document) {
			if !allowed[word] && !shapes.MatchString(word) {
				t.Errorf("%q reaches the carrier and is neither a sentence nor a key nor an id", word)
			}
			if medical.MatchString(word) {
				t.Errorf("%q is a medical word and reaches the carrier", word)
			}
		}
		if len(wire.Raw) > 1024 {
			t.Errorf("a message has %d bytes; FCM takes 4096 and ours need not a quarter of it", len(wire.Raw))
		}
	}
}

// words are all string values of a JSON document.
func words(v any) (all []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, e := range v {
			all = append(all, words(e)...)
		}
	case map[string]any:
		for _, e := range v {
			all = append(all, words(e)...)
		}
	}
	return all
}

func TestWhatAPhoneGets(t *testing.T) {
	for i, wire := range send(t, everyMessage()) {
		m := everyMessage()[i]
		name := m.Topic.String()
		if !maps.Equal(wire.Data, map[string]string{"v": "1", "id": m.ID.String(), "topic": name}) {
			t.Errorf("%s: the data is %v", name, wire.Data)
		}
		if wire.Android.CollapseKey != name || wire.APNS.Headers["apns-collapse-id"] != name {
			t.Errorf("%s does not replace its like: %+v", name, wire)
		}
		if want := strconv.FormatFloat(m.Lifetime().Seconds(), 'f', -1, 64) + "s"; wire.Android.TTL != want {
			t.Errorf("%s lives %s on Android, want %s", name, wire.Android.TTL, want)
		}
		if wire.Visible() != m.Topic.Visible() {
			t.Errorf("%s: visible = %v", name, wire.Visible())
		}
		if !m.Topic.Visible() {
			if wire.Android.Priority != "normal" || wire.APNS.Headers["apns-priority"] != "5" || wire.APNS.Headers["apns-push-type"] != "background" || wire.APNS.Payload.Aps.ContentAvailable != 1 {
				t.Errorf("%s shows nothing and must not claim to be urgent: %s", name, wire.Raw)
			}
			continue
		}
		if wire.Android.Priority != "high" || wire.APNS.Headers["apns-priority"] != "10" || wire.APNS.Headers["apns-push-type"] != "alert" || wire.APNS.Payload.Aps.MutableContent != 1 {
			t.Errorf("%s shows a line and should arrive at once: %s", name, wire.Raw)
		}
		line := wire.Android.Notification
		title, body, given := m.Topic.Sentence().In(m.Language)
		if line.Title != title || line.Body != body || (line.TitleKey == "") != given || (line.BodyKey == "") != given {
			t.Errorf("%s in language %d shows %+v", name, m.Language, line)
		}
		if line.Visibility != "PRIVATE" {
			t.Errorf("%s: the lock screen must be able to hide it, visibility is %q", name, line.Visibility)
		}
	}
}

func TestInstallationIDs(t *testing.T) {
	server, sender := stub(t, time.Second)
	d := to("cIsdz0wQRk2")
	d.To.Carrier = push.FCMApp
	if r := sender.Send(t.Context(), []push.Delivery{d})[0]; r.Outcome != push.Delivered {
		t.Fatalf("%+v", r)
	}
	got := server.Messages()
	if !slices.ContainsFunc(got, func(w pushtest.Wire) bool { return w.Fid == "cIsdz0wQRk2" && w.Token == "" }) {
		t.Errorf("no message for the installation among %d", len(got))
	}
}

func TestExpiryForApple(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	m := encode(to("phone"), now)
	if got, want := m.APNS.Headers["apns-expiration"], strconv.FormatInt(now.Add(push.News.Lifetime()).Unix(), 10); got != want {
		t.Errorf("expires at %s, want %s", got, want)
	}
	if strings.Contains(m.APNS.Headers["apns-expiration"], "-") {
		t.Error("an instant before 1970")
	}
}
