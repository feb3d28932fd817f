package pushtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
)

// Wire is a message as it came over the wire; Raw is all of the request's body. The fields are those that FCM documents for
// projects.messages; another one is refused, as FCM does.
type Wire struct {
	Raw string `json:"-"`

	Token        string            `json:"token"`
	Fid          string            `json:"fid"`
	Topic        string            `json:"topic"`
	Condition    string            `json:"condition"`
	Name         string            `json:"name"`
	Data         map[string]string `json:"data"`
	Notification *struct {
		Title string `json:"title"`
		Body  string `json:"body"`
		Image string `json:"image"`
	} `json:"notification"`
	Android struct {
		CollapseKey  string            `json:"collapse_key"`
		Priority     string            `json:"priority"`
		TTL          string            `json:"ttl"`
		Data         map[string]string `json:"data"`
		Notification *struct {
			Title       string   `json:"title"`
			Body        string   `json:"body"`
			TitleKey    string   `json:"title_loc_key"`
			BodyKey     string   `json:"body_loc_key"`
			TitleArgs   []string `json:"title_loc_args"`
			BodyArgs    []string `json:"body_loc_args"`
			Channel     string   `json:"channel_id"`
			Tag         string   `json:"tag"`
			Visibility  string   `json:"visibility"`
			ClickAction string   `json:"click_action"`
		} `json:"notification"`
	} `json:"android"`
	APNS struct {
		Headers map[string]string `json:"headers"`
		Payload struct {
			Aps struct {
				Alert            json.RawMessage `json:"alert"`
				ContentAvailable int             `json:"content-available"`
				MutableContent   int             `json:"mutable-content"`
				Thread           string          `json:"thread-id"`
			} `json:"aps"`
		} `json:"payload"`
	} `json:"apns"`
}

// To is the token or installation that the message is for.
func (w Wire) To() string { return w.Token + w.Fid }

// Visible reports whether either kind of phone would show a line.
func (w Wire) Visible() bool {
	return w.Notification != nil || w.Android.Notification != nil || len(w.APNS.Payload.Aps.Alert) > 0
}

// maxPayload is FCM's limit of what reaches the phone.
const maxPayload = 4096

var durations = regexp.MustCompile(`^\d+(\.\d{1,9})?s$`)

// parse reads a request as FCM would; field names the place that it would blame.
func parse(body []byte) (w Wire, dryRun bool, field string, err error) {
	var request struct {
		Message      *Wire `json:"message"`
		ValidateOnly bool  `json:"validate_only"`
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&request); err != nil || request.Message == nil {
		return Wire{}, false, "message", errors.New("the request is not a message")
	}
	w = *request.Message
	w.Raw = string(body)
	targets := 0
	for _, t := range []string{w.Token, w.Fid, w.Topic, w.Condition} {
		if t != "" {
			targets++
		}
	}
	switch {
	case targets != 1:
		return w, false, "message", errors.New("exactly one target is needed")
	case len(body) > maxPayload:
		return w, false, "message", errors.New("the message is too big")
	case w.Android.TTL != "" && !durations.MatchString(w.Android.TTL):
		return w, false, "message.android.ttl", errors.New("not a duration")
	case !w.Visible() && w.APNS.Payload.Aps.ContentAvailable == 1 && w.APNS.Headers["apns-priority"] != "5":
		return w, false, "message.apns.headers", errors.New("data alone goes to Apple with priority 5")
	}
	for key := range w.Data {
		if key == "from" || key == "message_type" || strings.HasPrefix(key, "google") || strings.HasPrefix(key, "gcm") {
			return w, false, "message.data", errors.New("a reserved key")
		}
	}
	return w, request.ValidateOnly, "", nil
}
