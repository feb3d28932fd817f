package account

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

// The vectors of RFC 6238, appendix B (SHA-1), and of RFC 4226, appendix D.
func TestCodesAreThoseOfTheStandard(t *testing.T) {
	secret := []byte("12345678901234567890")
	for at, want := range map[int64]string{
		59: "94287082", 1111111109: "07081804", 1111111111: "14050471", 1234567890: "89005924", 2000000000: "69279037", 20000000000: "65353130",
	} {
		if got := hotp(secret, at/30, 8); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
		app := Authenticator{Secret: secret}
		if _, right := app.Try(want[2:], time.Unix(at, 0)); !right {
			t.Errorf("at %d the code of six digits is refused", at)
		}
	}
	for counter, want := range []string{"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"} {
		if got := hotp(secret, int64(counter), 6); got != want {
			t.Errorf("counter %d: %s, want %s", counter, got, want)
		}
	}
}

func TestCodeOfAnAppOpensOnce(t *testing.T) {
	app := Authenticator{Secret: []byte("12345678901234567890")}
	at := noon.Unix() / totpStep
	for off, want := range map[int64]bool{-2: false, -1: true, 0: true, 1: true, 2: false} {
		if _, right := app.Try(hotp(app.Secret, at+off, 6), noon); right != want {
			t.Errorf("a code of %d steps off: %v", off, right)
		}
	}
	next, right := app.Try(" "+hotp(app.Secret, at, 6)[:3]+" "+hotp(app.Secret, at, 6)[3:], noon)
	if !right || next.Step != at {
		t.Fatalf("%v, step %d", right, next.Step)
	}
	for _, off := range []int64{-1, 0} { // the same again, and one before it that somebody looked at
		if _, right := next.Try(hotp(app.Secret, at+off, 6), noon); right {
			t.Errorf("a code of %d steps off was taken after it", off)
		}
	}
	if _, right := next.Try(hotp(app.Secret, at+1, 6), noon); !right {
		t.Error("the next code is refused")
	}
	for _, typed := range []string{"", "0", "12345678", "abcdef", strings.Repeat("1", 1000)} {
		if _, right := app.Try(typed, noon); right {
			t.Errorf("%q was taken", typed)
		}
	}
}

func TestURIOfAnApp(t *testing.T) {
	uri, err := url.Parse(Authenticator{Secret: []byte("12345678901234567890")}.URI("Medcard", "anna+1@example.ru"))
	if err != nil || uri.Scheme != "otpauth" || uri.Host != "totp" || uri.Path != "/Medcard:anna+1@example.ru" ||
		uri.Query().Get("secret") != "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" || uri.Query().Get("issuer") != "Medcard" {
		t.Errorf("%v, %v", uri, err)
	}
}
