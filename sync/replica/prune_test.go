package replica_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/vclock"
	"github.com/medcard/medcard/sync/wire"
	"pgregory.net/rapid"
)

// turn is one thing that happens to a card, drawn at random.
type turn struct {
	What          string
	Phone, Record int
	Days          int
}

var turns = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) turn {
	return turn{
		What: rapid.SampledFrom([]string{"create", "write", "write", "open", "open", "save", "save", "delete", "delete", "sync", "sync", "sync",
			"days", "days", "days", "look", "look", "away", "away", "lost", "clinic", "withdraw", "collect"}).Draw(t, "what"),
		Phone:  rapid.IntRange(0, 3).Draw(t, "phone"),
		Record: rapid.IntRange(0, 2).Draw(t, "record"),
		Days:   rapid.IntRange(1, 5).Draw(t, "days"),
	}
}), 40, 120)

// A prune changes no verdict: whatever is written, deleted, retired and pruned in whatever order, each push gives the results and the
// records that it would give had no clock ever lost an entry. And once all is settled no clock is longer than the live actors and
// the server.
func TestAPruneChangesNoVerdict(t *testing.T) {
	pruned, late := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		h := play(t, turns.Draw(rt, "turns"), nil)
		if h.broken != "" {
			rt.Fatal(h.broken)
		}
		pruned, late = pruned+len(h.memory), late+h.late
	})
	t.Logf("%d records were pruned, %d edits came to such ones", pruned, late)
	if pruned == 0 || late == 0 {
		t.Error("nothing was shown")
	}
}

// The property finds prunes that are broken: of what is not settled, of who may write again, and none at all.
func TestBrokenPrunesAreFound(t *testing.T) {
	for name, spoil := range map[string]func(replica.Ledger) replica.Ledger{
		"early": func(l replica.Ledger) replica.Ledger { return unsettled{l} },
		"live":  func(l replica.Ledger) replica.Ledger { return firstRetired{l} },
		"none":  func(l replica.Ledger) replica.Ledger { return hoarded{l} },
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range 1_000 {
				if h := play(t, turns.Example(seed), spoil); h.broken != "" {
					t.Logf("history %d: %s", seed, h.broken)
					return
				}
			}
			t.Error("nobody noticed")
		})
	}
}

// unsettled is a Ledger by which everything is settled.
type unsettled struct{ replica.Ledger }

func (u unsettled) Written(actor uint32, _ uint64, limit int) ([]replica.Record, error) {
	return u.Ledger.Written(actor, math.MaxInt64, limit)
}

// firstRetired is a Ledger by which the first actor does not write any more.
type firstRetired struct{ replica.Ledger }

func (f firstRetired) Actors() ([]replica.Actor, error) {
	actors, err := f.Ledger.Actors()
	actors[0].State = replica.Retired
	return actors, err
}

func (f firstRetired) SaveActor(a replica.Actor) error {
	if a.Ordinal == 1 {
		return nil
	}
	return f.Ledger.SaveActor(a)
}

// hoarded is a Ledger that finds nothing to prune.
type hoarded struct{ replica.Ledger }

func (hoarded) Written(uint32, uint64, int) ([]replica.Record, error) { return nil, nil }

// history is a card with four phones, beside which stands what prunes took away.
type history struct {
	*desk
	phones []*handset
	away   []bool
	drafts [][]replica.Draft
	memory map[string]vclock.Clock // by record
	spoil  func(replica.Ledger) replica.Ledger
	named  int
	late   int    // edits of records that were pruned
	broken string // what was wrong first
}

func play(t *testing.T, turns []turn, spoil func(replica.Ledger) replica.Ledger) *history {
	h := &history{desk: newDesk(t), away: make([]bool, 4), drafts: make([][]replica.Draft, 4), memory: map[string]vclock.Clock{}, spoil: spoil}
	h.server.Silence = 4 * 24 * time.Hour // less than editors live
	for range 4 {
		h.phones = append(h.phones, h.newPhone())
	}
	h.phones[0].create(rec(1), h.text())
	h.everybody(100)
	for i, turn := range turns {
		if h.happen(turn); h.broken != "" {
			return h
		}
		if i == len(turns)/2 { // so that much is pruned by then
			h.settle()
		}
	}
	h.settle()
	return h
}

