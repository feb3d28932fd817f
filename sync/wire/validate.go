package wire

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/medcard/medcard/sync/vclock"
)

// validate checks what types cannot say, and brings values into their compact form.
func validate(request any) error {
	var err *FieldError
	switch r := request.(type) {
	case *DevicesRequest:
		err = r.validate()
	case *PullRequest:
		err = r.validate()
	case *PushRequest:
		err = r.validate()
	case *SyncRequest:
		err = r.validate()
	case *CheckRequest:
		err = r.validate()
	}
	if err != nil {
		return err // not a nil *FieldError in a non-nil error
	}
	return nil
}

func (r *DevicesRequest) validate() *FieldError {
	if r.Device != "" && !isID(r.Device) {
		return notID().in("device")
	}
	if len(r.Key) > MaxBody/64 {
		return wrong(ErrTooLarge, "is too long").in("key")
	}
	if strings.ContainsRune(r.Key, 0) { // which not every database keeps
		return wrong(ErrInvalid, "holds a NUL").in("key")
	}
	return eachCard(len(r.Cards), func(i int) (string, *FieldError) { return r.Cards[i].Card, nil })
}

func (r *PullRequest) validate() *FieldError {
	if !isID(r.Device) {
		return notID().in("device")
	}
	return eachCard(len(r.Cards), func(i int) (string, *FieldError) { return r.Cards[i].Card, r.Cards[i].validate() })
}

func (r *SyncRequest) validate() *FieldError {
	if !isID(r.Device) {
		return notID().in("device")
	}
	total := 0
	return eachCard(len(r.Cards), func(i int) (string, *FieldError) {
		c := &r.Cards[i]
		if err := c.validate(); err != nil {
			return c.Card, err
		}
		if total += len(c.Mutations); total > MaxMutations {
			return c.Card, wrong(ErrTooLarge, "too many in one request").in("mutations")
		}
		return c.Card, mutations(c.Mutations)
	})
}

func (r *PushRequest) validate() *FieldError {
	switch {
	case !isID(r.Device):
		return notID().in("device")
	case !isID(r.Card):
		return notID().in("card")
	case len(r.Epoch) > MaxToken:
		return wrong(ErrTooLarge, "is too long").in("epoch")
	case len(r.Mutations) > MaxMutations:
		return wrong(ErrTooLarge, "too many in one request").in("mutations")
	}
	return mutations(r.Mutations)
}

func (c *PullCard) validate() *FieldError {
	for _, f := range []struct{ name, value string }{
		{"epoch", c.Epoch}, {"cursor", c.Cursor}, {"at", c.At}, {"part", c.Part}, {"view", c.View}, {"low", c.Low},
	} {
		if len(f.value) > MaxToken {
			return wrong(ErrTooLarge, "is too long").in(f.name)
		}
	}
	return nil
}

// eachCard checks the cards of a request: some, not too many, none twice.
func eachCard(n int, card func(i int) (id string, err *FieldError)) *FieldError {
	if n == 0 {
		return wrong(ErrInvalid, "needs at least one").in("cards")
	}
	if n > MaxCards {
		return wrong(ErrTooLarge, "too many in one request").in("cards")
	}
	seen := make(map[string]bool, n)
	for i := range n {
		id, err := card(i)
		switch {
		case err != nil:
		case !isID(id):
			err = notID().in("card")
		case seen[id]:
			err = wrong(ErrInvalid, "is there twice").in("card")
		}
		if err != nil {
			return err.in("[" + strconv.Itoa(i) + "]").in("cards")
		}
		seen[id] = true
	}
	return nil
}

func mutations(list []Mutation) *FieldError {
	for i := range list {
		if err := list[i].validate(); err != nil {
			return err.in("[" + strconv.Itoa(i) + "]").in("mutations")
		}
	}
	return nil
}

func (m *Mutation) validate() *FieldError {
	switch m.Op {
	case OpCreate, OpPatch, OpDelete, OpResolve, OpCommand:
	default:
		return wrong(ErrInvalid, "is no operation").in("op")
	}
	switch {
	case m.N == 0 || m.N > vclock.MaxN:
		return wrong(ErrInvalid, "counts from 1").in("n")
	case !isID(m.ID):
		return notID().in("id")
	case !isName(m.Kind):
		return wrong(ErrInvalid, "is no name").in("kind")
	case len(m.At) > MaxToken:
		return wrong(ErrTooLarge, "is too long").in("at")
	case len(m.Epoch) > MaxToken:
		return wrong(ErrTooLarge, "is too long").in("epoch")
	case len(m.Atoms) > MaxAtoms:
		return wrong(ErrTooLarge, "too many in one mutation").in("atoms")
	case m.Op == OpDelete && len(m.Atoms) > 0:
		return wrong(ErrInvalid, "a delete has none").in("atoms")
	}
	for name, change := range m.Atoms {
		if !isName(name) {
			return wrong(ErrInvalid, "is no name").in(safe(name)).in("atoms")
		}
		if err := change.validate(); err != nil {
			return err.in(name).in("atoms")
		}
		var b bytes.Buffer
		if json.Compact(&b, change.V) != nil {
			return wrong(ErrMalformed, "is not JSON").in("v").in(name).in("atoms")
		}
		change.V = b.Bytes()
		m.Atoms[name] = change
	}
	return nil
}

func (c Change) validate() *FieldError {
	switch {
	case len(c.V) == 0:
		return wrong(ErrInvalid, "is missing").in("v")
	case len(c.V) > MaxValue:
		return wrong(ErrTooLarge, "is too long").in("v")
	case len(c.Seen) > MaxSeen:
		return wrong(ErrTooLarge, "too many").in("seen")
	}
	for i, d := range c.Seen {
		if d.N == 0 {
			return wrong(ErrInvalid, "names no write").in("[" + strconv.Itoa(i) + "]").in("seen")
		}
	}
	return nil
}

func notID() *FieldError { return wrong(ErrInvalid, "must be a UUID in lower case") }

// ValidID says whether s can be an id at all.
func ValidID(s string) bool { return isID(s) }

// isID says whether s is a UUID in canonical form.
func isID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
			return false
		}
	}
	return true
}

// isName says whether s is a name as kinds and atoms have them: camelCase, short.
func isName(s string) bool {
	if len(s) == 0 || len(s) > MaxName || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9') {
			return false
		}
	}
	return true
}
