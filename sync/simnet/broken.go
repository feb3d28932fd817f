package simnet

import (
	"errors"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// Broken names a mistake that is put into a world on purpose, each one that a real engine has made. The oracle must find it.
type Broken string

// The mistakes.
const (
	Sound           Broken = ""
	ContextAtPush   Broken = "context captured at push time"  // At, Ctx and Seen are what the phone knows when it sends
	ReplayApplies   Broken = "a replay is applied again"      // the server forgets which mutations it has processed
	ClockCursor     Broken = "a cursor of wall-clock time"    // two commits of one tick share their place in the order
	SwallowSiblings Broken = "an edit takes all siblings"     // an ordinary edit replaces what it did not show
	TornPage        Broken = "a page in two transactions"     // a crash leaves the cursor moved and the rows not written
	EarlyAt         Broken = "a page taken for a whole"       // editors and rows build on a cursor between two pages
	LostItem        Broken = "sent is taken for received"     // the outbox is emptied when a request goes out
	KeepMoved       Broken = "moves are not told"             // what went out of sight stays on the phone
	RedForAll       Broken = "every move is told"             // also of what the device never saw
	StaleSight      Broken = "a permit for a whole answer"    // access is looked at once, not with each page
	KeepLost        Broken = "a phone without purge"          // what was lost stays
	MixedBase       Broken = "a resync in place"              // the new base grows in the old one
	TrustedNumber   Broken = "a number proves a mutation"     // a fork of the actor is not noticed
	FullScan        Broken = "everything is looked at"        // a pull of nothing reads rows
	LostSave        Broken = "a save that is not kept"        // the person's own screen lacks what he saved
	DeafToDeletes   Broken = "deletions are not heard"        // what was deleted for all stays on the phone
	HeadForAll      Broken = "the card's head is told"        // the cursor of everybody moves with commits out of his sight
	BluntPurge      Broken = "a purge without patterns"       // what stays visible through a grant of a whole class goes, too
	RecedingCursor  Broken = "a cursor that goes back"        // now and then a token stands for an earlier commit
	Wedge           Broken = "a refusal is not told"          // the phone waits for its result for ever
	LaggingReplica  Broken = "a replica that lags"            // pages are made of what stood there some commits ago
	TornRow         Broken = "a row taken in by parts"        // of the atoms that came together some are written, some not
	NewestVector    Broken = "the newer vector wins"          // of two concurrent vectors one is taken for both
	ThinFirst       Broken = "a first sync of the newest"     // a new phone does not get what lies further back
	NoStones        Broken = "nothing is left of the deleted" // an old phone may make it again
	HoardedClocks   Broken = "clocks are not pruned"          // the entries of forgotten actors stay for ever
	BlindSums       Broken = "sums without values"            // a flipped letter does not show in them
	FlatSums        Broken = "sums without scopes"            // nor does a row in another scope
	BlindCalm       Broken = "no news though access changed"  // what a calm phone may see is not looked at
	OnceMore        Broken = "what comes again is new"        // nobody looks whether an edit was judged before under another number
	DeleteFirst     Broken = "a check that deletes first"     // what differs goes before what replaces it has come
)

// Mistake is a broken engine and the invariant that it breaks: by that one it must be found.
type Mistake struct {
	Broken    Broken
	Invariant int
}

// Mistakes lists them.
var Mistakes = []Mistake{
	{DeafToDeletes, 1},
	{ForgetSilent, 1},
	{ContextAtPush, 2},
	{SwallowSiblings, 2},
	{LostItem, 2},
	{HeldIsGone, 2},
	{ForgottenIsGone, 2},
	{NoStones, 3},
	{KeepMoved, 4},
	{RedForAll, 4},
	{StaleSight, 4},
	{KeepLost, 4},
	{BlindCalm, 4},
	{HeadForAll, 4},
	{Unconfirmed, 4},
	{BluntPurge, 5},
	{RecedingCursor, 6},
	{ClockCursor, 7},
	{TornPage, 7},
	{ReplayApplies, 8},
	{OnceMore, 8},
	{Wedge, 9},
	{LostSave, 10},
	{LaggingReplica, 10},
	{EarlyAt, 11},
	{TornRow, 11},
	{CursorAsLow, 12},
	{CollectAtOnce, 12},
	{PruneEarly, 12},
	{PruneLive, 12},
	{HoardedClocks, 12},
	{NewestVector, 13},
	{BlindSums, 14},
	{FlatSums, 14},
	{DeleteFirst, 14},
	{ThinFirst, 15},
	{TrustedNumber, 16},
	{MixedBase, 17},
	{FullScan, 18},
}

var errTorn = errors.New("simnet: torn write")

// Where a mistake comes in: at a page, a push, another write of the server, a phone's store.

func (w *World) spoilt(l replica.Ledger) replica.Ledger {
	switch w.Broken {
	case KeepMoved:
		return unmoved{l}
	case RedForAll:
		return gossip{l}
	case FullScan:
		return thorough{l}
	case HeadForAll:
		return loud{l}
	case ThinFirst:
		return thin{l}
	case BlindSums, FlatSums:
		return careless{l, w.Broken}
	case ForgetSilent:
		return silentLedger{l}
	}
	return l
}

func (w *World) spoiltPull(in replica.Pull) replica.Pull {
	if w.Broken == RecedingCursor {
		in.Seal = receding{in.Seal}
	}
	return in
}

func (w *World) spoiltPush(l replica.Ledger, ask wire.SyncCard) replica.Ledger {
	switch {
	case w.Broken == ReplayApplies && len(ask.Mutations) > 0:
		return forgetful{l, ask.Mutations[0].N}
	case w.Broken == OnceMore:
		return forgetting{l}
	case w.Broken == TrustedNumber:
		return trusting{l, ask.Mutations}
	}
	return w.spoiltWrite(l)
}

func (w *World) spoiltWrite(l replica.Ledger) replica.Ledger {
	if w.Broken == ClockCursor {
		return clockwork{l, w.tick()}
	}
	return l
}

func (w *World) spoiltStore(store replica.PhoneStore) replica.PhoneStore {
	spoil, ok := map[Broken]func(replica.PhoneTx) replica.PhoneTx{
		EarlyAt:       func(tx replica.PhoneTx) replica.PhoneTx { return hastyTx{tx} },
		KeepLost:      func(tx replica.PhoneTx) replica.PhoneTx { return keeperTx{tx} },
		MixedBase:     func(tx replica.PhoneTx) replica.PhoneTx { return mixerTx{tx} },
		LostSave:      func(tx replica.PhoneTx) replica.PhoneTx { return silentTx{tx} },
		DeafToDeletes: func(tx replica.PhoneTx) replica.PhoneTx { return deafTx{tx} },
		BluntPurge:    func(tx replica.PhoneTx) replica.PhoneTx { return bluntTx{tx} },
		TornRow:       func(tx replica.PhoneTx) replica.PhoneTx { return torn{tx} },
		BlindSums:     func(tx replica.PhoneTx) replica.PhoneTx { return carelessTx{tx, BlindSums} },
		FlatSums:      func(tx replica.PhoneTx) replica.PhoneTx { return carelessTx{tx, FlatSums} },
	}[w.Broken]
	if !ok {
		return store
	}
	return spoiltPhone{store, spoil}
}

// spoiltPhone is a PhoneStore whose transactions have a mistake.
type spoiltPhone struct {
	replica.PhoneStore
	spoil func(replica.PhoneTx) replica.PhoneTx
}

func (s spoiltPhone) View(f func(replica.PhoneTx) error) error {
	return s.PhoneStore.View(func(tx replica.PhoneTx) error { return f(s.spoil(tx)) })
}

func (s spoiltPhone) Update(f func(replica.PhoneTx) error) error {
	return s.PhoneStore.Update(func(tx replica.PhoneTx) error { return f(s.spoil(tx)) })
}

// refreshed gives mutations the context of today.
func (w *World) refreshed(s *seat, list []wire.Mutation) []wire.Mutation {
	out := make([]wire.Mutation, len(list))
	for i, m := range list {
		key := m.ID + m.HLC.String() + string(m.Op)
		if done, ok := s.rewritten[key]; ok {
			done.N = m.N
			out[i] = done
			continue
		}
		row, ok := s.shelf.state.base[m.ID]
		if ok && m.Op != wire.OpCreate {
			m.At, m.Ctx = s.shelf.state.meta.At, row.VV
			atoms := map[string]wire.Change{}
			for name, c := range m.Atoms {
				if versions := row.Atoms[name]; len(versions) == 1 {
					c.Seen = nil
					c.Seen = append(c.Seen, versions[0].Dot)
				}
				atoms[name] = c
			}
			if m.Op != wire.OpDelete {
				m.Atoms = atoms
			}
		}
		s.rewritten[key] = m
		out[i] = m
	}
	return out
}

// forgetful is a Ledger that does not remember what was processed from n on.
type forgetful struct {
	replica.Ledger
	n uint64
}

func (f forgetful) Actor(ordinal uint32) (replica.Actor, bool, error) {
	a, ok, err := f.Ledger.Actor(ordinal)
	a.LMID = min(a.LMID, f.n-1)
	a.Acked = min(a.Acked, f.n-1)
	return a, ok, err
}

func (f forgetful) SaveActor(a replica.Actor) error {
	stored, _, err := f.Ledger.Actor(a.Ordinal)
	if err != nil {
		return err
	}
	a.LMID, a.Acked = max(a.LMID, stored.LMID), max(a.Acked, stored.Acked)
	return f.Ledger.SaveActor(a)
}

// forgetting is a Ledger that keeps nothing of what records were.
type forgetting struct{ replica.Ledger }

func (forgetting) Former(string, int) ([]map[string][]replica.Version, error) { return nil, nil }

// clockwork is a Ledger whose order is the clock's: every commit of one tick has the same number.
type clockwork struct {
	replica.Ledger
	tick uint64
}

func (c clockwork) Lock() (replica.Head, error) {
	head, err := c.Ledger.Lock()
	head.Seq = c.tick - 1
	return head, err
}

// hastyTx makes a whole state of every page.
type hastyTx struct{ replica.PhoneTx }

func (h hastyTx) SaveMeta(meta replica.Meta) error {
	if meta.At != meta.Cursor {
		meta.At = meta.Cursor
		meta.Gen++
	}
	return h.PhoneTx.SaveMeta(meta)
}
