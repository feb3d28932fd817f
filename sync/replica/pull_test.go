package replica_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

func fact(n int, scope, value string) replica.Fact {
	return replica.Fact{ID: rec(n), Kind: "document", Scope: scope, Date: noon,
		Atoms: map[string]json.RawMessage{"text": quote(value), "value": quote(value + value)}}
}

// gist is what lines do, in a word each.
func gist(lines []wire.Line) (out []string) {
	for _, l := range lines {
		switch {
		case l.Row != nil:
			names := make([]string, 0, 2)
			for name, versions := range l.Row.Atoms {
				names = append(names, name+"="+unquote(versions[0].Value))
			}
			slices.Sort(names)
			out = append(out, fmt.Sprint("row ", l.Row.ID[len(l.Row.ID)-2:], names))
		case l.Del != nil:
			out = append(out, "del "+l.Del.ID[len(l.Del.ID)-2:])
		case l.Red != nil:
			out = append(out, "red "+l.Red.ID[len(l.Red.ID)-2:])
		case l.Purge != nil:
			out = append(out, fmt.Sprint("purge ", l.Purge.Keep))
		case l.Card != nil && l.Card.Resync:
			out = append(out, "resync")
		}
	}
	return out
}

func expect(t *testing.T, what string, lines []wire.Line, want ...string) {
	t.Helper()
	if got := gist(lines); !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestPullSendsWhatChanged(t *testing.T) {
	d := newDesk(t)
	a := d.enrol("a")
	d.publish(fact(1, "lab.general", "x"), fact(2, "rx.general", "y"))
	lines, ask := d.pullAll("a", wire.PullCard{Card: cardID, Actor: a})
	expect(t, "first", lines, "row 01[text=x value=xx]", "row 02[text=y value=yy]")

	lines, next := d.pullAll("a", ask)
	expect(t, "nothing new", lines)
	if next != ask {
		t.Errorf("nothing happened, and the device's place went from %+v to %+v", ask, next)
	}
	changed := fact(1, "lab.general", "x")
	changed.Atoms["text"] = quote("z")
	d.publish(changed)
	lines, _ = d.pullAll("a", ask)
	expect(t, "one atom changed", lines, "row 01[text=z]")
	again, _ := d.pullAll("a", ask)
	expect(t, "asked again", again, gist(lines)...)

	d.must(d.book.Update(func(l replica.Ledger) error {
		_, err := d.server.Withdraw(l, []string{rec(2), rec(2), rec(9)})
		return err
	}))
	lines, ask = d.pullAll("a", ask)
	expect(t, "one deleted", lines, "row 01[text=z]", "del 02")
	fresh, _ := d.pullAll("a", wire.PullCard{Card: cardID, Actor: a})
	expect(t, "a new device hears nothing of what is gone", fresh, "row 01[text=z value=xx]")

	d.publish(fact(2, "rx.general", "y"))
	lines, _ = d.pullAll("a", ask)
	expect(t, "what comes back comes whole", lines, "row 02[text=y value=yy]")
}

// A record that moves on while a device reads page by page must not leave an atom behind that neither page brought.
func TestARecordThatMovesBetweenPagesComesWhole(t *testing.T) {
	d := newDesk(t)
	d.server.PageRows = 1
	a := d.enrol("a")
	d.publish(fact(1, "lab.general", "x"), fact(2, "lab.general", "y"))
	_, ask := d.pullAll("a", wire.PullCard{Card: cardID, Actor: a})
	d.publish(fact(3, "lab.general", "n"), fact(4, "lab.general", "m"))
	page := d.pull("a", ask)
	expect(t, "first page", page.Lines, "row 03[text=n value=nn]")
	if page.Ask.At != ask.At || page.Ask.Cursor == ask.Cursor {
		t.Errorf("between pages the cursor moves and At does not: %+v after %+v", page.Ask, ask)
	}
	four := fact(4, "lab.general", "m")
	four.Atoms["text"] = quote("M")
	d.publish(four)
	lines, next := d.pullAll("a", page.Ask)
	expect(t, "the rest", lines, "row 04[text=M value=mm]")
	if next.At != next.Cursor {
		t.Errorf("a complete answer leaves At behind: %+v", next)
	}
}

func TestPagesTogetherAreOneShot(t *testing.T) {
	d := newDesk(t)
	a := d.enrol("a")
	for n := range 40 {
		d.publish(fact(n+1, "lab.general", fmt.Sprint("v", n)))
	}
	var want []string
	for _, rows := range []int{500, 1, 3, 39, 40} {
		d.server.PageRows = rows
		lines, _ := d.pullAll("a", wire.PullCard{Card: cardID, Actor: a})
		if want == nil {
			want = gist(lines)
		}
		expect(t, fmt.Sprint(rows, " rows a page"), lines, want...)
	}
	d.server.PageRows, d.server.PageBytes = 500, 1
	lines, _ := d.pullAll("a", wire.PullCard{Card: cardID, Actor: a})
	expect(t, "a byte a page", lines, want...)
}

// What happens in scopes that a device may not see must not show: not in rows, nor in the place that it is given.
func TestHiddenWritesDoNotShow(t *testing.T) {
	d := newDesk(t)
	a := d.enrol("a")
	d.sights["a"] = replica.Sight{Now: replica.Scopes{"lab.general"}}
	d.publish(fact(1, "lab.general", "x"))
	_, ask := d.pullAll("a", wire.PullCard{Card: cardID, Actor: a})
	tag := d.tag("a")

	d.publish(fact(2, "lab.psychiatric", "y"), fact(3, "lab.psychiatric", "z"))
	lines, next := d.pullAll("a", ask)
	expect(t, "after hidden writes", lines)
	if next != ask {
		t.Errorf("the place moved: %+v, before %+v", next, ask)
	}
	if again := d.tag("a"); again != tag {
		t.Error("the head's tag moved")
	}
	d.publish(fact(4, "lab.general", "w"))
	lines, next = d.pullAll("a", ask)
	expect(t, "after a visible one", lines, "row 04[text=w value=ww]")
	if len(next.Cursor) != len(ask.Cursor) {
		t.Error("tokens differ in length")
	}
	// Dots tell nothing of hidden writes either: each record counts its own.
	for _, l := range lines {
		if l.Row != nil && l.Row.VV.String() != "0:1" {
			t.Errorf("the first write of a record is %s", l.Row.VV)
		}
	}
}

func TestACursorThatIsOfNoUseStartsAnew(t *testing.T) {
	d := newDesk(t)
	a := d.enrol("a")
	d.publish(fact(1, "lab.general", "x"))
	_, ask := d.pullAll("a", wire.PullCard{Card: cardID, Actor: a})
	for name, spoil := range map[string]func(*wire.PullCard){
		"a forged cursor":      func(p *wire.PullCard) { p.Cursor = "AAAAAAAAAAAAAAAAAAAAAA" },
		"no token":             func(p *wire.PullCard) { p.Cursor = "17" },
		"another device's":     func(p *wire.PullCard) { p.Cursor = d.seal("b").Seal(1) },
		"another epoch":        func(p *wire.PullCard) { p.Epoch = "e0" },
		"beyond the card's":    func(p *wire.PullCard) { p.Cursor = d.seal("a").Seal(99) },
		"a forged whole state": func(p *wire.PullCard) { p.At, p.Cursor = d.seal("a").Seal(99), "x" },
	} {
		bad := ask
		spoil(&bad)
		lines, next := d.pullAll("a", bad)
		expect(t, name, lines, "resync", "row 01[text=x value=xx]")
		if next.Cursor != ask.Cursor || next.At != ask.Cursor {
			t.Errorf("%s: goes on from %+v, want %+v", name, next, ask)
		}
	}
	d.must(d.book.View(func(l replica.Ledger) error {
		_, err := d.server.Pull(l, replica.Pull{Device: "b", Ask: ask, Sight: d.sight("b"), Seal: d.seal("b")})
		if !errors.Is(err, replica.ErrActor) {
			t.Errorf("another device's actor: %v", err)
		}
		return nil
	}))
}

// When what a device may see changes, it hears what remains and gets what it gained, and only then what is new.
func TestAChangeOfView(t *testing.T) {
	d := newDesk(t)
	d.server.PageRows = 2
	a := d.enrol("a")
	lab, both := replica.Scopes{"lab.general"}, replica.Scopes{"lab.general", "rx.general"}
	d.sights["a"] = replica.Sight{Now: lab}
	d.publish(fact(1, "rx.general", "a"), fact(2, "rx.general", "b"), fact(3, "rx.general", "c"), fact(4, "lab.general", "d"))
	lines, ask := d.pullAll("a", wire.PullCard{Card: cardID, Actor: a})
	expect(t, "a part", lines, "row 04[text=d value=dd]")

	d.sights["a"] = replica.Sight{Now: both, Since: span(lab, lab, both)}
	d.publish(fact(5, "lab.general", "e"))
	page := d.pull("a", ask)
	expect(t, "gained, first page", page.Lines, "purge [lab.general rx.general]", "row 01[text=a value=aa]", "row 02[text=b value=bb]")
	if page.Ask.View != "" || page.Ask.Cursor != ask.Cursor {
		t.Errorf("in the middle of a backfill the device is at %+v", page.Ask)
	}
	two := fact(2, "rx.general", "b")
	two.Atoms["text"] = quote("B")
	d.publish(two)
	lines, next := d.pullAll("a", page.Ask)
	expect(t, "the rest", lines, "row 03[text=c value=cc]", "row 05[text=e value=ee]", "row 02[text=B value=bb]")

	d.sights["a"] = replica.Sight{Now: lab, Since: span(both, lab, both)}
	lines, last := d.pullAll("a", next)
	expect(t, "lost", lines, "purge [lab.general]")
	lines, _ = d.pullAll("a", last)
	expect(t, "lost, again", lines)
}

// counting is a Ledger that counts rows.
type counting struct {
	replica.Ledger
	rows *int
}

func (c counting) Scan(scopes replica.Scopes, after uint64, limit int) ([]replica.Record, error) {
	out, err := c.Ledger.Scan(scopes, after, limit)
	*c.rows += len(out)
	return out, err
}

func TestWorkIsBounded(t *testing.T) {
	for _, size := range []int{100, 2000} {
		d := newDesk(t)
		d.server.PageRows = 500
		a := d.enrol("a")
		facts := make([]replica.Fact, size)
		for i := range facts {
			facts[i] = fact(i+1, "lab.general", "x")
		}
		d.publish(facts...)
		_, ask := d.pullAll("a", wire.PullCard{Card: cardID, Actor: a})
		read := func() int {
			rows := 0
			d.must(d.book.View(func(l replica.Ledger) error {
				_, err := d.server.Pull(counting{l, &rows}, replica.Pull{Device: "a", Ask: ask, Sight: d.sight("a"), Seal: d.seal("a")})
				return err
			}))
			return rows
		}
		if n := read(); n != 0 {
			t.Errorf("%d rows: a pull of nothing reads %d", size, n)
		}
		for i := range 10 {
			facts[i].Atoms = map[string]json.RawMessage{"text": quote("y")}
		}
		d.publish(facts...)
		if n := read(); n != 10 {
			t.Errorf("%d rows: a pull of ten reads %d", size, n)
		}
	}
}