func (h *history) newPhone() *handset {
	h.named++
	return h.phone(fmt.Sprint("phone ", h.named))
}

func (h *history) text() string { h.named++; return fmt.Sprint("v", h.named) }

func (h *history) happen(turn turn) {
	p, id := h.phones[turn.Phone], rec(turn.Record+1)
	switch turn.What {
	case "create":
		if _, err := p.Screen(id); errors.Is(err, replica.ErrUnknown) && h.record(id).Seq == 0 {
			p.create(id, h.text())
		}
	case "open", "write", "delete":
		d, _, err := p.Open(id)
		if err != nil {
			return // nothing there
		}
		if h.drafts[turn.Phone] = append(h.drafts[turn.Phone], d); turn.What != "open" {
			h.save(turn, len(h.drafts[turn.Phone])-1)
		}
	case "save":
		if len(h.drafts[turn.Phone]) > 0 {
			h.save(turn, 0)
		}
	case "sync":
		h.sync(p, 100)
	case "look":
		h.everybody(0)
	case "days":
		h.pass(turn.Days)
		h.everybody(100 * (turn.Record % 2))
		h.collect()
	case "away":
		h.away[turn.Phone] = !h.away[turn.Phone]
	case "lost": // and another one is bought
		h.phones[turn.Phone], h.drafts[turn.Phone] = h.newPhone(), nil
	case "clinic":
		h.publish(replica.Fact{ID: id, Kind: "comment", Scope: "note.general", Atoms: map[string]json.RawMessage{"text": quote(h.text())}})
	case "withdraw":
		h.must(h.book.Update(func(l replica.Ledger) error {
			_, err := h.server.Withdraw(l, []string{id})
			return err
		}))
	case "collect":
		h.collect()
	}
}

// save ends an editor.
func (h *history) save(turn turn, i int) {
	p, d := h.phones[turn.Phone], h.drafts[turn.Phone][i]
	h.drafts[turn.Phone] = slices.Delete(h.drafts[turn.Phone], i, i+1)
	var err error
	switch {
	case turn.What == "delete" || turn.What == "save" && turn.Days == 5:
		_, err = p.Delete(d)
	case turn.Days == 4:
		_, err = p.Resolve(d, map[string]json.RawMessage{"text": quote(h.text())})
	default:
		_, err = p.Save(d, map[string]json.RawMessage{"text": quote(h.text())})
	}
	if err != nil && !errors.Is(err, replica.ErrOutdated) {
		h.t.Fatal(err)
	}
}

// everybody who is not away speaks to the server, and sends so many edits at most.
func (h *history) everybody(edits int) {
	for i, p := range h.phones {
		if !h.away[i] && h.broken == "" {
			h.sync(p, edits)
		}
	}
}

// sync is an exchange whose push is judged twice: as the card stands, and as it would stand without prunes.
func (h *history) sync(p *handset, edits int) {
	x, err := p.Exchange(edits)
	if errors.Is(err, replica.ErrNotEnrolled) {
		p.enrol()
		x, err = p.Exchange(edits)
	}
	h.must(err)
	ask := x.Request()
	want := h.unpruned(p, ask)
	lines := p.answer(ask)
	for _, line := range lines {
		if err := x.Line(line); err != nil {
			if x.Close(); !errors.Is(err, replica.ErrNotEnrolled) {
				h.t.Fatal(err)
			}
			h.sync(p, edits) // it was retired
			return
		}
	}
	x.Close()
	if got := h.outcome(lines, ask); want != nil && !maps.Equal(got, want) {
		h.broken = fmt.Sprintf("%s pushes %v\n  pruned   %v\n  unpruned %v", p.device, ask.Mutations, got, want)
	}
}

