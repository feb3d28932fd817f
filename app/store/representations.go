package store

import (
	"database/sql"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/family"
	"github.com/medcard/medcard/domain/identity"
)

// RepresentationsOf lists whom the account's person represents, or did.
func (tx *Tx) RepresentationsOf(agent identity.AccountID) ([]family.Representation, error) {
	return tx.representations("agent = ? ORDER BY card, since_at, id", string(agent))
}

// Representations lists who represents a card's patient, or did.
func (tx *Tx) Representations(id card.ID) ([]family.Representation, error) {
	return tx.representations("card = ? ORDER BY since_at, id", string(id))
}

func (tx *Tx) representations(condition string, args ...any) ([]family.Representation, error) {
	var list []family.Representation
	var sealed [][]byte
	err := tx.each(func(rows *sql.Rows) error {
		var r family.Representation
		var text []byte
		var until, ended, held sql.NullTime
		if err := rows.Scan(&r.Card, &r.ID, &r.Agent, &r.Since, &until, &ended, &held, &text); err != nil {
			return err
		}
		r.Since, r.Until, r.Ended, r.Held = r.Since.UTC(), fromNull(until), fromNull(ended), fromNull(held)
		list, sealed = append(list, r), append(sealed, text)
		return nil
	}, "SELECT card, id, agent, since_at, until_at, ended_at, held_at, sealed FROM representation WHERE "+condition, args...)
	if err != nil {
		return nil, err
	}
	for i := range list { // after the rows: a card's key may have to be read
		r := &list[i]
		plain, err := tx.open(r.Card, representationPlace(r.ID), sealed[i])
		if err != nil {
			return nil, err
		}
		var d representationDetail
		if err := json.Unmarshal(plain, &d); err != nil {
			return nil, err
		}
		r.Level, r.Basis, r.Powers, r.Turns = d.Level, d.Basis, d.Powers, d.Turns
	}
	return list, nil
}

// ProxyTokens lists the tokens of a card that run at the instant.
func (tx *Tx) ProxyTokens(id card.ID, now time.Time) ([]consent.Grant, error) {
	grants, err := tx.grants(id)
	return slices.DeleteFunc(grants, func(g consent.Grant) bool { return g.Device == "" || !g.InForce(now) }), err
}

// mostTokens bounds on how many installations one representation was opened of late: each leaves a row that every request on the card reads.
const mostTokens = 20

// rememberToken is how long the row of a token stays that was not used again. The phone that had it is retired long before.
const rememberToken = 180 * 24 * time.Hour

// OpenToken lets the agent's installation into the card. A phone that had a token before gets its grant back, begun anew as a commit, so
// that a childhood of tokens is no thousand grants. It fails with family.ErrRunning while one runs there: no token is made longer.
func (tx *Tx) OpenToken(r family.Representation, g consent.Grant) (consent.Grant, error) {
	if err := tx.CommitEnds(g.Card, g.Starts); err != nil { // locks the card
		return g, err
	}
	if _, err := tx.exec("DELETE FROM access_grant WHERE card = ? AND representation = ? AND device <> '' AND ended <> 0 AND ends_at < ?",
		string(g.Card), string(r.ID), micros(g.Starts.Add(-rememberToken))); err != nil {
		return g, err
	}
	before, err := tx.grants(g.Card)
	if err != nil {
		return g, err
	}
	before = slices.DeleteFunc(before, func(b consent.Grant) bool { return b.Representation != r.ID || b.Device == "" })
	for _, b := range before {
		switch {
		case b.Device == g.Device && b.Ended == 0:
			return g, family.ErrRunning
		case b.Device == g.Device && slices.Equal(b.Scopes, g.Scopes):
			return tx.beginAnew(b.ID, g)
		}
	}
	if len(before) >= mostTokens {
		return g, family.ErrPhones
	}
	if g, err = tx.addGrant(g); err != nil {
		return g, err
	}
	return g, tx.tellOfAccess(g.Card, []consent.Grant{g}, g.Device)
}

