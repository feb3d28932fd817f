package replica_test

import (
	"testing"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

var labOnly = replica.Scopes{"lab.general"}

// A record that goes where a device may not look vanishes from it. Of one that never stood where it may look it hears nothing.
func TestAMoveOutOfSight(t *testing.T) {
	d := newDesk(t)
	a := d.enrol("a")
	d.sights["a"] = replica.Sight{Now: labOnly}
	d.publish(fact(1, "lab.general", "x"), fact(2, "lab.hidden", "y"), fact(3, "lab.general", "z"))
	_, ask := d.pullAll("a", wire.PullCard{Card: cardID, Actor: a})
	tag := d.tag("a")
	d.publish(fact(2, "rx.hidden", "y"))
	if d.tag("a") != tag {
		t.Error("a move from one hidden scope to another shows")
	}
	lines, _ := d.pullAll("a", ask)
	expect(t, "hidden to hidden", lines)

	d.publish(fact(1, "lab.hidden", "x"))
	if d.tag("a") == tag {
		t.Error("a record vanished and the head's tag stays")
	}
	lines, next := d.pullAll("a", ask)
	expect(t, "out of sight", lines, "red 01")
	lines, _ = d.pullAll("a", next)
	expect(t, "told once", lines)
	fresh, _ := d.pullAll("a", wire.PullCard{Card: cardID, Actor: a})
	expect(t, "a new device", fresh, "row 03[text=z value=zz]")

	d.publish(fact(1, "lab.general", "x"))
	lines, _ = d.pullAll("a", next)
	expect(t, "back again, whole", lines, "row 01[text=x value=xx]")
	lines, _ = d.pullAll("a", ask)
	expect(t, "away and back between two pulls", lines, "row 01[text=x value=xx]")
}

func TestThroughThreeScopesBetweenTwoPulls(t *testing.T) {
	for _, c := range []struct {
		path []string
		want []string
	}{
		{[]string{"lab.general", "lab.hidden", "rx.hidden"}, []string{"red 01"}},
		{[]string{"lab.general", "lab.hidden", "lab.general", "rx.hidden"}, []string{"red 01"}},
		{[]string{"lab.hidden", "lab.general", "rx.hidden"}, nil},
		{[]string{"lab.hidden", "rx.hidden", "lab.general"}, []string{"row 01[text=x value=xx]"}},
		{[]string{"lab.general", "lab.hidden", "rx.hidden", "lab.general"}, []string{"row 01[text=x value=xx]"}},
		{[]string{"", "lab.general", "lab.hidden"}, nil},
	} {
		d := newDesk(t)
		a := d.enrol("a")
		d.sights["a"] = replica.Sight{Now: labOnly}
		d.publish(fact(9, "lab.general", "n"))
		for i, scope := range c.path {
			if i == 1 {
				break
			}
			if scope != "" {
				d.publish(fact(1, scope, "x"))
			}
		}
		_, ask := d.pullAll("a", wire.PullCard{Card: cardID, Actor: a})
		for _, scope := range c.path[1:] {
			d.publish(fact(1, scope, "x"))
		}
		lines, _ := d.pullAll("a", ask)
		expect(t, "through "+c.path[1], lines, c.want...)
	}
}

// Between two pages of one answer everything may move: what a page brought must not stay, what none brought must not be told.
func TestMovesBetweenPages(t *testing.T) {
	d := newDesk(t)
	d.server.PageRows = 1
	a := d.enrol("a")
	d.sights["a"] = replica.Sight{Now: labOnly}
	d.publish(fact(1, "lab.general", "a"), fact(2, "lab.general", "b"), fact(3, "lab.hidden", "c"))
	page := d.pull("a", wire.PullCard{Card: cardID, Actor: a})
	expect(t, "first page", page.Lines, "row 01[text=a value=aa]")
	d.publish(fact(1, "lab.hidden", "a")) // sent by now
	d.publish(fact(3, "rx.hidden", "c"))  // never seen
	page = d.pull("a", page.Ask)
	expect(t, "second page", page.Lines, "red 01", "row 02[text=b value=bb]")
	d.publish(fact(1, "lab.general", "a"))
	d.publish(fact(1, "lab.hidden", "a")) // back and away, between two pages
	lines, _ := d.pullAll("a", page.Ask)
	expect(t, "the rest", lines)
}

// A record that moves between two scopes of which the device keeps one stays where another grant shows it.
func TestVisibleThroughAnotherGrant(t *testing.T) {
	d := newDesk(t)
	one := d.phone("a")
	both := replica.Scopes{"lab.general", "rx.general"}
	d.sights["a"] = replica.Sight{Now: both}
	d.publish(fact(1, "lab.general", "a"), fact(2, "lab.general", "b"))
	one.mustSync()
	d.publish(fact(1, "rx.general", "a"))
	rx := replica.Scopes{"rx.general"}
	d.sights["a"] = replica.Sight{Now: rx, Changed: d.head().Seq, Since: span(both, rx, both)}
	one.mustSync()
	if a, b := one.sees(rec(1)), one.sees(rec(2)); a != "a" || b != replica.ErrUnknown.Error() {
		t.Errorf("sees %q and %q", a, b)
	}
	d.sights["a"] = replica.Sight{Now: both, Changed: d.head().Seq, Since: span(rx, rx, both)}
	one.mustSync()
	if a, b := one.sees(rec(1)), one.sees(rec(2)); a != "a" || b != "b" {
		t.Errorf("after the regrant it sees %q and %q", a, b)
	}
}

// Access that went and came again between two pulls leaves nothing behind that was deleted, or went away, meanwhile.
func TestAccessThatWentAndCameAgain(t *testing.T) {
	d := newDesk(t)
	one := d.phone("a")
	both := replica.Scopes{"lab.general", "rx.general"}
	d.sights["a"] = replica.Sight{Now: labOnly}
	d.publish(fact(1, "lab.general", "a"), fact(2, "lab.general", "b"), fact(3, "lab.general", "c"))
	one.mustSync()
	d.must(d.book.Update(func(l replica.Ledger) error {
		_, err := d.server.Withdraw(l, []string{rec(1)})
		return err
	}))
	d.publish(fact(2, "lab.hidden", "b"))
	d.sights["a"] = replica.Sight{Now: both, Changed: d.head().Seq, Since: span(labOnly, nil, both)}
	one.mustSync()
	for n, want := range map[int]string{1: replica.ErrUnknown.Error(), 2: replica.ErrUnknown.Error(), 3: "c"} {
		if got := one.sees(rec(n)); got != want {
			t.Errorf("%d: sees %q", n, got)
		}
	}
}

// A record that went into a scope which the device then gained, and was deleted there, was never told of as gone from the old one.
func TestAMoveIntoAGainedScope(t *testing.T) {
	for _, deleted := range []bool{false, true} {
		d := newDesk(t)
		one := d.phone("a")
		d.sights["a"] = replica.Sight{Now: labOnly}
		d.publish(fact(1, "lab.general", "a"))
		one.mustSync()
		d.publish(fact(1, "rx.general", "a"))
		want := "a"
		if deleted {
			want = replica.ErrUnknown.Error()
			d.must(d.book.Update(func(l replica.Ledger) error {
				_, err := d.server.Withdraw(l, []string{rec(1)})
				return err
			}))
		}
		both := replica.Scopes{"lab.general", "rx.general"}
		d.sights["a"] = replica.Sight{Now: both, Changed: d.head().Seq, Since: span(labOnly, labOnly, both)}
		one.mustSync()
		if got := one.sees(rec(1)); got != want {
			t.Errorf("deleted %v: sees %q", deleted, got)
		}
	}
}

// A record moves into another scope that the device sees, and before it comes from there, between two pages, that scope is lost. The
// phone holds it under its old scope still, which stays. (Seed 23232 of commit c4d94e0.)
func TestAMoveIntoAScopeThatIsLostBetweenPages(t *testing.T) {
	d := newDesk(t)
	d.server.PageRows = 1
	one := d.phone("a")
	both := replica.Scopes{"lab.general", "rx.general"}
	d.sights["a"] = replica.Sight{Now: both}
	d.publish(fact(1, "lab.general", "moves"), fact(2, "lab.general", "stays"))
	one.mustSync()
	d.publish(fact(3, "lab.general", "new"), fact(1, "rx.general", "moves"))
	x, err := one.Exchange(1)
	d.must(err)
	for _, line := range one.answer(x.Request())[:3] { // card, one row, end
		d.must(x.Line(line))
	}
	x.Close()
	d.sights["a"] = replica.Sight{Now: labOnly, Changed: d.head().Seq, Since: span(both, labOnly, both)}
	one.mustSync()
	for n, want := range map[int]string{1: replica.ErrUnknown.Error(), 2: "stays", 3: "new"} {
		if got := one.sees(rec(n)); got != want {
			t.Errorf("%d: sees %q", n, got)
		}
	}
}
