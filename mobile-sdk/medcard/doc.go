// Package medcard is what apps in Kotlin, Java, Swift and Objective-C see of Medcard: the glove over phone (the patient's client) and
// counter (the pharmacist's). gomobile makes the bindings of it; kotlin.md and swift.md show how an app uses them.
//
//	Options options = Medcard.newOptions(file, key, "https://card.example");
//	Client client = Medcard.open(options);
//	Challenge challenge = client.signIn(login, password);
//	client.secondFactor(challenge.getID(), code);
//	client.sync(null);
//	byte[] page = client.card(id).records("encounter", "", 0);      // JSON, from the file: works in an aeroplane
//
// # What crosses the border
//
// Only what gomobile can carry: strings, bytes, numbers, booleans, errors, objects of this package and callbacks. It drops
// everything else without a word, so bindable_test refuses it with a reason. Hence
//
//   - lists and facts are JSON in UTF-8, as bytes; lists of objects have Len and At;
//   - moments are milliseconds since 1970, 0 where there is none;
//   - an empty array of bytes arrives as null.
//
// Electronic signatures are made by the app, with whatever holds the person's certificate: AskToSignIn and its sisters give the bytes to sign.
// SignatureHintOf has words for each way in which a signature fails.
//
// Every method may throw. A panic inside becomes an error (sdk.panic) and does not end the app. What an app does in a callback
// does not end a sync.
//
// # Errors
//
// FailureOf tells what an exception means: a Code to branch on, and what the server added. The codes of the SDK itself:
//
//	sdk.offline          the server cannot be reached; what was written waits in the outbox
//	sdk.signed_out       there is no session, or it ended: sign in
//	sdk.key              the file does not open under the key: it belongs to another one, or is damaged
//	sdk.key_size         a key has 32 bytes
//	sdk.keystore         the app's ScopeKeys failed, or were not handed over to a file that needs them
//	sdk.file_damaged     a page of the file is damaged: close the client and open it anew, which rescues what can be read
//	sdk.newer            a newer version of the app wrote the file
//	sdk.closed           the client was closed or wiped
//	sdk.other_account    the file belongs to another person: Wipe first
//	sdk.audit_forked     the audit log was rolled back or rewritten; also sdk.audit_signer, sdk.audit_missing, sdk.audit_changed: see VerifyAccessLog
//	sdk.lease_ended      the phone has not spoken to the server for too long: sync
//	sdk.no_record        there is no such record on this phone
//	sdk.read_only        only clinics write records of this kind
//	sdk.invalid          the server would not take this content
//	sdk.no_file          no file of this hash is on the phone: Card.Attachment fetches it
//	sdk.damaged          what came is not the file that the record names; nothing of it was kept
//	sdk.file_size        a file has 1 byte to 32 MiB
//	sdk.document         a document has 1 to 10 files of at most 8 MiB each, 32 MiB in all
//	sdk.unchanged        there is nothing to save
//	sdk.outdated         the record was edited on this phone after the editor was opened
//	sdk.paging           not the next of a page
//	sdk.query            what is searched for is too long
//	sdk.running          the background sync runs already
//	sdk.cancelled        the app stopped the call; sdk.timeout: it took more than a minute
//	sdk.answer           the server's answer cannot be read
//	sdk.not_enrolled     hand-outs without a network need Counter.Enrol first
//	sdk.not_ok           the code's verdict is not OK; the detail is the verdict
//	sdk.online_only      this may be handed out only with a network
//	sdk.clock            the phone's clock is behind its own last receipt
//	sdk.portions         the amounts do not fit what is left
//	sdk.too_early        the next part of a long course may not be handed out yet
//	sdk.receipts_full    too many receipts wait for the server
//	sdk.untrusted        a key set or status list that no pinned root stands for
//	sdk.argument         something is missing, or is not the JSON that the method wants
//	sdk.callback         a callback of the app failed
//	sdk.file             a file cannot be written
//	sdk.panic            a mistake in the SDK; the detail says where
//	sdk.internal         anything else
//
// All others are the server's, as its API names them.
//
// # JSON
//
// Names are camelCase, and what is empty is left out. A page of a list:
//
//	{"entries": [entry], "next": "for the next page; missing on the last", "locked": ["lab.general"], "unreadable": 1, "empty": "nonePublished"}
//
// locked are scopes that are not opened until the next sync, unreadable the records that only a newer version of the app can
// show. empty says why a list of one kind has nothing: notSynced (the phone has not received all of the card), nonePublished (one's own
// card, and no clinic has published any), noneShown (somebody else's: there are none, or none that one may see), noneSuch (none of the
// category). An entry is one record as a person sees it:
//
//	{"id": "0195...", "kind": "comment", "scope": "note.general", "when": 1763800000000, "pending": true,
//	 "fact": {...}, "siblings": [{...}]}
//
// pending says that something of it was written here and the server has not answered. siblings are the other values of an open
// conflict: show them all, let the person choose, and Editor.Resolve. A fact has the shape of its kind, the same as on the wire
// (sync/cardsync, testdata/shapes.txt). Its dates are text, as precise as the source knows: "2011-08" stays that. The two that a
// person writes:
//
//	comment      {"text": "...", "about": "id of a record", "written": "2026-11-22T12:00:00Z", "attachments": [...]}
//	measurement  {"systolic": 132, "diastolic": 84, "pulse": 70, "unit": "mm[Hg]", "at": "2026-11-22T12:00:00+03:00", "attachments": [...]}
//
// Attachments stand in reports and documents as well. A list that is saved takes the place of the one before:
//
//	{"title": "...", "contentType": "as the sender says", "size": bytes, "created": "2026-11-22", "hash": "for Card.Attachment"}
//
// Without a hash the source named an address and sent no file.
//
// A prescription, the same from the card, from a code and from the server; of a code the names may be cut short:
//
//	{"id", "form", "urgency", "bearer": {"initials", "birthYear"}, "clinic": "OGRN", "prescriber", "issuedAt", "validUntil", "state",
//	 "items": [{"code", "name", "shape", "strength": [{"amount", "unit"}], "quantity", "dispensed", "remaining", "excess", "nextAt",
//	            "regimen": {"portion": hundredths of a unit, "times": a day, "days", "every"}}],
//	 "code": "the text of its QR code", "number": "16 digits to be typed", "category",
//	 "benefit": {"category", "discount", "diagnosis", "series", "number", "ground"}, "special", "commission",
//	 "order": {"dueAt", "arrivedAt"}}
//
// excess was handed out beyond the prescription by pharmacies that had no network; order says that a pharmacy gets the medicine first.
//
// And a referral:
//
//	{"id", "kind", "care", "bearer", "clinic", "target", "specialty", "purpose", "referrer", "issuedAt", "validUntil", "state", "code",
//	 "number", "category", "replaces", "replacedBy", "details": as in POST /v1/referrals}
//
// and a certificate; of a code without id, title, author, text, state and code:
//
//	{"id", "kind", "title", "number": "the clinic's own", "bearer", "clinic", "author", "text", "issuedAt", "validUntil", "state", "code",
//	 "typed": "16 digits to be typed", "hash": "of the document, hexadecimal"}
package medcard
