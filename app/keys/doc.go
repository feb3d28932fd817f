// Package keys is custody of every secret key of the server: the key-encryption keys that wrap the cards' data keys, the
// keys of lookups and cursors, and the signing keys behind crypto.Signer.
//
// The folder's first wrapping key is derived from master.key; those that take its place on command stand beside it (wrapping.go).
//
// # When keys change
//
// Signing keys change by themselves (below); the others on command, for two reasons:
//
//   - suspicion. Whoever may have seen the key folder has every data key that was ever wrapped with it, if he has a copy of the database: a new
//     wrapping key (medcard keys wrap, rewrap, drop) shuts out later copies, and the cards that matter get new data keys (medcard keys renew). Whoever may have
//     seen the memory of a server has the data keys of the cards that it had open: those cards get new ones; the log of accesses says which they are.
//   - age. The wrapping key once a year. A data key seals one card, some thousand rows, while AES-GCM with random nonces is good for 2^32 of them (NIST
//     SP 800-38D, section 8.3): by age alone it needs no change. Who has a rule that says so renews card by card.
//
// The key of the audit log is of its own kind: it has no term, and another takes over by a statement that it signs (medcard audit handover; the
// package auditing says what that is worth). Once in some years, before a PKCS#11 token goes out of service, or on suspicion.
//
// What was copied before a key changed stays as readable as it was.
//
// # Signing keys
//
// A folder holds them as files with mode 0600. The secret halves of the keys that sign codes may stand in a Vault instead: package
// hsm is one, a PKCS#11 token. Several servers on one database must share the same keys.
//
// A signing key lives as a Ring says: published a week before it signs, it signs for ninety days, then its secret half is destroyed.
// A file RX-N.compromised beside the key says that somebody else may have it. The root has no term; root-2 is its successor, which
// readers pin together with it, and takes over when root.retired appears. Keep root-2.pem in a safe until then, and in the folder a file of
// the same name with its public half alone (openssl pkey -pubout) and the headers Created and From.
package keys
