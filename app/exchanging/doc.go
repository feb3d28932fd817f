// Package exchanging takes in what clinics know of a patient: a FHIR R4 transaction bundle becomes records of one card, wholly or
// not at all.
package exchanging
