package replica_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/simnet"
	"github.com/medcard/medcard/sync/wire"
)

// ask puts a question of a check to the server.
func (d *desk) ask(device string, ask wire.CheckRequest) (out wire.CheckResponse, err error) {
	d.t.Helper()
	raw, err := wire.Marshal(ask)
	d.must(err)
	if ask, err = wire.Decode[wire.CheckRequest](raw); err != nil {
		d.t.Fatal("the server does not read the question: ", err)
	}
	err = d.book.View(func(l replica.Ledger) error {
		out, err = d.server.Check(l, replica.Check{Device: device, Ask: ask, Sight: d.sight(device), Seal: d.seal(device)})
		return err
	})
	return out, err
}

// check runs a whole check; each round's answer is shown to watch.
func (h *handset) check(watch func(wire.CheckRequest, wire.CheckResponse)) replica.CheckReport {
	h.desk.t.Helper()
	c, err := h.Checkup()
	h.desk.must(err)
	for range 200 {
		if c.Done() {
			return c.Report
		}
		h.round(c, watch)
	}
	h.desk.t.Fatal("a check without end")
	return c.Report
}

func (h *handset) round(c *replica.Checkup, watch func(wire.CheckRequest, wire.CheckResponse)) {
	h.desk.t.Helper()
	r, err := c.Round()
	h.desk.must(err)
	defer r.Close()
	ask := r.Request(deviceID)
	answer, err := h.desk.ask(h.device, ask)
	h.desk.must(err)
	switch err := r.Answer(answer); {
	case errors.Is(err, replica.ErrBehind):
		r.Close()
		h.mustSync()
		return
	default:
		h.desk.must(err)
	}
	if watch != nil {
		watch(ask, answer)
	}
}

const deviceID = "0195f3a1-0000-7000-8000-0000000000de"

func (h *handset) base() (rows map[string]string) {
	h.shelf.Damage(func(base map[string]wire.Row) {
		rows = make(map[string]string, len(base))
		for id, row := range base {
			raw, err := wire.Marshal(row)
			h.desk.must(err)
			rows[id] = string(raw)
		}
	})
	return rows
}

// flip changes one letter of some value.
func flip(row wire.Row) wire.Row {
	atoms := maps.Clone(row.Atoms)
	for _, name := range slices.Sorted(maps.Keys(atoms)) {
		versions := slices.Clone(atoms[name])
		v := slices.Clone(versions[0].Value)
		v[len(v)/2] ^= 1
		versions[0].Value, atoms[name] = v, versions
		break
	}
	row.Atoms = atoms
	return row
}

// crowd is a desk with many documents, and a phone that has them all.
func crowd(t testing.TB, n int) (*desk, *handset) {
	d := newDesk(t)
	d.server.PageRows = 0
	facts := make([]replica.Fact, n)
	for i := range facts {
		facts[i] = fact(i+1, []string{"lab.general", "note.general"}[i%2], fmt.Sprintf("value %d", i))
	}
	d.publish(facts...)
	h := d.phone("a")
	h.mustSync()
	return d, h
}

