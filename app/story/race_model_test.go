package story

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

// The course of one prescription as a model that porcupine checks histories against: whatever many pharmacists were told at once must be
// explained by one order in which they came one after the other.

// deed is what somebody asked for.
type deed struct {
	what     string // accept, complete, reject, cancel
	who      int    // which pharmacy
	key      string // idempotency key
	secret   string
	quantity int
}

// heard is the answer.
type heard struct {
	code      string // of a refusal, "" = done
	secret    string // of accept
	state     string
	remaining int
}

// shelfState is the model's state. It is comparable, so porcupine sees when it was there before.
type shelfState struct {
	state     string
	remaining int
	who       int
	key       string
	secret    string
	answered  string // "key=state/remaining;" of what was finished
}

const prescribed = 60

var courseModel = porcupine.Model{
	Init: func() any { return shelfState{state: "issued", remaining: prescribed} },
	Step: func(state, input, output any) (bool, any) {
		return state.(shelfState).step(input.(deed), output.(heard))
	},
	DescribeOperation: func(input, output any) string {
		return fmt.Sprintf("%+v -> %+v", input, output)
	},
}

func (s shelfState) step(d deed, t heard) (bool, shelfState) {
	switch d.what {
	case "accept":
		return s.accept(d, t)
	case "cancel":
		if before, done := s.before(d.key); done {
			return t == before, s
		}
		if code := s.closed(); code != "" {
			return t.code == code, s
		}
		return s.finish(d, t, "cancelled", s.remaining)
	}
	if before, done := s.before(d.key); done {
		return t == before, s
	}
	switch {
	case s.state != "in_work":
		return t.code == "dispensing.no_hold", s
	case s.who != d.who || s.secret != d.secret:
		return t.code == "dispensing.wrong_secret", s
	case d.quantity > s.remaining:
		return t.code == "dispensing.portion", s
	}
	left := s.remaining - d.quantity
	return s.finish(d, t, idle(left), left)
}

func (s shelfState) accept(d deed, t heard) (bool, shelfState) {
	mine := s.state == "in_work" && s.who == d.who && s.key == d.key
	if code := s.closed(); code != "" && !mine {
		return t.code == code, s
	}
	next := s
	next.state, next.who, next.key, next.secret = "in_work", d.who, d.key, t.secret
	// A fresh secret each time: the old one stops working.
	return t.code == "" && t.secret != "" && t.secret != s.secret && t.remaining == s.remaining, next
}

// closed is what whoever comes now is told.
func (s shelfState) closed() string {
	switch s.state {
	case "in_work", "dispensed", "cancelled":
		return "prescription." + s.state
	}
	return ""
}

func (s shelfState) finish(d deed, t heard, state string, left int) (bool, shelfState) {
	next := shelfState{state: state, remaining: left, answered: s.answered + fmt.Sprintf("%s=%s/%d;", d.key, state, left)}
	return t == heard{state: state, remaining: left}, next
}

// before is what the same request was answered earlier.
func (s shelfState) before(key string) (t heard, done bool) {
	_, rest, done := strings.Cut(s.answered, key+"=")
	if done {
		answer, _, _ := strings.Cut(rest, ";")
		state, left, _ := strings.Cut(answer, "/")
		t.state = state
		_, _ = fmt.Sscan(left, &t.remaining)
	}
	return t, done
}

func idle(left int) string {
	switch left {
	case 0:
		return "dispensed"
	case prescribed:
		return "issued"
	}
	return "partly_dispensed"
}

// witness writes a history down.
type witness struct {
	began time.Time
	mu    sync.Mutex
	ops   []porcupine.Operation
}

func (w *witness) saw(by int, d deed, do func() heard) heard {
	call := time.Since(w.began)
	t := do()
	end := time.Since(w.began)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ops = append(w.ops, porcupine.Operation{ClientId: by, Input: d, Output: t, Call: int64(call), Return: int64(end)})
	return t
}

// essential leaves out refusals that add nothing, because a checker that has to place a thousand of them in some order does not end.
// Nothing is lost: a history is explained by one order exactly when what is left of it is.
//
// A refusal changes nothing. It needs one moment within its time at which the state is the one that it names. So it can go where that
// is certain, whatever the order: while a winner holds the prescription, from its first answer until it asks to finish; after it was
// told that all is out, or that it is cancelled. And of two refusals with the same words the one whose time holds the other's can go:
// where the shorter finds its moment, the longer does.
func essential(ops []porcupine.Operation) []porcupine.Operation {
	certain := certainties(ops)
	var kept, refusals []porcupine.Operation
	for _, op := range ops {
		if code := op.Output.(heard).code; !strings.HasPrefix(code, "prescription.") {
			kept = append(kept, op)
		} else if !slices.ContainsFunc(certain[code], span{op.Call, op.Return}.meets) {
			refusals = append(refusals, op)
		}
	}
	for i, op := range refusals {
		longer := func(j int) bool {
			other := refusals[j]
			same := op.Output.(heard).code == other.Output.(heard).code && op.Input.(deed).what == other.Input.(deed).what
			inside := op.Call <= other.Call && other.Return <= op.Return
			equal := op.Call == other.Call && other.Return == op.Return
			return i != j && same && inside && (!equal || j < i)
		}
		needless := false
		for j := range refusals {
			needless = needless || longer(j)
		}
		if !needless {
			kept = append(kept, op)
		}
	}
	return kept
}

type span struct{ from, to int64 }

func (s span) meets(other span) bool { return max(s.from, other.from) <= min(s.to, other.to) }

// certainties are, by the words of a refusal, the times at which it is right in every order.
func certainties(ops []porcupine.Operation) map[string][]span {
	const ever = 1<<63 - 1
	type hold struct {
		span
		by int
	}
	holds := map[string]*hold{} // by the key of the accept
	finishes := map[int]int64{} // by pharmacist: when it asked to finish for the first time
	certain := map[string][]span{}
	for _, op := range ops {
		d, h := op.Input.(deed), op.Output.(heard)
		switch {
		case h.code != "":
		case d.what == "accept":
			if h := holds[d.key]; h == nil {
				holds[d.key] = &hold{span{op.Return, ever}, op.ClientId}
			} else {
				h.from = min(h.from, op.Return)
			}
		default:
			if first, known := finishes[op.ClientId]; !known || op.Call < first {
				finishes[op.ClientId] = op.Call
			}
			if h.state == "dispensed" || h.state == "cancelled" {
				certain["prescription."+h.state] = append(certain["prescription."+h.state], span{op.Return, ever})
			}
		}
	}
	for _, h := range holds {
		if end, known := finishes[h.by]; known {
			h.to = end
		}
		if h.from <= h.to {
			certain["prescription.in_work"] = append(certain["prescription.in_work"], h.span)
		}
	}
	return certain
}
