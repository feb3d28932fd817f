package phone

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Problem is what the server refuses with (RFC 9457). Branch on Code; it never changes its meaning.
type Problem struct {
	Type      string         `json:"type"`
	Title     string         `json:"title"`
	Status    int            `json:"status"`
	Code      string         `json:"code"`
	Detail    string         `json:"detail"`
	State     string         `json:"state"` // for conflicts: the state the thing is in
	Fields    []ProblemField `json:"fields"`
	RequestID string         `json:"requestId"` // for the operators

	RetryAfter time.Duration `json:"-"` // 0 = the server did not say
}

// ProblemField is one place of the input that is wrong.
type ProblemField struct {
	Where string `json:"where"`
	Why   string `json:"why"`
}

// Error gives the code and what to do.
func (p *Problem) Error() string {
	if p.Detail == "" {
		return "phone: the server answers " + p.Code
	}
	return "phone: " + p.Code + ": " + p.Detail
}

// CodeOf gives the code of a Problem in err, "" if there is none.
func CodeOf(err error) string {
	var p *Problem
	if errors.As(err, &p) {
		return p.Code
	}
	return ""
}

// What calls to the server fail with besides a Problem.
var (
	// ErrOffline says that the server could not be reached, or the connection broke.
	ErrOffline = errors.New("phone: the server cannot be reached")
	// ErrSignedOut says that there is no session, or that it has ended: sign in.
	ErrSignedOut = errors.New("phone: not signed in")
	// ErrAnswer says that an answer is not what the protocol knows.
	ErrAnswer = errors.New("phone: the server's answer cannot be read")
)

const maxProblem = 64 << 10

// problemOf reads the problem document of a refusal. A proxy on the way may answer in words of its own: then the status
// is all there is.
func problemOf(res *http.Response) *Problem {
	p := &Problem{}
	body, _ := io.ReadAll(io.LimitReader(res.Body, maxProblem))
	if !strings.Contains(res.Header.Get("Content-Type"), "json") || json.Unmarshal(body, p) != nil || p.Code == "" {
		p = &Problem{Title: http.StatusText(res.StatusCode), Code: "http." + strconv.Itoa(res.StatusCode)}
	}
	p.Status = res.StatusCode
	if seconds, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && seconds > 0 {
		p.RetryAfter = time.Duration(seconds) * time.Second
	}
	return p
}

// passing says whether the same request may succeed a little later.
func passing(err error) bool {
	if errors.Is(err, ErrOffline) {
		return !errors.Is(err, errUnreachable)
	}
	var p *Problem
	if !errors.As(err, &p) {
		return false
	}
	switch p.Status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusInternalServerError:
		return true
	}
	return false
}
