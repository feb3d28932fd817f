package account

import (
	"strings"
	"testing"
)

// Whatever is typed for a code: what is read as a recovery code prints to itself, and an app's code is right only as its app shows it.
func FuzzTypedCodes(f *testing.F) {
	app := Authenticator{Secret: []byte("12345678901234567890")}
	for _, typed := range []string{"", app.Code(noon), "01AZ0-Z048Z", "o1az0 zo48z", "123456", "\xff", strings.Repeat("-", 100)} {
		f.Add(typed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		if c, ok := ReadRecoveryCode(typed); ok {
			if again, same := ReadRecoveryCode(c.Printed()); !same || again != c {
				t.Errorf("%q is read as %q, and that as %q", typed, c, again)
			}
		}
		next, right := app.Try(typed, noon)
		shown := strings.Join(strings.Fields(typed), "")
		if right && shown != app.Code(noon) && shown != app.Code(noon.Add(totpStep*1e9)) && shown != app.Code(noon.Add(-totpStep*1e9)) {
			t.Errorf("%q was taken", typed)
		}
		if right == (next.Step == app.Step) {
			t.Errorf("%q: right %v, step %d", typed, right, next.Step)
		}
	})
}
