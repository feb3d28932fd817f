package oauth

import (
	"crypto/sha256"
	"sync"
	"time"
)

// rememberProofs is how long a proof must be remembered: from a minute before the time that it says to a minute after.
const rememberProofs = 2 * proofWindow

// mostProofs bounds how many are remembered at once, in each of two halves; an entry takes about 40 bytes.
const mostProofs = 1 << 20

// replays remembers proofs in the server's memory. So a proof counts once at each server, and once more at one that was started anew within its
// two minutes: to remember them in the database would make a write of each read.
type replays struct {
	mu           sync.Mutex
	current, old map[[16]byte]struct{}
	turned       time.Time
	most         int // of each half; 0 = mostProofs
}

// spending is what became of a proof.
type spending uint8

const (
	spentNow spending = iota
	spentBefore
	noRoom
)

// spend remembers a proof, unless it was spent before.
func (r *replays) spend(name string, now time.Time) spending {
	sum := sha256.Sum256([]byte(name))
	key := [16]byte(sum[:16])
	most := r.most
	if most == 0 {
		most = mostProofs
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if age := now.Sub(r.turned); age >= rememberProofs || r.current == nil {
		r.old = r.current
		if age >= 2*rememberProofs {
			r.old = nil
		}
		r.current, r.turned = map[[16]byte]struct{}{}, now
	}
	if _, seen := r.current[key]; seen {
		return spentBefore
	}
	if _, seen := r.old[key]; seen {
		return spentBefore
	}
	if len(r.current) >= most {
		return noRoom
	}
	r.current[key] = struct{}{}
	return spentNow
}
