package store

import (
	"database/sql"
	"slices"
	"strings"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/notice"
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
		var ends, revoked, held sql.NullTime
		if err := rows.Scan(&g.ID, &g.Role, &g.Account, &g.Client, &scopes, &g.Purpose, &g.Starts, &ends, &revoked, &held, &g.Began, &g.Ended); err != nil {
			return err
		}
		for s := range strings.FieldsSeq(scopes) {
			g.Scopes = append(g.Scopes, card.Scope(s))
		}
		g.Starts, g.Ends, g.Revoked, g.Held = g.Starts.UTC(), fromNull(ends), fromNull(revoked), fromNull(held)
		list = append(list, g)
		return nil
	}, `SELECT id, role, account, client, scopes, purpose, starts_at, ends_at, revoked_at, held_at, began, ended
		FROM access_grant WHERE card = ? ORDER BY starts_at DESC, id DESC`, string(id))
	return list, err
}

// AddGrant lets an organisation or another person see the owner's card.
func (tx *Tx) AddGrant(p consent.Permit, g consent.Grant) error {
	if err := tx.mayRead(p, g.Card); err != nil || !p.Owner() || g.Role == consent.Owner {
		return ErrForeignPermit
	}
	g, err := tx.addGrant(g)
	if err != nil {
		return err
	}
	return tx.tellOfAccess(g, p.Actor().Device)
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
	if err != nil {
		return g, err
	}
	return g, tx.listCard(g)
}

// end commits that a grant is over, and tells those whom it concerns, but for the device that did it.
func (tx *Tx) end(id card.ID, grant consent.GrantID, except identity.DeviceID) error {
	seq, err := tx.commit(id)
	if err != nil {
		return err
	}
	g := consent.Grant{Card: id, ID: grant}
	if _, err := tx.one([]any{&g.Account}, "UPDATE access_grant SET ended = ? WHERE card = ? AND id = ? RETURNING account", seq, string(id), string(grant)); err != nil {
		return err
	}
	if err := tx.unlistCard(id); err != nil {
		return err
	}
	return tx.tellOfAccess(g, except)
}

// listCard puts the card into the directory of the person whom the grant lets see it.
func (tx *Tx) listCard(g consent.Grant) error {
	if g.Account == "" {
		return nil
	}
	_, err := tx.exec("INSERT INTO account_card (account, card) VALUES (?, ?) ON CONFLICT DO NOTHING", string(g.Account), string(g.Card))
	return err
}

// unlistCard takes the card out of the directory of everybody who has no grant of it that runs.
func (tx *Tx) unlistCard(id card.ID) error {
	_, err := tx.exec(`DELETE FROM account_card WHERE card = ? AND NOT EXISTS
		(SELECT 1 FROM access_grant AS g WHERE g.card = account_card.card AND g.account = account_card.account AND g.ended = 0)`, string(id))
	return err
}

