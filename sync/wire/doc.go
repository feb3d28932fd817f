// Package wire is the language of delta sync: the shapes that travel between the server and the SDK, and the strict
// reading of them. It is shared by both sides and does no work of its own: no network, no clock, no storage.
//
//	POST /v1/sync/devices   DevicesRequest -> DevicesResponse
//	GET  /v1/sync/head      -> HeadResponse, or 304 by its ETag
//	POST /v1/sync           SyncRequest    -> a stream of Lines (push and pull in one round trip), or 204: see PullCard.Calm
//	POST /v1/sync/pull      PullRequest    -> a stream of Lines
//	POST /v1/sync/push      PushRequest    -> PushResponse
//
// A stream is NDJSON: one Line a line, each with exactly one member set. Of each card come
//
//	card, then res..., purge?, (row | del | red)..., sum..., end
//
// as one page, and further pages of the same shape. A page counts only with its end: the phone applies it and moves its
// cursor in one local transaction, and a page that was cut off never was. In place of a page a card may get same, gone or err.
//
// No sequence number of the server travels. Cursor, At, Low and Part are sealed tokens: the phone stores them and gives
// them back. Unknown members are refused (ErrUnknownField), as are duplicate ones: what a server of today would ignore,
// the person would believe to be saved.
package wire
