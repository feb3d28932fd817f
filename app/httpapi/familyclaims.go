package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/medcard/medcard/app/proving"
	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/domain/family"
)

// NamedBody is a person as a document names him.
type NamedBody struct {
	Family string   `json:"family" minLength:"1" maxLength:"100"`
	Given  []string `json:"given" minItems:"1" maxItems:"4" doc:"The first name, then the patronymic" nullable:"false"`
	Born   string   `json:"born" format:"date"`
}

type patientNamedBody struct {
	NamedBody
	SNILS  string `json:"snils,omitempty" maxLength:"20" doc:"This or the policy, or both"`
	Policy string `json:"policy,omitempty" maxLength:"40" doc:"The unified number of the policy of compulsory medical insurance"`
}

type familyClaimRequest struct {
	Body struct {
		Basis   string           `json:"basis" enum:"birthCertificate,guardianOrder,trusteeOrder,powerOfAttorney,adoptionCertificate" doc:"What the document is: NSI 1.2.643.5.1.13.13.99.2.313. Its pages were sent to the slot of this name"`
		Number  string           `json:"number" minLength:"1" maxLength:"80" doc:"As it stands on the document"`
		Level   string           `json:"level" enum:"full,limited,manage"`
		Powers  []string         `json:"powers,omitempty" maxItems:"3" enum:"view,upload,change" doc:"Of a power of attorney, which names at least view"`
		Until   *time.Time       `json:"until,omitempty" doc:"When the document runs out; a power of attorney always does"`
		Patient patientNamedBody `json:"patient" doc:"For whom"`
		Agent   NamedBody        `json:"agent" doc:"The person himself, as the document names him"`
	}
}

type familyClaimPath struct {
	Claim string `path:"claim" format:"uuid"`
}

type checkBody struct {
	Subject string `json:"subject" enum:"document,term,age,agent,patient"`
	Finding string `json:"finding" enum:"matched,unknown" doc:"unknown: the reviewer compares it"`
}

type familyClaimBody struct {
	ID             string      `json:"id" format:"uuid"`
	Basis          string      `json:"basis" enum:"birthCertificate,guardianOrder,trusteeOrder,powerOfAttorney,adoptionCertificate"`
	Code           int         `json:"code" doc:"The basis in the NSI list 1.2.643.5.1.13.13.99.2.313"`
	Level          string      `json:"level" enum:"full,limited,manage"`
	Powers         []string    `json:"powers"`
	Until          *time.Time  `json:"until,omitempty"`
	Patient        NamedBody   `json:"patient"`
	Status         string      `json:"status" enum:"checking,approved,rejected"`
	Checks         []checkBody `json:"checks" doc:"What was compared when it was filed"`
	Filed          time.Time   `json:"filed"`
	Judged         *time.Time  `json:"judged,omitempty"`
	Reason         string      `json:"reason,omitempty" enum:"unreadable,incomplete,otherDocument,mismatch,expired,doubtful" doc:"Why it was rejected"`
	Words          string      `json:"words,omitempty" doc:"The reviewer's"`
	Card           string      `json:"card,omitempty" format:"uuid" doc:"Of an approved claim: in whose name the person may act now"`
	Representation string      `json:"representation,omitempty" format:"uuid" doc:"Of an approved claim: by what right"`
}

type familyClaimReply struct{ Body familyClaimBody }

type familyClaimsReply struct {
	Body struct {
		Claims []familyClaimBody `json:"claims"`
	}
}

// familyClaimRoutes are for who wants to act for a patient and has no tie to the card yet. Who checks: reviewRoutes.
func (a *API) familyClaimRoutes() {
	const tag, path = "family", "/v1/representations/claims"
	operate(a, Route{ID: "listClaims", Method: http.MethodGet, Path: path, Tag: tag, Summary: "The person's claims to act for others, with what was said of them", Access: Patients()},
		func(ctx context.Context, _ *struct{}) (*familyClaimsReply, error) {
			list, err := a.Proving.Claims(ctx, actorFrom(ctx))
			out := new(familyClaimsReply)
			out.Body.Claims = make([]familyClaimBody, len(list))
			for i, d := range list {
				out.Body.Claims[i] = showClaim(d)
			}
			return out, err
		})
	operate(a, Route{ID: "fileClaim", Method: http.MethodPost, Path: path, Tag: tag, Summary: "Claim to act for a patient by a document whose pages were sent", Access: Patients(), Status: http.StatusAccepted},
		func(ctx context.Context, in *familyClaimRequest) (*familyClaimReply, error) {
			d, err := a.Proving.Claim(ctx, actorFrom(ctx), in.wish(requestID(ctx)))
			if err != nil {
				return nil, err
			}
			return &familyClaimReply{Body: showClaim(d)}, nil
		})
	operate(a, Route{ID: "withdrawClaim", Method: http.MethodDelete, Path: path + "/{claim}", Tag: tag, Summary: "Delete a claim that is being checked or was rejected, with its pages", Access: Patients().For(Own), Status: http.StatusNoContent},
		func(ctx context.Context, in *familyClaimPath) (*struct{}, error) {
			return nil, a.Proving.WithdrawClaim(ctx, actorFrom(ctx), evidence.DocumentID(in.Claim))
		})
}

func (in *familyClaimRequest) wish(request string) proving.Wish {
	b := in.Body
	w := proving.Wish{
		Basis: family.Basis(b.Basis), Number: b.Number, Level: family.Level(b.Level), Powers: family.PowersOf(b.Powers),
		Patient: b.Patient.typed(), Agent: b.Agent.typed(), Request: request,
	}
	w.Patient.SNILS, w.Patient.Policy = b.Patient.SNILS, b.Patient.Policy
	if b.Until != nil {
		w.Until = b.Until.UTC()
	}
	return w
}

func (b NamedBody) typed() proving.Typed {
	return proving.Typed{Family: b.Family, Given: b.Given, Born: b.Born}
}

// showClaim shows a claim to its claimant: of the patient what he typed himself.
func showClaim(d evidence.Document) familyClaimBody {
	c := d.Claim
	b := familyClaimBody{
		ID: string(d.ID), Basis: string(c.Basis), Code: d.Slot.Code(), Level: string(c.Level), Powers: c.Powers.Words(), Until: optional(c.Until),
		Patient: NamedBody{Family: c.Patient.Name.Family, Given: c.Patient.Name.Given, Born: string(c.Patient.Born)}, Status: string(d.Status),
		Checks: make([]checkBody, len(c.Checks)), Filed: d.Sent, Judged: optional(d.Judged), Reason: string(d.Reason), Words: d.Words,
	}
	for i, check := range c.Checks {
		b.Checks[i] = checkBody{Subject: string(check.Subject), Finding: string(check.Finding)}
	}
	if c.Opened != "" {
		b.Card, b.Representation = string(c.Card), string(c.Opened)
	}
	return b
}
