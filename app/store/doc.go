// Package store keeps everything in a database: SQLite in one file, or PostgreSQL. Nobody else knows GORM or SQL.
//
// It stands beside the acts: its Tx satisfies the narrow interfaces that they declare and it imports none of them. A
// transaction is a closure given to View or Update; it may run again when the database asks for that, so it holds nothing but
// Tx calls, and what must happen afterwards is a job enqueued in it (enqueue.go).
//
// What is health data is sealed with the card's own data key, bound to its table, column and row (seal.go); who may see it
// shows a consent.Permit made in the same transaction (Tx.Decide). Writes go through GORM, the hot reads of sync through
// hand-scanned rows of the same connection.
//
// That data key stands in the table card, wrapped with a wrapping key of package keys (wrapping.go); rewrap.go lists everything so wrapped.
//
// On PostgreSQL there is a second line behind the permits: row security. A transaction names the card that it works on, and the database
// shows it rows of that card alone; without a name, none. The name is given in one file (enter.go), and the permit brings it: what takes a
// permit enters its card. It is no wall against somebody who has the app's password, who may name one card after the other; it is one against
// a condition that was forgotten, or a statement that was slipped in. What is policed is every table with a card in it but for the directories,
// which are read before the card is known: account_card, awaited_card, destroyed_card, patient_key, claim_code, paper, proposal, and of the audit log
// audit_pending and audit_leaf, which hold hashes. The table card itself is open too: it holds the wrapped key, where the card stands and when
// its upkeep is due, and upkeep, restores and verifications walk over it. Seven policed tables have rows that may be read, never written, without
// their card; migrations/00030 names them with the reasons. SQLite has nothing like it.
//
// Files lie beside the records that name them, in sealed pieces, and are read only through such a record (attachments.go).
//
// storetest is the contract: one suite, run on both databases.
package store
