package httpapi

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/medcard/medcard/app/issuing"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/certificate"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/paper"
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
	Trade    string         `json:"trade,omitempty" maxLength:"200" doc:"Trade name, by decision of a medical commission only"`
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
		Benefit        *benefitBody  `json:"benefit,omitempty" doc:"Of form 148-1/u-04; in the card only, never in the code"`
		Special        bool          `json:"special,omitempty" doc:"The mark for a special purpose: a longer course on form 148-1/u-88"`
		Commission     string        `json:"commission,omitempty" maxLength:"40" doc:"Number of the protocol where a medical commission decided and signed"`
	}
}

type benefitBody struct {
	Category  uint16 `json:"category" minimum:"1" maximum:"999" doc:"Code of the benefit's category"`
	Discount  uint8  `json:"discount" enum:"50,100" doc:"Percent that the patient need not pay"`
	Diagnosis string `json:"diagnosis" maxLength:"6" doc:"ICD-10"`
	Series    string `json:"series,omitempty" maxLength:"20"`
	Number    string `json:"number,omitempty" maxLength:"20"`
	Ground    string `json:"ground,omitempty" enum:"pensioner,disabledGroup1,disabledChild,chronic" doc:"For 90 days of validity and a course of up to 180 days"`
}

type referralRequest struct {
	Body struct {
		Card           string       `json:"card" format:"uuid"`
		IdempotencyKey string       `json:"idempotencyKey" minLength:"8" maxLength:"128" doc:"Filed again under the same key it is the same document"`
		Kind           uint8        `json:"kind" minimum:"1" maximum:"13" doc:"Code of the dictionary 1.2.643.5.1.13.13.11.1009"`
		Care           string       `json:"care" enum:"planned,urgent,emergency"`
		Clinic         string       `json:"clinic" maxLength:"15" doc:"OGRN of the referring clinic"`
		Target         string       `json:"target,omitempty" maxLength:"15" doc:"OGRN of the clinic referred to; absent = any"`
		Specialty      uint16       `json:"specialty,omitempty" doc:"Code of the national dictionary of specialties"`
		Purpose        string       `json:"purpose" minLength:"1" maxLength:"200"`
		Referrer       string       `json:"referrer" minLength:"1" maxLength:"60"`
		Days           int          `json:"days" minimum:"1" maximum:"365"`
		Details        *detailsBody `json:"details,omitempty" doc:"What else form 057/u says; in the card only, never in the code"`
	}
}

type detailsBody struct {
	ClinicAddress string `json:"clinicAddress,omitempty" maxLength:"300"`
	Registration  string `json:"registration,omitempty" maxLength:"300" doc:"Where the patient is registered, also for a stay"`
	Residence     string `json:"residence,omitempty" enum:"urban,rural"`
	Care          string `json:"care,omitempty" enum:"primary,specialised,highTech,palliative"`
	Conditions    string `json:"conditions,omitempty" enum:"outpatient,dayHospital,inpatient"`
	Policy        string `json:"policy,omitempty" maxLength:"16"`
	PolicyIssued  string `json:"policyIssued,omitempty" format:"date"`
	Insurer       string `json:"insurer,omitempty" maxLength:"300"`
	Diagnosis     string `json:"diagnosis,omitempty" maxLength:"10" doc:"ICD-10"`
	Indications   string `json:"indications,omitempty" maxLength:"2000"`
	Courses       uint8  `json:"courses,omitempty"`
}

func (b *detailsBody) details() referral.Details {
	if b == nil {
		return referral.Details{}
	}
	return referral.Details{
		ClinicAddress: b.ClinicAddress, Registration: b.Registration, Residence: referral.Residence(b.Residence), Care: referral.CareKind(b.Care),
		Conditions: referral.Conditions(b.Conditions), Policy: b.Policy, PolicyIssued: b.PolicyIssued, Insurer: b.Insurer, Diagnosis: b.Diagnosis,
		Indications: b.Indications, Courses: b.Courses,
	}
}

