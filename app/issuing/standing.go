package issuing

import (
	"context"
	"slices"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/certificate"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/paper"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/domain/referral"
	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/trust"
)

// Standing tells what became of the paper with the token, as far as the asker may know: what was handed out is told to pharmacies only.
func (s *Service) Standing(ctx context.Context, a identity.Actor, token qr.TokenID) (standing paper.Standing, found bool, err error) {
	now := s.Clock()
	err = s.Store.View(ctx, func(tx Tx) (err error) {
		standing, found, err = tx.Standing(token)
		return err
	})
	if err != nil || !found {
		return paper.Standing{}, false, err
	}
	standing.State = seenBy(a, standing, now)
	return standing, true, nil
}

func seenBy(a identity.Actor, s paper.Standing, now time.Time) string {
	over := now.After(s.ValidUntil)
	switch card.Kind(s.Kind) {
	case card.KindPrescription:
		state := prescription.State(s.State)
		switch {
		case over && state != prescription.Dispensed && state != prescription.Cancelled && state != prescription.InWork:
			state = prescription.Expired
		case a.Kind != identity.Pharmacy && (state == prescription.InWork || state == prescription.PartlyDispensed || state == prescription.Dispensed):
			state = prescription.Issued // what she bought is nobody's business
			if over {
				state = prescription.Expired
			}
		}
		return string(state)
	case card.KindReferral:
		if over && referral.State(s.State) == referral.Issued {
			return string(referral.Expired)
		}
	case card.KindCertificate:
		if over && certificate.State(s.State) == certificate.Issued {
			return string(certificate.Expired)
		}
	}
	return s.State
}

// Verification is what anybody may know of a code: whether it is genuine, and nothing of health or of whose it is.
type Verification struct {
	Genuine    bool // issued by us, and not withdrawn, used up or out of date
	Reasons    []trust.Reason
	Kind       string // "" = nothing of ours
	State      string
	ValidUntil time.Time
}

// Verify checks the text of a code for whoever holds it, as an employer does with a certificate. A small code is as good as the
// document's: 16 random bytes are not guessed.
func (s *Service) Verify(ctx context.Context, a identity.Actor, text string) (out Verification, err error) {
	token, err := qr.OpenToken(text)
	signed := err != nil
	if signed {
		v, err := s.Judge(ctx, a, text)
		if err != nil {
			return out, err
		}
		out.Genuine, out.Reasons = v.Answer == trust.OK, v.Reasons
		if v.Document == nil {
			return out, nil
		}
		token = v.Document.Claims().Token
	}
	standing, found, err := s.Standing(ctx, a, token)
	if err != nil {
		return Verification{}, err
	}
	if !found {
		out.Genuine = false
		if !signed {
			out.Reasons = []trust.Reason{trust.IsNotIssued}
		}
		return out, nil
	}
	out.Kind, out.State, out.ValidUntil = standing.Kind, standing.State, standing.ValidUntil
	if !signed {
		out.Genuine = true
	}
	if why, bad := standing.Reason(); bad {
		out.Genuine = false
		if reason := trust.Reason(why); !slices.Contains(out.Reasons, reason) {
			out.Reasons = append(out.Reasons, reason)
		}
	}
	return out, nil
}
