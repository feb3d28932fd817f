package medcard

import (
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/medcard/medcard/domain/certificate"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/domain/referral"
	"github.com/medcard/medcard/mobile-sdk/counter"
	"github.com/medcard/medcard/mobile-sdk/phone"
	"github.com/medcard/medcard/qr/document"
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
	Order      *orderShape `json:"order,omitempty"`
	Code       string      `json:"code,omitempty"`
	Number     string      `json:"number,omitempty"`   // typed where no code can be read
	Category   string      `json:"category,omitempty"` // of the card's own: active, partlyDispensed, dispensed, expired, cancelled, onHold

	Benefit    *benefitShape `json:"benefit,omitempty"`
	Special    bool          `json:"special,omitempty"`    // the mark for a special purpose
	Commission string        `json:"commission,omitempty"` // number of the protocol where a medical commission decided
}

// benefitShape is why the bearer pays less. A pharmacy is told category, discount, series and number only.
type benefitShape struct {
	Category  int    `json:"category"`
	Discount  int    `json:"discount"` // percent
	Diagnosis string `json:"diagnosis,omitempty"`
	Series    string `json:"series,omitempty"`
	Number    string `json:"number,omitempty"`
	Ground    string `json:"ground,omitempty"`
}

func benefitOf(b prescription.Benefit) *benefitShape {
	if b == (prescription.Benefit{}) {
		return nil
	}
	return &benefitShape{Category: int(b.Category), Discount: int(b.Discount), Diagnosis: b.Diagnosis, Series: b.Series, Number: b.Number, Ground: string(b.Ground)}
}

// orderShape tells the patient that a pharmacy has ordered the medicine, by when it must be there, and that it is.
type orderShape struct {
	DueAt     int64 `json:"dueAt"`
	ArrivedAt int64 `json:"arrivedAt,omitempty"`
}

type bearerShape struct {
	Initials  string `json:"initials"`
	BirthYear int    `json:"birthYear"`
}

type itemShape struct {
	Code      int64           `json:"code"`
	Name      string          `json:"name"`
	Trade     string          `json:"trade,omitempty"` // no other will do
	Shape     string          `json:"shape"`
	Strength  []strengthShape `json:"strength"`
	Quantity  int             `json:"quantity"`
	Dispensed int             `json:"dispensed,omitempty"`
	Remaining int             `json:"remaining"`
	Excess    int             `json:"excess,omitempty"`
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
	Number     string      `json:"number,omitempty"`
	Category   string      `json:"category,omitempty"` // active, used, transferred, cancelled, expired
	Replaces   string      `json:"replaces,omitempty"`
	ReplacedBy string      `json:"replacedBy,omitempty"`

	Details *detailsShape `json:"details,omitempty"` // of the card's own
}

type detailsShape struct {
	ClinicAddress string `json:"clinicAddress,omitempty"`
	Registration  string `json:"registration,omitempty"`
	Residence     string `json:"residence,omitempty"`
	Care          string `json:"care,omitempty"`
	Conditions    string `json:"conditions,omitempty"`
	Policy        string `json:"policy,omitempty"`
	PolicyIssued  string `json:"policyIssued,omitempty"`
	Insurer       string `json:"insurer,omitempty"`
	Diagnosis     string `json:"diagnosis,omitempty"`
	Indications   string `json:"indications,omitempty"`
	Courses       int    `json:"courses,omitempty"`
}

func detailsOf(d referral.Details) *detailsShape {
	if d == (referral.Details{}) {
		return nil
	}
	return &detailsShape{
		ClinicAddress: d.ClinicAddress, Registration: d.Registration, Residence: string(d.Residence), Care: string(d.Care), Conditions: string(d.Conditions),
		Policy: d.Policy, PolicyIssued: d.PolicyIssued, Insurer: d.Insurer, Diagnosis: d.Diagnosis, Indications: d.Indications, Courses: int(d.Courses),
	}
}

