package document_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/medcard/medcard/domain/certificate"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/document"
)

func read(t testing.TB, text string, key qr.SigningKey) document.Paper {
	t.Helper()
	paper, err := document.Read(verified(t, text, key))
	if err != nil {
		t.Fatal(err)
	}
	return paper
}

func verified(t testing.TB, text string, key qr.SigningKey) qr.Verified {
	t.Helper()
	u, err := qr.Open(text)
	if err != nil {
		t.Fatal(err)
	}
	v, err := u.Verify(key.Key)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestPrescriptionIsReadBack(t *testing.T) {
	sheet := sheetOf(tablets(5231, "Метформин", 500), tablets(7001, "Амлодипин+Валсартан", 5, 160))
	sheet.Prescriber, sheet.Urgency, sheet.Validity = "Соколов М. И.", prescription.Cito, prescription.UpToYear
	for i := range sheet.Items {
		sheet.Items[i].Regimen.Every = 28
	}
	p, key := issue(t, sheet), signingKey(t, qr.Prescription)
	text, err := document.SealPrescription(p, status, key)
	if err != nil {
		t.Fatal(err)
	}
	paper := read(t, text, key)
	if paper.Referral != nil || !reflect.DeepEqual(*paper.Prescription, sheet) {
		t.Errorf("%+v\nwant %+v", *paper.Prescription, sheet)
	}
	if paper.Usage != qr.Prescription || paper.Issuer != key.Issuer || paper.Token != qr.TokenID(p.Token) || !paper.IssuedAt.Equal(p.IssuedAt) || !paper.ValidUntil.Equal(p.ValidUntil) {
		t.Errorf("%+v", paper)
	}
}

func TestReferralIsReadBack(t *testing.T) {
	r, key := refer(t, "Кардиолог"), signingKey(t, qr.Referral)
	r.Sheet.Referrer = "Ким Е."
	text, err := document.SealReferral(r, status, key)
	if err != nil {
		t.Fatal(err)
	}
	paper := read(t, text, key)
	if paper.Prescription != nil || !reflect.DeepEqual(*paper.Referral, r.Sheet) {
		t.Errorf("%+v\nwant %+v", *paper.Referral, r.Sheet)
	}
}

// Whatever may be written fits a code or is to be split; what fits is read back, with names at most cut short within the limits.
func TestAnySheet(t *testing.T) {
	key := signingKey(t, qr.Prescription)
	letters := rapid.RuneFrom([]rune("абвгдежзиклмнопрстуфх АБВ+-()ёabc1"))
	rapid.Check(t, func(t *rapid.T) {
		sheet := sheetOf()
		sheet.Prescriber = "П" + rapid.StringOfN(letters, 0, 29, 58).Draw(t, "prescriber")
		for range rapid.IntRange(1, 3).Draw(t, "items") {
			item := prescription.Item{
				Code: rapid.Uint32Min(1).Draw(t, "code"), Name: "М" + rapid.StringOfN(letters, 0, 90, 190).Draw(t, "name"),
				Shape:    prescription.Shape(rapid.Uint8Range(1, 12).Draw(t, "shape")),
				Quantity: rapid.IntRange(1, prescription.MaxQuantity).Draw(t, "quantity"),
				Regimen:  prescription.Regimen{Portion: rapid.Uint16Min(1).Draw(t, "portion"), Times: rapid.Uint8().Draw(t, "times"), Days: rapid.Uint16Range(0, 366).Draw(t, "days"), Every: rapid.Uint16Range(0, 366).Draw(t, "every")},
			}
			for range rapid.IntRange(1, 3).Draw(t, "substances") {
				item.Strength = append(item.Strength, prescription.Strength{Amount: rapid.Uint32Min(1).Draw(t, "amount"), Unit: prescription.Unit(rapid.Uint8Range(1, 6).Draw(t, "unit"))})
			}
			sheet.Items = append(sheet.Items, item)
		}
		p, err := prescription.Issue("id", "card", token(1), sheet, issuedAt, moscow)
		if err != nil {
			t.Fatal(err)
		}
		text, err := document.SealPrescription(p, status, key)
		if errors.Is(err, document.ErrTooLong) && len(sheet.Items) > 1 {
			return // to be split
		}
		if err != nil {
			t.Fatal(err)
		}
		if limit := []int{0, 419, 528, 600}[len(sheet.Items)]; len(text) > limit {
			t.Fatalf("%d items: %d characters, more than its version holds", len(sheet.Items), len(text))
		}
		u, err := qr.Open(text)
		if err != nil {
			t.Fatal(err)
		}
		v, err := u.Verify(key.Key)
		if err != nil {
			t.Fatal(err)
		}
		paper, err := document.Read(v)
		if err != nil {
			t.Fatal(err)
		}
		got := *paper.Prescription
		if !strings.HasPrefix(sheet.Prescriber, got.Prescriber) {
			t.Fatalf("prescriber %q", got.Prescriber)
		}
		got.Prescriber = sheet.Prescriber
		for i := range got.Items {
			name := got.Items[i].Name
			if !prescription.SameName(name, sheet.Items[i].Name) || len(name) > 60 || !utf8.ValidString(name) || name != sheet.Items[i].Name && len(name) < 15 {
				t.Fatalf("%q of %q", name, sheet.Items[i].Name)
			}
			got.Items[i].Name = sheet.Items[i].Name
		}
		if !reflect.DeepEqual(got, sheet) {
			t.Fatalf("%+v\nwant %+v", got, sheet)
		}
	})
}

// The bearer is initials and a year. What else is known of a patient has no way into a code; this looks whether it came all the same.
func TestNothingOfThePatientLeaks(t *testing.T) {
	sheet := sheetOf(tablets(5231, "Метформин", 500))
	sheet.Bearer = identity.NewBearer(1956, "Иванова", "Анна", "Петровна")
	key := signingKey(t, qr.Prescription)
	p := issue(t, sheet)
	p.ID, p.Card = "0199a1b2-0000-7000-8000-00000000c0de", "0199a1b2-0000-7000-8000-00000000cafe"
	text, err := document.SealPrescription(p, status, key)
	if err != nil {
		t.Fatal(err)
	}
	body := verified(t, text, key).Claims().Body
	for _, secret := range []string{"Иванова", "Анна", "Петровна", "cafe", "c0de", "0199a1b2"} {
		if bytes.Contains(body, []byte(secret)) {
			t.Errorf("%q stands in the code", secret)
		}
	}
	if !bytes.Contains(body, []byte("ИАП")) {
		t.Error("not even the initials: this test looks in the wrong place")
	}
}

func TestControlledFormsHaveNoCode(t *testing.T) {
	for _, form := range []prescription.Form{prescription.Accounted, prescription.Narcotic} {
		sheet := sheetOf(tablets(5231, "Метформин", 500))
		sheet.Form, sheet.Validity = form, prescription.Days15
		if text, err := document.SealPrescription(issue(t, sheet), status, signingKey(t, qr.Prescription)); !errors.Is(err, document.ErrTokenOnly) || text != "" {
			t.Errorf("%s: %v", form, err)
		}
	}
}

func TestSealRefuses(t *testing.T) {
	p := issue(t, sheetOf(tablets(5231, "Метформин", 500)))
	if _, err := document.SealPrescription(p, status, signingKey(t, qr.Referral)); !errors.Is(err, qr.ErrUsage) {
		t.Error(err)
	}
	if _, err := document.SealReferral(refer(t, "Кардиолог"), status, signingKey(t, qr.Prescription)); !errors.Is(err, qr.ErrUsage) {
		t.Error(err)
	}
	if _, err := document.SealCertificate(certificate.Certificate{}, status, signingKey(t, qr.Prescription)); !errors.Is(err, qr.ErrUsage) {
		t.Error(err)
	}
	if _, err := document.SealCertificate(certificate.Certificate{IssuedAt: issuedAt, ValidUntil: issuedAt}, status, signingKey(t, qr.Certificate)); !errors.Is(err, document.ErrBody) {
		t.Error(err)
	}
	p.Sheet.Items = nil
	if _, err := document.SealPrescription(p, status, signingKey(t, qr.Prescription)); !errors.Is(err, document.ErrTooLong) {
		t.Error(err)
	}
}

// Bodies that a key of ours signed, yet no document of ours made.
func TestReadIsStrict(t *testing.T) {
	key := signingKey(t, qr.Prescription)
	good, err := document.SealPrescription(issue(t, sheetOf(tablets(5231, "Метформин", 500))), status, key)
	if err != nil {
		t.Fatal(err)
	}
	claims := verified(t, good, key).Claims()
	body := claims.Body
	change := func(old, with string) []byte { return bytes.Replace(body, []byte(old), []byte(with), 1) }
	for name, b := range map[string][]byte{
		"null": {0xf6}, "a map": {0xa0}, "empty": {0x80}, "a number": {0x01},
		"another form":             change("\x87\x01", "\x87\x09"),
		"a number written long":    change("\x87\x01", "\x87\x18\x01"),
		"one element more":         append(append([]byte{0x88}, body[1:]...), 0x00),
		"no items":                 append(bytes.Clone(body[:bytes.Index(body, []byte("\x81\x86"))]), 0x80),
		"an unknown shape":         change("Метформин\x01", "Метформин\x0d"),
		"a strength without unit":  change("\x82\x19\x01\xf4\x02", "\x81\x19\x01\xf4"),
		"a strength of no unit":    change("\x82\x19\x01\xf4\x02", "\x82\x19\x01\xf4\x07"),
		"nothing to hand out":      change("\x18\x3c\x84", "\x00\x84"),
		"a regimen of five":        change("\x84\x18\x64", "\x85\x00\x18\x64"),
		"a year of birth as text":  change("\x19\x07\xa4", "\x63195"),
		"an indefinite list":       append(append([]byte{0x9f}, body[1:]...), 0xff),
		"a year of birth too long": change("\x19\x07\xa4", "\x1a\x00\x01\x07\xa4"),
	} {
		c := claims
		c.Body = b
		text, err := qr.Seal(c, key)
		if err != nil {
			if !errors.Is(err, qr.ErrClaims) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		v := verified(t, text, key)
		if _, err := document.Read(v); !errors.Is(err, document.ErrBody) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := document.Longest(v); !errors.Is(err, document.ErrBody) {
			t.Errorf("%s: longest: %v", name, err)
		}
		if document.NameFits(func(uint32) (string, bool) { return "", false })(v) {
			t.Errorf("%s: its names fit", name)
		}
	}
	if _, err := document.Read(verified(t, good, key)); err != nil {
		t.Error("the good one:", err)
	}
}

func TestLongest(t *testing.T) {
	key := signingKey(t, qr.Prescription)
	for validity, whole := range map[prescription.Validity]time.Duration{prescription.Days60: 61 * 24 * time.Hour, prescription.UpToYear: 367 * 24 * time.Hour} {
		item := tablets(5231, "Метформин", 500)
		item.Regimen.Every = 28
		sheet := sheetOf(item)
		sheet.Validity = validity
		text, err := document.SealPrescription(issue(t, sheet), status, key)
		if err != nil {
			t.Fatal(err)
		}
		v := verified(t, text, key)
		longest, err := document.Longest(v)
		if err != nil || longest != whole+time.Hour || v.Claims().Expires.Sub(v.Claims().IssuedAt) > longest {
			t.Errorf("validity %d: %s, %v", validity, longest, err)
		}
	}
}

func TestNameFits(t *testing.T) {
	key := signingKey(t, qr.Prescription)
	text, err := document.SealPrescription(issue(t, sheetOf(tablets(5231, "Метформин", 500))), status, key)
	if err != nil {
		t.Fatal(err)
	}
	v := verified(t, text, key)
	for full, want := range map[string]bool{"Метформин": true, "Метформин+Глибенкламид": true, "Морфин": false, "Мет": false} {
		if got := document.NameFits(func(uint32) (string, bool) { return full, true })(v); got != want {
			t.Errorf("%q: %v", full, got)
		}
	}
	if !document.NameFits(func(uint32) (string, bool) { return "", false })(v) {
		t.Error("a medicine that the dictionary does not know yet")
	}
	ref := signingKey(t, qr.Referral)
	if text, err = document.SealReferral(refer(t, "Кардиолог"), status, ref); err != nil {
		t.Fatal(err)
	}
	if !document.NameFits(func(uint32) (string, bool) { return "x", true })(verified(t, text, ref)) {
		t.Error("a referral has no medicines")
	}
}
