package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/medcard/medcard/app/issuing"
	"github.com/medcard/medcard/domain/referral"
)

type presentedRequest struct {
	Body struct {
		Code      string `json:"code,omitempty" maxLength:"1200" doc:"The text of the QR code, signed or small; or else number and birthYear"`
		Number    string `json:"number,omitempty" maxLength:"64" doc:"Typed by hand: the 16 digits on the paper"`
		BirthYear int    `json:"birthYear,omitempty" minimum:"1880" maximum:"2200" doc:"Of the patient; with number"`
	}
}

type takenReply struct {
	Body struct {
		ID         string       `json:"id" format:"uuid"`
		State      string       `json:"state"`
		Kind       uint8        `json:"kind"`
		Care       string       `json:"care"`
		Patient    bearerBody   `json:"patient"`
		Clinic     string       `json:"clinic" doc:"OGRN of the referring clinic"`
		Target     string       `json:"target,omitempty"`
		Specialty  uint16       `json:"specialty,omitempty"`
		Purpose    string       `json:"purpose"`
		Referrer   string       `json:"referrer"`
		IssuedAt   time.Time    `json:"issuedAt"`
		ValidUntil time.Time    `json:"validUntil"`
		Replaces   string       `json:"replaces,omitempty" doc:"The referral in whose place it stands"`
		Details    *detailsBody `json:"details,omitempty"`
	}
}

type transferRequest struct {
	ID   string `path:"id" format:"uuid"`
	Body struct {
		IdempotencyKey string `json:"idempotencyKey" minLength:"8" maxLength:"128" doc:"Sent again under the same key it is the same referral"`
		Target         string `json:"target,omitempty" maxLength:"15" doc:"OGRN of the clinic that it goes to; absent = any"`
		Specialty      uint16 `json:"specialty,omitempty" doc:"Of the specialist that it goes to"`
		Purpose        string `json:"purpose,omitempty" maxLength:"200" doc:"Absent = as before"`
		Clinic         string `json:"clinic" maxLength:"15" doc:"OGRN of the clinic that hands it on"`
		Referrer       string `json:"referrer" minLength:"1" maxLength:"60" doc:"Who hands it on"`
	}
}

type inboxRequest struct {
	Since time.Time `query:"since" doc:"Absent = from the oldest that is kept, 90 days"`
}

type inboxReply struct {
	Body struct {
		Notices []inboxBody `json:"notices"`
		More    bool        `json:"more,omitempty" doc:"There are later ones: ask since the last one's time"`
	}
}

type inboxBody struct {
	ID    string    `json:"id" format:"uuid" doc:"Told twice it is the same notice"`
	At    time.Time `json:"at"`
	Kind  string    `json:"kind" enum:"referral.transferred,referral.incoming"`
	Paper string    `json:"paper" format:"uuid"`
}

// referralRoutes are a clinic taking a referral, and handing it on.
func (a *API) referralRoutes() {
	const tag = "papers"
	access := Clinics(issuing.ReferralRight)
	operate(a, Route{ID: "acceptReferral", Method: http.MethodPost, Path: "/v1/referrals/accept", Tag: tag, Summary: "Take the referral that a patient shows", Access: access.For(Shown)},
		func(ctx context.Context, in *presentedRequest) (*takenReply, error) {
			b := in.Body
			r, err := a.Issuing.AcceptReferral(ctx, actorFrom(ctx), issuing.Presented{Code: b.Code, Number: b.Number, BirthYear: b.BirthYear}, requestID(ctx))
			if err != nil {
				return nil, err
			}
			return showTaken(r), nil
		})
	operate(a, Route{ID: "useReferral", Method: http.MethodPost, Path: "/v1/referrals/{id}/use", Tag: tag, Summary: "Note that the patient came", Access: access.For(Own)},
		func(ctx context.Context, in *onlyPath) (*stateReply, error) {
			r, err := a.Issuing.UseReferral(ctx, actorFrom(ctx), referral.ID(in.ID), requestID(ctx))
			if err != nil {
				return nil, err
			}
			return showState(in.ID, string(r.State), r.ValidUntil), nil
		})
	operate(a, Route{ID: "transferReferral", Method: http.MethodPost, Path: "/v1/referrals/{id}/transfer", Tag: tag, Summary: "Hand a referral to another specialist: its code dies, a new one is issued", Access: access.For(Own), Status: http.StatusCreated},
		func(ctx context.Context, in *transferRequest) (*paperReply, error) {
			b := in.Body
			r, code, err := a.Issuing.TransferReferral(ctx, actorFrom(ctx), referral.ID(in.ID), issuing.Handing{
				Key: b.IdempotencyKey, Request: requestID(ctx),
				To: referral.Destination{Target: b.Target, Specialty: b.Specialty, Purpose: b.Purpose, Clinic: b.Clinic, Referrer: b.Referrer},
			})
			if err != nil {
				return nil, err
			}
			return showPaper(string(r.ID), code, r.Number, r.IssuedAt, r.ValidUntil, string(r.State)), nil
		})
	operate(a, Route{ID: "clinicInbox", Method: http.MethodGet, Path: "/v1/clinic/notices", Tag: tag, Summary: "What a clinic is told: referrals handed on from it and to it", Access: access},
		func(ctx context.Context, in *inboxRequest) (*inboxReply, error) {
			list, more, err := a.Issuing.Inbox(ctx, actorFrom(ctx), in.Since)
			if err != nil {
				return nil, err
			}
			out := new(inboxReply)
			out.Body.Notices, out.Body.More = make([]inboxBody, len(list)), more
			for i, n := range list {
				out.Body.Notices[i] = inboxBody{ID: string(n.ID), At: n.At, Kind: n.Kind, Paper: n.Paper}
			}
			return out, nil
		})
}

func showTaken(r referral.Referral) *takenReply {
	out := new(takenReply)
	b, s := &out.Body, r.Sheet
	b.ID, b.State, b.Kind, b.Patient, b.Clinic, b.Target = string(r.ID), string(r.State), uint8(s.Kind), bearerBody(s.Bearer), s.Clinic, s.Target
	b.Specialty, b.Purpose, b.Referrer, b.IssuedAt, b.ValidUntil, b.Replaces = s.Specialty, s.Purpose, s.Referrer, r.IssuedAt, r.ValidUntil, string(r.Replaces)
	for word, care := range cares {
		if care == s.Care {
			b.Care = word
		}
	}
	if d := s.Details; d != (referral.Details{}) {
		b.Details = &detailsBody{
			ClinicAddress: d.ClinicAddress, Registration: d.Registration, Residence: string(d.Residence), Care: string(d.Care), Conditions: string(d.Conditions),
			Policy: d.Policy, PolicyIssued: d.PolicyIssued, Insurer: d.Insurer, Diagnosis: d.Diagnosis, Indications: d.Indications, Courses: d.Courses,
		}
	}
	return out
}
