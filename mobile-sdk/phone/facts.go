package phone

import (
	"slices"

	"github.com/medcard/medcard/domain/card"
)

// Patient reads who the card is about. ErrNoRecord if no clinic has said so yet.
func (k *Card) Patient() (Entry[card.Person], error) {
	p, err := page(k, card.KindPatient, Paging{Limit: 1}, readAs[card.Person](card.KindPatient))
	if err == nil && len(p.Entries) == 0 {
		err = ErrNoRecord
	}
	if err != nil {
		return Entry[card.Person]{}, err
	}
	return p.Entries[0], nil
}

// Visits reads visits to clinics.
func (k *Card) Visits(p Paging) (Page[card.Visit], error) {
	return page(k, card.KindEncounter, p, readAs[card.Visit](card.KindEncounter))
}

// Conditions reads diagnoses and problems.
func (k *Card) Conditions(p Paging) (Page[card.Condition], error) {
	return page(k, card.KindCondition, p, readAs[card.Condition](card.KindCondition))
}

// Allergies reads allergies and intolerances.
func (k *Card) Allergies(p Paging) (Page[card.Allergy], error) {
	return page(k, card.KindAllergy, p, readAs[card.Allergy](card.KindAllergy))
}

// Observations reads laboratory values, vital signs and the like, as clinics measured them.
func (k *Card) Observations(p Paging) (Page[card.Observation], error) {
	return page(k, card.KindObservation, p, readAs[card.Observation](card.KindObservation))
}

// Reports reads reports of laboratories and examinations.
func (k *Card) Reports(p Paging) (Page[card.Report], error) {
	return page(k, card.KindReport, p, readAs[card.Report](card.KindReport))
}

// Documents reads letters, certificates and pictures that clinics filed as such.
func (k *Card) Documents(p Paging) (Page[card.Document], error) {
	return page(k, card.KindDocument, p, readAs[card.Document](card.KindDocument))
}

// Medications reads what was prescribed, as clinics' systems posted it. What a pharmacy takes is Prescriptions.
func (k *Card) Medications(p Paging) (Page[card.Medication], error) {
	return page(k, card.KindMedication, p, readAs[card.Medication](card.KindMedication))
}

// Immunizations reads vaccinations.
func (k *Card) Immunizations(p Paging) (Page[card.Immunization], error) {
	return page(k, card.KindImmunization, p, readAs[card.Immunization](card.KindImmunization))
}

// Procedures reads what was done.
func (k *Card) Procedures(p Paging) (Page[card.Procedure], error) {
	return page(k, card.KindProcedure, p, readAs[card.Procedure](card.KindProcedure))
}

// Plans reads care plans.
func (k *Card) Plans(p Paging) (Page[card.Plan], error) {
	return page(k, card.KindCarePlan, p, readAs[card.Plan](card.KindCarePlan))
}

// Measurements reads the patient's own blood pressure readings.
func (k *Card) Measurements(p Paging) (Page[card.Measurement], error) {
	return page(k, card.KindMeasurement, p, readAs[card.Measurement](card.KindMeasurement))
}

// Comments reads what the patient wrote about a record, oldest first.
func (k *Card) Comments(about card.RecordID) ([]Entry[card.Comment], error) {
	var all []Entry[card.Comment]
	for p := (Paging{Limit: 200}); ; {
		part, err := page(k, card.KindComment, p, readAs[card.Comment](card.KindComment))
		if err != nil {
			return nil, err
		}
		for _, e := range part.Entries {
			if e.Fact.About == about {
				all = append(all, e)
			}
		}
		if part.Next == "" {
			slices.Reverse(all)
			return all, nil
		}
		p.After = part.Next
	}
}
