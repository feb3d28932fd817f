package simnet

import (
	"cmp"
	"maps"
	"slices"
	"sort"
	"sync"

	"github.com/medcard/medcard/sync/replica"
)

// Book is one card of a server, in memory: a Ledger's store for simulations and tests. Transactions run one after the
// other, and one that fails leaves nothing behind.
type Book struct {
	mu      sync.Mutex
	pages   pages
	real    CardStore                // beside it; nil: none
	putBack func(epoch string) error // of a copy: brings the real one back to it
}

// pages is the state of a card. Records and actors are values; what they point to is never written into.
type pages struct {
	head      replica.Head
	records   map[string]replica.Record
	actors    map[uint32]replica.Actor
	decisions map[uint32]map[uint64]replica.Decision
	moves     []replica.Move    // in the order of Seq
	heads     map[string]uint64 // per scope
	born      map[string]uint64 // the first commit of each record, as far as kept
	forgot    map[string]uint64 // per scope: see Forgotten
	former    map[string][]formerState
	memory    memory
}

// NewBook returns an empty card.
func NewBook(epoch string) *Book {
	return &Book{pages: pages{
		head:      replica.Head{Epoch: epoch},
		records:   map[string]replica.Record{},
		actors:    map[uint32]replica.Actor{},
		decisions: map[uint32]map[uint64]replica.Decision{},
		heads:     map[string]uint64{}, born: map[string]uint64{}, forgot: map[string]uint64{}, former: map[string][]formerState{}, memory: memory{}.clone(),
	}}
}

// Update runs f in a transaction.
func (b *Book) Update(f func(replica.Ledger) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := b.pages.clone()
	var err error
	if b.real == nil {
		err = f(&next)
	} else {
		err = b.real.Update(once(func(l replica.Ledger) error { return f(twinLedger{&next, l}) }))
	}
	if err == nil {
		b.pages = next
	}
	return err
}

// View runs f on a snapshot; what it writes is lost.
func (b *Book) View(f func(replica.Ledger) error) error {
	b.mu.Lock()
	snapshot := b.pages.clone()
	b.mu.Unlock()
	if b.real == nil {
		return f(&snapshot)
	}
	return b.real.View(once(func(l replica.Ledger) error { return f(twinLedger{&snapshot, l}) }))
}

// Restored brings back an earlier state under a new epoch, as restoring a backup does.
func (b *Book) Restored(from *Book, epoch string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pages = from.pages.clone()
	b.pages.head.Epoch = epoch
	if b.real != nil {
		sound("Restore", from.putBack(epoch))
	}
}

// Copy is the card as it stands: a backup.
func (b *Book) Copy() *Book {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := &Book{pages: b.pages.clone()}
	if b.real != nil {
		var err error
		c.putBack, err = b.real.Backup()
		sound("Backup", err)
	}
	return c
}

func (p pages) clone() pages {
	p.records = maps.Clone(p.records)
	p.actors = maps.Clone(p.actors)
	decisions := make(map[uint32]map[uint64]replica.Decision, len(p.decisions))
	for actor, list := range p.decisions {
		decisions[actor] = maps.Clone(list)
	}
	p.decisions = decisions
	p.moves, p.heads, p.born = slices.Clip(p.moves), maps.Clone(p.heads), maps.Clone(p.born)
	p.forgot, p.memory, p.former = maps.Clone(p.forgot), p.memory.clone(), maps.Clone(p.former)
	return p
}

var _ replica.Ledger = (*pages)(nil)

func (p *pages) Head() (replica.Head, error) { return p.head, nil }

func (p *pages) Lock() (replica.Head, error) { return p.head, nil }

func (p *pages) Advance(seq uint64) error { p.head.Seq = seq; return nil }

func (p *pages) Records(ids []string) (map[string]replica.Record, error) {
	out := make(map[string]replica.Record, len(ids))
	for _, id := range ids {
		if rec, ok := p.records[id]; ok {
			out[id] = rec
		}
	}
	return out, nil
}

