package store

import (
	"database/sql"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// What is kept of each scope of a card, in the table card_scope: its head and its sum, written together once for all records of
// a commit. The digests of single records are not kept: a check, which is rare, makes them of what really stands in the rows.

// total is what is kept of one scope.
type total struct {
	scope  string
	head   uint64
	live   sql.NullInt64 // how many records stand in it; not known until the card was counted
	sealed []byte        // their digests, added up
}

func sumPlace(scope string) string { return "card_scope|sum|" + scope }

var errSum = errors.New("store: the sum of a scope is in no form that this version reads")

// totals reads what is kept of all scopes of the card.
func (l *ledger) totals() (list []total, err error) {
	err = l.tx.each(func(rows *sql.Rows) error {
		var t total
		err := rows.Scan(&t.scope, &t.head, &t.live, &t.sealed)
		list = append(list, t)
		return err
	}, "SELECT scope, head, live, sum FROM card_scope WHERE card = ?", string(l.card))
	return list, err
}

// sum opens a scope's sum; known is false if it was never counted.
func (l *ledger) sum(t total) (sum wire.Sum, known bool, err error) {
	if !t.live.Valid {
		return wire.Sum{}, false, nil
	}
	plain, err := l.tx.open(l.card, sumPlace(t.scope), t.sealed)
	if err != nil {
		return wire.Sum{}, false, err
	}
	if len(plain) != 8 {
		return wire.Sum{}, false, errSum
	}
	return wire.Sum{Count: int(t.live.Int64), Total: wire.Digest(binary.BigEndian.Uint64(plain))}, true, nil
}

func (l *ledger) Newest(scopes replica.Scopes) (uint64, error) {
	totals, err := l.totals()
	return newestOf(totals, scopes), err
}

func newestOf(totals []total, scopes replica.Scopes) (newest uint64) {
	for _, t := range totals {
		if scopes.Holds(t.scope) {
			newest = max(newest, t.head)
		}
	}
	return newest
}

func (l *ledger) Sum(scopes replica.Scopes) (wire.Sum, bool, error) {
	totals, err := l.totals()
	if err != nil {
		return wire.Sum{}, false, err
	}
	return l.sumOf(totals, scopes)
}

func (l *ledger) sumOf(totals []total, scopes replica.Scopes) (sum wire.Sum, known bool, err error) {
	for _, t := range totals {
		if !scopes.Holds(t.scope) {
			continue
		}
		if !l.permit.Reads(card.Scope(t.scope)) {
			return wire.Sum{}, false, ErrForeignPermit
		}
		part, known, err := l.sum(t)
		if err != nil || !known {
			return wire.Sum{}, false, err
		}
		sum = sum.Plus(part)
	}
	return sum, true, nil
}

// keepTotals writes down what a commit did: the new head of every scope that it touched, and what it added there and took
// away. A card that was never counted is counted now.
func (l *ledger) keepTotals(heads map[string]uint64, changes map[string]wire.Sum) error {
	totals, err := l.totals()
	if err != nil {
		return err
	}
	sums := map[string]wire.Sum{}
	counted := !slices.ContainsFunc(totals, func(t total) bool { return !t.live.Valid })
	if !counted {
		if changes, err = l.count(); err != nil {
			return err
		}
	}
	for _, t := range totals {
		head, touched := heads[t.scope]
		if counted && !touched {
			continue
		}
		heads[t.scope] = max(head, t.head)
		if counted {
			if sums[t.scope], _, err = l.sum(t); err != nil {
				return err
			}
		}
	}
	rows := make([][]any, 0, len(heads))
	for scope, head := range heads {
		sum := sums[scope].Plus(changes[scope])
		sealed, err := l.tx.seal(l.card, sumPlace(scope), binary.BigEndian.AppendUint64(nil, uint64(sum.Total)))
		if err != nil {
			return err
		}
		rows = append(rows, []any{string(l.card), scope, head, sum.Count, sealed})
	}
	return l.tx.execEach(`INSERT INTO card_scope (card, scope, head, live, sum) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (card, scope) DO UPDATE SET head = excluded.head, live = excluded.live, sum = excluded.sum`, rows)
}

// count makes the sums of all scopes from the records.
func (l *ledger) count() (map[string]wire.Sum, error) {
	sums := map[string]wire.Sum{}
	err := l.tx.each(func(rows *sql.Rows) error {
		r, err := l.scan(rows)
		if err != nil {
			return err
		}
		sum := sums[r.Scope]
		sum.Add(r.Digest())
		sums[r.Scope] = sum
		return nil
	}, "SELECT "+recordColumns+" FROM record WHERE card = ? AND deleted = ?", string(l.card), false)
	return sums, err
}

func (l *ledger) Digests(scopes replica.Scopes, from, to string, limit int) (list []wire.Entry, err error) {
	filter, args := scopeFilter(scopes)
	args = append([]any{string(l.card), false}, args...)
	if from != "" {
		filter, args = filter+" AND id >= ?", append(args, from)
	}
	if to != "" {
		filter, args = filter+" AND id < ?", append(args, to)
	}
	err = l.tx.each(func(rows *sql.Rows) error {
		r, err := l.scan(rows)
		if err != nil {
			return err
		}
		if !l.permit.Reads(card.Scope(r.Scope)) {
			return ErrForeignPermit
		}
		list = append(list, wire.Entry{ID: r.ID, Digest: r.Digest()})
		return nil
	}, "SELECT "+recordColumns+" FROM record WHERE card = ? AND deleted = ?"+filter+" ORDER BY id LIMIT ?", append(args, limit)...)
	return list, err
}
