package prescription

import (
	"errors"
	"testing"
	"time"
)

func TestSupplyDue(t *testing.T) {
	moscow := time.FixedZone("MSK", 3*60*60)
	friday := time.Date(2026, 11, 20, 12, 0, 0, 0, moscow)
	for _, c := range []struct {
		urgency    Urgency
		assortment Assortment
		want       string // the last day
	}{
		{Statim, OtherAssortment, "2026-11-23"},
		{Cito, MinimumAssortment, "2026-11-24"},
		{Routine, MinimumAssortment, "2026-11-27"},
		{Routine, OtherAssortment, "2026-12-04"},
		{Routine, ByCommission, "2026-12-11"},
	} {
		due, err := SupplyDue(c.urgency, c.assortment, friday, moscow)
		if err != nil || due.In(moscow).Format(time.DateTime) != c.want+" 23:59:59" {
			t.Errorf("%d %s: %s, %v", c.urgency, c.assortment, due.In(moscow), err)
		}
	}
	if _, err := SupplyDue(Statim, "", friday, moscow); !errors.Is(err, ErrAssortment) {
		t.Error(err)
	}
}

func TestSupplyKeepsAPrescriptionAlive(t *testing.T) {
	issued := twoItems(t)
	last := issued.ValidUntil.Add(-time.Hour)
	due := issued.ValidUntil.Add(5 * 24 * time.Hour)
	deferred := func(by string) Course {
		held, err := issued.Accept(lease(green, by), last)
		if err != nil {
			t.Fatal(err)
		}
		c, err := held.Defer(green, by, due, last.Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := deferred("s")
	if c.State != Issued || !c.Supply.Due.Equal(due) {
		t.Fatalf("%s %+v", c.State, c.Supply)
	}
	after := due.Add(24 * time.Hour)
	if now := c.At(after); now.State != Issued {
		t.Errorf("past its end: %s", now.State)
	}
	if _, err := c.Accept(lease(blue, "b"), after); !errors.Is(err, ErrExpired) {
		t.Errorf("another pharmacy past the end: %v", err)
	}
	if !c.Supply.Overdue(after) || c.Supply.Overdue(due) {
		t.Error("overdue is after the last second of the term")
	}
	arrived, err := c.Arrive(green, after)
	if err != nil || !arrived.Supply.Arrived.Equal(after) || arrived.Supply.Overdue(after) || arrived.Version != c.Version+1 {
		t.Errorf("%+v, %v", arrived.Supply, err)
	}
	if again, err := arrived.Arrive(green, after.Add(time.Hour)); err != nil || again.Version != arrived.Version || again.Supply != arrived.Supply {
		t.Errorf("said twice: %+v, %v", again.Supply, err)
	}
	held, err := arrived.Accept(lease(green, "g"), after)
	if err != nil {
		t.Fatal(err)
	}
	done, err := held.Complete(green, "g", []Portion{{0, 60}, {1, 30}}, after)
	if err != nil || done.Supply != (Supply{}) || done.At(after).State != Expired {
		t.Errorf("the favour lasts for one hand-out: %s %+v, %v", done.At(after).State, done.Supply, err)
	}
	if forgotten := arrived.At(after.Add(31 * 24 * time.Hour)); forgotten.State != Expired || forgotten.Supply != (Supply{}) {
		t.Errorf("nobody came for it: %s", forgotten.State)
	}
	if given, err := c.Withdraw(green, after); err != nil || given.State != Expired {
		t.Errorf("given up: %s, %v", given.State, err)
	}
	for what, do := range map[string]func() (Course, error){
		"arrive":         func() (Course, error) { return c.Arrive(blue, last) },
		"withdraw":       func() (Course, error) { return c.Withdraw(blue, last) },
		"of nobody":      func() (Course, error) { return issued.Arrive("", last) },
		"of none at all": func() (Course, error) { return issued.Withdraw(green, last) },
	} {
		if _, err := do(); !errors.Is(err, ErrNoSupply) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Another pharmacy takes over once the term has passed, and not before; the same one keeps its first term.
func TestWhoMayOrder(t *testing.T) {
	issued := twoItems(t)
	due := written.Add(5 * 24 * time.Hour)
	order := func(c Course, by string, at time.Time) (Course, error) {
		holder := green
		if by == "blue" {
			holder = blue
		}
		held, err := c.Accept(lease(holder, by), at)
		if err != nil {
			t.Fatal(err)
		}
		return held.Defer(holder, by, at.Add(5*24*time.Hour), at)
	}
	first, err := order(issued, "green", written)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := order(first, "green", written.Add(time.Hour)); err != nil || !again.Supply.Due.Equal(due) {
		t.Errorf("registered again the term began anew: %+v, %v", again.Supply, err)
	}
	if _, err := order(first, "blue", due); !errors.Is(err, ErrDeferred) {
		t.Errorf("taken over within the term: %v", err)
	}
	if over, err := order(first, "blue", due.Add(time.Second)); err != nil || over.Supply.Holder != blue {
		t.Errorf("%+v, %v", over.Supply, err)
	}
	if cancelled, err := first.Cancel(written.Add(time.Hour)); err != nil || cancelled.Supply != (Supply{}) {
		t.Errorf("%+v, %v", cancelled.Supply, err)
	}
}
