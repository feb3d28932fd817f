package httpapi

import (
	"errors"
	"mime"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"github.com/medcard/medcard/app/exchanging"
	"github.com/medcard/medcard/app/fhir"
	"github.com/medcard/medcard/domain/fault"
)

// fhirBase is where the FHIR face stands. Everything below it speaks FHIR, errors too.
const fhirBase = "/fhir/R4"

// fhirRoutes are the FHIR R4 face for clinics' systems.
func (a *API) fhirRoutes() {
	a.fhirProblem = a.writeOutcome
	if a.Exchanging == nil {
		return
	}
	a.raw(Route{
		ID: "readCapability", Method: http.MethodGet, Path: fhirBase + "/metadata", Tag: "clinic", FHIR: true, Access: Public(),
		Summary: "What this server does, as a FHIR CapabilityStatement",
	}, describeCapability, func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, fhir.ContentType)
		return c.Send(fhir.Capability(a.version))
	})
	a.raw(Route{
		ID: "postTransaction", Method: http.MethodPost, Path: fhirBase, Tag: "clinic", FHIR: true,
		Summary:  "Post a FHIR R4 transaction bundle about one patient",
		Access:   Clinics(exchanging.Right).For(AnyCard),
		MaxBody:  fhir.MaxSize,
		Deadline: time.Minute, // five thousand resources are checked, sealed and written in one transaction
	}, describeTransaction, a.postTransaction)
}

// postTransaction is bare Fiber: huma would decode the body before fhir does, and less strictly.
func (a *API) postTransaction(c *fiber.Ctx) error {
	switch kind, _, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType)); {
	case err != nil, kind != "application/fhir+json" && kind != fiber.MIMEApplicationJSON:
		return errMediaType
	}
	ctx := c.UserContext()
	received, err := a.Exchanging.Receive(ctx, actorFrom(ctx), c.Body(), requestID(ctx))
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, fhir.ContentType)
	return c.Send(received.Response())
}

func fhirContent() map[string]*huma.MediaType {
	resource := &huma.Schema{Type: "object", Description: "A FHIR R4 resource", AdditionalProperties: true}
	return map[string]*huma.MediaType{"application/fhir+json": {Schema: resource}}
}

func describeCapability(op *huma.Operation) {
	op.Responses = map[string]*huma.Response{"200": {Description: "A CapabilityStatement", Content: fhirContent()}}
}

func describeTransaction(op *huma.Operation) {
	op.Description += " The same bundle again changes nothing. Where the card has no owner yet, the Patient's entry of the answer carries a one-time claim code" +
		" (coding system " + fhir.ClaimSystem + ") for the person at the desk."
	content := fhirContent()
	op.RequestBody = &huma.RequestBody{Required: true, Description: "A Bundle of type transaction", Content: content}
	op.Responses = map[string]*huma.Response{
		"200":     {Description: "A Bundle of type transaction-response", Content: content},
		"default": {Description: "An OperationOutcome", Content: content},
	}
}

// writeOutcome is writeProblem in FHIR's words.
func (a *API) writeOutcome(c *fiber.Ctx, p *Problem, cause error) error {
	own := a.noteProblem(c, p, cause)
	var ready *Problem
	if errors.As(cause, &ready) { // a wrong method or address: the door's own words
		cause = fault.New(fault.NotFound, fault.Code(ready.Code), ready.Detail)
	}
	c.Set(fiber.HeaderContentType, fhir.ContentType)
	return c.Status(own.Status).Send(fhir.Outcome(cause, own.RequestID))
}
