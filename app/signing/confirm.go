package signing

import (
	"context"
	"errors"

	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/signature"
)

const (
	mostConfirmations = 5000 // of an account
	shown             = 100
)

// Confirm keeps that the actor confirmed a request. Only his own certificate counts.
func (s *Service) Confirm(ctx context.Context, a identity.Actor, token, sent string) (made signature.Confirmation, err error) {
	c, j, err := s.answered(ctx, signature.Confirm, a, token, sent)
	if err != nil {
		return made, err
	}
	made = signature.Confirmation{ID: signature.ID(s.NewID()), Account: a.Account, Action: c.Action, Digest: c.Digest, At: s.now(), Proof: j.proof(c)}
	return made, s.Store.Update(ctx, func(tx Tx) error {
		of, found, err := tx.SignerAccount(j.owner.SNILS)
		switch {
		case err != nil:
			return err
		case !found:
			return errNotBound
		case of != a.Account:
			return errOwner
		}
		n, err := tx.CountConfirmations(a.Account)
		switch {
		case err != nil:
			return err
		case n >= mostConfirmations:
			return errTooMany
		}
		if err := j.settle(tx, a.Account, c); err != nil {
			return err
		}
		return tx.AddConfirmation(made)
	})
}

func (j judged) proof(c signature.Challenge) signature.Proof {
	p := signature.Proof{
		Content: c.Text(), Message: j.message, Issuer: j.certificate().Issuer.CommonName, Serial: j.certificate().SerialNumber.Text(16),
		Until: j.certificate().NotAfter.UTC(),
	}
	for _, c := range j.chain {
		p.Chain = append(p.Chain, c.Raw)
	}
	return p
}

// List gives the actor's newest confirmations, of one request where its digest is given.
func (s *Service) List(ctx context.Context, a identity.Actor, digest string) (list []signature.Confirmation, err error) {
	var of *signature.Digest
	if digest != "" {
		d, ok := signature.ParseDigest(digest)
		if !ok {
			return nil, errAction
		}
		of = &d
	}
	err = s.Store.View(ctx, func(tx Tx) error {
		list, err = tx.Confirmations(a.Account, of, shown)
		return err
	})
	return list, err
}

// Show gives one of the actor's confirmations with its proof.
func (s *Service) Show(ctx context.Context, a identity.Actor, id signature.ID) (c signature.Confirmation, err error) {
	err = s.Store.View(ctx, func(tx Tx) error {
		var found bool
		if c, found, err = tx.Confirmation(a.Account, id); err == nil && !found {
			err = errNothing
		}
		return err
	})
	return c, err
}

func taken(err error) error {
	if errors.Is(err, signature.ErrTaken) {
		return errTaken
	}
	return err
}
