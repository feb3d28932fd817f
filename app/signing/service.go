package signing

import (
	"context"
	"crypto/hmac"
	"crypto/x509"
	"encoding/base64"
	"io"
	"strings"
	"time"

	"github.com/medcard/medcard/app/cms"
	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/posting"
	"github.com/medcard/medcard/domain/signature"
)

// Tx is what this act needs of a transaction.
type Tx interface {
	CardsOfPatient(who posting.Introduction) ([]posting.Match, error)
	OwnersOf(id card.ID, now time.Time) ([]identity.AccountID, error)
	LockAllowance(key []byte) (time.Time, error)
	SetAllowance(key []byte, spentUntil time.Time) error

	Account(id identity.AccountID) (account.Account, bool, error)
	AddEvent(account.Event) error
	// BindSigner gives signature.ErrTaken when the person signs in to another account.
	BindSigner(of identity.AccountID, person identity.SNILS, now time.Time) error
	// UnbindSigner gives false when nobody was bound.
	UnbindSigner(of identity.AccountID) (bool, error)
	// SignerAccount finds the account that the person signs in to.
	SignerAccount(person identity.SNILS) (identity.AccountID, bool, error)
	// NoteCertificate remembers from when a certificate of an authority is valid, and gives from when the newest is that was noted.
	NoteCertificate(of identity.AccountID, issuer []byte, from time.Time) (newest time.Time, err error)
	// SpendChallenge gives false when the challenge was spent before.
	SpendChallenge(text []byte, ends time.Time) (bool, error)
	ForgetChallenges(before time.Time) error

	CountConfirmations(of identity.AccountID) (int, error)
	AddConfirmation(c signature.Confirmation) error
	Confirmation(of identity.AccountID, id signature.ID) (signature.Confirmation, bool, error)
	// Confirmations lists the newest, without their proofs; of one request where a digest is given.
	Confirmations(of identity.AccountID, digest *signature.Digest, limit int) ([]signature.Confirmation, error)
}

// Store runs transactions.
type Store interface {
	View(context.Context, func(Tx) error) error
	Update(context.Context, func(Tx) error) error
}

// Service takes signatures.
type Service struct {
	Store      Store
	Anchors    cms.Anchors // no roots = no signatures are taken
	Verifier   cms.Verifier
	Revocation func(ctx context.Context, chain []*x509.Certificate) error
	Hash       func(kind, value string) []byte // keyed
	Server     string                          // its address, as challenges name it
	Clock      func() time.Time
	Random     io.Reader
	NewID      func() string
	// Tell writes to a person that a certificate signs in to the account from now on, or does no more: like every other way in.
	Tell func(ctx context.Context, who account.Account, bound bool)
}

// Asked is a challenge as it is handed out.
type Asked struct {
	Token   string // comes back with the signature
	Content []byte // what is to be signed
	Ends    time.Time
}

// now is the time as precisely as a database keeps it.
func (s *Service) now() time.Time { return s.Clock().UTC().Truncate(time.Microsecond) }

// Ask gives a challenge: for sign-in to anybody, for the rest to the actor.
func (s *Service) Ask(p signature.Purpose, a identity.Actor, action, digest string) (Asked, error) {
	if len(s.Anchors.Roots) == 0 {
		return Asked{}, errNotOffered
	}
	c := signature.Challenge{Purpose: p, Server: s.Server, Account: a.Account, Ends: s.now().Add(signature.ChallengeLife).Truncate(time.Second)}
	if p == signature.Confirm {
		var ok bool
		if c.Digest, ok = signature.ParseDigest(digest); !ok || !signature.ValidAction(action) {
			return Asked{}, errAction
		}
		c.Action = action
	}
	nonce := make([]byte, 24)
	if _, err := io.ReadFull(s.Random, nonce); err != nil {
		return Asked{}, err
	}
	c.Nonce = base64.RawURLEncoding.EncodeToString(nonce)
	text := c.Text()
	return Asked{Content: text, Ends: c.Ends, Token: base64.RawURLEncoding.EncodeToString(text) + "." + base64.RawURLEncoding.EncodeToString(s.mark(text))}, nil
}

func (s *Service) mark(text []byte) []byte { return s.Hash("signature challenge", string(text)) }

// open reads a challenge that came back with its answer. Before all else it looks whether that is a private key: whoever sends one must hear
// so, and not that he has to try again.
func (s *Service) open(token, sent string, p signature.Purpose, of identity.AccountID) (c signature.Challenge, err error) {
	if cms.HoldsPrivateKey(sent) {
		return c, errPrivateKey
	}
	first, second, _ := strings.Cut(token, ".")
	text, bad := base64.RawURLEncoding.DecodeString(first)
	mark, worse := base64.RawURLEncoding.DecodeString(second)
	if bad != nil || worse != nil || !hmac.Equal(mark, s.mark(text)) {
		return c, errChallenge
	}
	if c, err = signature.ReadChallenge(text); err != nil || c.Purpose != p || c.Server != s.Server || c.Account != of || !s.now().Before(c.Ends) {
		return signature.Challenge{}, errChallenge
	}
	return c, nil
}

// judged is a signature that holds.
type judged struct {
	message []byte
	chain   []*x509.Certificate
	owner   cms.Owner
}

func (j judged) certificate() *x509.Certificate { return j.chain[0] }

