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
	order   []*write
	deletes map[string][]*erasure // by record
	kept    map[[32]byte]number   // mutations that were accepted, and under which number first
	again   map[string]bool       // records that may come back with an edit which the server cannot know again: see judged
}

// write is one value that somebody wrote.
type write struct {
	value              string
	nr                 int // in the order of writing
	card, record, atom string
	hand               *hand // who wrote it; nil: the server
	seen               []string
	saved              bool // the writer was told that it is kept
	answered           bool // the server gave its writer's phone a result, or was about to
	accepted           bool
}

// number is what a mutation travels under.
type number struct {
	epoch string
	actor uint32
	n     uint64
	late  bool // its stamp was so far ahead that it had to be clamped
}

// erasure is one deletion, and the values that its author saw.
type erasure struct {
	card     string
	key      [32]byte // the mutation, whatever number it travels under
	seen     []string
	accepted bool
}

// hand is one line of edits that know of each other: a phone's, and before it was cloned those of the phone it was.
type hand struct {
	parent *hand
	born   int // what the parent wrote before is this one's, too
}

func (h *hand) fork(o *oracle) *hand { return &hand{parent: h, born: len(o.order)} }

// made says whether the write is of this hand.
func (h *hand) made(wr *write) bool {
	before := wr.nr
	for ; h != nil; h = h.parent {
		if wr.hand == h && wr.nr <= before {
			return true
		}
		before = min(before, h.born)
	}
	return false
}

func newOracle() *oracle {
	return &oracle{writes: map[string]*write{}, deletes: map[string][]*erasure{},
		kept: map[[32]byte]number{}, again: map[string]bool{}}
}

func (o *oracle) wrote(value string, wr *write) *write {
	wr.value, wr.nr = value, len(o.order)
	o.writes[value] = wr
	o.order = append(o.order, wr)
	return wr
}

// identity tells one mutation from another, under whatever number it travels.
func identity(m wire.Mutation) [32]byte {
	m.N = 0
	return m.Hash()
}

// of is the write that a mutation's value stands for, if any: of what a command says not all is new.
func (o *oracle) of(m wire.Mutation, atom string, v json.RawMessage) *write {
	wr := o.writes[text(v)]
	if wr == nil || wr.record != m.ID || wr.atom != atom {
		return nil
	}
	return wr
}

// judged notes what the server decided on a mutation.
func (o *oracle) judged(as number, m wire.Mutation, r wire.Result) {
	if m.Op == wire.OpDelete {
		key := identity(m)
		for _, e := range o.deletes[m.ID] {
			e.accepted = e.accepted || e.key == key && r.Outcome == wire.Accepted
		}
		return
	}
	if key := identity(m); r.Outcome != wire.Refused {
		if first, known := o.kept[key]; known { // one that was clamped, or that a server had judged which was restored since
			o.again[m.ID] = o.again[m.ID] || (first.late || first.epoch != as.epoch) && m.Op != wire.OpCreate
		} else {
			o.kept[key] = as
		}
	}
	for atom, c := range m.Atoms {
		if wr := o.of(m, atom, c.V); wr != nil {
			wr.answered = true
			wr.accepted = wr.accepted || r.Outcome != wire.Refused
		}
	}
}

// repeats says whether the server must know that a mutation was accepted before, under whatever number.
func (o *oracle) repeats(as number, m wire.Mutation) bool {
	first, known := o.kept[identity(m)]
	return known && !first.late && first.epoch == as.epoch
}

// refused notes that somebody was told that his edit is not accepted: that is an answer, even if the server has lost its memory of it.
func (o *oracle) refused(m wire.Mutation) {
	for atom, c := range m.Atoms {
		if wr := o.of(m, atom, c.V); wr != nil {
			wr.answered = true
		}
	}
}

// answered says whether the server has judged a mutation.
func (o *oracle) answered(m wire.Mutation) bool {
	for atom, c := range m.Atoms {
		if wr := o.of(m, atom, c.V); wr != nil && !wr.answered {
			return false
		}
	}
	return true
}

