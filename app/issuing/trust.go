package issuing

import (
	"context"
	"errors"
	"time"

	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/document"
	"github.com/medcard/medcard/qr/trust"
)

type version struct {
	at           time.Time
	by           qr.KeyID
	public, full Signed
}

// listAge is how long a status list is given out before it is made anew; readers call one fresh for fifteen minutes. Lists are made on the
// full minute, so that whichever server a reader asks, it gets none that is older than what it holds.
const listAge = time.Minute

// Status gives a status list. What was handed out is told to pharmacies only: dispensed asks for that.
func (s *Service) Status(ctx context.Context, number uint32, dispensed bool) (Signed, error) {
	minute := s.Clock().UTC().Truncate(listAge)
	key, err := s.signing(qr.StatusList)
	if err != nil {
		return Signed{}, err
	}
	s.mu.Lock()
	v, ok := s.lists[number]
	s.mu.Unlock()
	if !ok || !v.at.Equal(minute) || v.by != key.ID {
		if v, err = s.makeList(ctx, number, minute, key); err != nil {
			return Signed{}, err
		}
		s.mu.Lock()
		for n, other := range s.lists { // nobody asked for these within the minute
			if !other.at.Equal(minute) {
				delete(s.lists, n)
			}
		}
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

func (s *Service) makeList(ctx context.Context, number uint32, minute time.Time, key Key) (*version, error) {
	at := later(minute, seconds(key.From)) // a key's first list is not older than the key
	first, _ := trust.ListNumbers(s.Region, at)
	known := number == first
	var list *trust.StatusList
	err := s.Store.View(ctx, func(tx Tx) error {
		open, err := tx.HasShard(int(number))
		if err != nil || !open && !known {
			return err
		}
		known = true
		list = trust.NewStatusList(number, at)
		var bad error
		err = tx.Statuses(int(number), func(place, status int) {
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
	full, err := trust.SealStatus(list, key.SigningKey)
	if err != nil {
		return nil, err
	}
	public, err := trust.SealStatus(list.Public(), key.SigningKey)
	if err != nil {
		return nil, err
	}
	return &version{at: minute, by: key.ID, full: signed(full), public: signed(public)}, nil
}

// remember keeps what the code of a paper says, once the paper has its place.
func (s *Service) remember(tx Tx, text string) error {
	if qr.IsToken(text) {
		return nil // it says its token only, and that is the record
	}
	code, err := qr.Open(text)
	if err != nil {
		return err
	}
	ring, err := s.keyring()
	if err != nil {
		return err
	}
	for _, k := range ring.Keys {
		if k.ID != code.KeyID() {
			continue
		}
		document, err := code.Verify(k.Key)
		if err != nil {
			return err
		}
		return tx.KeepContent(document.Claims().Token, document.Content())
	}
	return errNotSigned
}

var errNotSigned = errors.New("issuing: the paper's code was signed by none of the keys in custody")

// find looks up the key that is said to have signed a code. Of one that is not known the newest set is asked: another server may have
// begun to sign with it a second ago.
func (s *Service) find(ctx context.Context, code qr.Unverified) (set trust.KeySet, key trust.Key, known bool, err error) {
	p, err := s.published(ctx)
	if err != nil {
		return set, key, false, err
	}
	if key, known = p.set.Find(code.KeyID()); !known && s.Clock().Sub(p.at) >= time.Second {
		if p, err = s.refresh(ctx); err != nil {
			return set, key, false, err
		}
		key, known = p.set.Find(code.KeyID())
	}
	return p.set, key, known, nil
}

// Judge judges the text of a code by everything that the server knows: its keys and its own record of what it issued. That
// something was handed out is told to pharmacies only.
func (s *Service) Judge(ctx context.Context, a identity.Actor, text string) (v trust.Verdict, err error) {
	now := s.Clock()
	know := trust.Knowledge{Longest: document.Longest}
	if code, err := qr.Open(text); err == nil {
		if know.Keys, _, _, err = s.find(ctx, code); err != nil {
			return v, err
		}
	}
	// First who says it, then what became of it: the record is looked up by the token of a code whose signature holds.
	v = trust.Judge(text, know, now)
	if v.Document == nil {
		return v, nil
	}
	err = s.Store.View(ctx, func(tx Tx) error {
		token := v.Document.Claims().Token
		status, found, err := tx.StatusOf(token)
		if err != nil {
			return err
		}
		same, known, err := tx.SaysContent(token, v.Document.Content())
		if err != nil {
			return err
		}
		know.Recorded = func(qr.Verified) bool { return known && same }
		mark, asOf := trust.Mark(status), now // two bits, ours
		if !found || known && !same {
			// A list may be older than the code; the record itself knows all that was issued, so it speaks of any time of issue. Whoever
			// has stolen a key chooses that time, and may have read the token of a true paper.
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
	code, err := qr.Open(text)
	if err != nil {
		return prescription.Token{}, ErrCode.Because(err)
	}
	_, key, found, err := s.find(ctx, code)
	if err != nil {
		return prescription.Token{}, err
	}
	if !found {
		return prescription.Token{}, ErrCode
	}
	verified, err := code.Verify(key.Key)
	if err != nil || verified.Usage() != qr.Prescription {
		return prescription.Token{}, ErrCode.Because(err)
	}
	return s.genuine(ctx, verified, key)
}

// genuine gives the token of a code that says what was issued under it. A key can be stolen: then the record alone decides.
func (s *Service) genuine(ctx context.Context, d qr.Verified, key trust.Key) (prescription.Token, error) {
	token := prescription.Token(d.Claims().Token)
	err := s.Store.View(ctx, func(tx Tx) error {
		same, known, err := tx.SaysContent(token, d.Content())
		if err == nil && (known && !same || !known && key.Standing == trust.Compromised) {
			err = ErrCode
		}
		return err
	})
	if err != nil {
		return prescription.Token{}, err
	}
	return token, nil
}