type paperReply struct {
	Body struct {
		ID         string    `json:"id" format:"uuid"`
		Code       string    `json:"code" doc:"The text of the QR code"`
		Number     string    `json:"number,omitempty" doc:"16 digits to be typed, with the year of birth, where no code can be read"`
		IssuedAt   time.Time `json:"issuedAt"`
		ValidUntil time.Time `json:"validUntil" doc:"The last second of validity"`
		State      string    `json:"state"`
	}
}

type paperPath struct {
	ID    string `path:"id" format:"uuid"`
	Scale int    `query:"scale" minimum:"1" maximum:"32" default:"6" doc:"Pixels a module"`
	Kind  string `query:"kind" enum:"signed,token" default:"signed" doc:"token: the small one, good online only, which a bad photo shows best"`
	Why   string `header:"Purpose-Of-Use" enum:"TREAT,ETREAT,PATRQT" doc:"Why you read: HL7 v3 PurposeOfUse. A clinic says it; a person need not, his is PATRQT"`
}

type pngReply struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

// paperRoutes are a doctor's system filing prescriptions, referrals and certificates, and the pictures of their codes.
func (a *API) paperRoutes() {
	const tag = "papers"
	operate(a, Route{ID: "issuePrescription", Method: http.MethodPost, Path: "/v1/prescriptions", Tag: tag, Summary: "Issue and sign a prescription", Access: Clinics(issuing.PrescriptionRight).For(AnyCard), Status: http.StatusCreated}, a.issuePrescription)
	operate(a, Route{ID: "issueReferral", Method: http.MethodPost, Path: "/v1/referrals", Tag: tag, Summary: "Issue and sign a referral", Access: Clinics(issuing.ReferralRight).For(AnyCard), Status: http.StatusCreated}, a.issueReferral)
	operate(a, Route{ID: "issueCertificate", Method: http.MethodPost, Path: "/v1/certificates", Tag: tag, Summary: "Issue and sign a certificate", Access: Clinics(issuing.CertificateRight).For(AnyCard), Status: http.StatusCreated}, a.issueCertificate)
	codePicture(a, "prescription", issuing.PrescriptionRight, func(ctx context.Context, id string, look issuing.Look) (issuing.Shown, error) {
		return a.Issuing.PrescriptionCode(ctx, actorFrom(ctx), prescription.ID(id), look)
	})
	codePicture(a, "referral", issuing.ReferralRight, func(ctx context.Context, id string, look issuing.Look) (issuing.Shown, error) {
		return a.Issuing.ReferralCode(ctx, actorFrom(ctx), referral.ID(id), look)
	})
	codePicture(a, "certificate", issuing.CertificateRight, func(ctx context.Context, id string, look issuing.Look) (issuing.Shown, error) {
		return a.Issuing.CertificateCode(ctx, actorFrom(ctx), certificate.ID(id), look)
	})
	a.withdrawRoutes()
	a.referralRoutes()
}

// codePicture lays the route of a paper's code, drawn.
func codePicture(a *API, kind, scope string, code func(context.Context, string, issuing.Look) (issuing.Shown, error)) {
	access := Access{kinds: []identity.ActorKind{identity.Patient, identity.Clinic}, scope: scope, factor: true, opens: Paper}
	operate(a, Route{ID: kind + "Code", Method: http.MethodGet, Path: "/v1/" + kind + "s/{id}/code.png", Tag: "papers", Summary: "The " + kind + "'s QR code as a picture", Access: access},
		func(ctx context.Context, in *paperPath) (*pngReply, error) {
			shown, err := code(ctx, in.ID, issuing.Look{Purpose: consent.Purpose(in.Why), Request: requestID(ctx)})
			if err != nil {
				return nil, err
			}
			if in.Kind == "token" {
				return drawn(shown.Small, in.Scale)
			}
			return drawn(shown.Code, in.Scale)
		})
}

