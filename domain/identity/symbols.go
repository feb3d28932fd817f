package identity

import (
	"io"
	"strings"
)

// symbols are Crockford's base 32: no I, L, O, U, so that nobody mistakes one for another. Each carries five bits.
const symbols = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// DrawSymbols draws n symbols for a code that a person copies from paper.
func DrawSymbols(random io.Reader, n int) (string, error) {
	raw := make([]byte, n)
	if _, err := io.ReadFull(random, raw); err != nil {
		return "", err
	}
	for i, b := range raw {
		raw[i] = symbols[b%32]
	}
	return string(raw), nil
}

// ReadSymbols reads a code of n symbols as people type it: any case, with or without hyphens, O for zero, I and L for one.
func ReadSymbols(s string, n int) (code string, ok bool) {
	if len(s) > 8*n {
		return "", false
	}
	s = strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(strings.TrimSpace(s)))
	return s, len(s) == n && strings.Trim(s, symbols) == ""
}

// printedLength is that of the codes that are printed in three groups of four. They carry 60 bits, which nobody guesses.
const printedLength = 12

// printed gives such a code in its groups.
func printed(code string) string {
	if len(code) != printedLength {
		return ""
	}
	return code[:4] + "-" + code[4:8] + "-" + code[8:]
}
