package counter_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/mobile-sdk/counter"
	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/document"
)

// ledger is the server's side of receipts: it knows one device and keeps what comes.
type ledger struct {
	key      qr.Key
	texts    []string
	requests []int // how many receipts each upload had
	fail     bool  // the answer is lost
}

func (l *ledger) serve(s *server, mux *http.ServeMux) {
	mux.HandleFunc("POST /v1/dispensing/devices", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Name       string
			Key, Proof []byte
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			s.t.Error(err)
		}
		l.key = qr.Key{ID: qr.KeyIDOf(body.Key), Issuer: "pharmacy-1", Usage: qr.Receipt, Algorithm: qr.EdDSA, Public: body.Key}
		fmt.Fprintf(w, `{"key":%q,"issuer":"pharmacy-1","name":%q,"state":"active"}`, l.key.ID, body.Name)
	})
	mux.HandleFunc("POST /v1/dispensing/receipts", func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Receipts []string }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			s.t.Error(err)
		}
		l.requests = append(l.requests, len(body.Receipts))
		type filed struct {
			Receipt string `json:"receipt"`
			Outcome string `json:"outcome"`
		}
		var answer struct {
			Receipts []filed `json:"receipts"`
		}
		for _, text := range body.Receipts {
			if !slices.Contains(l.texts, text) {
				l.texts = append(l.texts, text)
			}
			hash := document.HashReceipt(text)
			answer.Receipts = append(answer.Receipts, filed{hex.EncodeToString(hash[:]), "applied"})
		}
		if l.fail {
			s.problem(w, 503, "database.away", "")
			return
		}
		_ = json.NewEncoder(w).Encode(answer)
	})
}

// chain checks that the receipts which came follow one another, and gives them.
func (l *ledger) chain(t *testing.T) (list []prescription.Receipt) {
	t.Helper()
	var head prescription.Digest
	for i, text := range l.texts {
		code, err := qr.Open(text)
		if err != nil {
			t.Fatal(err)
		}
		v, err := code.Verify(l.key)
		if err != nil {
			t.Fatal(err)
		}
		r, by, err := document.ReadReceipt(text, v)
		if err != nil || by != "pharmacy-1" || r.Number != uint64(i+1) || r.Previous != head {
			t.Fatalf("receipt %d: number %d by %s, %v", i, r.Number, by, err)
		}
		head = r.Hash
		list = append(list, r)
	}
	return list
}

// enrolled is a counter that may hand out without a network.
func enrolled(t *testing.T, s *server, dir string) *counter.Counter {
	t.Helper()
	c := open(t, s.config(dir))
	if _, err := c.Enrol(context.Background(), "Касса 1"); err != nil {
		t.Fatal(err)
	}
	if err := c.Refresh(context.Background()); err != nil {
		t.Fatal(err)
	}
	return c
}

