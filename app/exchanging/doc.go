// Package exchanging takes in what clinics know of a patient: a FHIR R4 transaction bundle becomes records of one card, wholly or
// not at all.
//
// The card is found by the numbers of state registers (policy, SNILS), else by the sender's own names of the patient; where none leads
// anywhere, a card is opened. Numbers that disagree with each other or with the date of birth stop everything: to mix two people's
// cards is the worst that can happen here.
//
// As long as nobody owns the card each post answers with a code for the person at the desk. By itself it opens the card only from the clinic that
// opened the card; from one that came later, once the person has proved that he is the patient (package enrolling says why). Who opened it stays
// the card's; an operator's import counts as a clinic of its own.
//
// A resource is known by (sender, type, identifier or id). The same content again changes nothing; other content is a new version.
// Files inside of resources are kept beside the records, which name them by their hash. Every resource is kept as posted, also of types that the card has no place for: those are counted and named.
package exchanging
