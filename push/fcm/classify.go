package fcm

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"

	"firebase.google.com/go/v4/errorutils"
	"firebase.google.com/go/v4/messaging"

	"github.com/medcard/medcard/push"
)

// classify says what became of one message. It reads the status and the codes of FCM's error model and never passes on its
// text, which may quote the token.
func classify(sent *messaging.SendResponse, now time.Time) push.Result {
	if sent.Success {
		if sent.MessageID == "" {
			return push.Result{Reason: push.Garbled}
		}
		return push.Result{Outcome: push.Delivered, Reason: push.Accepted}
	}
	answer := errorutils.HTTPResponse(sent.Error) //nolint:bodyclose // a copy in memory
	if answer == nil {                            // a 200 whose body is not FCM's, or a cancelled call
		return push.Result{Reason: push.Garbled}
	}
	if reason := answer.Header.Get(reasonHeader); reason != "" {
		return push.Result{Reason: push.Reason(reason)}
	}
	after := retryAfter(answer.Header, now)
	switch err := sent.Error; {
	case messaging.IsUnregistered(err):
		return push.Result{Outcome: push.TokenDead, Reason: push.Unregistered}
	case messaging.IsSenderIDMismatch(err):
		return push.Result{Outcome: push.TokenDead, Reason: push.WrongSender}
	case messaging.IsInvalidArgument(err):
		return refusal(readProblem(answer))
	case messaging.IsThirdPartyAuthError(err):
		return push.Result{Reason: push.BadCredential, After: after}
	}
	switch code := answer.StatusCode; {
	case code == http.StatusTooManyRequests:
		return push.Result{Reason: push.Throttled, After: max(after, throttledPause)}
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return push.Result{Reason: push.BadCredential, After: after}
	case code == http.StatusBadRequest:
		if p := readProblem(answer); p.Error.Status == "INVALID_ARGUMENT" {
			return refusal(p)
		}
	case code >= 500:
		return push.Result{Reason: push.Down, After: after}
	}
	return push.Result{Reason: push.Garbled, After: after}
}

// throttledPause is the least that FCM asks for after a 429: its quota is refilled by the minute.
const throttledPause = time.Minute

// maxPause bounds what a carrier may ask for, so that a wrong header cannot silence us for a week.
const maxPause = time.Hour

func retryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get(retryAfterHeader)
	if value == "" && h.Get("Retry-After") != far {
		value = h.Get("Retry-After")
	}
	var pause time.Duration
	if seconds, err := strconv.Atoi(value); err == nil {
		pause = time.Duration(min(seconds, int(maxPause/time.Second))) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		pause = at.Sub(now)
	}
	return min(max(pause, 0), maxPause)
}

// problem is what of FCM's error model is read here, beyond what the SDK tells.
type problem struct {
	Error struct {
		Status  string `json:"status"`
		Details []struct {
			FieldViolations []struct {
				Field string `json:"field"`
			} `json:"fieldViolations"`
		} `json:"details"`
	} `json:"error"`
}

// readProblem reads the body of an answer; it is empty when the body is not FCM's. The SDK alone would take any 400, a
// proxy's page too, for FCM's verdict.
func readProblem(answer *http.Response) (p problem) {
	body, err := io.ReadAll(answer.Body)
	if err != nil || json.Unmarshal(body, &p) != nil {
		return problem{}
	}
	return p
}

// refusal tells a token that can never work from a message that can never go. FCM gives INVALID_ARGUMENT for both.
func refusal(p problem) push.Result {
	for _, d := range p.Error.Details {
		for _, v := range d.FieldViolations {
			if v.Field == "message.token" || v.Field == "message.fid" {
				return push.Result{Outcome: push.TokenDead, Reason: push.BadToken}
			}
		}
	}
	return push.Result{Outcome: push.Refused, Reason: push.BadMessage}
}
