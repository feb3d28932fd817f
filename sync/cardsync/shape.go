package cardsync

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"sync"
	"unicode"
	"unicode/utf8"
)

// The JSON shape of a fact follows from its struct: fields in their order, names in camelCase, empty values left out. So a domain
// struct needs no tags and the shape no second struct. What guards it is golden_test: a renamed field is a changed contract and shows
// there, and phones in the field would read it no more.

// ErrShape means that an atom's JSON is not of the shape that its kind has. It never repeats what the atom holds.
var ErrShape = errors.New("cardsync: the atom does not have the shape of its kind")

// maxDepth bounds how deep an atom may nest. The deepest fact needs six.
const maxDepth = 16

// encode writes v in its shape.
func encode(v any) json.RawMessage {
	var b bytes.Buffer
	write(&b, reflect.ValueOf(v))
	return b.Bytes()
}

func write(b *bytes.Buffer, v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		b.WriteByte('{')
		comma := false
		names := fieldsOf(v.Type()).names
		for i := range v.NumField() {
			if empty(v.Field(i)) {
				continue
			}
			if comma {
				b.WriteByte(',')
			}
			comma = true
			b.WriteByte('"')
			b.WriteString(names[i])
			b.WriteString(`":`)
			write(b, v.Field(i))
		}
		b.WriteByte('}')
	case reflect.Slice:
		b.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				b.WriteByte(',')
			}
			write(b, v.Index(i))
		}
		b.WriteByte(']')
	case reflect.Pointer:
		write(b, v.Elem())
	case reflect.String:
		writeString(b, v.String())
	case reflect.Bool:
		b.WriteString(strconv.FormatBool(v.Bool()))
	case reflect.Int:
		b.WriteString(strconv.FormatInt(v.Int(), 10))
	default:
		panic("cardsync: a fact has a field of kind " + v.Kind().String() + ", which has no shape") // found by golden_test
	}
}

// writeString writes text as JSON without escaping what only HTML would need escaped.
func writeString(b *bytes.Buffer, s string) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // a string always encodes
	}
	b.Truncate(b.Len() - 1) // the encoder's line end
}

// empty reports a value that is left out: a slice counts by its length, so that nil and an empty one are the same fact. A
// pointer is written whenever it points, since "no" is an answer.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice:
		return v.Len() == 0
	case reflect.Struct:
		for i := range v.NumField() {
			if !empty(v.Field(i)) {
				return false
			}
		}
		return true
	}
	return v.IsZero()
}

// fieldName turns a Go name into a wire name: "OnsetText" gives "onsetText".
func fieldName(name string) string {
	r, n := utf8.DecodeRuneInString(name)
	return string(unicode.ToLower(r)) + name[n:]
}

// fields are the wire names of a struct's fields.
type fields struct {
	names  []string // by place
	places map[string]int
}

var knownFields sync.Map // reflect.Type -> fields

func fieldsOf(t reflect.Type) fields {
	if known, ok := knownFields.Load(t); ok {
		return known.(fields) //nolint:forcetypeassert // nothing else is kept there
	}
	f := fields{places: make(map[string]int, t.NumField())}
	for i := range t.NumField() {
		name := fieldName(t.Field(i).Name)
		f.names = append(f.names, name)
		f.places[name] = i
	}
	knownFields.Store(t, f)
	return f
}
