package store

import (
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
)

// CreateCard makes an empty card with a data key of its own.
func (tx *Tx) CreateCard(now time.Time) (card.ID, error) {
	id := card.ID(NewID())
	wrapped, err := tx.firstKeys(id)
	if err != nil {
		return "", err
	}
	_, err = tx.exec("INSERT INTO card (id, epoch, wrapped_key, created_at, collect_at, forget_seq) VALUES (?, ?, ?, ?, NULL, 0)", string(id), NewID(), wrapped, micros(now))
	return id, err
}

// LockCard takes the card's row lock without changing it: what follows in this transaction is in order with every other
// change of the card.
func (tx *Tx) LockCard(id card.ID) error {
	if err := tx.enter(id); err != nil {
		return err
	}
	var key uint32
	found, err := tx.one([]any{&key}, "UPDATE card SET seq = seq WHERE id = ? AND shredded_at IS NULL RETURNING key_name", string(id))
	if err := tx.met(id, found, err); err != nil {
		return err
	}
	tx.holds(id, key)
	return nil
}

// Decide reads the card's grants in this transaction and asks consent.Decide.
func (tx *Tx) Decide(a identity.Actor, id card.ID, p consent.Purpose, now time.Time) (consent.Permit, error) {
	grants, err := tx.grantsThat(id, effective)
	if err != nil {
		return consent.Permit{}, err
	}
	tx.granted, tx.grantedOf = grants, id
	if slices.ContainsFunc(grants, func(g consent.Grant) bool { return g.Powers.Staff && g.Reaches(a) }) {
		if a.Practitioner, err = tx.Practises(a.Account, now); err != nil {
			return consent.Permit{}, err
		}
	}
	if tx.permit, err = consent.Decide(a, id, p, grants, now, tx.token); err == nil {
		tx.alive = id // with its key all grants of a card end
	} else if errors.Is(err, consent.ErrNoGrant) && slices.ContainsFunc(grants, func(g consent.Grant) bool {
		return g.Role == consent.Owner && g.Account == a.Account && a.Account != ""
	}) {
		return tx.permit, tx.destroyed(id, err)
	}
	return tx.permit, err
}

// DecideWrite asks consent.DecideWrite for this transaction: the right of an organisation to add without reading.
func (tx *Tx) DecideWrite(a identity.Actor, id card.ID, right string, scopes card.Scopes) (consent.Permit, error) {
	return consent.DecideWrite(a, id, right, scopes, tx.token)
}

// NoteOpener keeps that the client opened the card.
func (tx *Tx) NoteOpener(p consent.Permit, client identity.ClientID) error {
	if err := tx.mayPost(p); err != nil {
		return err
	}
	_, err := tx.exec("UPDATE card SET opened_by = ? WHERE id = ?", string(client), string(p.Card()))
	return err
}

// OpenedBy reports whether the client opened the card. Of cards from before that was kept, who alone posted did.
func (tx *Tx) OpenedBy(id card.ID, client identity.ClientID) (bool, error) {
	if err := tx.enter(id); err != nil {
		return false, err
	}
	var opener string
	if found, err := tx.one([]any{&opener}, "SELECT opened_by FROM card WHERE id = ?", string(id)); err != nil || !found || opener != "" {
		return found && opener == string(client), err
	}
	var others int
	_, err := tx.one([]any{&others}, "SELECT count(*) FROM (SELECT 1 FROM posting WHERE card = ? AND client <> ? LIMIT 1) AS other", string(id), string(client))
	return others == 0, err
}

// HasOwner reports whether somebody owns the card. Who redeemed its code and has proved nothing yet holds no place.
func (tx *Tx) HasOwner(id card.ID) (bool, error) {
	if err := tx.enter(id); err != nil {
		return false, err
	}
	var n int
	_, err := tx.one([]any{&n}, "SELECT count(*) FROM access_grant WHERE card = ? AND role = ? AND revoked_at IS NULL AND awaits = ''", string(id), string(consent.Owner))
	return n > 0, err
}

// GrantOwner makes the account the owner of the card. The act that calls it has proven that the person is. Who else redeemed a code of the card
// waits no longer.
func (tx *Tx) GrantOwner(id card.ID, to identity.AccountID, now time.Time) error {
	waits, err := tx.awaits(id, to)
	if err != nil {
		return err
	}
	if waits {
		_, err = tx.beginAwaited(id, to, now)
	} else {
		_, err = tx.addGrant(consent.Grant{
			ID: consent.GrantID(NewID()), Card: id, Role: consent.Owner, Account: to,
			Scopes: card.Everything(), Purpose: consent.PatientRequest, Starts: now,
		})
	}
	if err != nil {
		return err
	}
	return tx.refuseOthers(id, to, now)
}

// CardsOf lists the cards that the account owns or was let see, on this installation of the app. It is a directory look-up and opens
// none of them.
func (tx *Tx) CardsOf(of identity.AccountID, device identity.DeviceID) ([]card.ID, error) {
	var ids []card.ID
	err := tx.each(func(rows *sql.Rows) error {
		var id card.ID
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	}, "SELECT DISTINCT card FROM account_card WHERE account = ? AND device IN ('', ?) ORDER BY card", string(of), string(device))
	return ids, err
}

// CardsSeen is CardsOf with how the account sees each, of those that it may see at the instant.
func (tx *Tx) CardsSeen(of identity.AccountID, device identity.DeviceID, now time.Time) (list []account.Seen, err error) {
	ids, err := tx.CardsOf(of, device)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		all, err := tx.grants(id)
		if err != nil {
			return nil, err
		}
		role := account.Role("")
		for _, g := range all {
			switch {
			case g.Role == consent.Restriction || !g.InForce(now) || !g.Reaches(identity.Actor{Account: of, Device: device}):
			case g.Role == consent.Owner:
				role = account.Owns
			case g.Representation != "" && role != account.Owns:
				role = account.Represents
			case role == "":
				role = account.LetIn
			}
		}
		if role != "" {
			list = append(list, account.Seen{Card: id, Role: role})
		}
	}
	return list, nil
}
