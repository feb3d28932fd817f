package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"github.com/medcard/medcard/app/oauth"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
)

// statuses is the one table from a kind of fault to an HTTP status.
var statuses = map[fault.Kind]int{
	fault.Internal:        http.StatusInternalServerError,
	fault.Invalid:         http.StatusUnprocessableEntity,
	fault.Unauthenticated: http.StatusUnauthorized,
	fault.Denied:          http.StatusForbidden,
	fault.NotFound:        http.StatusNotFound,
	fault.Conflict:        http.StatusConflict,
	fault.Gone:            http.StatusGone,
	fault.Stale:           http.StatusPreconditionFailed,
	fault.Throttled:       http.StatusTooManyRequests,
	fault.Unavailable:     http.StatusServiceUnavailable,
	fault.Malformed:       http.StatusBadRequest,
	fault.TooLarge:        http.StatusRequestEntityTooLarge,
	fault.Unsupported:     http.StatusUnsupportedMediaType,
}

// StatusOf gives the HTTP status of a fault's kind.
func StatusOf(k fault.Kind) int {
	if s, ok := statuses[k]; ok {
		return s
	}
	return http.StatusInternalServerError
}

// Problem is the body of every error answer of our own API (RFC 9457, application/problem+json).
type Problem struct {
	Type      string         `json:"type" doc:"A URI of the kind of problem: urn:medcard:problem:<code>"`
	Title     string         `json:"title" doc:"The HTTP status in words"`
	Status    int            `json:"status" doc:"The HTTP status"`
	Code      string         `json:"code" doc:"A stable word to branch on"`
	Detail    string         `json:"detail,omitempty" doc:"What is wrong and what to do, in English"`
	State     string         `json:"state,omitempty" doc:"For conflicts: the state the thing is in"`
	Fields    []ProblemField `json:"fields,omitempty" doc:"Each place of the input that is wrong; values are never repeated"`
	RequestID string         `json:"requestId,omitempty" doc:"Tell it to our operators"`

	retryAfter int // seconds
}

// ProblemField is one place of the input that is wrong.
type ProblemField struct {
	Where string `json:"where" doc:"Path of the place, e.g. body.items[0].quantity"`
	Why   string `json:"why"`
	Code  string `json:"code,omitempty" doc:"Which rule it breaks, a stable word; absent where there is only one"`
}

// Error makes a Problem an error for huma.
func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

// GetStatus tells huma the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders tells huma what stands beside the body.
func (p *Problem) GetHeaders() http.Header {
	headers := http.Header{}
	if p.retryAfter > 0 {
		headers.Set("Retry-After", strconv.Itoa(p.retryAfter))
	}
	if p.Status == http.StatusUnauthorized {
		headers.Set("WWW-Authenticate", challenge(p.Code))
	}
	return headers
}

// proofErrors are the words of RFC 9449 for what is wrong with a proof.
var proofErrors = map[string]string{
	string(oauth.CodeProofMissing): "use_dpop_proof", string(oauth.CodeProof): "invalid_dpop_proof", string(oauth.CodeNonce): "use_dpop_nonce",
}

// challenge says how to be let in (RFC 6750 and RFC 9449).
func challenge(code string) string {
	if word, is := proofErrors[code]; is {
		return `DPoP error="` + word + `", algs="ES256"`
	}
	return `Bearer error="` + strings.ReplaceAll(code, `"`, "") + `"`
}

// ContentType tells huma the media type.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// ProblemOf is the public face of any error.
func ProblemOf(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	f := fault.From(err)
	if f.Kind == fault.Internal && errors.Is(err, context.DeadlineExceeded) {
		f = errTimeout.Because(err)
	}
	status := StatusOf(f.Kind)
	p = &Problem{Type: "urn:medcard:problem:" + string(f.Code), Title: http.StatusText(status), Status: status, Code: string(f.Code), Detail: f.Text, State: f.State}
	for _, field := range f.Fields {
		p.Fields = append(p.Fields, ProblemField{Where: field.Where, Why: field.Why, Code: string(field.Code)})
	}
	if f.RetryAfter > 0 {
		p.retryAfter = int(math.Ceil(f.RetryAfter.Seconds()))
	}
	return p
}

