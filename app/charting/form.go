package charting

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/sync/cardsync"
)

// Entry is what a form asks for, by the words below.
type Entry string

// What the title page of an outpatient's card (form 025/u, order 1030n) and a referral (form 057/u, order 519n) ask of a patient, and a card
// tells: nobody copies it from one paper to the next.
const (
	FullName  Entry = "name"
	Born      Entry = "birthDate"
	Sex       Entry = "sex"
	SNILS     Entry = "snils"
	Policy    Entry = "policy"
	Telecom   Entry = "telecom"
	Address   Entry = "address"
	Allergies Entry = "allergies"
	Diagnoses Entry = "diagnoses" // active ones, with their ICD-10 codes
	Medicines Entry = "medicines" // current ones
	Results   Entry = "results"   // the newest, with their dates
)

// Entries lists them in the order in which forms have them.
func Entries() []Entry {
	return []Entry{FullName, Born, Sex, SNILS, Policy, Telecom, Address, Allergies, Diagnoses, Medicines, Results}
}

// Filled is one entry of a form. Where the card says nothing, and where who asks may not see what it says, there are no values alike.
type Filled struct {
	Entry  Entry
	Values []Copied
}

// Copied is a value and the record that it was taken from.
type Copied struct {
	Text   string
	Record card.RecordID
}

// results is how many results a form has room for.
const results = 10

// sources are the kinds of which a form is filled in.
var sources = []card.Kind{card.KindPatient, card.KindAllergy, card.KindCondition, card.KindMedication, card.KindPrescription, card.KindObservation}

// Form fills in from a card what forms ask of a patient, for whoever may read it, as far as he may. Of each kind it looks at the PageSize newest records.
func (s *Service) Form(ctx context.Context, a identity.Actor, q Query) (form []Filled, err error) {
	now := s.Clock()
	err = s.Store.Update(ctx, func(tx Tx) error {
		permit, err := tx.Decide(a, q.Card, q.Purpose, now)
		if err != nil {
			return err
		}
		if err := tx.AppendAudit(audit.Entry{
			Card: q.Card, At: now, Actor: a, Action: audit.Read, Purpose: q.Purpose, What: "a form: " + what(sources), Request: q.Request,
		}); err != nil {
			return err
		}
		form, err = fill(tx, permit)
		return err
	})
	return form, err
}

func fill(tx Tx, p consent.Permit) ([]Filled, error) {
	found := map[Entry][]Copied{}
	for _, kind := range sources {
		records, err := tx.EntriesBehind(p, []card.Kind{kind}, time.Time{}, "", PageSize)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			record := show(r)
			for entry, texts := range copied(record) {
				for _, text := range texts {
					if text != "" && !slices.ContainsFunc(found[entry], func(c Copied) bool { return c.Text == text }) {
						found[entry] = append(found[entry], Copied{text, record.ID})
					}
				}
			}
		}
	}
	form := make([]Filled, 0, len(found))
	for _, entry := range Entries() {
		values := found[entry]
		if entry == Results && len(values) > results {
			values = values[:results]
		}
		form = append(form, Filled{entry, values})
	}
	return form, nil
}

// copied are the words of a record for a form. What a newer server wrote and this one cannot read fills in nothing.
func copied(r Record) map[Entry][]string {
	atoms := map[string]json.RawMessage{}
	for name, values := range r.Atoms {
		atoms[name] = values[0]
	}
	if r.Kind == card.KindPrescription {
		p, _, err := cardsync.ToPrescription(r.ID, atoms)
		if err != nil || !p.Course.Open() {
			return nil
		}
		names := make([]string, len(p.Sheet.Items))
		for i, item := range p.Sheet.Items {
			names[i] = item.Name
		}
		return map[Entry][]string{Medicines: names}
	}
	fact, err := cardsync.ToFact(r.Kind, atoms)
	if err != nil {
		return nil
	}
	switch f := fact.(type) {
	case card.Person:
		return ofPerson(f)
	case card.Allergy:
		if f.Clinical != "resolved" && f.Clinical != "inactive" {
			return map[Entry][]string{Allergies: {f.Code.Label()}}
		}
	case card.Condition:
		if slices.Contains([]string{"active", "recurrence", "relapse"}, f.Clinical) && f.Verification != "refuted" {
			return map[Entry][]string{Diagnoses: {joined(f.Code.Code(card.SystemICD10), f.Code.Label())}}
		}
	case card.Medication:
		if f.Current() {
			return map[Entry][]string{Medicines: {f.Drug.Label()}}
		}
	case card.Observation:
		if value := worded(f.Value); value != "" {
			return map[Entry][]string{Results: {joined(string(f.When().Day()), f.Code.Label(), value)}}
		}
	}
	return nil
}

func ofPerson(p card.Person) map[Entry][]string {
	words := map[Entry][]string{FullName: {p.Name.Full()}, Born: {string(p.Born)}, Sex: {p.Sex}}
	for _, n := range p.Numbers {
		switch n.System {
		case card.SystemSNILS:
			words[SNILS] = append(words[SNILS], n.Value)
		case card.SystemOMS:
			words[Policy] = append(words[Policy], n.Value)
		}
	}
	for _, c := range p.Telecom {
		words[Telecom] = append(words[Telecom], c.Value)
	}
	for _, at := range p.Addresses {
		words[Address] = append(words[Address], cmp.Or(at.Text, joined(at.PostalCode, at.Region, at.City, strings.Join(at.Lines, ", "))))
	}
	return words
}

// worded is a value in a line; "" where there is none.
func worded(v card.Value) string {
	if v.Quantity.Value != "" {
		return joined(v.Quantity.Comparator+v.Quantity.Value, v.Quantity.Unit)
	}
	return cmp.Or(v.Concept.Label(), v.Text)
}

func joined(words ...string) string {
	return strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), " ")
}
