package vault

import (
	"encoding/json"
	"time"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// editShape is a replica.Item as it is stored; see metaShape.
type editShape struct {
	Actor    uint32            `json:"actor"`
	Mutation wire.Mutation     `json:"mutation"`
	Gen      uint64            `json:"gen"`
	State    replica.ItemState `json:"state"`
	Outcome  wire.Outcome      `json:"outcome,omitempty"`
	Code     string            `json:"code,omitempty"`
	Saved    time.Time         `json:"saved"`
	Settled  time.Time         `json:"settled,omitzero"`
}

// Open returns the edits that still count for the view or await an answer.
func (t *Tx) Open() ([]replica.Item, error) {
	return list(t, readEdit, "SELECT body FROM edit WHERE card = ? AND state IN (?, ?) ORDER BY hlc", t.card, string(replica.Waiting), string(replica.Answered))
}

// Pending says whether Open would return any: a sync asks that more often than it needs them.
func (t *Tx) Pending() (bool, error) {
	_, found, err := t.body("SELECT state FROM edit WHERE card = ? AND state IN (?, ?) LIMIT 1", t.card, string(replica.Waiting), string(replica.Answered))
	return found, err
}

// ItemsOf returns the edits of one record.
func (t *Tx) ItemsOf(id string) ([]replica.Item, error) {
	return list(t, readEdit, "SELECT body FROM edit WHERE card = ? AND record = ? ORDER BY hlc", t.card, id)
}

// Items returns the edits in one state.
func (t *Tx) Items(state replica.ItemState) ([]replica.Item, error) {
	return list(t, readEdit, "SELECT body FROM edit WHERE card = ? AND state = ? ORDER BY hlc", t.card, string(state))
}

// PutItem inserts or replaces an edit.
func (t *Tx) PutItem(item replica.Item) error {
	// Not json.Marshal: it would write < as \u003c, and a retry must be the same bytes.
	body, err := wire.Marshal(editShape(item))
	if err != nil {
		return err
	}
	if err := t.exec(`INSERT INTO edit (card, actor, n, record, state, hlc, settled, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (card, actor, n) DO UPDATE SET record = excluded.record, state = excluded.state, hlc = excluded.hlc, settled = excluded.settled, body = excluded.body`,
		t.card, item.Actor, item.Mutation.N, item.Mutation.ID, string(item.State), item.Mutation.HLC.String(), item.Settled.UnixMicro(), body); err != nil {
		return err
	}
	return t.nameEditedFiles(item)
}

// DropItem forgets an edit.
func (t *Tx) DropItem(actor uint32, n uint64) error {
	return t.delete("DELETE FROM edit WHERE card = ? AND actor = ? AND n = ?", t.card, actor, n)
}

// DropSettled forgets settled edits that were settled before the instant.
func (t *Tx) DropSettled(before time.Time) error {
	return t.delete("DELETE FROM edit WHERE card = ? AND state = ? AND settled < ?", t.card, string(replica.Settled), before.UnixMicro())
}

func readEdit(body []byte) (replica.Item, error) {
	var shape editShape
	if json.Unmarshal(body, &shape) != nil {
		return replica.Item{}, errDamaged
	}
	return replica.Item(shape), nil
}