// lost tells of an accepted value that is neither there nor was replaced by someone who had seen it.
func (o *oracle) lost(card string, records map[string]replica.Record) *Breach {
	replaced := map[string]bool{}
	for _, wr := range o.order {
		if wr.card != card || !wr.accepted {
			continue
		}
		for _, s := range o.knew(wr) {
			replaced[s] = true
		}
	}
	for _, wr := range o.order {
		if wr.card != card || !wr.accepted || replaced[wr.value] {
			continue
		}
		rec := records[wr.record]
		there := slices.ContainsFunc(rec.Atoms[wr.atom], func(v replica.Version) bool { return text(v.Value) == wr.value })
		switch {
		case there && !rec.Deleted, o.erased(wr.record, wr.value):
		case rec.Deleted:
			return breach(2, "%s of %s was deleted by nobody who had seen it", wr.value, wr.record)
		default:
			return breach(2, "%s of %s/%s is gone and nobody who replaced it had seen it", wr.value, wr.record, wr.atom)
		}
	}
	return nil
}

// knew is what the writer had seen of the atom: what stood on his screen, and what had stood there before he himself
// replaced it, even if the server then refused that earlier edit.
func (o *oracle) knew(wr *write) (out []string) {
	for todo := slices.Clone(wr.seen); len(todo) > 0; {
		value := todo[0]
		todo = todo[1:]
		if slices.Contains(out, value) {
			continue
		}
		out = append(out, value)
		if before := o.writes[value]; before != nil && before.hand != nil && wr.hand.made(before) {
			todo = append(todo, before.seen...)
		}
	}
	return out
}

// under is what somebody does away with who deletes a record in which these values stand: them, and all that they had replaced, should
// a server that was restored know no better.
func (o *oracle) under(values []string) (out []string) {
	for todo := slices.Clone(values); len(todo) > 0; todo = todo[1:] {
		if wr := o.writes[todo[0]]; !slices.Contains(out, todo[0]) {
			if out = append(out, todo[0]); wr != nil {
				todo = append(todo, wr.seen...)
			}
		}
	}
	return out
}

func (o *oracle) erased(record, value string) bool {
	return slices.ContainsFunc(o.deletes[record], func(e *erasure) bool { return e.accepted && slices.Contains(e.seen, value) })
}

// unanswered tells of someone who was told that his edit is kept, and the server never judged it.
func (o *oracle) unanswered() *Breach {
	for _, wr := range o.order {
		if wr.saved && !wr.answered {
			return breach(2, "%s of %s was saved and never judged", wr.value, wr.record)
		}
	}
	return nil
}

// text is the value as the simulation writes them: a JSON string.
func text(v json.RawMessage) string {
	if len(v) < 2 || v[0] != '"' {
		return ""
	}
	return string(v[1 : len(v)-1])
}

// onScreen lists the values of one atom that a person sees as THE value, and those that he sees beside it.
func onScreen(a replica.Shown) (shown string, beside []string) {
	for _, v := range a.Siblings {
		beside = append(beside, text(v.Value))
	}
	return text(a.Value), beside
}

// forget is for a phone that lost what it held: nobody promised that an edit outlives the phone it was made on.
func (o *oracle) forget(m wire.Mutation) { o.keeps(m, false) }

// remember takes that back for what the backup holds.
func (o *oracle) remember(m wire.Mutation) { o.keeps(m, true) }

func (o *oracle) keeps(m wire.Mutation, saved bool) {
	for atom, c := range m.Atoms {
		if wr := o.of(m, atom, c.V); wr != nil {
			wr.saved = saved
		}
	}
}

// standing is what counts on a card now: what a backup of it holds, or held.
type standing struct {
	values map[string]bool
	erased map[*erasure]bool
}

func (o *oracle) standing(card string) standing {
	out := standing{map[string]bool{}, map[*erasure]bool{}}
	for _, wr := range o.order {
		if wr.card == card && wr.accepted {
			out.values[wr.value] = true
		}
	}
	for _, list := range o.deletes {
		for _, e := range list {
			out.erased[e] = e.accepted
		}
	}
	return out
}

// restored is for a server that lost its last commits. What phones still have they must send again, and it is judged again;
// of the rest nothing counts.
func (o *oracle) restored(c *cardWorld, was standing) {
	held := map[*write]bool{}
	for _, s := range c.seats {
		for _, item := range s.shelf.state.items {
			if item.State == replica.Rejected {
				continue // its writer was told
			}
			for atom, change := range item.Mutation.Atoms {
				if wr := o.of(item.Mutation, atom, change.V); wr != nil {
					held[wr] = true
				}
			}
		}
	}
	for _, wr := range o.order {
		if wr.card == c.id && wr.accepted && !was.values[wr.value] {
			wr.accepted, wr.answered, wr.saved = false, false, held[wr]
		}
	}
	for _, list := range o.deletes {
		for _, e := range list {
			e.accepted = e.accepted && (e.card != c.id || was.erased[e])
		}
	}
}
