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
		Code           string `json:"code,omitempty" maxLength:"1200" doc:"The text of the QR code, signed or small; or else number and birthYear"`
		Number         string `json:"number,omitempty" maxLength:"64" doc:"Typed by hand: the 16 digits on the paper"`
		BirthYear      int    `json:"birthYear,omitempty" minimum:"1880" maximum:"2200" doc:"Of the patient; with number"`
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
	Trade     string         `json:"trade,omitempty" doc:"No other will do: a medical commission decided so"`
	Shape     string         `json:"shape"`
	Strength  []strengthBody `json:"strength"`
	Quantity  int            `json:"quantity"`
	Dispensed int            `json:"dispensed"`
	Remaining int            `json:"remaining"`
	Excess    int            `json:"excess,omitempty" doc:"Handed out beyond the prescription without a network"`
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

	// Why the patient pays less and which form it is on; the diagnosis is the clinic's and the patient's.
	BenefitCategory uint16 `json:"benefitCategory,omitempty"`
	Discount        uint8  `json:"discount,omitempty" doc:"Percent that the patient need not pay"`
	FormSeries      string `json:"formSeries,omitempty"`
	FormNumber      string `json:"formNumber,omitempty"`
	Special         bool   `json:"special,omitempty" doc:"The mark for a special purpose"`
	Commission      string `json:"commission,omitempty" doc:"Number of the protocol where a medical commission decided"`
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
	Excess    int        `json:"excess,omitempty" doc:"Handed out beyond the prescription without a network"`
	NextAt    *time.Time `json:"nextAt,omitempty" doc:"Of a long course: not before"`
}

type courseReply struct {
	Body struct {
		ID     string        `json:"id" format:"uuid"`
		State  string        `json:"state"`
		Items  []balanceBody `json:"items"`
		Supply *supplyBody   `json:"supply,omitempty"`
	}
}

// dispensingRoutes are a pharmacy handing a prescription out.
func (a *API) dispensingRoutes() {
	const tag = "dispensing"
	access := Pharmacies(dispensing.Right)
	operate(a, Route{ID: "acceptPrescription", Method: http.MethodPost, Path: "/v1/dispensing/accept", Tag: tag, Summary: "Take a prescription in work: nobody else can for ten minutes", Access: access.For(Shown)},
		func(ctx context.Context, in *acceptRequest) (*acceptReply, error) {
			held, err := a.accept(ctx, in)
			if err != nil {
				return nil, err
			}
			out := new(acceptReply)
			p := held.Prescription
			out.Body.ID, out.Body.Secret, out.Body.LeaseUntil, out.Body.Prescription = string(p.ID), held.Secret, p.Course.Lease.Until, showHeld(p)
			return out, nil
		})
	operate(a, Route{ID: "completeDispensing", Method: http.MethodPost, Path: "/v1/dispensing/{id}/complete", Tag: tag, Summary: "Record what was handed out", Access: access.For(Held)},
		func(ctx context.Context, in *completeRequest) (*courseReply, error) {
			portions := make([]prescription.Portion, len(in.Body.Items))
			for i, p := range in.Body.Items {
				portions[i] = prescription.Portion{Item: p.Item, Quantity: p.Quantity}
			}
			course, err := a.Dispensing.Complete(ctx, actorFrom(ctx), prescription.ID(in.ID), in.Body.Secret, portions, dispensing.Ask{Key: in.Body.IdempotencyKey, Request: requestID(ctx)})
			return showCourse(in.ID, course), err
		})
	operate(a, Route{ID: "rejectDispensing", Method: http.MethodPost, Path: "/v1/dispensing/{id}/reject", Tag: tag, Summary: "Give a prescription back untouched", Access: access.For(Held)},
		func(ctx context.Context, in *rejectRequest) (*courseReply, error) {
			course, err := a.Dispensing.Reject(ctx, actorFrom(ctx), prescription.ID(in.ID), in.Body.Secret, dispensing.Ask{Key: in.Body.IdempotencyKey, Request: requestID(ctx)})
			return showCourse(in.ID, course), err
		})
	operate(a, Route{ID: "cancelPrescription", Method: http.MethodPost, Path: "/v1/prescriptions/{id}/cancel", Tag: tag, Summary: "Withdraw what has not been handed out; its code dies", Access: Clinics(dispensing.CancelRight).For(Filed)},
		func(ctx context.Context, in *onceRequest) (*courseReply, error) {
			course, err := a.Dispensing.Cancel(ctx, actorFrom(ctx), prescription.ID(in.ID), in.ask(ctx))
			return showCourse(in.ID, course), err
		})
	operate(a, Route{ID: "giveUpPrescription", Method: http.MethodDelete, Path: "/v1/prescriptions/{id}", Tag: tag, Status: http.StatusNoContent, Access: Patients().For(Own),
		Summary: "Give a prescription up: its code leads nowhere from then on"},
		func(ctx context.Context, in *struct {
			ID string `path:"id" format:"uuid"`
		},
		) (*struct{}, error) {
			return nil, a.Dispensing.GiveUp(ctx, actorFrom(ctx), prescription.ID(in.ID), requestID(ctx))
		})
	a.supplyRoutes()
	a.receiptRoutes()
}

// onceRequest does one thing to a prescription, once per key.
type onceRequest struct {
	ID   string `path:"id" format:"uuid"`
	Body struct {
		IdempotencyKey string `json:"idempotencyKey" minLength:"8" maxLength:"128"`
	}
}

func (r onceRequest) ask(ctx context.Context) dispensing.Ask {
	return dispensing.Ask{Key: r.Body.IdempotencyKey, Request: requestID(ctx)}
}

func (a *API) accept(ctx context.Context, in *acceptRequest) (dispensing.Held, error) {
	ask := dispensing.Ask{Key: in.Body.IdempotencyKey, Request: requestID(ctx)}
	if in.Body.Number != "" && in.Body.Code == "" {
		return a.Dispensing.AcceptTyped(ctx, actorFrom(ctx), in.Body.Number, in.Body.BirthYear, ask)
	}
	return a.Dispensing.Accept(ctx, actorFrom(ctx), in.Body.Code, ask)
}

func showHeld(p prescription.Prescription) heldPrescription {
	s := p.Sheet
	out := heldPrescription{
		Form: string(s.Form), Urgency: s.Urgency.String(), Patient: bearerBody(s.Bearer), Clinic: s.Clinic, Prescriber: s.Prescriber,
		IssuedAt: p.IssuedAt, ValidUntil: p.ValidUntil, State: string(p.Course.State),
		BenefitCategory: s.Benefit.Category, Discount: s.Benefit.Discount, FormSeries: s.Benefit.Series, FormNumber: s.Benefit.Number,
		Special: s.Special, Commission: s.Commission,
	}
	for n, i := range s.Items {
		progress := p.Course.Items[n]
		item := heldItem{
			Code: i.Code, Name: i.Name, Trade: i.Trade, Shape: i.Shape.String(), Quantity: i.Quantity, Dispensed: progress.Dispensed, Remaining: progress.Remaining(),
			Excess: progress.Excess, NextAt: maybe(progress.NextAt), Regimen: regimenBody(i.Regimen),
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
	out.Body.ID, out.Body.State, out.Body.Supply = id, string(c.State), showSupply(c.Supply)
	for _, p := range c.Items {
		out.Body.Items = append(out.Body.Items, balanceBody{Quantity: p.Prescribed, Dispensed: p.Dispensed, Remaining: p.Remaining(), Excess: p.Excess, NextAt: maybe(p.NextAt)})
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
