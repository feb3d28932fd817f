package identity

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/medcard/medcard/domain/fault"
)

// numberCase is one number as somebody typed it: either what it means or why it is refused.
type numberCase struct {
	typed string
	want  string
	err   error
}

func run[T ~string](t *testing.T, parse func(string) (T, error), cases []numberCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.typed, func(t *testing.T) {
			got, err := parse(c.typed)
			if !errors.Is(err, c.err) || string(got) != c.want {
				t.Fatalf("got %q, %v; want %q, %v", string(got), err, c.want, c.err)
			}
			if err == nil {
				if again, err := parse(string(got)); err != nil || again != got {
					t.Fatalf("the canonical form reads back as %q, %v", string(again), err)
				}
				return
			}
			if got != "" {
				t.Fatal("a refused number gave a value")
			}
			if len(c.typed) > 3 && strings.Contains(fmt.Sprintf("%+v", fault.From(err)), c.typed) {
				t.Fatalf("the fault repeats the number: %v", err)
			}
		})
	}
}

func TestSNILS(t *testing.T) {
	run(t, ParseSNILS, []numberCase{
		{"112-233-445 95", "11223344595", nil},
		{"11223344595", "11223344595", nil},
		{" 112 233 445 95 ", "11223344595", nil},
		{"112-233-445\u00a095", "11223344595", nil},
		{"087-654-303 00", "08765430300", nil}, // the sum leaves 100, which is written 00
		{"112-233-445 96", "", ErrSNILSCheck},
		{"112-233-454 95", "", ErrSNILSCheck}, // two digits swapped
		{"001-001-998 77", "00100199877", nil},
		{"001-001-999 77", "", ErrSNILSCheck}, // the first number that has check digits
		{"000-000-000 00", "", ErrSNILSFormat},
		{"112-233-445 9", "", ErrSNILSFormat},
		{"112-233-445 955", "", ErrSNILSFormat},
		{"112-233-44O 95", "", ErrSNILSFormat},
		{"１１２-233-445 95", "", ErrSNILSFormat},
		{"", "", ErrSNILSFormat},
	})
	if got := SNILS("11223344595").Printed(); got != "112-233-445 95" {
		t.Errorf("printed as %q", got)
	}
}

func TestPolicy(t *testing.T) {
	run(t, ParsePolicy, []numberCase{
		{"2341998071655749", "2341998071655749", nil},
		{"2341 9980 7165 5749", "2341998071655749", nil},
		{"2341998071655740", "", ErrPolicyCheck},
		{"2341998071655794", "", ErrPolicyCheck},
		{"0000000000000000", "", ErrPolicyFormat},
		{"234199807165574", "", ErrPolicyFormat},
		{"23419980716557499", "", ErrPolicyFormat},
		{"234199807165574x", "", ErrPolicyFormat},
	})
}

// The wording of the policy's order ("Mod 10" of HL7 v2) against Luhn: the same check digit for every number.
func TestPolicyMod10IsLuhn(t *testing.T) {
	mod10 := func(body string) byte {
		odd, even := "", ""
		for i := range len(body) {
			if d := string(body[len(body)-1-i]); i%2 == 0 {
				odd = d + odd
			} else {
				even = d + even
			}
		}
		doubled := ""
		carry := 0
		for i := len(odd) - 1; i >= 0; i-- {
			d := int(odd[i]-'0')*2 + carry
			doubled, carry = string(rune('0'+d%10))+doubled, d/10
		}
		sum := carry
		for _, d := range even + doubled {
			sum += int(d - '0')
		}
		return byte('0' + (10-sum%10)%10)
	}
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.StringMatching(`[0-9]{15}`).Draw(t, "body")
		if zeros(body) {
			t.Skip("no number")
		}
		for last := byte('0'); last <= '9'; last++ {
			_, err := ParsePolicy(body + string(last))
			if (err == nil) != (last == mod10(body)) {
				t.Fatalf("%s: Luhn and Mod 10 disagree on %c", body, last)
			}
		}
	})
}

func TestINN(t *testing.T) {
	run(t, ParseINN, []numberCase{
		{"500100732259", "500100732259", nil},
		{"7830002293", "7830002293", nil},
		{"500100732258", "", ErrINNCheck},
		{"500100732269", "", ErrINNCheck},
		{"7830002294", "", ErrINNCheck},
		{"78300022935", "", ErrINNFormat},
		{"0000000000", "", ErrINNFormat},
		{"783000229З", "", ErrINNFormat}, // the Cyrillic letter Ze
	})
}

func TestOGRN(t *testing.T) {
	run(t, ParseOGRN, []numberCase{
		{"1027700132195", "1027700132195", nil},
		{"304500116000157", "304500116000157", nil},
		{"1027700132196", "", ErrOGRNCheck},
		{"304500116000156", "", ErrOGRNCheck},
		{"0000000000000", "", ErrOGRNFormat},
		{"102770013219", "", ErrOGRNFormat},
	})
}

