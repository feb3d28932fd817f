package certificate

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

var written = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

func goodSheet() Sheet {
	return Sheet{
		Kind: "086/u", Number: "2026-114", Bearer: identity.NewBearer(2008, "Иванова", "Анна", "Петровна"), Clinic: "1027700132195",
		Author: "Соколов М. И.", Text: "Годна к обучению.\nОграничений нет.", Days: 180,
	}
}

func TestSheetCheck(t *testing.T) {
	if err := goodSheet().Check(written); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*Sheet)
		rule   fault.Code
	}{
		"an unknown kind":     {func(s *Sheet) { s.Kind = "1/u" }, "certificate.kind_not_in_force"},
		"no number":           {func(s *Sheet) { s.Number = "" }, "certificate.number"},
		"a long number":       {func(s *Sheet) { s.Number = strings.Repeat("1", 25) }, "certificate.number"},
		"nobody's":            {func(s *Sheet) { s.Bearer = identity.Bearer{} }, "certificate.patient"},
		"no clinic":           {func(s *Sheet) { s.Clinic = "0027700132195" }, "certificate.clinic"},
		"nobody signed":       {func(s *Sheet) { s.Author = "" }, "certificate.author"},
		"no text":             {func(s *Sheet) { s.Text = " \n" }, "certificate.text"},
		"a book":              {func(s *Sheet) { s.Text = strings.Repeat("я", MaxText/2+1) }, "certificate.text"},
		"a control character": {func(s *Sheet) { s.Text = "a\x00b" }, "certificate.text"},
		"valid for no day":    {func(s *Sheet) { s.Days = 0 }, "certificate.validity_not_allowed"},
		"valid for too long":  {func(s *Sheet) { s.Days = 184 }, "certificate.validity_not_allowed"},
	} {
		s := goodSheet()
		c.change(&s)
		err := s.Check(written)
		if f := fault.From(err); !errors.Is(err, ErrSheet) || len(f.Fields) != 1 || f.Fields[0].Code != c.rule {
			t.Errorf("%s: %v %+v", name, err, f)
		}
	}
}

func TestLife(t *testing.T) {
	c, err := Issue("id", "card", Token{1}, goodSheet(), written, time.FixedZone("MSK", 3*60*60))
	if err != nil {
		t.Fatal(err)
	}
	last := time.Date(2027, 5, 19, 20, 59, 59, 0, time.UTC)
	if !c.ValidUntil.Equal(last) || c.At(last) != Issued || c.At(last.Add(time.Second)) != Expired {
		t.Errorf("valid until %s", c.ValidUntil)
	}
	gone, err := c.Revoke(written)
	if err != nil || gone.State != Revoked || c.State != Issued || gone.At(last.Add(time.Hour)) != Revoked {
		t.Error(gone.State, err)
	}
	if _, err := gone.Revoke(written); !errors.Is(err, ErrRevoked) {
		t.Error("revoked twice:", err)
	}
	if _, err := c.Revoke(last.Add(time.Second)); !errors.Is(err, ErrExpired) {
		t.Error("revoked after its end:", err)
	}
	if _, err := Issue("id", "card", Token{1}, Sheet{}, written, time.UTC); !errors.Is(err, ErrSheet) {
		t.Error(err)
	}
}

// Whatever is changed on a document changes its hash, and no two fields can lend each other a letter.
func TestHash(t *testing.T) {
	c, err := Issue("id", "card", Token{1}, goodSheet(), written, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[[32]byte]string{c.Hash(): "itself"}
	for name, change := range map[string]func(*Certificate){
		"kind": func(c *Certificate) { c.Sheet.Kind = "070/u" }, "number": func(c *Certificate) { c.Sheet.Number += "0" },
		"initials": func(c *Certificate) { c.Sheet.Bearer.Initials = "ИАС" }, "year": func(c *Certificate) { c.Sheet.Bearer.BirthYear++ },
		"clinic": func(c *Certificate) { c.Sheet.Clinic = "1027700132196" }, "author": func(c *Certificate) { c.Sheet.Author += "." },
		"issue": func(c *Certificate) { c.IssuedAt = c.IssuedAt.Add(time.Second) }, "end": func(c *Certificate) { c.ValidUntil = c.ValidUntil.Add(time.Second) },
		"text":     func(c *Certificate) { c.Sheet.Text = strings.Replace(c.Sheet.Text, "Годна", "Не годна", 1) },
		"a letter": func(c *Certificate) { c.Sheet.Number, c.Sheet.Bearer.Initials = c.Sheet.Number+"И", "АП" },
	} {
		other := c
		change(&other)
		if same, ok := seen[other.Hash()]; ok {
			t.Errorf("%s: the hash of %s", name, same)
		}
		seen[other.Hash()] = name
	}
	other := c
	other.ID, other.Card, other.Token, other.State = "x", "y", Token{2}, Revoked
	if other.Hash() != c.Hash() {
		t.Error("what does not stand on the document is in its hash")
	}
}

func TestRowsAreDated(t *testing.T) {
	for i, a := range rows {
		if a.Number == 0 || a.Title == "" || a.Source == "" || a.Days < 1 || a.Days > MaxDays {
			t.Errorf("%+v", a)
		}
		if _, ok := On(a.Kind, a.From.Add(-time.Second)); ok {
			t.Errorf("%s is in force before its first day", a.Kind)
		}
		if got, ok := OnNumber(a.Number, a.From); !ok || got.Kind != a.Kind {
			t.Errorf("%d is %s", a.Number, got.Kind)
		}
		for _, b := range rows[i+1:] {
			if (a.Kind == b.Kind) != (a.Number == b.Number) {
				t.Errorf("%s and %s share a number, or a kind has two", a.Kind, b.Kind)
			}
		}
	}
}
