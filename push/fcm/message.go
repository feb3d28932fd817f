package fcm

import (
	"strconv"
	"time"

	"firebase.google.com/go/v4/messaging"

	"github.com/medcard/medcard/push"
)

// encode writes a delivery in FCM's terms. Whatever travels comes from here: the topic's name, the id, and of a visible topic
// either the keys of a sentence or the sentence itself.
func encode(d push.Delivery, now time.Time) *messaging.Message {
	lifetime := d.Message.Lifetime()
	topic := d.Message.Topic.String()
	m := &messaging.Message{
		Data:    map[string]string{"v": "1", "id": d.Message.ID.String(), "topic": topic},
		Android: &messaging.AndroidConfig{CollapseKey: topic, TTL: &lifetime, Priority: "normal"},
		APNS: &messaging.APNSConfig{
			Headers: map[string]string{
				"apns-collapse-id": topic,
				"apns-expiration":  strconv.FormatInt(now.Add(lifetime).Unix(), 10),
			},
			Payload: &messaging.APNSPayload{Aps: &messaging.Aps{}},
		},
	}
	if d.To.Carrier == push.FCMApp {
		m.Fid = d.To.Token
	} else {
		m.Token = d.To.Token //nolint:staticcheck // deprecated for installation ids, but what phones have today
	}
	if d.Message.Topic.Visible() {
		show(m, d.Message, topic)
		return m
	}
	m.APNS.Headers["apns-priority"] = "5" // FCM refuses data alone to Apple with any other
	m.APNS.Headers["apns-push-type"] = "background"
	m.APNS.Payload.Aps.ContentAvailable = true
	return m
}

func show(m *messaging.Message, message push.Message, topic string) {
	m.Android.Priority = "high"
	m.APNS.Headers["apns-priority"] = "10"
	m.APNS.Headers["apns-push-type"] = "alert"
	line := &messaging.AndroidNotification{ChannelID: topic, Tag: topic, Visibility: messaging.VisibilityPrivate}
	alert := &messaging.ApsAlert{}
	sentence := message.Topic.Sentence()
	if title, body, ok := sentence.In(message.Language); ok {
		line.Title, line.Body = title, body
		alert.Title, alert.Body = title, body
	} else {
		line.TitleLocKey, line.BodyLocKey = sentence.TitleKey, sentence.BodyKey
		alert.TitleLocKey, alert.LocKey = sentence.TitleKey, sentence.BodyKey
	}
	m.Android.Notification = line
	m.APNS.Payload.Aps.Alert = alert
	m.APNS.Payload.Aps.ThreadID = topic
	m.APNS.Payload.Aps.MutableContent = true // lets the app's extension put its own words there after a sync
}
