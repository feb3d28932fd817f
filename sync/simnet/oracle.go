package simnet

import (
	"encoding/json"
	"slices"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// oracle is the sequential model: what was written, and what its writer had before his eyes.
type oracle struct {
	writes  map[string]*write // by value: every value is written once
	order   []string
	deletes map[string][]erasure // by record
}

// write is one value that somebody wrote.
type write struct {
	card, record, atom string
	seat               string // who wrote it; empty: the server
	seen               []string
	saved              bool // the writer was told that it is kept
	answered           bool // the server gave its writer's phone a result, or was about to
	accepted           bool
}

// erasure is one deletion, and the values that its author saw.
type erasure struct {
	seat     string
	seen     []string
	accepted bool
}

func newOracle() *oracle {
	return &oracle{writes: map[string]*write{}, deletes: map[string][]erasure{}}
}

func (o *oracle) wrote(value string, w *write) {
	o.writes[value] = w
	o.order = append(o.order, value)
}

// judged notes what the server decided on a mutation of a seat.
func (o *oracle) judged(seat string, m wire.Mutation, r wire.Result) {
	kept := r.Outcome == wire.Accepted || r.Outcome == wire.Conflict
	if m.Op == wire.OpDelete {
		list := o.deletes[m.ID]
		for i := len(list) - 1; i >= 0; i-- {
			if list[i].seat == seat {
				list[i].accepted = list[i].accepted || r.Outcome == wire.Accepted
				break
			}
		}
		return
	}
	for _, c := range m.Atoms {
		if w := o.writes[text(c.V)]; w != nil {
			w.answered = true
			w.accepted = w.accepted || kept
		}
	}
}

// lost returns an error if an accepted value is neither there nor was replaced by someone who had seen it.
func (o *oracle) lost(card string, records map[string]replica.Record) *Breach {
	replaced := map[string]bool{}
	for _, value := range o.order {
		w := o.writes[value]
		if w.card != card || !w.accepted {
			continue
		}
		for _, s := range o.knew(w) {
			replaced[s] = true
		}
	}
	for _, value := range o.order {
		w := o.writes[value]
		if w.card != card || !w.accepted || replaced[value] {
			continue
		}
		rec := records[w.record]
		if rec.Deleted {
			if !o.erased(w.record, value) {
				return breach(2, "%s of %s was deleted by nobody who had seen it", value, w.record)
			}
			continue
		}
		if !slices.ContainsFunc(rec.Atoms[w.atom], func(v replica.Version) bool { return text(v.Value) == value }) {
			return breach(2, "%s of %s/%s (by %q) is gone and nobody who replaced it had seen it",
				value, w.record, w.atom, w.seat)
		}
	}
	return nil
}

// knew is what the writer of w had seen of the atom: what stood on his screen, and what had stood there before he himself
// replaced it, even if the server then refused that earlier edit.
func (o *oracle) knew(w *write) []string {
	var out []string
	for todo := slices.Clone(w.seen); len(todo) > 0; {
		value := todo[0]
		todo = todo[1:]
		if slices.Contains(out, value) {
			continue
		}
		out = append(out, value)
		if before := o.writes[value]; before != nil && before.seat == w.seat {
			todo = append(todo, before.seen...)
		}
	}
	return out
}

func (o *oracle) erased(record, value string) bool {
	for _, d := range o.deletes[record] {
		if d.accepted && slices.Contains(d.seen, value) {
			return true
		}
	}
	return false
}

// unanswered returns an error if someone was told that his edit is kept and the server never judged it.
func (o *oracle) unanswered() *Breach {
	for _, value := range o.order {
		if w := o.writes[value]; w.saved && !w.answered {
			return breach(2, "%s of %s was saved on %s and never judged", value, w.record, w.seat)
		}
	}
	return nil
}

// text is the value as the simulation writes them: a JSON string.
func text(v json.RawMessage) string {
	var s string
	_ = json.Unmarshal(v, &s)
	return s
}

// onScreen lists the values of one atom that a person sees as THE value, and those that he sees beside it.
func onScreen(a replica.Shown) (shown string, beside []string) {
	for _, v := range a.Siblings {
		beside = append(beside, text(v.Value))
	}
	return text(a.Value), beside
}

// forget is for a phone that lost what it held: nobody promised that an edit outlives the phone it was made on.
func (o *oracle) forget(m wire.Mutation) {
	for _, c := range m.Atoms {
		if w := o.writes[text(c.V)]; w != nil {
			w.saved = false
		}
	}
}

// remember takes that back for what the backup holds.
func (o *oracle) remember(m wire.Mutation) {
	for _, c := range m.Atoms {
		if w := o.writes[text(c.V)]; w != nil {
			w.saved = true
		}
	}
}

// standing returns the values that count on a card now: what a backup of it holds, or held.
func (o *oracle) standing(card string) map[string]bool {
	out := map[string]bool{}
	for value, w := range o.writes {
		if w.card == card && w.accepted {
			out[value] = true
		}
	}
	return out
}

// restored is for a server that lost its last commits. What phones still have they must send again, and it is judged again;
// of the rest nothing counts.
func (o *oracle) restored(c *cardWorld, standing map[string]bool) {
	held := map[string]bool{}
	for _, s := range c.seats {
		for _, item := range s.shelf.state.items {
			if item.State == replica.Rejected {
				continue // its writer was told
			}
			for _, change := range item.Mutation.Atoms {
				held[text(change.V)] = true
			}
		}
	}
	for value, w := range o.writes {
		if w.card == c.id && w.accepted && !standing[value] {
			w.accepted, w.answered, w.saved = false, false, held[value]
		}
	}
	for id, rec := range c.book.pages.records {
		for i := range o.deletes[id] {
			o.deletes[id][i].accepted = o.deletes[id][i].accepted && rec.Deleted
		}
	}
}
