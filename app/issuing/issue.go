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
		added, err := tx.AddPrescription(permit, rx, code, a.Client)
		if err != nil {
			return err
		}
		if !added {
			return ErrMismatch
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
		added, err := tx.AddReferral(permit, r, code, a.Client)
		if err != nil {
			return err
		}
		if !added {
			return ErrMismatch
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
