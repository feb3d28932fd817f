package store

import (
	"database/sql"
	"strings"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
)

// A grant's begin, revoke and end are commits of the card like any change of a record: so it is known of every commit who
// could see what then, and a phone is sent what it gained and told what it lost.

// Grants lists the card's grants to its owner, newest first.
func (tx *Tx) Grants(p consent.Permit) ([]consent.Grant, error) {
	if err := tx.mayRead(p, p.Card()); err != nil || !p.Owner() {
		return nil, ErrForeignPermit
	}
	return tx.grants(p.Card())
}

func (tx *Tx) grants(id card.ID) ([]consent.Grant, error) {
	var list []consent.Grant
	err := tx.each(func(rows *sql.Rows) error {
		g := consent.Grant{Card: id}
		var scopes string
		var ends, revoked sql.NullTime
		if err := rows.Scan(&g.ID, &g.Role, &g.Account, &g.Client, &scopes, &g.Purpose, &g.Starts, &ends, &revoked, &g.Began, &g.Ended); err != nil {
			return err
		}
		for s := range strings.FieldsSeq(scopes) {
			g.Scopes = append(g.Scopes, card.Scope(s))
		}
		g.Starts, g.Ends, g.Revoked = g.Starts.UTC(), fromNull(ends), fromNull(revoked)
		list = append(list, g)
		return nil
	}, `SELECT id, role, account, client, scopes, purpose, starts_at, ends_at, revoked_at, began, ended
		FROM access_grant WHERE card = ? ORDER BY starts_at DESC, id DESC`, string(id))
	return list, err
}

// AddGrant lets an organisation or another person see the owner's card.
func (tx *Tx) AddGrant(p consent.Permit, g consent.Grant) error {
	if err := tx.mayRead(p, g.Card); err != nil || !p.Owner() || g.Role == consent.Owner {
		return ErrForeignPermit
	}
	_, err := tx.addGrant(g)
	return err
}

func (tx *Tx) addGrant(g consent.Grant) (consent.Grant, error) {
	scopes := make([]string, len(g.Scopes))
	for i, s := range g.Scopes {
		scopes[i] = string(s)
	}
	var err error
	if g.Began, err = tx.commit(g.Card); err != nil {
		return g, err
	}
	_, err = tx.exec(`INSERT INTO access_grant (card, id, role, account, client, scopes, purpose, starts_at, ends_at, began)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, string(g.Card), string(g.ID), string(g.Role), string(g.Account), string(g.Client),
		strings.Join(scopes, " "), string(g.Purpose), micros(g.Starts), nullTime(g.Ends), g.Began)
	if err == nil && g.Account != "" {
		_, err = tx.exec("INSERT INTO account_card (account, card) VALUES (?, ?) ON CONFLICT DO NOTHING", string(g.Account), string(g.Card))
	}
	return g, err
}

// end commits that a grant is over. The card leaves the directory of a person who has no other grant of it.
func (tx *Tx) end(id card.ID, grant string) error {
	seq, err := tx.commit(id)
	if err != nil {
		return err
	}
	if _, err := tx.exec("UPDATE access_grant SET ended = ? WHERE card = ? AND id = ?", seq, string(id), grant); err != nil {
		return err
	}
	_, err = tx.exec(`DELETE FROM account_card WHERE card = ? AND account IN (SELECT account FROM access_grant WHERE card = ? AND id = ?)
		AND NOT EXISTS (SELECT 1 FROM access_grant AS g WHERE g.card = account_card.card AND g.account = account_card.account AND g.ended = 0)`,
		string(id), string(id), grant)
	return err
}

// commit takes the card's next number for a change that is no record's.
func (tx *Tx) commit(id card.ID) (seq uint64, err error) {
	tx.grantedOf = ""
	found, err := tx.one([]any{&seq}, "UPDATE card SET seq = seq + 1 WHERE id = ? RETURNING seq", string(id))
	if err == nil && !found {
		err = errNoCard
	}
	return seq, err
}

// RevokeGrant ends a grant at the instant, any but the owner's own. found is false when the card has no such grant that is
// still open.
func (tx *Tx) RevokeGrant(p consent.Permit, id consent.GrantID, now time.Time) (found bool, err error) {
	if err := tx.mayRead(p, p.Card()); err != nil || !p.Owner() {
		return false, ErrForeignPermit
	}
	if err := tx.LockCard(p.Card()); err != nil {
		return false, err
	}
	n, err := tx.exec("UPDATE access_grant SET revoked_at = ? WHERE card = ? AND id = ? AND role <> ? AND revoked_at IS NULL AND ended = 0",
		micros(now), string(p.Card()), string(id), string(consent.Owner))
	if err != nil || n == 0 {
		return false, err
	}
	return true, tx.end(p.Card(), string(id))
}

// CommitEnds commits the end of every grant of the card that has run out, each as a commit of its own. Access itself ended
// at the instant: Decide looks at the clock.
func (tx *Tx) CommitEnds(id card.ID, now time.Time) error {
	if err := tx.LockCard(id); err != nil {
		return err
	}
	var due []string
	err := tx.each(func(rows *sql.Rows) error {
		var grant string
		err := rows.Scan(&grant)
		due = append(due, grant)
		return err
	}, "SELECT id FROM access_grant WHERE card = ? AND ended = 0 AND ends_at <= ? ORDER BY ends_at, id", string(id), micros(now))
	if err != nil {
		return err
	}
	for _, grant := range due {
		if err := tx.end(id, grant); err != nil {
			return err
		}
	}
	return nil
}

// HasAccount reports whether there is such an account.
func (tx *Tx) HasAccount(id identity.AccountID) (bool, error) {
	var n int
	_, err := tx.one([]any{&n}, "SELECT count(*) FROM account WHERE id = ?", string(id))
	return n > 0, err
}

// OwnGrants lists the grants by which the permit's account sees or ever saw the card from a phone.
func (tx *Tx) OwnGrants(p consent.Permit) ([]consent.Grant, error) {
	if err := tx.mayRead(p, p.Card()); err != nil {
		return nil, err
	}
	all := tx.granted // Decide has just read them
	if tx.grantedOf != p.Card() {
		var err error
		if all, err = tx.grants(p.Card()); err != nil {
			return nil, err
		}
	}
	var own []consent.Grant
	for _, g := range all {
		if g.Account != "" && g.Account == p.Actor().Account {
			own = append(own, g)
		}
	}
	return own, nil
}

// CardScopes lists every scope in which the card ever had a record.
func (tx *Tx) CardScopes(p consent.Permit) (scopes []card.Scope, err error) {
	if err := tx.mayRead(p, p.Card()); err != nil {
		return nil, err
	}
	err = tx.each(func(rows *sql.Rows) error {
		var scope card.Scope
		err := rows.Scan(&scope)
		scopes = append(scopes, scope)
		return err
	}, "SELECT scope FROM card_scope WHERE card = ? ORDER BY scope", string(p.Card()))
	return scopes, err
}
