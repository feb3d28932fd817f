package dispensing

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/qr/trust"
	"github.com/medcard/medcard/sync/cardsync"
)

func pharmacy(name identity.ClientID) identity.Actor {
	return identity.Actor{Kind: identity.Pharmacy, Client: name, Scopes: []string{Right}}
}

var green, blue = pharmacy("green"), pharmacy("blue")

func (w *world) accept(who identity.Actor, key string) (Held, error) {
	return w.Accept(w.t.Context(), who, theCode, Ask{Key: key, Request: "request of " + key})
}

func (w *world) complete(who identity.Actor, held Held, key string, portions ...prescription.Portion) (prescription.Course, error) {
	return w.Complete(w.t.Context(), who, w.paper.ID, held.Secret, portions, Ask{Key: key, Request: "request of " + key})
}

func (w *world) reject(who identity.Actor, held Held, key string) (prescription.Course, error) {
	return w.Reject(w.t.Context(), who, w.paper.ID, held.Secret, Ask{Key: key, Request: "request of " + key})
}

// must stops the test at an error.
func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// refused checks the error.
func (w *world) refused(err error, want error) {
	w.t.Helper()
	if !errors.Is(err, want) {
		w.t.Errorf("got %v, want %v", err, want)
	}
}

func (w *world) wantAudits(actions ...audit.Action) {
	w.t.Helper()
	for i, e := range w.audits {
		if i >= len(actions) || e.Action != actions[i] || e.Card != w.paper.Card || e.Purpose != consent.Treatment || e.Request == "" || e.At != w.now && i == len(actions)-1 {
			w.t.Errorf("entry %d is %+v, want %v", i, e, actions)
		}
	}
	// Each change stands in the card, and the phones are told of it.
	if len(w.audits) != len(actions) || len(w.published) != len(actions) || w.news != len(actions) {
		w.t.Errorf("%d entries, %d records, %d news; want %d each", len(w.audits), len(w.published), w.news, len(actions))
	}
}

func TestHandedOutInPartsByTwoPharmacies(t *testing.T) {
	w := newWorld(t)
	held := must(w.accept(green, "green-0001"))(t)
	if held.Prescription.Course.State != prescription.InWork || held.Prescription.Course.Lease.Until != w.now.Add(prescription.LeaseTerm) {
		t.Errorf("held %+v", held.Prescription.Course)
	}
	course := must(w.complete(green, held, "green-0002", prescription.Portion{Item: 0, Quantity: 20}, prescription.Portion{Item: 1, Quantity: 30}))(t)
	if course.State != prescription.PartlyDispensed || course.Items[0].Remaining() != 40 {
		t.Errorf("partly: %+v", course)
	}
	rest := must(w.accept(blue, "blue-00001"))(t)
	_, err := w.complete(blue, rest, "blue-00002", prescription.Portion{Item: 1, Quantity: 30})
	w.refused(err, prescription.ErrTooEarly)
	_, err = w.complete(blue, rest, "blue-00003", prescription.Portion{Item: 0, Quantity: 41})
	w.refused(err, prescription.ErrPortion)
	must(w.complete(blue, rest, "blue-00004", prescription.Portion{Item: 0, Quantity: 40}))(t)
	_, err = w.accept(green, "green-0003")
	w.refused(err, prescription.ErrTooEarly)

	w.now = w.now.AddDate(0, 0, 28)
	last := must(w.accept(green, "green-0004"))(t)
	if len(w.statuses) != 0 {
		t.Error("called spent before it was")
	}
	course = must(w.complete(green, last, "green-0005", prescription.Portion{Item: 1, Quantity: 60}))(t)
	if course.State != prescription.Dispensed || w.statuses[w.paper.Token] != int(trust.Spent) {
		t.Errorf("in the end %+v, status %v", course, w.statuses)
	}
	_, err = w.accept(blue, "blue-00005")
	w.refused(err, prescription.ErrDispensed)
	if f := fault.From(err); f.State != string(prescription.Dispensed) {
		t.Errorf("the conflict names %q", f.State)
	}
	w.wantAudits(audit.Accept, audit.Dispense, audit.Accept, audit.Dispense, audit.Accept, audit.Dispense)
	if record := w.published[len(w.published)-1]; !strings.Contains(string(record.Atoms[cardsync.AtomState]), "dispensed") {
		t.Errorf("the card says %s", record.Atoms[cardsync.AtomState])
	}
}