// What is damaged on a phone is found among ten thousand records, and little else travels: invariant 14.
func TestDamageAmongTenThousandIsRepaired(t *testing.T) {
	d, h := crowd(t, 10_000)
	want := h.base()
	for _, c := range []struct {
		flips, drops, strays int
	}{{}, {flips: 1}, {drops: 1}, {strays: 1}, {3, 3, 3}, {50, 50, 20}} {
		random := rand.New(rand.NewPCG(1, uint64(c.flips)))
		h.shelf.Damage(func(base map[string]wire.Row) {
			ids := slices.Sorted(maps.Keys(base))
			random.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
			for _, id := range ids[:c.flips] {
				base[id] = flip(base[id])
			}
			for _, id := range ids[c.flips : c.flips+c.drops] {
				delete(base, id)
			}
			for i := range c.strays {
				row := base[ids[len(ids)-1]]
				row.ID = fmt.Sprintf("0195f3a1-0000-7000-8000-0001%08x", random.Uint32())
				if i%2 == 0 {
					row.ID = fmt.Sprintf("0195f3a1-0000-7000-8000-%012x", 20_000+i)
				}
				base[row.ID] = row
			}
		})
		rows, bytes := 0, 0
		report := h.check(func(ask wire.CheckRequest, answer wire.CheckResponse) {
			a, err1 := wire.Marshal(ask)
			b, err2 := wire.Marshal(answer)
			d.must(errors.Join(err1, err2))
			rows, bytes = rows+len(answer.Rows), bytes+len(a)+len(b)
		})
		t.Logf("%+v: %+v, %d bytes", c, report, bytes)
		if !maps.Equal(want, h.base()) {
			t.Fatalf("%+v: not repaired", c)
		}
		if rows != c.flips+c.drops || rows > 500 {
			t.Errorf("%+v: %d rows moved", c, rows)
		}
		if report.Repaired != rows || report.Dropped != c.strays {
			t.Errorf("%+v: the report says %+v", c, report)
		}
	}
}

// digesting tells how many digests were made.
type digesting struct {
	replica.Ledger
	made *int
}

func (c digesting) Digests(scopes replica.Scopes, from, to string, limit int) ([]wire.Entry, error) {
	list, err := c.Ledger.Digests(scopes, from, to, limit)
	*c.made += len(list)
	return list, err
}

// However large the card is and whatever is asked, one answer looks at so many records and at no more of them: at a page's worth, or, where
// the question says that it is about more, at four thousand. A check goes on where the answer stopped.
func TestOneAnswerOfACheckIsBounded(t *testing.T) {
	d, h := crowd(t, 3_000)
	d.server.PageRows, d.server.CheckRows = 100, 500
	made := func(ranges ...wire.Range) (n int, out wire.CheckResponse) {
		meta, err := h.Meta()
		d.must(err)
		ask := wire.CheckRequest{Device: deviceID, Card: cardID, Actor: meta.Actor, Epoch: meta.Epoch, Cursor: meta.Cursor, View: meta.View, Ranges: ranges}
		d.must(d.book.View(func(l replica.Ledger) (err error) {
			out, err = d.server.Check(digesting{l, &n}, replica.Check{Device: h.device, Ask: ask, Sight: d.sight(h.device), Seal: d.seal(h.device)})
			return err
		}))
		return n, out
	}
	lie := wire.Sum{Count: -5}
	for name, c := range map[string]struct {
		ranges      []wire.Range
		most, cells int
		rest        string
	}{
		"all":                     {[]wire.Range{{Sum: wire.Sum{Count: 3_000}}}, 501, 1, rec(501)},
		"all, it says few":        {[]wire.Range{{Sum: lie}}, 101, 1, rec(101)},
		"three":                   {[]wire.Range{{To: rec(401), Sum: wire.Sum{Count: 1 << 62}}, {From: rec(401), To: rec(450)}, {From: rec(600), To: rec(900)}}, 501, 0, rec(651)},
		"ends on the edge":        {[]wire.Range{{To: rec(501), Sum: wire.Sum{Count: 500}}, {From: rec(700)}}, 500, 0, rec(700)},
		"all that there is in it": {[]wire.Range{{From: rec(2_990), Sum: wire.Sum{Count: 10}}}, 11, 0, ""},
	} {
		n, out := made(c.ranges...)
		if n > c.most || out.Rest != c.rest || c.cells > 0 && len(out.Ranges) != c.cells {
			t.Errorf("%s: %d were looked at, %d ranges, the rest from %q; want %d at most, %d, %q", name, n, len(out.Ranges), out.Rest, c.most, c.cells, c.rest)
		}
	}

	h.shelf.Damage(func(base map[string]wire.Row) {
		for _, n := range []int{1, 777, 2_999} {
			base[rec(n)] = flip(base[rec(n)])
		}
	})
	if report := h.check(nil); report.Repaired != 3 || report.Rounds > 30 {
		t.Errorf("checked in pieces: %+v", report)
	}
}

