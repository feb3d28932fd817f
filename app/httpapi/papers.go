package httpapi

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/medcard/medcard/app/issuing"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/domain/referral"
	"github.com/medcard/medcard/qr/picture"
)

type strengthBody struct {
	Amount uint32 `json:"amount" minimum:"1"`
	Unit   string `json:"unit" enum:"ug,mg,g,[iU],0.01%,mL" doc:"UCUM"`
}

type regimenBody struct {
	Portion uint16 `json:"portion" minimum:"1" doc:"Hundredths of a unit at a time: 50 is half a tablet"`
	Times   uint8  `json:"times,omitempty" doc:"A day; 0 = when needed"`
	Days    uint16 `json:"days,omitempty" doc:"Length of the course; 0 = until the next visit"`
	Every   uint16 `json:"every,omitempty" doc:"Days between two hand-outs; 0 = all at once"`
}

type itemRequest struct {
	Code     uint32         `json:"code" minimum:"1" doc:"Node of the national medicine catalogue, 1.2.643.5.1.13.13.99.2.611"`
	Name     string         `json:"name" minLength:"1" maxLength:"200" doc:"International non-proprietary name"`
	Shape    string         `json:"shape" enum:"tablet,capsule,solution,drops,syrup,injection,powder,ointment,suppository,aerosol,patch,other"`
	Strength []strengthBody `json:"strength" minItems:"1" maxItems:"3"`
	Quantity int            `json:"quantity" minimum:"1" maximum:"100000" doc:"Units to hand out in all"`
	Regimen  regimenBody    `json:"regimen"`
}

type prescriptionRequest struct {
	Body struct {
		Card           string        `json:"card" format:"uuid"`
		IdempotencyKey string        `json:"idempotencyKey" minLength:"8" maxLength:"128" doc:"Filed again under the same key it is the same document"`
		Form           string        `json:"form" enum:"107-1/u,148-1/u-88,148-1/u-04,107/u-NP"`
		Validity       uint8         `json:"validity" minimum:"1" maximum:"7" doc:"Code of the dictionary 1.2.643.5.1.13.13.99.2.608"`
		Urgency        string        `json:"urgency,omitempty" enum:"routine,cito,statim"`
		Clinic         string        `json:"clinic" maxLength:"15" doc:"OGRN"`
		Prescriber     string        `json:"prescriber" minLength:"1" maxLength:"60" doc:"As printed: Петрова А. С."`
		Items          []itemRequest `json:"items" minItems:"1" maxItems:"3"`
	}
}

type referralRequest struct {
	Body struct {
		Card           string `json:"card" format:"uuid"`
		IdempotencyKey string `json:"idempotencyKey" minLength:"8" maxLength:"128" doc:"Filed again under the same key it is the same document"`
		Kind           uint8  `json:"kind" minimum:"1" maximum:"13" doc:"Code of the dictionary 1.2.643.5.1.13.13.11.1009"`
		Care           string `json:"care" enum:"planned,urgent,emergency"`
		Clinic         string `json:"clinic" maxLength:"15" doc:"OGRN of the referring clinic"`
		Target         string `json:"target,omitempty" maxLength:"15" doc:"OGRN of the clinic referred to; absent = any"`
		Specialty      uint16 `json:"specialty,omitempty" doc:"Code of the national dictionary of specialties"`
		Purpose        string `json:"purpose" minLength:"1" maxLength:"200"`
		Referrer       string `json:"referrer" minLength:"1" maxLength:"60"`
		Days           int    `json:"days" minimum:"1" maximum:"365"`
	}
}

type paperReply struct {
	Body struct {
		ID         string    `json:"id" format:"uuid"`
		Code       string    `json:"code" doc:"The text of the QR code"`
		IssuedAt   time.Time `json:"issuedAt"`
		ValidUntil time.Time `json:"validUntil" doc:"The last second of validity"`
		State      string    `json:"state"`
	}
}

type paperPath struct {
	ID    string `path:"id" format:"uuid"`
	Scale int    `query:"scale" minimum:"1" maximum:"32" default:"6" doc:"Pixels a module"`
}

type pngReply struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

