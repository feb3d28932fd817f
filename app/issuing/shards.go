package issuing

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/trust"
)

// A place in a status list. The lists of a region and a month are shards of 2^17 places; the next one opens when the newest is half
// full, so that a random place is free at the first or second try, and a list compresses well.

// halfFull is how many places of a shard are given away before the next one opens.
const halfFull = trust.ListSize / 2

const (
	searches   = 64   // places that are tried in one shard: of one that is half full, all are taken once in 10^19 times
	recount    = 1024 // papers after which a shard is counted again; between, every server adds its own
	openShards = 3    // shards that are tried: the newest, the next, and the one that another server opened meanwhile
)

var errFull = errors.New("issuing: no free place was found in the status lists")

// Shards gives papers their places in the status lists of a region. It is safe for concurrent use.
type Shards struct {
	Region uint8
	Random io.Reader

	mu      sync.Mutex
	filling filling
}

// Places is what Shards needs of a transaction.
type Places interface {
	NewestShard(first, last int) (list int, found bool, err error)
	OpenShard(list int, now time.Time) error
	Filled(list int) (int, error)
	// TakePlace gives false when another paper has the place, also one that is being filed right now.
	TakePlace(list, place int, token [16]byte, status int) (taken bool, err error)
}

// filling is what a server remembers of the shard that gets places.
type filling struct{ list, filled, since int }

func (s *Service) place(tx Tx, token [16]byte, now time.Time) (qr.StatusRef, error) {
	return s.shards.Place(tx, token, now)
}

// Place finds a random free place in a list of the region and the month.
func (s *Shards) Place(tx Places, token [16]byte, now time.Time) (qr.StatusRef, error) {
	list, err := s.newest(tx, now)
	if err != nil {
		return qr.StatusRef{}, err
	}
	for range openShards {
		for range searches {
			index, err := s.draw()
			if err != nil {
				return qr.StatusRef{}, err
			}
			taken, err := tx.TakePlace(list, index, token, int(trust.Valid))
			if err != nil {
				return qr.StatusRef{}, err
			}
			if taken {
				return qr.StatusRef{List: uint32(list), Index: uint32(index)}, nil // by trust.ListNumber, and below ListSize
			}
		}
		list++
		if err := tx.OpenShard(list, now); err != nil {
			return qr.StatusRef{}, err
		}
	}
	return qr.StatusRef{}, errFull
}

func (s *Shards) draw() (int, error) {
	var b [3]byte
	if _, err := io.ReadFull(s.Random, b[:]); err != nil {
		return 0, fmt.Errorf("draw randomness: %w", err)
	}
	return (int(b[0]) | int(b[1])<<8 | int(b[2])<<16) % trust.ListSize, nil
}

// newest is the list that gets places now. It opens one where there is none, or where the newest is half full.
func (s *Shards) newest(tx Places, now time.Time) (int, error) {
	first, last := trust.ListNumbers(s.Region, now)
	list, found, err := tx.NewestShard(int(first), int(last))
	if err != nil {
		return 0, err
	}
	if !found {
		return int(first), tx.OpenShard(int(first), now)
	}
	full, err := s.isHalfFull(tx, list)
	if err != nil || !full || list == int(last) {
		return list, err
	}
	return list + 1, tx.OpenShard(list+1, now)
}

// isHalfFull counts a shard now and then and adds what was given away here since. What other servers gave away shows at the next
// count: with n servers a shard may be n thousand places beyond the half, which changes nothing.
func (s *Shards) isHalfFull(tx Places, list int) (bool, error) {
	s.mu.Lock()
	f := s.filling
	s.mu.Unlock()
	if f.list != list || f.since >= recount {
		n, err := tx.Filled(list)
		if err != nil {
			return false, err
		}
		f = filling{list: list, filled: n}
	}
	f.since++
	s.mu.Lock()
	s.filling = f
	s.mu.Unlock()
	return f.filled+f.since > halfFull, nil
}
