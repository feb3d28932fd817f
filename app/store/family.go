package store

import (
	"database/sql"
	"encoding/json"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/family"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/notice"
)

// representationDetail is the sealed part of a representation.
type representationDetail struct {
	Level  family.Level  `json:"level"`
	Basis  family.Basis  `json:"basis"`
	Powers family.Powers `json:"powers"`
	Turns  family.Turns  `json:"turns"`
}

func representationPlace(id consent.RepresentationID) string {
	return "representation|sealed|" + string(id)
}

// Represent lets an account's person act for a card's patient. Whoever calls it has approved the document that proves it, and remembers
// that in the audit, in this transaction. What it opens is open when the transaction commits: an adult's card on all of the agent's phones,
// a child's on the one from which he asked. All who are concerned are told.
func (tx *Tx) Represent(p family.Proven, zone *time.Location, now time.Time) (family.Representation, error) {
	if err := tx.LockCard(p.Card); err != nil {
		return family.Representation{}, err
	}
	r, err := tx.judged(p, zone, now)
	if err != nil {
		return r, err
	}
	sealed, err := tx.sealRepresentation(r)
	if err != nil {
		return r, err
	}
	if _, err := tx.exec("INSERT INTO representation (card, id, agent, since_at, until_at, sealed) VALUES (?, ?, ?, ?, ?, ?)",
		string(r.Card), string(r.ID), string(r.Agent), micros(r.Since), nullTime(r.Until), sealed); err != nil {
		return r, err
	}
	for _, n := range r.Notices() {
		if _, err := tx.exec("INSERT INTO representation_notice (card, representation, about, due_at) VALUES (?, ?, ?, ?)",
			string(r.Card), string(r.ID), n.About, micros(n.Due)); err != nil {
			return r, err
		}
	}
	var g consent.Grant
	switch scopes, _ := r.Reach(now); {
	case len(scopes) == 0, r.Child() && p.Device == "": // the patient decides himself, or the card is opened later
		return r, tx.tellFamily(r, now)
	case r.Child():
		g, err = r.Open(consent.GrantID(NewID()), p.Device, now)
	default:
		g, err = r.Stand(consent.GrantID(NewID()), now)
	}
	if err != nil {
		return r, err
	}
	if g, err = tx.addGrant(g); err != nil {
		return r, err
	}
	if err := tx.tellOfAccess(r.Card, []consent.Grant{g}, ""); err != nil {
		return r, err
	}
	return r, tx.tellFamily(r, now)
}

// judged asks the domain, with what the card and the directories tell.
func (tx *Tx) judged(p family.Proven, zone *time.Location, now time.Time) (r family.Representation, err error) {
	born, err := tx.born(p.Card)
	if err != nil {
		return r, err
	}
	if r, err = family.New(consent.RepresentationID(NewID()), p, born, zone, micros(now)); err != nil {
		return r, err
	}
	grants, err := tx.grants(p.Card)
	if err != nil {
		return r, err
	}
	for _, g := range grants {
		if g.Role == consent.Owner && g.Account == p.Agent && g.InForce(now) {
			return r, family.ErrSelf
		}
	}
	if r.Level == family.Manage {
		if practises, err := tx.Practises(p.Agent, now); err != nil || !practises {
			return r, orElse(err, family.ErrStaff)
		}
	}
	return r, nil
}

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

func (tx *Tx) sealRepresentation(r family.Representation) ([]byte, error) {
	text, err := json.Marshal(representationDetail{Level: r.Level, Basis: r.Basis, Powers: r.Powers, Turns: r.Turns})
	if err != nil {
		return nil, err
	}
	return tx.seal(r.Card, representationPlace(r.ID), text)
}

// born is when the card's patient was born, as precisely as anybody told.
func (tx *Tx) born(id card.ID) (born card.Date, err error) {
	type row struct{ hash, sealed []byte }
	var list []row
	if err := tx.each(func(rows *sql.Rows) error {
		var r row
		err := rows.Scan(&r.hash, &r.sealed)
		list = append(list, r)
		return err
	}, "SELECT hash, born FROM patient_key WHERE card = ? AND born IS NOT NULL ORDER BY hash", string(id)); err != nil {
		return "", err
	}
	for _, r := range list {
		plain, err := tx.open(id, patientPlace(r.hash), r.sealed)
		if err != nil {
			return "", err
		}
		if told := card.Date(plain); told.Precision() > born.Precision() {
			born = told
		}
	}
	return born, nil
}

// tellFamily lets the phones of the agent and of the patient show a line: who may act for whom has changed, or soon will.
func (tx *Tx) tellFamily(r family.Representation, now time.Time) error {
	people, err := tx.OwnersOf(r.Card, now)
	if err != nil {
		return err
	}
	for _, who := range append(people, r.Agent) {
		if err := tx.enqueueNews(r.Card, who, notice.Family, ""); err != nil {
			return err
		}
	}
	return nil
}

// PutPractitioner keeps a clinic's word that the account's person is a practitioner of its own.
func (tx *Tx) PutPractitioner(by identity.ClientID, who identity.AccountID, position string, ends time.Time) error {
	_, err := tx.exec(`INSERT INTO practitioner (account, client, position, ends_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (account, client) DO UPDATE SET position = excluded.position, ends_at = excluded.ends_at`, string(who), string(by), position, micros(ends))
	return err
}

// DropPractitioner takes that back. found is false if there is nothing to take.
func (tx *Tx) DropPractitioner(by identity.ClientID, who identity.AccountID) (found bool, err error) {
	n, err := tx.exec("DELETE FROM practitioner WHERE account = ? AND client = ?", string(who), string(by))
	return n > 0, err
}

// Practises reports whether some clinic names the account's person as a practitioner of its own.
func (tx *Tx) Practises(account identity.AccountID, now time.Time) (bool, error) {
	var n int
	_, err := tx.one([]any{&n}, `SELECT count(*) FROM practitioner AS p JOIN oauth_client AS c ON c.id = p.client WHERE p.account = ? AND p.ends_at > ? AND c.revoked_at IS NULL`, string(account), micros(now))
	return n > 0, err
}
