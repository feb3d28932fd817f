package keys

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func wrappedBefore(t *testing.T, c *Custody, number int) []byte {
	t.Helper()
	wrapped, err := c.Wrap(number, []byte("a card's key"), []byte("place"))
	if err != nil {
		t.Fatal(err)
	}
	if got := Wrapper(wrapped); got != number {
		t.Errorf("wrapped by %d, want %d", got, number)
	}
	if !bytes.HasPrefix(wrapped, WrappedBy(number)) || bytes.HasPrefix(wrapped, WrappedByLater()) != (number > 1) {
		t.Error("what was wrapped does not begin as it is to be found")
	}
	return wrapped
}

func opens(c *Custody, wrapped []byte) error {
	plain, err := c.Unwrap(wrapped, []byte("place"))
	if err == nil && string(plain) != "a card's key" {
		return errors.New("something else came out")
	}
	return err
}

// A key that was made later is used by whoever has the folder open already, and after the older ones are gone all that hangs on the
// folder besides is what it was.
func TestWrappingKeysComeAndGo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	c, running := opened(t, dir), opened(t, dir)
	first := wrappedBefore(t, c, 1)
	second, err := c.MakeWrapping()
	if err != nil || second.Number != 2 || !second.Made.Equal(made) {
		t.Fatal(second, err)
	}
	later := wrappedBefore(t, c, 2)
	for _, wrapped := range [][]byte{first, later} {
		if err := opens(running, wrapped); err != nil {
			t.Error(err)
		}
	}
	if _, err := c.Wrap(3, nil, nil); !errors.Is(err, ErrNoWrappingKey) {
		t.Error("wrapped with a key that is not there:", err)
	}
	fingerprint, cursors, claim := c.Fingerprint(), c.Cursors(), c.Hash("claim", "code")
	for range 2 { // the second time after it was interrupted, say
		if err := c.DropWrapping(1); err != nil {
			t.Fatal(err)
		}
	}
	after := opened(t, dir)
	for _, c := range []*Custody{c, after} {
		if err := opens(c, first); !errors.Is(err, ErrNoWrappingKey) {
			t.Error("opens without its key:", err)
		}
		if err := opens(c, later); err != nil {
			t.Error(err)
		}
		if c.Fingerprint() != fingerprint || !bytes.Equal(c.Cursors(), cursors) || !bytes.Equal(c.Hash("claim", "code"), claim) {
			t.Error("with the first wrapping key went others")
		}
	}
	if third, err := after.MakeWrapping(); err != nil || third.Number != 3 {
		t.Error(third, err)
	}
	if err := after.DropWrapping(2); err != nil {
		t.Fatal(err)
	}
	list, err := after.Wrappings()
	if err != nil || len(list) != 1 || list[0].Number != 3 {
		t.Error(list, err)
	}
}

func TestAWrappingKeyThatIsNoneIsRefused(t *testing.T) {
	for what, change := range map[string]func(string) string{
		"no PEM":     func(string) string { return "no key" },
		"of no time": func(text string) string { return strings.Replace(text, "Created", "Then", 1) },
		"of no bytes": func(text string) string {
			return text[:strings.Index(text, "\n\n")+2] + "\n-----END MEDCARD WRAPPING KEY-----\n"
		},
	} {
		dir := t.TempDir()
		if _, err := opened(t, dir).MakeWrapping(); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "wrap-2.key")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(change(string(text))), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := opened(t, dir).Wrap(2, nil, nil); err == nil || errors.Is(err, ErrNoWrappingKey) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
