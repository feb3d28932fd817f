package replica_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/simnet"
	"github.com/medcard/medcard/sync/vclock"
	"github.com/medcard/medcard/sync/wire"
)

// The engine alone, stores in memory: what these take is the floor under every real store.

func BenchmarkFirstSyncOfTenThousand(b *testing.B) {
	d := newDesk(b)
	d.server.PageRows, d.server.PageBytes = 1000, 1<<20
	a := d.enrol("a")
	facts := make([]replica.Fact, 10_000)
	for i := range facts {
		facts[i] = fact(i+1, "lab.general", strings.Repeat("x", 60))
	}
	d.publish(facts...)
	b.ReportAllocs()
	for b.Loop() {
		var out bytes.Buffer
		w := wire.NewLineWriter(&out)
		lines, _ := d.pullAll("a", wire.PullCard{Card: cardID, Actor: a})
		for _, line := range lines {
			d.must(w.Write(line))
		}
		b.SetBytes(int64(out.Len()))
	}
}

func BenchmarkPushOfAThousand(b *testing.B) {
	d := newDesk(b)
	a := d.enrol("a")
	first := make([]wire.Mutation, 1000)
	for i := range first {
		first[i] = edit(uint64(i)+1, wire.OpCreate, rec(i), "first", nil)
	}
	_, err := d.push("a", a, first...)
	d.must(err)
	n := uint64(1000)
	b.ReportAllocs()
	for b.Loop() {
		batch := make([]wire.Mutation, 1000)
		for i := range batch {
			n++
			batch[i] = edit(n, wire.OpPatch, rec(i), fmt.Sprint("value ", n), clock(dot(a, 1)), dot(a, 1))
		}
		_, err := d.pushAcked("a", a, n-1000, batch...)
		d.must(err)
	}
}

func BenchmarkNoOpPull(b *testing.B) {
	d := newDesk(b)
	a := d.enrol("a")
	d.publish(fact(1, "lab.general", "x"))
	_, ask := d.pullAll("a", wire.PullCard{Card: cardID, Actor: a})
	b.ReportAllocs()
	for b.Loop() {
		d.pull("a", ask)
	}
}

func BenchmarkRebase(b *testing.B) {
	row := wire.Row{ID: rec(1), Kind: "comment", VV: clock(dot(1, 3)),
		Atoms: map[string][]wire.Version{"text": {{Dot: dot(1, 3), HLC: 5, Value: quote("x")}}}}
	items := []replica.Item{{Actor: 1, State: replica.Waiting, Mutation: wire.Mutation{ID: rec(1), Op: wire.OpPatch, HLC: 6,
		Ctx: clock(dot(1, 3)), Atoms: map[string]wire.Change{"text": {V: json.RawMessage(`"y"`), Seen: []vclock.Dot{dot(1, 3)}}}}}}
	b.ReportAllocs()
	for b.Loop() {
		replica.Rebase(&row, items)
	}
}

var _ replica.PhoneStore = (*simnet.Shelf)(nil)

// What a digest costs is paid for every record that is saved, on both sides.
func BenchmarkDigest(b *testing.B) {
	rec := replica.Record{ID: rec(1), Kind: "observation", Scope: "lab.general", Date: noon, VV: vclock.Clock{{Actor: 0, N: 1}, {Actor: 3, N: 7}},
		Atoms: map[string][]replica.Version{}}
	for _, name := range []string{"code", "effective", "value"} {
		rec.Atoms[name] = []replica.Version{{Dot: vclock.Dot{Actor: 0, N: 1}, Seq: 7, HLC: vclock.At(noon), Value: quote(strings.Repeat("x", 90))}}
	}
	b.ReportAllocs()
	for b.Loop() {
		rec.Digest()
	}
}
