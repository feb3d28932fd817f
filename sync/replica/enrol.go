package replica

import (
	"slices"
	"time"
)

// What one device may have of a card's actors. An honest one asks for a fresh actor when it was restored or cloned, or edits of it were
// destroyed: once or twice a year, and three times in one sync if everything goes wrong.
const (
	newActors   = 24             // in actorsTime
	actorsTime  = 24 * time.Hour // after which the first of them counts no more
	ownedActors = 4              // live ones: a device has several only if its file was cloned, and each clone goes on
)

// SpentError says that a device was given as many actors on a card as it may have for now.
type SpentError struct{ Until time.Time }

func (*SpentError) Error() string { return "replica: too many actors for one device" }

func (s Server) newActors() int {
	if s.NewActors == 0 {
		return newActors
	}
	return s.NewActors
}

// Enrol gives a device its actor on the card. Without fresh, the actor that it got before but never wrote under comes
// again (its reply was lost); a device that has written and lost its count must not go on under the old one.
//
// Each actor that lives keeps the card from forgetting, and each that was has a row for ever. So a device gets a few within a day and no
// more (SpentError), and when it has too many that live, the one that has been silent the longest is retired, as it would be after a longer silence. The elder is
// not retired at once: it may be the original of a clone, and the two would take the card from each other with every sync.
func (s Server) Enrol(l Ledger, device, key string, fresh bool, now time.Time) (Actor, error) {
	if _, err := l.Lock(); err != nil {
		return Actor{}, err
	}
	actors, err := l.Actors()
	if err != nil {
		return Actor{}, err
	}
	next := uint32(1)
	var own []Actor
	for _, a := range actors {
		if !fresh && a.Device == device && a.Key == key && a.State == Live && a.LMID == 0 {
			return a, nil
		}
		next = max(next, a.Ordinal+1)
		if a.Device == device {
			own = append(own, a)
		}
	}
	slices.SortStableFunc(own, func(a, b Actor) int { return a.LastSeen.Compare(b.LastSeen) })
	if err := s.unspent(own, now); err != nil {
		return Actor{}, err
	}
	if err := retireSilent(l, own); err != nil {
		return Actor{}, err
	}
	a := Actor{Ordinal: next, Device: device, Key: key, LastSeen: now, State: Live}
	return a, l.SaveActor(a)
}

// unspent fails while so many of the device's actors were seen within a day that they may all be new. That they are is not noted: of those
// that are older, few are live.
func (s Server) unspent(own []Actor, now time.Time) error {
	if len(own) < s.newActors() {
		return nil
	}
	until := own[len(own)-s.newActors()].LastSeen.Add(actorsTime)
	if !until.After(now) {
		return nil
	}
	return &SpentError{Until: until}
}

// retireSilent makes room for one more live actor of a device.
func retireSilent(l Ledger, own []Actor) error {
	live := slices.DeleteFunc(own, func(a Actor) bool { return !a.State.live() })
	for len(live) >= ownedActors {
		live[0].State = Retired
		if err := l.SaveActor(live[0]); err != nil {
			return err
		}
		live = live[1:]
	}
	return nil
}
