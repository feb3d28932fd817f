package simnet

import (
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// unmoved is a Ledger that keeps no moves.
type unmoved struct{ replica.Ledger }

func (unmoved) Moves(uint64, int) ([]replica.Move, error) { return nil, nil }

// gossip is a Ledger by which everything that moves was in sight before.
type gossip struct{ replica.Ledger }

func (g gossip) Moves(after uint64, limit int) ([]replica.Move, error) {
	moves, err := g.Ledger.Moves(0, limit)
	out := moves[:0:0]
	for _, m := range moves {
		if m.Seq > after {
			for _, scope := range allScopes {
				out = append(out, replica.Move{ID: m.ID, Seq: m.Seq, From: scope, To: m.To})
			}
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

// keeper is a PhoneStore that deletes no scope.
type keeper struct{ replica.PhoneStore }

func (k keeper) Update(f func(replica.PhoneTx) error) error {
	return k.PhoneStore.Update(func(tx replica.PhoneTx) error { return f(keeperTx{tx}) })
}

type keeperTx struct{ replica.PhoneTx }

func (keeperTx) DropRowsOutside(replica.Scopes) error { return nil }

// mixer is a PhoneStore that builds a new base in the old one.
type mixer struct{ replica.PhoneStore }

func (m mixer) Update(f func(replica.PhoneTx) error) error {
	return m.PhoneStore.Update(func(tx replica.PhoneTx) error { return f(mixerTx{tx}) })
}

type mixerTx struct{ replica.PhoneTx }

func (m mixerTx) PutShadowRow(row wire.Row) error {
	if err := m.PhoneTx.PutShadowRow(row); err != nil {
		return err
	}
	return m.PhoneTx.PutRow(row)
}

// silent is a PhoneStore that forgets to write an edit down.
type silent struct{ replica.PhoneStore }

func (s silent) Update(f func(replica.PhoneTx) error) error {
	return s.PhoneStore.Update(func(tx replica.PhoneTx) error { return f(silentTx{tx}) })
}

type silentTx struct{ replica.PhoneTx }

func (s silentTx) PutItem(item replica.Item) error {
	if item.State == replica.Waiting && item.Mutation.Op == wire.OpPatch && item.Mutation.N%5 == 0 {
		item.State = replica.Settled
	}
	return s.PhoneTx.PutItem(item)
}
