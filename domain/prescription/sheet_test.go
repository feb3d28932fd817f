package prescription

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

var written = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

func goodItem() Item {
	return Item{
		Code: 5231, Name: "Метформин", Shape: Tablet, Strength: []Strength{{500, Milligram}}, Quantity: 60,
		Regimen: Regimen{Portion: 100, Times: 2, Days: 30},
	}
}

func goodSheet() Sheet {
	return Sheet{
		Form: Ordinary, Validity: Days60, Bearer: identity.NewBearer(1956, "Иванова", "Анна", "Петровна"), Clinic: "1027700132195",
		Prescriber: "Соколов М. И.", Items: []Item{goodItem()},
	}
}

func TestSheetCheck(t *testing.T) {
	if err := goodSheet().Check(written); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*Sheet)
		where  string
	}{
		"unknown form":            {func(s *Sheet) { s.Form = "1" }, "form"},
		"validity of another":     {func(s *Sheet) { s.Validity = Days15 }, "validity"},
		"unknown urgency":         {func(s *Sheet) { s.Urgency = 3 }, "urgency"},
		"no initials":             {func(s *Sheet) { s.Bearer.Initials = "" }, "patient"},
		"a whole name":            {func(s *Sheet) { s.Bearer.Initials = "Иванова" }, "patient"},
		"no year":                 {func(s *Sheet) { s.Bearer.BirthYear = 0 }, "patient"},
		"short OGRN":              {func(s *Sheet) { s.Clinic = "102770013219" }, "clinic"},
		"OGRN with letters":       {func(s *Sheet) { s.Clinic = "102770013219A" }, "clinic"},
		"nobody prescribed":       {func(s *Sheet) { s.Prescriber = " " }, "prescriber"},
		"a long name":             {func(s *Sheet) { s.Prescriber = strings.Repeat("я", 31) }, "prescriber"},
		"nothing prescribed":      {func(s *Sheet) { s.Items = nil }, "items"},
		"four medicines":          {func(s *Sheet) { s.Items = []Item{goodItem(), goodItem(), goodItem(), goodItem()} }, "items"},
		"no code":                 {func(s *Sheet) { s.Items[0].Code = 0 }, "items[0].code"},
		"no name":                 {func(s *Sheet) { s.Items[0].Name = "" }, "items[0].name"},
		"a line break":            {func(s *Sheet) { s.Items[0].Name = "a\nb" }, "items[0].name"},
		"no text":                 {func(s *Sheet) { s.Items[0].Name = "\xff" }, "items[0].name"},
		"no shape":                {func(s *Sheet) { s.Items[0].Shape = 0 }, "items[0].shape"},
		"an unknown shape":        {func(s *Sheet) { s.Items[0].Shape = Other + 1 }, "items[0].shape"},
		"no strength":             {func(s *Sheet) { s.Items[0].Strength = nil }, "items[0].strength"},
		"strength of nothing":     {func(s *Sheet) { s.Items[0].Strength = []Strength{{0, Gram}} }, "items[0].strength[0]"},
		"strength in nothing":     {func(s *Sheet) { s.Items[0].Strength = []Strength{{1, 0}} }, "items[0].strength[0]"},
		"nothing to hand out":     {func(s *Sheet) { s.Items[0].Quantity = 0 }, "items[0].quantity"},
		"less than nothing":       {func(s *Sheet) { s.Items[0].Quantity = -1 }, "items[0].quantity"},
		"a wagon":                 {func(s *Sheet) { s.Items[0].Quantity = MaxQuantity + 1 }, "items[0].quantity"},
		"nothing at a time":       {func(s *Sheet) { s.Items[0].Regimen.Portion = 0 }, "items[0].regimen.portion"},
		"a year without a period": {func(s *Sheet) { s.Validity = UpToYear }, "items[0].regimen.every"},
	} {
		s := goodSheet()
		c.change(&s)
		var f *fault.Fault
		if err := s.Check(written); !errors.Is(err, ErrSheet) || !errors.As(err, &f) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(f.Fields) != 1 || f.Fields[0].Where != c.where {
			t.Errorf("%s: %+v, want %s", name, f.Fields, c.where)
		}
	}
	if len(ErrSheet.Fields) != 0 {
		t.Error("the sentinel was changed")
	}
}

func TestIssue(t *testing.T) {
	p, err := Issue("id", "card", Token{1}, goodSheet(), written.Add(700*time.Millisecond), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	if !p.IssuedAt.Equal(written) || !p.ValidUntil.Equal(time.Date(2027, 1, 19, 23, 59, 59, 0, time.UTC)) || p.Course.State != Issued ||
		len(p.Course.Items) != 1 || p.Course.Items[0].Remaining() != 60 || !p.Course.ValidUntil.Equal(p.ValidUntil) {
		t.Errorf("%+v", p)
	}
	if _, err := Issue("id", "card", Token{1}, Sheet{}, written, time.UTC); !errors.Is(err, ErrSheet) {
		t.Error(err)
	}
}

func TestNamesOfShapesAndUnits(t *testing.T) {
	for s := Tablet; s <= Other; s++ {
		if got, ok := ShapeOf(s.String()); !ok || got != s {
			t.Errorf("shape %d is %q, which is %d", s, s, got)
		}
	}
	for u := Microgram; u <= Millilitre; u++ {
		if got, ok := UnitOf(u.String()); !ok || got != u {
			t.Errorf("unit %d is %q, which is %d", u, u, got)
		}
	}
	if _, ok := ShapeOf(""); ok {
		t.Error("no word is no shape")
	}
	if Shape(200).String() != "unknown" || Unit(0).String() != "unknown" {
		t.Error("unknown ones say so")
	}
}

func TestSameName(t *testing.T) {
	for _, c := range []struct {
		read, full string
		want       bool
	}{{"Метформин", "Метформин", true}, {"Ацетилсалициловая кис", "Ацетилсалициловая кислота", true}, {"Метформин", "Мет", false}, {"", "Метформин", false}, {"Метамизол", "Метформин", false}} {
		if SameName(c.read, c.full) != c.want {
			t.Errorf("%q of %q", c.read, c.full)
		}
	}
}
