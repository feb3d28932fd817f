package identity

import "strings"

// digits keeps the digits of s and drops the separators that people type between them. Anything else makes it fail, so that
// a letter O is refused rather than lost.
func digits(s, separators string) (string, bool) {
	var b strings.Builder
	for _, r := range strings.TrimSpace(s) {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case r == '\u00a0' && strings.ContainsRune(separators, ' '): // a number copied from a web page
		case strings.ContainsRune(separators, r):
		default:
			return "", false
		}
	}
	return b.String(), true
}

// weighted sums the leading digits times their weights.
func weighted(number string, weights ...int) int {
	sum := 0
	for i, w := range weights {
		sum += int(number[i]-'0') * w
	}
	return sum
}

// remainder divides a decimal number of any length by a small one.
func remainder(number string, by int) int {
	r := 0
	for i := range len(number) {
		r = (r*10 + int(number[i]-'0')) % by
	}
	return r
}

// zeros reports a number of nothing but zeros. Registries write it for "unknown", and it passes most check digits: as a key
// it would join strangers.
func zeros(number string) bool { return strings.Trim(number, "0") == "" }
