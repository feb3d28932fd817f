// Package dispensing hands a prescription out exactly once: a pharmacy accepts it (a hold of ten minutes with a secret), then
// completes it, wholly or in part, or rejects it back.
//
// That only one of many pharmacists wins is kept twice: the card's row lock puts them in a line, and a course is written back only
// over the version that was read, so even a store without the lock could not hand out twice. A pharmacy whose answer got lost asks
// again under the same idempotency key: Accept gives it a fresh secret for the hold that it has, Complete and Reject give the
// answer that they gave before.
package dispensing
