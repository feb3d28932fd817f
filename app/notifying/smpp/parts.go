package smpp

import (
	"strings"
	"unicode/utf16"
)

// The codings of a text, section 5.2.19.
const (
	standard = 0 // the centre's own alphabet: GSM 03.38, of which the characters in plain have the values of ASCII
	ucs2     = 8
)

// plain are the characters that GSM 03.38 has at the places of ASCII.
const plain = "\n\r !\"#%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// part is what travels as one message.
type part struct {
	coding  byte
	linked  bool // content begins with a header that says which part of which message it is
	content []byte
}

const mostParts = 255

// parts cuts a text as phones put it together again (3GPP TS 23.040, 9.2.3.24.1): ref is the same in all parts of one. No character is cut in two.
func parts(message string, ref byte) []part {
	coding, whole, each := byte(standard), 160, 153
	var units [][]byte
	if strings.Trim(message, plain) == "" {
		for i := range len(message) {
			units = append(units, []byte{message[i]})
		}
	} else {
		coding, whole, each = ucs2, 140, 134
		for _, r := range message {
			var u []byte
			for _, code := range utf16.AppendRune(nil, r) {
				u = append(u, byte(code>>8), byte(code))
			}
			units = append(units, u)
		}
	}
	var all [][]byte
	var content []byte
	size := 0
	for _, u := range units {
		size += len(u)
	}
	if size > whole {
		whole = each
	}
	for _, u := range units {
		if len(content)+len(u) > whole {
			all, content = append(all, content), nil
		}
		content = append(content, u...)
	}
	all = append(all, content)
	if len(all) == 1 {
		return []part{{coding: coding, content: content}}
	}
	if len(all) > mostParts {
		return nil
	}
	list := make([]part, len(all))
	for i, c := range all {
		list[i] = part{coding: coding, linked: true, content: append([]byte{5, 0, 3, ref, byte(len(all)), byte(i + 1)}, c...)}
	}
	return list
}
