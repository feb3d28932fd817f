package medcard

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone"
	"github.com/medcard/medcard/sync/cardsync"
)

// The JSON of this package; doc.go describes it for those who read it.

type pageShape struct {
	Entries    []entryShape `json:"entries"`
	Next       string       `json:"next,omitempty"`
	Locked     []string     `json:"locked,omitempty"`
	Unreadable int          `json:"unreadable,omitempty"`
	Empty      string       `json:"empty,omitempty"`
}

type entryShape struct {
	ID       string            `json:"id"`
	Kind     string            `json:"kind"`
	Scope    string            `json:"scope,omitempty"`
	When     *int64            `json:"when,omitempty"`
	Pending  bool              `json:"pending,omitempty"`
	Fact     json.RawMessage   `json:"fact"`
	Siblings []json.RawMessage `json:"siblings,omitempty"`
}

type commentShape struct {
	Text        string            `json:"text"`
	About       string            `json:"about,omitempty"`
	Written     string            `json:"written,omitempty"`
	Attachments []attachmentShape `json:"attachments,omitempty"`
}

type measurementShape struct {
	Systolic    int               `json:"systolic"`
	Diastolic   int               `json:"diastolic"`
	Pulse       int               `json:"pulse,omitempty"`
	Unit        string            `json:"unit,omitempty"`
	At          string            `json:"at,omitempty"`
	Attachments []attachmentShape `json:"attachments,omitempty"`
}

type meShape struct {
	Account   string         `json:"account"`
	Phone     string         `json:"phone"`
	Email     string         `json:"email"`
	Language  string         `json:"language"`
	Recipient bool           `json:"recipient"`
	Cards     []myCardShape  `json:"cards"`
	Waiting   []string       `json:"waiting"`
	Missing   []missingShape `json:"missing"`
}

type myCardShape struct {
	ID   string `json:"id"`
	Role string `json:"role"`
}

type missingShape struct {
	Code     string `json:"code"`
	Detail   string `json:"detail"`
	Document string `json:"document,omitempty"`
}

// marshal writes JSON without escaping what only HTML would need escaped.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// unmarshal reads JSON of the app's, which knows no fields that we do not: one too many is a slip of the pen there.
func unmarshal(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return errArgument // never err: it may quote the text
	}
	if _, err := d.Token(); err != io.EOF {
		return errArgument
	}
	return nil
}

// factJSON writes a fact in the shape that it has everywhere, see sync/cardsync.
func factJSON(fact card.Fact) (json.RawMessage, error) {
	if fact == nil {
		return nil, nil
	}
	switch f := fact.(type) {
	case card.Comment:
		return marshal(commentShape{Text: f.Text, About: string(f.About), Written: string(f.Written), Attachments: attachmentShapes(f.Attachments)})
	case card.Measurement:
		return marshal(measurementShape{
			Systolic: f.Systolic, Diastolic: f.Diastolic, Pulse: f.Pulse, Unit: f.Unit, At: string(f.At), Attachments: attachmentShapes(f.Attachments),
		})
	}
	for _, atom := range cardsync.Atoms(fact) { // all others are one atom
		return atom, nil
	}
	return nil, nil
}

type hitShape struct {
	Title   string `json:"title"`
	Snippet string `json:"snippet,omitempty"`
}

func hitJSON(h phone.Hit) (json.RawMessage, error) { return marshal(hitShape(h)) }

// factOf reads a fact that a person may write.
func factOf(kind card.Kind, text []byte) (card.Fact, error) {
	switch kind {
	case card.KindComment:
		var s commentShape
		err := unmarshal(text, &s)
		return card.Comment{Text: s.Text, About: card.RecordID(s.About), Written: card.Date(s.Written), Attachments: attachmentsOf(s.Attachments)}, err
	case card.KindMeasurement:
		var s measurementShape
		err := unmarshal(text, &s)
		return card.Measurement{
			Systolic: s.Systolic, Diastolic: s.Diastolic, Pulse: s.Pulse, Unit: s.Unit, At: card.Date(s.At), Attachments: attachmentsOf(s.Attachments),
		}, err
	}
	return nil, fmt.Errorf("%w: %s", phone.ErrReadOnly, kind)
}

// pageJSON writes a page; write gives the JSON of what its entries hold.
func pageJSON[F any](p phone.Page[F], write func(F) (json.RawMessage, error)) ([]byte, error) {
	shape := pageShape{Entries: make([]entryShape, len(p.Entries)), Next: p.Next, Locked: texts(p.Locked), Unreadable: p.Unreadable, Empty: string(p.Empty)}
	for i, e := range p.Entries {
		var err error
		if shape.Entries[i], err = entryOf(e, write); err != nil {
			return nil, err
		}
	}
	return marshal(shape)
}

func entryOf[F any](e phone.Entry[F], write func(F) (json.RawMessage, error)) (entryShape, error) {
	shape := entryShape{ID: string(e.ID), Kind: string(e.Kind), Scope: string(e.Scope), Pending: e.Pending}
	if !e.When.IsZero() {
		when := millis(e.When) // a pointer: 1970 is a year in which people were vaccinated
		shape.When = &when
	}
	var err error
	if shape.Fact, err = write(e.Fact); err != nil {
		return shape, err
	}
	for _, sibling := range e.Siblings {
		text, err := write(sibling)
		if err != nil {
			return shape, err
		}
		shape.Siblings = append(shape.Siblings, text)
	}
	return shape, nil
}

func entryJSON[F any](e phone.Entry[F], write func(F) (json.RawMessage, error)) ([]byte, error) {
	shape, err := entryOf(e, write)
	if err != nil {
		return nil, err
	}
	return marshal(shape)
}

// texts makes plain strings, and never null.
func texts[S ~string](list []S) []string {
	plain := make([]string, len(list))
	for i, s := range list {
		plain[i] = string(s)
	}
	return plain
}

// millis is a moment as Java and JavaScript count it; 0 = none.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// moment is the reverse.
func moment(milliseconds int64) time.Time {
	if milliseconds == 0 {
		return time.Time{}
	}
	return time.UnixMilli(milliseconds).UTC()
}
