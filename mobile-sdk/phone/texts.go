package phone

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/certificate"
	"github.com/medcard/medcard/mobile-sdk/phone/vault"
	"github.com/medcard/medcard/mobile-sdk/phone/words"
	"github.com/medcard/medcard/sync/cardsync"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// What is searched: the texts of a fact that a person knows it by. Not among them is what would be met everywhere and help nobody
// (states, units, numbers that were measured) and who the patient is.

// indexed is what the vault is told of it. The first number changes with this file, the second with the forms of words.
var indexed = vault.Words{Version: 2<<8 | words.Version, Of: func(row wire.Row) []string {
	screen, ok := replica.Rebase(&row, nil)
	if !ok {
		return nil
	}
	return words.Of(textsOf(screen)...)
}}

// textsOf are the texts of what is shown of a record, and behind them those of an open conflict's other values.
func textsOf(s replica.Screen) []string {
	id, kind := card.RecordID(s.ID), card.Kind(s.Kind)
	texts := readTexts(id, kind, atomsOf(s))
	for _, atoms := range alternatives(s) {
		for _, text := range readTexts(id, kind, atoms) {
			if !slices.Contains(texts, text) {
				texts = append(texts, text)
			}
		}
	}
	return texts
}

// readTexts gives none for a shape that this version cannot read.
func readTexts(id card.RecordID, kind card.Kind, atoms map[string]json.RawMessage) []string {
	var t texts
	switch kind {
	case card.KindPrescription:
		if p, _, err := cardsync.ToPrescription(id, atoms); err == nil {
			for _, item := range p.Sheet.Items {
				t.add(item.Name)
			}
			t.add(p.Sheet.Prescriber)
		}
	case card.KindReferral:
		if r, _, err := cardsync.ToReferral(id, atoms); err == nil {
			t.add(r.Sheet.Purpose, r.Sheet.Referrer)
		}
	case card.KindCertificate:
		if c, _, err := cardsync.ToCertificate(id, atoms); err == nil {
			if row, known := certificate.On(c.Sheet.Kind, c.IssuedAt); known {
				t.add(row.Title)
			}
			t.add(c.Sheet.Text, c.Sheet.Author, c.Sheet.Number)
		}
	default:
		if fact, err := cardsync.ToFact(kind, atoms); err == nil {
			t.fact(fact)
		}
	}
	return t
}

// texts gathers them; the first one is the record's title.
type texts []string

func (t *texts) add(some ...string) {
	for _, s := range some {
		if s = strings.TrimSpace(s); s != "" {
			*t = append(*t, s)
		}
	}
}

// concepts adds what each is called and by which codes it is known.
func (t *texts) concepts(some ...card.Concept) {
	for _, c := range some {
		label := c.Label()
		t.add(label)
		for _, coding := range c.Codings {
			for _, s := range []string{coding.Display, coding.Code} {
				if s != label {
					t.add(s)
				}
			}
		}
	}
}

func (t *texts) parties(some ...card.Party) {
	for _, p := range some {
		t.add(p.Name, p.Role, p.Organisation)
	}
}

func (t *texts) fact(fact card.Fact) {
	switch f := fact.(type) {
	case card.Visit:
		t.concepts(f.Reasons...)
		t.concepts(f.Types...)
		t.add(f.Institution)
		t.parties(f.Doctors...)
	case card.Condition:
		t.concepts(f.Code)
		t.add(f.OnsetText)
		t.add(f.Notes...)
		t.parties(f.Recorder)
	case card.Allergy:
		t.allergy(f)
	case card.Observation:
		t.observation(f)
	case card.Report:
		t.concepts(f.Code)
		t.add(f.Conclusion)
		t.concepts(f.Findings...)
		t.files(f.Attachments)
		t.parties(f.Performers...)
	case card.Document:
		t.document(f)
	case card.Medication:
		t.medication(f)
	case card.Immunization:
		t.concepts(f.Vaccine)
		for _, d := range f.Doses {
			t.add(d.Series)
			t.concepts(d.Diseases...)
		}
		t.add(f.Lot, f.Maker, f.Institution)
		t.add(f.Notes...)
	case card.Procedure:
		t.concepts(f.Code, f.Category)
		t.concepts(f.Reasons...)
		t.concepts(f.Sites...)
		t.concepts(f.Outcome)
		t.add(f.Location)
		t.add(f.Notes...)
		t.parties(f.Performers...)
	case card.Plan:
		t.plan(f)
	case card.Measurement:
		t.add(strconv.Itoa(f.Systolic) + "/" + strconv.Itoa(f.Diastolic)) // as people say and type it
		t.files(f.Attachments)
	case card.Comment:
		t.add(f.Text)
		t.files(f.Attachments)
	}
}

func (t *texts) files(list []card.Attachment) {
	for _, a := range list {
		t.add(a.Title)
	}
}

func (t *texts) document(f card.Document) {
	t.concepts(f.Code)
	t.concepts(f.Categories...)
	t.add(f.Description)
	t.concepts(f.Site)
	t.files(f.Attachments)
	t.add(f.Notes...)
	t.parties(f.Authors...)
}

func (t *texts) allergy(f card.Allergy) {
	t.concepts(f.Code)
	for _, r := range f.Reactions {
		t.concepts(r.Substance)
		t.concepts(r.Manifestations...)
		t.add(r.Description)
	}
	t.add(f.Notes...)
	t.parties(f.Recorder)
}

func (t *texts) observation(f card.Observation) {
	t.concepts(f.Code, f.Value.Concept)
	t.add(f.Value.Text)
	for _, c := range f.Components {
		t.concepts(c.Code, c.Value.Concept)
		t.add(c.Value.Text)
	}
	t.concepts(f.Specimen)
	t.add(f.Notes...)
	t.parties(f.Performers...)
}

func (t *texts) medication(f card.Medication) {
	t.concepts(f.Drug)
	for _, d := range f.Dosages {
		t.add(d.Text, d.Patient)
	}
	t.concepts(f.Reasons...)
	t.add(f.Notes...)
	t.parties(f.Requester)
}

func (t *texts) plan(f card.Plan) {
	t.add(f.Title)
	t.concepts(f.Categories...)
	t.add(f.Description)
	for _, a := range f.Activities {
		t.concepts(a.Code)
		t.add(a.Description, a.When, a.Where)
	}
	t.add(f.Notes...)
}