// Faults of the door itself.
var (
	errMalformed    = fault.New(fault.Malformed, "bad_json", "The body is not a JSON document of the expected shape.")
	errInvalid      = fault.New(fault.Invalid, "invalid_input", "Some of the input is not acceptable; fields tells where and why.")
	errUnknownField = fault.New(fault.Invalid, "unknown_field", "The input has a field that this operation does not know; fields tells where.")
	errTooLarge     = fault.New(fault.TooLarge, "body.too_large", "The body is larger than this operation takes.")
	errEncoding     = fault.New(fault.Unsupported, "encoding.unsupported", "Send the body plain or with Content-Encoding: gzip.")
	errBadEncoding  = fault.New(fault.Malformed, "encoding.broken", "The body says that it is gzip, but does not unpack.")
	errRequest      = fault.New(fault.Malformed, "request.malformed", "The request could not be read: it is no HTTP, or ended before all that it promised had come.")
	errSlow         = fault.New(fault.Malformed, "request.timeout", "The request took too long to arrive.")
	errHeaders      = fault.New(fault.TooLarge, "header.too_large", "The address and headers of the request are larger than 16 KiB.")
	errMediaType    = fault.New(fault.Unsupported, "media_type.unsupported", "This operation does not read that Content-Type.")
	errNoRoute      = fault.New(fault.NotFound, "route.not_found", "There is nothing at this address. /openapi.json lists what there is.")
	errMethod       = fault.New(fault.NotFound, "method.not_allowed", "This address does not take that method.")
	errTimeout      = fault.New(fault.Unavailable, "timeout", "The request took too long. Try again.")
	errNoToken      = fault.New(fault.Unauthenticated, "token.missing", "Send an access token: Authorization: Bearer <token>.")
	errNotForYou    = fault.New(fault.Denied, "actor.not_allowed", "This operation is not for your kind of account.")
	errSecondFactor = fault.New(fault.Denied, "second_factor.required", "Sign in with a second factor first.")
)

// humaProblem replaces huma's own error model, which would echo submitted values.
func humaProblem(status int, _ string, errs ...error) huma.StatusError {
	return problemFrom(status, errs)
}

// humaProblemIn does the same where the request is known.
func humaProblemIn(c huma.Context, status int, _ string, errs ...error) huma.StatusError {
	p := *problemFrom(status, errs)
	if c != nil {
		p.RequestID = requestID(c.Context())
	}
	return &p
}

func problemFrom(status int, errs []error) *Problem {
	var f *fault.Fault
	switch status {
	case http.StatusRequestEntityTooLarge:
		f = errTooLarge
	case http.StatusUnsupportedMediaType, http.StatusNotAcceptable:
		f = errMediaType
	case http.StatusUnprocessableEntity:
		f = errInvalid
		for _, err := range errs {
			var d *huma.ErrorDetail
			switch {
			case !errors.As(err, &d):
			case d.Location == "header."+purposeHeader:
				f = consent.ErrPurpose // as the acts say it, which ask for it where the schema does not
			case unknown(d) && f == errInvalid:
				f = errUnknownField
			}
		}
	case http.StatusBadRequest:
		f = errMalformed
	default:
		if status >= http.StatusInternalServerError {
			return ProblemOf(errors.Join(errs...))
		}
		f = fault.New(fault.Invalid, "invalid_input", http.StatusText(status))
	}
	for _, err := range errs {
		var d *huma.ErrorDetail
		if errors.As(err, &d) && d.Location != "" {
			f = f.At(whereOf(d), whyOf(d))
		}
	}
	return ProblemOf(f)
}

func unknown(d *huma.ErrorDetail) bool {
	return d.Message == "unexpected property" || d.Message == "unknown query parameter"
}

