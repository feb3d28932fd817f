// Package signing takes electronic signatures of patients: with one a person signs in to an account that exists, and confirms requests.
//
// The server gives a challenge, a text of a few lines with a purpose, a nonce and an end, and the person's own program signs exactly
// these bytes: CMS, detached (app/cms says what is taken). The challenge carries a keyed hash of the server's, so that nothing is kept
// until it comes back; from then on it is spent. At each signature everything is checked anew: chain, dates, usage, owner, revocation
// (app/signing/revocation), fail-closed. Nothing is remembered as good.
//
// Whose certificate it is, its SNILS says. So that nobody who writes into a card can open an account by it, the account's owner
// first binds the certificate's owner to the account in a session with a second factor: the SNILS must be that of a card that the
// account owns. From then on any certificate for that SNILS opens the account; but of one authority only the newest that was used:
// what it replaced is refused even before it expires.
//
// A session that a certificate opened counts as one with a second factor (amr pop, mfa): the key lies in a store that its owner opens by
// a PIN, which 63-FZ makes his duty; the server sees only that the key was there. (NIST SP 800-63B calls that a multi-factor cryptographic
// authenticator.) An operator who disagrees names no roots.
//
// A confirmation is kept with what anybody needs to check it again: the text, the message, the chain, sealed. Another act asks for it by
// the method Confirmations of its own Tx: the account, and the SHA-256 of the request that has to be confirmed.
//
// Private keys are never taken. What looks like one is refused by name and dropped; its owner is told to have the certificate revoked.
package signing
