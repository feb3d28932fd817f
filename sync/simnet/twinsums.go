package simnet

import (
	"fmt"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

func (t twinLedger) Sum(scopes replica.Scopes) (wire.Sum, bool, error) {
	a, _, _ := t.memory.Sum(scopes)
	b, known, err := t.real.Sum(scopes)
	twins("whether the Sum is known", true, known, err)
	return twins(fmt.Sprintf("Sum of %v", scopes), a, b, err), known, nil
}

func (t twinLedger) Digests(scopes replica.Scopes, from, to string, limit int) ([]wire.Entry, error) {
	a, _ := t.memory.Digests(scopes, from, to, limit)
	b, err := t.real.Digests(scopes, from, to, limit)
	return twins(fmt.Sprintf("Digests of %v from %q to %q, %d at most,", scopes, from, to, limit), a, b, err), nil
}

func (t twinPhone) Sum() (wire.Sum, error) {
	a, _ := t.memory.Sum()
	b, err := t.real.Sum()
	return twins("Sum", a, b, err), nil
}

func (t twinPhone) Digests(from, to string) ([]wire.Entry, error) {
	a, _ := t.memory.Digests(from, to)
	b, err := t.real.Digests(from, to)
	return twins(fmt.Sprintf("Digests from %q to %q", from, to), a, b, err), nil
}

func (t twinPhone) Recount() (int, error) {
	a, _ := t.memory.Recount()
	b, err := t.real.Recount()
	return twins("Recount", a, b, err), nil
}
