package issuing

import (
	"context"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/notice"
	"github.com/medcard/medcard/domain/referral"
	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/trust"
	"github.com/medcard/medcard/sync/cardsync"
)

// ErrOtherClinic means that a referral names another clinic.
var ErrOtherClinic = fault.New(fault.Denied, "referral.other_clinic", "The referral is to another clinic. Whoever wrote it can hand it on to you.")

// Presented is what a patient shows: a code, or a number with the year of birth.
type Presented struct {
	Code      string
	Number    string
	BirthYear int
}

// AcceptReferral gives a referral to the clinic that the patient shows it to.
func (s *Service) AcceptReferral(ctx context.Context, a identity.Actor, shown Presented, request string) (r referral.Referral, err error) {
	token, err := s.referralToken(ctx, a, shown)
	if err != nil {
		return r, err
	}
	now := s.Clock()
	err = s.Store.Update(ctx, func(tx Tx) error {
		of, id, found, err := tx.ReferralByToken(token)
		if err != nil || !found {
			return unknown(err)
		}
		r, err = s.moveReferral(tx, a, of, id, audit.Take, request, now, func(r referral.Referral) (referral.Referral, error) {
			if target, known, err := tx.ClientByOGRN(r.Sheet.Target); err != nil || known && target != a.Client {
				if err == nil {
					err = ErrOtherClinic
				}
				return r, err
			}
			return r.Accept(a.Client, now)
		})
		return err
	})
	if err != nil {
		return referral.Referral{}, err
	}
	return r, nil
}

// UseReferral notes that the patient came; only the clinic that accepted the referral may.
func (s *Service) UseReferral(ctx context.Context, a identity.Actor, id referral.ID, request string) (r referral.Referral, err error) {
	now := s.Clock()
	err = s.Store.Update(ctx, func(tx Tx) error {
		of, found, err := tx.CardOfReferral(id)
		if err != nil || !found {
			return unknown(err)
		}
		r, err = s.moveReferral(tx, a, of, id, audit.Take, request, now, func(r referral.Referral) (referral.Referral, error) {
			if r.Holder != a.Client {
				return r, ErrUnknown
			}
			return r.Use(a.Client, now)
		})
		if err != nil {
			return err
		}
		return tx.SetStatus(r.Token, int(trust.Spent))
	})
	if err != nil {
		return referral.Referral{}, err
	}
	return r, nil
}

func (s *Service) moveReferral(tx Tx, a identity.Actor, of card.ID, id referral.ID, act audit.Action, request string, now time.Time,
	move func(referral.Referral) (referral.Referral, error),
) (r referral.Referral, err error) {
	permit, r, code, err := s.lockReferral(tx, a, of, id)
	if err != nil {
		return r, err
	}
	if r, err = move(r); err != nil {
		return r, err
	}
	if err := tx.SaveReferral(permit, r); err != nil {
		return r, err
	}
	return r, s.tell(tx, permit, act, request, now, cardsync.FromReferral(r, code))
}

func (s *Service) lockReferral(tx Tx, a identity.Actor, of card.ID, id referral.ID) (p consent.Permit, r referral.Referral, code string, err error) {
	if err := tx.LockCard(of); err != nil {
		return p, r, "", err
	}
	if p, err = tx.DecideWrite(a, of, ReferralRight, card.Scopes{card.ScopeOf(card.KindReferral, card.General)}); err != nil {
		return p, r, "", err
	}
	r, code, found, err := tx.Referral(p, id)
	if err == nil && !found {
		err = ErrUnknown
	}
	return p, r, code, err
}

// referralToken leads from what is shown to a referral's token. Of a code the signature must hold; what became of it is the referral's
// to say.
func (s *Service) referralToken(ctx context.Context, a identity.Actor, shown Presented) (token referral.Token, err error) {
	if shown.Number != "" {
		return s.ReferralByNumber(ctx, a, shown.Number, shown.BirthYear)
	}
	if small, err := qr.OpenToken(shown.Code); err == nil {
		return referral.Token(small), nil
	}
	v, err := s.Judge(ctx, a, shown.Code)
	if err != nil {
		return token, err
	}
	if v.Document == nil || v.Document.Usage() != qr.Referral {
		return token, errNoReferral
	}
	return referral.Token(v.Document.Claims().Token), nil
}

var errNoReferral = fault.New(fault.Invalid, "code.not_genuine", "This is not the code of a genuine referral: its signature does not hold.")

// Handing says where a referral goes.
type Handing struct {
	Key     string // idempotency key
	Request string
	To      referral.Destination
}

