package scan

import "math"

// This file corrects codewords (Reed-Solomon over the 256 elements that QR uses). Unlike the library's, its correction can
// be told which codewords are doubtful: one that is known to be lost costs half as much redundancy as one that is wrong.

// powers of the field's generator and their logarithms; twice as many powers as there are, to save a remainder.
var powers, logs = func() (powers [510]byte, logs [256]int) {
	x := 1
	for i := range 255 {
		powers[i], powers[i+255] = byte(x), byte(x)
		logs[x] = i
		if x <<= 1; x > 255 {
			x ^= 0x11d
		}
	}
	return powers, logs
}()

func mul(a, b byte) byte {
	if a == 0 || b == 0 {
		return 0
	}
	return powers[logs[a]+logs[b]]
}

func div(a, b byte) byte {
	if a == 0 {
		return 0
	}
	return powers[logs[a]+255-logs[b]]
}

// polynomial has the lowest coefficient first.
type polynomial []byte

func (p polynomial) at(x byte) (sum byte) {
	for i := len(p) - 1; i >= 0; i-- {
		sum = mul(sum, x) ^ p[i]
	}
	return sum
}

func (p polynomial) degree() int {
	for i := len(p) - 1; i > 0; i-- {
		if p[i] != 0 {
			return i
		}
	}
	return 0
}

// syndromes of a block are all zero when nothing is wrong.
func syndromes(block []byte, check int) (s polynomial, clean bool) {
	s, clean = make(polynomial, check), true
	for i := range s {
		x, sum := powers[i], byte(0)
		for _, b := range block {
			sum = mul(sum, x) ^ b
		}
		s[i] = sum
		clean = clean && sum == 0
	}
	return s, clean
}

// correct mends a block of which the last check codewords are redundancy; lost are places whose codewords are not to be
// believed. It tells how many others were wrong. When ok is false the block is as it was.
func correct(block []byte, check int, lost []int) (wrong int, ok bool) {
	s, clean := syndromes(block, check)
	if clean {
		return 0, true
	}
	if len(lost) > check {
		return 0, false
	}
	locator := locate(s, lost, len(block))
	errata := locator.degree()
	if wrong = errata - len(lost); wrong < 0 || 2*wrong+len(lost) > check {
		return 0, false
	}
	// What each wrong place is off by (Forney).
	values := make(polynomial, check)
	for i := range values {
		for j := range min(i+1, len(locator)) {
			values[i] ^= mul(locator[j], s[i-j])
		}
	}
	mended, roots := append([]byte(nil), block...), 0
	for place := range block {
		x := powers[len(block)-1-place]
		inverse := div(1, x)
		if locator.at(inverse) != 0 {
			continue
		}
		roots++
		slope := byte(0)
		for i := 1; i < len(locator); i += 2 {
			slope ^= mul(locator[i], powers[(logs[inverse]*(i-1))%255])
		}
		if slope == 0 {
			return 0, false
		}
		mended[place] ^= mul(x, div(values.at(inverse), slope))
	}
	if _, clean = syndromes(mended, check); roots != errata || !clean {
		return 0, false
	}
	copy(block, mended)
	return wrong, true
}

// locate finds the polynomial whose roots are the wrong and the lost places (Berlekamp and Massey, begun with the lost ones).
func locate(s polynomial, lost []int, n int) polynomial {
	size := len(s) + 2
	locator := make(polynomial, size)
	locator[0] = 1
	for _, place := range lost {
		x := powers[n-1-place]
		for i := size - 1; i > 0; i-- {
			locator[i] ^= mul(x, locator[i-1])
		}
	}
	before, length := append(polynomial(nil), locator...), len(lost)
	for r := len(lost) + 1; r <= len(s); r++ {
		off := byte(0)
		for j := range min(r, size) {
			off ^= mul(locator[j], s[r-1-j])
		}
		copy(before[1:], before[:size-1])
		before[0] = 0
		if off == 0 {
			continue
		}
		next := append(polynomial(nil), locator...)
		for i := range next {
			next[i] ^= mul(off, before[i])
		}
		if 2*length <= r+len(lost)-1 {
			length = r + len(lost) - length
			for i := range before {
				before[i] = div(locator[i], off)
			}
		}
		locator = next
	}
	return locator
}

// chance is the logarithm (base 2) of how likely a block of noise is to be corrected with so few errors: what stands between
// a correction and a misread.
func chance(n, check, lost, wrong int) float64 {
	if lost >= check {
		return 0
	}
	return choose(n-lost, wrong) - 8*float64(check-lost-wrong)
}

// choose is the logarithm (base 2) of the number of ways to pick k of n.
func choose(n, k int) (bits float64) {
	for i := range k {
		bits += math.Log2(float64(n-i) / float64(i+1))
	}
	return bits
}
