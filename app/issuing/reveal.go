package issuing

import (
	"context"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/domain/referral"
)

// PrescriptionCode gives the text of a prescription's code to its patient or to the client that filed it; request is the id of the
// HTTP request, for the audit.
func (s *Service) PrescriptionCode(ctx context.Context, a identity.Actor, id prescription.ID, request string) (string, error) {
	return s.reveal(ctx, a, paper{
		kind: card.KindPrescription, id: string(id), right: PrescriptionRight, request: request,
		find: func(tx Tx) (card.ID, bool, error) { return tx.CardOfPrescription(id) },
		read: func(tx Tx, p consent.Permit) (code string, found bool, err error) {
			_, code, found, err = tx.Prescription(p, id)
			return code, found, err
		},
	})
}

// ReferralCode does the same for a referral.
func (s *Service) ReferralCode(ctx context.Context, a identity.Actor, id referral.ID, request string) (string, error) {
	return s.reveal(ctx, a, paper{
		kind: card.KindReferral, id: string(id), right: ReferralRight, request: request,
		find: func(tx Tx) (card.ID, bool, error) { return tx.CardOfReferral(id) },
		read: func(tx Tx, p consent.Permit) (code string, found bool, err error) {
			_, code, found, err = tx.Referral(p, id)
			return code, found, err
		},
	})
}

// paper is what somebody asks to see.
type paper struct {
	kind    card.Kind
	id      string
	right   string // of the client that filed it
	request string
	find    func(Tx) (of card.ID, found bool, err error)
	read    func(Tx, consent.Permit) (code string, found bool, err error)
}

// ownReadAgain is how often an owner's look at his own papers is remembered, per device.
const ownReadAgain = 15 * time.Minute

// reveal shows a code and remembers to whom: what stands in it is the card's.
func (s *Service) reveal(ctx context.Context, a identity.Actor, want paper) (code string, err error) {
	now := s.Clock()
	err = s.Store.Update(ctx, func(tx Tx) error {
		of, found, err := want.find(tx)
		if err != nil {
			return err
		}
		if !found {
			return ErrUnknown
		}
		permit, err := want.admit(tx, a, of, now)
		if err != nil {
			return err
		}
		if code, found, err = want.read(tx, permit); err != nil {
			return err
		}
		if !found {
			return ErrUnknown
		}
		if permit.Owner() {
			if seen, err := tx.OwnReadSince(of, a, permit.Purpose(), now.Add(-ownReadAgain)); err != nil || seen {
				return err
			}
		}
		return tx.AppendAudit(audit.Entry{Card: of, At: now, Actor: a, Action: audit.Read, Purpose: permit.Purpose(), What: string(want.kind), Request: want.request})
	})
	if err != nil {
		return "", err
	}
	return code, nil
}

// admit lets in who sees papers of the kind on the patient's side, and the paper's own issuer; to anybody else it does not exist.
func (w paper) admit(tx Tx, a identity.Actor, of card.ID, now time.Time) (consent.Permit, error) {
	if a.Kind == identity.Patient {
		p, err := tx.Decide(a, of, consent.PatientRequest, now)
		if consent.Closed(err) || err == nil && !p.Reads(card.ScopeOf(w.kind, card.General)) {
			err = ErrUnknown
		}
		return p, err
	}
	p, err := tx.DecideWrite(a, of, w.right, card.Scopes{card.ScopeOf(w.kind, card.General)})
	if err != nil {
		return p, err
	}
	issuer, err := tx.Issuer(p, w.kind, w.id)
	if err == nil && issuer != a.Client {
		err = ErrUnknown
	}
	return p, err
}