// paperRoutes are a doctor's system filing prescriptions and referrals, and the pictures of their codes.
func (a *API) paperRoutes() {
	const tag = "papers"
	operate(a, Route{ID: "issuePrescription", Method: http.MethodPost, Path: "/v1/prescriptions", Tag: tag, Summary: "Issue and sign a prescription", Access: Clinics(issuing.PrescriptionRight), Status: http.StatusCreated}, a.issuePrescription)
	operate(a, Route{ID: "issueReferral", Method: http.MethodPost, Path: "/v1/referrals", Tag: tag, Summary: "Issue and sign a referral", Access: Clinics(issuing.ReferralRight), Status: http.StatusCreated}, a.issueReferral)
	both := func(scope string) Access {
		return Access{kinds: []identity.ActorKind{identity.Patient, identity.Clinic}, scope: scope, factor: true}
	}
	operate(a, Route{ID: "prescriptionCode", Method: http.MethodGet, Path: "/v1/prescriptions/{id}/code.png", Tag: tag, Summary: "The prescription's QR code as a picture", Access: both(issuing.PrescriptionRight)},
		func(ctx context.Context, in *paperPath) (*pngReply, error) {
			text, err := a.Issuing.PrescriptionCode(ctx, actorFrom(ctx), prescription.ID(in.ID), requestID(ctx))
			if err != nil {
				return nil, err
			}
			return drawn(text, in.Scale)
		})
	operate(a, Route{ID: "referralCode", Method: http.MethodGet, Path: "/v1/referrals/{id}/code.png", Tag: tag, Summary: "The referral's QR code as a picture", Access: both(issuing.ReferralRight)},
		func(ctx context.Context, in *paperPath) (*pngReply, error) {
			text, err := a.Issuing.ReferralCode(ctx, actorFrom(ctx), referral.ID(in.ID), requestID(ctx))
			if err != nil {
				return nil, err
			}
			return drawn(text, in.Scale)
		})
}

func (a *API) issuePrescription(ctx context.Context, in *prescriptionRequest) (*paperReply, error) {
	b := in.Body
	sheet := prescription.Sheet{Form: prescription.Form(b.Form), Validity: prescription.Validity(b.Validity), Clinic: b.Clinic, Prescriber: b.Prescriber}
	sheet.Urgency, _ = prescription.UrgencyOf(b.Urgency) // the schema lets only known words through; none is routine
	for _, i := range b.Items {
		item := prescription.Item{
			Code: i.Code, Name: i.Name, Quantity: i.Quantity,
			Regimen: prescription.Regimen{Portion: i.Regimen.Portion, Times: i.Regimen.Times, Days: i.Regimen.Days, Every: i.Regimen.Every},
		}
		item.Shape, _ = prescription.ShapeOf(i.Shape)
		for _, s := range i.Strength {
			unit, _ := prescription.UnitOf(s.Unit)
			item.Strength = append(item.Strength, prescription.Strength{Amount: s.Amount, Unit: unit})
		}
		sheet.Items = append(sheet.Items, item)
	}
	rx, code, err := a.Issuing.Prescription(ctx, actorFrom(ctx), issuing.Filing{Card: card.ID(b.Card), Key: b.IdempotencyKey, Request: requestID(ctx)}, sheet)
	out := new(paperReply)
	out.Body.ID, out.Body.Code, out.Body.IssuedAt, out.Body.ValidUntil, out.Body.State = string(rx.ID), code, rx.IssuedAt, rx.ValidUntil, string(rx.Course.State)
	return out, err
}

var cares = map[string]referral.Care{"planned": referral.Planned, "urgent": referral.Urgent, "emergency": referral.Emergency}

func (a *API) issueReferral(ctx context.Context, in *referralRequest) (*paperReply, error) {
	b := in.Body
	r, code, err := a.Issuing.Referral(ctx, actorFrom(ctx), issuing.Filing{Card: card.ID(b.Card), Key: b.IdempotencyKey, Request: requestID(ctx)}, referral.Sheet{
		Kind: referral.Kind(b.Kind), Care: cares[b.Care], Clinic: b.Clinic, Target: b.Target, Specialty: b.Specialty, Purpose: b.Purpose, Referrer: b.Referrer, Days: b.Days,
	})
	out := new(paperReply)
	out.Body.ID, out.Body.Code, out.Body.IssuedAt, out.Body.ValidUntil, out.Body.State = string(r.ID), code, r.IssuedAt, r.ValidUntil, string(r.State)
	return out, err
}

func drawn(text string, scale int) (*pngReply, error) {
	code, err := picture.Draw(text)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := code.PNG(&b, scale); err != nil {
		return nil, err
	}
	return &pngReply{ContentType: "image/png", Body: b.Bytes()}, nil
}