func TestPhone(t *testing.T) {
	run(t, ParsePhone, []numberCase{
		{"+79123456789", "+79123456789", nil},
		{"+7 (912) 345-67-89", "+79123456789", nil},
		{"8 912 345 67 89", "+79123456789", nil},
		{"89123456789", "+79123456789", nil},
		{"79123456789", "+79123456789", nil},
		{"9123456789", "+79123456789", nil},
		{"8 (495) 123-45-67", "+74951234567", nil},
		{"+89123456789", "", ErrPhoneFormat},
		{"+9123456789", "", ErrPhoneFormat},
		{"+1 202 555 0123", "", ErrPhoneFormat},
		{"912345678", "", ErrPhoneFormat},
		{"+7912345678", "", ErrPhoneFormat},
		{"++79123456789", "", ErrPhoneFormat},
		{"+7912345678a", "", ErrPhoneFormat},
		{"+71123456789", "", ErrPhoneFormat},
		{"112", "", ErrPhoneFormat},
	})
	if p := Phone("+79123456789"); !p.Mobile() || p.Masked() != "+7••••••••89" || p.Prefix() != "+7912345" {
		t.Errorf("%v, %q, %q", p.Mobile(), p.Masked(), p.Prefix())
	}
	if Phone("+74951234567").Mobile() {
		t.Error("a landline is taken for a mobile")
	}
}

func TestEmail(t *testing.T) {
	run(t, ParseEmail, []numberCase{
		{"anna@example.ru", "anna@example.ru", nil},
		{" Anna.Petrova@Example.RU ", "anna.petrova@example.ru", nil},
		{"анна@пример.рф", "анна@пример.рф", nil},
		{"anna+card@mail.example.com", "anna+card@mail.example.com", nil},
		{"Anna <anna@example.ru>", "", ErrEmailFormat},
		{"anna@example.ru\r\nBcc: x@example.ru", "", ErrEmailFormat},
		{"anna@example.ru,ivan@example.ru", "", ErrEmailFormat},
		{"anna@@example.ru", "", ErrEmailFormat},
		{"anna@localhost", "", ErrEmailFormat},
		{"anna@[127.0.0.1]", "", ErrEmailFormat},
		{"anna", "", ErrEmailFormat},
		{"@example.ru", "", ErrEmailFormat},
		{strings.Repeat("a", 65) + "@example.ru", "", ErrEmailFormat},
		{"a@" + strings.Repeat("b", 300) + ".ru", "", ErrEmailFormat},
	})
	if got := Email("anna@example.ru").Masked(); got != "a•••@example.ru" {
		t.Errorf("masked as %q", got)
	}
}

// A single wrong digit and a swap of neighbours are what people do; each number must notice all of the former.
func TestOneWrongDigitIsNoticed(t *testing.T) {
	for _, c := range []struct {
		number string
		parse  func(string) error
	}{
		{"11223344595", func(s string) error { _, err := ParseSNILS(s); return err }},
		{"2341998071655749", func(s string) error { _, err := ParsePolicy(s); return err }},
		{"500100732259", func(s string) error { _, err := ParseINN(s); return err }},
	} {
		for i := range len(c.number) {
			for d := byte('0'); d <= '9'; d++ {
				wrong := []byte(c.number)
				if wrong[i] == d {
					continue
				}
				wrong[i] = d
				if c.parse(string(wrong)) == nil {
					t.Errorf("digit %d of %s changed to %c is not noticed", i, c.number, d)
				}
			}
		}
	}
}

func TestClaimCode(t *testing.T) {
	code, err := NewClaimCode(bytes.NewReader([]byte{0, 1, 31, 32, 255, 17, 18, 19, 20, 21, 22, 23}))
	if err != nil || code != "01Z0ZHJKMNPQ" {
		t.Fatalf("drew %q, %v", string(code), err)
	}
	if _, err := NewClaimCode(bytes.NewReader([]byte{1})); err == nil {
		t.Error("a code was drawn from a dry source")
	}
	run(t, ParseClaimCode, []numberCase{
		{"01Z0ZHJKMNPQ", "01Z0ZHJKMNPQ", nil},
		{code.Printed(), string(code), nil},
		{"oiz0-zhjk-mnpq", "01Z0ZHJKMNPQ", nil},
		{"01Z0ZHJKMNP", "", ErrClaimFormat},
		{"01Z0ZHJKMNPU", "", ErrClaimFormat},
		{"01Z0Z!JKMNPQ", "", ErrClaimFormat},
		{"", "", ErrClaimFormat},
	})
}
