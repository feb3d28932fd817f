package store

import (
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/fault"
)

// The audit log's tables. What the hashes are and how they hang together is decided in app/auditing; here they are kept.

// awaitLog leaves an entry's hash for the next run of the sequencer. Each has a row of its own: one head that every request had to
// touch would let only one of them commit at a time.
func (tx *Tx) awaitLog(l audit.Leaf) error {
	_, err := tx.exec("INSERT INTO audit_pending (id, card, number, hash) VALUES (?, ?, ?, ?)", NewID(), string(l.Card), l.Number, l.Hash[:])
	return err
}

// PendingAudit reports whether an entry waits for the log.
func (tx *Tx) PendingAudit() (bool, error) {
	var one int
	return tx.one([]any{&one}, "SELECT 1 FROM audit_pending LIMIT 1")
}

// WaitingForLog counts the entries that wait for the log, up to a limit, and tells since when the oldest does; zero if none does.
func (tx *Tx) WaitingForLog(limit int) (waiting int, since time.Time, err error) {
	if _, err := tx.one([]any{&waiting}, "SELECT count(*) FROM (SELECT 1 FROM audit_pending LIMIT ?) AS few", limit); err != nil || waiting == 0 {
		return 0, since, err
	}
	var oldest string
	found, err := tx.one([]any{&oldest}, "SELECT id FROM audit_pending ORDER BY id LIMIT 1")
	if err != nil || !found {
		return waiting, since, err
	}
	id, err := uuid.Parse(oldest)
	if err != nil || id.Version() != 7 {
		return waiting, since, errors.New("store: an entry that waits for the log has an id that names no time")
	}
	return waiting, time.UnixMilli(int64(binary.BigEndian.Uint64(id[:8]) >> 16)), nil // #nosec G115 -- 48 bits: RFC 9562, section 5.7
}

// LockLog gives the log's length and its signed checkpoint, "" before the first, and keeps every other server from extending the log
// until this transaction ends.
func (tx *Tx) LockLog() (size int64, signed string, err error) {
	found, err := tx.one([]any{&size, &signed}, "UPDATE audit_head SET size = size WHERE id = 1 RETURNING size, signed")
	if err == nil && !found {
		err = errNoHead
	}
	return size, signed, err
}

// Log is LockLog without the lock.
func (tx *Tx) Log() (size int64, signed string, err error) {
	found, err := tx.one([]any{&size, &signed}, "SELECT size, signed FROM audit_head WHERE id = 1")
	if err == nil && !found {
		err = errNoHead
	}
	return size, signed, err
}

var errNoHead = errors.New("store: the audit log has no head: somebody deleted it")

// TakePending takes the entries that wait longest.
func (tx *Tx) TakePending(limit int) ([]audit.Leaf, error) {
	type waiting struct {
		id string
		audit.Leaf
	}
	var list []waiting
	err := tx.each(func(rows *sql.Rows) error {
		var w waiting
		var hash []byte
		if err := rows.Scan(&w.id, &w.Card, &w.Number, &hash); err != nil {
			return err
		}
		list = append(list, w)
		return intoHash(&list[len(list)-1].Hash, hash)
	}, "DELETE FROM audit_pending WHERE id IN (SELECT id FROM audit_pending ORDER BY id LIMIT ?) RETURNING id, card, number, hash", limit)
	// What a DELETE returns has no order of its own.
	slices.SortFunc(list, func(a, b waiting) int { return strings.Compare(a.id, b.id) })
	leaves := make([]audit.Leaf, len(list))
	for i, w := range list {
		leaves[i] = w.Leaf
	}
	return leaves, err
}

// rowsAtOnce bounds a statement: SQLite takes 32,766 values.
const rowsAtOnce = 500

