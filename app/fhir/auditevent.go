package fhir

import (
	"encoding/base64"
	"strconv"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/identity"
)

// Lines is the media type of resources one a line, as HL7's Bulk Data Access has it.
const Lines = "application/fhir+ndjson"

// The parts of an AuditEvent (https://hl7.org/fhir/R4/auditevent.html). FHIR's own names.
type (
	auditEvent struct {
		ResourceType string            `json:"resourceType"`
		ID           string            `json:"id"`
		Type         coding            `json:"type"`
		Subtype      []coding          `json:"subtype,omitempty"`
		Action       string            `json:"action,omitempty"`
		Recorded     string            `json:"recorded,omitempty"`
		Unrecorded   *absent           `json:"_recorded,omitempty"`
		Outcome      string            `json:"outcome"`
		OutcomeDesc  string            `json:"outcomeDesc,omitempty"`
		Purpose      []codeableConcept `json:"purposeOfEvent,omitempty"`
		Agent        []eventAgent      `json:"agent"`
		Source       eventSource       `json:"source"`
		Entity       []eventEntity     `json:"entity"`
	}
	absent struct {
		Extension []absentReason `json:"extension"`
	}
	absentReason struct {
		URL   string `json:"url"`
		Value string `json:"valueCode"`
	}
	eventAgent struct {
		Type      *codeableConcept  `json:"type,omitempty"`
		Role      []codeableConcept `json:"role,omitempty"`
		Who       *named            `json:"who,omitempty"`
		AltID     string            `json:"altId,omitempty"`
		Name      string            `json:"name,omitempty"`
		Requestor bool              `json:"requestor"`
	}
	named struct {
		Identifier *identification `json:"identifier,omitempty"`
		Display    string          `json:"display,omitempty"`
	}
	identification struct {
		System string `json:"system"`
		Value  string `json:"value"`
	}
	eventSource struct {
		Observer named    `json:"observer"`
		Type     []coding `json:"type"`
	}
	eventEntity struct {
		What        *named        `json:"what,omitempty"`
		Type        *coding       `json:"type,omitempty"`
		Role        *coding       `json:"role,omitempty"`
		Description string        `json:"description,omitempty"`
		Detail      []eventDetail `json:"detail,omitempty"`
	}
	eventDetail struct {
		Type   string `json:"type"`
		Text   string `json:"valueString,omitempty"`
		Base64 string `json:"valueBase64Binary,omitempty"`
	}
)

// The code systems of AuditEvents: HL7's and our own.
const (
	eventTypes    = "http://terminology.hl7.org/CodeSystem/audit-event-type"
	entityTypes   = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
	objectRoles   = "http://terminology.hl7.org/CodeSystem/object-role"
	sourceTypes   = "http://terminology.hl7.org/CodeSystem/security-source-type"
	actReasons    = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
	absentReasons = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"

	auditActions = "urn:medcard:audit-action"
	actorKinds   = "urn:medcard:actor-kind"
	cardNumbers  = "urn:medcard:card"
	accountIDs   = "urn:medcard:account"
	clientIDs    = "urn:medcard:client"
)

// eventActions says in R4's words what our actions do, where that is not "E", execute.
var eventActions = map[audit.Action]string{
	audit.Publish: "C", audit.Issue: "C", audit.Prove: "C", audit.Push: "U", audit.Shred: "D", audit.Review: "R", audit.Inspect: "R",
}

// AuditEvent writes a place of the audit log as an AuditEvent. origin names the log. The event's id is the place and a detail is the hash by which the
// entry stands there; by itself it proves nothing.
func AuditEvent(origin string, l audit.Logged) []byte {
	e, place := l.Entry.Entry, strconv.FormatInt(l.Place, 10)
	doc := auditEvent{
		ResourceType: "AuditEvent", ID: "log-" + place, Type: coding{eventTypes, "rest"}, Outcome: "0",
		Source: eventSource{Observer: named{Display: origin}, Type: []coding{{sourceTypes, "4"}}}, // application server
		Entity: []eventEntity{{ // a person, the patient
			What: &named{Identifier: &identification{cardNumbers, string(l.Card)}}, Type: &coding{entityTypes, "1"}, Role: &coding{objectRoles, "1"},
		}, {
			Type: &coding{entityTypes, "4"}, Role: &coding{objectRoles, "13"}, Description: e.What, // other: the entry of the log, a security resource
			Detail: []eventDetail{
				{Type: "place", Text: place}, {Type: "number", Text: strconv.FormatUint(l.Number, 10)}, {Type: "hash", Base64: base64.StdEncoding.EncodeToString(l.Hash[:])},
			},
		}},
	}
	if l.Card == audit.LogCard { // no patient: the log itself
		doc.Entity = doc.Entity[1:]
	}
	for _, detail := range []eventDetail{{Type: "request", Text: e.Request}, {Type: "representation", Text: string(e.Representation)}, {Type: "device", Text: string(e.Actor.Device)}} {
		if last := &doc.Entity[len(doc.Entity)-1]; detail.Text != "" {
			last.Detail = append(last.Detail, detail)
		}
	}
	if e.Action.Failed() {
		doc.Outcome = "8"
	}
	if what := l.Damage(); what != "" {
		doc.Outcome, doc.OutcomeDesc = "12", what
	}
	if e.At.IsZero() {
		doc.Unrecorded = &absent{[]absentReason{{absentReasons, "unknown"}}}
	} else {
		doc.Recorded = e.At.UTC().Format(time.RFC3339Nano)
	}
	if e.Action != "" {
		doc.Subtype, doc.Action = []coding{{auditActions, string(e.Action)}}, "E"
		if word := eventActions[e.Action]; word != "" {
			doc.Action = word
		} else if e.Action.Opens() {
			doc.Action = "R"
		}
	}
	if e.Purpose != "" {
		doc.Purpose = []codeableConcept{{Coding: []coding{{actReasons, string(e.Purpose)}}}}
	}
	doc.Agent = agentsOf(e.Actor)
	return marshal(doc)
}

// agentsOf are the person who acted, and the organisation for which he did.
func agentsOf(a identity.Actor) []eventAgent {
	who := eventAgent{Requestor: true, Type: &codeableConcept{Coding: []coding{{actorKinds, a.Kind.String()}}}, Name: a.Person.Name, AltID: a.Person.ID}
	if a.Person.Role != "" {
		who.Role = []codeableConcept{{Text: a.Person.Role}}
	}
	if a.Account != "" {
		who.Who = &named{Identifier: &identification{accountIDs, string(a.Account)}}
	}
	if a.Client == "" {
		return []eventAgent{who}
	}
	return []eventAgent{who, {Who: &named{Identifier: &identification{clientIDs, string(a.Client)}, Display: a.Organisation}}}
}
