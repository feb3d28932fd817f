package enrolling

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// zeros is a source of no randomness.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestPasswordHashIsWhatTheRuleSays(t *testing.T) {
	p := NewPasswords()
	phc, err := p.Hash(context.Background(), zeros{}, "correct horse")
	if err != nil || !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("%s, %v", phc, err)
	}
	for password, want := range map[string]bool{"correct horse": true, "correct horsf": false, "": false} {
		right, stale, err := p.Check(context.Background(), password, phc)
		if right != want || stale || err != nil {
			t.Errorf("%q: %v, %v, %v", password, right, stale, err)
		}
	}
	for _, broken := range []string{"x", "$argon2i$v=19$m=1,t=1,p=1$AA$AA", strings.Replace(phc, "t=2", "t=0", 1), phc[:len(phc)-4], phc + "$"} {
		if right, _, err := p.Check(context.Background(), "correct horse", broken); right || err == nil {
			t.Errorf("%q: %v, %v", broken, right, err)
		}
	}
}

// й can be typed as one character or as и with a breve; the same keys must open the same account on every phone.
func TestPasswordHasOneSpelling(t *testing.T) {
	composed, err := cleanPassword(strings.Repeat("\u0439", 8))
	decomposed, err2 := cleanPassword(strings.Repeat("\u0438\u0306", 8))
	if err := errors.Join(err, err2); err != nil || composed != decomposed {
		t.Errorf("%q, %q, %v", composed, decomposed, err)
	}
}

// A flood waits in a line of bounded length and never hashes more at once than there are slots.
func TestFloodIsTurnedAway(t *testing.T) {
	p := &Passwords{argon: argon{memory: 64, passes: 1, threads: 1}, slots: make(chan struct{}, 1), line: make(chan struct{}, 2)}
	p.slots <- struct{}{} // somebody is hashing
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	answers := make(chan error, 2)
	for range 2 {
		go func() {
			_, _, err := p.Check(ctx, "x", "")
			answers <- err
		}()
	}
	for len(p.line) < 2 {
		time.Sleep(time.Millisecond)
	}
	if _, _, err := p.Check(ctx, "x", ""); !errors.Is(err, errBusy) {
		t.Errorf("with a full line: %v", err)
	}
	for range 2 {
		if err := <-answers; !errors.Is(err, errBusy) {
			t.Errorf("who waited too long: %v", err)
		}
	}
	p.leave()
	if _, _, err := p.Check(context.Background(), "x", ""); err != nil {
		t.Errorf("with a free slot: %v", err)
	}
	if len(p.line) != 0 || len(p.slots) != 0 {
		t.Errorf("left behind: %d in the line, %d hashing", len(p.line), len(p.slots))
	}
}