// statedShape is what a certificate's code says, and certificateShape the certificate itself.
type statedShape struct {
	Kind       string      `json:"kind"`
	Number     string      `json:"number"`
	Bearer     bearerShape `json:"bearer"`
	Clinic     string      `json:"clinic"`
	IssuedAt   int64       `json:"issuedAt"`
	ValidUntil int64       `json:"validUntil"`
	Hash       string      `json:"hash"` // hexadecimal
}

type certificateShape struct {
	statedShape
	ID     string `json:"id"`
	Title  string `json:"title,omitempty"`
	Author string `json:"author"`
	Text   string `json:"text"`
	State  string `json:"state"`
	Code   string `json:"code"`
	Typed  string `json:"typed,omitempty"` // the number that is typed where no code can be read
}

func statedOf(c document.Certificate, issued, until time.Time) statedShape {
	return statedShape{
		Kind: string(c.Kind), Number: c.Number, Bearer: bearerOf(c.Bearer), Clinic: c.Clinic, IssuedAt: millis(issued), ValidUntil: millis(until),
		Hash: hex.EncodeToString(c.Hash[:]),
	}
}

func certificateJSON(c phone.Certificate) (json.RawMessage, error) {
	s := c.Sheet
	row, _ := certificate.On(s.Kind, c.IssuedAt)
	return marshal(certificateShape{
		statedShape: statedOf(document.Certificate{Kind: s.Kind, Number: s.Number, Bearer: s.Bearer, Clinic: s.Clinic, Hash: c.Hash()}, c.IssuedAt, c.ValidUntil),
		ID:          string(c.ID), Title: row.Title, Author: s.Author, Text: s.Text, State: string(c.At(time.Now())), Code: c.Code, Typed: c.Typed.String(),
	})
}

func prescriptionJSON(p phone.Prescription) (json.RawMessage, error) {
	shape := sheetOf(p.Sheet, p.IssuedAt, p.ValidUntil)
	shape.ID, shape.State, shape.Code = string(p.ID), string(p.Course.State), p.Code
	shape.Number, shape.Category = p.Prescription.Number.String(), string(p.Course.Category(time.Now()))
	for i, progress := range p.Course.Items {
		if i < len(shape.Items) {
			item := &shape.Items[i]
			item.Dispensed, item.Remaining, item.Excess, item.NextAt = progress.Dispensed, progress.Remaining(), progress.Excess, millis(progress.NextAt)
		}
	}
	if order := p.Course.Supply; !order.Due.IsZero() {
		shape.Order = &orderShape{DueAt: millis(order.Due), ArrivedAt: millis(order.Arrived)}
	}
	return marshal(shape)
}

// sheetOf writes what the doctor wrote; of what was handed out it knows nothing.
func sheetOf(s prescription.Sheet, issued, until time.Time) prescriptionShape {
	shape := prescriptionShape{
		Form: string(s.Form), Urgency: s.Urgency.String(), Bearer: bearerOf(s.Bearer), Clinic: s.Clinic, Prescriber: s.Prescriber,
		IssuedAt: millis(issued), ValidUntil: millis(until), Items: make([]itemShape, len(s.Items)),
		Benefit: benefitOf(s.Benefit), Special: s.Special, Commission: s.Commission,
	}
	for i, item := range s.Items {
		r := item.Regimen
		shape.Items[i] = itemShape{
			Code: int64(item.Code), Name: item.Name, Trade: item.Trade, Shape: item.Shape.String(), Quantity: item.Quantity, Remaining: item.Quantity,
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
	shape.Number, shape.Category = r.Number.String(), string(r.Category(time.Now()))
	shape.Replaces, shape.ReplacedBy = string(r.Replaces), string(r.ReplacedBy)
	shape.Details = detailsOf(r.Sheet.Details)
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
		Special: p.Special, Commission: p.Commission,
	}
	if p.BenefitCategory != 0 {
		shape.Benefit = &benefitShape{Category: p.BenefitCategory, Discount: p.Discount, Series: p.FormSeries, Number: p.FormNumber}
	}
	for i, item := range p.Items {
		shape.Items[i] = itemShape{
			Code: int64(item.Code), Name: item.Name, Trade: item.Trade, Shape: item.Shape, Quantity: item.Quantity, Dispensed: item.Dispensed,
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
