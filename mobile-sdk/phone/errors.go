package phone

import (
	"errors"
	"net/http"

	"github.com/medcard/medcard/mobile-sdk/problem"
)

// What calls to the server fail with besides a *problem.Problem.
var (
	// ErrOffline says that the server could not be reached, or the connection broke.
	ErrOffline = errors.New("phone: the server cannot be reached")
	// ErrSignedOut says that there is no session, or that it has ended: sign in.
	ErrSignedOut = errors.New("phone: not signed in")
	// ErrAnswer says that an answer is not what the protocol knows.
	ErrAnswer = errors.New("phone: the server's answer cannot be read")
)

// passing says whether the same request may succeed a little later.
func passing(err error) bool {
	if errors.Is(err, ErrOffline) {
		return !errors.Is(err, errUnreachable)
	}
	var p *problem.Problem
	if !errors.As(err, &p) {
		return false
	}
	switch p.Status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusInternalServerError:
		return true
	}
	return false
}
