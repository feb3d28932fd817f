package storetest

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/sync/cardsync"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/vclock"
	"github.com/medcard/medcard/sync/wire"
)

// twins are two cards with one random history: records come, move, are deleted and rise, phones come, speak, fall silent for months, and get
// fresh actors. One of them is collected every time, the other when its turn has come.
type twins struct {
	t      *testing.T
	db     *store.DB
	raw    *sql.DB
	random *rand.Rand
	engine replica.Server
	now    time.Time
	cards  [2]card.ID // every time, in turn
	lmid   map[uint32]uint64

	daily, turns int // how often each was looked at
	done         replica.Collected
}

func newTwins(t *testing.T, cfg store.Config, seed uint64) *twins {
	w := &twins{
		t: t, db: OpenStore(t, cfg), random: rand.New(rand.NewPCG(seed, 1)), now: noon,
		engine: replica.Server{Rules: cardsync.Rules()}, lmid: map[uint32]uint64{},
	}
	w.raw, _ = bare(t, cfg)
	for i := range w.cards {
		w.cards[i] = newCard(t, w.db, "ada")
	}
	return w
}

// both does the same to both cards. What it gives out is that of the second.
func (w *twins) both(f func(l replica.Ledger, id card.ID) error) {
	w.t.Helper()
	for _, id := range w.cards {
		onCard(w.t, w.db, id, func(l replica.Ledger) error { return f(l, id) })
	}
}

var twinDevices = []string{"d1", "d2", "d3", "d4"}

func twinRecord(n int) string { return fmt.Sprintf("0191d5a0-0000-7000-8000-%012d", n) }

// commit does one random thing.
func (w *twins) commit() {
	w.t.Helper()
	n, scope, device := w.random.IntN(8), sumScopes[w.random.IntN(len(sumScopes))], twinDevices[w.random.IntN(len(twinDevices))]
	value := json.RawMessage(fmt.Sprintf("%d", w.random.IntN(3)))
	switch w.random.IntN(12) {
	case 0, 1, 2:
		fact := replica.Fact{ID: twinRecord(n), Kind: "observation", Scope: scope, Atoms: map[string]json.RawMessage{"value": value}}
		if w.random.IntN(2) == 0 { // or the clinic writes where a person did
			fact.ID, fact.Kind, fact.Scope = twinRecord(100+n), "comment", "note.general"
		}
		w.both(func(l replica.Ledger, _ card.ID) error {
			_, err := w.engine.Publish(l, []replica.Fact{fact}, w.now)
			return err
		})
	case 3:
		w.both(func(l replica.Ledger, _ card.ID) error {
			_, err := w.engine.Withdraw(l, []string{twinRecord(n)})
			return err
		})
	case 4:
		fresh := w.random.IntN(3) == 0
		w.both(func(l replica.Ledger, _ card.ID) error {
			_, err := w.engine.Enrol(l, device, "", fresh, w.now)
			return err
		})
	case 5:
		if w.random.IntN(30) == 0 {
			w.both(func(l replica.Ledger, _ card.ID) error { return w.engine.Restored(l, w.now) })
		}
	default:
		w.speak(device, 100+n, w.random.IntN(3), uint64(w.random.IntN(20)))
	}
}

// speak has a device push under its newest actor: it has left commits behind, all but so many, and may have an edit.
func (w *twins) speak(device string, n, op int, behind uint64) {
	w.t.Helper()
	w.both(func(l replica.Ledger, id card.ID) error {
		head, err := l.Head()
		if err != nil {
			return err
		}
		actors, err := l.Actors()
		if err != nil {
			return err
		}
		var actor replica.Actor
		for _, a := range actors {
			if a.Device == device && (a.State == replica.Live || a.State == replica.Writing) {
				actor = a
			}
		}
		if actor.Ordinal == 0 {
			return nil
		}
		seal := replica.NewBlockSealer(make([]byte, 32), string(id), device, head.Epoch)
		in := replica.Push{
			Device: device, Actor: actor.Ordinal, Epoch: head.Epoch, Acked: actor.LMID, Low: seal.Seal(head.Seq - min(behind, head.Seq)),
			Sight: replica.Sight{Now: replica.Scopes{"*"}}, Seal: seal, Now: w.now,
		}
		m := wire.Mutation{N: actor.LMID + 1, Op: []wire.Op{"", wire.OpCreate, wire.OpDelete}[op], ID: twinRecord(n), Kind: "comment", At: seal.Seal(head.Seq), HLC: vclock.At(w.now)}
		if m.Op == wire.OpCreate {
			m.Atoms = map[string]wire.Change{"text": {V: json.RawMessage(`"words"`)}}
		}
		if m.Op != "" {
			in.Mutations = []wire.Mutation{m}
		}
		_, err = w.engine.Push(l, in)
		return err
	})
}

