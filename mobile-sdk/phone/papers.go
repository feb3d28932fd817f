package phone

import (
	"encoding/json"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/domain/referral"
	"github.com/medcard/medcard/sync/cardsync"
)

// Prescription is one that a pharmacy takes, with its state as of the last sync.
type Prescription struct {
	prescription.Prescription
	Code string // the text of its QR code; shown without a network
}

// Prescriptions reads the prescriptions that Medcard issued.
func (k *Card) Prescriptions(p Paging) (Page[Prescription], error) {
	return page(k, card.KindPrescription, p, func(id card.RecordID, atoms map[string]json.RawMessage) (Prescription, error) {
		paper, code, err := cardsync.ToPrescription(id, atoms)
		paper.Card = k.id
		return Prescription{Prescription: paper, Code: code}, err
	})
}

// Referral is one that another clinic takes, with its state as of the last sync.
type Referral struct {
	referral.Referral
	Code string // the text of its QR code; shown without a network
}

// Referrals reads the referrals that Medcard issued.
func (k *Card) Referrals(p Paging) (Page[Referral], error) {
	return page(k, card.KindReferral, p, func(id card.RecordID, atoms map[string]json.RawMessage) (Referral, error) {
		paper, code, err := cardsync.ToReferral(id, atoms)
		paper.Card = k.id
		return Referral{Referral: paper, Code: code}, err
	})
}