func TestALostAnswerIsGivenAgain(t *testing.T) {
	w := newWorld(t)
	lost := must(w.accept(green, "green-0001"))(t)
	w.now = w.now.Add(4 * time.Minute)
	held := must(w.accept(green, "green-0001"))(t)
	if held.Secret == lost.Secret || held.Prescription.Course.Lease.Until != lost.Prescription.Course.Lease.Until {
		t.Errorf("%+v, then %+v", lost, held)
	}
	_, err := w.accept(green, "green-0009") // the same pharmacy's other counter
	w.refused(err, prescription.ErrInWork)
	_, err = w.accept(blue, "green-0001") // another pharmacy that happens to draw the same key
	w.refused(err, prescription.ErrInWork)
	_, err = w.complete(green, lost, "green-0002", prescription.Portion{Item: 0, Quantity: 60})
	w.refused(err, prescription.ErrWrongSecret)
	_, err = w.complete(blue, held, "blue-00001", prescription.Portion{Item: 0, Quantity: 60}) // a stolen secret
	w.refused(err, prescription.ErrWrongSecret)

	first := must(w.complete(green, held, "green-0003", prescription.Portion{Item: 0, Quantity: 10}))(t)
	w.now = w.now.Add(time.Minute)
	again := must(w.complete(green, held, "green-0003", prescription.Portion{Item: 0, Quantity: 10}))(t)
	if again.Version != first.Version || again.Items[0] != first.Items[0] || again.State != first.State {
		t.Errorf("%+v, then %+v", first, again)
	}
	if course := w.papers[w.paper.ID].Course; course.Items[0].Dispensed != 10 {
		t.Errorf("handed out twice: %+v", course)
	}
	_, err = w.complete(green, held, "green-0003", prescription.Portion{Item: 0, Quantity: 11})
	w.refused(err, ErrMismatch)
	_, err = w.reject(green, held, "green-0003")
	w.refused(err, ErrMismatch)
	_, err = w.complete(green, held, "green-0004", prescription.Portion{Item: 0, Quantity: 10}) // under another key it is another request
	w.refused(err, prescription.ErrNoLease)
	_, err = w.complete(blue, held, "green-0003", prescription.Portion{Item: 0, Quantity: 10}) // the answer is not for others
	w.refused(err, prescription.ErrNoLease)
	if len(w.audits) != 3 {
		t.Errorf("an answer that was given again left traces: %d", len(w.audits))
	}
}

func TestAHoldRunsOut(t *testing.T) {
	w := newWorld(t)
	slow := must(w.accept(green, "green-0001"))(t)
	w.now = w.now.Add(prescription.LeaseTerm - time.Second)
	_, err := w.accept(blue, "blue-00001")
	w.refused(err, prescription.ErrInWork)
	w.now = w.now.Add(time.Second)
	held := must(w.accept(blue, "blue-00002"))(t)
	_, err = w.complete(green, slow, "green-0002", prescription.Portion{Item: 0, Quantity: 60})
	w.refused(err, prescription.ErrWrongSecret)
	must(w.reject(blue, held, "blue-00003"))(t)
	_, err = w.complete(green, slow, "green-0003", prescription.Portion{Item: 0, Quantity: 60})
	w.refused(err, prescription.ErrNoLease)
	again := must(w.accept(green, "green-0001"))(t) // the old key takes it anew: the hold of then is gone
	if again.Prescription.Course.Lease.Until != w.now.Add(prescription.LeaseTerm) {
		t.Errorf("%+v", again.Prescription.Course.Lease)
	}
}

