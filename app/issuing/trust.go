package issuing

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/document"
	"github.com/medcard/medcard/qr/trust"
)

// Signed is a document that anybody may fetch and check, with a tag that changes with it.
type Signed struct {
	Bytes []byte
	Tag   string
}

// verifyTerm is how long after its last day of issue a key still verifies: the longest validity of what it signs.
const verifyTerm = 367 * 24 * time.Hour

// Root is the public half of the root key, which readers pin.
func (s *Service) Root() qr.Key { return s.Parts.Root.Key }

// KeySet gives the signed key set of this hour.
func (s *Service) KeySet(ctx context.Context) (Signed, error) {
	p, err := s.published(ctx)
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

func (s *Service) published(ctx context.Context) (published, error) {
	now := s.Clock()
	hour := now.Unix() / 3600
	s.mu.Lock()
	current := s.set
	s.mu.Unlock()
	if current.Bytes != nil && current.hour == hour {
		return current, nil
	}
	start := time.Unix(hour*3600, 0).UTC()
	for _, k := range s.Keys {
		if made := k.Created.UTC().Truncate(time.Second); made.After(start) && !made.After(now) {
			start = made // with a new key the hour's set is another one, and has to be a later one
		}
	}
	set := trust.KeySet{Sequence: uint64(start.Unix()), IssuedAt: start, Expires: start.Add(trust.KeySetTerm)} // after 1970
	for _, k := range s.Keys {
		set.Keys = append(set.Keys, trust.Key{
			Key: k.Key, NotBefore: k.Created, LastIssue: k.Created.Add(trust.IssueTerm), LastVerify: k.Created.Add(trust.IssueTerm + verifyTerm), Standing: trust.Active,
		})
	}
	err := s.Store.View(ctx, func(tx Tx) error {
		set.Lists = nil
		lists, err := tx.StatusLists()
		for _, n := range lists {
			if n < listOf(start) { // another server's clock may be in the next month already
				set.Lists = append(set.Lists, uint32(n)) // year and month
			}
		}
		set.Lists = append(set.Lists, uint32(listOf(start)))
		return err
	})
	if err != nil {
		return published{}, err
	}
	body, err := trust.SealKeySet(set, s.Parts.Root)
	if err != nil {
		return published{}, err
	}
	current = published{hour: hour, set: set, Signed: Signed{Bytes: body, Tag: tag(body)}}
	s.mu.Lock()
	s.set = current
	s.mu.Unlock()
	return current, nil
}

// listAge is how long a status list is given out before it is made anew; readers call one fresh for fifteen minutes.
const listAge = time.Minute

// Status gives a status list. What was handed out is told to pharmacies only: dispensed asks for that.
func (s *Service) Status(ctx context.Context, number uint32, dispensed bool) (Signed, error) {
	now := s.Clock()
	s.mu.Lock()
	v, ok := s.lists[number]
	s.mu.Unlock()
	if !ok || now.Sub(v.at) >= listAge || now.Before(v.at) {
		var err error
		if v, err = s.makeList(ctx, number, now); err != nil {
			return Signed{}, err
		}
		s.mu.Lock()
		s.lists[number] = v
		s.mu.Unlock()
	}
	if dispensed {
		return v.full, nil
	}
	return v.public, nil
}

// ErrNoList means that no paper has a place in such a list.
var ErrNoList = fault.New(fault.NotFound, "status_list.not_found", "There is no such status list. The key set names those that there are.")

func (s *Service) makeList(ctx context.Context, number uint32, now time.Time) (*version, error) {
	key, err := s.key(qr.StatusList)
	if err != nil {
		return nil, err
	}
	list := trust.NewStatusList(number, now)
	known := int(number) == listOf(now)
	err = s.Store.View(ctx, func(tx Tx) error {
		list = trust.NewStatusList(number, now)
		var bad error
		err := tx.Statuses(int(number), func(place, status int) {
			known = true
			bad = errors.Join(bad, list.Set(uint32(place), trust.Mark(status))) // checked by Set
		})
		return errors.Join(err, bad)
	})
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, ErrNoList
	}
	full, err := trust.SealStatus(list, key)
	if err != nil {
		return nil, err
	}
	public, err := trust.SealStatus(list.Public(), key)
	if err != nil {
		return nil, err
	}
	return &version{at: now, full: Signed{Bytes: full, Tag: tag(full)}, public: Signed{Bytes: public, Tag: tag(public)}}, nil
}

func tag(body []byte) string {
	sum := sha256.Sum256(body)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// Judge judges the text of a code by everything that the server knows: its keys and its own record of what it issued. That
// something was handed out is told to pharmacies only.
func (s *Service) Judge(ctx context.Context, a identity.Actor, text string) (v trust.Verdict, err error) {
	now := s.Clock()
	p, err := s.published(ctx)
	if err != nil {
		return v, err
	}
	know := trust.Knowledge{Keys: p.set, Longest: document.Longest}
	// First who says it, then what became of it: the record is looked up by the token of a code whose signature holds.
	v = trust.Judge(text, know, now)
	if v.Document == nil {
		return v, nil
	}
	err = s.Store.View(ctx, func(tx Tx) error {
		status, found, err := tx.StatusOf(v.Document.Claims().Token)
		if err != nil {
			return err
		}
		mark, asOf := trust.Mark(status), now // two bits, ours
		if !found {
			// A list may be older than the code; the record itself knows all that was issued, so it speaks of any time of issue. Whoever
			// has stolen a key chooses that time.
			mark, asOf = trust.NotIssued, later(now, v.Document.Claims().IssuedAt.Add(time.Hour))
		}
		if mark == trust.Spent && a.Kind != identity.Pharmacy {
			mark = trust.Valid
		}
		know.Status = func(string, qr.StatusRef) (trust.Mark, time.Time, bool) { return mark, asOf, true }
		return nil
	})
	if err != nil {
		return v, err
	}
	return trust.Judge(text, know, now), nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// ErrCode means that a code is none of ours, or was changed. Which of these is the verdict's to say, at the scan.
var ErrCode = fault.New(fault.Invalid, "code.not_genuine", "This is not the code of a genuine prescription: its signature does not hold.")

// Token gives the token of a prescription's code once its signature holds; what became of the prescription is its course's to say.
// The small opaque code has no signature: whoever holds its random token was given it.
func (s *Service) Token(ctx context.Context, text string) (prescription.Token, error) {
	if token, err := qr.OpenToken(text); err == nil {
		return prescription.Token(token), nil
	}
	p, err := s.published(ctx)
	if err != nil {
		return prescription.Token{}, err
	}
	code, err := qr.Open(text)
	if err != nil {
		return prescription.Token{}, ErrCode.Because(err)
	}
	key, known := p.set.Find(code.KeyID())
	if !known {
		return prescription.Token{}, ErrCode
	}
	verified, err := code.Verify(key.Key)
	if err != nil || verified.Usage() != qr.Prescription {
		return prescription.Token{}, ErrCode.Because(err)
	}
	return prescription.Token(verified.Claims().Token), nil
}