func (w *twins) collect(id card.ID) {
	w.t.Helper()
	for more := true; more; {
		update(w.t, w.db, func(tx *store.Tx) error {
			out, err := tx.Collect(id, w.now)
			more = out.More
			if id == w.cards[1] && err == nil {
				w.done.Retired, w.done.Emptied, w.done.Pruned = w.done.Retired+out.Retired, w.done.Emptied+out.Emptied, w.done.Pruned+out.Pruned
			}
			return err
		})
	}
}

// day passes, or some do, and both are collected as it is their way.
func (w *twins) day() {
	w.t.Helper()
	w.now = w.now.AddDate(0, 0, 1+w.random.IntN(3)*w.random.IntN(8))
	w.daily++
	w.collect(w.cards[0])
	if slices.ContainsFunc(due(w.t, w.db, w.now), func(t card.Turn) bool { return t.Card == w.cards[1] }) {
		w.turns++
		w.collect(w.cards[1])
	}
}

func due(t *testing.T, db *store.DB, now time.Time) (list []card.Turn) {
	t.Helper()
	if err := db.View(context.Background(), func(tx *store.Tx) (err error) {
		list, err = tx.CardsToCollect(now, card.Turn{}, 100)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return list
}

// state is all that a collection may change, but for where the next one begins.
func (w *twins) state(id card.ID) string {
	w.t.Helper()
	var out strings.Builder
	for _, query := range []string{
		"SELECT seq FROM card WHERE id = '%s'",
		"SELECT id, kind, scope, seq, vv, deleted, collected, length(sealed) FROM record WHERE card = '%s' ORDER BY id",
		"SELECT id, seq, vv FROM record_version WHERE card = '%s' ORDER BY id, seq",
		"SELECT id, seq, scope, was FROM record_scope WHERE card = '%s' ORDER BY id, seq",
		"SELECT scope, head, live, forgotten FROM card_scope WHERE card = '%s' ORDER BY scope",
		"SELECT ordinal, device, lmid, acked, low, state, last_seen FROM card_actor WHERE card = '%s' ORDER BY ordinal",
		"SELECT actor, n, outcome, code FROM mutation_result WHERE card = '%s' ORDER BY actor, n",
	} {
		rows, err := w.raw.QueryContext(w.t.Context(), fmt.Sprintf(query, id))
		if err != nil {
			w.t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			w.t.Fatal(err)
		}
		for rows.Next() {
			values, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				w.t.Fatal(err)
			}
			fmt.Fprintln(&out, values...)
		}
		if err := rows.Err(); err != nil {
			w.t.Fatal(err)
		}
		rows.Close()
		fmt.Fprintln(&out)
	}
	return out.String()
}

func (w *twins) compare(seed uint64) {
	w.t.Helper()
	if all, some := w.state(w.cards[0]), w.state(w.cards[1]); all != some {
		w.t.Fatalf("seed %d, time %d: collected every time\n%s\nin turn\n%s", seed, w.daily, all, some)
	}
}

// A collection of the cards whose turn it is leaves what one of all cards, every time, leaves.
func TestTurnsMissNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("one at a time: nothing for the race detector to see")
	}
	swift(t)
	EachConfig(t, func(t *testing.T, cfg store.Config) {
		var done replica.Collected
		daily, turns := 0, 0
		for seed := range uint64(3) {
			if cfg.Postgres == "" {
				cfg = SQLite(t)
			}
			w := newTwins(t, cfg, seed)
			for range 50 {
				for range w.random.IntN(8) {
					w.commit()
				}
				for range 1 + w.random.IntN(2)*w.random.IntN(2)*w.random.IntN(12) {
					w.day()
				}
				w.compare(seed)
			}
			done.Retired, done.Emptied, done.Pruned = done.Retired+w.done.Retired, done.Emptied+w.done.Emptied, done.Pruned+w.done.Pruned
			daily, turns = daily+w.daily, turns+w.turns
		}
		t.Logf("collected %d times in turn, %d times in all: %+v", turns, daily, done)
		if done.Retired < 10 || done.Emptied < 10 || done.Pruned < 10 {
			t.Errorf("hardly anything was collected: %+v", done)
		}
		if turns > daily/3 {
			t.Errorf("collected %d times in turn, and %d times in all", turns, daily)
		}
	})
}

