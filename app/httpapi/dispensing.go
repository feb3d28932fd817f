package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/medcard/medcard/app/dispensing"
	"github.com/medcard/medcard/domain/prescription"
)

type acceptRequest struct {
	Body struct {
		Code           string `json:"code" minLength:"1" maxLength:"1200" doc:"The text of the QR code, signed or small"`
		IdempotencyKey string `json:"idempotencyKey" minLength:"8" maxLength:"128" doc:"Sent again under the same key it is the same hold, with a fresh secret"`
	}
}

type bearerBody struct {
	Initials  string `json:"initials"`
	BirthYear int    `json:"birthYear"`
}

type heldItem struct {
	Code      uint32         `json:"code"`
	Name      string         `json:"name"`
	Shape     string         `json:"shape"`
	Strength  []strengthBody `json:"strength"`
	Quantity  int            `json:"quantity"`
	Dispensed int            `json:"dispensed"`
	Remaining int            `json:"remaining"`
	NextAt    *time.Time     `json:"nextAt,omitempty" doc:"Of a long course: not before"`
	Regimen   regimenBody    `json:"regimen"`
}

type heldPrescription struct {
	Form       string     `json:"form"`
	Urgency    string     `json:"urgency"`
	Patient    bearerBody `json:"patient"`
	Clinic     string     `json:"clinic" doc:"OGRN"`
	Prescriber string     `json:"prescriber"`
	IssuedAt   time.Time  `json:"issuedAt"`
	ValidUntil time.Time  `json:"validUntil"`
	State      string     `json:"state"`
	Items      []heldItem `json:"items"`
}

type acceptReply struct {
	Body struct {
		ID           string           `json:"id" format:"uuid"`
		Secret       string           `json:"secret" doc:"Proves the hold: send it to complete or reject"`
		LeaseUntil   time.Time        `json:"leaseUntil" doc:"When the hold ends by itself"`
		Prescription heldPrescription `json:"prescription"`
	}
}

type completeRequest struct {
	ID   string `path:"id" format:"uuid"`
	Body struct {
		Secret         string `json:"secret" maxLength:"128"`
		IdempotencyKey string `json:"idempotencyKey" minLength:"8" maxLength:"128"`
		Items          []struct {
			Item     int `json:"item" doc:"Its place on the prescription, from 0"`
			Quantity int `json:"quantity"`
		} `json:"items" minItems:"1" maxItems:"3" doc:"What was handed out"`
	}
}

type rejectRequest struct {
	ID   string `path:"id" format:"uuid"`
	Body struct {
		Secret         string `json:"secret" maxLength:"128"`
		IdempotencyKey string `json:"idempotencyKey" minLength:"8" maxLength:"128"`
	}
}

type balanceBody struct {
	Quantity  int        `json:"quantity"`
	Dispensed int        `json:"dispensed"`
	Remaining int        `json:"remaining"`
	NextAt    *time.Time `json:"nextAt,omitempty"`
}

type courseReply struct {
	Body struct {
		ID    string        `json:"id" format:"uuid"`
		State string        `json:"state"`
		Items []balanceBody `json:"items"`
	}
}

// dispensingRoutes are a pharmacy handing a prescription out.
func (a *API) dispensingRoutes() {
	const tag = "dispensing"
	access := Pharmacies(dispensing.Right)
	operate(a, Route{ID: "acceptPrescription", Method: http.MethodPost, Path: "/v1/dispensing/accept", Tag: tag, Summary: "Take a prescription in work: nobody else can for ten minutes", Access: access},
		func(ctx context.Context, in *acceptRequest) (*acceptReply, error) {
			held, err := a.Dispensing.Accept(ctx, actorFrom(ctx), in.Body.Code, dispensing.Ask{Key: in.Body.IdempotencyKey, Request: requestID(ctx)})
			if err != nil {
				return nil, err
			}
			out := new(acceptReply)
			p := held.Prescription
			out.Body.ID, out.Body.Secret, out.Body.LeaseUntil, out.Body.Prescription = string(p.ID), held.Secret, p.Course.Lease.Until, showHeld(p)
			return out, nil
		})
	operate(a, Route{ID: "completeDispensing", Method: http.MethodPost, Path: "/v1/dispensing/{id}/complete", Tag: tag, Summary: "Record what was handed out", Access: access},
		func(ctx context.Context, in *completeRequest) (*courseReply, error) {
			portions := make([]prescription.Portion, len(in.Body.Items))
			for i, p := range in.Body.Items {
				portions[i] = prescription.Portion{Item: p.Item, Quantity: p.Quantity}
			}
			course, err := a.Dispensing.Complete(ctx, actorFrom(ctx), prescription.ID(in.ID), in.Body.Secret, portions, dispensing.Ask{Key: in.Body.IdempotencyKey, Request: requestID(ctx)})
			return showCourse(in.ID, course), err
		})
	operate(a, Route{ID: "rejectDispensing", Method: http.MethodPost, Path: "/v1/dispensing/{id}/reject", Tag: tag, Summary: "Give a prescription back untouched", Access: access},
		func(ctx context.Context, in *rejectRequest) (*courseReply, error) {
			course, err := a.Dispensing.Reject(ctx, actorFrom(ctx), prescription.ID(in.ID), in.Body.Secret, dispensing.Ask{Key: in.Body.IdempotencyKey, Request: requestID(ctx)})
			return showCourse(in.ID, course), err
		})
}

func showHeld(p prescription.Prescription) heldPrescription {
	s := p.Sheet
	out := heldPrescription{
		Form: string(s.Form), Urgency: s.Urgency.String(), Patient: bearerBody(s.Bearer), Clinic: s.Clinic, Prescriber: s.Prescriber,
		IssuedAt: p.IssuedAt, ValidUntil: p.ValidUntil, State: string(p.Course.State),
	}
	for n, i := range s.Items {
		progress := p.Course.Items[n]
		item := heldItem{
			Code: i.Code, Name: i.Name, Shape: i.Shape.String(), Quantity: i.Quantity, Dispensed: progress.Dispensed, Remaining: progress.Remaining(),
			NextAt: maybe(progress.NextAt), Regimen: regimenBody(i.Regimen),
		}
		for _, strength := range i.Strength {
			item.Strength = append(item.Strength, strengthBody{Amount: strength.Amount, Unit: strength.Unit.String()})
		}
		out.Items = append(out.Items, item)
	}
	return out
}

func showCourse(id string, c prescription.Course) *courseReply {
	out := new(courseReply)
	out.Body.ID, out.Body.State = id, string(c.State)
	for _, p := range c.Items {
		out.Body.Items = append(out.Body.Items, balanceBody{Quantity: p.Prescribed, Dispensed: p.Dispensed, Remaining: p.Remaining(), NextAt: maybe(p.NextAt)})
	}
	return out
}

// maybe is nil for the zero time, which JSON then leaves out.
func maybe(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
