package keys

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const day = 24 * time.Hour

// aged is a key folder on a clock that can be turned.
type aged struct {
	*Custody
	t   *testing.T
	dir string
	now time.Time
}

func newAged(t *testing.T) *aged {
	t.Helper()
	a := &aged{t: t, dir: t.TempDir(), now: made}
	var err error
	if a.Custody, err = OpenFolder(a.dir, func() time.Time { return a.now }); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *aged) tended() Ring {
	a.t.Helper()
	ring, err := a.Tend(Prescription)
	if err != nil {
		a.t.Fatal(err)
	}
	return ring
}

func (a *aged) signs() KeyID {
	a.t.Helper()
	s, ok := a.tended().Signing(a.now)
	if !ok {
		a.t.Fatalf("%v: nobody signs", a.now)
	}
	return s.ID()
}

func TestARingTurnsByItself(t *testing.T) {
	a := newAged(t)
	first := a.signs()
	if again := a.tended(); len(again) != 2 || again[0].ID() != first || !again[1].From.Equal(made.Add(7*day)) {
		t.Fatalf("%+v", again)
	}
	a.now = made.Add(90 * day)
	if a.signs() != first {
		t.Error("it ends before its time")
	}
	a.now = a.now.Add(time.Second)
	second := a.signs()
	if second == first {
		t.Error("it signs for longer than ninety days")
	}
	ring := a.tended()
	if ring[0].Signer != nil || ring[0].ID() != first {
		t.Error("its secret half outlives it, or its public half does not")
	}
	text, err := os.ReadFile(filepath.Join(a.dir, "rx.pem"))
	if err != nil || strings.Contains(string(text), "PRIVATE") {
		t.Errorf("%v: the file still holds the secret", err)
	}
	a.now = made.Add(400 * day) // nobody was there for most of a year
	if a.signs() == second {
		t.Error("a key of last winter signs")
	}
}

func TestAnEarlierInstallationsKeyGoesOn(t *testing.T) {
	a := newAged(t)
	s, err := a.Signer(Prescription)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(a.dir, "rx.pem")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var old []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, fromHeader) { // it had no such header
			old = append(old, line)
		}
	}
	if err := os.WriteFile(path, []byte(strings.Join(old, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	if ring := a.tended(); ring[0].ID() != s.ID() || !ring[0].From.Equal(made) {
		t.Errorf("%+v", ring[0])
	}
}

func TestAReserveTakesOver(t *testing.T) {
	a := newAged(t)
	first := a.signs()
	a.now = made.Add(20 * day)
	reserve := a.tended()[1].ID()
	if err := a.Compromise(Prescription, first); err != nil {
		t.Fatal(err)
	}
	if a.signs() != reserve {
		t.Error("one signs that readers have not heard of")
	}
	ring := a.tended()
	if len(ring) != 3 || ring[0].Signer != nil || !ring[0].Compromised.Equal(a.now) || !ring[2].From.Equal(a.now.Add(Lead)) {
		t.Errorf("%+v", ring)
	}
	before := a.now
	a.now = a.now.Add(day)
	if err := a.Compromise(Prescription, first); err != nil { // said again
		t.Fatal(err)
	}
	if ring := a.tended(); len(ring) != 3 || !ring[0].Compromised.Equal(before) {
		t.Errorf("%+v", ring)
	}
	if err := a.Compromise(Prescription, reserve); err != nil {
		t.Fatal(err)
	}
	if id := a.signs(); id == first || id == reserve {
		t.Error("a withdrawn key signs")
	}
	if err := a.Compromise(Prescription, "0011223344556677"); !errors.Is(err, ErrNoKey) {
		t.Error(err)
	}
	// A mark that cannot be read is no reason to believe a key again.
	if err := os.WriteFile(filepath.Join(a.dir, "rx.compromised"), []byte("yesterday"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Tend(Prescription); err == nil {
		t.Error("a damaged mark passes")
	}
}

func TestRootsHandOver(t *testing.T) {
	a := newAged(t)
	first, second, err := a.Roots()
	if err != nil || first.ID() == second.ID() {
		t.Fatal(err)
	}
	// The successor's secret half may wait in a safe.
	path := filepath.Join(a.dir, "root-2.pem")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, mustPublic(t, second), 0o600); err != nil {
		t.Fatal(err)
	}
	if current, next, err := a.Roots(); err != nil || current.ID() != first.ID() || next.ID() != second.ID() {
		t.Errorf("%v", err)
	}
	if _, _, err := a.Handover(); err == nil {
		t.Error("handed over to nobody")
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	current, third, err := a.Handover()
	if err != nil || current.ID() != second.ID() || third.ID() == first.ID() || third.ID() == second.ID() {
		t.Fatalf("%v: %s, %s", err, current.ID(), third.ID())
	}
	all, err := a.Ring(TrustRoot)
	if err != nil || len(all) != 3 || all[0].Signer != nil || all[0].Retired.IsZero() {
		t.Errorf("%v %+v", err, all)
	}
	if err := os.WriteFile(filepath.Join(a.dir, "root-2.pem"), mustPublic(t, current), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.Roots(); err == nil {
		t.Error("a root without its secret half is replaced in silence")
	}
}

func mustPublic(t *testing.T, s Signer) []byte {
	t.Helper()
	text, err := publicPEM(s.Key, s.Created, s.From, "")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestServersOnOneFolderMakeEachKeyOnce(t *testing.T) {
	dir := t.TempDir()
	var rings [6]Ring
	var errs [6]error
	var working sync.WaitGroup
	for i := range rings {
		working.Go(func() {
			c, err := OpenFolder(dir, func() time.Time { return made })
			if err == nil {
				rings[i], err = c.Tend(Status)
			}
			errs[i] = err
		})
	}
	working.Wait()
	for i, ring := range rings {
		if errs[i] != nil || len(ring) != 2 || ring[0].ID() != rings[0][0].ID() || ring[1].ID() != rings[0][1].ID() {
			t.Errorf("%v: %d keys", errs[i], len(ring))
		}
	}
}
