// Package problem reads the error answers of a Medcard server (RFC 9457) as typed errors, for every client of it.
//
//	var p *problem.Problem
//	if errors.As(err, &p) && p.Code == "prescription.in_work" { ... }
package problem

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"
)

// Problem is what the server says went wrong.
type Problem struct {
	Type      string  `json:"type"`
	Title     string  `json:"title"`
	Status    int     `json:"status"`
	Code      string  `json:"code"` // a stable word to branch on
	Detail    string  `json:"detail"`
	State     string  `json:"state"`     // of a conflict: the state the thing is in
	Fields    []Field `json:"fields"`    // each place of the input that is wrong
	RequestID string  `json:"requestId"` // for the server's operators

	RetryAfter time.Duration `json:"-"` // from the header; 0 = not given
}

// Field is one place of the input that is wrong.
type Field struct {
	Where string `json:"where"`
	Why   string `json:"why"`
	Code  string `json:"code"` // which rule it breaks; "" where there is only one
}

func (p *Problem) Error() string {
	text := fmt.Sprintf("%d %s", p.Status, p.Code)
	if p.State != "" {
		text += " (" + p.State + ")"
	}
	if p.Detail != "" {
		text += ": " + p.Detail
	}
	return text
}

// CodeOf gives the code of a Problem in err, "" if there is none.
func CodeOf(err error) string {
	var p *Problem
	if errors.As(err, &p) {
		return p.Code
	}
	return ""
}

// maxBody bounds what is read of an answer that may come from anything between here and the server.
const maxBody = 64 << 10

// From reads an error answer. One that is no problem document, because a proxy or another server sent it, becomes a problem with the
// code "http" and none of its text.
func From(response *http.Response) *Problem {
	p := &Problem{}
	media, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	if err != nil || media != "application/problem+json" || json.Unmarshal(body, p) != nil || p.Code == "" {
		p = &Problem{Title: http.StatusText(response.StatusCode), Code: "http"}
	}
	p.Status = response.StatusCode // what counts is what HTTP said
	p.RetryAfter = retryAfter(response.Header.Get("Retry-After"))
	return p
}

func retryAfter(text string) time.Duration {
	seconds, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
