package evidence

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

func TestNumbersOfSlots(t *testing.T) {
	for _, c := range []struct {
		slot        Slot
		typed, want string
		err         error
	}{
		{Passport, "45 10 123456", "4510123456", nil},
		{Passport, "9810 12345", "", identity.ErrPassportFormat},
		{SNILS, "112-233-445 95", "11223344595", nil},
		{SNILS, "112-233-445 96", "", identity.ErrSNILSCheck},
		{Policy, "2341 9980 7165 5749", "2341998071655749", nil},
		{Policy, "2341998071655740", "", identity.ErrPolicyCheck},
		{PolicyApplication, "123 456 789", "123456789", nil},
		{PolicyApplication, "12345678", "", identity.ErrPolicyCertificateFormat},
		{INN, "500100732259", "500100732259", nil},
		{INN, "500100732258", "", identity.ErrINNCheck},
		{INN, "7830002293", "", ErrCompany},
		{DataConsent, "", "", nil},
		{DataConsent, "17", "", ErrNoNumber},
		{BirthCertificate, " ii-аб  123456 ", "II-АБ 123456", nil},
		{PowerOfAttorney, "", "", ErrNumber},
		{PowerOfAttorney, "77\x00", "", ErrNumber},
		{GuardianOrder, strings.Repeat("9", 65), "", ErrNumber},
	} {
		got, err := c.slot.Number(c.typed)
		if !errors.Is(err, c.err) || got != c.want {
			t.Errorf("%s %q: %q, %v", c.slot, c.typed, got, err)
		}
		if err == nil {
			if again, err := c.slot.Number(got); err != nil || again != got {
				t.Errorf("%s: the canonical form reads back as %q, %v", c.slot, again, err)
			}
		} else if len(c.typed) > 3 && strings.Contains(fault.From(err).Error(), c.typed) {
			t.Errorf("%s: the fault repeats the number", c.slot)
		}
	}
}

// The codes are those of the NSI list 1.2.643.5.1.13.13.99.2.313.
func TestCodesOfRepresentatives(t *testing.T) {
	var codes []int
	for _, s := range Slots() {
		if !s.Known() {
			t.Errorf("%s is not known", s)
		}
		if s.Code() > 0 {
			codes = append(codes, s.Code())
		}
	}
	if !slices.Equal(codes, []int{1, 2, 3, 4, 5}) || Slot("selfie").Known() || Slot("selfie").Code() != 0 {
		t.Errorf("codes %v", codes)
	}
}

func TestWhatADemandLacks(t *testing.T) {
	d, ok := ParseDemand([]string{"passport", "insurer", "snils"})
	if !ok || !d.Policy || !slices.Equal(d.Documents, []Slot{Passport, SNILS}) || !d.Asks(SNILS) || d.Asks(INN) {
		t.Fatalf("read as %+v, %v", d, ok)
	}
	for _, bad := range [][]string{{"selfie"}, {"passport", "passport"}, {"birthCertificate"}, {""}} {
		if _, ok := ParseDemand(bad); ok {
			t.Errorf("%q passes", bad)
		}
	}
	document, policy := Lack{NoDocument, SNILS}, Lack{Code: NoPolicy}
	for _, c := range []struct {
		approved []Slot
		linked   bool
		want     []Lack
	}{
		{nil, false, []Lack{{NoDocument, Passport}, document, policy}},
		{[]Slot{Passport, INN}, true, []Lack{document}},
		{[]Slot{SNILS, Passport}, false, []Lack{policy}},
		{[]Slot{SNILS, Passport}, true, nil},
	} {
		if got := d.Missing(c.approved, c.linked); !slices.Equal(got, c.want) {
			t.Errorf("%v, %v: %v", c.approved, c.linked, got)
		}
	}
	if missing := (Demand{}).Missing(nil, false); missing != nil {
		t.Errorf("nothing is demanded and lacks %v", missing)
	}
}

func TestWhatADocumentTakes(t *testing.T) {
	page := func(n int) File { return File{Number: n, Format: JPEG, Size: 1000, Pages: 1} }
	d := Document{Status: Draft}
	for _, n := range []int{2, 1, 2, 3} {
		if err := d.Takes(page(n)); err != nil {
			t.Fatal(err)
		}
		d.Files = d.With(page(n))
	}
	if len(d.Files) != 3 || d.Files[0].Number != 1 || d.Files[2].Number != 3 || d.Complete() != nil {
		t.Fatalf("%+v, %v", d.Files, d.Complete())
	}
	for name, f := range map[string]File{
		"no number":      page(0),
		"an eleventh":    page(11),
		"too many pages": {Number: 4, Pages: MaxPages - 2, Size: 1},
		"too many bytes": {Number: 4, Pages: 1, Size: MaxDocument - 2999},
	} {
		if err := d.Takes(f); !errors.Is(err, ErrFiles) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := d.Takes(File{Number: 3, Pages: MaxPages - 2, Size: MaxDocument - 2000}); err != nil {
		t.Errorf("what it replaces counts: %v", err)
	}
	if err := (Document{Status: Draft}).Complete(); !errors.Is(err, ErrEmpty) {
		t.Errorf("an empty one: %v", err)
	}
	if err := (Document{Status: Rejected, Files: []File{page(1), page(3)}}).Complete(); !errors.Is(err, ErrGap) {
		t.Errorf("one with a gap: %v", err)
	}
	d.Status = Checking
	if !errors.Is(d.Complete(), ErrChecking) || !errors.Is(d.Takes(page(1)), ErrChecking) {
		t.Error("one that is being checked changes")
	}
}
