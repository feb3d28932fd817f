package store

import (
	"database/sql"
	"strings"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
)

// CreateCard makes an empty card with a data key of its own.
func (tx *Tx) CreateCard(now time.Time) (card.ID, error) {
	id := card.ID(NewID())
	wrapped, err := tx.newDataKey(id)
	if err != nil {
		return "", err
	}
	_, err = tx.exec("INSERT INTO card (id, epoch, wrapped_key, created_at) VALUES (?, ?, ?, ?)", string(id), NewID(), wrapped, micros(now))
	return id, err
}

// LockCard takes the card's row lock without changing it: what follows in this transaction is in order with every other
// change of the card.
func (tx *Tx) LockCard(id card.ID) error {
	n, err := tx.exec("UPDATE card SET seq = seq WHERE id = ?", string(id))
	if err == nil && n == 0 {
		return errNoCard
	}
	return err
}

// Decide reads the card's grants in this transaction and asks consent.Decide.
func (tx *Tx) Decide(a identity.Actor, id card.ID, p consent.Purpose, now time.Time) (consent.Permit, error) {
	grants, err := tx.grants(id)
	if err != nil {
		return consent.Permit{}, err
	}
	return consent.Decide(a, id, p, grants, now, tx.token)
}

// DecideWrite asks consent.DecideWrite for this transaction: the right of an organisation to add without reading.
func (tx *Tx) DecideWrite(a identity.Actor, id card.ID, right string, scopes card.Scopes) (consent.Permit, error) {
	return consent.DecideWrite(a, id, right, scopes, tx.token)
}

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
		if err := rows.Scan(&g.ID, &g.Role, &g.Account, &g.Client, &scopes, &g.Purpose, &g.Starts, &ends, &revoked); err != nil {
			return err
		}
		for s := range strings.FieldsSeq(scopes) {
			g.Scopes = append(g.Scopes, card.Scope(s))
		}
		g.Starts, g.Ends, g.Revoked = g.Starts.UTC(), fromNull(ends), fromNull(revoked)
		list = append(list, g)
		return nil
	}, `SELECT id, role, account, client, scopes, purpose, starts_at, ends_at, revoked_at
		FROM access_grant WHERE card = ? ORDER BY starts_at DESC, id DESC`, string(id))
	return list, err
}

// HasOwner reports whether somebody has redeemed the card's claim code.
func (tx *Tx) HasOwner(id card.ID) (bool, error) {
	var n int
	_, err := tx.one([]any{&n}, "SELECT count(*) FROM access_grant WHERE card = ? AND role = ? AND revoked_at IS NULL", string(id), string(consent.Owner))
	return n > 0, err
}

// GrantOwner makes the account the owner of the card. The act that calls it has proven that the person is.
func (tx *Tx) GrantOwner(id card.ID, account identity.AccountID, now time.Time) error {
	if err := tx.addGrant(consent.Grant{
		ID: consent.GrantID(NewID()), Card: id, Role: consent.Owner, Account: account,
		Scopes: card.Everything(), Purpose: consent.PatientRequest, Starts: now,
	}); err != nil {
		return err
	}
	_, err := tx.exec("INSERT INTO account_card (account, card) VALUES (?, ?) ON CONFLICT DO NOTHING", string(account), string(id))
	return err
}

// AddGrant lets an organisation read the owner's card.
func (tx *Tx) AddGrant(p consent.Permit, g consent.Grant) error {
	if err := tx.mayRead(p, g.Card); err != nil || !p.Owner() || g.Role != consent.Reader {
		return ErrForeignPermit
	}
	return tx.addGrant(g)
}

func (tx *Tx) addGrant(g consent.Grant) error {
	scopes := make([]string, len(g.Scopes))
	for i, s := range g.Scopes {
		scopes[i] = string(s)
	}
	_, err := tx.exec(`INSERT INTO access_grant (card, id, role, account, client, scopes, purpose, starts_at, ends_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, string(g.Card), string(g.ID), string(g.Role), string(g.Account), string(g.Client),
		strings.Join(scopes, " "), string(g.Purpose), micros(g.Starts), nullTime(g.Ends))
	return err
}

// RevokeGrant ends a reader's grant at the instant. found is false when the card has no such grant that is still open.
func (tx *Tx) RevokeGrant(p consent.Permit, id consent.GrantID, now time.Time) (found bool, err error) {
	if err := tx.mayRead(p, p.Card()); err != nil || !p.Owner() {
		return false, ErrForeignPermit
	}
	n, err := tx.exec("UPDATE access_grant SET revoked_at = ? WHERE card = ? AND id = ? AND role = ? AND revoked_at IS NULL",
		micros(now), string(p.Card()), string(id), string(consent.Reader))
	return n > 0, err
}

// CardsOf lists the cards that the account owns. It is a directory look-up and opens none of them.
func (tx *Tx) CardsOf(account identity.AccountID) ([]card.ID, error) {
	var ids []card.ID
	err := tx.each(func(rows *sql.Rows) error {
		var id card.ID
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	}, "SELECT card FROM account_card WHERE account = ? ORDER BY card", string(account))
	return ids, err
}