func TestGivenBackUntouched(t *testing.T) {
	w := newWorld(t)
	held := must(w.accept(green, "green-0001"))(t)
	_, err := w.reject(blue, held, "blue-00001")
	w.refused(err, prescription.ErrWrongSecret)
	course := must(w.reject(green, held, "green-0002"))(t)
	again := must(w.reject(green, held, "green-0002"))(t)
	if course.State != prescription.Issued || again.Version != course.Version {
		t.Errorf("%+v, then %+v", course, again)
	}
	must(w.accept(blue, "blue-00002"))(t)
	w.wantAudits(audit.Accept, audit.Reject, audit.Accept)
}

func TestWhoMayNotDispense(t *testing.T) {
	w := newWorld(t)
	portion := prescription.Portion{Item: 0, Quantity: 1}
	for name, c := range map[string]struct {
		err  func() error
		want error
	}{
		"a forged code":   {func() error { _, err := w.Accept(t.Context(), green, "forged", Ask{Key: "key-00001"}); return err }, errForged},
		"an unknown code": {func() error { _, err := w.Accept(t.Context(), green, "unknown", Ask{Key: "key-00001"}); return err }, ErrUnknown},
		"an unknown id": {func() error {
			_, err := w.Complete(t.Context(), green, "rx-2", "", []prescription.Portion{portion}, Ask{Key: "key-00001"})
			return err
		}, ErrUnknown},
		"a short key":            {func() error { _, err := w.accept(green, "key"); return err }, ErrKey},
		"a long key":             {func() error { _, err := w.accept(green, strings.Repeat("k", 129)); return err }, ErrKey},
		"a short key at the end": {func() error { _, err := w.complete(green, Held{}, "key", portion); return err }, ErrKey},
		"no right": {func() error {
			_, err := w.accept(identity.Actor{Kind: identity.Pharmacy, Client: "green"}, "key-00001")
			return err
		}, fault.New(fault.Denied, "scope.missing", "")},
		"the patient herself": {func() error {
			_, err := w.accept(identity.Actor{Kind: identity.Patient, Account: "anna", SecondFactor: true, Scopes: []string{Right}}, "key-00001")
			return err
		}, consent.ErrNoGrant},
		"nobody":            {func() error { _, err := w.accept(identity.Actor{}, "key-00001"); return err }, consent.ErrNoGrant},
		"what nobody holds": {func() error { _, err := w.complete(green, Held{}, "key-00001", portion); return err }, prescription.ErrNoLease},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.err(); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if course := w.papers[w.paper.ID].Course; course.Version != w.paper.Course.Version || len(w.audits)+len(w.published)+len(w.answers)+w.news != 0 {
				t.Errorf("it left something: %+v", course)
			}
		})
	}
}

// Without the lock the version still lets only one through.
func TestSomebodyElseIsFaster(t *testing.T) {
	w := newWorld(t)
	w.before = func() {
		paper := w.papers[w.paper.ID]
		paper.Course.Version++
		w.papers[w.paper.ID] = paper
	}
	_, err := w.accept(green, "green-0001")
	w.refused(err, errRaced)
	if len(w.audits)+len(w.published)+w.news != 0 {
		t.Error("the loser left something")
	}
}

// The database may want the work done again: what was thrown away must not be told.
func TestTransactionsThatRunAgain(t *testing.T) {
	w := newWorld(t)
	w.reruns = 2
	held := must(w.accept(green, "green-0001"))(t)
	course := must(w.complete(green, held, "green-0002", prescription.Portion{Item: 0, Quantity: 60}))(t)
	if course.Items[0].Dispensed != 60 || w.papers[w.paper.ID].Course.Version != course.Version {
		t.Errorf("%+v", course)
	}
	must(w.complete(green, held, "green-0002", prescription.Portion{Item: 0, Quantity: 60}))(t)
	w.wantAudits(audit.Accept, audit.Dispense)
}
