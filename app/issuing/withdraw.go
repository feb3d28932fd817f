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
	"github.com/medcard/medcard/qr/trust"
	"github.com/medcard/medcard/sync/cardsync"
)

// SuspendPrescription keeps it from being handed out, ResumePrescription lets it go on; only the client that filed the prescription may.
// (To cancel one is to move the course for good, which is dispensing's.)
func (s *Service) SuspendPrescription(ctx context.Context, a identity.Actor, id prescription.ID, request string) (prescription.Prescription, error) {
	return s.movePrescription(ctx, a, id, request, audit.Suspend, trust.Revoked, prescription.Course.Suspend)
}

// ResumePrescription is the reverse of SuspendPrescription.
func (s *Service) ResumePrescription(ctx context.Context, a identity.Actor, id prescription.ID, request string) (prescription.Prescription, error) {
	return s.movePrescription(ctx, a, id, request, audit.Resume, trust.Valid, prescription.Course.Resume)
}

func (s *Service) movePrescription(ctx context.Context, a identity.Actor, id prescription.ID, request string, act audit.Action, mark trust.Mark,
	move func(prescription.Course, time.Time) (prescription.Course, error),
) (rx prescription.Prescription, err error) {
	err = s.own(ctx, a, owned{
		kind: card.KindPrescription, id: string(id), right: PrescriptionRight, act: act, request: request,
		find: func(tx Tx) (card.ID, bool, error) { return tx.CardOfPrescription(id) },
		move: func(tx Tx, permit consent.Permit, now time.Time) (record cardsync.Record, err error) {
			var code string
			var found bool
			if rx, code, found, err = tx.Prescription(permit, id); err != nil || !found {
				return record, unknown(err)
			}
			read := rx.Course.Version
			if rx.Course, err = move(rx.Course, now); err != nil {
				return record, err
			}
			saved, err := tx.SaveCourse(permit, id, read, rx.Course)
			if err != nil {
				return record, err
			}
			if !saved {
				return record, errRaced
			}
			return cardsync.FromPrescription(rx, code), tx.SetStatus(rx.Token, int(mark))
		},
	})
	return rx, err
}

// CancelReferral withdraws a referral; only the client that filed it may.
func (s *Service) CancelReferral(ctx context.Context, a identity.Actor, id referral.ID, request string) (r referral.Referral, err error) {
	err = s.own(ctx, a, owned{
		kind: card.KindReferral, id: string(id), right: ReferralRight, act: audit.Cancel, request: request,
		find: func(tx Tx) (card.ID, bool, error) { return tx.CardOfReferral(id) },
		move: func(tx Tx, permit consent.Permit, now time.Time) (record cardsync.Record, err error) {
			var code string
			var found bool
			if r, code, found, err = tx.Referral(permit, id); err != nil || !found {
				return record, unknown(err)
			}
			if r, err = r.Cancel(now); err != nil {
				return record, err
			}
			if err := tx.SaveReferral(permit, r); err != nil {
				return record, err
			}
			return cardsync.FromReferral(r, code), tx.SetStatus(r.Token, int(trust.Revoked))
		},
	})
	return r, err
}

// RevokeCertificate withdraws a certificate; only the client that filed it may.
func (s *Service) RevokeCertificate(ctx context.Context, a identity.Actor, id certificate.ID, request string) (c certificate.Certificate, err error) {
	err = s.own(ctx, a, owned{
		kind: card.KindCertificate, id: string(id), right: CertificateRight, act: audit.Cancel, request: request,
		find: func(tx Tx) (card.ID, bool, error) { return tx.CardOfCertificate(id) },
		move: func(tx Tx, permit consent.Permit, now time.Time) (record cardsync.Record, err error) {
			var code string
			var found bool
			if c, code, found, err = tx.Certificate(permit, id); err != nil || !found {
				return record, unknown(err)
			}
			if c, err = c.Revoke(now); err != nil {
				return record, err
			}
			if err := tx.SaveCertificate(permit, c); err != nil {
				return record, err
			}
			return cardsync.FromCertificate(c, code), tx.SetStatus(c.Token, int(trust.Revoked))
		},
	})
	return c, err
}

func unknown(err error) error {
	if err == nil {
		err = ErrUnknown
	}
	return err
}

// owned is what a client does with a paper that it filed.
type owned struct {
	kind    card.Kind
	id      string
	right   string
	act     audit.Action
	request string
	find    func(Tx) (of card.ID, found bool, err error)
	move    func(Tx, consent.Permit, time.Time) (cardsync.Record, error)
}

// own does it, writes it into the card and the audit, and tells the phones: all or nothing. To anybody but the paper's own client the
// paper does not exist.
func (s *Service) own(ctx context.Context, a identity.Actor, want owned) error {
	now := s.Clock()
	scopes := card.Scopes{card.ScopeOf(want.kind, card.General)}
	return s.Store.Update(ctx, func(tx Tx) error {
		of, found, err := want.find(tx)
		if err != nil || !found {
			return unknown(err)
		}
		if err := tx.LockCard(of); err != nil {
			return err
		}
		permit, err := tx.DecideWrite(a, of, want.right, scopes)
		if err != nil {
			return err
		}
		issuer, err := tx.Issuer(permit, want.kind, want.id)
		if err != nil || issuer != a.Client {
			return unknown(err)
		}
		record, err := want.move(tx, permit, now)
		if err != nil {
			return err
		}
		return s.tell(tx, permit, want.act, want.request, now, record)
	})
}

// tell writes records into the card, tells the phones and remembers who did it.
func (s *Service) tell(tx Tx, p consent.Permit, act audit.Action, request string, now time.Time, records ...cardsync.Record) error {
	if err := tx.Publish(p, records, now); err != nil {
		return err
	}
	if err := tx.EnqueueNews(p, card.Scopes{records[0].Scope}); err != nil {
		return err
	}
	return tx.AppendAudit(audit.Entry{
		Card: p.Card(), At: now, Actor: p.Actor(), Action: act, Purpose: consent.Treatment, What: string(records[0].Kind), Request: request,
	})
}
