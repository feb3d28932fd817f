// Package trust says whether a code may be believed, with or without a network.
//
// A KeySet lists the keys that may sign and is itself signed by a root that readers have pinned; its sequence only grows. A StatusList
// holds two bits for each document of a shard. A Cache holds both as they were fetched last, refuses to be rolled back, and answers
// with a Verdict: OK, NO, or CANT_TELL_OFFLINE, each with machine-readable reasons.
//
// Both travel as COSE_Sign1 in the profile of package qr.
//
//	key set     = { 1: iss, 4: exp, 6: iat, -65550: sequence, -65551: [ *key ], -65552: [ *list ] }
//	key         = [ kid, iss, usage, alg, public, not before, last issue, last verify, status ]
//	status list = { 1: iss, 6: iat, -65553: list, -65554: bstr(zlib(marks)) }
//
//	usage   tstr: rx, ref, cert, receipt, status
//	status  1 active, 2 retired, 3 compromised
//	list    uint, the numbers of the status lists in use
//	marks   2 bits a document, four documents a byte, the first in the lowest bits:
//	        0 not issued, 1 valid, 2 revoked or suspended, 3 handed out or used
//
// A key may issue from "not before" to "last issue"; what it signed in that time may be believed until "last verify". A compromised
// key never gives OK: a thief chooses the date. A status list speaks only of documents of its own issuer.
package trust
