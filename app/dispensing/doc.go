// Package dispensing hands a prescription out exactly once: a pharmacy accepts it (a hold of ten minutes with a secret), then
// completes it, wholly or in part, or rejects it back.
//
// That only one of many pharmacists wins is kept twice: the card's row lock puts them in a line, and a course is written back only
// over the version that was read, so even a store without the lock could not hand out twice. A pharmacy whose answer got lost asks
// again under the same idempotency key: Accept gives it a fresh secret for the hold that it has, Complete and Reject give the
// answer that they gave before.
//
// An idempotency key is bound to one request over all prescriptions. Cancel is here too: it moves the same course.
//
// What a pharmacy's device handed out without a network comes as receipts (their body stands in package qr). A receipt is a fact when
// its device was enrolled and good at the time, its signature holds, it is the next in the device's chain, it went by a status list
// younger than 48 hours and it fits its prescription. A fact counts in every state of the course; what exceeds the prescription is
// counted apart and becomes a case, which patient and prescriber are told of. Anything else waits in quarantine with its doubt and
// changes nothing, until an operator releases or dismisses it; a receipt behind a gap is looked at again when the gap is filled.
//
// A pharmacy that lacks the medicine registers a deferral: a term in working days, a job at its end, and until the medicine was waited
// for long enough the prescription does not expire for that pharmacy.
package dispensing
