package fhir

import (
	"encoding/base64"
	"regexp"
	"strconv"
	"strings"

	"github.com/medcard/medcard/domain/card"
)

// maxText is how long a text may be, by R4's own rule for its type string.
const maxText = 1 << 20

// formats holds R4's regular expressions of its primitive types (https://hl7.org/fhir/R4/datatypes.html), but for those that are
// plain enough to be checked by hand: they are most of a document. Dates are checked against the calendar as well.
var formats = map[string]*regexp.Regexp{
	"id":       regexp.MustCompile(`^[A-Za-z0-9\-\.]{1,64}$`),
	"oid":      regexp.MustCompile(`^urn:oid:[0-2](\.(0|[1-9][0-9]*))+$`),
	"uuid":     regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`),
	"date":     regexp.MustCompile(`^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[1-2][0-9]|3[0-1]))?)?$`),
	"dateTime": regexp.MustCompile(`^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[1-2][0-9]|3[0-1])(T` + clock + zone + `)?)?)?$`),
	"instant":  regexp.MustCompile(`^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[1-2][0-9]|3[0-1])T` + clock + zone + `$`),
	"time":     regexp.MustCompile(`^` + clock + `$`),
	"xhtml":    regexp.MustCompile(`^\s*<div[\s>]`),
}

const (
	clock = `([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?`
	zone  = `(Z|(\+|-)((0[0-9]|1[0-3]):[0-5][0-9]|14:00))`
)

// checkPrimitive says why a value is none of the primitive type; "" where it is one. It never repeats the value.
func checkPrimitive(kind string, n *node) (why string) {
	switch kind {
	case "boolean":
		if n.kind != boolean {
			return "expected true or false"
		}
		return ""
	case "integer", "positiveInt", "unsignedInt":
		if n.kind != number {
			return "expected a number"
		}
		i, err := strconv.ParseInt(n.text, 10, 32) // also refuses a fraction and an exponent
		if err != nil || kind == "unsignedInt" && i < 0 || kind == "positiveInt" && i < 1 {
			return "expected a number of type " + kind
		}
		return ""
	case "decimal":
		if n.kind != number {
			return "expected a number"
		}
		return ""
	}
	if n.kind != text {
		return "expected a text"
	}
	if n.text == "" {
		return "a text is never empty"
	}
	if len(n.text) > maxText && kind != "base64Binary" && kind != "xhtml" {
		return "the text is longer than 1 MiB"
	}
	if strings.ContainsFunc(n.text, func(r rune) bool { return r < ' ' && r != '\t' && r != '\r' && r != '\n' }) {
		return "a control character"
	}
	if kind == "base64Binary" {
		packed := strings.Map(func(r rune) rune {
			if strings.ContainsRune(" \t\r\n", r) {
				return -1
			}
			return r
		}, n.text)
		if _, err := base64.StdEncoding.DecodeString(packed); err != nil {
			return "not base64"
		}
		return ""
	}
	var ok bool
	switch kind {
	case "string", "markdown":
		return ""
	case "uri", "url", "canonical":
		ok = !strings.ContainsAny(n.text, spaces)
	case "code":
		ok = single(n.text)
	default:
		ok = formats[kind].MatchString(n.text)
	}
	if !ok {
		return "not of the format that R4 gives to " + kind
	}
	switch kind {
	case "date", "dateTime", "instant":
		if card.Date(n.text).Precision() == card.Unknown {
			return "no such day in the calendar"
		}
	}
	return ""
}

// spaces are those that R4's \s means and that are no control characters refused already.
const spaces = " \t\r\n"

// single reports words with one space between each two and none around.
func single(text string) bool {
	for i := range len(text) {
		if strings.IndexByte(spaces, text[i]) >= 0 && (i == 0 || i == len(text)-1 || strings.IndexByte(spaces, text[i+1]) >= 0) {
			return false
		}
	}
	return true
}
