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
// Files lie beside the records that name them, in sealed pieces, and are read only through such a record (attachments.go).
//
// storetest is the contract: one suite, run on both databases.
package store
