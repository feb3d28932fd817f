package document_test

import (
	"crypto/ed25519"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/certificate"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/domain/referral"
	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/document"
	"github.com/medcard/medcard/qr/picture"
)

var (
	issuedAt = time.Date(2026, 11, 16, 7, 30, 0, 0, time.UTC)
	moscow   = time.FixedZone("MSK", 3*60*60)
	status   = qr.StatusRef{List: 70_012, Index: 100_123}
)

func signingKey(t testing.TB, usage qr.Usage) qr.SigningKey {
	t.Helper()
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, "test key for "+string(usage))
	key, err := qr.NewSigningKey("medcard-moscow", usage, ed25519.NewKeyFromSeed(seed))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func token(b byte) (t [16]byte) {
	for i := range t {
		t[i] = b + byte(i)*7
	}
	return t
}

func tablets(code uint32, name string, milligrams ...uint32) prescription.Item {
	item := prescription.Item{
		Code: code, Name: name, Shape: prescription.Tablet, Quantity: 60,
		Regimen: prescription.Regimen{Portion: 100, Times: 2, Days: 30},
	}
	for _, mg := range milligrams {
		item.Strength = append(item.Strength, prescription.Strength{Amount: mg, Unit: prescription.Milligram})
	}
	return item
}

func sheetOf(items ...prescription.Item) prescription.Sheet {
	return prescription.Sheet{
		Form: prescription.Ordinary, Validity: prescription.Days60,
		Bearer: identity.NewBearer(1956, "Иванова", "Анна", "Петровна"), Clinic: "1027700132195", Prescriber: "Преображенская Е. В.",
		Items: items,
	}
}

func issue(t testing.TB, sheet prescription.Sheet) prescription.Prescription {
	t.Helper()
	p, err := prescription.Issue("id", "card", token(3), sheet, issuedAt, moscow)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func refer(t testing.TB, purpose string) referral.Referral {
	t.Helper()
	r, err := referral.Issue("id", "card", token(5), referral.Sheet{
		Kind: referral.Consultation, Care: referral.Planned, Bearer: identity.NewBearer(1956, "Иванова", "Анна", "Петровна"),
		Clinic: "1027700132195", Target: "1037739442707", Specialty: 26, Purpose: purpose, Referrer: "Преображенская Е. В.", Days: 30,
	}, issuedAt, moscow)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The size of a code decides whether a photo of it can be read: the bars are those of the format's table.
func TestSizes(t *testing.T) {
	long := "Ипратропия бромид+Фенотерол+Гидрохлоротиазид+Валсартан+Амлодипин"
	for _, c := range []struct {
		name    string
		text    func() (string, error)
		version int
	}{
		{"one item", prescriptionText(t, tablets(5231, "Ацетилсалициловая кислота", 75)), 12},
		{"one item, short name", prescriptionText(t, tablets(5231, "Метформин", 500)), 12},
		{"one item, two substances", prescriptionText(t, tablets(5231, "Амоксициллин+Клавулановая кислота", 875, 125)), 12},
		{"one item, the longest name", prescriptionText(t, tablets(5231, long, 160, 10, 12)), 12},
		{"three items", prescriptionText(t, tablets(5231, "Метформин", 500), tablets(7001, "Амлодипин+Валсартан", 10, 160), tablets(64_000, "Аторвастатин", 20)), 15},
		{"three items, long names", prescriptionText(t, tablets(5231, long, 500), tablets(7001, long, 10, 160), tablets(64_000, long, 20)), 15},
		{"referral", referralText(t, "Консультация врача-кардиолога"), 11},
		{"referral, long purpose", referralText(t, "Консультация врача-эндокринолога по поводу подбора терапии"), 11},
		{"referral, the longest of all", func() (string, error) {
			r := refer(t, strings.Repeat("Консультация врача-оториноларинголога ", 2))
			r.Sheet.Referrer, r.Sheet.Specialty = strings.Repeat("Я", 30), 65_000
			return document.SealReferral(r, status, signingKey(t, qr.Referral))
		}, 11},
		{"certificate", certificateOf(t, "2026-114"), 12},
		{"certificate, the longest number", certificateOf(t, strings.Repeat("Я", 12)), 12},
		{"token", func() (string, error) { return qr.TokenText(token(9)), nil }, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			text, err := c.text()
			if err != nil {
				t.Fatal(err)
			}
			code, err := picture.Draw(text)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d characters, version %d", len(text), code.Version())
			if code.Version() > c.version {
				t.Errorf("version %d, want at most %d", code.Version(), c.version)
			}
		})
	}
}

func prescriptionText(t *testing.T, items ...prescription.Item) func() (string, error) {
	return func() (string, error) {
		return document.SealPrescription(issue(t, sheetOf(items...)), status, signingKey(t, qr.Prescription))
	}
}

func certificateOf(t *testing.T, number string) func() (string, error) {
	return func() (string, error) {
		c, err := certificate.Issue("id", "card", token(7), certificate.Sheet{
			Kind: "086/u", Number: number, Bearer: identity.NewBearer(2008, "Иванова", "Анна", "Петровна"), Clinic: "304500116000157",
			Author: "Преображенская Е. В.", Text: strings.Repeat("Годна. ", 500), Days: 180,
		}, issuedAt, moscow)
		if err != nil {
			return "", err
		}
		return document.SealCertificate(c, status, signingKey(t, qr.Certificate))
	}
}

func referralText(t *testing.T, purpose string) func() (string, error) {
	return func() (string, error) {
		return document.SealReferral(refer(t, purpose), status, signingKey(t, qr.Referral))
	}
}
