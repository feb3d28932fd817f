package trust_test

import (
	"math/rand/v2"
	"testing"

	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/trust"
)

// A pharmacy fetches the newest lists every quarter of an hour, over a mobile network: what it holds must stay small.
func TestSizeOfAList(t *testing.T) {
	key := newKey(t, "status", qr.StatusList)
	source := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct {
		name    string
		papers  int
		revoked float64
		spent   float64
		limit   int
	}{
		{"nobody yet", 0, 0, 0, 300},
		{"half full, all valid", trust.ListSize / 2, 0.01, 0, 19_500},
		{"half full, half of it handed out", trust.ListSize / 2, 0.01, 0.5, 27_500},
	} {
		list := trust.NewStatusList(1, now)
		for range c.papers {
			index := source.Uint32N(trust.ListSize)
			for list.Mark(index) != trust.NotIssued {
				index = source.Uint32N(trust.ListSize)
			}
			mark := trust.Valid
			switch x := source.Float64(); {
			case x < c.revoked:
				mark = trust.Revoked
			case x < c.revoked+c.spent:
				mark = trust.Spent
			}
			if err := list.Set(index, mark); err != nil {
				t.Fatal(err)
			}
		}
		data, err := trust.SealStatus(list, key)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d bytes", c.name, len(data))
		if len(data) > c.limit {
			t.Errorf("%s: %d bytes", c.name, len(data))
		}
	}
}
