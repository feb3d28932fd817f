package syncing

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
	"time"

	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// After a change of the epoch every phone of the country wants its cards anew, all of them. So an instance gives out so many whole
// copies at a time; who comes beyond is told when to come again, each another time. What is new, and edits, go on as always. The
// checks that read much have places of their own, fewer: they read faster than any phone does, and nobody waits for them.
//
// Of the places one account has a few at most: it takes no more than its phones to keep them all for minutes by reading slowly.

const (
	manyCopies = 64               // at a time, where the service names no other number: each holds a page in memory, at a slow phone's pace
	ownCopies  = 4                // of one account, where the service names no other number
	ownChecks  = 1                // of one account: its phones take turns
	checkShare = 4                // so many times fewer places are there for checks
	firstGuess = time.Second      // of how long one takes
	soonest    = 5 * time.Second  // before a phone that was sent away may come again
	latest     = 10 * time.Minute // after which it should have come again
)

// errBusy sends a phone away until later.
var errBusy = fault.New(fault.Unavailable, "sync.busy", "Too many phones ask for whole cards just now. Try again when Retry-After has passed.")

var errChecking = fault.New(fault.Unavailable, "sync.busy", "Too many phones check whole cards just now. Try again when Retry-After has passed.")

// copies counts the whole copies that an instance gives out, or other work of which there is only so much at a time. The zero value is ready.
type copies struct {
	mu      sync.Mutex
	running int
	of      map[identity.AccountID]int // of them
	took    time.Duration              // one of them, on average
	booked  time.Time                  // until when those who were sent away fill the places
}

// begin takes a place, or says when there should be one: each who is sent away is booked behind the one before. Who has as many as one
// account may have waits for one of its own, and is booked nowhere: the others' places are free.
func (c *copies) begin(now time.Time, who identity.AccountID, most, own int) (wait time.Duration, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running < most && c.of[who] < own {
		c.running++
		if c.of == nil {
			c.of = map[identity.AccountID]int{}
		}
		c.of[who]++
		return 0, true
	}
	if c.took == 0 {
		c.took = firstGuess
	}
	if c.of[who] >= own {
		return min(soonest+c.took, latest), false
	}
	if c.booked.Before(now) {
		c.booked = now
	}
	c.booked = c.booked.Add(c.took / time.Duration(most))
	return min(soonest+c.booked.Sub(now), latest), false
}

// end gives a place back.
func (c *copies) end(who identity.AccountID, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running--
	if c.of[who]--; c.of[who] == 0 {
		delete(c.of, who)
	}
	if c.took == 0 {
		c.took = took
	}
	c.took += (took - c.took) / 8
}

// whole says whether a request asks for all of a card, from the beginning. Who is in the middle of it goes on.
func whole(ask wire.PullCard, head replica.Head) bool {
	return ask.Cursor == "" || ask.Epoch != "" && ask.Epoch != head.Epoch
}

// startCopy takes a place for the card's part of the stream, once.
func (s *stream) startCopy() error {
	if !s.copying.IsZero() {
		return nil
	}
	own := s.MaxOwnCopies
	if own == 0 {
		own = ownCopies
	}
	now := s.Clock()
	wait, ok := s.copies.begin(now, s.actor.Account, s.maxCopies(), own)
	if !ok {
		return errBusy.After(jittered(wait, draw))
	}
	s.copying = now
	return nil
}

func (s *Service) maxCopies() int {
	if s.MaxCopies == 0 {
		return manyCopies
	}
	return s.MaxCopies
}

// startCheck takes a place for a check that reads much. The caller calls end.
func (s *Service) startCheck(who identity.AccountID) (end func(), err error) {
	begun := s.Clock()
	wait, ok := s.checks.begin(begun, who, max(s.maxCopies()/checkShare, 1), ownChecks)
	if !ok {
		return nil, errChecking.After(jittered(wait, draw))
	}
	return func() { s.checks.end(who, s.Clock().Sub(begun)) }, nil
}

// draw gives a time below most.
func draw(most time.Duration) time.Duration {
	var b [8]byte
	_, _ = rand.Read(b[:]) // which does not fail
	return time.Duration(binary.BigEndian.Uint64(b[:]) % uint64(most))
}

// jittered keeps those who were sent away by several instances, or by one that was started anew, from coming in step.
func jittered(wait time.Duration, draw func(time.Duration) time.Duration) time.Duration {
	return wait + draw(wait/4+time.Second)
}

// endCopy gives the place back, if one was taken.
func (s *stream) endCopy() {
	if !s.copying.IsZero() {
		s.copies.end(s.actor.Account, s.Clock().Sub(s.copying))
		s.copying = time.Time{}
	}
}
