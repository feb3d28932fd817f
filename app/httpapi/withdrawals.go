package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/medcard/medcard/app/issuing"
	"github.com/medcard/medcard/domain/certificate"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/domain/referral"
)

type onlyPath struct {
	ID string `path:"id" format:"uuid"`
}

type stateReply struct {
	Body struct {
		ID         string    `json:"id" format:"uuid"`
		State      string    `json:"state"`
		ValidUntil time.Time `json:"validUntil"`
	}
}

func showState(id, state string, until time.Time) *stateReply {
	out := new(stateReply)
	out.Body.ID, out.Body.State, out.Body.ValidUntil = id, state, until
	return out
}

// withdrawRoutes are the client that filed a paper taking it back, and anybody asking whether a code is genuine.
func (a *API) withdrawRoutes() {
	const tag = "papers"
	for _, one := range []struct {
		act, summary string
		move         func(context.Context, prescription.ID) (prescription.Prescription, error)
	}{
		{"suspend", "Keep a prescription from being handed out for now", func(ctx context.Context, id prescription.ID) (prescription.Prescription, error) {
			return a.Issuing.SuspendPrescription(ctx, actorFrom(ctx), id, requestID(ctx))
		}},
		{"resume", "Let a suspended prescription be handed out again", func(ctx context.Context, id prescription.ID) (prescription.Prescription, error) {
			return a.Issuing.ResumePrescription(ctx, actorFrom(ctx), id, requestID(ctx))
		}},
	} {
		operate(a, Route{ID: one.act + "Prescription", Method: http.MethodPost, Path: "/v1/prescriptions/{id}/" + one.act, Tag: tag, Summary: one.summary, Access: Clinics(issuing.PrescriptionRight).For(Filed)},
			func(ctx context.Context, in *onlyPath) (*stateReply, error) {
				rx, err := one.move(ctx, prescription.ID(in.ID))
				if err != nil {
					return nil, err
				}
				return showState(in.ID, string(rx.Course.State), rx.ValidUntil), nil
			})
	}
	operate(a, Route{ID: "cancelReferral", Method: http.MethodPost, Path: "/v1/referrals/{id}/cancel", Tag: tag, Summary: "Withdraw a referral", Access: Clinics(issuing.ReferralRight).For(Filed)},
		func(ctx context.Context, in *onlyPath) (*stateReply, error) {
			r, err := a.Issuing.CancelReferral(ctx, actorFrom(ctx), referral.ID(in.ID), requestID(ctx))
			if err != nil {
				return nil, err
			}
			return showState(in.ID, string(r.State), r.ValidUntil), nil
		})
	operate(a, Route{ID: "revokeCertificate", Method: http.MethodPost, Path: "/v1/certificates/{id}/revoke", Tag: tag, Summary: "Withdraw a certificate", Access: Clinics(issuing.CertificateRight).For(Filed)},
		func(ctx context.Context, in *onlyPath) (*stateReply, error) {
			c, err := a.Issuing.RevokeCertificate(ctx, actorFrom(ctx), certificate.ID(in.ID), requestID(ctx))
			if err != nil {
				return nil, err
			}
			return showState(in.ID, string(c.State), c.ValidUntil), nil
		})
	operate(a, Route{ID: "verifyCode", Method: http.MethodPost, Path: "/v1/verify", Tag: "codes", Summary: "Is a code genuine, and still good? Nothing of health is told", Access: Anybody()}, a.verifyCode)
}

type verifyRequest struct {
	Body struct {
		Code string `json:"code" minLength:"1" maxLength:"1200" doc:"The text of the QR code, signed or small"`
	}
}

type verifyReply struct {
	Body struct {
		Genuine    bool       `json:"genuine" doc:"Issued here, and not withdrawn, used up or out of date"`
		Reasons    []string   `json:"reasons,omitempty" doc:"Why not, the decisive one first"`
		Kind       string     `json:"kind,omitempty" enum:"prescription,referral,certificate"`
		State      string     `json:"state,omitempty" doc:"In the document's own words, as far as the asker may know"`
		ValidUntil *time.Time `json:"validUntil,omitempty"`
	}
}

func (a *API) verifyCode(ctx context.Context, in *verifyRequest) (*verifyReply, error) {
	v, err := a.Issuing.Verify(ctx, actorFrom(ctx), in.Body.Code)
	if err != nil {
		return nil, err
	}
	out := new(verifyReply)
	out.Body.Genuine, out.Body.Kind, out.Body.State, out.Body.ValidUntil = v.Genuine, v.Kind, v.State, maybe(v.ValidUntil)
	for _, r := range v.Reasons {
		out.Body.Reasons = append(out.Body.Reasons, string(r))
	}
	return out, nil
}
