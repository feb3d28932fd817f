// Package qr seals a medical document into the text of a QR code and opens it again, without a network. The format is called EMC1;
// this page specifies it so that another reader can be written from it alone.
//
// # Text
//
//	text  = "EMC1:" base45( COSE_Sign1 )
//	token = "EMC1T:" base45( 16 bytes )
//
// A text has at most 1,200 characters, all of them of QR's alphanumeric mode. base45 is RFC 9285, read strictly: only its alphabet,
// no rest of one character, no group above its range. Nothing is compressed. A code on paper is drawn at error correction M with a
// quiet zone of 4 modules; what is sealed here has at most 396 bytes of COSE, which is what version 15 holds at M.
//
// A token text carries only the token id of a document (cti below): small, easy to photograph, and good only online.
//
// # Envelope
//
//	COSE_Sign1 = [ protected: bstr, {}, payload: bstr, signature: bstr(64) ]       RFC 9052, untagged
//	protected  = { 1: alg, 4: kid }
//
// alg is -8 (EdDSA) or -19 (Ed25519); both are Ed25519 of RFC 8032. kid is the first 8 bytes of SHA-256 over the 32 bytes of the
// public key. The unprotected header is empty. The encoding is the core deterministic one of RFC 8949, section 4.2.1, throughout:
// lengths definite and shortest, keys sorted and unique, no tags, nothing after the end. Anything else is refused, so a document
// has exactly one text per signature.
//
// The external additional data of the signature (RFC 9052, section 4.4) names the one usage of the key and is not transmitted:
//
//	usage         external data            body label
//	prescription  "emc-qr/v1/rx"           -65537
//	referral      "emc-qr/v1/ref"          -65540
//	certificate   "emc-qr/v1/cert"         -65541
//	receipt       "emc-qr/v1/receipt"      -65539
//	key set       "emc-qr/v1/keys"         no code; see qr/trust
//	status list   "emc-qr/v1/status"       no code; see qr/trust
//
// # Payload
//
//	payload = { 1: iss, 4: exp, 6: iat, 7: cti, <body label>: body, -65538: [list, index] }
//
//	iss    tstr, 1 to 64 bytes     who issued; must be the owner of the key
//	exp    uint, Unix seconds      the last second of validity
//	iat    uint, Unix seconds      when it was issued
//	cti    bstr, 16 bytes          the document's token id: random, leads the server to the document, says nothing else
//	list   uint                    which status list speaks of this document
//	index  uint                    and at which place
//	body   array                   one body, with the label of the key's usage
//
// The bodies are arrays, without names and without maps. A patient is initials and year of birth; a name, a date of birth, an
// insurance number (hashed or not), an address or a diagnosis has no place in any body. Texts are UTF-8 and may be cut short at a
// character boundary so that the code stays readable; compare them as prefixes.
//
//	prescription = [ form, validity, urgency, bearer, clinic, prescriber, [ 1*3 item ] ]
//	item         = [ code, name, shape, [ 1*3( amount, unit ) ], quantity, [ portion, times, days, every ] ]
//	referral     = [ kind, care, bearer, clinic, target, specialty, purpose, referrer ]
//	certificate  = [ kind, number, bearer, clinic, hash ]
//	receipt      = [ number, previous, listed, [ 1*3[ item, quantity ] ] ]
//	bearer       = [ initials, year ]
//
//	form       1 107-1/u, 3 148-1/u-04; a document on 148-1/u-88 (2) or 107/u-NP (4) has no code but its token
//	validity   code of the dictionary 1.2.643.5.1.13.13.99.2.608
//	urgency    0 routine, 1 cito, 2 statim
//	clinic     uint, the OGRN of the clinic; target likewise, 0 = any
//	prescriber, referrer: tstr, who signed on paper; may be cut short or empty
//	code       uint, node of the dictionary 1.2.643.5.1.13.13.99.2.611
//	name       tstr up to 60 bytes, international non-proprietary name
//	shape      1 tablet, 2 capsule, 3 solution, 4 drops, 5 syrup, 6 injection, 7 powder, 8 ointment, 9 suppository, 10 aerosol,
//	           11 patch, 12 other
//	unit       1 microgram, 2 milligram, 3 gram, 4 international unit, 5 hundredth of a percent, 6 millilitre
//	quantity   uint, units to hand out in all
//	portion    uint, hundredths of a unit at a time; times: a day, 0 when needed; days: 0 until the next visit;
//	           every: days between hand-outs, 0 all at once
//	kind       code of the dictionary 1.2.643.5.1.13.13.11.1009
//	care       1 planned, 2 urgent, 3 emergency
//	specialty  code of the national dictionary of specialties, 0 = not given
//	purpose    tstr, what for; may be cut short
//
// Of a certificate:
//
//	kind       1 027/u, 2 095/u, 3 086/u, 4 070/u, 5 079/u, 6 003-V/u, 7 free
//	number     tstr, 1 to 24 bytes, the clinic's own; never cut
//	hash       bstr, 32 bytes: SHA-256 over "medcard certificate 1" and then, each behind its length in four bytes (big-endian): the
//	           kind's word as above, number, initials, year of birth, clinic, author, iat, exp (numbers in decimal), text
//
// The text and the author stand on the document and not in the code. Who holds both computes the hash and sees whether a letter was
// changed.
//
// Of a receipt:
//
//	number     uint, of the receipts of one key, from 1 without gaps
//	previous   bstr, 32 bytes: SHA-256 of the text of the key's receipt before, zeros for number 1
//	listed     uint, Unix seconds: when the status list was issued that the pharmacy went by
//	item       uint, the medicine's place on the prescription, from 0
//
// A receipt is what a pharmacy's device signs, with a key of its own, when it hands a prescription out without a network; it is a text
// like that of a code and is never drawn as one. Its iss is the pharmacy's client id at the server, its iat the time of the hand-out;
// cti, exp and the status reference are those of the prescription.
//
// # Checking
//
// In this order, and nothing of the payload is used before the signature holds:
//
//	length and characters -> "EMC1:" -> base45 -> envelope -> kid is in the key set -> alg is the key's -> signature with the external
//	data of the key's usage -> payload -> the body's label is of that usage -> iss is the key's owner -> iat no more than 5 minutes
//	ahead, now <= exp, exp - iat no longer than the form allows -> status -> not seen before -> name fits code
//
// How long a form allows follows from the body. The last day counts whole, in the clinic's zone, so to the days come one more and an
// hour, for a change of clocks: exp - iat <= (days + 1) * 86400 + 3600.
//
//	prescription   by validity: 1 15 days, 2 30, 3 60, 4 90, 5 366, 6 31, 7 92; form 1 allows 3 and 5, form 3 allows 1, 2 and 4
//	referral       365 days
//	certificate    366 days
//
// The key set, its roots and their handover, the life of keys, and the status lists are specified in package qr/trust, with the same envelope. A
// reader needs this page and that one, and nothing else.
//
// Open does the steps up to the envelope and returns Unverified, which tells nothing but the kid. Only Verify, given the key, makes
// Verified. Times, status and what the answer is then are the work of package trust.
//
// Other people's codes are told by their first characters and are nobody's forgery: package qr/foreign reads two of them.
//
// # Figures
//
// go test -run '^$' -bench QR ./qr/... gives them as ratios of medians within one run. Seen on two cores: to issue a prescription takes 1.3
// times as long as the bare signature of the same bytes, to judge one offline with everything above 1.2 times as long as its bare
// verification, and to draw it as PNG 1.1 times as long as the library takes for the bare modules.
//
// The file testdata/vectors.json holds codes, good and bad, taken apart layer by layer, with the answer that each must get.
package qr

//go:generate go test ./document -run ^TestVectors$ -update
