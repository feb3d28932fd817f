package store

import (
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// still is the ledger of a transaction that only reads. It sees one moment, so what it was told once it does not ask the database again:
// the steps of a sync each ask where the card stands, since each stands by itself.
type still struct {
	*ledger
	head   *replica.Head
	actor  *replica.Actor // the last that was asked for and found
	scopes []total
	listed bool // scopes were read
}

func (s *still) Head() (replica.Head, error) {
	if s.head == nil {
		head, err := s.ledger.Head()
		if err != nil {
			return head, err
		}
		s.head = &head
	}
	return *s.head, nil
}

func (s *still) Actor(ordinal uint32) (replica.Actor, bool, error) {
	if s.actor == nil || s.actor.Ordinal != ordinal {
		actor, ok, err := s.ledger.Actor(ordinal)
		if err != nil || !ok {
			return actor, ok, err
		}
		s.actor = &actor
	}
	return *s.actor, true, nil
}

func (s *still) totals() ([]total, error) {
	if !s.listed {
		list, err := s.ledger.totals()
		if err != nil {
			return nil, err
		}
		s.scopes, s.listed = list, true
	}
	return s.scopes, nil
}

func (s *still) Newest(scopes replica.Scopes) (uint64, error) {
	totals, err := s.totals()
	return newestOf(totals, scopes), err
}

func (s *still) Sum(scopes replica.Scopes) (wire.Sum, bool, error) {
	totals, err := s.totals()
	if err != nil {
		return wire.Sum{}, false, err
	}
	return s.sumOf(totals, scopes)
}