// TransferReferral hands a referral to another specialist or clinic. In one transaction the old one is closed and its code dies, the new one
// gets its own code, the patient's phone and the clinics on both sides are told. Who filed the referral or has accepted it may.
func (s *Service) TransferReferral(ctx context.Context, a identity.Actor, id referral.ID, h Handing) (next referral.Referral, code string, err error) {
	raw, err := Filing{Key: h.Key}.id(a.Client)
	if err != nil {
		return next, "", err
	}
	now := s.Clock()
	token, err := s.token()
	if err != nil {
		return next, "", err
	}
	key, err := s.key(qr.Referral)
	if err != nil {
		return next, "", err
	}
	err = s.Store.Update(ctx, func(tx Tx) error {
		of, found, err := tx.CardOfReferral(id)
		if err != nil || !found {
			return unknown(err)
		}
		permit, old, oldCode, err := s.lockReferral(tx, a, of, id)
		if err != nil {
			return err
		}
		issuer, err := tx.Issuer(permit, card.KindReferral, string(id))
		if err != nil || issuer != a.Client && old.Holder != a.Client {
			return unknown(err)
		}
		if again, text, found, err := tx.Referral(permit, referral.ID(raw)); err != nil || found {
			next, code = again, text
			if err == nil && (again.Replaces != id || !sameDestination(again.Sheet, h.To)) {
				err = ErrMismatch
			}
			return err
		}
		chain, err := ancestors(tx, permit, old)
		if err != nil {
			return err
		}
		closed, fresh, err := old.Transfer(referral.ID(raw), token, h.To, chain, now)
		if err != nil {
			return err
		}
		if next, code, err = s.addReferral(tx, permit, fresh, key, now); err != nil {
			return err
		}
		if err := tx.SaveReferral(permit, closed); err != nil {
			return err
		}
		if err := tx.SetStatus(closed.Token, int(trust.Revoked)); err != nil {
			return err
		}
		if err := s.tellClinics(tx, a.Client, issuer, closed, next, now); err != nil {
			return err
		}
		return s.tell(tx, permit, audit.Transfer, h.Request, now, cardsync.FromReferral(closed, oldCode), cardsync.FromReferral(next, code))
	})
	if err != nil {
		return referral.Referral{}, "", err
	}
	return next, code, nil
}

func sameDestination(s referral.Sheet, to referral.Destination) bool {
	return s.Target == to.Target && s.Specialty == to.Specialty && s.Clinic == to.Clinic && s.Referrer == to.Referrer && (to.Purpose == "" || s.Purpose == to.Purpose)
}

// ancestors are what a referral replaces. A chain is bounded, so is the walk.
func ancestors(tx Tx, permit consent.Permit, r referral.Referral) (chain []referral.Referral, err error) {
	for r.Replaces != "" && len(chain) < referral.MaxChain {
		before, _, found, err := tx.Referral(permit, r.Replaces)
		if err != nil || !found {
			return chain, err
		}
		chain, r = append(chain, before), before
	}
	return chain, nil
}

// tellClinics puts notices into the inboxes of those who have to do with it: who wrote it, who had taken it, who hands it on, and to
// whom, if that clinic is known by its OGRN.
func (s *Service) tellClinics(tx Tx, acting, issuer identity.ClientID, closed, next referral.Referral, now time.Time) error {
	tell := func(to identity.ClientID, kind string, paper referral.ID) error {
		return tx.TellClinic(to, notice.Inbox{ID: notice.ID(uuidOf("notice|" + string(to) + "|" + kind + "|" + string(paper))), At: now, Kind: kind, Paper: string(paper)})
	}
	for _, from := range []identity.ClientID{acting, issuer, closed.Holder} {
		if from == "" {
			continue
		}
		if err := tell(from, notice.ReferralTransferred, closed.ID); err != nil {
			return err
		}
	}
	target, known, err := tx.ClientByOGRN(next.Sheet.Target)
	if err != nil || !known {
		return err
	}
	return tell(target, notice.ReferralIncoming, next.ID)
}

// inboxPage is how many notices an answer has at most.
const inboxPage = 200

// Inbox gives a clinic's notices since an instant, from the oldest; more = ask again from the last one's time.
func (s *Service) Inbox(ctx context.Context, a identity.Actor, since time.Time) (list []notice.Inbox, more bool, err error) {
	err = s.Store.View(ctx, func(tx Tx) (err error) {
		list, err = tx.Inbox(a.Client, since, inboxPage)
		return err
	})
	return list, len(list) == inboxPage, err
}
