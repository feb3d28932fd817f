// Package alerting tells people that something happened to their data, and counts the hours until the authority has to know.
//
// An incident is opened by an operator (`medcard incidents`), in Russian and English, without a word about anybody. Whom it concerns is said by cards,
// whose owners and representatives are found, or by all accounts. Each of them gets a push that says no more than that the app should be
// looked at, and a mail with the operator's words; in the app they stand until they are read, for those whom neither reached. Naming
// somebody twice tells him once, so a command that was stopped is simply given again.
//
// Whose card was destroyed by order is told in the same three ways, by what order and whom to ask (destroyed.go).
//
// The terms are the law's (package incident). What is late stands first in `medcard incidents list` and in the metric
// medcard_incident_duties_overdue, for somebody to be woken by. Each step an operator takes is a line in the log's own card.
//
// People are found and told in batches of an account each row, a transaction a batch: O(accounts concerned), and nothing of a card is read but
// who owns it.
package alerting
