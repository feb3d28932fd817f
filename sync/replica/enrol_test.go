package replica_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/medcard/medcard/sync/replica"
)

// A device that asks for one fresh actor after the other gets so many within a day, of which few live. It is told when to come again, and
// nobody else has to wait.
func TestADeviceGetsSoManyActors(t *testing.T) {
	d := newDesk(t)
	enrol := func(device, key string, fresh bool) (a replica.Actor, err error) {
		err = d.book.Update(func(l replica.Ledger) (err error) {
			a, err = d.server.Enrol(l, device, key, fresh, d.now)
			return err
		})
		return a, err
	}
	live := func(device string) (list []uint32) {
		d.must(d.book.View(func(l replica.Ledger) error {
			actors, err := l.Actors()
			for _, a := range actors {
				if a.Device == device && (a.State == replica.Live || a.State == replica.Writing) {
					list = append(list, a.Ordinal)
				}
			}
			return err
		}))
		return list
	}
	begun := d.now
	for n := range 24 {
		a, err := enrol("greedy", fmt.Sprint("key ", n), n%2 == 0) // another key is another actor as well
		if d.must(err); a.Ordinal != uint32(n+1) {
			t.Fatalf("the %dth actor is %d", n, a.Ordinal)
		}
		d.now = d.now.Add(time.Minute)
	}
	var spent *replica.SpentError
	if _, err := enrol("greedy", "key 1", true); !errors.As(err, &spent) || !spent.Until.Equal(begun.Add(24*time.Hour)) {
		t.Fatalf("one more: %v", err)
	}
	if a, err := enrol("greedy", "key 23", false); err != nil || a.Ordinal != 24 {
		t.Errorf("the one that it has: %+v, %v", a, err)
	}
	if _, err := enrol("another", "key 1", true); err != nil {
		t.Errorf("another device: %v", err)
	}
	if got := live("greedy"); fmt.Sprint(got) != "[21 22 23 24]" {
		t.Errorf("live: %v", got)
	}
	d.now = spent.Until
	for n := range 2 {
		_, err := enrol("greedy", "key 1", true)
		if spent := (*replica.SpentError)(nil); (err == nil) != (n == 0) || n > 0 && (!errors.As(err, &spent) || !spent.Until.Equal(begun.Add(24*time.Hour+time.Minute))) {
			t.Errorf("a day after the first: %d, %v", n, err)
		}
	}
}

// The clones of one file each go on under an actor of their own: a fresh one retires none of the few that speak.
func TestClonesKeepTheirActors(t *testing.T) {
	d := newDesk(t)
	one := d.phone("a")
	one.create(rec(1), "one")
	one.mustSync()
	clone := &handset{desk: d, device: "a", shelf: one.shelf.Copy()}
	clone.boot()
	one.create(rec(2), "by the one")
	one.mustSync()
	clone.create(rec(3), "by the other")
	for range 3 {
		if err := clone.sync(); err != nil {
			clone.enrol()
		}
	}
	for n := range 20 {
		d.now = d.now.Add(time.Hour)
		one.create(rec(10+n), "text")
		one.mustSync()
		clone.create(rec(100+n), "text")
		clone.mustSync()
	}
	for _, h := range []*handset{one, clone} {
		h.mustSync()
		for _, id := range []string{rec(1), rec(2), rec(3), rec(29), rec(119)} {
			if _, err := h.Screen(id); err != nil {
				t.Errorf("%s: %v", id, err)
			}
		}
	}
}