// Whatever happened to a base, a check makes it what the server would show, and on the way nothing goes that should be there.
func TestACheckRepairsAnything(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(0, 700).Draw(rt, "records")
		d, h := crowd(t, n)
		if rapid.Bool().Draw(rt, "in pieces") {
			d.server.PageRows, d.server.CheckRows = 20, 50
		}
		want := h.base()
		seed := rapid.Uint64().Draw(rt, "seed")
		odds := rapid.IntRange(1, 300).Draw(rt, "odds")
		h.shelf.Damage(func(base map[string]wire.Row) {
			random := rand.New(rand.NewPCG(seed, 1))
			for _, id := range slices.Sorted(maps.Keys(base)) {
				if random.IntN(odds) > 0 {
					continue
				}
				switch random.IntN(4) {
				case 0:
					base[id] = flip(base[id])
				case 1:
					delete(base, id)
				case 2:
					row := base[id]
					row.ID = id[:24] + fmt.Sprintf("%012x", random.Uint64()>>16)
					base[row.ID] = row
				case 3:
					row := base[id]
					row.Scope = "rx.general"
					base[id] = row
				}
			}
		})
		sound := func() int {
			n, have := 0, h.base()
			for id, row := range want {
				if have[id] == row {
					n++
				}
			}
			return n
		}
		before := sound()
		h.check(func(wire.CheckRequest, wire.CheckResponse) {
			now := sound()
			if now < before {
				rt.Fatal("a check took a sound record away")
			}
			before = now
		})
		if !maps.Equal(want, h.base()) {
			rt.Fatal("not repaired")
		}
	})
}

// A base that came to something else than the server said is doubted, and a check that finds it whole ends the doubt.
func TestADifferentSumIsDoubted(t *testing.T) {
	d, h := crowd(t, 20)
	doubt := func() bool {
		meta, err := h.Meta()
		d.must(err)
		return meta.Doubt
	}
	if doubt() {
		t.Fatal("a sound base is doubted")
	}
	h.shelf.Damage(func(base map[string]wire.Row) { base[rec(7)] = flip(base[rec(7)]) })
	d.publish(fact(21, "lab.general", "new"))
	h.mustSync()
	if !doubt() {
		t.Fatal("a damaged base is not doubted")
	}
	if _, err := h.Screen(rec(7)); err != nil {
		t.Errorf("the record is not shown any more: %v", err)
	}
	h.check(nil)
	if doubt() {
		t.Error("the doubt stays")
	}
	d.publish(fact(22, "lab.general", "newer"))
	h.mustSync()
	if doubt() {
		t.Error("the repaired base is doubted")
	}
	if meta, err := h.Meta(); err != nil || !meta.Checked.Equal(noon) {
		t.Errorf("checked at %v, %v", meta.Checked, err)
	}
}

// The world moves on while a check runs: it waits for the news and goes on where it was.
func TestACheckAmongNews(t *testing.T) {
	d, h := crowd(t, 600)
	h.shelf.Damage(func(base map[string]wire.Row) {
		base[rec(7)] = flip(base[rec(7)])
		delete(base, rec(9))
		delete(base, rec(599))
	})
	c, err := h.Checkup()
	d.must(err)
	for round := 0; !c.Done(); round++ {
		if round > 30 {
			t.Fatal("no end")
		}
		if round%2 == 0 { // what is asked for next has just changed, moved, gone
			d.publish(fact(1000+round, "lab.general", "new"), fact(9, "note.general", fmt.Sprintf("newer %d", round)))
		}
		h.round(c, nil)
	}
	h.mustSync()
	fresh := d.phone("b")
	fresh.mustSync()
	if !maps.Equal(fresh.base(), h.base()) {
		t.Error("the repaired base is not that of a new phone")
	}
}

