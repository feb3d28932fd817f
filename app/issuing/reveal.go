package issuing

import (
	"context"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/certificate"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/domain/referral"
	"github.com/medcard/medcard/qr"
)

// Shown is what is drawn of a paper: the text of its code, and of the small one that is photographed more easily and good only online.
type Shown struct{ Code, Small string }

// PrescriptionCode gives the texts of a prescription's codes to its patient or to the client that filed it; request is the id of the
// HTTP request, for the audit.
func (s *Service) PrescriptionCode(ctx context.Context, a identity.Actor, id prescription.ID, request string) (Shown, error) {
	return s.reveal(ctx, a, wanted{
		kind: card.KindPrescription, id: string(id), right: PrescriptionRight, request: request,
		find: func(tx Tx) (card.ID, bool, error) { return tx.CardOfPrescription(id) },
		read: func(tx Tx, p consent.Permit) (token [16]byte, code string, found bool, err error) {
			rx, code, found, err := tx.Prescription(p, id)
			return rx.Token, code, found, err
		},
	})
}

// ReferralCode does the same for a referral.
func (s *Service) ReferralCode(ctx context.Context, a identity.Actor, id referral.ID, request string) (Shown, error) {
	return s.reveal(ctx, a, wanted{
		kind: card.KindReferral, id: string(id), right: ReferralRight, request: request,
		find: func(tx Tx) (card.ID, bool, error) { return tx.CardOfReferral(id) },
		read: func(tx Tx, p consent.Permit) (token [16]byte, code string, found bool, err error) {
			r, code, found, err := tx.Referral(p, id)
			return r.Token, code, found, err
		},
	})
}

// CertificateCode does the same for a certificate.
func (s *Service) CertificateCode(ctx context.Context, a identity.Actor, id certificate.ID, request string) (Shown, error) {
	return s.reveal(ctx, a, wanted{
		kind: card.KindCertificate, id: string(id), right: CertificateRight, request: request,
		find: func(tx Tx) (card.ID, bool, error) { return tx.CardOfCertificate(id) },
		read: func(tx Tx, p consent.Permit) (token [16]byte, code string, found bool, err error) {
			c, code, found, err := tx.Certificate(p, id)
			return c.Token, code, found, err
		},
	})
}

// wanted is what somebody asks to see.
type wanted struct {
	kind    card.Kind
	id      string
	right   string // of the client that filed it
	request string
	find    func(Tx) (of card.ID, found bool, err error)
	read    func(Tx, consent.Permit) (token [16]byte, code string, found bool, err error)
}

// ownReadAgain is how often an owner's look at his own papers is remembered, per device.
const ownReadAgain = 15 * time.Minute

// reveal shows a code and remembers to whom: what stands in it is the card's.
func (s *Service) reveal(ctx context.Context, a identity.Actor, want wanted) (shown Shown, err error) {
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
		token, code, found, err := want.read(tx, permit)
		if err != nil {
			return err
		}
		if !found {
			return ErrUnknown
		}
		shown = Shown{Code: code, Small: qr.TokenText(qr.TokenID(token))}
		if permit.Owner() {
			if seen, err := tx.OwnReadSince(of, a, permit.Purpose(), now.Add(-ownReadAgain)); err != nil || seen {
				return err
			}
		}
		return tx.AppendAudit(audit.Entry{Card: of, At: now, Actor: a, Action: audit.Read, Purpose: permit.Purpose(), What: string(want.kind), Request: want.request})
	})
	if err != nil {
		return Shown{}, err
	}
	return shown, nil
}

// admit lets in who sees the paper on the patient's side, and its own issuer; to anybody else it does not exist.
func (w wanted) admit(tx Tx, a identity.Actor, of card.ID, now time.Time) (consent.Permit, error) {
	if a.Kind == identity.Patient {
		p, err := tx.Decide(a, of, consent.PatientRequest, now)
		if consent.Closed(err) {
			return p, ErrUnknown
		}
		if err != nil {
			return p, err
		}
		sees, err := tx.Sees(p, card.RecordID(w.id))
		if err == nil && !sees {
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
