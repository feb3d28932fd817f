// Package vault is the one file in which a phone keeps everything: an SQLite database that is encrypted page by page, its
// journal too. It holds, of each card, what the sync engine keeps there (base, shadow, outbox, meta: a Vault's Card is a
// replica.PhoneStore), and the installation's settings, its session among them.
//
// The key is 32 bytes that the app gets from the phone's keystore. It is never written. A Vault that is opened with
// another one refuses with ErrKey and changes nothing.
//
// What is deleted is overwritten in its page, and wherever SQLite had moved it from, and leaves the journal at once, so that even whoever has the key finds
// nothing of a record after access to it has ended.
package vault