// A retired phone's entry stands in a record that changed after the phone was retired: it waits longer than all that was known then.
func TestATurnComesAgainForWhatHadToStay(t *testing.T) {
	EachConfig(t, func(t *testing.T, cfg store.Config) {
		w := newTwins(t, cfg, 1)
		w.both(func(l replica.Ledger, _ card.ID) error {
			_, err := w.engine.Enrol(l, "d1", "", false, w.now)
			return err
		})
		w.speak("d1", 100, 1, 0)
		w.both(func(l replica.Ledger, _ card.ID) error {
			_, err := w.engine.Enrol(l, "d2", "", false, w.now)
			return err
		})
		for range 100 {
			w.speak("d2", 0, 0, 1000)
			w.day()
		}
		if w.done.Retired != 1 || w.done.Pruned != 0 {
			t.Fatalf("after a hundred days: %+v", w.done)
		}
		w.both(func(l replica.Ledger, _ card.ID) error {
			_, err := w.engine.Publish(l, []replica.Fact{{ID: twinRecord(100), Kind: "comment", Scope: "note.general"}}, w.now)
			return err
		})
		for _, behind := range []uint64{1, 0} {
			for range 5 {
				w.speak("d2", 0, 0, behind)
				w.day()
				w.compare(behind)
			}
		}
		if w.done.Pruned != 1 {
			t.Errorf("the entry stays: %+v", w.done)
		}
	})
}

// What has nothing to forget is never looked at: not an empty card, not one that only grows, and one with phones but four times a year.
func TestCardsWithNothingToForgetHaveNoTurn(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		for range 50 {
			id := newCard(t, db, identity.AccountID(store.NewID()))
			update(t, db, func(tx *store.Tx) error { return tx.LockCard(id) })
		}
		grows := newCard(t, db, "ada")
		engine := replica.Server{Rules: cardsync.Rules()}
		publish := func(n int, scope string, at time.Time) {
			onCard(t, db, grows, func(l replica.Ledger) error {
				_, err := engine.Publish(l, []replica.Fact{{ID: twinRecord(n), Kind: "observation", Scope: scope, Atoms: map[string]json.RawMessage{"value": json.RawMessage("1")}}}, at)
				return err
			})
		}
		year := noon.AddDate(1, 0, 0)
		for n := range 20 {
			publish(n, "lab.general", noon)
		}
		if list := due(t, db, year); len(list) > 0 {
			t.Fatalf("nothing can be forgotten, and %v have their turn", list)
		}
		visits, now := 0, noon
		onCard(t, db, grows, func(l replica.Ledger) error {
			_, err := engine.Enrol(l, "d1", "", false, now)
			return err
		})
		for now = noon; now.Before(year); now = now.AddDate(0, 0, 1) {
			onCard(t, db, grows, func(l replica.Ledger) error {
				head, err := l.Head()
				if err != nil {
					return err
				}
				seal := replica.NewBlockSealer(make([]byte, 32), string(grows), "d1", head.Epoch)
				_, err = engine.Push(l, replica.Push{
					Device: "d1", Actor: 1, Epoch: head.Epoch, Low: seal.Seal(head.Seq), Sight: replica.Sight{Now: replica.Scopes{"*"}}, Seal: seal, Now: now,
				})
				return err
			})
			for _, turn := range due(t, db, now) {
				visits++
				update(t, db, func(tx *store.Tx) error {
					_, err := tx.Collect(turn.Card, now)
					return err
				})
			}
		}
		if visits == 0 || visits > 4 {
			t.Errorf("a card whose phone spoke every day was looked at %d times in a year", visits)
		}
		publish(3, "note.general", now)
		if list := due(t, db, now); len(list) != 1 || list[0].Card != grows {
			t.Errorf("a record moved, and %v have their turn", list)
		}
	})
}

// Turns are taken by age, and one that stays due after it was passed over holds up no other.
func TestTurnsAreTakenInTheirOrder(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		engine := replica.Server{Rules: cardsync.Rules()}
		var want []card.ID
		for n := range 7 {
			id := newCard(t, db, "ada")
			want = append(want, id)
			onCard(t, db, id, func(l replica.Ledger) error {
				_, err := engine.Enrol(l, "d1", "", false, noon.Add(-time.Duration(n/2)*time.Hour)) // two of them at a time
				return err
			})
		}
		for n := 0; n+1 < len(want); n += 2 {
			slices.Sort(want[n : n+2])
		}
		want = []card.ID{want[6], want[4], want[5], want[2], want[3], want[0], want[1]}
		var got []card.ID
		for behind := (card.Turn{}); ; {
			var list []card.Turn
			update(t, db, func(tx *store.Tx) (err error) {
				list, err = tx.CardsToCollect(noon.AddDate(1, 0, 0), behind, 2)
				return err
			})
			if len(list) == 0 {
				break
			}
			for _, turn := range list {
				got = append(got, turn.Card)
				behind = turn
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("turns\n%v, want\n%v", got, want)
		}
	})
}
