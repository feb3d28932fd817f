package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/simnet"
	"github.com/medcard/medcard/sync/wire"
)

// stormPhone is a phone in a storm: the real engine over a store in memory.
type stormPhone struct {
	*storm
	name   string
	id     card.ID
	sight  replica.Sight
	shelf  *simnet.Shelf
	phone  *replica.Phone
	epoch  string
	actor  uint32
	rand   *rand.Rand
	known  map[string]bool   // records that came, or that it made
	edits  map[string]uint64 // by record: how many of its edits the server has said it took
	told   uint64            // the last of them
	edited int
}

func (s *storm) phone(number int, id card.ID, scopes replica.Scopes) *stormPhone {
	s.t.Helper()
	p := &stormPhone{storm: s, name: fmt.Sprint("phone ", number), id: id, sight: replica.Sight{Now: scopes}, shelf: simnet.NewShelf(),
		rand: rand.New(rand.NewPCG(uint64(number), 9)), known: map[string]bool{}, edits: map[string]uint64{}}
	p.phone = replica.NewPhone(string(id), p.shelf, time.Now)
	var actor replica.Actor
	onCard(s.t, s.db, id, func(l replica.Ledger) error {
		head, err := l.Head()
		if err != nil {
			return err
		}
		p.epoch = head.Epoch
		actor, err = stormRules.Enrol(l, p.name, "", false, time.Now())
		return err
	})
	p.actor = actor.Ordinal
	if err := p.phone.Enrolled(wire.Enrolment{Card: string(id), Epoch: p.epoch, Actor: actor.Ordinal, LMID: actor.LMID}); err != nil {
		s.t.Fatal(err)
	}
	return p
}

// write edits and syncs until the storm is over.
func (p *stormPhone) write(over func() bool) {
	for !over() {
		p.edit()
		p.sync()
	}
}

// read syncs until the others have written all.
func (p *stormPhone) read(done *atomic.Bool) {
	for !done.Load() {
		p.sync()
		time.Sleep(time.Duration(p.rand.IntN(4)) * time.Millisecond)
	}
}

// edit makes a record, or changes one, its own or another's. Both atoms get the same value.
func (p *stormPhone) edit() {
	p.edited++
	value := json.RawMessage(fmt.Sprintf(`"%s: %d"`, p.name, p.edited))
	values := map[string]json.RawMessage{"text": value, "value": value}
	if ids := slices.Sorted(maps.Keys(p.known)); len(ids) > 0 && p.rand.IntN(2) == 0 {
		d, screen, err := p.phone.Open(ids[p.rand.IntN(len(ids))])
		if err != nil || screen.Kind != "comment" {
			return
		}
		if _, err := p.phone.Save(d, values); err != nil {
			p.t.Error(err)
		}
		return
	}
	id := store.NewID()
	d, err := p.phone.New(id, "comment")
	if err == nil {
		_, err = p.phone.Save(d, values)
	}
	if err != nil {
		p.t.Error(err)
	}
	p.known[id] = true
}

// sync pushes what waits and pulls what is new, as far as the weather allows; done says that nothing was left to ask for.
func (p *stormPhone) sync() (done bool) {
	x, err := p.phone.Exchange(5)
	if err != nil {
		p.t.Error(err)
		return false
	}
	defer x.Close()
	ask := x.Request()
	seal := replica.NewBlockSealer(make([]byte, 32), string(p.id), p.name, p.epoch)
	var pushed replica.Pushed
	if len(ask.Mutations) > 0 {
		if !p.weathered(p.update(p.rand, p.id, func(l replica.Ledger) (err error) {
			pushed, err = stormRules.Push(l, replica.Push{Device: p.name, Actor: ask.Actor, Epoch: ask.Epoch, Acked: ask.Acked, Low: ask.Low,
				Mutations: ask.Mutations, Sight: p.sight, Seal: seal, Now: time.Now()})
			return err
		})) {
			return false
		}
		for i, r := range pushed.Results {
			if r.Outcome == wire.Refused {
				p.t.Errorf("%s is refused: %s", ask.Mutations[i].ID, r.Code)
			}
			if r.N > p.told { // else it has said so before, and the phone did not hear
				p.told = r.N
				p.edits[ask.Mutations[i].ID]++
				p.count("edited")
			}
		}
	}
	in := replica.Pull{Device: p.name, Ask: ask.PullCard, Sight: p.sight, Seal: seal, Results: pushed.Results}
	for {
		var page replica.Page
		if !p.weathered(p.db.View(context.Background(), asOwner(p.id, func(l replica.Ledger) (err error) {
			page, err = stormRules.Pull(l, in)
			return err
		}))) {
			return false
		}
		p.count("pages")
		for _, line := range page.Lines {
			if err := x.Line(line); err != nil {
				p.t.Errorf("%s: %v", p.name, err)
				return false
			}
		}
		p.look(page)
		if !page.More {
			return x.Done()
		}
		in = in.NextPage(page)
	}
}

// look sees that what a page brought is whole on the phone.
func (p *stormPhone) look(page replica.Page) {
	for _, line := range page.Lines {
		if line.Row == nil {
			continue
		}
		id := line.Row.ID
		p.known[id] = true
		_ = p.shelf.View(func(tx replica.PhoneTx) error {
			row, found, err := tx.Row(id)
			if found && !whole(row.Atoms, func(v wire.Version) json.RawMessage { return v.Value }) {
				p.tear("%s has %v of %s", p.name, row.Atoms, id)
			}
			return err
		})
	}
}

// settle syncs until nothing is left, and holds the phone against the server and against a phone that comes now.
func (p *stormPhone) settle() {
	p.t.Helper()
	calm := func(q *stormPhone) {
		for range 1000 {
			if q.sync() {
				return
			}
		}
		p.t.Errorf("%s never comes to rest", q.name)
	}
	calm(p)
	fresh := p.storm.phone(1000+int(p.actor), p.id, p.sight.Now)
	calm(fresh)
	var there []wire.Entry
	taken := map[string]uint64{}
	onCard(p.t, p.db, p.id, func(l replica.Ledger) (err error) {
		if there, err = l.Digests(p.sight.Now, "", "", math.MaxInt32); err != nil {
			return err
		}
		records, err := l.Records(slices.Collect(maps.Keys(p.edits)))
		for id, rec := range records {
			taken[id] = rec.VV.Get(p.actor)
		}
		return err
	})
	if len(there) == 0 || !slices.Equal(p.holds(), there) {
		p.t.Errorf("%s holds %d records other than the server's %d", p.name, len(p.holds()), len(there))
	}
	if !slices.Equal(fresh.holds(), there) {
		p.t.Errorf("a phone that comes after the storm holds %d records other than the server's %d", len(fresh.holds()), len(there))
	}
	if !maps.Equal(taken, p.edits) {
		p.t.Errorf("%s was told that these edits were taken: %v; the server took %v", p.name, p.edits, taken)
	}
}

// holds is what stands in the base.
func (p *stormPhone) holds() (list []wire.Entry) {
	if err := p.shelf.View(func(tx replica.PhoneTx) (err error) {
		list, err = tx.Digests("", "")
		return err
	}); err != nil {
		p.t.Error(err)
	}
	return list
}
