// Package issuing signs prescriptions, referrals and certificates and publishes by what anybody can check them: the key set and the
// status lists.
//
// A doctor's system files a sheet for a card that it has to do with. In one transaction the paper gets its random token, its random
// place in a status list, its signature and its record in the card, so that the phone shows it offline. Filed again under the same
// idempotency key it is the same paper.
//
// What is taken back, suspended or handed on changes in one transaction everywhere: in the paper's own table, in the status list, in the
// card and so on the phone, in the audit. A referral that is handed on is closed and gets a successor; the clinics on both sides find
// a notice in their inboxes, which name papers and no patients.
//
// Where no code can be read, a number of 16 digits is typed, with the bearer's year of birth. number.go says why guessing one is
// hopeless.
//
// The key set is one for all servers on a database: it stands in a row there, with a sequence that only grows, also over a restore. A
// server looks into its key folder every few seconds and publishes the next set when a key came, ended or was withdrawn, when a shard of
// the status lists opened, or after an hour. What it takes from the set that was published before: keys whose files are gone, for what they
// signed is about, and that a key was withdrawn. Who lags behind takes nothing back. What became of which key is written down in the
// same transaction.
//
// Of each code the record keeps a keyed hash of what it says. A code with a good signature that says something else than was issued under
// its token is a forgery, and a withdrawn key's codes stand or fall by it.
package issuing