func (a *API) issuePrescription(ctx context.Context, in *prescriptionRequest) (*paperReply, error) {
	b := in.Body
	sheet := prescription.Sheet{Form: prescription.Form(b.Form), Validity: prescription.Validity(b.Validity), Clinic: b.Clinic, Prescriber: b.Prescriber}
	sheet.Special, sheet.Commission = b.Special, b.Commission
	if v := b.Benefit; v != nil {
		sheet.Benefit = prescription.Benefit{Category: v.Category, Discount: v.Discount, Diagnosis: v.Diagnosis, Series: v.Series, Number: v.Number, Ground: prescription.Ground(v.Ground)}
	}
	sheet.Urgency, _ = prescription.UrgencyOf(b.Urgency) // the schema lets only known words through; none is routine
	for _, i := range b.Items {
		item := prescription.Item{
			Code: i.Code, Name: i.Name, Trade: i.Trade, Quantity: i.Quantity,
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
	return showPaper(string(rx.ID), code, rx.Number, rx.IssuedAt, rx.ValidUntil, string(rx.Course.State)), err
}

var cares = map[string]referral.Care{"planned": referral.Planned, "urgent": referral.Urgent, "emergency": referral.Emergency}

func (a *API) issueReferral(ctx context.Context, in *referralRequest) (*paperReply, error) {
	b := in.Body
	r, code, err := a.Issuing.Referral(ctx, actorFrom(ctx), issuing.Filing{Card: card.ID(b.Card), Key: b.IdempotencyKey, Request: requestID(ctx)}, referral.Sheet{
		Kind: referral.Kind(b.Kind), Care: cares[b.Care], Clinic: b.Clinic, Target: b.Target, Specialty: b.Specialty, Purpose: b.Purpose, Referrer: b.Referrer, Days: b.Days,
		Details: b.Details.details(),
	})
	return showPaper(string(r.ID), code, r.Number, r.IssuedAt, r.ValidUntil, string(r.State)), err
}

type certificateRequest struct {
	Body struct {
		Card           string `json:"card" format:"uuid"`
		IdempotencyKey string `json:"idempotencyKey" minLength:"8" maxLength:"128" doc:"Filed again under the same key it is the same document"`
		Kind           string `json:"kind" enum:"027/u,095/u,086/u,070/u,079/u,003-V/u,free"`
		Number         string `json:"number" minLength:"1" maxLength:"24" doc:"The clinic's own"`
		Clinic         string `json:"clinic" maxLength:"15" doc:"OGRN"`
		Author         string `json:"author" minLength:"1" maxLength:"60" doc:"As printed: Петрова А. С."`
		Text           string `json:"text" minLength:"1" maxLength:"8000" doc:"Stands in the card; the code carries its hash"`
		Days           int    `json:"days" minimum:"1" maximum:"366" doc:"Of validity; the kind may allow less"`
	}
}

func (a *API) issueCertificate(ctx context.Context, in *certificateRequest) (*paperReply, error) {
	b := in.Body
	c, code, err := a.Issuing.Certificate(ctx, actorFrom(ctx), issuing.Filing{Card: card.ID(b.Card), Key: b.IdempotencyKey, Request: requestID(ctx)}, certificate.Sheet{
		Kind: certificate.Kind(b.Kind), Number: b.Number, Clinic: b.Clinic, Author: b.Author, Text: b.Text, Days: b.Days,
	})
	return showPaper(string(c.ID), code, c.Typed, c.IssuedAt, c.ValidUntil, string(c.State)), err
}

func showPaper(id, code string, number paper.Number, issued, until time.Time, state string) *paperReply {
	out := new(paperReply)
	out.Body.ID, out.Body.Code, out.Body.Number, out.Body.IssuedAt, out.Body.ValidUntil, out.Body.State = id, code, number.String(), issued, until, state
	return out
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
