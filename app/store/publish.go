package store

import (
	"database/sql"
	"time"

	"github.com/medcard/medcard/domain/card"
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
	if err := tx.keepHidden(l, p.Card(), facts); err != nil {
		return err
	}
	_, err = engine.Publish(l, facts, micros(now))
	return err
}

// keepHidden leaves hidden what the owner hid, whatever its author says of it anew.
func (tx *Tx) keepHidden(l replica.Ledger, id card.ID, facts []replica.Fact) error {
	if _, err := l.Lock(); err != nil { // nothing is hidden or shown between the look and the writing
		return err
	}
	hides := map[string]bool{}
	for chunk := range chunks(facts, 500) {
		ids := make([]string, len(chunk))
		for i, f := range chunk {
			ids[i] = f.ID
		}
		condition, list := tx.among("id", ids)
		if err := tx.each(func(rows *sql.Rows) error {
			var id string
			err := rows.Scan(&id)
			hides[id] = true
			return err
		}, "SELECT id FROM record WHERE card = ? AND "+condition+" AND scope LIKE '%.hidden%'", string(id), list); err != nil {
			return err
		}
	}
	tx.veiled = map[card.Scope]bool{}
	for _, f := range facts {
		if hides[f.ID] {
			tx.veiled[card.Scope(f.Scope)] = true
		}
	}
	for i, f := range facts {
		if hides[f.ID] {
			facts[i].Scope = string(card.Scope(f.Scope).Hide())
		} else {
			delete(tx.veiled, card.Scope(f.Scope))
		}
	}
	return nil
}

// HideRecord takes a record out of the sight of everybody but the owner, or (hide = false) gives it back. shown is the scope in which others
// see it; changed is false where there is no such record or nothing to do.
func (tx *Tx) HideRecord(p consent.Permit, id card.RecordID, hide bool) (shown card.Scope, changed bool, err error) {
	if err := tx.mayOwn(p); err != nil {
		return "", false, err
	}
	l, err := tx.Ledger(p)
	if err != nil {
		return "", false, err
	}
	changed, err = engine.Move(l, string(id), func(scope string) string {
		if shown = card.Scope(scope).Show(); hide {
			return string(shown.Hide())
		}
		return string(shown)
	})
	return shown, changed, err
}

// CountRecords tells how many records the permit reads: what a first sync will bring.
func (tx *Tx) CountRecords(p consent.Permit) (n int, err error) {
	if err := tx.may(p); err != nil {
		return 0, err
	}
	filter, args := permitFilter(p)
	_, err = tx.one([]any{&n}, "SELECT count(*) FROM record WHERE card = ? AND deleted = ?"+filter, append([]any{string(p.Card()), false}, args...)...)
	return n, err
}