// A revoked scope, a record that moved out of sight: what one may not see looks like what never was, in sums, lists, and answers.
func TestACheckTellsNothingOfTheHidden(t *testing.T) {
	ask := func(d *desk, h *handset, ranges []wire.Range, ids ...string) string {
		meta, err := h.Meta()
		d.must(err)
		answer, err := d.ask("a", wire.CheckRequest{Device: deviceID, Card: cardID, Actor: meta.Actor, Epoch: meta.Epoch, Cursor: meta.Cursor,
			View: meta.View, Ranges: ranges, IDs: ids})
		d.must(err)
		raw, err := wire.Marshal(answer)
		d.must(err)
		return string(raw)
	}
	var answers [2]string
	for i, hidden := range []bool{false, true} {
		d := newDesk(t)
		d.sights["a"] = replica.Sight{Now: labOnly}
		d.publish(fact(1, "lab.general", "x"), fact(5, "lab.general", "y"))
		h := d.phone("a")
		h.mustSync()
		if hidden {
			d.publish(fact(2, "lab.hidden", "secret"), fact(3, "rx.general", "secret"))
			d.publish(fact(3, "lab.hidden", "secret"))
		}
		page := d.pull("a", h.asked())
		end, err := wire.Marshal(page.Lines[len(page.Lines)-1])
		d.must(err)
		answers[i] = string(end) + ask(d, h, []wire.Range{{}}) + ask(d, h, []wire.Range{{From: rec(2), To: rec(4)}}, rec(2), rec(3), rec(4), rec(5)) +
			ask(d, h, []wire.Range{{From: rec(2), Sum: wire.Sum{Count: 7}}})
	}
	if answers[0] != answers[1] {
		t.Errorf("hidden records show:\n%s\n%s", answers[0], answers[1])
	}
}

// asked is the phone's place, as it asks for news.
func (h *handset) asked() wire.PullCard {
	x, err := h.Exchange(0)
	h.desk.must(err)
	defer x.Close()
	return x.Request().PullCard
}

// A phone whose access changed, or that is not at the end of an answer, is told to pull and nothing else.
func TestACheckIsOfTheCursorsState(t *testing.T) {
	d, h := crowd(t, 5)
	meta, err := h.Meta()
	d.must(err)
	sound := wire.CheckRequest{Device: deviceID, Card: cardID, Actor: meta.Actor, Epoch: meta.Epoch, Cursor: meta.Cursor, View: meta.View,
		Ranges: []wire.Range{{}}, IDs: []string{rec(1)}}
	for name, change := range map[string]func(*wire.CheckRequest){
		"another view":    func(r *wire.CheckRequest) { r.View = "other" },
		"an old cursor":   func(r *wire.CheckRequest) { r.Cursor = d.seal("a").Seal(2) },
		"no cursor":       func(r *wire.CheckRequest) { r.Cursor = "" },
		"a forged one":    func(r *wire.CheckRequest) { r.Cursor = "AAAAAAAAAAAAAAAAAAAAAA" },
		"a future one":    func(r *wire.CheckRequest) { r.Cursor = d.seal("a").Seal(1000) },
		"somebody else's": func(r *wire.CheckRequest) { r.Cursor = d.seal("b").Seal(d.head().Seq) },
	} {
		r := sound
		change(&r)
		answer, err := d.ask("a", r)
		if raw, _ := json.Marshal(answer); err != nil || string(raw) != `{"behind":true}` {
			t.Errorf("%s: %s, %v", name, raw, err)
		}
	}
	if answer, err := d.ask("a", sound); err != nil || len(answer.Rows) != 1 || len(answer.Lists) != 1 {
		t.Errorf("the sound question: %+v, %v", answer, err)
	}
	other := sound
	other.Epoch = "e0"
	if _, err := d.ask("a", other); !errors.Is(err, replica.ErrEpoch) {
		t.Errorf("another epoch: %v", err)
	}
	if _, err := d.ask("b", sound); !errors.Is(err, replica.ErrActor) {
		t.Errorf("another device's actor: %v", err)
	}
}

