package store

import (
	"database/sql"
	"encoding/binary"
	"errors"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// What is kept of each scope of a card, in the table card_scope: its head and its sum, written together once for all records of
// a commit. The digests of single records are not kept: a check, which is rare, makes them of what really stands in the rows.

// total is what is kept of one scope.
type total struct {
	head uint64
	sum  wire.Sum
}

func sumPlace(scope string) string { return "card_scope|sum|" + scope }

var errSum = errors.New("store: the sum of a scope is in no form that this version reads")

// totals reads them. counted is false if some have no sum yet.
func (l *ledger) totals(filter string, args ...any) (all map[string]total, counted bool, err error) {
	all, counted = map[string]total{}, true
	err = l.tx.each(func(rows *sql.Rows) error {
		var scope string
		var t total
		var live sql.NullInt64
		var sealed []byte
		if err := rows.Scan(&scope, &t.head, &live, &sealed); err != nil {
			return err
		}
		if counted = counted && live.Valid; live.Valid {
			plain, err := l.tx.open(l.card, sumPlace(scope), sealed)
			if err != nil {
				return err
			}
			if len(plain) != 8 {
				return errSum
			}
			t.sum = wire.Sum{Count: int(live.Int64), Total: wire.Digest(binary.BigEndian.Uint64(plain))}
		}
		all[scope] = t
		return nil
	}, "SELECT scope, head, live, sum FROM card_scope WHERE card = ?"+filter, append([]any{string(l.card)}, args...)...)
	return all, counted, err
}

// keepTotals writes down what a commit did: the new head of every scope that it touched, and what it added there and took
// away. A card that was never counted is counted now.
func (l *ledger) keepTotals(heads map[string]uint64, changes map[string]wire.Sum) error {
	totals, counted, err := l.totals("")
	if err != nil {
		return err
	}
	touched := heads
	if !counted {
		if changes, err = l.count(); err != nil {
			return err
		}
		touched = make(map[string]uint64, len(totals)+len(heads))
		for scope := range totals {
			totals[scope] = total{head: totals[scope].head}
			touched[scope] = 0
		}
		for scope, head := range heads {
			touched[scope] = head
		}
	}
	rows := make([][]any, 0, len(touched))
	for scope, head := range touched {
		t := totals[scope]
		t.head = max(t.head, head)
		t.sum = t.sum.Plus(changes[scope])
		sealed, err := l.tx.seal(l.card, sumPlace(scope), binary.BigEndian.AppendUint64(nil, uint64(t.sum.Total)))
		if err != nil {
			return err
		}
		rows = append(rows, []any{string(l.card), scope, t.head, t.sum.Count, sealed})
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

func (l *ledger) Sum(scopes replica.Scopes) (sum wire.Sum, known bool, err error) {
	filter, args := scopeFilter(scopes)
	totals, known, err := l.totals(filter, args...)
	if err != nil {
		return wire.Sum{}, false, err
	}
	for scope, t := range totals {
		if !l.permit.Reads(card.Scope(scope)) {
			return wire.Sum{}, false, ErrForeignPermit
		}
		sum = sum.Plus(t.sum)
	}
	return sum, known, nil
}

func (l *ledger) Digests(scopes replica.Scopes, from, to string) (list []wire.Entry, err error) {
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
	}, "SELECT "+recordColumns+" FROM record WHERE card = ? AND deleted = ?"+filter+" ORDER BY id", args...)
	return list, err
}
