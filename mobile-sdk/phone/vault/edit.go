package vault

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/vclock"
	"github.com/medcard/medcard/sync/wire"
)

// editShape is what never changes of a replica.Item, as it is stored. What became of it stands in the columns beside it.
type editShape struct {
	Actor    uint32        `json:"actor"`
	Mutation wire.Mutation `json:"mutation"`
	Gen      uint64        `json:"gen"`
	Saved    time.Time     `json:"saved"`
}

// never is the zero time as a column has it.
var never = time.Time{}.UnixMicro()

// Open returns the edits that still count for the view or await an answer.
func (t *Tx) Open() ([]replica.Item, error) {
	return t.edits("card = ? AND state IN (?, ?)", t.card, string(replica.Waiting), string(replica.Answered))
}

// Pending says whether Open would return any: a sync asks that more often than it needs them.
func (t *Tx) Pending() (bool, error) {
	_, found, err := t.body("SELECT state FROM edit WHERE card = ? AND state IN (?, ?) LIMIT 1", t.card, string(replica.Waiting), string(replica.Answered))
	return found, err
}

// ItemsOf returns the edits of one record.
func (t *Tx) ItemsOf(id string) ([]replica.Item, error) {
	return t.edits("card = ? AND record = ?", t.card, id)
}

// Items returns the edits in one state.
func (t *Tx) Items(state replica.ItemState) ([]replica.Item, error) {
	return t.edits("card = ? AND state = ?", t.card, string(state))
}

// edits reads those that meet the condition, in the order of saving.
func (t *Tx) edits(where string, args ...any) (items []replica.Item, err error) {
	err = t.prepared("SELECT record, actor, n, hlc, state, outcome, code, settled, body FROM edit WHERE "+where+" ORDER BY hlc", func(s *sql.Stmt) error {
		rows, err := s.QueryContext(context.Background(), args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var item replica.Item
			var record, hlc string
			var n uint64
			var settled int64
			var body sql.RawBytes
			if err := rows.Scan(&record, &item.Actor, &n, &hlc, &item.State, &item.Outcome, &item.Code, &settled, &body); err != nil {
				return err
			}
			shape, err := t.readEdit(record, item.Actor, n, body)
			if err != nil {
				item.Mutation = wire.Mutation{N: n, ID: record}
				item.Mutation.HLC, item.Saved = stampOf(hlc)
				t.unread = append(t.unread, item)
				continue
			}
			item.Mutation, item.Gen, item.Saved = shape.Mutation, shape.Gen, shape.Saved
			if settled != never {
				item.Settled = time.UnixMicro(settled).UTC()
			}
			items = append(items, item)
		}
		return rows.Err()
	})
	return items, err
}

// readEdit reads the stored body of the edit, which must be the one that stands beside it.
func (t *Tx) readEdit(record string, actor uint32, n uint64, stored []byte) (shape editShape, err error) {
	body, err := t.openEdit(editPlace(record, actor, n), stored)
	if err != nil {
		return shape, err
	}
	if json.Unmarshal(body, &shape) != nil || shape.Actor != actor || shape.Mutation.N != n || shape.Mutation.ID != record {
		return shape, errDamaged
	}
	return shape, nil
}

// stampOf reads the column of an edit that cannot be read otherwise.
func stampOf(hlc string) (stamp vclock.HLC, saved time.Time) {
	if stamp.UnmarshalText([]byte(hlc)) != nil {
		return 0, time.Time{}
	}
	return stamp, stamp.Time()
}

// PutItem inserts or replaces an edit.
func (t *Tx) PutItem(item replica.Item) error {
	// Not json.Marshal: it would write < as \u003c, and a retry must be the same bytes.
	text, err := wire.Marshal(editShape{item.Actor, item.Mutation, item.Gen, item.Saved})
	if err != nil {
		return err
	}
	body, err := t.sealEdit(editPlace(item.Mutation.ID, item.Actor, item.Mutation.N), text)
	if err != nil {
		return err
	}
	if err := t.exec(`INSERT INTO edit (card, actor, n, record, state, hlc, settled, outcome, code, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (card, actor, n) DO UPDATE SET record = excluded.record, state = excluded.state, hlc = excluded.hlc, settled = excluded.settled,
			outcome = excluded.outcome, code = excluded.code, body = excluded.body`,
		t.card, item.Actor, item.Mutation.N, item.Mutation.ID, string(item.State), item.Mutation.HLC.String(), item.Settled.UnixMicro(),
		string(item.Outcome), item.Code, body); err != nil {
		return err
	}
	return t.nameEditedFiles(item)
}

// Answer writes down one result of all edits of the actor from first to last that wait.
func (t *Tx) Answer(actor uint32, first, last uint64, outcome wire.Outcome, code string, settled time.Time) error {
	state := replica.Answered
	if !settled.IsZero() {
		state = replica.Settled
	}
	return t.exec("UPDATE edit SET state = ?, outcome = ?, code = ?, settled = ? WHERE card = ? AND actor = ? AND n BETWEEN ? AND ? AND state = ?",
		string(state), string(outcome), code, settled.UnixMicro(), t.card, actor, first, last, string(replica.Waiting))
}

// FirstWaiting gives the lowest n of the actor's edits that wait; 0 if none does.
func (t *Tx) FirstWaiting(actor uint32) (n uint64, err error) {
	// By its state: by its number SQLite would go through all that are settled.
	err = t.prepared("SELECT coalesce(min(n), 0) FROM edit INDEXED BY edit_by_state WHERE card = ? AND state = ? AND actor = ?", func(s *sql.Stmt) error {
		return s.QueryRowContext(context.Background(), t.card, string(replica.Waiting), actor).Scan(&n)
	})
	return n, err
}

// DropItem forgets an edit, and has the edits' key changed: what is dropped may be something that this phone must not keep.
func (t *Tx) DropItem(actor uint32, n uint64) error {
	t.rekey = true
	return t.delete("DELETE FROM edit WHERE card = ? AND actor = ? AND n = ?", t.card, actor, n)
}

// DropSettled forgets settled edits that were settled before the instant. They are only old, so their key stays.
func (t *Tx) DropSettled(before time.Time) error {
	return t.delete("DELETE FROM edit WHERE card = ? AND state = 'settled' AND settled < ?", t.card, before.UnixMicro())
}