// Big records come in several answers, and the phone drops nothing before the last of them.
func TestRowsComeBeforeDrops(t *testing.T) {
	d, h := crowd(t, 30)
	d.server.PageBytes = 1000
	h.shelf.Damage(func(base map[string]wire.Row) {
		stray := base[rec(1)]
		for i := range 12 {
			delete(base, rec(1+i))
			stray.ID = rec(100 + i)
			base[stray.ID] = stray
		}
	})
	var dropped bool
	answers := 0
	h.check(func(ask wire.CheckRequest, answer wire.CheckResponse) {
		if len(answer.Rows) > 0 {
			answers++
			if dropped {
				t.Error("rows come after drops")
			}
		}
		dropped = dropped || len(answer.Drop) > 0
	})
	if answers < 2 || !dropped {
		t.Errorf("%d answers with rows, drops %v", answers, dropped)
	}
}

// A phone takes nothing of an answer that it did not ask for.
func TestACheckTakesOnlyWhatItAskedFor(t *testing.T) {
	for name, answer := range map[string]wire.CheckResponse{
		"a row":          {Rows: []wire.Row{{ID: rec(1), Scope: "lab.general"}}},
		"a drop":         {Drop: []string{rec(1)}},
		"the same range": {Ranges: []wire.Range{{Sum: wire.Sum{Count: 1}}}},
		"a rest":         {Rest: "from nowhere on"},
	} {
		d, h := crowd(t, 3)
		want := h.base()
		c, err := h.Checkup()
		d.must(err)
		r, err := c.Round()
		d.must(err)
		if err := r.Answer(answer); !errors.Is(err, replica.ErrProtocol) {
			t.Errorf("%s: %v", name, err)
		}
		r.Close()
		if !maps.Equal(want, h.base()) {
			t.Errorf("%s changed the base", name)
		}
	}
}

// A check and an exchange do not run at once, and one is no use while the base is not whole.
func TestACheckWaitsForTheExchange(t *testing.T) {
	d, h := crowd(t, 3)
	c, err := h.Checkup()
	d.must(err)
	x, err := h.Exchange(1)
	d.must(err)
	if _, err := c.Round(); !errors.Is(err, replica.ErrBusy) {
		t.Errorf("in an exchange: %v", err)
	}
	x.Close()
	fresh := &handset{desk: d, device: "new", shelf: simnet.NewShelf()}
	fresh.boot()
	c, err = fresh.Checkup()
	d.must(err)
	if _, err := c.Round(); !errors.Is(err, replica.ErrNotEnrolled) {
		t.Errorf("without an actor: %v", err)
	}
	fresh.enrol()
	if _, err := c.Round(); !errors.Is(err, replica.ErrBehind) {
		t.Errorf("before the first sync: %v", err)
	}
}

// What is forgotten in scopes out of sight moves no cursor of who does not see them, and bars nobody from a check. (Seed 1207 of commit
// c4d94e0.)
func TestACheckBesideACollection(t *testing.T) {
	d := newDesk(t)
	d.sights["a"] = replica.Sight{Now: labOnly}
	one := d.phone("a")
	d.publish(fact(1, "lab.general", "seen"))
	one.mustSync()
	d.publish(fact(2, "rx.general", "hidden"))
	d.must(d.book.Update(func(l replica.Ledger) error {
		head, err := l.Lock()
		if err != nil {
			return err
		}
		return l.Forget(head.Seq, map[string]uint64{"rx.general": head.Seq})
	}))
	ask := one.asked()
	sum := wire.Sum{}
	out, err := d.ask("a", wire.CheckRequest{Device: deviceID, Card: cardID, Actor: ask.Actor, Epoch: "e1", Cursor: ask.Cursor, View: ask.View,
		Ranges: []wire.Range{{Sum: sum}}})
	if err != nil || out.Behind || len(out.Lists) != 1 || len(out.Lists[0].Entries) != 1 {
		t.Errorf("%+v, %v", out, err)
	}
}
