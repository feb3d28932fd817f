package store

import (
	"time"

	"github.com/medcard/medcard/domain/consent"
)

// Bar keeps whom the restriction names from its card by a court's order: all that lets him in ends, as does his right to act for its patient, and
// nothing lets him in again while the restriction runs. The owners are told.
func (tx *Tx) Bar(g consent.Grant, now time.Time) error {
	if g.Role != consent.Restriction || !g.Ordered || (g.Account == "") == (g.Client == "") {
		return ErrForeignPermit
	}
	if err := tx.CommitEnds(g.Card, now); err != nil { // locks the card
		return err
	}
	all, err := tx.grants(g.Card)
	if err != nil {
		return err
	}
	for _, other := range all {
		if other.Awaits != "" && other.Account == g.Account && other.Revoked.IsZero() {
			if err := tx.LetGo(g.Account, g.Card, "a claim, by an order", now); err != nil {
				return err
			}
			continue
		}
		if other.Account != g.Account || other.Client != g.Client || !other.Revoked.IsZero() || other.Ended != 0 && other.Held.IsZero() {
			continue
		}
		if other.Role == consent.Owner {
			return consent.ErrOwned
		}
		if other.Role == consent.Restriction {
			continue // the owner's own stays: it may outlast the order
		}
		if _, err := tx.takeBack(g.Card, other.ID, now, ""); err != nil {
			return err
		}
	}
	rights, err := tx.Representations(g.Card)
	if err != nil {
		return err
	}
	for _, r := range rights {
		if g.Account != "" && r.Agent == g.Account && r.Ended.IsZero() {
			if _, err := tx.EndRepresentation(r, now); err != nil {
				return err
			}
		}
	}
	if g, err = tx.addGrant(g); err != nil {
		return err
	}
	if err := tx.tellOfAccess(g.Card, []consent.Grant{g}, ""); err != nil {
		return err
	}
	return tx.alarm(g.Card, now)
}

// refuseBarred refuses a grant to whom a court keeps from the card. It is asked under the card's lock.
func (tx *Tx) refuseBarred(g consent.Grant) error {
	if g.Role == consent.Restriction {
		return nil
	}
	var n int
	_, err := tx.one([]any{&n}, `SELECT count(*) FROM access_grant WHERE card = ? AND role = ? AND ordered AND ended = 0 AND (ends_at IS NULL OR ends_at > ?)
		AND (account <> '' AND account = ? OR client <> '' AND client = ?)`,
		string(g.Card), string(consent.Restriction), micros(g.Starts), string(g.Account), string(g.Client))
	if err == nil && n > 0 {
		err = consent.ErrBarred
	}
	return err
}
