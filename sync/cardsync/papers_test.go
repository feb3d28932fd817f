package cardsync

import (
	"reflect"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/certificate"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/domain/referral"
)

var issued = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)

func TestPrescriptionSurvivesTheTrip(t *testing.T) {
	sheet := prescription.Sheet{
		Form: prescription.Ordinary, Validity: prescription.UpToYear, Urgency: prescription.Cito, Bearer: identity.NewBearer(1984, "Анна", "Сергеевна", "Волкова"),
		Clinic: "1027700132195", Prescriber: "Петрова А. С.", Commission: "17/2026",
		Items: []prescription.Item{{
			Code: 4711, Name: "Метформин", Trade: "Глюкофаж", Shape: prescription.Tablet, Strength: []prescription.Strength{{Amount: 500, Unit: 1}}, Quantity: 60,
			Regimen: prescription.Regimen{Portion: 100, Times: 2, Days: 30, Every: 30},
		}},
	}
	p, err := prescription.Issue("0191d5a0-0000-7000-8000-000000000001", "c", prescription.Token{1}, sheet, issued, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	p.Course.State, p.Course.Items[0].Dispensed, p.Course.Items[0].NextAt = prescription.PartlyDispensed, 30, issued.AddDate(0, 0, 30)
	p.Number, p.Sheet.Special = "1234567890123450", true
	p.Sheet.Benefit = prescription.Benefit{Category: 83, Discount: 50, Diagnosis: "E11.9", Series: "45", Number: "6", Ground: prescription.ChronicIll}
	r := FromPrescription(p, "EMC1:ABC")
	got, code, err := ToPrescription(r.ID, r.Atoms)
	if err != nil {
		t.Fatal(err)
	}
	if code != "EMC1:ABC" || !reflect.DeepEqual(got.Sheet, p.Sheet) || !reflect.DeepEqual(got.Course.Items, p.Course.Items) ||
		got.Course.State != p.Course.State || got.Number != p.Number || !got.ValidUntil.Equal(p.ValidUntil) || !got.IssuedAt.Equal(p.IssuedAt) {
		t.Errorf("got %+v\nof  %+v", got, p)
	}
	if whole := card.ScopeOf(card.KindPrescription, card.General); r.Scope != whole.Current() || !r.Dated.Equal(issued) {
		t.Errorf("scope %s, date %s", r.Scope, r.Dated)
	}
	for state, current := range map[prescription.State]bool{
		prescription.Issued: true, prescription.InWork: true, prescription.PartlyDispensed: true, prescription.OnHold: true,
		prescription.Dispensed: false, prescription.Cancelled: false, prescription.Expired: false,
	} {
		p.Course.State = state
		if s := FromPrescription(p, "EMC1:ABC").Scope; (s == s.Current()) != current || s.Whole() != "rx.general" {
			t.Errorf("%s stands in %s", state, s)
		}
	}
}

func TestReferralSurvivesTheTrip(t *testing.T) {
	sheet := referral.Sheet{
		Kind: referral.Consultation, Care: referral.Planned, Bearer: identity.NewBearer(1984, "Анна", "Волкова"), Clinic: "1027700132195",
		Specialty: 25, Purpose: "Консультация кардиолога", Referrer: "Петрова А. С.", Days: 30,
		Details: referral.Details{
			ClinicAddress: "a", Registration: "b", Residence: referral.Rural, Care: referral.PalliativeCare, Conditions: referral.Inpatient,
			Policy: "7700001234567890", PolicyIssued: "2019-04-01", Insurer: "c", Diagnosis: "I10", Indications: "d", Courses: 2,
		},
	}
	want, err := referral.Issue("0191d5a0-0000-7000-8000-000000000002", "c", referral.Token{2}, sheet, issued, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	want.Number, want.Replaces, want.ReplacedBy, want.State = "1234567890123450", "before", "after", referral.Transferred
	r := FromReferral(want, "EMC1:XYZ")
	got, code, err := ToReferral(r.ID, r.Atoms)
	if err != nil || code != "EMC1:XYZ" || !reflect.DeepEqual(got.Sheet, want.Sheet) || got.State != want.State || got.Number != want.Number || got.Replaces != want.Replaces || got.ReplacedBy != want.ReplacedBy || !got.ValidUntil.Equal(want.ValidUntil) {
		t.Errorf("got %+v, %q, %v", got, code, err)
	}
}

func TestCertificateSurvivesTheTrip(t *testing.T) {
	want, err := certificate.Issue("0191d5a0-0000-7000-8000-000000000003", "", certificate.Token{}, certificate.Sheet{
		Kind: "086/u", Number: "2026-114", Bearer: identity.NewBearer(2008, "Анна", "Волкова"), Clinic: "1027700132195", Author: "Петрова А. С.",
		Text: "Годна.\nДа.", Days: 180,
	}, issued, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	want.Typed, want.State = "1234567890123450", certificate.Revoked
	r := FromCertificate(want, "EMC1:XYZ")
	got, code, err := ToCertificate(r.ID, r.Atoms)
	if err != nil || code != "EMC1:XYZ" || !reflect.DeepEqual(got, want) || got.Hash() != want.Hash() {
		t.Errorf("got %+v, %q, %v", got, code, err)
	}
}

func TestAPaperWithoutItsAtomsIsRefused(t *testing.T) {
	if _, _, err := ToPrescription("x", nil); err == nil {
		t.Error("a prescription was read from nothing")
	}
	if _, _, err := ToReferral("x", nil); err == nil {
		t.Error("a referral was read from nothing")
	}
	if _, _, err := ToCertificate("x", nil); err == nil {
		t.Error("a certificate was read from nothing")
	}
}
