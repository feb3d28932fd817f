package trust

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
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
	floor  Floor
}

// Floor is how new what was believed once was: nothing older is believed again, even if the thing itself is lost. It travels as JSON.
type Floor struct {
	Sequence uint64               `json:"sequence"`
	Root     string               `json:"root"` // key id of the root that signed
	Lists    map[uint32]time.Time `json:"lists"`
}

// Floor is what a reader keeps beside the key set and the lists.
func (c *Cache) Floor() Floor {
	f := c.floor
	f.Lists = maps.Clone(f.Lists)
	return f
}

// Raise makes the cache refuse what is older than the floor.
func (c *Cache) Raise(f Floor) {
	c.floor.Sequence = max(c.floor.Sequence, f.Sequence)
	if c.rankOf(f.Root) > c.rankOf(c.floor.Root) {
		c.floor.Root = f.Root
	}
	for number, at := range f.Lists {
		if at.After(c.floor.Lists[number]) {
			c.floor.Lists[number] = at
		}
	}
}

type listID struct {
	issuer string
	number uint32
}

// NewCache makes an empty cache that believes the pinned roots: the one that signs today, then the successors that were pinned with it.
// Once a successor has signed, the roots before it are believed no more.
func NewCache(roots ...qr.Key) (*Cache, error) {
	if len(roots) == 0 {
		return nil, errors.New("trust: no root is pinned")
	}
	for _, r := range roots {
		if err := r.Check(); err != nil {
			return nil, err
		}
	}
	return &Cache{roots: roots, lists: map[listID]*StatusList{}, floor: Floor{Lists: map[uint32]time.Time{}}}, nil
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
	if c.rankOf(set.SignedBy.String()) < c.rankOf(c.floor.Root) {
		return fmt.Errorf("%w: %w: its successor has taken over", ErrRollback, ErrRoot)
	}
	if set.Sequence < c.floor.Sequence || c.signed != nil && set.Sequence == c.keys.Sequence && !bytes.Equal(data, c.signed) {
		return ErrRollback
	}
	before := c.keys
	c.keys, c.signed = set, bytes.Clone(data)
	c.floor.Sequence, c.floor.Root = set.Sequence, set.SignedBy.String()
	for id, list := range c.lists {
		if key, known := set.Find(list.signedBy); !known || key.Standing == Compromised {
			delete(c.lists, id)
		}
	}
	c.lowerFloor(before)
	return nil
}

// lowerFloor forgets the times of lists that are over, and of those that a thief may have dated into the future.
func (c *Cache) lowerFloor(before KeySet) {
	stolen := slices.ContainsFunc(c.keys.Keys, func(k Key) bool {
		old, _ := before.Find(k.ID)
		return k.Usage == qr.StatusList && k.Standing == Compromised && old.Standing != Compromised
	})
	maps.DeleteFunc(c.floor.Lists, func(number uint32, _ time.Time) bool {
		_, held := c.StatusIssued(number)
		return !slices.Contains(c.keys.Lists, number) || stolen && !held
	})
}

// rankOf is the place of a root among those that are pinned, -1 where it is none.
func (c *Cache) rankOf(root string) int {
	return slices.IndexFunc(c.roots, func(r qr.Key) bool { return r.ID.String() == root })
}

// AcceptStatus takes a newer status list and returns its number.
func (c *Cache) AcceptStatus(data []byte) (uint32, error) {
	list, err := OpenStatus(data, c.keys)
	if err != nil {
		return 0, err
	}
	id := listID{list.Issuer, list.Number}
	if held := c.lists[id]; held != nil && list.IssuedAt.Before(held.IssuedAt) || held == nil && list.IssuedAt.Before(c.floor.Lists[list.Number]) {
		return 0, ErrRollback
	}
	c.lists[id] = list
	c.floor.Lists[list.Number] = list.IssuedAt
	return list.Number, nil
}

// StatusIssued is when the held status list of that number was issued, the newest where several issuers use the number.
func (c *Cache) StatusIssued(number uint32) (at time.Time, held bool) {
	for id, list := range c.lists {
		if id.number == number && (!held || list.IssuedAt.After(at)) {
			at, held = list.IssuedAt, true
		}
	}
	return at, held
}

// DropStatus forgets the lists of a number.
func (c *Cache) DropStatus(number uint32) {
	maps.DeleteFunc(c.lists, func(id listID, _ *StatusList) bool { return id.number == number })
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
