// Package push tells a phone that there is news, and nothing else.
//
// A push travels through carriers outside the country and outside medical secrecy, so the rule here is not "be careful with
// the text": a Message has no field that could hold one. What it is about is one of four topics, what a person reads is one of
// a handful of sentences that stand in this package, and the id is random. The phone learns the rest by syncing.
//
// A Sender hands messages to a carrier and says of each recipient what became of it (Result). fcm is the real one, LogSender
// stands in where there are no credentials, Breaker spares a carrier that is down. pushtest is the carrier's other end for
// tests and demonstrations.
//
// Delivery is at least once. A carrier may deliver and still answer with an error (FCM does so with 503), so the same id may
// reach a phone twice: the phone shows each id once.
package push
