package phone

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/certificate"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/domain/referral"
	"github.com/medcard/medcard/sync/cardsync"
)

// ErrCategory says that there is no such category.
var ErrCategory = errors.New("phone: no such category")

// Prescription is one that a pharmacy takes, with its state as of the last sync.
type Prescription struct {
	prescription.Prescription
	Code string // the text of its QR code; shown without a network
}

func (k *Card) prescription(id card.RecordID, atoms map[string]json.RawMessage) (Prescription, error) {
	paper, code, err := cardsync.ToPrescription(id, atoms)
	paper.Card = k.id
	return Prescription{Prescription: paper, Code: code}, err
}

// Prescriptions reads the prescriptions that Medcard issued.
func (k *Card) Prescriptions(p Paging) (Page[Prescription], error) {
	return page(k, card.KindPrescription, p, k.prescription)
}

// PrescriptionsIn reads those of one category. What runs out while there is no network is found among the expired by the phone's own
// clock. ErrCategory.
func (k *Card) PrescriptionsIn(c prescription.Category, p Paging, now time.Time) (Page[Prescription], error) {
	if !c.Known() {
		return Page[Prescription]{}, ErrCategory
	}
	return filtered(k, card.KindPrescription, p, k.prescription, func(x Prescription) bool { return x.Course.Category(now) == c })
}

// Referral is one that another clinic takes, with its state as of the last sync.
type Referral struct {
	referral.Referral
	Code string // the text of its QR code; shown without a network
}

func (k *Card) referral(id card.RecordID, atoms map[string]json.RawMessage) (Referral, error) {
	paper, code, err := cardsync.ToReferral(id, atoms)
	paper.Card = k.id
	return Referral{Referral: paper, Code: code}, err
}

// Referrals reads the referrals that Medcard issued.
func (k *Card) Referrals(p Paging) (Page[Referral], error) {
	return page(k, card.KindReferral, p, k.referral)
}

// ReferralsIn reads those of one category. ErrCategory.
func (k *Card) ReferralsIn(c referral.Category, p Paging, now time.Time) (Page[Referral], error) {
	if !c.Known() {
		return Page[Referral]{}, ErrCategory
	}
	return filtered(k, card.KindReferral, p, k.referral, func(x Referral) bool { return x.Category(now) == c })
}

// Chain reads the referrals of which the one is a link, from the one that a doctor wrote to the one that is in force. Links that this phone
// does not hold are left out. ErrNoRecord, *LeaseError.
func (k *Card) Chain(id referral.ID) ([]Referral, error) {
	one, err := k.link(id)
	if err != nil {
		return nil, err
	}
	chain := []Referral{one}
	for first := one; first.Replaces != "" && len(chain) < referral.MaxChain; chain = append([]Referral{first}, chain...) {
		if first, err = k.link(first.Replaces); err != nil {
			break
		}
	}
	for last := one; last.ReplacedBy != "" && len(chain) < referral.MaxChain; chain = append(chain, last) {
		if last, err = k.link(last.ReplacedBy); err != nil {
			break
		}
	}
	if err != nil && !errors.Is(err, ErrNoRecord) {
		return nil, err
	}
	return chain, nil
}

func (k *Card) link(id referral.ID) (Referral, error) {
	s, err := k.screen(card.RecordID(id))
	if err != nil {
		return Referral{}, err
	}
	if s.Kind != string(card.KindReferral) {
		return Referral{}, ErrNoRecord
	}
	e, err := entryOf(s, k.referral)
	return e.Fact, err
}

// Certificate is one that is shown to whom it is for, with its state as of the last sync.
type Certificate struct {
	certificate.Certificate
	Code string // the text of its QR code; shown without a network
}

// Certificates reads the certificates that Medcard issued.
func (k *Card) Certificates(p Paging) (Page[Certificate], error) {
	return page(k, card.KindCertificate, p, func(id card.RecordID, atoms map[string]json.RawMessage) (Certificate, error) {
		paper, code, err := cardsync.ToCertificate(id, atoms)
		paper.Card = k.id
		return Certificate{Certificate: paper, Code: code}, err
	})
}
