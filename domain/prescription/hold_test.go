package prescription

import (
	"errors"
	"testing"
	"time"
)

func TestSuspended(t *testing.T) {
	c := twoItems(t)
	some, err := c.Accept(lease(green, "s"), written)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := some.Suspend(written); !errors.Is(err, ErrInWork) {
		t.Errorf("suspended under a pharmacist's hands: %v", err)
	}
	if some, err = some.Complete(green, "s", []Portion{{0, 20}}, written); err != nil {
		t.Fatal(err)
	}
	for name, before := range map[string]Course{"untouched": c, "handed out in part": some} {
		held, err := before.Suspend(written)
		if err != nil || held.State != OnHold || held.Category(written) != CategoryOnHold {
			t.Fatalf("%s: %v %v", name, held.State, err)
		}
		for what, act := range map[string]func() (Course, error){
			"accepted":        func() (Course, error) { return held.Accept(lease(blue, "b"), written) },
			"suspended again": func() (Course, error) { return held.Suspend(written) },
		} {
			if _, err := act(); !errors.Is(err, ErrOnHold) {
				t.Errorf("%s: %s: %v", name, what, err)
			}
		}
		on, err := held.Resume(written)
		if err != nil || on.State != before.State {
			t.Errorf("%s: it goes on as %s, %v", name, on.State, err)
		}
		if _, err := on.Resume(written); !errors.Is(err, ErrNotOnHold) {
			t.Errorf("%s: resumed twice: %v", name, err)
		}
		if gone, err := held.Cancel(written); err != nil || gone.Category(written) != CategoryCancelled {
			t.Errorf("%s: cancelled: %v %v", name, gone.State, err)
		}
		after := held.ValidUntil.Add(time.Second)
		if held.Category(after) != CategoryExpired {
			t.Errorf("%s: time does not stand still for what is suspended", name)
		}
		if _, err := held.Resume(after); !errors.Is(err, ErrNotOnHold) {
			t.Errorf("%s: resumed after its end: %v", name, err)
		}
	}
}

func TestCategories(t *testing.T) {
	c := twoItems(t)
	held, err := c.Accept(lease(green, "s"), written)
	if err != nil {
		t.Fatal(err)
	}
	part, err := held.Complete(green, "s", []Portion{{0, 20}}, written)
	if err != nil {
		t.Fatal(err)
	}
	again, err := part.Accept(lease(green, "s"), written)
	if err != nil {
		t.Fatal(err)
	}
	all, err := again.Complete(green, "s", []Portion{{0, 40}, {1, 90}}, written)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		course Course
		at     time.Time
		want   Category
	}{
		{c, written, CategoryActive}, {held, written, CategoryActive}, {part, written, CategoryPartly}, {again, written, CategoryPartly},
		{all, written, CategoryDispensed}, {all, c.ValidUntil.Add(time.Hour), CategoryDispensed}, {part, c.ValidUntil.Add(time.Hour), CategoryExpired},
	} {
		if got := row.course.Category(row.at); got != row.want || !got.Known() {
			t.Errorf("%s is %s, want %s", row.course.State, got, row.want)
		}
	}
}
