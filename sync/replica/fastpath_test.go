package replica_test

import (
	"testing"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/simnet"
)

// The scalar may prove less than the dots, never something else: whenever it says that a value was on the screen, the dots
// say so too. Seen in whole worlds, since both answers come from what real editors captured.
func TestTheScalarNeverContradictsTheDots(t *testing.T) {
	var proved, undecided int
	engine := replica.Watched(simnet.Engine(), func(unchanged, shown bool) {
		switch {
		case unchanged && !shown:
			t.Errorf("the scalar says seen, the dots say concurrent")
		case unchanged:
			proved++
		default:
			undecided++
		}
	})
	worlds := uint64(60)
	if testing.Short() {
		worlds = 5
	}
	for seed := range worlds {
		w := simnet.World{Seed: 5000 + seed, Engine: engine}
		if r := w.Run(); r.Failure != nil {
			t.Errorf("seed %d: %v", r.Seed, r.Failure)
		}
	}
	if proved == 0 || undecided == 0 {
		t.Errorf("%d proved by the scalar, %d left to the dots: the worlds test nothing", proved, undecided)
	}
	t.Logf("%d proved by the scalar, %d left to the dots", proved, undecided)
}
