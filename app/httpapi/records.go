package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/medcard/medcard/app/charting"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
)

type recordsRequest struct {
	CardPath
	Purpose string   `header:"Purpose-Of-Use" required:"true" enum:"TREAT,ETREAT" doc:"Why you read: HL7 v3 PurposeOfUse"`
	Kinds   []string `query:"kinds" maxItems:"20" doc:"Only these kinds, e.g. observation,report"`
	After   string   `query:"after" maxLength:"120" doc:"The next of the page before"`
}

type recordBody struct {
	ID    string                       `json:"id"`
	Kind  string                       `json:"kind"`
	Scope string                       `json:"scope"`
	Date  *time.Time                   `json:"date,omitempty" doc:"When the fact happened"`
	Atoms map[string][]json.RawMessage `json:"atoms" doc:"The parts of the record, each with its newest value first and open siblings behind it"`
}

type recordsReply struct {
	Body struct {
		Records []recordBody `json:"records"`
		Next    string       `json:"next,omitempty" doc:"Send it as after for the next page"`
	}
}

type formRequest struct {
	CardPath
	Purpose string `header:"Purpose-Of-Use" required:"true" enum:"TREAT,ETREAT" doc:"Why you read: HL7 v3 PurposeOfUse"`
}

type copiedBody struct {
	Text   string `json:"text"`
	Record string `json:"record" format:"uuid" doc:"From which it was taken"`
}

type filledBody struct {
	Entry  string       `json:"entry" enum:"name,birthDate,sex,snils,policy,telecom,address,allergies,diagnoses,medicines,results"`
	Values []copiedBody `json:"values" doc:"None where the card says nothing that you may see"`
}

type formReply struct {
	Body struct {
		Entries []filledBody `json:"entries" doc:"All of them, in the order in which the forms 025/u and 057/u have them"`
	}
}

// recordRoutes are how an organisation reads a card that was opened to it.
func (a *API) recordRoutes() {
	operate(a, Route{
		ID: "readRecords", Method: http.MethodGet, Path: "/v1/cards/{card}/records", Tag: "access", Summary: "Read a card that its owner opened to you",
		Access: Organisations("system/*.rs", identity.Clinic, identity.Pharmacy).For(ReadersCard),
	}, a.readRecords)
	operate(a, Route{
		ID: "fillForm", Method: http.MethodGet, Path: "/v1/cards/{card}/form", Tag: "access", Summary: "What forms ask of a patient, filled in from a card that its owner opened to you",
		Access: Organisations("system/*.rs", identity.Clinic, identity.Pharmacy).For(ReadersCard),
	}, a.fillForm)
}

func (a *API) readRecords(ctx context.Context, in *recordsRequest) (*recordsReply, error) {
	q := charting.Query{Card: card.ID(in.Card), Purpose: consent.Purpose(in.Purpose), Request: requestID(ctx)}
	for _, k := range in.Kinds {
		q.Kinds = append(q.Kinds, card.Kind(k))
	}
	if in.After != "" {
		dated, id, found := strings.Cut(in.After, "_")
		at, err := time.Parse(time.RFC3339Nano, dated)
		if !found || err != nil || !isUUID.MatchString(id) {
			return nil, errInvalid.At("query.after", "is not the next of a page")
		}
		q.Dated, q.ID = at, card.RecordID(id)
	}
	page, more, err := a.Charting.Read(ctx, actorFrom(ctx), q)
	if err != nil {
		return nil, err
	}
	out := new(recordsReply)
	out.Body.Records = make([]recordBody, len(page))
	for i, r := range page {
		b := recordBody{ID: string(r.ID), Kind: string(r.Kind), Scope: string(r.Scope), Atoms: r.Atoms}
		if !r.Dated.IsZero() {
			b.Date = &r.Dated
		}
		out.Body.Records[i] = b
		if more && i == len(page)-1 {
			out.Body.Next = r.Dated.UTC().Format(time.RFC3339Nano) + "_" + string(r.ID)
		}
	}
	return out, nil
}

func (a *API) fillForm(ctx context.Context, in *formRequest) (*formReply, error) {
	form, err := a.Charting.Form(ctx, actorFrom(ctx), charting.Query{Card: card.ID(in.Card), Purpose: consent.Purpose(in.Purpose), Request: requestID(ctx)})
	out := new(formReply)
	out.Body.Entries = make([]filledBody, len(form))
	for i, f := range form {
		b := filledBody{Entry: string(f.Entry), Values: make([]copiedBody, len(f.Values))}
		for j, v := range f.Values {
			b.Values[j] = copiedBody{Text: v.Text, Record: string(v.Record)}
		}
		out.Body.Entries[i] = b
	}
	return out, err
}
