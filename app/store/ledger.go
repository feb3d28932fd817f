package store

import (
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// Ledger shows the permit's card to the sync engine. What the engine gives out it bounds by the scopes it was told; the
// ledger bounds its scans by the permit as well.
func (tx *Tx) Ledger(p consent.Permit) (replica.Ledger, error) {
	l, err := tx.ledger(p)
	if err != nil {
		return nil, err // not a nil *ledger in an interface
	}
	if tx.still {
		return &still{ledger: l}, nil
	}
	return l, nil
}

func (tx *Tx) ledger(p consent.Permit) (*ledger, error) {
	if err := tx.may(p); err != nil {
		return nil, err
	}
	if _, err := tx.dataKeys(p.Card()); err != nil { // before any row is scanned
		return nil, err
	}
	return &ledger{tx: tx, permit: p, card: p.Card()}, nil
}

type ledger struct {
	tx     *Tx
	permit consent.Permit
	card   card.ID
	before map[string]former // what Records found since the card was locked, and what it did not find
}

// former is what a record was before it is saved.
type former struct {
	scope  string
	exists bool
	sum    wire.Sum // its part in the sum of its scope
}

func formerOf(r replica.Record) former {
	f := former{scope: r.Scope, exists: true}
	if !r.Deleted {
		f.sum.Add(r.Digest())
	}
	return f
}

var _ replica.Ledger = (*ledger)(nil)

func (l *ledger) Head() (replica.Head, error) {
	var h replica.Head
	found, err := l.tx.one([]any{&h.Seq, &h.GC, &h.Epoch}, "SELECT seq, gc_seq, epoch FROM card WHERE id = ? AND shredded_at IS NULL", string(l.card))
	return h, l.tx.met(l.card, found, err)
}

func (l *ledger) Lock() (replica.Head, error) {
	l.before = nil
	var h replica.Head
	var key uint32
	found, err := l.tx.one([]any{&h.Seq, &h.GC, &h.Epoch, &key}, "UPDATE card SET seq = seq WHERE id = ? AND shredded_at IS NULL RETURNING seq, gc_seq, epoch, key_name", string(l.card))
	if err := l.tx.met(l.card, found, err); err != nil {
		return h, err
	}
	l.tx.holds(l.card, key)
	return h, nil
}

func (l *ledger) Advance(seq uint64) error {
	n, err := l.tx.exec("UPDATE card SET seq = ? WHERE id = ? AND seq <= ? AND shredded_at IS NULL", seq, string(l.card), seq)
	if err == nil && n == 0 {
		err = errors.New("store: the sequence of a card would go back")
	}
	return err
}

const recordColumns = "id, kind, scope, seq, vv, deleted, collected, dated, sealed"

// recordPlace binds a sealed payload to its record and version, so that neither another record's nor an older version's
// passes for it.
func recordPlace(id string, seq uint64) string { return fmt.Sprintf("record|sealed|%s|%d", id, seq) }

func (l *ledger) scan(rows *sql.Rows) (r replica.Record, err error) {
	var vv string
	var dated sql.NullTime
	var sealed []byte
	if err := rows.Scan(&r.ID, &r.Kind, &r.Scope, &r.Seq, &vv, &r.Deleted, &r.Collected, &dated, &sealed); err != nil {
		return r, err
	}
	if err := r.VV.UnmarshalText([]byte(vv)); err != nil {
		return r, fmt.Errorf("store: the clock of a record cannot be read: %w", err)
	}
	r.Date = fromNull(dated)
	plain, err := l.tx.open(l.card, recordPlace(r.ID, r.Seq), sealed)
	if err != nil {
		return r, err
	}
	r.Atoms, err = readAtoms(plain)
	return r, err
}

func (l *ledger) Records(ids []string) (map[string]replica.Record, error) {
	found := make(map[string]replica.Record, len(ids))
	for chunk := range chunks(ids, 500) {
		condition, list := l.tx.among("id", chunk)
		err := l.tx.each(func(rows *sql.Rows) error {
			r, err := l.scan(rows)
			found[r.ID] = r
			return err
		}, "SELECT "+recordColumns+" FROM record WHERE card = ? AND "+condition, string(l.card), list)
		if err != nil {
			return nil, err
		}
	}
	l.remember(ids, found)
	return found, nil
}

// remember keeps what a writer read, so that saving need not ask for it again.
func (l *ledger) remember(ids []string, found map[string]replica.Record) {
	if l.before == nil {
		l.before = make(map[string]former, len(ids))
	}
	for _, id := range ids {
		l.before[id] = former{}
		if r, exists := found[id]; exists {
			l.before[id] = formerOf(r)
		}
	}
}

func (l *ledger) Scan(scopes replica.Scopes, after uint64, limit int) ([]replica.Record, error) {
	filter, args := scopeFilter(scopes)
	args = append([]any{string(l.card), after}, append(args, limit)...)
	list := make([]replica.Record, 0, min(limit, 1024))
	err := l.tx.each(func(rows *sql.Rows) error {
		r, err := l.scan(rows)
		if err != nil {
			return err
		}
		if !l.permit.Reads(card.Scope(r.Scope)) {
			return ErrForeignPermit
		}
		list = append(list, r)
		return nil
	}, "SELECT "+recordColumns+" FROM record WHERE card = ? AND seq > ? AND NOT collected"+filter+" ORDER BY seq LIMIT ?", args...)
	return list, err
}

// permitFilter is the condition for what the permit reads.
func permitFilter(p consent.Permit) (condition string, args []any) {
	condition, args = scopeFilter(p.Scopes().Words())
	if denied := p.Denied(); len(denied) > 0 {
		among, more := scopeAmong(denied.Words())
		condition, args = condition+" AND NOT "+among, append(args, more...)
	}
	if !p.Owner() {
		condition += " AND scope NOT LIKE '%.hidden%'" // see card.Scope.Hidden
	}
	return condition, args
}

// scopeFilter is the condition for a set of scopes, as one more of a WHERE; patterns are exact, "class.*", "*.label" or "*".
func scopeFilter(scopes replica.Scopes) (condition string, args []any) {
	if slices.Contains(scopes, "*") {
		return "", nil
	}
	condition, args = scopeAmong(scopes)
	return " AND " + condition, args
}

func scopeAmong(scopes replica.Scopes) (condition string, args []any) {
	var exact, likes []string
	for _, s := range scopes {
		if s == "*" {
			return "(1 = 1)", nil
		}
		if class, ok := strings.CutSuffix(s, ".*"); ok {
			likes = append(likes, class+".%")
		} else if label, ok := strings.CutPrefix(s, "*."); ok {
			likes = append(likes, "%."+label, "%."+string(card.Scope(label).Current()))
		} else {
			exact = append(exact, s, string(card.Scope(s).Current()))
		}
	}
	parts := []string{"1 = 0"}
	if len(exact) > 0 {
		parts, args = append(parts, "scope IN ?"), append(args, exact)
	}
	for _, like := range likes { // a scope is letters, digits and dots, so LIKE has nothing to escape
		parts, args = append(parts, "scope LIKE ?"), append(args, like)
	}
	return "(" + strings.Join(parts, " OR ") + ")", args
}

func (l *ledger) Moves(after uint64, limit int) (list []replica.Move, err error) {
	err = l.tx.each(func(rows *sql.Rows) error {
		var m replica.Move
		err := rows.Scan(&m.ID, &m.Seq, &m.From, &m.To)
		list = append(list, m)
		return err
	}, "SELECT id, seq, was, scope FROM record_scope WHERE card = ? AND seq > ? AND was <> '' AND born <= ? ORDER BY seq LIMIT ?",
		string(l.card), after, after, limit)
	return list, err
}

func (l *ledger) SaveRecords(records []replica.Record) error { return l.put(records, true) }

// Replace is for what changes nothing in a record's content: nobody wants that among its versions.
func (l *ledger) Replace(records []replica.Record) error { return l.put(records, false) }

func (l *ledger) put(records []replica.Record, keep bool) error {
	if err := l.look(records); err != nil {
		return err
	}
	for chunk := range chunks(records, 200) {
		if err := l.save(chunk, keep); err != nil {
			return err
		}
	}
	if err := l.nameFiles(records); err != nil {
		return err
	}
	return l.moves(records)
}

// look reads what the records were before, as far as it is not known.
func (l *ledger) look(records []replica.Record) error {
	var unknown []string
	for _, r := range records {
		if _, known := l.before[r.ID]; !known {
			unknown = append(unknown, r.ID)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	_, err := l.Records(unknown)
	return err
}

// save writes records, and before it what those were that they replace, if that is to be kept.
func (l *ledger) save(records []replica.Record, keep bool) error {
	var replaced []string
	rows := make([][]any, len(records))
	for i, r := range records {
		sealed, err := l.tx.seal(l.card, recordPlace(r.ID, r.Seq), appendAtoms(nil, r.Atoms))
		if err != nil {
			return err
		}
		if keep && l.before[r.ID].exists {
			replaced = append(replaced, r.ID)
		}
		rows[i] = []any{string(l.card), r.ID, r.Kind, r.Scope, r.Seq, r.VV.String(), r.Deleted, r.Collected, nullTime(r.Date), sealed}
	}
	if len(replaced) > 0 {
		condition, list := l.tx.among("id", replaced)
		if _, err := l.tx.exec(`INSERT INTO record_version (card, id, seq, vv, sealed)
			SELECT card, id, seq, vv, sealed FROM record WHERE card = ? AND `+condition+" ON CONFLICT DO NOTHING", string(l.card), list); err != nil {
			return err
		}
	}
	return l.tx.execEach(`INSERT INTO record (card, id, kind, scope, seq, vv, deleted, collected, dated, sealed, born)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $5)
		ON CONFLICT (card, id) DO UPDATE SET kind = excluded.kind, scope = excluded.scope, seq = excluded.seq, vv = excluded.vv,
			deleted = excluded.deleted, collected = excluded.collected, dated = excluded.dated, sealed = excluded.sealed`, rows)
}

// Keep puts among the versions what records were between two changes of one transaction.
func (l *ledger) Keep(records []replica.Record) error {
	rows := make([][]any, len(records))
	for i, r := range records {
		sealed, err := l.tx.seal(l.card, recordPlace(r.ID, r.Seq), appendAtoms(nil, r.Atoms))
		if err != nil {
			return err
		}
		rows[i] = []any{string(l.card), r.ID, r.Seq, r.VV.String(), sealed}
	}
	return l.tx.execEach("INSERT INTO record_version (card, id, seq, vv, sealed) VALUES ($1, $2, $3, $4, $5)", rows)
}

func (l *ledger) Former(id string, limit int) (states []map[string][]replica.Version, err error) {
	err = l.tx.each(func(rows *sql.Rows) error {
		var seq uint64
		var sealed []byte
		if err := rows.Scan(&seq, &sealed); err != nil {
			return err
		}
		plain, err := l.tx.open(l.card, recordPlace(id, seq), sealed)
		if err != nil {
			return err
		}
		atoms, err := readAtoms(plain)
		states = append(states, atoms)
		return err
	}, "SELECT seq, sealed FROM record_version WHERE card = ? AND id = ? ORDER BY seq DESC LIMIT ?", string(l.card), id, limit)
	return states, err
}

// moves writes down where records changed their scope, and the new head and sum of every scope that is touched: the one a
// record left as well, so that whoever watches it sees the record go.
func (l *ledger) moves(records []replica.Record) error {
	heads, changes := map[string]uint64{}, map[string]wire.Sum{}
	left := uint64(0) // the last commit that leaves something to forget
	var moved [][]any
	for _, r := range records {
		heads[r.Scope] = max(heads[r.Scope], r.Seq)
		old, now := l.before[r.ID], formerOf(r)
		l.before[r.ID] = now
		changes[old.scope] = changes[old.scope].Minus(old.sum)
		changes[r.Scope] = changes[r.Scope].Plus(now.sum)
		if r.Deleted && !r.Collected {
			left = max(left, r.Seq)
		}
		if !old.exists || old.scope == r.Scope {
			continue
		}
		heads[old.scope] = max(heads[old.scope], r.Seq)
		l.tx.left = append(l.tx.left, card.Scope(old.scope))
		left = max(left, r.Seq)
		moved = append(moved, []any{r.Seq, r.Scope, old.scope, string(l.card), r.ID})
	}
	if left > 0 {
		if err := l.leaves(left); err != nil {
			return err
		}
	}
	if err := l.tx.execEach(`INSERT INTO record_scope (seq, scope, was, card, id, born)
		SELECT CAST($1 AS bigint), $2, $3, card, id, born FROM record WHERE card = $4 AND id = $5`, moved); err != nil {
		return err
	}
	return l.keepTotals(heads, changes)
}

const actorColumns = "ordinal, device, key, lmid, acked, low, last_seen, state"

func scanActor(rows *sql.Rows) (a replica.Actor, err error) {
	err = rows.Scan(&a.Ordinal, &a.Device, &a.Key, &a.LMID, &a.Acked, &a.Low, &a.LastSeen, &a.State)
	a.LastSeen = a.LastSeen.UTC()
	return a, err
}

func (l *ledger) Actors() (list []replica.Actor, err error) {
	err = l.tx.each(func(rows *sql.Rows) error {
		a, err := scanActor(rows)
		list = append(list, a)
		return err
	}, "SELECT "+actorColumns+" FROM card_actor WHERE card = ? ORDER BY ordinal", string(l.card))
	return list, err
}

func (l *ledger) Actor(ordinal uint32) (actor replica.Actor, ok bool, err error) {
	err = l.tx.each(func(rows *sql.Rows) (err error) {
		actor, err = scanActor(rows)
		ok = err == nil
		return err
	}, "SELECT "+actorColumns+" FROM card_actor WHERE card = ? AND ordinal = ?", string(l.card), ordinal)
	return actor, ok, err
}

func (l *ledger) SaveActor(a replica.Actor) error {
	_, err := l.tx.exec(`INSERT INTO card_actor (card, ordinal, device, key, lmid, acked, low, last_seen, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (card, ordinal) DO UPDATE SET device = excluded.device, key = excluded.key, lmid = excluded.lmid, acked = excluded.acked,
			low = excluded.low, last_seen = excluded.last_seen, state = excluded.state`,
		string(l.card), a.Ordinal, a.Device, a.Key, a.LMID, a.Acked, a.Low, micros(a.LastSeen), string(a.State))
	if err != nil {
		return err
	}
	return l.seen(a)
}

// chunks cuts a list into pieces of at most n.
func chunks[T any](list []T, n int) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		for len(list) > 0 {
			piece := list[:min(n, len(list))]
			if !yield(piece) {
				return
			}
			list = list[len(piece):]
		}
	}
}
