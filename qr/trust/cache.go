package trust

import (
	"bytes"
	"errors"
	"time"

	"github.com/medcard/medcard/qr"
)

// Cache holds the key set and the status lists that were fetched last. It believes nothing but signatures: what was kept on disk goes
// through Accept again. It is not safe for concurrent use.
type Cache struct {
	roots  []qr.Key
	keys   KeySet
	signed []byte
	lists  map[listID]*StatusList
}

type listID struct {
	issuer string
	number uint32
}

// NewCache makes an empty cache that believes the pinned roots.
func NewCache(roots ...qr.Key) (*Cache, error) {
	if len(roots) == 0 {
		return nil, errors.New("trust: no root is pinned")
	}
	for _, r := range roots {
		if err := r.Check(); err != nil {
			return nil, err
		}
	}
	return &Cache{roots: roots, lists: map[listID]*StatusList{}}, nil
}

// Keys is the key set that is held; its Sequence is 0 while there is none.
func (c *Cache) Keys() KeySet { return c.keys }

// AcceptKeys takes a newer key set. An older one is refused, and so is another with the same sequence: a root that signs two
// different sets under one number is broken or stolen. Lists signed by a key that is gone or compromised go with it.
func (c *Cache) AcceptKeys(data []byte) error {
	set, err := OpenKeySet(data, c.roots)
	if err != nil {
		return err
	}
	if c.signed != nil && (set.Sequence < c.keys.Sequence || set.Sequence == c.keys.Sequence && !bytes.Equal(data, c.signed)) {
		return ErrRollback
	}
	c.keys, c.signed = set, bytes.Clone(data)
	for id, list := range c.lists {
		if key, known := set.Find(list.signedBy); !known || key.Standing == Compromised {
			delete(c.lists, id)
		}
	}
	return nil
}

// AcceptStatus takes a newer status list and returns its number.
func (c *Cache) AcceptStatus(data []byte) (uint32, error) {
	list, err := OpenStatus(data, c.keys)
	if err != nil {
		return 0, err
	}
	id := listID{list.Issuer, list.Number}
	if held := c.lists[id]; held != nil && list.IssuedAt.Before(held.IssuedAt) {
		return 0, ErrRollback
	}
	c.lists[id] = list
	return list.Number, nil
}

// HoldsStatus reports whether a status list of that number is held.
func (c *Cache) HoldsStatus(number uint32) bool {
	for id := range c.lists {
		if id.number == number {
			return true
		}
	}
	return false
}

// Status is what the held lists say of a document.
func (c *Cache) Status(issuer string, ref qr.StatusRef) (Mark, time.Time, bool) {
	list := c.lists[listID{issuer, ref.List}]
	if list == nil {
		return NotIssued, time.Time{}, false
	}
	return list.Mark(ref.Index), list.IssuedAt, true
}

// Judge checks a code against what is held. The rest of the knowledge is the caller's: Keys and Status are filled here.
func (c *Cache) Judge(text string, k Knowledge, now time.Time) Verdict {
	k.Keys, k.Status = c.keys, c.Status
	return Judge(text, k, now)
}
