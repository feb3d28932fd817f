package cardsync

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/paper"
	"github.com/medcard/medcard/domain/prescription"
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
	Trade    string             `json:"trade,omitempty"`
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
	Number     paper.Number          `json:"number,omitempty"`
	Benefit    benefitShape          `json:"benefit,omitzero"`
	Special    bool                  `json:"special,omitempty"`
	Commission string                `json:"commission,omitempty"`
}

type benefitShape struct {
	Category  uint16              `json:"category"`
	Discount  uint8               `json:"discount"`
	Diagnosis string              `json:"diagnosis"`
	Series    string              `json:"series,omitempty"`
	Number    string              `json:"number,omitempty"`
	Ground    prescription.Ground `json:"ground,omitempty"`
}

type progressShape struct {
	Prescribed int       `json:"prescribed"`
	Dispensed  int       `json:"dispensed"`
	Excess     int       `json:"excess,omitempty"`
	Every      int       `json:"every,omitempty"`
	NextAt     time.Time `json:"nextAt,omitzero"`
}

type courseShape struct {
	State  prescription.State `json:"state"`
	Items  []progressShape    `json:"items"`
	Supply *supplyShape       `json:"supply,omitempty"`
}

// supplyShape tells the patient until when a pharmacy has to get the medicine, and that it is there. Which pharmacy the patient knows.
type supplyShape struct {
	Due     time.Time `json:"due"`
	Arrived time.Time `json:"arrived,omitzero"`
}

// FromPrescription makes the record that shows a prescription on its patient's phone: what stands on it, the text of its QR
// code, and how far the handing out has come. Who holds it and under which secret is nobody's business there. It stands among what is
// current while it is open.
func FromPrescription(p prescription.Prescription, code string) Record {
	s := p.Sheet
	document := prescriptionShape{
		Form: s.Form, Validity: s.Validity, Urgency: s.Urgency, Bearer: bearerShape(s.Bearer), Clinic: s.Clinic, Prescriber: s.Prescriber,
		IssuedAt: p.IssuedAt.UTC(), ValidUntil: p.ValidUntil.UTC(), Code: code, Number: p.Number,
		Benefit: benefitShape(s.Benefit), Special: s.Special, Commission: s.Commission,
	}
	for _, item := range s.Items {
		shape := itemShape{
			Code: item.Code, Name: item.Name, Trade: item.Trade, Shape: item.Shape, Quantity: item.Quantity,
			Portion: item.Regimen.Portion, Times: item.Regimen.Times, Days: item.Regimen.Days, Every: item.Regimen.Every,
		}
		for _, a := range item.Strength {
			shape.Strength = append(shape.Strength, strengthShape(a))
		}
		document.Items = append(document.Items, shape)
	}
	scope := card.ScopeOf(card.KindPrescription, card.General)
	if p.Course.Open() {
		scope = scope.Current()
	}
	return Record{
		ID: card.RecordID(p.ID), Kind: card.KindPrescription, Scope: scope, Dated: p.IssuedAt,
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
	if c.Supply.Holder != "" {
		shape.Supply = &supplyShape{Due: c.Supply.Due.UTC(), Arrived: c.Supply.Arrived.UTC()}
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
		ID: prescription.ID(id), Number: d.Number, IssuedAt: d.IssuedAt, ValidUntil: d.ValidUntil,
		Sheet: prescription.Sheet{
			Benefit: prescription.Benefit(d.Benefit), Special: d.Special, Commission: d.Commission,
			Form: d.Form, Validity: d.Validity, Urgency: d.Urgency, Bearer: identity.Bearer(d.Bearer), Clinic: d.Clinic, Prescriber: d.Prescriber,
		},
		Course: prescription.Course{State: c.State, ValidUntil: d.ValidUntil},
	}
	for _, shape := range d.Items {
		item := prescription.Item{
			Code: shape.Code, Name: shape.Name, Trade: shape.Trade, Shape: shape.Shape, Quantity: shape.Quantity,
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
	if c.Supply != nil {
		p.Course.Supply = prescription.Supply{Due: c.Supply.Due, Arrived: c.Supply.Arrived}
	}
	return p, d.Code, nil
}

// plain marshals a shape, which never fails: it holds numbers, strings and times only.
func plain(shape any) json.RawMessage {
	b, err := json.Marshal(shape)
	if err != nil {
		panic(err)
	}
	return b
}