// beginAnew makes a grant that has ended a new one.
func (tx *Tx) beginAnew(old consent.GrantID, g consent.Grant) (consent.Grant, error) {
	var err error
	if g.Began, err = tx.commit(g.Card); err != nil {
		return g, err
	}
	if err := tx.refuseBarred(g); err != nil {
		return g, err
	}
	if _, err := tx.exec("UPDATE access_grant SET id = ?, starts_at = ?, ends_at = ?, powers = ?, revoked_at = NULL, held_at = NULL, began = ?, ended = 0 WHERE card = ? AND id = ?",
		string(g.ID), micros(g.Starts), nullTime(g.Ends), strings.Join(g.Powers.Words(), " "), g.Began, string(g.Card), string(old)); err != nil {
		return g, err
	}
	if err := tx.listCard(g); err != nil {
		return g, err
	}
	return g, tx.tellOfAccess(g.Card, []consent.Grant{g}, g.Device)
}

// EndToken ends a token of the representation at the instant, and tells both sides. found is false if none of the name runs.
func (tx *Tx) EndToken(r family.Representation, token consent.GrantID, now time.Time) (found bool, err error) {
	return tx.endRepresented(r, now, "id = ? AND device <> ''", string(token))
}

// EndRepresentation ends a representation with all that came from it, and tells both sides. found is false if it has ended.
func (tx *Tx) EndRepresentation(r family.Representation, now time.Time) (found bool, err error) {
	if err := tx.LockCard(r.Card); err != nil {
		return false, err
	}
	n, err := tx.exec("UPDATE representation SET ended_at = ? WHERE card = ? AND id = ? AND ended_at IS NULL", micros(now), string(r.Card), string(r.ID))
	if err != nil || n == 0 {
		return false, err
	}
	if _, err := tx.exec("DELETE FROM representation_notice WHERE card = ? AND representation = ? AND sent_at IS NULL", string(r.Card), string(r.ID)); err != nil {
		return false, err
	}
	open, err := tx.endRepresented(r, now, "1 = 1")
	if err == nil && !open {
		err = tx.tellFamily(r, now)
	}
	return true, err
}

// endRepresented ends those grants of the representation for which the condition holds, as one commit.
func (tx *Tx) endRepresented(r family.Representation, now time.Time, condition string, args ...any) (found bool, err error) {
	if err := tx.CommitEnds(r.Card, now); err != nil { // locks the card
		return false, err
	}
	tx.grantedOf = ""
	condition = "card = ? AND representation = ? AND ended = 0 AND " + condition
	args = append([]any{string(r.Card), string(r.ID)}, args...)
	n, err := tx.exec("UPDATE access_grant SET revoked_at = ? WHERE "+condition, append([]any{micros(now)}, args...)...)
	if err != nil || n == 0 {
		return false, err
	}
	if err := tx.end(r.Card, "", condition, args...); err != nil {
		return true, err
	}
	return true, tx.tellFamily(r, now)
}

// DueFamilyNotices lists representations of which something is to be told to their people, at most limit.
func (tx *Tx) DueFamilyNotices(now time.Time, limit int) (list []family.Due, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var d family.Due
		err := rows.Scan(&d.Card, &d.Representation, &d.About)
		list = append(list, d)
		return err
	}, "SELECT card, representation, about FROM representation_notice WHERE sent_at IS NULL AND due_at <= ? ORDER BY due_at, card, about LIMIT ?", micros(now), limit)
	return list, err
}

// TellFamily tells both sides what is due, once: whoever comes second finds it told.
func (tx *Tx) TellFamily(d family.Due, now time.Time) error {
	if err := tx.enter(d.Card); err != nil {
		return err
	}
	n, err := tx.exec("UPDATE representation_notice SET sent_at = ? WHERE card = ? AND representation = ? AND about = ? AND sent_at IS NULL",
		micros(now), string(d.Card), string(d.Representation), d.About)
	if err != nil || n == 0 {
		return err
	}
	list, err := tx.representations("card = ? AND id = ?", string(d.Card), string(d.Representation))
	if err != nil || len(list) == 0 {
		return err
	}
	return tx.tellFamily(list[0], now)
}
