package issuing

import (
	"errors"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/paper"
	"github.com/medcard/medcard/domain/prescription"
)

// typist is a pharmacy that works with prescriptions.
func typist(client identity.ClientID) identity.Actor {
	return identity.Actor{Kind: identity.Pharmacy, Client: client, Scopes: []string{"system/dispensing.c"}}
}

func (w *world) types(who identity.ClientID, number paper.Number, year int) error {
	_, err := w.PrescriptionByNumber(w.t.Context(), typist(who), "system/dispensing.c", string(number), year)
	return err
}

// free draws numbers that no paper has.
func free(t *testing.T) paper.Number {
	t.Helper()
	n, err := paper.NewNumber(evenly{})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

type evenly struct{}

var drawn byte

func (evenly) Read(b []byte) (int, error) {
	for i := range b {
		drawn += 7
		b[i] = drawn % 250
	}
	return len(b), nil
}

func TestANumberLeadsToItsPaper(t *testing.T) {
	w := newWorld(t)
	w.reruns = 1
	rx, _ := w.prescribed()
	token, err := w.PrescriptionByNumber(t.Context(), typist("green"), "system/dispensing.c", rx.Number.String(), 1984)
	if err != nil || token != rx.Token {
		t.Errorf("%v %v", token, err)
	}
	w.wants(w.types("green", "1234567890123456", 1984), paper.ErrNumber)
	w.wants(w.types("green", rx.Number, 1985), ErrNoNumber)
	w.wants(w.types("green", free(t), 1984), ErrNoNumber)
	w.wants(w.types("green", rx.Number, 0), ErrNoNumber)
	if _, err := w.ReferralByNumber(t.Context(), seven, string(rx.Number), 1984); !errors.Is(err, ErrNoNumber) {
		t.Errorf("a prescription's number led to a referral: %v", err)
	}
}

// Guessing is hopeless, and honest work is never held up: hits cost nothing, mistyped digits neither.
func TestMissesAreCounted(t *testing.T) {
	w := newWorld(t)
	w.reruns = 1 // a transaction that is run again counts one miss
	rx, _ := w.prescribed()
	for range 100 {
		if err := w.types("green", rx.Number, 1984); err != nil {
			t.Fatal(err)
		}
		w.wants(w.types("green", "1111111111111112", 1984), paper.ErrNumber)
	}
	for n := range triesOfClient.burst {
		if err := w.types("green", free(t), 1984); !errors.Is(err, ErrNoNumber) {
			t.Fatalf("miss %d: %v", n, err)
		}
	}
	for _, number := range []paper.Number{free(t), rx.Number} {
		err := w.types("green", number, 1984)
		w.wants(err, ErrTries)
		if wait := fault.From(err).RetryAfter; wait <= 0 || wait > triesOfClient.every {
			t.Errorf("to wait %s", wait)
		}
	}
	if err := w.types("blue", rx.Number, 1984); err != nil {
		t.Errorf("another's misses hold up: %v", err)
	}
	w.now = w.now.Add(triesOfClient.every)
	w.wants(w.types("green", free(t), 1984), ErrNoNumber)
	w.wants(w.types("green", free(t), 1984), ErrTries)

	// One number, from everywhere.
	for n := range triesOfNumber.burst {
		w.wants(w.types(identity.ClientID(rune('a'+n)), rx.Number, 1950+n), ErrNoNumber)
	}
	w.wants(w.types("blue", rx.Number, 1984), ErrTries)
	w.now = w.now.Add(triesOfNumber.every)
	if err := w.types("blue", rx.Number, 1984); err != nil {
		t.Error(err)
	}
}

// What stands above tries as arithmetic is what the limits give.
func TestTheArithmeticOfGuessing(t *testing.T) {
	perDay := float64(24*time.Hour) / float64(triesOfClient.every)
	const papers, numbers, years = 1e9, 1e15, 80
	if hits := (perDay + float64(triesOfClient.burst)) * 365 * papers / numbers / years; hits > 1./100 {
		t.Errorf("a client that guesses day and night meets %.4f papers a year", hits)
	}
	if days := (years/2 - float64(triesOfNumber.burst)) * triesOfNumber.every.Hours() / 24; days < 8 {
		t.Errorf("the year of one number is guessed in %.1f days", days)
	}
}

func TestOnlyWhoFiledAPaperTakesItBack(t *testing.T) {
	w := newWorld(t)
	rx, _ := w.prescribed()
	for name, who := range map[string]identity.Actor{"another clinic": eight, "the pharmacy": pharmacy, "the patient": anna} {
		if _, err := w.SuspendPrescription(t.Context(), who, rx.ID, "request"); err == nil {
			t.Errorf("%s suspended it", name)
		}
	}
	entries := len(w.audits)
	w.reruns = 1
	gone, err := w.SuspendPrescription(t.Context(), seven, rx.ID, "request")
	if err != nil || gone.Course.State != prescription.OnHold || w.prescriptions[rx.ID].paper.Course.State != prescription.OnHold {
		t.Fatal(gone.Course.State, err)
	}
	if len(w.audits) != entries+1 || len(w.records) != 2 || w.news != 2 {
		t.Errorf("%d entries, %d records, %d news", len(w.audits)-entries, len(w.records), w.news)
	}
	if _, err = w.SuspendPrescription(t.Context(), seven, rx.ID, "request"); !errors.Is(err, prescription.ErrOnHold) {
		t.Errorf("suspended twice: %v", err)
	}
}
