// Package httpapi is the door for machines: the routes of Medcard's own API and of its FHIR face, on Fiber.
//
// Every route is a Route in one table: its path, who may call it, its limits of body and time. gate.go enforces those before
// a handler runs; a handler binds, calls one act and replies. Most handlers are huma operations, which give the OpenAPI
// document at /openapi.json; those that stream, speak forms or images are raw Fiber handlers under the same table.
//
// Whom a route is for, and what of others it opens, stands in the table too, and from there in the document (x-access); access.md is made of it.
//
// Every error leaves as a problem document (RFC 9457) with a stable code (problem.go), on the FHIR face as an
// OperationOutcome. An answer never repeats a submitted value, and nothing of a patient enters a log line.
package httpapi
