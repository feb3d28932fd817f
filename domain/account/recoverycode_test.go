package account

import (
	"bytes"
	"strings"
	"testing"
)

func TestRecoveryCodeIsReadAsTyped(t *testing.T) {
	c, err := NewRecoveryCode(bytes.NewReader([]byte{0, 1, 10, 31, 32, 63, 64, 100, 200, 255}))
	if err != nil || c.Printed() != "01AZ0-Z048Z" {
		t.Fatalf("%q, %v", c.Printed(), err)
	}
	for _, typed := range []string{"01AZ0-Z048Z", " o1az0 zo48z ", "OLAZOZ048Z"} {
		if got, ok := ReadRecoveryCode(typed); !ok || got != c {
			t.Errorf("%q is read as %q, %v", typed, got, ok)
		}
	}
	for _, typed := range []string{"", "123456", "01AZ0-Z048", "01AZ0-Z048U", strings.Repeat("-", 100) + "01AZ0Z048Z"} {
		if got, ok := ReadRecoveryCode(typed); ok {
			t.Errorf("%q is read as %q", typed, got)
		}
	}
	if _, err := NewRecoveryCode(bytes.NewReader(nil)); err == nil {
		t.Error("a dry source drew a code")
	}
}
