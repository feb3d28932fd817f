// Package vault is the one file in which a phone keeps everything: an SQLite database that is encrypted page by page, its
// journal too. It holds, of each card, what the sync engine keeps there (base, shadow, outbox, meta: a Vault's Card is a
// replica.PhoneStore), and the installation's settings, its session among them.
//
// The key is 32 bytes that the app gets from the phone's keystore. It is never written. A Vault that is opened with
// another one refuses with ErrKey and changes nothing.
//
// # What was deleted
//
// What is deleted is overwritten in its page, and wherever SQLite had moved it from, and leaves the journal at once, so that even whoever has the key finds
// nothing of a record after access to it has ended.
//
// A flash chip keeps old pages for a while, whatever is written. So the body of each row is sealed once more, with AES-256-GCM, under a key of its
// card and scope, bound to card, scope, record and table; the bodies of edits under a key of their card (seal.go says why). With the
// last row of a scope its key goes: purge, lapse, red, del, gone, a new base, Wipe. The edits' key changes whenever an edit is destroyed.
// Who has the chip's old content, and the file's key, reads nothing of it any more.
//
// That is as good as the place of the keys. An app hands in a part of its keystore (Custody, ScopeKeys). A key is there before the first row
// that it seals is durable, and is destroyed after the last is durably gone; what a crash leaves in between, the next Open makes good.
// Names of keys are drawn at random. Keys that the keystore has lost cost what they sealed (Card.LostScopes, replica.Phone.Refetch), one
// that does not answer fails the call (ErrKeystore) and nothing else. Without a keystore the keys of scopes stand in this file and are
// overwritten as rows are: that is only as good as overwriting. Edits are not sealed then.
//
// Not sealed beside a body is what a row is found by: id, kind, scope, date, digest, and the words for search with their index. Nor are the
// bytes of attachments, the settings and the places with the cards. They are encrypted with the file and overwritten when they go.
//
// # What was damaged
//
// A row that cannot be read counts as absent, and a check brings it back. An edit that cannot is set aside, as a refused one with the code
// unreadable, and those behind it go under a fresh actor (aside.go, replica.SetAside). When SQLite finds a page that it did not
// write, the call fails with ErrDamagedFile, and the next Open rescues what cannot be fetched: settings, edits, files that were attached here,
// each that can be read whatever became of the pages around it. They go into a new file; the cards come anew. Of edits that an
// index names and that could not be read, Losses tells, and only then the damaged file stays beside the new one, until ForgetLosses.
//
// A journal is not searched beyond its first damaged frame, where SQLite ends it: what was committed in the moments after that, and had not
// reached the file, is lost without a word.
package vault
