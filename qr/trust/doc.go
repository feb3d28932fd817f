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
//	list    uint, the number of a status list in use: 7 bits region (0 = none), 9 bits months since January 2020, 16 bits shard
//	marks   2 bits a document, four documents a byte, the first in the lowest bits:
//	        0 not issued, 1 valid, 2 revoked or suspended, 3 handed out or used
//
// # Keys
//
// A key may issue from "not before" to "last issue", ninety days; what it signed in that time may be believed until "last verify", which is
// as much later as the longest validity of a paper. It is published a week before "not before". Of a usage two keys are in force at
// any time: the older one signs, the younger one takes over at once if that one is stolen, and readers have it already. A compromised
// key never gives OK: a thief chooses the date. The issuer's own server, which remembers what each code said, decides by its record.
//
// # Roots
//
// A reader pins the root and its successor, in this order. A key set is believed if one of them signed it under the usage "keys"
// ("emc-qr/v1/keys", kid and encoding as in package qr) and iss is that root's owner. Refused are: a sequence lower than one that was
// believed, other bytes under the same sequence, and every set of the root once a set of its successor was believed. A reader keeps the
// sequence, the root and the times of the lists beside what it fetched (Floor), so that this holds after a restart, and after a loss too. A
// root never stands in a key set: who pins a successor gets it by another way. Now is no later than exp, else unknown keys are
// CANT_TELL.
//
// # Status lists
//
// A list is signed under the usage "status" ("emc-qr/v1/status") by a key of the set that is not compromised, iat lies in the key's time of
// issue, and marks unpack to exactly 32,768 bytes; the reader stops there. One whose iat is earlier than that of the list that is held is refused. It
// speaks only of documents of its own issuer. Up to 15 minutes old it is as good as asking, up to 48 hours good enough offline. A
// document that the list does not know (0) and that was issued more than a minute before the list is none; marks 2 and 3 hold however
// old the list is, and a newer list may take 2 back to 1: suspended is not revoked.
//
// A list opens when the newest of its region and month is half full, so it has about 65,536 papers. Signed it has 18 KB then, and 26 KB when
// half of them are handed out.
// Everybody gets mark 1 for 3; an authenticated pharmacy gets 3.
package trust
