package referral

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/fault"
)

func issued(t *testing.T) Referral {
	t.Helper()
	sheet := goodSheet()
	sheet.Specialty = 25
	r, err := Issue("r0", "card", Token{1}, sheet, written, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func to(specialty uint16) Destination {
	return Destination{Target: "1037739442707", Specialty: specialty, Purpose: "Консультация аритмолога", Clinic: "1027700132195", Referrer: "Ким Е. А."}
}

func TestTakenByOneClinic(t *testing.T) {
	r := issued(t)
	taken, err := r.Accept("north", written)
	if err != nil || taken.State != Accepted || taken.Category(written) != CategoryActive {
		t.Fatal(taken.State, err)
	}
	if again, err := taken.Accept("north", written); err != nil || again != taken {
		t.Error("its first answer was lost:", err)
	}
	for what, act := range map[string]func() (Referral, error){
		"accepted": func() (Referral, error) { return taken.Accept("south", written) },
		"used":     func() (Referral, error) { return taken.Use("south", written) },
	} {
		if _, err := act(); !errors.Is(err, ErrTaken) {
			t.Errorf("%s by another: %v", what, err)
		}
	}
	used, err := taken.Use("north", written)
	if err != nil || used.Category(written) != CategoryUsed {
		t.Error(used.State, err)
	}
	if _, err := used.Cancel(written); !errors.Is(err, ErrState) || fault.From(err).State != "used" {
		t.Error(err)
	}
	if late := taken.At(taken.ValidUntil.Add(time.Second)); late != Expired {
		t.Errorf("what nobody came with is %s", late)
	}
}

func TestHandedOn(t *testing.T) {
	r := issued(t)
	later := written.Add(5*24*time.Hour + 300*time.Millisecond)
	closed, next, err := r.Transfer("r1", Token{2}, to(26), nil, later)
	if err != nil {
		t.Fatal(err)
	}
	if closed.State != Transferred || closed.ReplacedBy != "r1" || closed.Category(later) != CategoryHandedOn || r.State != Issued {
		t.Errorf("the old one: %+v", closed)
	}
	if next.State != Issued || next.Replaces != "r0" || next.Token != (Token{2}) || !next.ValidUntil.Equal(r.ValidUntil) || next.Sheet.Specialty != 26 ||
		next.Sheet.Bearer != r.Sheet.Bearer || next.Sheet.Referrer != "Ким Е. А." || next.Sheet.Days != 25 || !next.IssuedAt.Equal(written.Add(5*24*time.Hour)) {
		t.Errorf("the new one: %+v", next)
	}
	if _, _, err := closed.Transfer("r2", Token{3}, to(27), nil, later); !errors.Is(err, ErrState) || fault.From(err).State != "transferred" {
		t.Errorf("handed on twice: %v", err)
	}
	if _, _, err := next.Transfer("r2", Token{3}, Destination{Specialty: 25, Clinic: "1027700132195", Referrer: "Ким Е. А."}, []Referral{closed}, later); !errors.Is(err, ErrLoop) {
		t.Errorf("back to the first: %v", err)
	}
	for name, where := range map[string]Destination{"nowhere": {Clinic: "1027700132195", Referrer: "Ким"}, "where it is": to(26)} {
		if _, _, err := next.Transfer("r2", Token{3}, where, []Referral{closed}, later); !errors.Is(err, ErrWhere) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := r.Transfer("r2", Token{3}, Destination{Specialty: 27}, nil, later); !errors.Is(err, ErrSheet) {
		t.Errorf("handed on by nobody: %v", err)
	}
	used, err := next.Use("north", later)
	if err != nil {
		t.Fatal(err)
	}
	for state, gone := range map[State]Referral{Used: used, Expired: next} {
		at := later
		if state == Expired {
			at = next.ValidUntil.Add(time.Second)
		}
		if _, _, err := gone.Transfer("r2", Token{3}, to(27), nil, at); !errors.Is(err, ErrState) || fault.From(err).State != string(state) {
			t.Errorf("%s: %v", state, err)
		}
	}
}

func TestAChainEnds(t *testing.T) {
	r := issued(t)
	var chain []Referral
	for n := uint16(1); ; n++ {
		closed, next, err := r.Transfer(ID(fmt.Sprintf("r%d", n)), Token{byte(n)}, to(100+n), chain, written)
		if err != nil {
			if !errors.Is(err, ErrChain) || len(chain)+1 != MaxChain {
				t.Errorf("after %d: %v", len(chain)+1, err)
			}
			return
		}
		chain, r = append(chain, closed), next
	}
}

func TestDetails(t *testing.T) {
	s := goodSheet()
	s.Details = Details{
		ClinicAddress: "Москва, ул. Лесная, 5", Residence: Urban, Care: SpecialisedCare, Conditions: Outpatient, Policy: "7700001234567890",
		PolicyIssued: "2019-04-01", Insurer: "СМО", Diagnosis: "I48.0", Indications: "Пароксизмы", Courses: 1,
	}
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	for where, change := range map[string]func(*Details){
		"details.residence": func(d *Details) { d.Residence = "moon" }, "details.care": func(d *Details) { d.Care = "x" },
		"details.conditions": func(d *Details) { d.Conditions = "x" }, "details.policy": func(d *Details) { d.Policy = "12" },
		"details.policyIssued": func(d *Details) { d.PolicyIssued = "1.04.2019" }, "details.indications": func(d *Details) { d.Indications = string(make([]byte, 2001)) },
	} {
		bad := s
		change(&bad.Details)
		if f := fault.From(bad.Check()); f == nil || len(f.Fields) != 1 || f.Fields[0].Where != where {
			t.Errorf("%s: %+v", where, f)
		}
	}
}