// ExtendLog adds entries behind the last, the inner hashes that came with them, and the checkpoint over all of it. LockLog comes first.
func (tx *Tx) ExtendLog(was int64, leaves []audit.Leaf, nodes map[int64]audit.Hash, signed string) error {
	position := was
	for some := range chunks(leaves, rowsAtOnce) {
		var args []any
		for _, l := range some {
			args = append(args, position, string(l.Card), l.Number, l.Hash[:])
			position++
		}
		if err := tx.insertRows("audit_leaf (position, card, number, hash)", "(?, ?, ?, ?)", len(some), args); err != nil {
			return err
		}
	}
	places := make([]int64, 0, len(nodes))
	for place := range nodes {
		places = append(places, place)
	}
	slices.Sort(places)
	for some := range chunks(places, rowsAtOnce) {
		var args []any
		for _, place := range some {
			hash := nodes[place]
			args = append(args, place, hash[:])
		}
		if err := tx.insertRows("audit_node (position, hash)", "(?, ?)", len(some), args); err != nil {
			return err
		}
	}
	n, err := tx.exec("UPDATE audit_head SET size = ?, signed = ? WHERE id = 1 AND size = ?", was+int64(len(leaves)), signed, was)
	if err == nil && n == 0 {
		err = fmt.Errorf("store: the audit log is not %d entries long", was)
	}
	return err
}

func (tx *Tx) insertRows(into, row string, rows int, args []any) error {
	_, err := tx.exec("INSERT INTO "+into+" VALUES "+strings.Repeat(row+", ", rows-1)+row, args...)
	return err
}

// LogHashes gives the hashes of the tree at the places by which tlog.StoredHashIndex names them.
func (tx *Tx) LogHashes(places []int64) ([]audit.Hash, error) {
	at := map[int64]int{} // where in the answer
	var leaves, nodes []int64
	for i, place := range places {
		if level, n := tlog.SplitStoredHashIndex(place); level == 0 {
			leaves = append(leaves, n)
		} else {
			nodes = append(nodes, place)
		}
		at[place] = i
	}
	hashes, met := make([]audit.Hash, len(places)), 0
	read := func(place func(int64) int64) func(*sql.Rows) error {
		return func(rows *sql.Rows) error {
			var n int64
			var hash []byte
			if err := rows.Scan(&n, &hash); err != nil {
				return err
			}
			met++
			return intoHash(&hashes[at[place(n)]], hash)
		}
	}
	var err error
	if len(leaves) > 0 {
		err = tx.each(read(func(n int64) int64 { return tlog.StoredHashIndex(0, n) }), "SELECT position, hash FROM audit_leaf WHERE position IN ?", leaves)
	}
	if len(nodes) > 0 && err == nil {
		err = tx.each(read(func(n int64) int64 { return n }), "SELECT position, hash FROM audit_node WHERE position IN ?", nodes)
	}
	if err == nil && met != len(at) {
		err = errLogDamaged
	}
	return hashes, err
}

// LeafHashes gives the hashes of entries of the log from a place on, as many as there are up to the limit.
func (tx *Tx) LeafHashes(from int64, limit int) (hashes []audit.Hash, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var position int64
		var hash []byte
		if err := rows.Scan(&position, &hash); err != nil {
			return err
		}
		if position != from+int64(len(hashes)) {
			return errLogDamaged
		}
		hashes = append(hashes, audit.Hash{})
		return intoHash(&hashes[len(hashes)-1], hash)
	}, "SELECT position, hash FROM audit_leaf WHERE position >= ? ORDER BY position LIMIT ?", from, limit)
	return hashes, err
}

// PlacesInLog tells where in the log entries of a card stand, by their numbers. Those that wait for their turn are not in it.
func (tx *Tx) PlacesInLog(id card.ID, numbers []uint64) (map[uint64]int64, error) {
	places := map[uint64]int64{}
	if len(numbers) == 0 {
		return places, nil
	}
	err := tx.each(func(rows *sql.Rows) error {
		var number uint64
		var position int64
		err := rows.Scan(&number, &position)
		places[number] = position
		return err
	}, "SELECT number, position FROM audit_leaf WHERE card = ? AND number IN ?", string(id), numbers)
	return places, err
}

// errLogDamaged tells everybody who asks for a proof that there is none any more.
var errLogDamaged = fault.New(fault.Gone, "audit.log_damaged", "The audit log lacks hashes that it held: it was damaged, or tampered with.")

func intoHash(h *audit.Hash, b []byte) error {
	if len(b) != len(h) {
		return errLogDamaged
	}
	copy(h[:], b)
	return nil
}
