package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/sync/cardsync"
	"github.com/medcard/medcard/sync/replica"
)

// A paper is a prescription, a referral or a certificate: something signed that a patient shows to a stranger. The directory leads from the
// token in its code, or from its id, to its card.

func (tx *Tx) paperByToken(kind card.Kind, token [16]byte) (id card.ID, paper string, found bool, err error) {
	found, err = tx.one([]any{&id, &paper}, "SELECT card, id FROM paper WHERE token = ? AND kind = ?", token[:], string(kind))
	return id, paper, found, err
}

func (tx *Tx) cardOfPaper(kind card.Kind, paper string) (id card.ID, found bool, err error) {
	found, err = tx.one([]any{&id}, "SELECT card FROM paper WHERE id = ? AND kind = ?", paper, string(kind))
	return id, found, err
}

func (tx *Tx) addPaper(kind card.Kind, token [16]byte, paper string, id card.ID) (added bool, err error) {
	n, err := tx.exec("INSERT INTO paper (token, kind, id, card) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", token[:], string(kind), paper, string(id))
	return n > 0, err
}

// PrescriptionByToken finds whose and which prescription a code's token names.
func (tx *Tx) PrescriptionByToken(token prescription.Token) (card.ID, prescription.ID, bool, error) {
	id, paper, found, err := tx.paperByToken(card.KindPrescription, token)
	return id, prescription.ID(paper), found, err
}

// CardOfPrescription finds whose prescription it is.
func (tx *Tx) CardOfPrescription(id prescription.ID) (card.ID, bool, error) {
	return tx.cardOfPaper(card.KindPrescription, string(id))
}

// PaperGone reports whether a paper's patient gave it up.
func (tx *Tx) PaperGone(id string) (bool, error) {
	var one int
	return tx.one([]any{&one}, "SELECT 1 FROM paper WHERE id = ? AND gone_at IS NOT NULL", id)
}

// SetPaperGone writes that down, once.
func (tx *Tx) SetPaperGone(id string, now time.Time) error {
	_, err := tx.exec("UPDATE paper SET gone_at = ? WHERE id = ? AND gone_at IS NULL", micros(now), id)
	return err
}

// mayPaper asks for a permit that writes papers of the kind, because who files or dispenses one may see that one, or that reads this one.
func (tx *Tx) mayPaper(p consent.Permit, kind card.Kind, id string) error {
	if err := tx.may(p); err != nil {
		return err
	}
	if p.Writes(card.ScopeOf(kind, card.General)) {
		return nil
	}
	sees, err := tx.Sees(p, card.RecordID(id))
	if err == nil && !sees {
		err = ErrForeignPermit
	}
	return err
}

func paperPlace(kind card.Kind, id string) string { return string(kind) + "|sealed|" + id }

// AddPrescription keeps a prescription that was just issued, with the text of its code. added is false when its id names another
// paper, of this card or of any other.
func (tx *Tx) AddPrescription(p consent.Permit, rx prescription.Prescription, code string, issuer identity.ClientID) (added bool, err error) {
	if err := tx.mayWrite(p, rx.Card, card.ScopeOf(card.KindPrescription, card.General)); err != nil {
		return false, err
	}
	document := cardsync.FromPrescription(rx, code).Atoms[cardsync.AtomDocument]
	sealed, err := tx.seal(rx.Card, paperPlace(card.KindPrescription, string(rx.ID)), document)
	if err != nil {
		return false, err
	}
	if added, err = tx.addPaper(card.KindPrescription, rx.Token, string(rx.ID), rx.Card); err != nil || !added {
		return false, err
	}
	if _, err := tx.exec(`INSERT INTO prescription (card, id, token, issuer, version, state, valid_until, sealed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		string(rx.Card), string(rx.ID), rx.Token[:], string(issuer), rx.Course.Version, string(rx.Course.State), micros(rx.ValidUntil), sealed); err != nil {
		return false, err
	}
	for i, item := range rx.Course.Items {
		if _, err := tx.exec(`INSERT INTO prescription_item (card, prescription, item, prescribed, dispensed, every_days, next_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			string(rx.Card), string(rx.ID), i, item.Prescribed, item.Dispensed, item.Every, nullTime(item.NextAt)); err != nil {
			return false, err
		}
	}
	return true, tx.keepEnd(rx.Card, rx.ID, rx.Course)
}

