package fhir

import (
	"encoding/json"
	"strconv"

	"github.com/medcard/medcard/domain/fault"
)

// ContentType is the media type of every document here.
const ContentType = "application/fhir+json; charset=utf-8"

// The parts of an OperationOutcome and of a transaction's answer. FHIR's own names.
type (
	operationOutcome struct {
		ResourceType string  `json:"resourceType"`
		Issue        []issue `json:"issue"`
	}
	issue struct {
		Severity    string           `json:"severity"`
		Code        string           `json:"code"`
		Details     *codeableConcept `json:"details,omitempty"`
		Diagnostics string           `json:"diagnostics,omitempty"`
		Expression  []string         `json:"expression,omitempty"`
	}
	codeableConcept struct {
		Coding []coding `json:"coding,omitempty"`
		Text   string   `json:"text,omitempty"`
	}
	coding struct {
		System string `json:"system,omitempty"`
		Code   string `json:"code"`
	}
)

// The code systems of our own that stand in answers: fault codes, and the claim code of a card that has no owner yet.
const (
	problemSystem = "urn:medcard:problem"
	ClaimSystem   = "urn:medcard:claim-code"
)

// issueTypes says in R4's words of what type each kind of fault is.
var issueTypes = map[fault.Kind]string{
	fault.Internal:        "exception",
	fault.Invalid:         "invalid",
	fault.Unauthenticated: "login",
	fault.Denied:          "forbidden",
	fault.NotFound:        "not-found",
	fault.Conflict:        "conflict",
	fault.Gone:            "deleted",
	fault.Stale:           "conflict",
	fault.Throttled:       "throttled",
	fault.Unavailable:     "transient",
	fault.Malformed:       "structure",
	fault.TooLarge:        "too-costly",
	fault.Unsupported:     "not-supported",
}

// Outcome writes an error as an OperationOutcome. request is the request's id, which it repeats for the operators; it may be empty.
func Outcome(err error, request string) []byte {
	f := fault.From(err)
	of := issueTypes[f.Kind]
	if of == "" {
		of = "exception"
	}
	details := &codeableConcept{Coding: []coding{{System: problemSystem, Code: string(f.Code)}}, Text: f.Text}
	doc := operationOutcome{ResourceType: "OperationOutcome"}
	for _, field := range f.Fields {
		i := issue{Severity: "error", Code: of, Details: details, Diagnostics: field.Why}
		if field.Where != "" {
			i.Expression = []string{field.Where}
		}
		doc.Issue = append(doc.Issue, i)
	}
	if len(doc.Issue) == 0 {
		doc.Issue = []issue{{Severity: "error", Code: of, Details: details}}
	}
	if request != "" {
		doc.Issue = append(doc.Issue, issue{Severity: "information", Code: "informational", Diagnostics: "Request id: " + request})
	}
	return marshal(doc)
}

// Answer is what became of one entry of a transaction.
type Answer struct {
	Created  bool   // else it was there, changed or not
	Location string // "Observation/<id>/_history/<version>"; "" for what is kept without a place in the card
	Version  int
	Claim    string // of the Patient: the one-time code for the person at the desk; "" where the card has an owner
}

type (
	transactionResponse struct {
		ResourceType string          `json:"resourceType"`
		Type         string          `json:"type"`
		Entry        []responseEntry `json:"entry"`
	}
	responseEntry struct {
		Response response `json:"response"`
	}
	response struct {
		Status   string            `json:"status"`
		Location string            `json:"location,omitempty"`
		ETag     string            `json:"etag,omitempty"`
		Outcome  *operationOutcome `json:"outcome,omitempty"`
	}
)

// Response writes the answer to a transaction: one entry for each of the request, in its order.
func Response(answers []Answer) []byte {
	doc := transactionResponse{ResourceType: "Bundle", Type: "transaction-response", Entry: make([]responseEntry, len(answers))}
	for i, a := range answers {
		r := response{Status: "200 OK", Location: a.Location}
		if a.Created {
			r.Status = "201 Created"
		}
		if a.Version > 0 {
			r.ETag = `W/"` + strconv.Itoa(a.Version) + `"`
		}
		if a.Claim != "" {
			r.Outcome = &operationOutcome{ResourceType: "OperationOutcome", Issue: []issue{{
				Severity: "information", Code: "informational",
				Details: &codeableConcept{Coding: []coding{{System: ClaimSystem, Code: a.Claim}}, Text: "One-time code for the patient to take over the card"},
			}}}
		}
		doc.Entry[i].Response = r
	}
	return marshal(doc)
}

func marshal(doc any) []byte {
	b, err := json.Marshal(doc)
	if err != nil {
		panic(err) // plain structs always marshal
	}
	return b
}
