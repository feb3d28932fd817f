package store

import (
	"database/sql"
	"encoding/json"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
)

// emergencyDetail is the sealed part of an emergency.
type emergencyDetail struct {
	Clinic     string    `json:"clinic"`
	PersonID   string    `json:"personId"`
	PersonName string    `json:"personName"`
	PersonRole string    `json:"personRole"`
	Scopes     []string  `json:"scopes"`
	Words      string    `json:"words"`
	Reviewed   time.Time `json:"reviewed,omitzero"`
	Reviewer   string    `json:"reviewer,omitempty"`
	Finding    string    `json:"finding,omitempty"`
}

func emergencyPlace(id consent.GrantID) string { return "emergency|sealed|" + string(id) }

func (tx *Tx) sealEmergency(e consent.Opening) ([]byte, error) {
	text, err := json.Marshal(emergencyDetail{
		Clinic: e.Clinic, PersonID: e.Person.ID, PersonName: e.Person.Name, PersonRole: e.Person.Role, Scopes: e.Scopes.Words(), Words: e.Words,
		Reviewed: e.Reviewed, Reviewer: e.Reviewer, Finding: e.Finding,
	})
	if err != nil {
		return nil, err
	}
	return tx.seal(e.Card, emergencyPlace(e.ID), text)
}

// OpenEmergency keeps an emergency of the permit's clinic, lets it in and tells who speaks for the patient, whatever the hour.
func (tx *Tx) OpenEmergency(p consent.Permit, e consent.Opening) error {
	if p.Card() != e.Card || p.Actor().Client != e.Client || e.Client == "" {
		return ErrForeignPermit
	}
	if err := tx.may(p); err != nil {
		return err
	}
	sealed, err := tx.sealEmergency(e)
	if err != nil {
		return err
	}
	if _, err := tx.exec("INSERT INTO emergency (card, id, client, reason, opened_at, ends_at, due_at, sealed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		string(e.Card), string(e.ID), string(e.Client), string(e.Reason), micros(e.Opened), micros(e.Ends), micros(e.Due), sealed); err != nil {
		return err
	}
	if _, err := tx.addGrant(consent.Grant{
		ID: e.ID, Card: e.Card, Role: consent.Reader, Client: e.Client, Scopes: e.Scopes, Purpose: consent.Emergency, Starts: e.Opened, Ends: e.Ends,
	}); err != nil {
		return err
	}
	return tx.alarm(e.Card, e.Opened)
}

// Emergencies lists the card's to who speaks for its patient, newest first.
func (tx *Tx) Emergencies(p consent.Permit) ([]consent.Opening, error) {
	if err := tx.mayWatch(p); err != nil {
		return nil, err
	}
	return tx.emergencies("card = ? ORDER BY opened_at DESC, id DESC LIMIT 1000", string(p.Card()))
}

// UnreviewedEmergencies lists those of all cards that wait for their review, the first due first, behind the one that after names.
func (tx *Tx) UnreviewedEmergencies(after consent.Opening, limit int) ([]consent.Opening, error) {
	const order = " ORDER BY due_at, card, id LIMIT ?"
	if after.Due.IsZero() {
		return tx.emergencies("verdict = ''"+order, limit)
	}
	return tx.emergencies("verdict = '' AND (due_at, card, id) > (?, ?, ?)"+order, micros(after.Due), string(after.Card), string(after.ID), limit)
}

// LockEmergency finds an emergency by its name, and locks its card.
func (tx *Tx) LockEmergency(id card.ID, emergency consent.GrantID) (e consent.Opening, found bool, err error) {
	const named = "card = ? AND id = ?"
	if list, err := tx.emergencies(named, string(id), string(emergency)); err != nil || len(list) == 0 { // so that nobody learns which cards there are
		return e, false, err
	}
	if err := tx.LockCard(id); err != nil {
		return e, false, err
	}
	list, err := tx.emergencies(named, string(id), string(emergency))
	if err != nil || len(list) == 0 {
		return e, false, err
	}
	return list[0], true, nil
}

func (tx *Tx) emergencies(condition string, args ...any) ([]consent.Opening, error) {
	var list []consent.Opening
	var sealed [][]byte
	if err := tx.each(func(rows *sql.Rows) error {
		var e consent.Opening
		var body []byte
		if err := rows.Scan(&e.Card, &e.ID, &e.Client, &e.Reason, &e.Opened, &e.Ends, &e.Due, &e.Verdict, &body); err != nil {
			return err
		}
		e.Opened, e.Ends, e.Due = e.Opened.UTC(), e.Ends.UTC(), e.Due.UTC()
		list, sealed = append(list, e), append(sealed, body)
		return nil
	}, "SELECT card, id, client, reason, opened_at, ends_at, due_at, verdict, sealed FROM emergency WHERE "+condition, args...); err != nil {
		return nil, err
	}
	for i := range list {
		e := &list[i]
		text, err := tx.open(e.Card, emergencyPlace(e.ID), sealed[i])
		if err != nil {
			return nil, err
		}
		var d emergencyDetail
		if err := json.Unmarshal(text, &d); err != nil {
			return nil, err
		}
		e.Clinic, e.Person, e.Words = d.Clinic, identity.Person{ID: d.PersonID, Name: d.PersonName, Role: d.PersonRole}, d.Words
		e.Reviewed, e.Reviewer, e.Finding = d.Reviewed, d.Reviewer, d.Finding
		e.Scopes = card.ScopesOf(d.Scopes)
	}
	return list, nil
}

// CountEmergencies counts an organisation's since the instant, on whatever cards.
func (tx *Tx) CountEmergencies(client identity.ClientID, since time.Time) (n int, err error) {
	_, err = tx.one([]any{&n}, "SELECT count(*) FROM emergency WHERE client = ? AND opened_at > ?", string(client), micros(since))
	return n, err
}

// CountEmergenciesOn counts an organisation's on one card since the instant.
func (tx *Tx) CountEmergenciesOn(id card.ID, client identity.ClientID, since time.Time) (n int, err error) {
	if err := tx.enter(id); err != nil {
		return 0, err
	}
	_, err = tx.one([]any{&n}, "SELECT count(*) FROM emergency WHERE card = ? AND client = ? AND opened_at > ?", string(id), string(client), micros(since))
	return n, err
}

// ReviewEmergency writes the verdict of an emergency down, and tells who speaks for the patient. An unjustified one ends at once.
func (tx *Tx) ReviewEmergency(e consent.Opening) error {
	sealed, err := tx.sealEmergency(e)
	if err != nil {
		return err
	}
	if _, err := tx.exec("UPDATE emergency SET verdict = ?, sealed = ? WHERE card = ? AND id = ?", string(e.Verdict), sealed, string(e.Card), string(e.ID)); err != nil {
		return err
	}
	if e.Verdict == consent.Unjustified {
		if _, err := tx.takeBack(e.Card, e.ID, e.Reviewed, ""); err != nil {
			return err
		}
	}
	return tx.alarm(e.Card, e.Reviewed)
}