// unpruned is the outcome of a push had no clock ever lost an entry; nil: none.
func (h *history) unpruned(p *handset, ask wire.SyncCard) (out map[string]string) {
	h.must(h.book.View(func(l replica.Ledger) error { // so nothing of it stays
		l = remembered{l, h.memory}
		pushed, err := h.server.Push(l, replica.Push{Device: p.device, Actor: ask.Actor, Epoch: ask.Epoch, Acked: ask.Acked, Low: ask.Low,
			Mutations: ask.Mutations, Sight: h.desk.sight(p.device), Seal: h.seal(p.device), Now: h.now})
		if err != nil {
			return nil
		}
		out = map[string]string{}
		for _, r := range pushed.Results {
			out[fmt.Sprint(r.N)] = fmt.Sprint(r)
		}
		for _, m := range ask.Mutations {
			if len(h.memory[m.ID]) > 0 {
				h.late++
			}
			all, err := l.Records([]string{m.ID})
			if out[m.ID] = stands(all[m.ID]); err != nil {
				return err
			}
		}
		return nil
	}))
	return out
}

// outcome is what a push really came to.
func (h *history) outcome(lines []wire.Line, ask wire.SyncCard) map[string]string {
	out := map[string]string{}
	for _, line := range lines {
		if line.Res != nil {
			out[fmt.Sprint(line.Res.N)] = fmt.Sprint(*line.Res)
		}
	}
	for _, m := range ask.Mutations {
		out[m.ID] = stands(h.record(m.ID))
	}
	return out
}

// stands is all of a record but its clock and its place in the order.
func stands(r replica.Record) string {
	return fmt.Sprint(r.Deleted, r.Collected, " text: ", values(r, "text"))
}

// collect has the server forget what it can, and keeps in mind what clocks lose.
func (h *history) collect() {
	for more := true; more; {
		h.must(h.book.Update(func(l replica.Ledger) error {
			l = remembering{l, h.memory}
			if h.spoil != nil {
				l = h.spoil(l)
			}
			out, err := h.server.Collect(l, h.now)
			more = out.More
			return err
		}))
	}
}

// settle lets weeks pass in which those who are not away speak to the server. Then clocks are short.
func (h *history) settle() {
	for range 4 {
		for range 3 {
			h.pass(3)
			h.everybody(100)
		}
		h.collect()
	}
	live := 0
	h.must(h.book.View(func(l replica.Ledger) error {
		actors, err := l.Actors()
		for _, a := range actors {
			if a.State == replica.Live || a.State == replica.Writing {
				live++
			}
		}
		return err
	}))
	for n := range 3 {
		if r := h.record(rec(n + 1)); len(r.VV) > live+1 && h.broken == "" {
			h.broken = fmt.Sprintf("%d actors live, and the clock of a settled record is %s", live, r.VV)
		}
	}
}

// remembering is a Ledger beside which the entries are kept that a prune takes from clocks.
type remembering struct {
	replica.Ledger
	memory map[string]vclock.Clock
}

func (r remembering) Replace(records []replica.Record) error {
	for _, rec := range records {
		old, err := r.Ledger.Records([]string{rec.ID})
		if err != nil {
			return err
		}
		for _, d := range old[rec.ID].VV {
			if rec.VV.Get(d.Actor) == 0 {
				r.memory[rec.ID] = r.memory[rec.ID].With(d)
			}
		}
	}
	return r.Ledger.Replace(records)
}

// remembered is the card with those entries in its clocks.
type remembered struct {
	replica.Ledger
	memory map[string]vclock.Clock
}

func (r remembered) Records(ids []string) (map[string]replica.Record, error) {
	out, err := r.Ledger.Records(ids)
	for id, rec := range out {
		rec.VV = rec.VV.Merge(r.memory[id])
		out[id] = rec
	}
	return out, err
}