// whereOf is the place of an error. An unknown field was named by whoever sent it.
func whereOf(d *huma.ErrorDetail) string {
	if unknown(d) {
		return placeOf(d.Location)
	}
	return d.Location
}

// whyOf is huma's reason without what it may quote of the input: the tail of some messages, and all that a parser says.
func whyOf(d *huma.ErrorDetail) string {
	why, _, _ := strings.Cut(d.Message, ": ")
	if unknown(d) || strings.HasPrefix(why, "expected ") || strings.HasPrefix(why, "required ") {
		return why
	}
	return "cannot be read"
}

// aName is a name as programmers give them, perhaps with the number of an element. What else stands where a name should may be a
// patient's.
var aName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,39}(\[[0-9]{1,6}\])*$`)

// placeOf gives a path back as far as it consists of plausible names.
func placeOf(path string) string {
	names := strings.Split(path, ".")
	for i, name := range names {
		if !aName.MatchString(name) {
			return strings.Join(append(names[:i:i], "?"), ".")
		}
	}
	return path
}

// fail is Fiber's error handler: what no handler answered, panics included, leaves as a problem document too.
func (a *API) fail(c *fiber.Ctx, err error) error {
	var fe *fiber.Error
	if errors.As(err, &fe) {
		switch fe.Code {
		case fiber.StatusNotFound:
			err = errNoRoute
		case fiber.StatusMethodNotAllowed:
			err = under(fe.Code, errMethod)
		case fiber.StatusRequestEntityTooLarge:
			err = errTooLarge
		case fiber.StatusRequestHeaderFieldsTooLarge:
			err = under(fe.Code, errHeaders)
		case fiber.StatusRequestTimeout:
			err = under(fe.Code, errSlow)
		default: // 502 is what Fiber makes of a connection that broke while it read
			if fe.Code < http.StatusInternalServerError || fe.Code == fiber.StatusBadGateway {
				err = errRequest
			}
		}
	}
	if requestID(c.UserContext()) == "" { // it was refused before it came to observe
		started, id := a.clock(), a.introduce(c)
		defer func() { a.measure(c, id, started) }()
	}
	if path := c.Path(); a.fhirProblem != nil && (path == fhirBase || strings.HasPrefix(path, fhirBase+"/")) {
		return a.fhirProblem(c, ProblemOf(err), err)
	}
	return a.writeProblem(c, ProblemOf(err), err)
}

// under is a problem with a status of its own.
func under(status int, f *fault.Fault) *Problem {
	p := ProblemOf(f)
	p.Status, p.Title = status, http.StatusText(status)
	return p
}

func (a *API) writeProblem(c *fiber.Ctx, p *Problem, cause error) error {
	own := a.noteProblem(c, p, cause)
	body, err := json.Marshal(own)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "application/problem+json")
	return c.Status(own.Status).Send(body)
}

// noteProblem does what an error asks for in any format: the log hears of what is our mistake, the headers say when to come back
// and that a token is missing. It gives the problem with the request's id.
func (a *API) noteProblem(c *fiber.Ctx, p *Problem, cause error) Problem {
	own := *p
	own.RequestID = requestID(c.UserContext())
	if own.Status >= http.StatusInternalServerError && own.Status != http.StatusServiceUnavailable {
		a.log.Error("request failed", "request", own.RequestID, "route", c.Route().Path, "cause", describe(cause))
	}
	for name := range own.GetHeaders() {
		c.Set(name, own.GetHeaders().Get(name))
	}
	return own
}

// describe names an internal error for the log by the types in its chain, because its text may hold a patient's data. What
// the store and the crafts say of themselves (errors that start with their package's name) is safe and kept.
func describe(err error) string {
	var words []string
	for e := err; e != nil; e = errors.Unwrap(e) {
		if text := e.Error(); strings.HasPrefix(text, "store: ") || strings.HasPrefix(text, "keys: ") || strings.HasPrefix(text, "panic") {
			words = append(words, text)
			break
		}
		words = append(words, fmt.Sprintf("%T", e))
	}
	return strings.Join(words, " <- ")
}
