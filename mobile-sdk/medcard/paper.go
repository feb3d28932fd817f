package medcard

import (
	"encoding/json"
	"time"

	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/domain/referral"
	"github.com/medcard/medcard/mobile-sdk/counter"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// prescriptionShape is a prescription, wherever it came from: the card, a code, the server's answer to a pharmacy.
type prescriptionShape struct {
	ID         string      `json:"id,omitempty"`
	Form       string      `json:"form"`
	Urgency    string      `json:"urgency,omitempty"`
	Bearer     bearerShape `json:"bearer"`
	Clinic     string      `json:"clinic"`
	Prescriber string      `json:"prescriber"`
	IssuedAt   int64       `json:"issuedAt"`
	ValidUntil int64       `json:"validUntil"`
	State      string      `json:"state,omitempty"`
	Items      []itemShape `json:"items"`
	Code       string      `json:"code,omitempty"`
}

type bearerShape struct {
	Initials  string `json:"initials"`
	BirthYear int    `json:"birthYear"`
}

type itemShape struct {
	Code      int64           `json:"code"`
	Name      string          `json:"name"`
	Shape     string          `json:"shape"`
	Strength  []strengthShape `json:"strength"`
	Quantity  int             `json:"quantity"`
	Dispensed int             `json:"dispensed,omitempty"`
	Remaining int             `json:"remaining"`
	NextAt    int64           `json:"nextAt,omitempty"`
	Regimen   regimenShape    `json:"regimen"`
}

type strengthShape struct {
	Amount int64  `json:"amount"`
	Unit   string `json:"unit"`
}

type regimenShape struct {
	Portion int `json:"portion"`
	Times   int `json:"times,omitempty"`
	Days    int `json:"days,omitempty"`
	Every   int `json:"every,omitempty"`
}

type referralShape struct {
	ID         string      `json:"id,omitempty"`
	Kind       int         `json:"kind"`
	Care       int         `json:"care"`
	Bearer     bearerShape `json:"bearer"`
	Clinic     string      `json:"clinic"`
	Target     string      `json:"target,omitempty"`
	Specialty  int         `json:"specialty,omitempty"`
	Purpose    string      `json:"purpose"`
	Referrer   string      `json:"referrer"`
	IssuedAt   int64       `json:"issuedAt"`
	ValidUntil int64       `json:"validUntil"`
	State      string      `json:"state,omitempty"`
	Code       string      `json:"code,omitempty"`
}

func prescriptionJSON(p phone.Prescription) (json.RawMessage, error) {
	shape := sheetOf(p.Sheet, p.IssuedAt, p.ValidUntil)
	shape.ID, shape.State, shape.Code = string(p.ID), string(p.Course.State), p.Code
	for i, progress := range p.Course.Items {
		if i < len(shape.Items) {
			item := &shape.Items[i]
			item.Dispensed, item.Remaining, item.NextAt = progress.Dispensed, progress.Remaining(), millis(progress.NextAt)
		}
	}
	return marshal(shape)
}

// sheetOf writes what the doctor wrote; of what was handed out it knows nothing.
func sheetOf(s prescription.Sheet, issued, until time.Time) prescriptionShape {
	shape := prescriptionShape{
		Form: string(s.Form), Urgency: s.Urgency.String(), Bearer: bearerOf(s.Bearer), Clinic: s.Clinic, Prescriber: s.Prescriber,
		IssuedAt: millis(issued), ValidUntil: millis(until), Items: make([]itemShape, len(s.Items)),
	}
	for i, item := range s.Items {
		r := item.Regimen
		shape.Items[i] = itemShape{
			Code: int64(item.Code), Name: item.Name, Shape: item.Shape.String(), Quantity: item.Quantity, Remaining: item.Quantity,
			Regimen: regimenShape{Portion: int(r.Portion), Times: int(r.Times), Days: int(r.Days), Every: int(r.Every)},
		}
		for _, a := range item.Strength {
			shape.Items[i].Strength = append(shape.Items[i].Strength, strengthShape{int64(a.Amount), a.Unit.String()})
		}
	}
	return shape
}

func bearerOf(b identity.Bearer) bearerShape {
	return bearerShape{Initials: b.Initials, BirthYear: b.BirthYear}
}

func referralJSON(r phone.Referral) (json.RawMessage, error) {
	shape := referralOf(r.Sheet, r.IssuedAt, r.ValidUntil)
	shape.ID, shape.State, shape.Code = string(r.ID), string(r.State), r.Code
	return marshal(shape)
}

func referralOf(s referral.Sheet, issued, until time.Time) referralShape {
	return referralShape{
		Kind: int(s.Kind), Care: int(s.Care), Bearer: bearerOf(s.Bearer), Clinic: s.Clinic, Target: s.Target, Specialty: int(s.Specialty),
		Purpose: s.Purpose, Referrer: s.Referrer, IssuedAt: millis(issued), ValidUntil: millis(until),
	}
}

// shownOf writes what the server shows a pharmacy.
func shownOf(p counter.Prescription) prescriptionShape {
	shape := prescriptionShape{
		Form: p.Form, Urgency: p.Urgency, Bearer: bearerShape(p.Patient), Clinic: p.Clinic, Prescriber: p.Prescriber,
		IssuedAt: millis(p.IssuedAt), ValidUntil: millis(p.ValidUntil), State: p.State, Items: make([]itemShape, len(p.Items)),
	}
	for i, item := range p.Items {
		shape.Items[i] = itemShape{
			Code: int64(item.Code), Name: item.Name, Shape: item.Shape, Quantity: item.Quantity, Dispensed: item.Dispensed,
			Remaining: item.Remaining, NextAt: orZero(item.NextAt), Regimen: regimenShape(item.Regimen),
		}
		for _, a := range item.Strength {
			shape.Items[i].Strength = append(shape.Items[i].Strength, strengthShape{int64(a.Amount), a.Unit})
		}
	}
	return shape
}

func orZero(t *time.Time) int64 {
	if t == nil {
		return 0
	}
	return millis(*t)
}
