package paper

import (
	"crypto/rand"
	"errors"
	"testing"
)

func newNumber(t *testing.T) Number {
	t.Helper()
	n, err := NewNumber(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDammsOwnExample(t *testing.T) {
	if check("572") != 4 || check("5724") != 0 {
		t.Errorf("the check digit of 572 is %d", check("572"))
	}
}

func TestANumberIsReadBack(t *testing.T) {
	for range 1000 {
		n := newNumber(t)
		if len(n) != 16 || n[0] == '0' {
			t.Fatalf("%q", string(n))
		}
		for _, typed := range []string{string(n), n.String(), string(n[:8]) + "-" + string(n[8:]), " " + n.String() + " "} {
			if got, err := ParseNumber(typed); err != nil || got != n {
				t.Fatalf("%q: %q %v", typed, got, err)
			}
		}
	}
}

// Every wrong digit and every two neighbours the other way round are caught, everywhere in a number.
func TestMistypedNumbersAreCaught(t *testing.T) {
	for range 300 {
		n := []byte(newNumber(t))
		for i := range n {
			was := n[i]
			for digit := byte('0'); digit <= '9'; digit++ {
				if n[i] = digit; digit != was {
					mistyped(t, string(n))
				}
			}
			n[i] = was
			if i > 0 && n[i] != n[i-1] {
				n[i], n[i-1] = n[i-1], n[i]
				mistyped(t, string(n))
				n[i], n[i-1] = n[i-1], n[i]
			}
		}
		mistyped(t, string(n[:15]))
		mistyped(t, string(n)+"0")
	}
	for _, typed := range []string{"", "0000000000000000", "a234567890123456", "１２３４567890123456"} {
		mistyped(t, typed)
	}
}

func mistyped(t *testing.T, typed string) {
	t.Helper()
	if _, err := ParseNumber(typed); !errors.Is(err, ErrNumber) {
		t.Fatalf("%q passes", typed)
	}
}

// No digit is likelier than another: a guesser gains nothing.
func TestNumbersAreEven(t *testing.T) {
	var seen [10]int
	const numbers = 20_000
	for range numbers {
		n := newNumber(t)
		for i := 1; i < 15; i++ {
			seen[n[i]-'0']++
		}
	}
	for digit, times := range seen {
		if share := float64(times) / (14 * numbers); share < 0.095 || share > 0.105 {
			t.Errorf("%d has a share of %.3f", digit, share)
		}
	}
}
