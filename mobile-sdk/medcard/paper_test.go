package medcard

import (
	"encoding/hex"
	"encoding/json"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/certificate"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/domain/referral"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

var bearer = identity.NewBearer(1956, "Иванова", "Анна", "Петровна")

// shown reads what the app gets.
func shown(t *testing.T, raw json.RawMessage, err error) (fields map[string]any) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &fields); err != nil {
		t.Fatal(err)
	}
	return fields
}

func wants(t *testing.T, got map[string]any, want map[string]any) {
	t.Helper()
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %v, want %v", name, got[name], value)
		}
	}
}

func TestAPrescriptionAsTheAppSeesIt(t *testing.T) {
	now := time.Now()
	p, err := prescription.Issue("id", "card", prescription.Token{1}, prescription.Sheet{
		Form: prescription.Preferential, Validity: prescription.Days30, Bearer: bearer, Clinic: "1027700132195", Prescriber: "Соколов М. И.", Commission: "17/2026",
		Benefit: prescription.Benefit{Category: 83, Discount: 50, Diagnosis: "E11.9"},
		Items: []prescription.Item{{
			Code: 5231, Name: "Метформин", Trade: "Глюкофаж", Shape: prescription.Tablet, Strength: []prescription.Strength{{Amount: 500, Unit: prescription.Milligram}},
			Quantity: 60, Regimen: prescription.Regimen{Portion: 100},
		}},
	}, now, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	p.Number = "1234567890123456"
	if p.Course, err = p.Course.Suspend(now); err != nil {
		t.Fatal(err)
	}
	raw, err := prescriptionJSON(phone.Prescription{Prescription: p, Code: "EMC1:X"})
	got := shown(t, raw, err)
	wants(t, got, map[string]any{"number": "1234 5678 9012 3456", "category": "onHold", "state": "on_hold", "commission": "17/2026", "code": "EMC1:X"})
	wants(t, got["benefit"].(map[string]any), map[string]any{"category": 83.0, "discount": 50.0, "diagnosis": "E11.9"})
	wants(t, got["items"].([]any)[0].(map[string]any), map[string]any{"trade": "Глюкофаж"})
}

func TestAReferralAsTheAppSeesIt(t *testing.T) {
	r, err := referral.Issue("id", "card", referral.Token{1}, referral.Sheet{
		Kind: referral.Consultation, Care: referral.Planned, Bearer: bearer, Clinic: "1027700132195", Purpose: "Консультация", Referrer: "Ким Е.", Days: 30,
		Details: referral.Details{Diagnosis: "I10", Conditions: referral.Outpatient},
	}, time.Now(), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	r.State, r.Replaces, r.ReplacedBy = referral.Transferred, "before", "after"
	raw, err := referralJSON(phone.Referral{Referral: r})
	got := shown(t, raw, err)
	wants(t, got, map[string]any{"category": "transferred", "state": "transferred", "replaces": "before", "replacedBy": "after"})
	wants(t, got["details"].(map[string]any), map[string]any{"diagnosis": "I10", "conditions": "outpatient"})
}

func TestACertificateAsTheAppSeesIt(t *testing.T) {
	c, err := certificate.Issue("id", "card", certificate.Token{1}, certificate.Sheet{
		Kind: "086/u", Number: "2026-114", Bearer: bearer, Clinic: "1027700132195", Author: "Ким Е.", Text: "Годна.", Days: 30,
	}, time.Now(), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	c.Typed = "1234567890123456"
	hash := c.Hash()
	raw, err := certificateJSON(phone.Certificate{Certificate: c, Code: "EMC1:X"})
	row, _ := certificate.On("086/u", c.IssuedAt)
	wants(t, shown(t, raw, err), map[string]any{
		"id": "id", "kind": "086/u", "title": row.Title, "number": "2026-114", "text": "Годна.", "state": "issued", "typed": "1234 5678 9012 3456",
		"code": "EMC1:X", "hash": hex.EncodeToString(hash[:]),
	})
	c.IssuedAt, c.ValidUntil = c.IssuedAt.AddDate(-1, 0, 0), c.ValidUntil.AddDate(-1, 0, 0)
	raw, err = certificateJSON(phone.Certificate{Certificate: c})
	wants(t, shown(t, raw, err), map[string]any{"state": "expired"})
}
