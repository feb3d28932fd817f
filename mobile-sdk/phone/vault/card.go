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

// Card is one card in the vault.
type Card struct {
	vault *Vault
	id    string
}

var _ replica.PhoneStore = (*Card)(nil)

// Card gives a card's part of the vault, be there anything in it yet or not.
func (v *Vault) Card(id string) *Card { return &Card{vault: v, id: id} }

// Cards lists the cards that the vault knows.
func (v *Vault) Cards() ([]string, error) {
	var ids []string
	err := v.view(func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(context.Background(), "SELECT card FROM place ORDER BY card")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				return err
			}
			ids = append(ids, id)
		}
		return rows.Err()
	})
	return ids, err
}

// Know makes the vault know the card, if it does not yet.
func (c *Card) Know() error {
	return c.Update(func(tx replica.PhoneTx) error {
		meta, err := tx.Meta()
		if err != nil {
			return err
		}
		return tx.SaveMeta(meta)
	})
}

// View runs f on one snapshot of the card.
func (c *Card) View(f func(replica.PhoneTx) error) error {
	return c.Read(func(tx *Tx) error { return f(tx) })
}

// Read is View for those who list: Tx offers more than the engine asks for. f may run again, see setAside.
func (c *Card) Read(f func(*Tx) error) error {
	return c.sound(func() ([]replica.Item, error) {
		var t *Tx
		err := c.vault.view(func(tx *sql.Tx) error {
			t = c.in(tx, &c.vault.reading)
			return f(t)
		})
		t.learn()
		return t.met(), err
	})
}

// Update runs f in a transaction that is durable once Update returned nil.
func (c *Card) Update(f func(replica.PhoneTx) error) error {
	return c.Change(func(tx *Tx) error { return f(tx) })
}

// Change is Update for those who keep files: Tx offers more than the engine asks for. f may run again, see setAside.
func (c *Card) Change(f func(*Tx) error) error {
	return c.sound(func() ([]replica.Item, error) { return c.change(f, c.vault.update) })
}

// change runs f in a transaction of update's making. Of edits that f met and that cannot be read nothing is changed: they come back.
func (c *Card) change(f func(*Tx) error, update func(func(*sql.Tx) error) error) (unread []replica.Item, err error) {
	var t *Tx
	err = update(func(tx *sql.Tx) error {
		t = c.in(tx, &c.vault.writing)
		if err := f(t); err != nil {
			return err
		}
		if len(t.unread) > 0 {
			return errDamaged
		}
		err := t.finish()
		t.finished = err == nil
		return err
	})
	if t != nil {
		c.vault.settleKeys(&t.sealing, err != nil)
	}
	t.learn()
	return t.met(), err
}

func (c *Card) in(tx *sql.Tx, pool *statements) *Tx {
	return &Tx{card: c.id, tx: tx, words: c.vault.words, shed: &c.vault.shed, noted: map[side]mark{}, pool: pool, statements: map[string]*sql.Stmt{},
		sealing: sealing{ring: c.vault.ring, scopes: map[string]uint32{}, under: map[uint32]int{}}}
}

// metaShape is replica.Meta as it is stored. The compiler sees to it that the two have the same fields; the names here
// stand in files in the field and never change.
type metaShape struct {
	Actor   uint32       `json:"actor"`
	Next    uint64       `json:"next"`
	Acked   uint64       `json:"acked"`
	Epoch   string       `json:"epoch"`
	Cursor  string       `json:"cursor"`
	At      string       `json:"at"`
	Part    string       `json:"part"`
	View    string       `json:"view"`
	Gen     uint64       `json:"gen"`
	HLC     vclock.HLC   `json:"hlc"`
	Own     bool         `json:"own"`
	Low     replica.Low  `json:"low"`
	Leases  []wire.Lease `json:"leases"`
	Dropped vclock.HLC   `json:"dropped,omitempty"`
	Lapsed  []string     `json:"lapsed"`

	Shadowing    bool   `json:"shadowing"`
	ShadowCursor string `json:"shadowCursor"`
	ShadowPart   string `json:"shadowPart"`
	ShadowView   string `json:"shadowView"`

	Synced time.Time `json:"synced"`

	Doubt   bool      `json:"doubt,omitempty"`
	Checked time.Time `json:"checked,omitzero"`
}

// Meta gives the engine's place with the card.
func (t *Tx) Meta() (replica.Meta, error) {
	body, found, err := t.body("SELECT meta FROM place WHERE card = ?", t.card)
	if err != nil || !found {
		return replica.Meta{}, err
	}
	var shape metaShape
	if err := json.Unmarshal(body, &shape); err != nil {
		return replica.Meta{}, errDamaged
	}
	return replica.Meta(shape), nil
}

// SaveMeta writes it.
func (t *Tx) SaveMeta(meta replica.Meta) error {
	body, err := json.Marshal(metaShape(meta))
	if err != nil {
		return err
	}
	return t.exec("INSERT INTO place (card, meta) VALUES (?, ?) ON CONFLICT (card) DO UPDATE SET meta = excluded.meta", t.card, body)
}
