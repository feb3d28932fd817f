package simnet

import (
	"time"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// twinPhone is one transaction on a phone's card in memory and in a real file.
type twinPhone struct {
	memory *shelfState
	real   replica.PhoneTx
}

var _ replica.PhoneTx = twinPhone{}

func (t twinPhone) Meta() (replica.Meta, error) {
	meta, err := t.real.Meta()
	return twins("Meta", t.memory.meta, meta, err), nil
}

func (t twinPhone) SaveMeta(meta replica.Meta) error {
	return wrote("SaveMeta", t.memory.SaveMeta(meta), t.real.SaveMeta(meta))
}

func (t twinPhone) Row(id string) (wire.Row, bool, error) {
	a, known, _ := t.memory.Row(id)
	b, found, err := t.real.Row(id)
	return twins("Row "+id, a, b, err), twins("the presence of row "+id, known, found, nil), nil
}

func (t twinPhone) PutRow(row wire.Row) error {
	return wrote("PutRow", t.memory.PutRow(row), t.real.PutRow(row))
}

func (t twinPhone) DropRow(id string) error {
	return wrote("DropRow", t.memory.DropRow(id), t.real.DropRow(id))
}

func (t twinPhone) DropRowsOutside(keep replica.Scopes) error {
	return wrote("DropRowsOutside", t.memory.DropRowsOutside(keep), t.real.DropRowsOutside(keep))
}

func (t twinPhone) ShadowRow(id string) (wire.Row, bool, error) {
	a, known, _ := t.memory.ShadowRow(id)
	b, found, err := t.real.ShadowRow(id)
	return twins("ShadowRow "+id, a, b, err), twins("the presence of shadow row "+id, known, found, nil), nil
}

func (t twinPhone) PutShadowRow(row wire.Row) error {
	return wrote("PutShadowRow", t.memory.PutShadowRow(row), t.real.PutShadowRow(row))
}

func (t twinPhone) DropShadowRow(id string) error {
	return wrote("DropShadowRow", t.memory.DropShadowRow(id), t.real.DropShadowRow(id))
}

func (t twinPhone) ClearShadow() error {
	return wrote("ClearShadow", t.memory.ClearShadow(), t.real.ClearShadow())
}

func (t twinPhone) SwapShadow() error {
	return wrote("SwapShadow", t.memory.SwapShadow(), t.real.SwapShadow())
}

func (t twinPhone) Open() ([]replica.Item, error) {
	a, _ := t.memory.Open()
	b, err := t.real.Open()
	return twins("Open", a, b, err), nil
}

func (t twinPhone) ItemsOf(id string) ([]replica.Item, error) {
	a, _ := t.memory.ItemsOf(id)
	b, err := t.real.ItemsOf(id)
	return twins("ItemsOf "+id, a, b, err), nil
}

func (t twinPhone) PutItem(item replica.Item) error {
	return wrote("PutItem", t.memory.PutItem(item), t.real.PutItem(item))
}

func (t twinPhone) Answer(actor uint32, first, last uint64, outcome wire.Outcome, code string, settled time.Time) error {
	return wrote("Answer", t.memory.Answer(actor, first, last, outcome, code, settled), t.real.Answer(actor, first, last, outcome, code, settled))
}

func (t twinPhone) FirstWaiting(actor uint32) (uint64, error) {
	a, _ := t.memory.FirstWaiting(actor)
	b, err := t.real.FirstWaiting(actor)
	return twins("FirstWaiting", a, b, err), nil
}

func (t twinPhone) DropItem(actor uint32, n uint64) error {
	return wrote("DropItem", t.memory.DropItem(actor, n), t.real.DropItem(actor, n))
}

func (t twinPhone) Items(state replica.ItemState) ([]replica.Item, error) {
	a, _ := t.memory.Items(state)
	b, err := t.real.Items(state)
	return twins("Items "+string(state), a, b, err), nil
}

func (t twinPhone) DropSettled(before time.Time) error {
	return wrote("DropSettled", t.memory.DropSettled(before), t.real.DropSettled(before))
}

func (t twinPhone) Wipe() error { return wrote("Wipe", t.memory.Wipe(), t.real.Wipe()) }

func (t twinPhone) Lose(loss replica.Loss) error {
	return wrote("Lose", t.memory.Lose(loss), t.real.Lose(loss))
}

func (t twinPhone) Scopes() (replica.Scopes, error) {
	a, _ := t.memory.Scopes()
	b, err := t.real.Scopes()
	return twins("Scopes", a, b, err), nil
}
