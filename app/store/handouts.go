package store

import (
	"database/sql"
	"encoding/json"
	"strings"
	"time"

	"github.com/riverqueue/river"

	"github.com/medcard/medcard/app/jobs"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
)

// portionShape is how amounts stand in a row: of which item how many. What the item is stands on the sealed sheet alone.
type portionShape struct {
	Item     int `json:"item"`
	Quantity int `json:"quantity"`
}

func packPortions(portions []prescription.Portion) (string, error) {
	shapes := make([]portionShape, len(portions))
	for i, p := range portions {
		shapes[i] = portionShape(p)
	}
	text, err := json.Marshal(shapes)
	return string(text), err
}

func unpackPortions(text string) (portions []prescription.Portion, err error) {
	var shapes []portionShape
	err = json.Unmarshal([]byte(text), &shapes)
	for _, s := range shapes {
		portions = append(portions, prescription.Portion(s))
	}
	return portions, err
}

// AddHandOut writes down what was handed out of a prescription. The card is locked, so the numbers have no gaps.
func (tx *Tx) AddHandOut(p consent.Permit, id prescription.ID, h prescription.HandOut) error {
	if err := tx.mayWrite(p, p.Card(), card.ScopeOf(card.KindPrescription, card.General)); err != nil {
		return err
	}
	portions, err := packPortions(h.Portions)
	if err != nil {
		return err
	}
	var receipt any
	if h.Receipt != (prescription.Digest{}) {
		receipt = blob(h.Receipt[:])
	}
	n, err := tx.countHandOuts(p.Card(), id)
	if err != nil {
		return err
	}
	_, err = tx.exec("INSERT INTO hand_out (card, prescription, number, client, at, portions, receipt) VALUES (?, ?, ?, ?, ?, ?, ?)",
		string(p.Card()), string(id), n+1, string(h.By), micros(h.At), portions, receipt)
	return err
}

func (tx *Tx) countHandOuts(of card.ID, id prescription.ID) (n int, err error) {
	_, err = tx.one([]any{&n}, "SELECT count(*) FROM hand_out WHERE card = ? AND prescription = ?", string(of), string(id))
	return n, err
}

// HandOuts lists what was handed out of a prescription, in the order in which the server learned of it; limit 0 = all.
func (tx *Tx) HandOuts(p consent.Permit, id prescription.ID, limit int) (list []prescription.HandOut, err error) {
	if err := tx.mayPaper(p, card.KindPrescription, string(id)); err != nil {
		return nil, err
	}
	if limit == 0 {
		limit = 1 << 30
	}
	err = tx.each(func(rows *sql.Rows) error {
		var h prescription.HandOut
		var receipt []byte
		var portions string
		if err := rows.Scan(&h.By, &h.At, &portions, &receipt, &h.Text); err != nil {
			return err
		}
		copy(h.Receipt[:], receipt)
		h.At = h.At.UTC()
		var err error
		h.Portions, err = unpackPortions(portions)
		list = append(list, h)
		return err
	}, `SELECT h.client, h.at, h.portions, h.receipt, coalesce(r.content, '') FROM hand_out h LEFT JOIN receipt r ON r.hash = h.receipt
		WHERE h.card = ? AND h.prescription = ? ORDER BY h.number LIMIT ?`, string(p.Card()), string(id), limit)
	return list, err
}

// AddCase keeps a case for the client that issued the prescription. Of the hand-outs it keeps how many there were.
func (tx *Tx) AddCase(p consent.Permit, c prescription.Case, issuer identity.ClientID) error {
	if err := tx.mayWrite(p, p.Card(), card.ScopeOf(card.KindPrescription, card.General)); err != nil {
		return err
	}
	excess, err := packPortions(c.Excess)
	if err != nil {
		return err
	}
	words := make([]string, len(c.Concerns))
	for i, w := range c.Concerns {
		words[i] = string(w)
	}
	n, err := tx.countHandOuts(p.Card(), c.Prescription)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO dispensing_case (card, prescription, receipt, issuer, at, concerns, excess, hand_outs) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		string(p.Card()), string(c.Prescription), c.Receipt[:], string(issuer), micros(c.At), strings.Join(words, " "), excess, n)
	return err
}

