package store

import (
	"database/sql"
	"strconv"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/sync/replica"
)

// Collect has the sync engine forget what no device of the card can ask for any more: see replica.Server.Collect. It goes by the
// engine's rule alone and gives nothing out, so it takes no permit. It is called again while there is more.
func (tx *Tx) Collect(id card.ID, now time.Time) (replica.Collected, error) {
	if err := tx.enter(id); err != nil {
		return replica.Collected{}, err
	}
	if _, err := tx.dataKeys(id); err != nil {
		return replica.Collected{}, err
	}
	l := &ledger{tx: tx, card: id}
	out, err := engine.Collect(l, now)
	if err != nil {
		return out, err
	}
	return out, l.settle(now, out.More)
}

func (l *ledger) Deleted(after, upto uint64, limit int) ([]replica.Record, error) {
	return l.list("seq > ? AND seq <= ? AND deleted AND NOT collected", limit, after, upto)
}

func (l *ledger) Written(actor uint32, upto uint64, limit int) ([]replica.Record, error) {
	entry := strconv.FormatUint(uint64(actor), 10) + ":%" // a clock is written 1:4,7:2
	return l.list("seq <= ? AND (vv LIKE ? OR vv LIKE ?)", limit, upto, entry, "%,"+entry)
}

// list reads records by a condition, in the order of seq.
func (l *ledger) list(condition string, limit int, args ...any) (list []replica.Record, err error) {
	args = append([]any{string(l.card)}, append(args, limit)...)
	err = l.tx.each(func(rows *sql.Rows) error {
		r, err := l.scan(rows)
		list = append(list, r)
		return err
	}, "SELECT "+recordColumns+" FROM record WHERE card = ? AND "+condition+" ORDER BY seq LIMIT ?", args...)
	return list, err
}

func (l *ledger) Forget(upto uint64, emptied map[string]uint64) error {
	card := string(l.card)
	last := make(map[string]uint64, len(emptied))
	for scope, seq := range emptied {
		last[scope] = seq
	}
	// What moved since the last collection, up to this one. (One that moved before has only its last move left.)
	const moved = "FROM record_scope WHERE card = ? AND was <> '' AND seq <= ? AND seq > (SELECT gc_seq FROM card WHERE id = ?)"
	if err := l.tx.each(func(rows *sql.Rows) error {
		var scope string
		var seq uint64
		err := rows.Scan(&scope, &seq)
		last[scope] = max(last[scope], seq)
		return err
	}, "SELECT was, max(seq) "+moved+" GROUP BY was", card, upto, card); err != nil {
		return err
	}
	if _, err := l.tx.exec(`DELETE FROM record_scope WHERE card = ? AND id IN (SELECT id `+moved+`) AND EXISTS (SELECT 1 FROM record_scope AS later
		WHERE later.card = record_scope.card AND later.id = record_scope.id AND later.seq > record_scope.seq AND later.seq <= ?)`,
		card, card, upto, card, upto); err != nil {
		return err
	}
	// With the moves before it a record's earlier places are forgotten: as far as is kept, it came with the last one.
	for _, table := range []string{"record", "record_scope"} {
		if _, err := l.tx.exec("UPDATE "+table+" SET born = (SELECT max(kept.seq) FROM record_scope AS kept WHERE kept.card = "+table+".card AND kept.id = "+table+`.id
			AND kept.was <> '' AND kept.seq <= ?) WHERE card = ? AND id IN (SELECT id `+moved+")", upto, card, card, upto, card); err != nil {
			return err
		}
	}
	for scope, seq := range last {
		if _, err := l.tx.exec(`INSERT INTO card_scope (card, scope, head, forgotten) VALUES (?, ?, ?, ?)
			ON CONFLICT (card, scope) DO UPDATE SET forgotten = excluded.forgotten WHERE card_scope.forgotten < excluded.forgotten`,
			card, scope, seq, seq); err != nil {
			return err
		}
	}
	_, err := l.tx.exec("UPDATE card SET gc_seq = ? WHERE id = ? AND gc_seq < ?", upto, card, upto)
	return err
}

func (l *ledger) Forgotten(scopes replica.Scopes) (last uint64, err error) {
	filter, args := scopeFilter(scopes)
	_, err = l.tx.one([]any{&last}, "SELECT coalesce(max(forgotten), 0) FROM card_scope WHERE card = ?"+filter, append([]any{string(l.card)}, args...)...)
	return last, err
}
