package fcm

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"golang.org/x/oauth2"

	"github.com/medcard/medcard/push"
)

// maxAnswer bounds what is read of an answer; FCM's are a few hundred bytes.
const maxAnswer = 64 << 10

// Headers by which once tells the classifier what really happened.
const (
	reasonHeader     = "X-Medcard-Push-Reason"
	retryAfterHeader = "X-Medcard-Push-Retry-After"
)

// once is a transport that lets the SDK try each request a single time. The SDK retries a 503 unless its Retry-After is beyond
// two minutes; so a 503, and whatever went wrong below HTTP, leaves here as a 503 whose Retry-After is far away, and the
// carrier's own Retry-After moves to a header that only we read.
type once struct {
	next    http.RoundTripper
	timeout time.Duration
}

func (o once) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(request.Context(), o.timeout)
	defer cancel()
	answer, err := o.next.RoundTrip(request.WithContext(ctx))
	if err != nil {
		return o.failure(request, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err != nil {
		return o.failure(request, err)
	}
	if len(body) > maxAnswer {
		return synthetic(request, push.Garbled), nil
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	answer.ContentLength = int64(len(body))
	if answer.StatusCode == http.StatusServiceUnavailable {
		answer.Header.Set(retryAfterHeader, answer.Header.Get("Retry-After"))
		answer.Header.Set("Retry-After", far)
	}
	return answer, nil
}

// far is more seconds than the SDK is ready to wait.
const far = "86400"

func (o once) failure(request *http.Request, err error) (*http.Response, error) {
	if cause := request.Context().Err(); cause != nil {
		return nil, cause // the caller hung up: the SDK then stops by itself
	}
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		return synthetic(request, push.BadCredential), nil
	}
	return synthetic(request, push.Network), nil
}

func synthetic(request *http.Request, reason push.Reason) *http.Response {
	return &http.Response{
		Status: "503 Service Unavailable", StatusCode: http.StatusServiceUnavailable,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:  http.Header{reasonHeader: {string(reason)}, "Retry-After": {far}},
		Body:    http.NoBody,
		Request: request,
	}
}