// Case reads a case with the hand-outs up to it.
func (tx *Tx) Case(p consent.Permit, id prescription.ID, receipt prescription.Digest) (c prescription.Case, found bool, err error) {
	if err := tx.mayPaper(p, card.KindPrescription, string(id)); err != nil {
		return c, false, err
	}
	c = prescription.Case{Prescription: id, Receipt: receipt}
	var concerns, excess string
	var handOuts int
	found, err = tx.one([]any{&c.At, &concerns, &excess, &handOuts}, `SELECT at, concerns, excess, hand_outs FROM dispensing_case
		WHERE card = ? AND prescription = ? AND receipt = ?`, string(p.Card()), string(id), receipt[:])
	if err != nil || !found {
		return c, found, err
	}
	c.At = c.At.UTC()
	for _, word := range strings.Fields(concerns) {
		c.Concerns = append(c.Concerns, prescription.Concern(word))
	}
	if c.Excess, err = unpackPortions(excess); err != nil {
		return c, false, err
	}
	c.HandOuts, err = tx.HandOuts(p, id, handOuts)
	return c, true, err
}

// CasesOf names the newest cases of what a client has issued.
func (tx *Tx) CasesOf(issuer identity.ClientID, limit int) ([]prescription.Concerned, error) {
	return tx.cases("issuer = ? ORDER BY at DESC LIMIT ?", string(issuer), limit)
}

// CasesSince names the newest cases of all, for an operator.
func (tx *Tx) CasesSince(since time.Time, limit int) ([]prescription.Concerned, error) {
	return tx.cases("at >= ? ORDER BY at DESC LIMIT ?", micros(since), limit)
}

func (tx *Tx) cases(where string, args ...any) (list []prescription.Concerned, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var c prescription.Concerned
		var receipt []byte
		err := rows.Scan(&c.Card, &c.Prescription, &receipt, &c.At)
		copy(c.Receipt[:], receipt)
		c.At = c.At.UTC()
		list = append(list, c)
		return err
	}, "SELECT card, prescription, receipt, at FROM dispensing_case WHERE "+where, args...)
	return list, err
}

// SuppliesOf lists what a pharmacy has ordered, the next term first.
func (tx *Tx) SuppliesOf(client identity.ClientID, limit int) ([]prescription.Deferred, error) {
	return tx.supplies("supply_holder = ? AND supply_holder <> '' ORDER BY supply_due, id LIMIT ?", string(client), limit)
}

// OverdueSupplies lists what is late, of all pharmacies: an operator's list.
func (tx *Tx) OverdueSupplies(now time.Time, limit int) ([]prescription.Deferred, error) {
	return tx.supplies("supply_holder <> '' AND supply_arrived IS NULL AND supply_due < ? ORDER BY supply_due, id LIMIT ?", micros(now), limit)
}

func (tx *Tx) supplies(where string, args ...any) (list []prescription.Deferred, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var d prescription.Deferred
		var since, due, arrived sql.NullTime
		err := rows.Scan(&d.Card, &d.Prescription, &d.Supply.Holder, &since, &due, &arrived)
		d.Supply.Registered, d.Supply.Due, d.Supply.Arrived = fromNull(since), fromNull(due), fromNull(arrived)
		list = append(list, d)
		return err
	}, "SELECT card, id, supply_holder, supply_since, supply_due, supply_arrived FROM prescription WHERE "+where, args...)
	return list, err
}

// EnqueueSupply looks at a deferral again when its term is over.
func (tx *Tx) EnqueueSupply(p consent.Permit, id prescription.ID, due time.Time) error {
	if err := tx.mayWrite(p, p.Card(), card.ScopeOf(card.KindPrescription, card.General)); err != nil {
		return err
	}
	return tx.enqueue(jobs.Supply{Card: p.Card(), Prescription: id}, &river.InsertOpts{ScheduledAt: due.Add(time.Second)})
}