// keepEnd notes when the upkeep has to look at a prescription.
func (tx *Tx) keepEnd(of card.ID, id prescription.ID, c prescription.Course) error {
	ends := c.Ends()
	if ends.IsZero() {
		_, err := tx.exec("DELETE FROM prescription_end WHERE card = ? AND prescription = ?", string(of), string(id))
		return err
	}
	_, err := tx.exec(`INSERT INTO prescription_end (card, prescription, at) VALUES (?, ?, ?) ON CONFLICT (card, prescription) DO UPDATE SET at = excluded.at`,
		string(of), string(id), micros(ends))
	return err
}

// PrescriptionsEnded names prescriptions that time alone has ended before the instant, the longest ended first.
func (tx *Tx) PrescriptionsEnded(before time.Time, limit int) (list []prescription.Whose, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var w prescription.Whose
		err := rows.Scan(&w.Card, &w.Prescription)
		list = append(list, w)
		return err
	}, "SELECT card, prescription FROM prescription_end WHERE at < ? ORDER BY at, card, prescription LIMIT ?", micros(before), limit)
	return list, err
}

// DropEnd forgets the end of a prescription that is not there any more.
func (tx *Tx) DropEnd(w prescription.Whose) error {
	return tx.keepEnd(w.Card, w.Prescription, prescription.Course{})
}

// Prescription reads one, with the text of its code.
func (tx *Tx) Prescription(p consent.Permit, id prescription.ID) (rx prescription.Prescription, code string, found bool, err error) {
	if err := tx.mayPaper(p, card.KindPrescription, string(id)); err != nil {
		return rx, "", false, err
	}
	var course prescription.Course
	var token, secret, sealed []byte
	var leaseUntil, since, due, arrived sql.NullTime
	var onHold bool
	found, err = tx.one([]any{&token, &course.Version, &course.State, &onHold, &course.ValidUntil, &course.Lease.ID, &course.Lease.Holder, &secret, &leaseUntil,
		&course.Supply.Holder, &since, &due, &arrived, &sealed},
		`SELECT token, version, state, on_hold, valid_until, lease_id, lease_holder, lease_secret, lease_until, supply_holder, supply_since, supply_due, supply_arrived, sealed
		FROM prescription WHERE card = ? AND id = ?`, string(p.Card()), string(id))
	if err != nil || !found {
		return rx, "", found, err
	}
	if onHold {
		course.State = prescription.OnHold
	}
	course.ValidUntil = course.ValidUntil.UTC()
	course.Lease.Until = fromNull(leaseUntil)
	course.Supply.Registered, course.Supply.Due, course.Supply.Arrived = fromNull(since), fromNull(due), fromNull(arrived)
	copy(course.Lease.Secret[:], secret)
	if course.Items, err = tx.progress(p.Card(), id); err != nil {
		return rx, "", false, err
	}
	document, err := tx.open(p.Card(), paperPlace(card.KindPrescription, string(id)), sealed)
	if err != nil {
		return rx, "", false, err
	}
	rx, code, err = cardsync.ToPrescription(card.RecordID(id), map[string]json.RawMessage{
		cardsync.AtomDocument: document, cardsync.AtomState: cardsync.PrescriptionState(course),
	})
	if err != nil {
		return rx, "", false, err
	}
	rx.Card, rx.Course = p.Card(), course
	if copy(rx.Token[:], token) != len(rx.Token) {
		return rx, "", false, errors.New("store: a prescription's token is cut short")
	}
	return rx, code, true, nil
}

func (tx *Tx) progress(id card.ID, paper prescription.ID) (items []prescription.Progress, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var p prescription.Progress
		var next sql.NullTime
		err := rows.Scan(&p.Prescribed, &p.Dispensed, &p.Excess, &p.Every, &next)
		p.NextAt = fromNull(next)
		items = append(items, p)
		return err
	}, "SELECT prescribed, dispensed, excess, every_days, next_at FROM prescription_item WHERE card = ? AND prescription = ? ORDER BY item", string(id), string(paper))
	return items, err
}

