package referral

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
		Kind: Consultation, Care: Planned, Bearer: identity.NewBearer(1956, "Иванова", "Анна", "Петровна"), Clinic: "1027700132195",
		Purpose: "Консультация кардиолога", Referrer: "Соколов М. И.", Days: 30,
	}
}

func TestSheetCheck(t *testing.T) {
	if err := goodSheet().Check(); err != nil {
		t.Fatal(err)
	}
	for where, changes := range map[string][]func(*Sheet){
		"kind":     {func(s *Sheet) { s.Kind = 0 }, func(s *Sheet) { s.Kind = 5 }, func(s *Sheet) { s.Kind = 14 }},
		"care":     {func(s *Sheet) { s.Care = 0 }, func(s *Sheet) { s.Care = 4 }},
		"patient":  {func(s *Sheet) { s.Bearer = identity.Bearer{} }},
		"clinic":   {func(s *Sheet) { s.Clinic = "" }, func(s *Sheet) { s.Clinic = "0027700132195" }},
		"target":   {func(s *Sheet) { s.Target = "1" }},
		"purpose":  {func(s *Sheet) { s.Purpose = "" }, func(s *Sheet) { s.Purpose = strings.Repeat("я", 101) }},
		"referrer": {func(s *Sheet) { s.Referrer = "" }},
		"days":     {func(s *Sheet) { s.Days = 0 }, func(s *Sheet) { s.Days = 366 }},
	} {
		for _, change := range changes {
			s := goodSheet()
			change(&s)
			var f *fault.Fault
			if err := s.Check(); !errors.Is(err, ErrSheet) || !errors.As(err, &f) || len(f.Fields) != 1 || f.Fields[0].Where != where {
				t.Errorf("%s: %v", where, err)
			}
		}
	}
}

func TestLife(t *testing.T) {
	r, err := Issue("id", "card", Token{1}, goodSheet(), written, time.FixedZone("MSK", 3*60*60))
	if err != nil {
		t.Fatal(err)
	}
	last := time.Date(2026, 12, 20, 20, 59, 59, 0, time.UTC)
	if !r.ValidUntil.Equal(last) || r.At(last) != Issued || r.At(last.Add(time.Second)) != Expired {
		t.Errorf("valid until %s", r.ValidUntil)
	}
	used, err := r.Use("there", written)
	if err != nil || used.State != Used || r.State != Issued {
		t.Error(used.State, err)
	}
	for name, call := range map[string]func() (Referral, error){
		"used twice":        func() (Referral, error) { return used.Use("there", written) },
		"cancelled too":     func() (Referral, error) { return used.Cancel(written) },
		"used when expired": func() (Referral, error) { return r.Use("there", last.Add(time.Second)) },
	} {
		if _, err := call(); !errors.Is(err, ErrState) || fault.From(err).State == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Issue("id", "card", Token{}, Sheet{}, written, time.UTC); !errors.Is(err, ErrSheet) {
		t.Error(err)
	}
	sheet := goodSheet()
	sheet.Days = MaxDays
	if r, err = Issue("id", "card", Token{}, sheet, written, time.UTC); err != nil || r.ValidUntil.Sub(r.IssuedAt) > Longest {
		t.Error(r.ValidUntil, err)
	}
}
