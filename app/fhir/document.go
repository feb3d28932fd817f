package fhir

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/medcard/medcard/domain/fault"
)

// The bounds of a document. A bundle of a busy patient's whole life has some 500,000 values.
const (
	MaxSize   = 16 << 20
	maxDepth  = 64
	maxValues = 1 << 20
)

// Why a document cannot be read at all.
var (
	ErrMalformed = fault.New(fault.Malformed, "fhir.malformed", "The body is not JSON as FHIR wants it.")
	ErrTooLarge  = fault.New(fault.TooLarge, "fhir.too_large", "The body is larger than 16 MiB or holds more than a million values: send it in parts.")
)

// kind is what a JSON value is.
type kind uint8

const (
	object kind = iota
	array
	text
	number
	boolean
	null
)

// node is one JSON value. It knows where it stands in the document, so that a part of it can be kept byte for byte.
type node struct {
	kind       kind
	text       string  // text: decoded; number, boolean: as written, so that 7.10 stays 7.10
	fields     []field // object, in the document's order
	items      []node  // array
	start, end int
}

type field struct {
	name  string
	value node
}

// get finds a field of an object; nil where there is none, and on nil.
func (n *node) get(name string) *node {
	if n == nil {
		return nil
	}
	for i := range n.fields {
		if n.fields[i].name == name {
			return &n.fields[i].value
		}
	}
	return nil
}

// parse reads one JSON document and nothing after it.
func parse(data []byte) (*node, error) {
	if len(data) > MaxSize {
		return nil, ErrTooLarge
	}
	if !utf8.Valid(data) {
		return nil, ErrMalformed.At("", "not UTF-8")
	}
	p := parser{data: data}
	var root node
	p.space()
	if p.value(&root, maxDepth) {
		p.space()
		if p.at < len(data) {
			p.fail("text after the end of the document")
		}
	}
	if p.err != nil {
		return nil, p.err
	}
	return &root, nil
}

// parser is a plain recursive descent. encoding/json would let duplicate names, lone surrogates and deep nesting through.
type parser struct {
	data   []byte
	at     int
	values int
	err    error
}

func (p *parser) fail(why string) bool {
	if p.err == nil {
		p.err = ErrMalformed.At(fmt.Sprintf("byte %d", p.at), why)
	}
	return false
}

func (p *parser) space() {
	for p.at < len(p.data) {
		switch p.data[p.at] {
		case ' ', '\t', '\r', '\n':
			p.at++
		default:
			return
		}
	}
}

// peek gives the next byte, 0 at the end: a NUL is no JSON either.
func (p *parser) peek() byte {
	if p.at < len(p.data) {
		return p.data[p.at]
	}
	return 0
}

func (p *parser) take(c byte) bool {
	if p.peek() != c {
		return false
	}
	p.at++
	return true
}

func (p *parser) value(n *node, depth int) (ok bool) {
	if depth == 0 {
		return p.fail("nested too deep")
	}
	if p.values++; p.values > maxValues {
		p.err = ErrTooLarge
		return false
	}
	n.start = p.at
	switch c := p.peek(); {
	case c == '{':
		n.kind, ok = object, p.object(n, depth)
	case c == '[':
		n.kind, ok = array, p.array(n, depth)
	case c == '"':
		n.kind = text
		n.text, ok = p.string()
	case c == '-' || c >= '0' && c <= '9':
		n.kind, ok = number, p.number()
		n.text = string(p.data[n.start:p.at])
	case c == 't':
		n.kind, n.text, ok = boolean, "true", p.word("true")
	case c == 'f':
		n.kind, n.text, ok = boolean, "false", p.word("false")
	case c == 'n':
		n.kind, ok = null, p.word("null")
	case p.at >= len(p.data):
		return p.fail("the document ends too early")
	default:
		return p.fail("not a JSON value")
	}
	n.end = p.at
	return ok
}

func (p *parser) word(w string) bool {
	if !strings.HasPrefix(string(p.data[p.at:min(p.at+len(w), len(p.data))]), w) {
		return p.fail("not a JSON value")
	}
	p.at += len(w)
	return true
}

