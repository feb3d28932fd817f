package cardsync

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
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
		for i := range v.NumField() {
			if empty(v.Field(i)) {
				continue
			}
			if comma {
				b.WriteByte(',')
			}
			comma = true
			b.WriteString(strconv.Quote(fieldName(v.Type().Field(i).Name)))
			b.WriteByte(':')
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

// strictness says what to do with a field that the struct does not have.
type strictness bool

const (
	strict  strictness = true  // refuse: the sender is a stranger
	lenient strictness = false // skip: the sender is a newer server
)

// decode fills the struct that into points to.
func decode(data []byte, into any, s strictness) error {
	if !utf8.Valid(data) {
		return fmt.Errorf("%w: not UTF-8", ErrShape)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := read(d, reflect.ValueOf(into).Elem(), s, maxDepth); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("%w: text after the end", ErrShape)
	}
	return nil
}

func read(d *json.Decoder, v reflect.Value, s strictness, depth int) error {
	token, err := d.Token()
	if err != nil {
		return fmt.Errorf("%w: not JSON", ErrShape) // never err: it may quote the input
	}
	if depth == 0 {
		return fmt.Errorf("%w: nested too deep", ErrShape)
	}
	switch v.Kind() {
	case reflect.Struct:
		if token != json.Delim('{') {
			break
		}
		return readFields(d, v, s, depth)
	case reflect.Slice:
		if token != json.Delim('[') {
			break
		}
		for d.More() {
			element := reflect.New(v.Type().Elem()).Elem()
			if err := read(d, element, s, depth-1); err != nil {
				return err
			}
			v.Set(reflect.Append(v, element))
		}
		return end(d)
	case reflect.Pointer:
		if yes, ok := token.(bool); ok && v.Type().Elem().Kind() == reflect.Bool {
			v.Set(reflect.New(v.Type().Elem()))
			v.Elem().SetBool(yes)
			return nil
		}
		if token == json.Delim('{') && v.Type().Elem().Kind() == reflect.Struct {
			v.Set(reflect.New(v.Type().Elem()))
			return readFields(d, v.Elem(), s, depth)
		}
	case reflect.String:
		if text, ok := token.(string); ok {
			v.SetString(text)
			return nil
		}
	case reflect.Bool:
		if yes, ok := token.(bool); ok {
			v.SetBool(yes)
			return nil
		}
	case reflect.Int:
		if number, ok := token.(json.Number); ok {
			if n, err := strconv.ParseInt(number.String(), 10, 64); err == nil {
				v.SetInt(n)
				return nil
			}
		}
	}
	return fmt.Errorf("%w: a value of the wrong type", ErrShape)
}

func readFields(d *json.Decoder, v reflect.Value, s strictness, depth int) error {
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return fmt.Errorf("%w: not JSON", ErrShape)
		}
		name := token.(string) //nolint:forcetypeassert // the decoder gives nothing else as a name
		if seen[name] {
			return fmt.Errorf("%w: a field stands there twice", ErrShape)
		}
		seen[name] = true
		field := fieldOf(v, name)
		if field.IsValid() {
			if err := read(d, field, s, depth-1); err != nil {
				return err
			}
			continue
		}
		if s == strict {
			return fmt.Errorf("%w: an unknown field", ErrShape)
		}
		var skipped json.RawMessage
		if err := d.Decode(&skipped); err != nil {
			return fmt.Errorf("%w: not JSON", ErrShape)
		}
	}
	return end(d)
}

// fieldOf finds the field of a wire name, exactly: "Status" and "STATUS" are no names.
func fieldOf(v reflect.Value, name string) reflect.Value {
	if name == "" || strings.ToLower(name[:1]) != name[:1] {
		return reflect.Value{}
	}
	for i := range v.NumField() {
		if fieldName(v.Type().Field(i).Name) == name {
			return v.Field(i)
		}
	}
	return reflect.Value{}
}

func end(d *json.Decoder) error {
	if _, err := d.Token(); err != nil {
		return fmt.Errorf("%w: not JSON", ErrShape)
	}
	return nil
}
