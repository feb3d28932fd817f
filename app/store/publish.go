package store

import (
	"time"

	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/sync/cardsync"
	"github.com/medcard/medcard/sync/replica"
)

var engine = replica.Server{Rules: cardsync.Rules()}

// Publish writes records as the server, in the card's order of commits: what is the same already is not written again, what
// differs becomes a new version.
func (tx *Tx) Publish(p consent.Permit, records []cardsync.Record, now time.Time) error {
	facts := make([]replica.Fact, len(records))
	for i, r := range records {
		if err := tx.mayWrite(p, p.Card(), r.Scope); err != nil {
			return err
		}
		facts[i] = replica.Fact{ID: string(r.ID), Kind: string(r.Kind), Scope: string(r.Scope), Date: micros(r.Dated), Atoms: r.Atoms}
		if r.Dated.IsZero() {
			facts[i].Date = time.Time{}
		}
	}
	l, err := tx.Ledger(p)
	if err != nil {
		return err
	}
	_, err = engine.Publish(l, facts, micros(now))
	return err
}

// CountRecords tells how many records the permit reads: what a first sync will bring.
func (tx *Tx) CountRecords(p consent.Permit) (n int, err error) {
	if err := tx.mayRead(p, p.Card()); err != nil {
		return 0, err
	}
	filter, args := scopeFilter(readable(p))
	_, err = tx.one([]any{&n}, "SELECT count(*) FROM record WHERE card = ? AND deleted = ?"+filter, append([]any{string(p.Card()), false}, args...)...)
	return n, err
}
