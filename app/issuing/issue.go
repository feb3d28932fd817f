package issuing

import (
	"context"
	"reflect"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/domain/referral"
	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/document"
	"github.com/medcard/medcard/sync/cardsync"
)

// Prescription files a prescription and gives it back with the text of its code. The sheet's bearer comes from the card.
func (s *Service) Prescription(ctx context.Context, a identity.Actor, f Filing, sheet prescription.Sheet) (rx prescription.Prescription, code string, err error) {
	raw, err := f.id(a.Client)
	if err != nil {
		return rx, "", err
	}
	id, now := prescription.ID(raw), s.Clock()
	token, err := s.token()
	if err != nil {
		return rx, "", err
	}
	scopes := card.Scopes{card.ScopeOf(card.KindPrescription, card.General)}
	err = s.Store.Update(ctx, func(tx Tx) error {
		permit, bearer, err := s.admit(tx, a, f.Card, PrescriptionRight, scopes, now)
		if err != nil {
			return err
		}
		sheet := sheet
		sheet.Bearer = bearer
		if old, text, found, err := tx.Prescription(permit, id); err != nil || found {
			rx, code = old, text
			if err == nil && !reflect.DeepEqual(old.Sheet, sheet) {
				err = ErrMismatch
			}
			return err
		}
		if rx, err = prescription.Issue(id, f.Card, token, sheet, now, s.Zone); err != nil {
			return err
		}
		if code, err = s.sealPrescription(tx, rx, now); err != nil {
			return err
		}
		if err := tx.AddPrescription(permit, rx, code, a.Client); err != nil {
			return err
		}
		return s.file(tx, permit, cardsync.FromPrescription(rx, code), f, now)
	})
	if err != nil {
		return prescription.Prescription{}, "", err
	}
	return rx, code, nil
}

// sealPrescription makes the code. A controlled form's code is its token alone: it is checked online only.
func (s *Service) sealPrescription(tx Tx, rx prescription.Prescription, now time.Time) (string, error) {
	ref, err := s.place(tx, rx.Token, now)
	if err != nil {
		return "", err
	}
	if rules, known := prescription.RulesOn(rx.Sheet.Form, now); known && rules.Controlled {
		return qr.TokenText(qr.TokenID(rx.Token)), nil
	}
	key, err := s.key(qr.Prescription)
	if err != nil {
		return "", err
	}
	return document.SealPrescription(rx, ref, key)
}

// Referral files a referral and gives it back with the text of its code.
func (s *Service) Referral(ctx context.Context, a identity.Actor, f Filing, sheet referral.Sheet) (r referral.Referral, code string, err error) {
	raw, err := f.id(a.Client)
	if err != nil {
		return r, "", err
	}
	id, now := referral.ID(raw), s.Clock()
	token, err := s.token()
	if err != nil {
		return r, "", err
	}
	key, err := s.key(qr.Referral)
	if err != nil {
		return r, "", err
	}
	scopes := card.Scopes{card.ScopeOf(card.KindReferral, card.General)}
	err = s.Store.Update(ctx, func(tx Tx) error {
		permit, bearer, err := s.admit(tx, a, f.Card, ReferralRight, scopes, now)
		if err != nil {
			return err
		}
		sheet := sheet
		sheet.Bearer = bearer
		if old, text, found, err := tx.Referral(permit, id); err != nil || found {
			r, code = old, text
			if err == nil && !reflect.DeepEqual(old.Sheet, sheet) {
				err = ErrMismatch
			}
			return err
		}
		if r, err = referral.Issue(id, f.Card, token, sheet, now, s.Zone); err != nil {
			return err
		}
		ref, err := s.place(tx, r.Token, now)
		if err != nil {
			return err
		}
		if code, err = document.SealReferral(r, ref, key); err != nil {
			return err
		}
		if err := tx.AddReferral(permit, r, code, a.Client); err != nil {
			return err
		}
		return s.file(tx, permit, cardsync.FromReferral(r, code), f, now)
	})
	if err != nil {
		return referral.Referral{}, "", err
	}
	return r, code, nil
}

// file puts a paper into the card, tells the phones and remembers who did it.
func (s *Service) file(tx Tx, p consent.Permit, record cardsync.Record, f Filing, now time.Time) error {
	if err := tx.Publish(p, []cardsync.Record{record}, now); err != nil {
		return err
	}
	if err := tx.EnqueueNews(p, card.Scopes{record.Scope}); err != nil {
		return err
	}
	return tx.AppendAudit(audit.Entry{
		Card: f.Card, At: now, Actor: p.Actor(), Action: audit.Issue, Purpose: consent.Treatment, What: string(record.Kind), Request: f.Request,
	})
}

// PrescriptionCode gives the text of a prescription's code to its patient or to the client that filed it.
func (s *Service) PrescriptionCode(ctx context.Context, a identity.Actor, id prescription.ID) (code string, err error) {
	err = s.Store.View(ctx, func(tx Tx) error {
		of, found, err := tx.CardOfPrescription(id)
		if err != nil {
			return err
		}
		if !found {
			return ErrUnknown
		}
		permit, err := s.show(tx, a, of, PrescriptionRight, card.KindPrescription, string(id))
		if err != nil {
			return err
		}
		_, code, found, err = tx.Prescription(permit, id)
		if err == nil && !found {
			err = ErrUnknown
		}
		return err
	})
	return code, err
}

// ReferralCode does the same for a referral.
func (s *Service) ReferralCode(ctx context.Context, a identity.Actor, id referral.ID) (code string, err error) {
	err = s.Store.View(ctx, func(tx Tx) error {
		of, found, err := tx.CardOfReferral(id)
		if err != nil {
			return err
		}
		if !found {
			return ErrUnknown
		}
		permit, err := s.show(tx, a, of, ReferralRight, card.KindReferral, string(id))
		if err != nil {
			return err
		}
		_, code, found, err = tx.Referral(permit, id)
		if err == nil && !found {
			err = ErrUnknown
		}
		return err
	})
	return code, err
}

// show lets the patient and the paper's own issuer see it; to anybody else it does not exist.
func (s *Service) show(tx Tx, a identity.Actor, of card.ID, right string, kind card.Kind, id string) (consent.Permit, error) {
	if a.Kind == identity.Patient {
		p, err := tx.Decide(a, of, consent.PatientRequest, s.Clock())
		if err != nil {
			return p, ErrUnknown
		}
		return p, nil
	}
	p, err := tx.DecideWrite(a, of, right, card.Scopes{card.ScopeOf(kind, card.General)})
	if err != nil {
		return p, err
	}
	issuer, err := tx.Issuer(p, kind, id)
	if err == nil && issuer != a.Client {
		err = ErrUnknown
	}
	return p, err
}