func (p *parser) object(n *node, depth int) bool {
	p.at++
	p.space()
	if p.take('}') {
		return true
	}
	var seen map[string]bool
	for {
		if p.peek() != '"' {
			return p.fail("a name is missing")
		}
		name, ok := p.string()
		if !ok {
			return false
		}
		// Few fields are compared one by one; many would take the square of their number.
		if len(n.fields) == 16 {
			seen = make(map[string]bool, 64)
			for _, f := range n.fields {
				seen[f.name] = true
			}
		}
		if seen[name] || seen == nil && n.get(name) != nil {
			return p.fail("the same name stands twice in one object")
		}
		if seen != nil {
			seen[name] = true
		}
		p.space()
		if !p.take(':') {
			return p.fail("a colon is missing")
		}
		p.space()
		n.fields = append(n.fields, field{name: name})
		if !p.value(&n.fields[len(n.fields)-1].value, depth-1) {
			return false
		}
		p.space()
		if p.take('}') {
			return true
		}
		if !p.take(',') {
			return p.fail("a comma or a closing brace is missing")
		}
		p.space()
	}
}

func (p *parser) array(n *node, depth int) bool {
	p.at++
	p.space()
	if p.take(']') {
		return true
	}
	for {
		n.items = append(n.items, node{})
		if !p.value(&n.items[len(n.items)-1], depth-1) {
			return false
		}
		p.space()
		if p.take(']') {
			return true
		}
		if !p.take(',') {
			return p.fail("a comma or a closing bracket is missing")
		}
		p.space()
	}
}

func (p *parser) digits() bool {
	from := p.at
	for p.peek() >= '0' && p.peek() <= '9' {
		p.at++
	}
	return p.at > from
}

func (p *parser) number() bool {
	p.take('-')
	if !p.take('0') && !p.digits() {
		return p.fail("not a number")
	}
	if p.take('.') && !p.digits() {
		return p.fail("not a number")
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		p.at++
		if !p.take('+') {
			p.take('-')
		}
		if !p.digits() {
			return p.fail("not a number")
		}
	}
	return true
}

func (p *parser) string() (string, bool) {
	p.at++
	from := p.at
	for p.at < len(p.data) {
		switch c := p.data[p.at]; {
		case c == '"':
			s := string(p.data[from:p.at])
			p.at++
			return s, true
		case c == '\\':
			return p.escaped(from)
		case c < ' ':
			return "", p.fail("a control character inside a text")
		}
		p.at++
	}
	return "", p.fail("the document ends inside a text")
}

// escaped goes on where the first backslash of a text stands.
func (p *parser) escaped(from int) (string, bool) {
	var b strings.Builder
	b.Write(p.data[from:p.at])
	for p.at < len(p.data) {
		c := p.data[p.at]
		switch {
		case c == '"':
			p.at++
			return b.String(), true
		case c < ' ':
			return "", p.fail("a control character inside a text")
		case c != '\\':
			b.WriteByte(c)
			p.at++
			continue
		}
		p.at++
		c = p.peek()
		p.at++
		switch c {
		case '"', '\\', '/':
			b.WriteByte(c)
		case 'b':
			b.WriteByte('\b')
		case 'f':
			b.WriteByte('\f')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case 'u':
			r, ok := p.unit()
			if utf16.IsSurrogate(r) {
				low := rune(0)
				if ok = ok && p.take('\\') && p.take('u'); ok {
					low, ok = p.unit()
				}
				r = utf16.DecodeRune(r, low)
				ok = ok && r != utf8.RuneError
			}
			if !ok {
				return "", p.fail("a wrong \\u escape")
			}
			b.WriteRune(r)
		default:
			return "", p.fail("a wrong escape")
		}
	}
	return "", p.fail("the document ends inside a text")
}

// unit reads the four hexadecimal digits of a \u escape.
func (p *parser) unit() (rune, bool) {
	var r rune
	for range 4 {
		c := p.peek()
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
		p.at++
	}
	return r, true
}
