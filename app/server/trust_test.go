package server

import (
	"crypto/rand"
	"encoding/binary"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/issuing"
	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/app/store/storetest"
	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/trust"
)

const day = 24 * time.Hour

// chest is a key folder, a database and a clock, on which any number of servers may start.
type chest struct {
	t     *testing.T
	dir   string
	db    *store.DB
	clock time.Time
}

func eachChest(t *testing.T, test func(*testing.T, *chest)) {
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		test(t, &chest{t: t, dir: t.TempDir(), db: storetest.OpenStore(t, cfg), clock: time.Date(2026, 11, 22, 12, 10, 0, 0, time.UTC)})
	})
}

func (c *chest) now() time.Time { return c.clock }

func (c *chest) custody() *keys.Custody {
	c.t.Helper()
	custody, err := keys.OpenFolder(c.dir, c.now)
	if err != nil {
		c.t.Fatal(err)
	}
	return custody
}

func (c *chest) server() *issuing.Service {
	c.t.Helper()
	issue, _, _, err := papers(c.db, c.custody(), config.Config{Issuer: "test", Zone: "Europe/Moscow", Region: 77}, Options{Clock: c.now}, prometheus.NewRegistry())
	if err != nil {
		c.t.Fatal(err)
	}
	return issue
}

func (c *chest) reader(s *issuing.Service) *trust.Cache {
	c.t.Helper()
	root, successor, err := s.Roots()
	if err != nil {
		c.t.Fatal(err)
	}
	cache, err := trust.NewCache(root, successor)
	if err != nil {
		c.t.Fatal(err)
	}
	c.fetch(cache, s)
	return cache
}

func (c *chest) fetch(cache *trust.Cache, s *issuing.Service) trust.KeySet {
	c.t.Helper()
	signed, err := s.KeySet(c.t.Context())
	if err == nil {
		err = cache.AcceptKeys(signed.Bytes)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return cache.Keys()
}

func (c *chest) events() (all []string) {
	c.t.Helper()
	err := c.db.View(c.t.Context(), func(tx *store.Tx) error {
		all = nil
		return tx.KeyEvents(func(_, usage, what string, _ time.Time) { all = append(all, usage+" "+what) })
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return all
}

func TestKeysThroughTheirLife(t *testing.T) {
	eachChest(t, func(t *testing.T, c *chest) {
		one, two := c.server(), c.server()
		cache := c.reader(one)
		first := c.fetch(cache, two)
		if again := c.fetch(cache, one); again.Sequence != first.Sequence {
			t.Error("two servers on one database publish different sets")
		}
		// A year in steps of three days: somebody signs on each, with a key that was published a week before, for ninety days.
		seen := map[qr.KeyID]time.Time{}
		for _, k := range first.Keys {
			seen[k.ID] = time.Time{} // there was nobody yet who could have waited
		}
		for range 120 {
			c.clock = c.clock.Add(3 * day)
			set := c.fetch(cache, one)
			signing := 0
			for _, k := range set.Keys {
				if _, known := seen[k.ID]; !known {
					seen[k.ID] = c.clock
				}
				if k.Usage == qr.Prescription && k.Standing == trust.Active && !c.clock.Before(k.NotBefore) {
					signing++
				}
				if k.NotBefore.Sub(seen[k.ID]) < 7*day || k.LastIssue.Sub(k.NotBefore) != 90*day || k.LastVerify.Sub(k.LastIssue) < 365*day {
					t.Fatalf("first seen %v: %+v", seen[k.ID], k)
				}
			}
			if signing == 0 {
				t.Fatalf("%v: nobody may sign", c.clock)
			}
		}
		if again := c.fetch(cache, two); again.Sequence != cache.Keys().Sequence {
			t.Error("the servers drifted apart")
		}
	})
}

func TestAStolenKeyIsWithdrawnEverywhere(t *testing.T) {
	eachChest(t, func(t *testing.T, c *chest) {
		one := c.server()
		cache := c.reader(one)
		ring, err := c.custody().Ring(keys.Prescription)
		if err != nil {
			t.Fatal(err)
		}
		stolen, _ := ring.Signing(c.clock)
		if err := c.custody().Compromise(keys.Prescription, stolen.ID()); err != nil { // another process: the command
			t.Fatal(err)
		}
		c.clock = c.clock.Add(6 * time.Second)
		set := c.fetch(cache, one)
		id := qr.KeyIDOf(stolen.Key)
		if k, _ := set.Find(id); k.Standing != trust.Compromised {
			t.Errorf("%+v", k)
		}
		if !slices.Contains(c.events(), "rx compromised") {
			t.Errorf("%v", c.events())
		}
		old := set.SignedBy
		if _, _, err := c.custody().Handover(); err != nil {
			t.Fatal(err)
		}
		c.clock = c.clock.Add(6 * time.Second)
		if set = c.fetch(cache, one); set.SignedBy == old {
			t.Error("the old root still signs")
		}
		if k, _ := set.Find(id); k.Standing != trust.Compromised {
			t.Errorf("forgotten at the handover: %+v", k)
		}
	})
}

// A folder in which nothing can be written keeps what it has at work.
func TestAKeyFolderThatMayOnlyBeRead(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root writes everywhere")
	}
	eachChest(t, func(t *testing.T, c *chest) {
		one := c.server()
		before := c.fetch(c.reader(one), one)
		if err := os.Chmod(c.dir, 0o500); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(c.dir, 0o700) })
		c.clock = c.clock.Add(80 * day)
		if after := c.fetch(c.reader(one), one); len(after.Keys) != len(before.Keys) {
			t.Errorf("%d keys, then %d", len(before.Keys), len(after.Keys))
		}
	})
}

