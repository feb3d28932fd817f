package cardsync

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/paper"
	"github.com/medcard/medcard/domain/referral"
)

type referralShape struct {
	Kind       referral.Kind `json:"kind"`
	Care       referral.Care `json:"care"`
	Bearer     bearerShape   `json:"bearer"`
	Clinic     string        `json:"clinic"`
	Target     string        `json:"target,omitempty"`
	Specialty  uint16        `json:"specialty,omitempty"`
	Purpose    string        `json:"purpose"`
	Referrer   string        `json:"referrer"`
	Days       int           `json:"days"`
	IssuedAt   time.Time     `json:"issuedAt"`
	ValidUntil time.Time     `json:"validUntil"`
	Code       string        `json:"qr"`
	Number     paper.Number  `json:"number,omitempty"`
	Replaces   referral.ID   `json:"replaces,omitempty"`
	Details    detailsShape  `json:"details,omitzero"`
}

type detailsShape struct {
	ClinicAddress string              `json:"clinicAddress,omitempty"`
	Registration  string              `json:"registration,omitempty"`
	Residence     referral.Residence  `json:"residence,omitempty"`
	Care          referral.CareKind   `json:"care,omitempty"`
	Conditions    referral.Conditions `json:"conditions,omitempty"`
	Policy        string              `json:"policy,omitempty"`
	PolicyIssued  string              `json:"policyIssued,omitempty"`
	Insurer       string              `json:"insurer,omitempty"`
	Diagnosis     string              `json:"diagnosis,omitempty"`
	Indications   string              `json:"indications,omitempty"`
	Courses       uint8               `json:"courses,omitempty"`
}

type referralStateShape struct {
	State      referral.State `json:"state"`
	ReplacedBy referral.ID    `json:"replacedBy,omitempty"`
}

// FromReferral makes the record that shows a referral on its patient's phone.
func FromReferral(r referral.Referral, code string) Record {
	s := r.Sheet
	return Record{
		ID: card.RecordID(r.ID), Kind: card.KindReferral, Scope: card.ScopeOf(card.KindReferral, card.General), Dated: r.IssuedAt,
		Atoms: map[string]json.RawMessage{
			AtomDocument: plain(referralShape{
				Kind: s.Kind, Care: s.Care, Bearer: bearerShape(s.Bearer), Clinic: s.Clinic, Target: s.Target, Specialty: s.Specialty,
				Purpose: s.Purpose, Referrer: s.Referrer, Days: s.Days, IssuedAt: r.IssuedAt.UTC(), ValidUntil: r.ValidUntil.UTC(), Code: code,
				Number: r.Number, Replaces: r.Replaces, Details: detailsShape(s.Details),
			}),
			AtomState: plain(referralStateShape{State: r.State, ReplacedBy: r.ReplacedBy}),
		},
	}
}

// ToReferral reads a referral and the text of its QR code from a record's atoms.
func ToReferral(id card.RecordID, atoms map[string]json.RawMessage) (r referral.Referral, code string, err error) {
	var d referralShape
	var s referralStateShape
	if json.Unmarshal(atoms[AtomDocument], &d) != nil || json.Unmarshal(atoms[AtomState], &s) != nil {
		return r, "", fmt.Errorf("%w: a referral", ErrShape)
	}
	return referral.Referral{
		ID: referral.ID(id), Number: d.Number, IssuedAt: d.IssuedAt, ValidUntil: d.ValidUntil, State: s.State, Replaces: d.Replaces, ReplacedBy: s.ReplacedBy,
		Sheet: referral.Sheet{
			Kind: d.Kind, Care: d.Care, Bearer: identity.Bearer(d.Bearer), Clinic: d.Clinic, Target: d.Target, Specialty: d.Specialty,
			Purpose: d.Purpose, Referrer: d.Referrer, Days: d.Days,
			Details: referral.Details(d.Details),
		},
	}, d.Code, nil
}
