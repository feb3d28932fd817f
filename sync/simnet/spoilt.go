package simnet

import (
	"maps"
	"strings"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// unmoved is a Ledger that keeps no moves.
type unmoved struct{ replica.Ledger }

func (unmoved) Moves(uint64, int) ([]replica.Move, error) { return nil, nil }

// gossip is a Ledger by which everything that moves was in sight before.
type gossip struct{ replica.Ledger }

func (g gossip) Moves(after uint64, limit int) ([]replica.Move, error) {
	moves, err := g.Ledger.Moves(after, limit)
	out := moves[:0:0]
	for _, m := range moves {
		for _, scope := range allScopes {
			out = append(out, replica.Move{ID: m.ID, Seq: m.Seq, From: scope, To: m.To})
		}
	}
	return out, err
}

// thorough is a Ledger that looks at everything each time.
type thorough struct{ replica.Ledger }

func (t thorough) Scan(scopes replica.Scopes, after uint64, limit int) ([]replica.Record, error) {
	all, err := t.Ledger.Scan(scopes, 0, 1<<20)
	out := all[:0:0]
	for _, rec := range all {
		if rec.Seq > after {
			out = append(out, rec)
		}
	}
	if len(out) == 0 && len(all) > 0 {
		return all[:1], err
	}
	return out[:min(limit, len(out))], err
}

// trusting is a Ledger by which every mutation that comes again is the one that came before.
type trusting struct {
	replica.Ledger
	mutations []wire.Mutation
}

func (t trusting) Decisions(actor uint32, from, to uint64) ([]replica.Decision, error) {
	out, err := t.Ledger.Decisions(actor, from, to)
	for i := range out {
		for _, m := range t.mutations {
			if m.N == out[i].N {
				out[i].Hash = m.Hash()
			}
		}
	}
	return out, err
}

// keeperTx deletes no scope.
type keeperTx struct{ replica.PhoneTx }

func (keeperTx) DropRowsOutside(replica.Scopes) error { return nil }

// mixerTx builds a new base in the old one.
type mixerTx struct{ replica.PhoneTx }

func (m mixerTx) PutShadowRow(row wire.Row) error {
	if err := m.PhoneTx.PutShadowRow(row); err != nil {
		return err
	}
	return m.PhoneTx.PutRow(row)
}

// silentTx forgets to write an edit down.
type silentTx struct{ replica.PhoneTx }

func (s silentTx) PutItem(item replica.Item) error {
	if item.State == replica.Waiting && item.Mutation.Op == wire.OpPatch && item.Mutation.N%5 == 0 {
		item.State = replica.Settled
	}
	return s.PhoneTx.PutItem(item)
}

// deafTx keeps every second record that it is told to drop.
type deafTx struct{ replica.PhoneTx }

func (d deafTx) DropRow(id string) error {
	if id[len(id)-1]%2 == 0 {
		return nil
	}
	return d.PhoneTx.DropRow(id)
}

// bluntTx understands scopes and "*", not the classes between.
type bluntTx struct{ replica.PhoneTx }

func (b bluntTx) DropRowsOutside(keep replica.Scopes) error {
	var known replica.Scopes
	for _, scope := range keep {
		if scope == "*" || !strings.HasSuffix(scope, ".*") {
			known = append(known, scope)
		}
	}
	return b.PhoneTx.DropRowsOutside(known)
}

// torn takes in the first of two atoms that come together, and leaves the other as it was.
type torn struct{ replica.PhoneTx }

func (t torn) PutRow(row wire.Row) error {
	old, ok, err := t.Row(row.ID)
	if err != nil {
		return err
	}
	if before, has := old.Atoms["value"]; ok && has {
		row.Atoms = maps.Clone(row.Atoms)
		row.Atoms["value"] = before
	}
	return t.PhoneTx.PutRow(row)
}

// loud is a Ledger that calls every commit news for everybody.
type loud struct{ replica.Ledger }

func (l loud) Newest(replica.Scopes) (uint64, error) {
	head, err := l.Head()
	return head.Seq, err
}

// thin is a Ledger that has no more than the six newest records for who starts from nothing.
type thin struct{ replica.Ledger }

func (t thin) Scan(scopes replica.Scopes, after uint64, limit int) ([]replica.Record, error) {
	if after > 0 {
		return t.Ledger.Scan(scopes, after, limit)
	}
	all, err := t.Ledger.Scan(scopes, 0, 1<<20)
	all = all[max(0, len(all)-6):]
	return all[:min(limit, len(all))], err
}

// receding is a Sealer that makes of every fifth commit the one four before it.
type receding struct{ replica.Sealer }

func (r receding) Seal(seq uint64) string {
	if seq%5 == 0 && seq > 4 {
		seq -= 4
	}
	return r.Sealer.Seal(seq)
}
