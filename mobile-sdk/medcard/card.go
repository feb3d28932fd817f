package medcard

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/domain/referral"
	"github.com/medcard/medcard/mobile-sdk/phone"
	"github.com/medcard/medcard/qr/picture"
)

// Card is one card on the phone. Reading and writing need no network.
type Card struct {
	inner  *phone.Card
	client *Client
}

// ID is the card's id.
func (k *Card) ID() (id string, err error) {
	defer guard(&err)
	return string(k.inner.ID()), nil
}

// Synced tells when the card was last in step with the server; 0 = never.
func (k *Card) Synced() (at int64, err error) {
	defer guard(&err)
	t, err := k.inner.Synced()
	return millis(t), err
}

// Counts says how many records of each kind the server has given this phone, a JSON object: {"encounter": 12}.
func (k *Card) Counts() (counts []byte, err error) {
	defer guard(&err)
	byKind, err := k.inner.Counts()
	if err != nil {
		return nil, err
	}
	return marshal(byKind)
}

// Leases tells until when each scope may be read without speaking to the server, a JSON object: {"lab.general": milliseconds}.
func (k *Card) Leases() (leases []byte, err error) {
	defer guard(&err)
	until, err := k.inner.Leases()
	if err != nil {
		return nil, err
	}
	shape := make(map[string]int64, len(until))
	for scope, t := range until {
		shape[string(scope)] = millis(t)
	}
	return marshal(shape)
}

// Records reads a page of the facts of one kind (encounter, condition, allergy, observation, report, medication, immunization,
// procedure, carePlan, document, measurement, comment), newest first. after is the next of the page before, "" = from the newest; limit 0 = 50.
func (k *Card) Records(kind, after string, limit int) (page []byte, err error) {
	defer guard(&err)
	p, err := k.inner.Records(card.Kind(kind), phone.Paging{After: after, Limit: limit})
	if err != nil {
		return nil, err
	}
	return pageJSON(p, factJSON)
}

// Record reads one entry.
func (k *Card) Record(id string) (entry []byte, err error) {
	defer guard(&err)
	e, err := k.inner.Record(card.RecordID(id))
	if err != nil {
		return nil, err
	}
	return entryJSON(e, factJSON)
}

// Search reads a page of the records, of all kinds, that hold all words of the query, whatever their endings, newest first. In
// place of the fact an entry has a hit: {"title", "snippet"}. The first search after a sync that brought much may take a second or
// several: see Client.Index. sdk.query: it is too long.
func (k *Card) Search(query, after string, limit int) (page []byte, err error) {
	defer guard(&err)
	p, err := k.inner.Search(context.Background(), query, phone.Paging{After: after, Limit: limit})
	if err != nil {
		return nil, err
	}
	return pageJSON(p, hitJSON)
}

// Patient reads who the card is about, an entry. sdk.no_record if no clinic has said so yet.
func (k *Card) Patient() (entry []byte, err error) {
	defer guard(&err)
	e, err := k.inner.Patient()
	if err != nil {
		return nil, err
	}
	return entryJSON(e, func(p card.Person) (json.RawMessage, error) { return factJSON(p) })
}

// Comments reads what the patient wrote about a record, a page with all of it, oldest first.
func (k *Card) Comments(about string) (page []byte, err error) {
	defer guard(&err)
	list, err := k.inner.Comments(card.RecordID(about))
	if err != nil {
		return nil, err
	}
	return pageJSON(phone.Page[card.Comment]{Entries: list}, func(c card.Comment) (json.RawMessage, error) { return factJSON(c) })
}

// Prescriptions reads a page of the prescriptions that Medcard issued, with the text of their codes.
func (k *Card) Prescriptions(after string, limit int) (page []byte, err error) {
	defer guard(&err)
	p, err := k.inner.Prescriptions(phone.Paging{After: after, Limit: limit})
	if err != nil {
		return nil, err
	}
	return pageJSON(p, prescriptionJSON)
}

// PrescriptionsIn reads those of a category: active, partlyDispensed, dispensed, expired, cancelled, onHold. sdk.category: it is none.
func (k *Card) PrescriptionsIn(category, after string, limit int) (page []byte, err error) {
	defer guard(&err)
	p, err := k.inner.PrescriptionsIn(prescription.Category(category), phone.Paging{After: after, Limit: limit}, time.Now())
	if err != nil {
		return nil, err
	}
	return pageJSON(p, prescriptionJSON)
}

// Referrals reads a page of the referrals that Medcard issued, with the text of their codes.
func (k *Card) Referrals(after string, limit int) (page []byte, err error) {
	defer guard(&err)
	p, err := k.inner.Referrals(phone.Paging{After: after, Limit: limit})
	if err != nil {
		return nil, err
	}
	return pageJSON(p, referralJSON)
}

// ReferralsIn reads those of a category: active, used, transferred, cancelled, expired. sdk.category: it is none.
func (k *Card) ReferralsIn(category, after string, limit int) (page []byte, err error) {
	defer guard(&err)
	p, err := k.inner.ReferralsIn(referral.Category(category), phone.Paging{After: after, Limit: limit}, time.Now())
	if err != nil {
		return nil, err
	}
	return pageJSON(p, referralJSON)
}

// Chain reads the referrals of which the one is a link, JSON, from the one that a doctor wrote to the one that is in force.
func (k *Card) Chain(referralID string) (chain []byte, err error) {
	defer guard(&err)
	links, err := k.inner.Chain(referral.ID(referralID))
	if err != nil {
		return nil, err
	}
	shapes := make([]json.RawMessage, len(links))
	for i, link := range links {
		if shapes[i], err = referralJSON(link); err != nil {
			return nil, err
		}
	}
	return marshal(shapes)
}

// Certificates reads a page of the certificates that Medcard issued, with the text of their codes.
func (k *Card) Certificates(after string, limit int) (page []byte, err error) {
	defer guard(&err)
	p, err := k.inner.Certificates(phone.Paging{After: after, Limit: limit})
	if err != nil {
		return nil, err
	}
	return pageJSON(p, certificateJSON)
}

// CodePicture draws the text of a code as a PNG, so many pixels a module (1 to 64).
func CodePicture(text string, pixels int) (png []byte, err error) {
	defer guard(&err)
	code, err := picture.Draw(text)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := code.PNG(&b, pixels); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
