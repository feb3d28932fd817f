// Package syncing is the server's side of delta sync: who may pull and push which card, in which transaction, with which
// trace in the audit. What a push does to a record and what a pull brings is decided in sync/replica, which knows neither
// people nor databases.
//
// A stream runs after its HTTP handler has returned, so every page of it opens a transaction, a permit and a look at the
// clock of its own: access that ends in the middle of a long pull ends the stream with "gone" at the next page.
//
// The owner's pull leaves an audit entry, once per device and quarter of an hour; that of another person whom the owner lets see the
// card leaves one each time, and so does every push that changed something.
//
// What one asker can take is bounded: the whole copies and the heavy checks that go on at a time, and how many of them for one account
// (storm.go), what one answer of a check looks at, and how many actors a device gets (sync/replica).
package syncing
