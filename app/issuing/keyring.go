package issuing

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/trust"
)

// Key is a signing key in custody. One whose private half is gone is published, and signs no more.
type Key struct {
	qr.SigningKey
	From, Until time.Time // when it signs
	Compromised bool      // somebody else may have it
}

func (k Key) inForce(now time.Time) bool {
	return k.CanSign() && !k.Compromised && !now.Before(k.From) && !now.After(k.Until)
}

// Keyring is all keys in custody.
type Keyring struct {
	Root      qr.SigningKey
	Successor qr.Key   // pinned together with the root
	Former    []qr.Key // roots that handed over: what they signed may still be the set that is published
	Keys      []Key    // of a usage the oldest first
}

// ringAge is how long another process's change of the keys may go unnoticed.
const ringAge = 5 * time.Second

type held struct {
	at   time.Time
	ring *Keyring
}

func (s *Service) keyring() (*Keyring, error) {
	now := s.Clock()
	s.mu.Lock()
	h := s.ring
	s.mu.Unlock()
	if h.ring != nil && now.Sub(h.at) < ringAge && !now.Before(h.at) {
		return h.ring, nil
	}
	return s.readKeyring(now)
}

func (s *Service) readKeyring(now time.Time) (*Keyring, error) {
	ring, err := s.Keys()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.ring = held{now, &ring}
	s.mu.Unlock()
	return &ring, nil
}

// key is the key that signs for a usage now: the oldest in force. A younger one is published beside it already, for the day when
// this one ends or is stolen.
func (s *Service) key(u qr.Usage) (qr.SigningKey, error) {
	k, err := s.signing(u)
	return k.SigningKey, err
}

func (s *Service) signing(u qr.Usage) (Key, error) {
	ring, err := s.keyring()
	if err != nil {
		return Key{}, err
	}
	now := s.Clock()
	for _, k := range ring.Keys {
		if k.Usage == u && k.inForce(now) {
			return k, nil
		}
	}
	return Key{}, fmt.Errorf("issuing: there is no key for %s in force", u)
}

// entry is how a key stands in the key set.
func (k Key) entry(now time.Time) trust.Key {
	standing := trust.Active
	switch {
	case k.Compromised:
		standing = trust.Compromised
	case now.After(k.Until):
		standing = trust.Retired
	}
	return trust.Key{
		Key: k.Key, NotBefore: seconds(k.From), LastIssue: seconds(k.Until), LastVerify: seconds(k.Until.Add(verifyTerm)), Standing: standing,
	}
}

func seconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// entries are the keys of the set: those in custody, and those that were published from elsewhere or whose file is gone, for what they
// signed is still about. What was once said to be in wrong hands stays so.
func (r *Keyring) entries(before trust.KeySet, now time.Time) (keys []trust.Key) {
	for _, k := range r.Keys {
		keys = append(keys, k.entry(now))
	}
	for _, old := range before.Keys {
		at := slices.IndexFunc(keys, func(k trust.Key) bool { return k.ID == old.ID })
		switch {
		case at < 0:
			if old.Standing == trust.Active && now.After(old.LastIssue) {
				old.Standing = trust.Retired
			}
			keys = append(keys, old)
		case old.Standing == trust.Compromised:
			keys[at].Standing = trust.Compromised
		}
	}
	keys = slices.DeleteFunc(keys, func(k trust.Key) bool { return now.After(k.LastVerify) })
	slices.SortStableFunc(keys, func(a, b trust.Key) int {
		if c := strings.Compare(string(a.Usage), string(b.Usage)); c != 0 {
			return c
		}
		if c := a.NotBefore.Compare(b.NotBefore); c != 0 {
			return c
		}
		return strings.Compare(a.ID.String(), b.ID.String())
	})
	return keys
}

// roots are those by whose word a set that is published may stand.
func (r *Keyring) roots() []qr.Key {
	return append(slices.Clone(r.Former), r.Root.Key, r.Successor)
}
