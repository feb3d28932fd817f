package issuing

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/trust"
)

// Signed is a document that anybody may fetch and check, with a tag that changes with it.
type Signed struct {
	Bytes []byte
	Tag   string
}

func signed(body []byte) Signed {
	sum := sha256.Sum256(body)
	return Signed{Bytes: body, Tag: base64.RawURLEncoding.EncodeToString(sum[:12])}
}

const (
	// verifyTerm is how long after its last day of issue a key still verifies, and how long after its month a status list is published:
	// the longest validity of a paper.
	verifyTerm = 367 * 24 * time.Hour
	// setAge is after how long a key set is made anew though nothing changed, so that its term of seven days begins anew.
	setAge = time.Hour
	// month is the longest time in which a shard gets places.
	month = 31 * 24 * time.Hour
)

type published struct {
	at   time.Time // when it was looked up
	ring *Keyring  // by which keys
	set  trust.KeySet
	Signed
}

// Roots are the public halves that readers pin: the root and its successor.
func (s *Service) Roots() (root, successor qr.Key, err error) {
	ring, err := s.keyring()
	if err != nil {
		return root, successor, err
	}
	return ring.Root.Key, ring.Successor, nil
}

// KeySet gives the signed key set. It looks into the database each time: a reader that asks one server and then another must not get
// an older set, which it would have to refuse.
func (s *Service) KeySet(ctx context.Context) (Signed, error) {
	ring, err := s.keyring()
	if err != nil {
		return Signed{}, err
	}
	p, err := s.publish(ctx, ring, s.Clock())
	return p.Signed, err
}

// JWKS gives the same keys for web clients.
func (s *Service) JWKS(ctx context.Context) (Signed, error) {
	p, err := s.published(ctx)
	if err != nil {
		return Signed{}, err
	}
	body, err := p.set.JWKS()
	return Signed{Bytes: body, Tag: p.Tag}, err
}

// published gives the key set as it was looked up last, which is seconds ago at most.
func (s *Service) published(ctx context.Context) (published, error) {
	ring, err := s.keyring()
	if err != nil {
		return published{}, err
	}
	now := s.Clock()
	s.mu.Lock()
	p := s.set
	s.mu.Unlock()
	if p.ring == ring && now.Sub(p.at) < ringAge && !now.Before(p.at) {
		return p, nil
	}
	return s.publish(ctx, ring, now)
}

// refresh is published by what is in custody and in the database this moment.
func (s *Service) refresh(ctx context.Context) (published, error) {
	now := s.Clock()
	ring, err := s.readKeyring(now)
	if err != nil {
		return published{}, err
	}
	return s.publish(ctx, ring, now)
}

// errOvertaken means that another server published meanwhile.
var errOvertaken = errors.New("issuing: another server published a key set first")

func (s *Service) publish(ctx context.Context, ring *Keyring, now time.Time) (published, error) {
	p := published{at: now, ring: ring}
	current := false
	err := s.Store.View(ctx, func(tx Tx) (err error) {
		next, err := s.next(tx, ring, now)
		current, p.set, p.Signed = next.current, next.was, signed(next.signed)
		return err
	})
	if err != nil {
		return published{}, err
	}
	for attempt := 0; !current; attempt++ {
		err = s.Store.Update(ctx, func(tx Tx) (err error) {
			p.set, p.Signed, err = s.replace(tx, ring, now)
			return err
		})
		if err == nil {
			break
		}
		if !errors.Is(err, errOvertaken) || attempt == 5 {
			return published{}, err
		}
	}
	s.mu.Lock()
	s.set = p
	s.mu.Unlock()
	return p, nil
}

// next is what is published, and what should be.
type next struct {
	sequence uint64
	signed   []byte
	was, set trust.KeySet
	current  bool // was will do
}

func (s *Service) next(tx Tx, ring *Keyring, now time.Time) (n next, err error) {
	if n.sequence, n.signed, _, err = tx.KeySet(); err != nil {
		return n, err
	}
	if n.signed != nil {
		// One that no root in custody signed is of another installation's: its number still counts.
		if n.was, err = trust.OpenKeySet(n.signed, ring.roots()); err != nil {
			n.was = trust.KeySet{}
		}
	}
	lists, err := tx.StatusLists(now.Add(-verifyTerm - month))
	if err != nil {
		return n, err
	}
	n.set = trust.KeySet{Issuer: ring.Root.Issuer, SignedBy: ring.Root.ID, Keys: ring.entries(n.was, now)}
	for _, list := range lists {
		n.set.Lists = append(n.set.Lists, uint32(list)) // as trust.ListNumbers made it
	}
	first, _ := trust.ListNumbers(s.Region, now)
	if !slices.Contains(n.set.Lists, first) { // there is a list from the first paper of a month on
		n.set.Lists = append(n.set.Lists, first)
		slices.Sort(n.set.Lists)
	}
	if n.was.SignedBy == ring.Successor.ID {
		n.current = true // another server has read already that the root handed over; this one will
		return n, nil
	}
	same := n.set
	same.Sequence, same.IssuedAt, same.Expires = n.was.Sequence, n.was.IssuedAt, n.was.Expires
	age := now.Sub(n.was.IssuedAt)
	n.current = n.signed != nil && age < setAge && age > -trust.Skew && reflect.DeepEqual(same, n.was)
	return n, nil
}

// replace publishes the next set. Its number is the second, so that it grows even if the database was restored from yesterday; two sets
// of one second get two numbers.
func (s *Service) replace(tx Tx, ring *Keyring, now time.Time) (trust.KeySet, Signed, error) {
	n, err := s.next(tx, ring, now)
	if err != nil || n.current {
		return n.was, signed(n.signed), err
	}
	n.set.Sequence = max(n.sequence+1, uint64(max(0, now.Unix())))
	n.set.IssuedAt = seconds(now)
	n.set.Expires = n.set.IssuedAt.Add(trust.KeySetTerm)
	body, err := trust.SealKeySet(n.set, ring.Root)
	if err != nil {
		return n.set, Signed{}, err
	}
	replaced, err := tx.ReplaceKeySet(n.sequence, n.set.Sequence, body)
	if err != nil {
		return n.set, Signed{}, err
	}
	if !replaced {
		return n.set, Signed{}, errOvertaken
	}
	return n.set, signed(body), record(tx, n.was, n.set, now)
}

// record writes down what became of which key with a new set.
func record(tx Tx, was, set trust.KeySet, now time.Time) error {
	var errs []error
	if was.SignedBy != set.SignedBy {
		errs = append(errs, tx.AddKeyEvent(set.Sequence, set.SignedBy.String(), string(qr.KeySet), "signs", now))
	}
	for _, k := range set.Keys {
		old, known := was.Find(k.ID)
		if !known {
			errs = append(errs, tx.AddKeyEvent(set.Sequence, k.ID.String(), string(k.Usage), "published", now))
		}
		if k.Standing != trust.Active && (!known || old.Standing != k.Standing) {
			errs = append(errs, tx.AddKeyEvent(set.Sequence, k.ID.String(), string(k.Usage), standingWord(k.Standing), now))
		}
	}
	for _, k := range was.Keys {
		if _, still := set.Find(k.ID); !still {
			errs = append(errs, tx.AddKeyEvent(set.Sequence, k.ID.String(), string(k.Usage), "withdrawn", now))
		}
	}
	return errors.Join(errs...)
}

func standingWord(s trust.Standing) string {
	switch s {
	case trust.Active:
		return "active"
	case trust.Retired:
		return "retired"
	case trust.Compromised:
		return "compromised"
	}
	return fmt.Sprintf("standing %d", s)
}
