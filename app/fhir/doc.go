// Package fhir reads HL7 FHIR R4: it checks a document against the whole of R4, turns the resources that the card knows into facts, and
// writes the answers that FHIR clients expect. It is pure: no clock, no network, no database.
//
// Reading goes in three steps, each of which refuses what the next could not bear:
//
//	document.go    JSON, strict and bounded: no duplicate names, no bad UTF-8, numbers kept as they were written
//	validate.go    every element of every R4 resource: names, types, cardinality, choices, primitive formats, required codes
//	bundle.go      a transaction about exactly one patient; references between its entries resolved
//
// What is not in R4 is refused with the path of the element and never its value. What is in R4 but has no place in a card
// is kept as posted, counted and named: nothing is dropped in silence.
//
// elements.txt is the table of R4, written by ./generate from HL7's own definitions.
package fhir

//go:generate go run ./generate -o elements.txt
