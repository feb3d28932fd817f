package pushtest

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Fault is one way in which the carrier misbehaves.
type Fault struct {
	status  int
	code    string // FCM's own error code, in the details
	field   string // the field that a 400 blames
	retry   string // Retry-After
	body    string // instead of an answer of FCM's; with status
	delay   time.Duration
	deliver bool // the message arrives all the same
	hang    bool // no answer until the client gives up
	reset   bool // the connection breaks
	half    bool // the connection breaks in the middle of the answer
}

// The faults. Each returns a fresh value, to be combined with After, Late or Delivering.
func Unregistered() Fault { return Fault{status: http.StatusNotFound, code: "UNREGISTERED"} }
func BadToken() Fault {
	return Fault{status: http.StatusBadRequest, code: "INVALID_ARGUMENT", field: "message.token"}
}
func BadMessage() Fault {
	return Fault{status: http.StatusBadRequest, code: "INVALID_ARGUMENT", field: "message.data"}
}
func WrongSender() Fault  { return Fault{status: http.StatusForbidden, code: "SENDER_ID_MISMATCH"} }
func Forbidden() Fault    { return Fault{status: http.StatusForbidden} }
func Unauthorized() Fault { return Fault{status: http.StatusUnauthorized} }
func AppleRefused() Fault {
	return Fault{status: http.StatusUnauthorized, code: "THIRD_PARTY_AUTH_ERROR"}
}
func Throttled() Fault   { return Fault{status: http.StatusTooManyRequests, code: "QUOTA_EXCEEDED"} }
func Internal() Fault    { return Fault{status: http.StatusInternalServerError, code: "INTERNAL"} }
func Unavailable() Fault { return Fault{status: http.StatusServiceUnavailable, code: "UNAVAILABLE"} }
func Hang() Fault        { return Fault{hang: true} }
func Reset() Fault       { return Fault{reset: true} }
func Half() Fault        { return Fault{half: true, deliver: true} }

// Slow answers rightly, but late.
func Slow(d time.Duration) Fault { return Fault{delay: d, status: http.StatusOK, deliver: true} }

// Garbage answers with something that is not FCM's.
func Garbage(status int) Fault {
	return Fault{status: status, body: "<html><body>Welcome to the airport's Wi-Fi</body></html>"}
}

// Endless answers with more than anyone should read.
func Endless() Fault { return Fault{status: http.StatusOK, body: strings.Repeat("x", 1<<20)} }

// After adds a Retry-After of whole seconds.
func (f Fault) After(d time.Duration) Fault { f.retry = fmt.Sprint(int(d / time.Second)); return f }

// AfterDate adds a Retry-After in its other form, a date.
func (f Fault) AfterDate(at time.Time) Fault { f.retry = at.UTC().Format(http.TimeFormat); return f }

// Delivering lets the message arrive although the answer says otherwise, as FCM does at times with a 503.
func (f Fault) Delivering() Fault { f.deliver = true; return f }

// statusName is the name that Google's error model gives to an HTTP status.
func statusName(status int) string {
	switch status {
	case http.StatusBadRequest:
		return "INVALID_ARGUMENT"
	case http.StatusUnauthorized:
		return "UNAUTHENTICATED"
	case http.StatusForbidden:
		return "PERMISSION_DENIED"
	case http.StatusNotFound:
		return "NOT_FOUND"
	case http.StatusTooManyRequests:
		return "RESOURCE_EXHAUSTED"
	case http.StatusServiceUnavailable:
		return "UNAVAILABLE"
	}
	return "INTERNAL"
}
