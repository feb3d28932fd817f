package wire

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"sync"
)

// The standard decoder takes members in any case, lets the last of two win, turns null into zero, and quotes values in its
// errors. So a body is walked once against the Go type before it is decoded: the walk only looks, and it runs on bytes
// that are known to be valid JSON, which keeps it short.

type kind uint8

const (
	aRaw kind = iota
	anObject
	aMap
	anArray
	aString
	aText // a string that its type reads itself
	aNumber
	aBool
)

// shape is what the walk knows of a Go type.
type shape struct {
	kind   kind
	elem   *shape            // of arrays and maps
	fields map[string]*shape // of objects
	limit  uint64            // of numbers
	text   reflect.Type      // of texts
}

var (
	shapes   sync.Map // reflect.Type -> *shape
	rawType  = reflect.TypeFor[json.RawMessage]()
	textType = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// check walks the body against the type that into points to.
func check(body []byte, into any) error {
	w := walker{b: body}
	if err := w.value(shapeOf(reflect.TypeOf(into).Elem()), 0); err != nil {
		return err
	}
	return nil
}

func shapeOf(t reflect.Type) *shape {
	if known, ok := shapes.Load(t); ok {
		return known.(*shape)
	}
	made := makeShape(t)
	shapes.Store(t, made)
	return made
}

func makeShape(t reflect.Type) *shape {
	switch {
	case t == rawType:
		return &shape{kind: aRaw}
	case reflect.PointerTo(t).Implements(textType):
		return &shape{kind: aText, text: t}
	}
	switch t.Kind() {
	case reflect.Struct:
		s := &shape{kind: anObject, fields: map[string]*shape{}}
		for f := range fieldsOf(t) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			s.fields[name] = shapeOf(f.Type)
		}
		return s
	case reflect.Map:
		return &shape{kind: aMap, elem: shapeOf(t.Elem())}
	case reflect.Slice:
		return &shape{kind: anArray, elem: shapeOf(t.Elem())}
	case reflect.String:
		return &shape{kind: aString}
	case reflect.Bool:
		return &shape{kind: aBool}
	case reflect.Uint32:
		return &shape{kind: aNumber, limit: 1<<32 - 1}
	case reflect.Int:
		return &shape{kind: aNumber, limit: 1<<31 - 1}
	case reflect.Uint64:
		return &shape{kind: aNumber, limit: 1<<53 - 1}
	}
	panic("wire: a request cannot hold a " + t.String())
}

// fieldsOf goes over the members of a struct, those of embedded structs included.
func fieldsOf(t reflect.Type) func(yield func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for _, f := range reflect.VisibleFields(t) {
			if !f.Anonymous && !yield(f) {
				return
			}
		}
	}
}

// walker goes over valid JSON.
type walker struct {
	b []byte
	i int
}

// next skips white space and returns the byte that follows, without taking it.
func (w *walker) next() byte {
	for w.b[w.i] == ' ' || w.b[w.i] == '\t' || w.b[w.i] == '\n' || w.b[w.i] == '\r' {
		w.i++
	}
	return w.b[w.i]
}

func (w *walker) value(s *shape, depth int) *FieldError {
	if depth > MaxDepth {
		return wrong(ErrTooLarge, "nested too deeply")
	}
	c := w.next()
	switch s.kind {
	case aRaw:
		return w.any(depth)
	case anObject, aMap:
		if c != '{' {
			return wrong(ErrInvalid, "must be an object")
		}
		return w.object(s, depth)
	case anArray:
		if c != '[' {
			return wrong(ErrInvalid, "must be a list")
		}
		return w.array(s.elem, depth)
	case aString, aText:
		if c != '"' {
			return wrong(ErrInvalid, "must be a string")
		}
		text := w.str()
		if s.kind == aText && reflect.New(s.text).Interface().(encoding.TextUnmarshaler).UnmarshalText(text) != nil {
			return wrong(ErrInvalid, "must be in canonical form")
		}
	case aNumber:
		n, err := strconv.ParseUint(string(w.scalar()), 10, 64)
		if err != nil || n > s.limit {
			return wrong(ErrInvalid, "must be a whole number within its bounds")
		}
	case aBool:
		if c != 't' && c != 'f' {
			return wrong(ErrInvalid, "must be true or false")
		}
		w.scalar()
	}
	return nil
}