// tellOfAccess wakes the phones of a grant's person, and those of the card's owner: they sync, and so gain or lose what changed.
func (tx *Tx) tellOfAccess(g consent.Grant, except identity.DeviceID) error {
	all, err := tx.grants(g.Card)
	if err != nil {
		return err
	}
	told := []identity.AccountID{g.Account}
	for _, other := range all {
		if other.Role == consent.Owner && other.Ended == 0 && !slices.Contains(told, other.Account) {
			told = append(told, other.Account)
		}
	}
	for _, account := range told {
		if account == "" {
			continue
		}
		if err := tx.enqueueNews(g.Card, account, notice.Access, except); err != nil {
			return err
		}
	}
	return nil
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
// still open. One that is held has ended already, at the commit that held it, and only does not come back.
func (tx *Tx) RevokeGrant(p consent.Permit, id consent.GrantID, now time.Time) (found bool, err error) {
	if err := tx.mayRead(p, p.Card()); err != nil || !p.Owner() {
		return false, ErrForeignPermit
	}
	if err := tx.LockCard(p.Card()); err != nil {
		return false, err
	}
	tx.grantedOf = ""
	held, err := tx.exec("UPDATE access_grant SET revoked_at = ?, held_at = NULL WHERE card = ? AND id = ? AND revoked_at IS NULL AND held_at IS NOT NULL",
		micros(now), string(p.Card()), string(id))
	if err != nil || held > 0 {
		return held > 0, err
	}
	n, err := tx.exec("UPDATE access_grant SET revoked_at = ? WHERE card = ? AND id = ? AND role <> ? AND revoked_at IS NULL AND ended = 0",
		micros(now), string(p.Card()), string(id), string(consent.Owner))
	if err != nil || n == 0 {
		return false, err
	}
	return true, tx.end(p.Card(), id, p.Actor().Device)
}

// ConfirmGrant lets a grant go on that a restored server held: it begins anew, with a commit, so that a phone is sent all that it
// shows. found is false when the card has no such grant that is held and has not run out.
func (tx *Tx) ConfirmGrant(p consent.Permit, id consent.GrantID, now time.Time) (g consent.Grant, found bool, err error) {
	if err := tx.mayRead(p, p.Card()); err != nil || !p.Owner() {
		return g, false, ErrForeignPermit
	}
	seq, err := tx.commit(p.Card()) // before anything else is read: it takes the card's lock
	if err != nil {
		return g, false, err
	}
	n, err := tx.exec(`UPDATE access_grant SET held_at = NULL, began = ?, ended = 0
		WHERE card = ? AND id = ? AND held_at IS NOT NULL AND revoked_at IS NULL AND (ends_at IS NULL OR ends_at > ?)`,
		seq, string(p.Card()), string(id), micros(now))
	if err != nil || n == 0 {
		return g, false, err
	}
	all, err := tx.grants(p.Card())
	if err != nil {
		return g, false, err
	}
	g = all[slices.IndexFunc(all, func(g consent.Grant) bool { return g.ID == id })]
	if err := tx.listCard(g); err != nil {
		return g, false, err
	}
	return g, true, tx.tellOfAccess(g, p.Actor().Device)
}

// holdGrants is for a card of a database that was restored. What its owner revoked after the backup would be good again, and nobody
// here knows what that was. So everybody else's access ends, as one commit, and waits for the owner's word.
func (tx *Tx) holdGrants(id card.ID, now time.Time) error {
	if err := tx.CommitEnds(id, now); err != nil {
		return err
	}
	var waiting int
	if _, err := tx.one([]any{&waiting}, "SELECT count(*) FROM access_grant WHERE card = ? AND role <> ? AND ended = 0", string(id), string(consent.Owner)); err != nil || waiting == 0 {
		return err
	}
	seq, err := tx.commit(id)
	if err != nil {
		return err
	}
	if _, err := tx.exec("UPDATE access_grant SET held_at = ?, ended = ? WHERE card = ? AND role <> ? AND ended = 0",
		micros(now), seq, string(id), string(consent.Owner)); err != nil {
		return err
	}
	if err := tx.unlistCard(id); err != nil {
		return err
	}
	owners, err := tx.OwnersOf(id, now)
	if err != nil {
		return err
	}
	for _, owner := range owners {
		if err := tx.enqueueNews(id, owner, notice.Security, ""); err != nil {
			return err
		}
	}
	return tx.AppendAudit(audit.Entry{
		Card: id, At: now, Actor: identity.Actor{Kind: identity.System}, Action: audit.Hold, Purpose: consent.Operations, What: "all grants but the owner's", Request: "restore",
	})
}

// CommitEnds commits the end of every grant of the card that has run out, each as a commit of its own. Access itself ended
// at the instant: Decide looks at the clock.
func (tx *Tx) CommitEnds(id card.ID, now time.Time) error {
	if err := tx.LockCard(id); err != nil {
		return err
	}
	var due []consent.GrantID
	err := tx.each(func(rows *sql.Rows) error {
		var grant consent.GrantID
		err := rows.Scan(&grant)
		due = append(due, grant)
		return err
	}, "SELECT id FROM access_grant WHERE card = ? AND ended = 0 AND ends_at <= ? ORDER BY ends_at, id", string(id), micros(now))
	if err != nil {
		return err
	}
	for _, grant := range due {
		if err := tx.end(id, grant, ""); err != nil {
			return err
		}
	}
	return nil
}

// CardsWithEnds lists cards behind the one named, at most limit, of which a grant has run out whose end is no commit yet.
func (tx *Tx) CardsWithEnds(after card.ID, now time.Time, limit int) (cards []card.ID, err error) {
	if after == "" {
		after = noCard
	}
	err = tx.each(func(rows *sql.Rows) error {
		var id card.ID
		err := rows.Scan(&id)
		cards = append(cards, id)
		return err
	}, "SELECT DISTINCT card FROM access_grant WHERE ended = 0 AND ends_at <= ? AND card > ? ORDER BY card LIMIT ?", micros(now), string(after), limit)
	return cards, err
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
