package cardsync

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/domain/referral"
)

// The atoms of prescriptions and referrals. The document never changes once it is signed; the state is the server's to move.
const (
	AtomDocument = "document"
	AtomState    = "state"
)

type bearerShape struct {
	Initials  string `json:"initials"`
	BirthYear int    `json:"birthYear"`
}

type strengthShape struct {
	Amount uint32            `json:"amount"`
	Unit   prescription.Unit `json:"unit"`
}

type itemShape struct {
	Code     uint32             `json:"code"`
	Name     string             `json:"name"`
	Shape    prescription.Shape `json:"shape"`
	Strength []strengthShape    `json:"strength"`
	Quantity int                `json:"quantity"`
	Portion  uint16             `json:"portion"`
	Times    uint8              `json:"times,omitempty"`
	Days     uint16             `json:"days,omitempty"`
	Every    uint16             `json:"every,omitempty"`
}

type prescriptionShape struct {
	Form       prescription.Form     `json:"form"`
	Validity   prescription.Validity `json:"validity"`
	Urgency    prescription.Urgency  `json:"urgency,omitempty"`
	Bearer     bearerShape           `json:"bearer"`
	Clinic     string                `json:"clinic"`
	Prescriber string                `json:"prescriber"`
	Items      []itemShape           `json:"items"`
	IssuedAt   time.Time             `json:"issuedAt"`
	ValidUntil time.Time             `json:"validUntil"`
	Code       string                `json:"qr"`
}

type progressShape struct {
	Prescribed int       `json:"prescribed"`
	Dispensed  int       `json:"dispensed"`
	Every      int       `json:"every,omitempty"`
	NextAt     time.Time `json:"nextAt,omitzero"`
}

type courseShape struct {
	State prescription.State `json:"state"`
	Items []progressShape    `json:"items"`
}

// FromPrescription makes the record that shows a prescription on its patient's phone: what stands on it, the text of its QR
// code, and how far the handing out has come. Who holds it and under which secret is nobody's business there.
func FromPrescription(p prescription.Prescription, code string) Record {
	s := p.Sheet
	document := prescriptionShape{
		Form: s.Form, Validity: s.Validity, Urgency: s.Urgency, Bearer: bearerShape(s.Bearer), Clinic: s.Clinic, Prescriber: s.Prescriber,
		IssuedAt: p.IssuedAt.UTC(), ValidUntil: p.ValidUntil.UTC(), Code: code,
	}
	for _, item := range s.Items {
		shape := itemShape{
			Code: item.Code, Name: item.Name, Shape: item.Shape, Quantity: item.Quantity,
			Portion: item.Regimen.Portion, Times: item.Regimen.Times, Days: item.Regimen.Days, Every: item.Regimen.Every,
		}
		for _, a := range item.Strength {
			shape.Strength = append(shape.Strength, strengthShape(a))
		}
		document.Items = append(document.Items, shape)
	}
	return Record{
		ID: card.RecordID(p.ID), Kind: card.KindPrescription, Scope: card.ScopeOf(card.KindPrescription, card.General), Dated: p.IssuedAt,
		Atoms: map[string]json.RawMessage{AtomDocument: plain(document), AtomState: PrescriptionState(p.Course)},
	}
}

// PrescriptionState is the state atom alone.
func PrescriptionState(c prescription.Course) json.RawMessage {
	shape := courseShape{State: c.State}
	for _, p := range c.Items {
		p.NextAt = p.NextAt.UTC()
		shape.Items = append(shape.Items, progressShape(p))
	}
	return plain(shape)
}

// ToPrescription reads a prescription and the text of its QR code from a record's atoms.
func ToPrescription(id card.RecordID, atoms map[string]json.RawMessage) (p prescription.Prescription, code string, err error) {
	var d prescriptionShape
	var c courseShape
	if json.Unmarshal(atoms[AtomDocument], &d) != nil || json.Unmarshal(atoms[AtomState], &c) != nil {
		return p, "", fmt.Errorf("%w: a prescription", ErrShape)
	}
	p = prescription.Prescription{
		ID: prescription.ID(id), IssuedAt: d.IssuedAt, ValidUntil: d.ValidUntil,
		Sheet: prescription.Sheet{
			Form: d.Form, Validity: d.Validity, Urgency: d.Urgency, Bearer: identity.Bearer(d.Bearer), Clinic: d.Clinic, Prescriber: d.Prescriber,
		},
		Course: prescription.Course{State: c.State, ValidUntil: d.ValidUntil},
	}
	for _, shape := range d.Items {
		item := prescription.Item{
			Code: shape.Code, Name: shape.Name, Shape: shape.Shape, Quantity: shape.Quantity,
			Regimen: prescription.Regimen{Portion: shape.Portion, Times: shape.Times, Days: shape.Days, Every: shape.Every},
		}
		for _, a := range shape.Strength {
			item.Strength = append(item.Strength, prescription.Strength(a))
		}
		p.Sheet.Items = append(p.Sheet.Items, item)
	}
	for _, shape := range c.Items {
		p.Course.Items = append(p.Course.Items, prescription.Progress(shape))
	}
	return p, d.Code, nil
}

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
}

type referralStateShape struct {
	State referral.State `json:"state"`
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
			}),
			AtomState: plain(referralStateShape{State: r.State}),
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
		ID: referral.ID(id), IssuedAt: d.IssuedAt, ValidUntil: d.ValidUntil, State: s.State,
		Sheet: referral.Sheet{
			Kind: d.Kind, Care: d.Care, Bearer: identity.Bearer(d.Bearer), Clinic: d.Clinic, Target: d.Target, Specialty: d.Specialty,
			Purpose: d.Purpose, Referrer: d.Referrer, Days: d.Days,
		},
	}, d.Code, nil
}

// plain marshals a shape, which never fails: it holds numbers, strings and times only.
func plain(shape any) json.RawMessage {
	b, err := json.Marshal(shape)
	if err != nil {
		panic(err)
	}
	return b
}
