package storetest

import (
	"context"
	"encoding/json"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/sync/replica"
)

// Every row that is committed after C reaches a reader at C, however long the transactions are, however many are taken back or
// lose, and whatever happens to their connections. Nobody ever sees half of what one write did. Phones that pull page by page
// hold in the end what one that asks for everything at once is given, and every edit counted exactly once.
func TestNoCommitIsSkipped(t *testing.T) {
	swift(t)
	for name, cards := range map[string]int{"one card": 1, "several": 3} {
		t.Run(name, func(t *testing.T) {
			EachConfig(t, func(t *testing.T, cfg store.Config) {
				needed := []string{"published", "edited", "looks", "pages", "taken back", "lost against another", "held long"}
				cut := func(*atomic.Bool) {}
				application := "medcard-storm-" + store.NewID()
				if cfg.Postgres != "" {
					cfg.Postgres += "&application_name=" + application
					needed = append(needed, "connection cut")
				}
				s := newStorm(t, OpenStore(t, cfg), cards)
				if cfg.Postgres != "" {
					cut = func(done *atomic.Bool) { s.cutOften(cfg.Postgres, application, done) }
				}
				readers := []func(*atomic.Bool){cut}
				var writers []func(func() bool)
				var phones []*stormPhone
				for i := range 6 {
					id := s.cards[i%cards]
					p := s.phone(i, id, replica.Scopes{"*"})
					phones = append(phones, p)
					writers = append(writers, p.write, func(over func() bool) { s.publish(i, id, true, over) })
				}
				for i, id := range s.cards {
					whole, part := s.phone(100+i, id, replica.Scopes{"*"}), s.phone(200+i, id, replica.Scopes{"note.general", "lab.general"})
					phones = append(phones, whole, part)
					readers = append(readers, whole.read, part.read, func(done *atomic.Bool) { s.follow(id, done) })
				}
				s.blow(500*time.Millisecond, func() bool { return s.seen(needed...) }, writers, readers)
				for _, p := range phones {
					p.settle()
				}
				for _, gap := range s.gaps {
					t.Error(gap)
				}
				for _, tear := range s.torn {
					t.Error(tear)
				}
				t.Logf("%v", s.what)
				if !s.seen(needed...) {
					t.Errorf("this was no storm: not all happened of %q", needed)
				}
			})
		})
	}
}

// cutOften ends a connection of that name now and then, in the middle of whatever it does. It waits for some writes in between: on a
// slow machine nothing that takes longer than the time between two cuts would ever be done.
func (s *storm) cutOften(dsn, application string, done *atomic.Bool) {
	conn, err := pgx.Connect(context.Background(), store.WithSetting(Mighty(dsn), "application_name", "medcard-killer"))
	if err != nil {
		s.t.Error(err)
		return
	}
	defer conn.Close(context.Background())
	for next := 0; !done.Load(); time.Sleep(20 * time.Millisecond) {
		if s.written() < next {
			continue
		}
		next = s.written() + 3
		if _, err := conn.Exec(context.Background(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE application_name = $1 AND xact_start IS NOT NULL ORDER BY random() LIMIT 1`, application); err != nil {
			s.t.Error(err)
			return
		}
	}
}

// The same storm over orders that others use: a cursor of time, and one counter for everybody. Both give a write its place before
// it is committed, and lose what is committed late. So the test above can fail.
func TestOrdersThatSkip(t *testing.T) {
	swift(t)
	var counter atomic.Uint64
	for name, next := range map[string]func() uint64{
		"a cursor of time":          func() uint64 { return uint64(time.Now().UnixMicro()) },
		"one counter for everybody": func() uint64 { return counter.Add(1) },
	} {
		t.Run(name, func(t *testing.T) {
			Each(t, func(t *testing.T, db *store.DB) {
				s := newStorm(t, db, 1)
				s.order = func() func(replica.Ledger) replica.Ledger {
					place := next()
					return func(l replica.Ledger) replica.Ledger { return early{l, place} }
				}
				var writers []func(func() bool)
				for i := range 6 {
					writers = append(writers, func(over func() bool) { s.publish(i, s.cards[0], false, over) })
				}
				s.blow(300*time.Millisecond, func() bool { return s.seen("skipped") }, writers, []func(*atomic.Bool){func(done *atomic.Bool) { s.follow(s.cards[0], done) }})
				t.Logf("%d of %d rows skipped", len(s.gaps), s.what["published"])
				if len(s.gaps) == 0 {
					t.Error("nothing was skipped: the test would not notice")
				}
			})
		})
	}
}

// A write in two transactions, which nobody does here, is seen by halves: so the first test would notice that, too.
func TestHalfAWriteIsNoticed(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		s := newStorm(t, db, 1)
		id, doc := s.cards[0], store.NewID()
		halves := func(over func() bool) {
			for n := 0; !over(); n++ {
				for _, other := range []int{n, n + 1} {
					fact := replica.Fact{ID: doc, Kind: "document", Scope: "lab.general", Atoms: map[string]json.RawMessage{
						"text": json.RawMessage(strconv.Itoa(n + 1)), "value": json.RawMessage(strconv.Itoa(other)),
					}}
					s.weathered(db.Update(context.Background(), asOwner(id, func(l replica.Ledger) error {
						_, err := stormRules.Publish(l, []replica.Fact{fact}, time.Now())
						return err
					})))
				}
			}
		}
		torn := func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return len(s.torn) > 0
		}
		s.blow(0, torn, []func(func() bool){halves}, []func(*atomic.Bool){func(done *atomic.Bool) { s.follow(id, done) }})
		if !torn() {
			t.Error("nobody saw half a write")
		}
	})
}

// early is a Ledger in which a write has its place in the order before it begins.
type early struct {
	replica.Ledger
	place uint64
}

func (e early) Lock() (replica.Head, error) {
	head, err := e.Head()
	head.Seq = e.place - 1
	return head, err
}

func (e early) Advance(seq uint64) error {
	_ = e.Ledger.Advance(seq) // back, if need be
	return nil
}

// What a page says of the card's head and what it holds are of one moment: a head read before rows that are committed in between
// would move cursors past them.
func TestHeadAndRowsAreOfOneMoment(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		id := newCard(t, db, "ada")
		write := func(n int) {
			t.Helper()
			onCard(t, db, id, func(l replica.Ledger) error {
				head, err := l.Lock()
				if err != nil {
					return err
				}
				if err := l.Advance(head.Seq + 1); err != nil {
					return err
				}
				return l.SaveRecords([]replica.Record{aRecord(n, "note.general", head.Seq+1)})
			})
		}
		write(1)
		err := db.View(context.Background(), asOwner(id, func(l replica.Ledger) error {
			before, err := l.Head()
			if err != nil {
				return err
			}
			write(2)
			rows, err := l.Scan(replica.Scopes{"*"}, 0, 10)
			if err != nil {
				return err
			}
			newest, err := l.Newest(replica.Scopes{"*"})
			if err != nil {
				return err
			}
			after, err := l.Head()
			if before != after || len(rows) != 1 || newest != before.Seq {
				t.Errorf("a head of %d, then %d rows up to %d and a head of %d", before.Seq, len(rows), newest, after.Seq)
			}
			return err
		}))
		if err != nil {
			t.Fatal(err)
		}
	})
}
