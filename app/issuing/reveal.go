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

// Look is why somebody looks at a code. A clinic says it, as of everything that it reads of a card, be the paper its own and just filed: the text of
// the code came with the answer to that. A person's is always the same, and need not be said.
type Look struct {
	Purpose consent.Purpose
	Request string // id of the HTTP request, for the audit
}

// PrescriptionCode gives the texts of a prescription's codes to its patient or to the client that filed it.
func (s *Service) PrescriptionCode(ctx context.Context, a identity.Actor, id prescription.ID, why Look) (Shown, error) {
	return s.reveal(ctx, a, wanted{
		kind: card.KindPrescription, id: string(id), right: PrescriptionRight, Look: why,
		find: func(tx Tx) (card.ID, bool, error) { return tx.CardOfPrescription(id) },
		read: func(tx Tx, p consent.Permit) (token [16]byte, code string, found bool, err error) {
			rx, code, found, err := tx.Prescription(p, id)
			return rx.Token, code, found, err
		},
	})
}

// ReferralCode does the same for a referral.
func (s *Service) ReferralCode(ctx context.Context, a identity.Actor, id referral.ID, why Look) (Shown, error) {
	return s.reveal(ctx, a, wanted{
		kind: card.KindReferral, id: string(id), right: ReferralRight, Look: why,
		find: func(tx Tx) (card.ID, bool, error) { return tx.CardOfReferral(id) },
		read: func(tx Tx, p consent.Permit) (token [16]byte, code string, found bool, err error) {
			r, code, found, err := tx.Referral(p, id)
			return r.Token, code, found, err
		},
	})
}

// CertificateCode does the same for a certificate.
func (s *Service) CertificateCode(ctx context.Context, a identity.Actor, id certificate.ID, why Look) (Shown, error) {
	return s.reveal(ctx, a, wanted{
		kind: card.KindCertificate, id: string(id), right: CertificateRight, Look: why,
		find: func(tx Tx) (card.ID, bool, error) { return tx.CardOfCertificate(id) },
		read: func(tx Tx, p consent.Permit) (token [16]byte, code string, found bool, err error) {
			c, code, found, err := tx.Certificate(p, id)
			return c.Token, code, found, err
		},
	})
}

// wanted is what somebody asks to see.
type wanted struct {
	Look
	kind  card.Kind
	id    string
	right string // of the client that filed it
	find  func(Tx) (of card.ID, found bool, err error)
	read  func(Tx, consent.Permit) (token [16]byte, code string, found bool, err error)
}

// ownReadAgain is how often an owner's look at his own papers is remembered, per device.
const ownReadAgain = 15 * time.Minute

// reveal shows a code and remembers to whom: what stands in it is the card's.
func (s *Service) reveal(ctx context.Context, a identity.Actor, want wanted) (shown Shown, err error) {
	if err := want.Look.by(a); err != nil {
		return Shown{}, err
	}
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
			if seen, err := tx.OwnReadSince(of, a, want.Purpose, now.Add(-ownReadAgain)); err != nil || seen {
				return err
			}
		}
		return tx.AppendAudit(audit.Entry{Card: of, At: now, Actor: a, Action: audit.Read, Purpose: want.Purpose, What: string(want.kind), Request: want.Request})
	})
	if err != nil {
		return Shown{}, err
	}
	return shown, nil
}

// by judges the look of an actor before anything is said of a paper, and adds what goes without saying.
func (l *Look) by(a identity.Actor) error {
	switch {
	case a.Kind == identity.Patient && l.Purpose == "":
		l.Purpose = consent.PatientRequest
	case a.Kind.Organisation() && !a.Person.Named():
		return consent.ErrPerson
	case a.Kind.Organisation() && l.Purpose != consent.Treatment && l.Purpose != consent.Emergency:
		return consent.ErrPurpose
	}
	return nil
}

// admit lets in who sees the paper on the patient's side, and its own issuer; to anybody else it does not exist.
func (w wanted) admit(tx Tx, a identity.Actor, of card.ID, now time.Time) (consent.Permit, error) {
	if a.Kind == identity.Patient {
		p, err := tx.Decide(a, of, w.Purpose, now)
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