func (p *pages) Scan(scopes replica.Scopes, after uint64, limit int) ([]replica.Record, error) {
	var out []replica.Record
	for _, rec := range p.records {
		if rec.Seq > after && !rec.Collected && scopes.Holds(rec.Scope) {
			out = append(out, rec)
		}
	}
	return inOrder(out, limit), nil
}

func inOrder(records []replica.Record, limit int) []replica.Record {
	slices.SortFunc(records, func(a, b replica.Record) int { return cmp.Or(cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.ID, b.ID)) })
	return records[:min(limit, len(records))]
}

func (p *pages) SaveRecords(records []replica.Record) error {
	for _, rec := range records {
		if old, ok := p.records[rec.ID]; ok {
			p.keep(old)
		}
	}
	return p.put(records)
}

func (p *pages) put(records []replica.Record) error {
	known := len(p.moves)
	for _, rec := range records {
		old, ok := p.records[rec.ID]
		switch {
		case !ok:
			p.born[rec.ID] = rec.Seq
		case old.Scope != rec.Scope:
			p.moves = append(p.moves, replica.Move{ID: rec.ID, Seq: rec.Seq, From: old.Scope, To: rec.Scope})
			p.heads[old.Scope] = max(p.heads[old.Scope], rec.Seq)
		}
		p.memory.saved(old, rec)
		p.records[rec.ID] = rec
		p.heads[rec.Scope] = max(p.heads[rec.Scope], rec.Seq)
	}
	slices.SortFunc(p.moves[known:], func(a, b replica.Move) int { return cmp.Compare(a.Seq, b.Seq) })
	return nil
}

func (p *pages) Newest(scopes replica.Scopes) (newest uint64, err error) {
	for scope, head := range p.heads {
		if scopes.Holds(scope) {
			newest = max(newest, head)
		}
	}
	return newest, nil
}

func (p *pages) Moves(after uint64, limit int) ([]replica.Move, error) {
	from := sort.Search(len(p.moves), func(i int) bool { return p.moves[i].Seq > after })
	var out []replica.Move
	for _, m := range p.moves[from:] {
		if len(out) < limit && p.born[m.ID] <= after {
			out = append(out, m)
		}
	}
	return out, nil
}

func (p *pages) Actors() ([]replica.Actor, error) {
	return slices.SortedFunc(maps.Values(p.actors), func(a, b replica.Actor) int { return cmp.Compare(a.Ordinal, b.Ordinal) }), nil
}

func (p *pages) Actor(ordinal uint32) (replica.Actor, bool, error) {
	a, ok := p.actors[ordinal]
	return a, ok, nil
}

func (p *pages) SaveActor(actor replica.Actor) error { p.actors[actor.Ordinal] = actor; return nil }

func (p *pages) Decisions(actor uint32, from, to uint64) ([]replica.Decision, error) {
	var out []replica.Decision
	for n := from; n <= to; n++ {
		if d, ok := p.decisions[actor][n]; ok {
			out = append(out, d)
		}
	}
	return out, nil
}

func (p *pages) SaveDecisions(actor uint32, decisions []replica.Decision) error {
	if p.decisions[actor] == nil {
		p.decisions[actor] = map[uint64]replica.Decision{}
	}
	for _, d := range decisions {
		p.decisions[actor][d.N] = d
	}
	return nil
}

func (p *pages) DropDecisions(actor uint32, to uint64) error {
	maps.DeleteFunc(p.decisions[actor], func(n uint64, _ replica.Decision) bool { return n <= to })
	return nil
}

// fingerprint continues a hash with all that replays must not change: the records, and which mutations were processed.
func (p *pages) fingerprint(sum uint64) uint64 {
	sum = mix(sum, []byte(p.head.Epoch)) + p.head.Seq
	for _, id := range slices.Sorted(maps.Keys(p.records)) {
		rec := p.records[id]
		sum = mix(sum+rec.Seq, []byte(id))
		if rec.Deleted {
			sum++
		}
		sum = sum*31 + rowHash(project(rec))
	}
	for _, ordinal := range slices.Sorted(maps.Keys(p.actors)) {
		if lmid := p.actors[ordinal].LMID; lmid > 0 { // an actor more, of a phone that asked again, is no change
			sum = sum*31 + lmid
		}
	}
	return sum
}
