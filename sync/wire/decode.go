package wire

import (
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// What a body is refused with. Errors that name a place are a *FieldError around one of these; none repeats a value.
var (
	ErrMalformed    = errors.New("wire: not well-formed JSON")
	ErrTooLarge     = errors.New("wire: over a limit")
	ErrUnknownField = errors.New("wire: unknown field")
	ErrInvalid      = errors.New("wire: invalid value")
)

// FieldError says where a body is wrong, and by which rule, never with what.
type FieldError struct {
	Path string // "cards[0].mutations[2].atoms.note.seen"
	Why  string // fixed text
	Err  error  // one of the sentinels
}

// Error gives place and rule.
func (e *FieldError) Error() string { return e.Err.Error() + " at " + e.Path + ": " + e.Why }

// Unwrap gives the sentinel.
func (e *FieldError) Unwrap() error { return e.Err }

// in puts a step before the path, on the way out of a nested place.
func (e *FieldError) in(step string) *FieldError {
	switch {
	case e.Path == "":
		e.Path = step
	case e.Path[0] == '[':
		e.Path = step + e.Path
	default:
		e.Path = step + "." + e.Path
	}
	return e
}

func wrong(err error, why string) *FieldError { return &FieldError{Err: err, Why: why} }

// Request is a body that the server reads.
type Request interface {
	DevicesRequest | PullRequest | PushRequest | SyncRequest | CheckRequest
}

// Decode reads a request strictly: within the limits, every member known and there once, of the right type, and values in
// their compact form, so that equal ones are equal bytes. Numbers are whole and fit into a double.
func Decode[T Request](body []byte) (T, error) {
	var out T
	switch {
	case len(body) > MaxBody:
		return out, ErrTooLarge
	case !utf8.Valid(body), !json.Valid(body):
		return out, ErrMalformed
	}
	if err := check(body, &out); err != nil {
		return out, err
	}
	if err := json.Unmarshal(body, &out); err != nil {
		return out, ErrMalformed // its text may hold values
	}
	if err := validate(&out); err != nil {
		var none T
		return none, err
	}
	return out, nil
}
