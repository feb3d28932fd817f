package replica_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// testdata/digests.json is for whoever writes another client: rows as they travel, and their digests. They never change.
func TestDigestsOfExamples(t *testing.T) {
	raw, err := os.ReadFile("testdata/digests.json")
	if err != nil {
		t.Fatal(err)
	}
	var examples []struct {
		What   string
		Row    wire.Row
		Digest wire.Digest
	}
	if err := json.Unmarshal(raw, &examples); err != nil {
		t.Fatal(err)
	}
	seen := map[wire.Digest]string{}
	for _, e := range examples {
		got := replica.Digest(e.Row)
		if got != e.Digest {
			t.Errorf("%s: digest %s, want %s", e.What, got, e.Digest)
		}
		if other, ok := seen[got]; ok {
			t.Errorf("%s has the digest of %s", e.What, other)
		}
		seen[got] = e.What
	}
	if len(examples) < 10 {
		t.Errorf("only %d examples", len(examples))
	}
}

// The server's digest of a record is the phone's of the row that it gets.
func TestBothSidesDigestAlike(t *testing.T) {
	d := newDesk(t)
	a := d.enrol("a")
	d.publish(fact(1, "lab.general", "x"), replica.Fact{ID: rec(2), Kind: "document", Scope: "lab.general"})
	d.one("a", a, edit(1, wire.OpCreate, rec(3), "one", nil))
	lines, _ := d.pullAll("a", wire.PullCard{Card: cardID, Actor: a})
	rows := 0
	for _, line := range lines {
		if line.Row == nil {
			continue
		}
		rows++
		raw, err := wire.Marshal(*line.Row)
		if err != nil {
			t.Fatal(err)
		}
		var row wire.Row
		if err := json.Unmarshal(raw, &row); err != nil {
			t.Fatal(err)
		}
		if got, want := replica.Digest(row), d.record(row.ID).Digest(); got != want {
			t.Errorf("%s: the phone has %s, the server %s", row.ID, got, want)
		}
	}
	if rows != 3 {
		t.Errorf("%d rows", rows)
	}
}