// any walks a value of any shape: bounded in depth, no member twice.
func (w *walker) any(depth int) *FieldError {
	switch {
	case depth > MaxDepth:
		return wrong(ErrTooLarge, "nested too deeply")
	case w.next() == '{':
		return w.object(nil, depth)
	case w.b[w.i] == '[':
		return w.array(&shape{kind: aRaw}, depth)
	case w.b[w.i] == '"':
		w.str()
	default:
		w.scalar()
	}
	return nil
}

// object walks the members; s is nil where any are allowed.
func (w *walker) object(s *shape, depth int) *FieldError {
	w.i++ // {
	var few [16]string
	seen := few[:0]
	var many map[string]bool
	for w.next() != '}' {
		if w.b[w.i] == ',' {
			w.i++
			w.next()
		}
		name := w.name()
		if len(seen) == len(few) && many == nil {
			many = make(map[string]bool, 64)
			for _, s := range seen {
				many[s] = true
			}
		}
		if twice(seen, many, name) {
			return wrong(ErrInvalid, "is there twice").in(safe(name))
		}
		if many != nil {
			many[name] = true
		} else {
			seen = append(seen, name)
		}
		w.next()
		w.i++ // :
		elem := &shape{kind: aRaw}
		switch {
		case s == nil:
		case s.kind == aMap:
			elem = s.elem
		default:
			known, ok := s.fields[name]
			if !ok {
				return wrong(ErrUnknownField, "is not known here").in(safe(name))
			}
			elem = known
		}
		if err := w.value(elem, depth+1); err != nil {
			return err.in(safe(name))
		}
	}
	w.i++ // }
	return nil
}

func twice(seen []string, many map[string]bool, name string) bool {
	if many != nil {
		return many[name]
	}
	for _, s := range seen {
		if s == name {
			return true
		}
	}
	return false
}

func (w *walker) array(elem *shape, depth int) *FieldError {
	w.i++ // [
	for n := 0; w.next() != ']'; n++ {
		if w.b[w.i] == ',' {
			w.i++
		}
		if err := w.value(elem, depth+1); err != nil {
			return err.in("[" + strconv.Itoa(n) + "]")
		}
	}
	w.i++ // ]
	return nil
}

// name takes a member's name, escapes undone: "\u0061" is "a" to every decoder.
func (w *walker) name() string {
	start := w.i
	text := w.str()
	for _, c := range text {
		if c == '\\' {
			var name string
			if json.Unmarshal(w.b[start:w.i], &name) == nil {
				return name
			}
		}
	}
	return string(text)
}

// str takes a string and returns what stands between its quotes, as it stands there.
func (w *walker) str() []byte {
	w.i++
	start := w.i
	for w.b[w.i] != '"' {
		if w.b[w.i] == '\\' {
			w.i++
		}
		w.i++
	}
	w.i++
	return w.b[start : w.i-1]
}

// scalar takes a number or a word; anything else is taken as nothing.
func (w *walker) scalar() []byte {
	start := w.i
	for w.i < len(w.b) {
		switch c := w.b[w.i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c == '-', c == '+', c == '.', c == 'E':
			w.i++
			continue
		}
		break
	}
	return w.b[start:w.i]
}

// safe is a member's name as it may stand in an error: names come from outside too, and one might hold anything.
func safe(name string) string {
	if len(name) == 0 || len(name) > MaxName {
		return "?"
	}
	for i := range len(name) {
		c := name[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '$') {
			return "?"
		}
	}
	return name
}
