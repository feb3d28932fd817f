package cardsync

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"unicode/utf8"
)

// strictness says what to do with a field that the struct does not have.
type strictness bool

const (
	strict  strictness = true  // refuse: the sender is a stranger
	lenient strictness = false // skip: the sender is a newer server
)

// decode fills the struct that into points to. The server reads each edit with it and a phone each fact that it looks for words in,
// so it does not go through the tokens of the standard decoder, which took longer than all else that is done with a fact.
func decode(data []byte, into any, s strictness) error {
	if !utf8.Valid(data) {
		return fmt.Errorf("%w: not UTF-8", ErrShape)
	}
	if !json.Valid(data) {
		return fmt.Errorf("%w: not JSON", ErrShape) // never the decoder's own error: it may quote the input
	}
	r := reader{b: data, strict: bool(s)}
	return r.value(reflect.ValueOf(into).Elem(), maxDepth)
}

// reader goes over bytes that are known to be valid JSON: so it need not look for their end.
type reader struct {
	b      []byte
	i      int
	strict bool
}

// next skips white space and gives the byte that follows, without taking it.
func (r *reader) next() byte {
	for r.b[r.i] == ' ' || r.b[r.i] == '\t' || r.b[r.i] == '\n' || r.b[r.i] == '\r' {
		r.i++
	}
	return r.b[r.i]
}

func (r *reader) value(v reflect.Value, depth int) error {
	if depth == 0 {
		return fmt.Errorf("%w: nested too deep", ErrShape)
	}
	c := r.next()
	switch v.Kind() {
	case reflect.Struct:
		if c == '{' {
			return r.fields(v, depth)
		}
	case reflect.Slice:
		if c == '[' {
			return r.elements(v, depth)
		}
	case reflect.Pointer:
		if c == '{' && v.Type().Elem().Kind() == reflect.Struct || (c == 't' || c == 'f') && v.Type().Elem().Kind() == reflect.Bool {
			v.Set(reflect.New(v.Type().Elem()))
			return r.value(v.Elem(), depth)
		}
	case reflect.String:
		if c == '"' {
			text, err := r.text()
			v.SetString(text)
			return err
		}
	case reflect.Bool:
		if c == 't' || c == 'f' {
			r.scalar()
			v.SetBool(c == 't')
			return nil
		}
	case reflect.Int:
		if c == '-' || '0' <= c && c <= '9' {
			n, err := strconv.ParseInt(string(r.scalar()), 10, 64)
			if err == nil {
				v.SetInt(n)
				return nil
			}
		}
	}
	return fmt.Errorf("%w: a value of the wrong type", ErrShape)
}

func (r *reader) elements(v reflect.Value, depth int) error {
	r.i++ // [
	for r.next() != ']' {
		element := reflect.New(v.Type().Elem()).Elem()
		if err := r.value(element, depth-1); err != nil {
			return err
		}
		v.Set(reflect.Append(v, element))
		r.comma()
	}
	r.i++
	return nil
}

func (r *reader) fields(v reflect.Value, depth int) error {
	known := fieldsOf(v.Type())
	seen := make(map[string]bool, len(known.names))
	r.i++ // {
	for r.next() != '}' {
		name, err := r.text()
		if err != nil {
			return err
		}
		if seen[name] {
			return fmt.Errorf("%w: a field stands there twice", ErrShape)
		}
		seen[name] = true
		r.next()
		r.i++ // :
		field, found := known.places[name]
		switch {
		case found:
			if err := r.value(v.Field(field), depth-1); err != nil {
				return err
			}
		case r.strict:
			return fmt.Errorf("%w: an unknown field", ErrShape)
		default:
			r.skip()
		}
		r.comma()
	}
	r.i++
	return nil
}

// comma takes the comma behind an element, if another one follows.
func (r *reader) comma() {
	if r.next() == ',' {
		r.i++
	}
}

// quoted takes a string, quotes included; escaped says that there is something in it to be undone.
func (r *reader) quoted() (raw []byte, escaped bool) {
	r.next()
	start := r.i
	for r.i++; r.b[r.i] != '"'; r.i++ {
		if r.b[r.i] == '\\' {
			r.i++
			escaped = true
		}
	}
	r.i++
	return r.b[start:r.i], escaped
}

func (r *reader) text() (text string, err error) {
	raw, escaped := r.quoted()
	if !escaped {
		return string(raw[1 : len(raw)-1]), nil
	}
	if json.Unmarshal(raw, &text) != nil {
		return "", fmt.Errorf("%w: not JSON", ErrShape)
	}
	return text, nil
}

// scalar takes a number, or a word.
func (r *reader) scalar() []byte {
	start := r.i
	for ; r.i < len(r.b); r.i++ {
		switch r.b[r.i] {
		case ',', '}', ']', ' ', '\t', '\n', '\r':
			return r.b[start:r.i]
		}
	}
	return r.b[start:]
}

// skip takes a value of any kind.
func (r *reader) skip() {
	for depth := 0; ; {
		switch r.next() {
		case '"':
			r.quoted()
		case '{', '[':
			depth++
			r.i++
		case '}', ']':
			depth--
			r.i++
		case ',', ':':
			r.i++
			continue // within something: the value is not over
		default:
			r.scalar()
		}
		if depth == 0 {
			return
		}
	}
}