// SaveCourse writes a course over the version that was read, and only over that one.
func (tx *Tx) SaveCourse(p consent.Permit, id prescription.ID, read int, next prescription.Course) (saved bool, err error) {
	if err := tx.mayWrite(p, p.Card(), card.ScopeOf(card.KindPrescription, card.General)); err != nil {
		return false, err
	}
	var secret any
	if next.State == prescription.InWork {
		secret = next.Lease.Secret[:]
	}
	state, onHold := next.State, next.State == prescription.OnHold
	if onHold {
		state = next.Idle() // where it goes on
	}
	n, err := tx.exec(`UPDATE prescription SET version = ?, state = ?, on_hold = ?, lease_id = ?, lease_holder = ?, lease_secret = ?, lease_until = ?,
		supply_holder = ?, supply_since = ?, supply_due = ?, supply_arrived = ? WHERE card = ? AND id = ? AND version = ?`,
		next.Version, string(state), onHold, next.Lease.ID, string(next.Lease.Holder), secret, nullTime(next.Lease.Until), string(next.Supply.Holder),
		nullTime(next.Supply.Registered), nullTime(next.Supply.Due), nullTime(next.Supply.Arrived), string(p.Card()), string(id), read)
	if err != nil || n == 0 {
		return false, err
	}
	for i, item := range next.Items {
		if _, err := tx.exec("UPDATE prescription_item SET dispensed = ?, excess = ?, next_at = ? WHERE card = ? AND prescription = ? AND item = ?",
			item.Dispensed, item.Excess, nullTime(item.NextAt), string(p.Card()), string(id), i); err != nil {
			return false, err
		}
	}
	return true, tx.keepEnd(p.Card(), id, next)
}

// Issuer is the client that filed a paper.
func (tx *Tx) Issuer(p consent.Permit, kind card.Kind, id string) (issuer identity.ClientID, err error) {
	if err := tx.mayPaper(p, kind, id); err != nil {
		return "", err
	}
	table, known := paperTables[kind]
	if !known {
		return "", errors.New("store: no papers of this kind")
	}
	_, err = tx.one([]any{&issuer}, "SELECT issuer FROM "+table+" WHERE card = ? AND id = ?", string(p.Card()), id)
	return issuer, err
}

var paperTables = map[card.Kind]string{card.KindPrescription: "prescription", card.KindReferral: "referral", card.KindCertificate: "certificate"}

// Bearer is what a paper says about whose it is: initials and year of birth from the card's newest patient record. Whoever may file
// a paper learns no more than what will stand on it.
func (tx *Tx) Bearer(p consent.Permit) (b identity.Bearer, found bool, err error) {
	if !p.Of(tx.token) {
		return b, false, ErrForeignPermit
	}
	person, found, err := tx.person(p.Card())
	if err != nil || !found {
		return b, false, err
	}
	b = identity.NewBearer(person.Born.Earliest().Year(), append([]string{person.Name.Family}, person.Name.Given...)...)
	return b, b.Valid(), nil
}

// person reads the card's newest patient record. It asks for no permit: its callers do, or tell nothing of it but whether it fits.
func (tx *Tx) person(id card.ID) (person card.Person, found bool, err error) {
	if err := tx.enter(id); err != nil {
		return person, false, err
	}
	if _, err := tx.dataKeys(id); err != nil { // before any row is scanned
		return person, false, err
	}
	l := &ledger{tx: tx, card: id}
	var record *replica.Record
	err = tx.each(func(rows *sql.Rows) error {
		r, err := l.scan(rows)
		record = &r
		return err
	}, "SELECT "+recordColumns+" FROM record WHERE card = ? AND kind = ? AND deleted = ? ORDER BY seq DESC LIMIT 1", string(id), string(card.KindPatient), false)
	if err != nil || record == nil {
		return person, false, err
	}
	atoms := map[string]json.RawMessage{}
	for name, versions := range record.Atoms {
		atoms[name] = versions[0].Value
	}
	fact, err := cardsync.ToFact(card.KindPatient, atoms)
	if err != nil {
		return person, false, err
	}
	person, found = fact.(card.Person)
	return person, found, nil
}
