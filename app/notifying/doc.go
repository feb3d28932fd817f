// Package notifying tells people that there is news: over push today, and by the reminders that clinics ask for.
//
// Everything begins in a transaction of somebody else, which enqueues "this card changed, for this account" with its own
// changes. A job then looks up the devices on which the account is signed in (Announce) and enqueues one push for each in the
// same transaction that takes the news; a job each hands it to the carrier (Deliver). So a change is announced if and only if
// it was committed, a slow phone holds up no other, and a crash repeats at most the one push that was under way, which the
// phone knows by its id.
//
// Nothing here can say what the news is: neither the jobs nor the messages have a field for it.
//
// One-time codes go other ways, by SMS and e-mail: Outbox shows them to a developer, Mailer sends mail, Texter text messages.
package notifying
