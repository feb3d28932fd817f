package issuing

import (
	"context"
	"errors"
	"reflect"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/certificate"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
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
		if rx.Number, err = s.number(tx, rx.Token); err != nil {
			return err
		}
		if code, err = s.sealPrescription(tx, rx, now); err != nil {
			return tooLong(err)
		}
		if err := s.remember(tx, code); err != nil {
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
		r, code, err = s.addReferral(tx, permit, r, key, now)
		if err != nil {
			return err
		}
		return s.file(tx, permit, cardsync.FromReferral(r, code), f, now)
	})
	if err != nil {
		return referral.Referral{}, "", err
	}
	return r, code, nil
}

// addReferral gives a new referral its number, its place and its code, and keeps it.
func (s *Service) addReferral(tx Tx, permit consent.Permit, r referral.Referral, key qr.SigningKey, now time.Time) (kept referral.Referral, code string, err error) {
	if r.Number, err = s.number(tx, r.Token); err != nil {
		return r, "", err
	}
	ref, err := s.place(tx, r.Token, now)
	if err != nil {
		return r, "", err
	}
	if code, err = document.SealReferral(r, ref, key); err != nil {
		return r, "", tooLong(err)
	}
	if err := s.remember(tx, code); err != nil {
		return r, "", err
	}
	added, err := tx.AddReferral(permit, r, code, permit.Actor().Client)
	if err == nil && !added {
		err = ErrMismatch
	}
	return r, code, err
}

// Certificate files a certificate and gives it back with the text of its code.
func (s *Service) Certificate(ctx context.Context, a identity.Actor, f Filing, sheet certificate.Sheet) (c certificate.Certificate, code string, err error) {
	raw, err := f.id(a.Client)
	if err != nil {
		return c, "", err
	}
	id, now := certificate.ID(raw), s.Clock()
	token, err := s.token()
	if err != nil {
		return c, "", err
	}
	key, err := s.key(qr.Certificate)
	if err != nil {
		return c, "", err
	}
	scopes := card.Scopes{card.ScopeOf(card.KindCertificate, card.General)}
	err = s.Store.Update(ctx, func(tx Tx) error {
		permit, bearer, err := s.admit(tx, a, f.Card, CertificateRight, scopes, now)
		if err != nil {
			return err
		}
		sheet := sheet
		sheet.Bearer = bearer
		if old, text, found, err := tx.Certificate(permit, id); err != nil || found {
			c, code = old, text
			if err == nil && old.Sheet != sheet {
				err = ErrMismatch
			}
			return err
		}
		if c, err = certificate.Issue(id, f.Card, token, sheet, now, s.Zone); err != nil {
			return err
		}
		if c.Typed, err = s.number(tx, c.Token); err != nil {
			return err
		}
		ref, err := s.place(tx, c.Token, now)
		if err != nil {
			return err
		}
		if code, err = document.SealCertificate(c, ref, key); err != nil {
			return tooLong(err)
		}
		if err := s.remember(tx, code); err != nil {
			return err
		}
		added, err := tx.AddCertificate(permit, c, code, a.Client)
		if err != nil {
			return err
		}
		if !added {
			return ErrMismatch
		}
		return s.file(tx, permit, cardsync.FromCertificate(c, code), f, now)
	})
	if err != nil {
		return certificate.Certificate{}, "", err
	}
	return c, code, nil
}

// ErrTooLong means that a document does not fit a code that can be read from paper. Nothing of it was issued.
var ErrTooLong = fault.New(fault.Invalid, "paper.too_long", "This does not fit a code that can be read from paper. Issue it as two documents, or shorten its texts.")

func tooLong(err error) error {
	if errors.Is(err, document.ErrTooLong) || errors.Is(err, qr.ErrTooLong) {
		return ErrTooLong.Because(err)
	}
	return err
}

// file puts a new paper into the card.
func (s *Service) file(tx Tx, p consent.Permit, record cardsync.Record, f Filing, now time.Time) error {
	return s.tell(tx, p, audit.Issue, f.Request, now, record)
}
