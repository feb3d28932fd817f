package simnet

import (
	"fmt"
	"strings"

	"github.com/medcard/medcard/sync/replica"
)

// twins ends the world if a real store says something else than the one in memory, and returns what it said.
func twins[T any](call string, memory, real T, err error) T {
	sound(call, err)
	a, b := encode(memory), encode(real)
	if a != b && alike(a) != alike(b) {
		panic(breach(0, "%s differs\n  memory %s\n  real   %s", call, a, b))
	}
	return real
}

// sound ends the world if a real store fails.
func sound(call string, err error) {
	if err != nil {
		panic(breach(0, "the real store fails at %s: %v", call, err))
	}
}

// wrote ends the world if a real store could not write what the one in memory did.
func wrote(call string, memory, real error) error {
	if memory != nil || real != nil {
		panic(breach(0, "%s fails: in memory %v, really %v", call, memory, real))
	}
	return nil
}

// alike makes no difference between a list or a map that is empty and one that is not there: which of them is nobody's promise.
func alike(encoded string) string {
	if encoded == "[]" || encoded == "{}" {
		return "null"
	}
	return strings.ReplaceAll(encoded, `"Atoms":{}`, `"Atoms":null`) // a stone's
}

// once ends the world if a transaction runs twice: in a world without rivals nothing can have gone wrong with the first.
func once[T any](f func(T) error) func(T) error {
	ran := false
	return func(tx T) error {
		if ran {
			panic(breach(0, "the real store ran a transaction again"))
		}
		ran = true
		return f(tx)
	}
}

// twinLedger is one transaction on a card in memory and in a real store.
type twinLedger struct {
	memory *pages
	real   replica.Ledger
}

var _ replica.Ledger = twinLedger{}

func (t twinLedger) Head() (replica.Head, error) {
	head, err := t.real.Head()
	return twins("Head", t.memory.head, head, err), nil
}

func (t twinLedger) Lock() (replica.Head, error) {
	head, err := t.real.Lock()
	return twins("Lock", t.memory.head, head, err), nil
}

func (t twinLedger) Advance(seq uint64) error {
	return wrote("Advance", t.memory.Advance(seq), t.real.Advance(seq))
}

func (t twinLedger) Records(ids []string) (map[string]replica.Record, error) {
	a, _ := t.memory.Records(ids)
	b, err := t.real.Records(ids)
	return twins("Records", a, b, err), nil
}

func (t twinLedger) Scan(scopes replica.Scopes, after uint64, limit int) ([]replica.Record, error) {
	a, _ := t.memory.Scan(scopes, after, limit)
	b, err := t.real.Scan(scopes, after, limit)
	return twins(fmt.Sprintf("Scan %v after %d, %d at most,", scopes, after, limit), a, b, err), nil
}

func (t twinLedger) Newest(scopes replica.Scopes) (uint64, error) {
	a, _ := t.memory.Newest(scopes)
	b, err := t.real.Newest(scopes)
	return twins(fmt.Sprintf("Newest of %v", scopes), a, b, err), nil
}

func (t twinLedger) Moves(after uint64, limit int) ([]replica.Move, error) {
	a, _ := t.memory.Moves(after, limit)
	b, err := t.real.Moves(after, limit)
	return twins(fmt.Sprintf("Moves after %d, %d at most,", after, limit), a, b, err), nil
}

func (t twinLedger) SaveRecords(records []replica.Record) error {
	return wrote("SaveRecords", t.memory.SaveRecords(records), t.real.SaveRecords(records))
}

func (t twinLedger) Actors() ([]replica.Actor, error) {
	a, _ := t.memory.Actors()
	b, err := t.real.Actors()
	return twins("Actors", a, b, err), nil
}

func (t twinLedger) Actor(ordinal uint32) (replica.Actor, bool, error) {
	a, _, _ := t.memory.Actor(ordinal)
	b, ok, err := t.real.Actor(ordinal)
	_, known := t.memory.actors[ordinal]
	twins("the presence of an Actor", known, ok, nil)
	return twins("Actor", a, b, err), ok, nil
}

func (t twinLedger) SaveActor(actor replica.Actor) error {
	return wrote("SaveActor", t.memory.SaveActor(actor), t.real.SaveActor(actor))
}

func (t twinLedger) Decisions(actor uint32, from, to uint64) ([]replica.Decision, error) {
	a, _ := t.memory.Decisions(actor, from, to)
	b, err := t.real.Decisions(actor, from, to)
	return twins(fmt.Sprintf("Decisions of %d, %d to %d,", actor, from, to), a, b, err), nil
}

func (t twinLedger) SaveDecisions(actor uint32, decisions []replica.Decision) error {
	return wrote("SaveDecisions", t.memory.SaveDecisions(actor, decisions), t.real.SaveDecisions(actor, decisions))
}

func (t twinLedger) DropDecisions(actor uint32, to uint64) error {
	return wrote("DropDecisions", t.memory.DropDecisions(actor, to), t.real.DropDecisions(actor, to))
}