// judge checks all that can be checked without the database. sent is base64.
func (s *Service) judge(ctx context.Context, sent string, content []byte) (j judged, err error) {
	if j.message, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(sent), "")); err != nil {
		return j, errMalformed
	}
	m, err := cms.Parse(j.message)
	if err != nil {
		return j, worded(ctx, err)
	}
	if j.chain, err = s.Anchors.Chain(ctx, s.Verifier, m, s.Clock()); err != nil {
		return j, worded(ctx, err)
	}
	if err = m.Holds(ctx, s.Verifier, content); err != nil {
		return j, worded(ctx, err)
	}
	if err = cms.Usable(m.Signer); err != nil {
		return j, worded(ctx, err)
	}
	if j.owner, err = cms.OwnerOf(m.Signer); err != nil {
		return j, worded(ctx, err)
	}
	return j, worded(ctx, s.Revocation(ctx, j.chain))
}

// settle does what every signature that counts does: it is the newest of its authority, and its challenge is spent.
func (j judged) settle(tx Tx, of identity.AccountID, c signature.Challenge) error {
	newest, err := tx.NoteCertificate(of, j.certificate().RawIssuer, j.certificate().NotBefore)
	if err != nil {
		return err
	}
	if newest.After(j.certificate().NotBefore) {
		return errReplaced
	}
	fresh, err := tx.SpendChallenge(c.Text(), c.Ends)
	if err == nil && !fresh {
		err = errUsed
	}
	return err
}

// SignedIn says whose account a signature opens.
func (s *Service) SignedIn(ctx context.Context, token, sent string) (of identity.AccountID, err error) {
	c, err := s.open(token, sent, signature.SignIn, "")
	if err != nil {
		return "", err
	}
	j, err := s.judge(ctx, sent, c.Text())
	if err != nil {
		return "", err
	}
	err = s.Store.Update(ctx, func(tx Tx) error {
		var found bool
		if of, found, err = tx.SignerAccount(j.owner.SNILS); err != nil {
			return err
		}
		if !found {
			return errNotBound
		}
		return j.settle(tx, of, c)
	})
	return of, err
}

// A person tries a few times in a row; each try is work, with GOST a process.
const (
	tries    = 10
	tryEvery = time.Minute
)

// spend takes one of the account's tries.
func (s *Service) spend(ctx context.Context, of identity.AccountID) error {
	now := s.now()
	key := s.Hash("limit", "signature|"+string(of))
	return s.Store.Update(ctx, func(tx Tx) error {
		until, err := tx.LockAllowance(key)
		if err != nil {
			return err
		}
		if until.Before(now) {
			until = now
		}
		until = until.Add(tryEvery)
		if wait := until.Sub(now) - tries*tryEvery; wait > 0 {
			return errThrottled.After(wait)
		}
		return tx.SetAllowance(key, until)
	})
}

// answered opens the challenge and judges the signature of somebody who is signed in.
func (s *Service) answered(ctx context.Context, p signature.Purpose, a identity.Actor, token, sent string) (c signature.Challenge, j judged, err error) {
	if c, err = s.open(token, sent, p, a.Account); err != nil {
		return c, j, err
	}
	if err = s.spend(ctx, a.Account); err != nil {
		return c, j, err
	}
	j, err = s.judge(ctx, sent, c.Text())
	return c, j, err
}

// Bind lets the owner of the certificate sign in to the actor's account from now on.
func (s *Service) Bind(ctx context.Context, a identity.Actor, token, sent string) error {
	if err := a.Fresh(s.now()); err != nil { // it is one more way in to the account
		return err
	}
	c, j, err := s.answered(ctx, signature.Bind, a, token, sent)
	if err != nil {
		return err
	}
	now := s.now()
	var who account.Account
	err = s.Store.Update(ctx, func(tx Tx) error {
		owns, err := ownsCard(tx, a.Account, j.owner.SNILS, now)
		if err != nil {
			return err
		}
		if !owns {
			return errOwner
		}
		if err := tx.BindSigner(a.Account, j.owner.SNILS, now); err != nil {
			return taken(err)
		}
		if who, _, err = tx.Account(a.Account); err != nil {
			return err
		}
		if err := tx.AddEvent(account.Event{Account: a.Account, Kind: account.SignerSet, What: "added", Device: a.Device, At: now}); err != nil {
			return err
		}
		return j.settle(tx, a.Account, c)
	})
	if err == nil {
		s.Tell(ctx, who, true)
	}
	return err
}

// Unbind ends that. Sessions that are open stay open.
func (s *Service) Unbind(ctx context.Context, a identity.Actor) error {
	var who account.Account
	bound := false
	err := s.Store.Update(ctx, func(tx Tx) (err error) {
		if who, _, err = tx.Account(a.Account); err != nil {
			return err
		}
		if bound, err = tx.UnbindSigner(a.Account); err != nil || !bound {
			return err
		}
		return tx.AddEvent(account.Event{Account: a.Account, Kind: account.SignerSet, What: "removed", Device: a.Device, At: s.now()})
	})
	if err == nil && bound {
		s.Tell(ctx, who, false)
	}
	return err
}

// ownsCard reports whether the account owns the card of the person.
func ownsCard(tx Tx, of identity.AccountID, person identity.SNILS, now time.Time) (bool, error) {
	cards, err := tx.CardsOfPatient(posting.Introduction{Numbers: []card.Number{{System: card.SystemSNILS, Value: string(person)}}})
	if err != nil {
		return false, err
	}
	for _, match := range cards {
		owners, err := tx.OwnersOf(match.Card, now)
		if err != nil {
			return false, err
		}
		for _, owner := range owners {
			if owner == of {
				return true, nil
			}
		}
	}
	return false, nil
}

// Sweep forgets challenges that nobody can answer any more.
func (s *Service) Sweep(ctx context.Context) error {
	before := s.now().Add(-time.Hour)
	return s.Store.Update(ctx, func(tx Tx) error { return tx.ForgetChallenges(before) })
}