func handOut(t *testing.T, c *counter.Counter, text string, quantity int, at time.Time) counter.Receipt {
	t.Helper()
	r, err := c.HandOut(text, []counter.Portion{{Item: 0, Quantity: quantity}}, at)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestHandOutSurvivesCrashes(t *testing.T) {
	s, dir := newServer(t), t.TempDir()
	text, ctx := s.code(), context.Background()
	c := enrolled(t, s, dir)
	handOut(t, c, text, 10, now)
	handOut(t, c, text, 10, now.Add(time.Minute))

	// Killed while it wrote the third: that hand-out never happened, and the number is used again.
	third := filepath.Join(dir, "receipt-00000000000000000003.txt")
	second, err := os.ReadFile(filepath.Join(dir, "receipt-00000000000000000002.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, torn := range [][]byte{nil, second[:100], second[:len(second)-3]} {
		if err := os.WriteFile(third, torn, 0o600); err != nil {
			t.Fatal(err)
		}
		if again := open(t, s.config(dir)); again.Pending() != 2 {
			t.Errorf("%d receipts after a crash, want 2", again.Pending())
		}
		if _, err := os.Stat(third); !errors.Is(err, os.ErrNotExist) {
			t.Error("a torn receipt was left")
		}
	}
	c = open(t, s.config(dir))
	r := handOut(t, c, text, 10, now.Add(2*time.Minute))
	if r.Number != 3 {
		t.Errorf("number %d after two", r.Number)
	}
	if waiting := open(t, s.config(dir)).Waiting(); len(waiting) != 3 || waiting[2] != r {
		t.Errorf("%+v after a crash that came before the pharmacist was told", waiting)
	}
	// What was handed out before the restart counts.
	if _, err := c.HandOut(text, []counter.Portion{{Item: 0, Quantity: 31}}, now.Add(3*time.Minute)); !errors.Is(err, counter.ErrPortions) {
		t.Error(err)
	}

	// The answer to an upload is lost: all stay and come again.
	s.receipts.fail = true
	if _, err := c.Upload(ctx); err == nil || c.Pending() != 3 {
		t.Errorf("%v, %d pending", err, c.Pending())
	}
	s.receipts.fail = false
	c = open(t, s.config(dir))
	if filed, err := c.Upload(ctx); err != nil || len(filed) != 3 || c.Pending() != 0 {
		t.Errorf("%v, %v", filed, err)
	}
	// The server has them, but the power went before the files were deleted.
	if err := os.WriteFile(filepath.Join(dir, "receipt-00000000000000000002.txt"), second, 0o600); err != nil {
		t.Fatal(err)
	}
	c = open(t, s.config(dir))
	if c.Pending() != 0 {
		t.Error("a receipt that the server has waits again")
	}
	handOut(t, c, text, 30, now.Add(4*time.Minute))
	if _, err := c.Upload(ctx); err != nil {
		t.Fatal(err)
	}
	if list := s.receipts.chain(t); len(list) != 4 || list[3].Portions[0].Quantity != 30 || !list[0].At.Equal(now) || !list[0].ListedAt.Equal(now) {
		t.Errorf("%+v", list)
	}
	says(t, open(t, s.config(dir)), text, now.Add(time.Hour), "NO seen_before")

	// A receipt in the middle that was damaged is not passed over.
	handOut(t, c, s.otherCode(), 1, now.Add(5*time.Minute))
	handOut(t, c, s.otherCode(), 1, now.Add(6*time.Minute))
	if err := os.WriteFile(filepath.Join(dir, "receipt-00000000000000000005.txt"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := counter.Open(s.config(dir)); err == nil {
		t.Error("opened over a damaged receipt")
	}
}

func TestHandOutRefuses(t *testing.T) {
	s, dir := newServer(t), t.TempDir()
	text := s.code()
	fresh := open(t, s.config(dir))
	if _, err := fresh.HandOut(text, []counter.Portion{{Quantity: 1}}, now); !errors.Is(err, counter.ErrNotEnrolled) {
		t.Error(err)
	}
	c := enrolled(t, s, dir)
	for name, test := range map[string]struct {
		text     string
		portions []counter.Portion
		at       time.Time
		want     string // of the verdict
		err      error
	}{
		"nothing":             {text, nil, now, "", counter.ErrPortions},
		"none of it":          {text, []counter.Portion{{Item: 0}}, now, "", counter.ErrPortions},
		"too much":            {text, []counter.Portion{{Item: 0, Quantity: 61}}, now, "", counter.ErrPortions},
		"another item":        {text, []counter.Portion{{Item: 1, Quantity: 1}}, now, "", counter.ErrPortions},
		"one twice":           {text, []counter.Portion{{Item: 0, Quantity: 1}, {Item: 0, Quantity: 1}}, now, "", counter.ErrPortions},
		"lists too old":       {text, []counter.Portion{{Quantity: 1}}, now.Add(49 * time.Hour), "CANT_TELL_OFFLINE stale_status", nil},
		"expired":             {text, []counter.Portion{{Quantity: 1}}, now.Add(70 * day), "NO expired stale_keys stale_status", nil},
		"a controlled form":   {qr.TokenText(qr.TokenID{1}), []counter.Portion{{Quantity: 1}}, now, "CANT_TELL_OFFLINE online_only", nil},
		"no code of ours":     {"https://example.org", []counter.Portion{{Quantity: 1}}, now, "NO bad_format", nil},
		"a clock that is off": {text, []counter.Portion{{Quantity: 1}}, now.Add(-2 * time.Hour), "CANT_TELL_OFFLINE wrong_clock", nil},
	} {
		_, err := c.HandOut(test.text, test.portions, test.at)
		var refusal *counter.Refusal
		switch {
		case test.err != nil && !errors.Is(err, test.err):
			t.Errorf("%s: %v", name, err)
		case test.err == nil && !errors.As(err, &refusal):
			t.Errorf("%s: %v", name, err)
		case test.err == nil && refusal.Verdict.String() != test.want:
			t.Errorf("%s: %v, want %s", name, refusal.Verdict, test.want)
		}
	}
	if c.Pending() != 0 {
		t.Errorf("%d receipts of what was refused", c.Pending())
	}
	handOut(t, c, text, 1, now.Add(time.Hour))
	if _, err := c.HandOut(text, []counter.Portion{{Quantity: 1}}, now.Add(time.Minute)); !errors.Is(err, counter.ErrClock) {
		t.Error(err)
	}
	// Another program on the same folder would fork the chain.
	two := open(t, s.config(dir))
	handOut(t, c, text, 1, now.Add(time.Hour))
	if _, err := two.HandOut(text, []counter.Portion{{Quantity: 1}}, now.Add(time.Hour)); err == nil {
		t.Error("two programs wrote the same number")
	}
}

func TestALongCourseWaitsForItsDayOffline(t *testing.T) {
	s, dir := newServer(t), t.TempDir()
	text := s.longCode()
	c := enrolled(t, s, dir)
	handOut(t, c, text, 30, now)
	if _, err := c.HandOut(text, []counter.Portion{{Quantity: 30}}, now.Add(day)); !errors.Is(err, counter.ErrTooEarly) {
		t.Error(err)
	}
	again := open(t, s.config(dir)) // also after a restart, while the receipt waits
	if _, err := again.HandOut(text, []counter.Portion{{Quantity: 30}}, now.Add(day)); !errors.Is(err, counter.ErrTooEarly) {
		t.Error(err)
	}
	if _, err := again.Upload(context.Background()); err != nil {
		t.Fatal(err)
	}
	later := open(t, s.config(dir)) // and once it is with the server
	if _, err := later.HandOut(text, []counter.Portion{{Quantity: 30}}, now.Add(day)); !errors.Is(err, counter.ErrTooEarly) {
		t.Error(err)
	}
}

func TestUploadsAreBounded(t *testing.T) {
	s, dir := newServer(t), t.TempDir()
	c := enrolled(t, s, dir)
	text := s.code()
	for range 40 {
		handOut(t, c, text, 1, now)
	}
	filed, err := c.Upload(context.Background())
	if err != nil || len(filed) != 40 || !slices.Equal(s.receipts.requests, []int{32, 8}) {
		t.Errorf("%d filed in %v, %v", len(filed), s.receipts.requests, err)
	}
	s.receipts.chain(t)
	if err := c.Replace(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.HandOut(text, []counter.Portion{{Quantity: 1}}, now); !errors.Is(err, counter.ErrNotEnrolled) {
		t.Error(err)
	}
	before := s.receipts.key.ID
	s.receipts.texts = nil
	if _, err := c.Enrol(context.Background(), "Касса 1"); err != nil || s.receipts.key.ID == before {
		t.Error("no new key", err)
	}
	handOut(t, c, text, 1, now)
	if _, err := c.Upload(context.Background()); err != nil {
		t.Error(err)
	}
	s.receipts.chain(t)
}