// A month of a region has as many places as it needs. MEDCARD_TEST_PAPERS=300000 shows it at length; else one shard opens after another.
func TestAMonthOfPlaces(t *testing.T) {
	papers := 68_000
	if text := os.Getenv("MEDCARD_TEST_PAPERS"); text != "" {
		var err error
		if papers, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	} else if testing.Short() {
		t.Skip("gives away 68,000 places")
	}
	eachChest(t, func(t *testing.T, c *chest) {
		shards := &issuing.Shards{Region: 77, Random: rand.Reader}
		asked := 0
		for start := 0; start < papers; start += 2000 {
			err := c.db.Update(t.Context(), func(tx *store.Tx) error {
				for n := start; n < min(start+2000, papers); n++ {
					var token [16]byte
					binary.BigEndian.PutUint32(token[:], uint32(n))
					if _, err := shards.Place(counted{tx, &asked}, token, c.clock); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		err := c.db.View(t.Context(), func(tx *store.Tx) error {
			lists, err := tx.StatusLists(time.Time{})
			if err != nil {
				return err
			}
			sum := 0
			for i, list := range lists {
				n, err := tx.Filled(list)
				if err != nil {
					return err
				}
				sum += n
				if i < len(lists)-1 && (n < trust.ListSize/2 || n > trust.ListSize*11/20) {
					t.Errorf("list %d holds %d", list, n)
				}
			}
			if want := (papers-1)/(trust.ListSize/2) + 1; sum != papers || len(lists) < want-1 || len(lists) > want {
				t.Errorf("%d of %d papers in %d lists", sum, papers, len(lists))
			}
			t.Logf("%d papers in %d lists, %.3f tries each", sum, len(lists), float64(asked)/float64(papers))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if float64(asked) > 1.6*float64(papers) {
			t.Errorf("%d tries for %d papers", asked, papers)
		}
	})
}

// counted counts the places that are tried.
type counted struct {
	*store.Tx
	n *int
}

func (c counted) TakePlace(list, place int, token [16]byte, status int) (bool, error) {
	*c.n++
	return c.Tx.TakePlace(list, place, token, status)
}
