// Package auditing keeps the log of who did what with which card so that nobody can change it unnoticed, and shows it to whom it
// concerns: to who speaks for the patient the lines about the card, to an outsider the proof that they are all there.
//
// # What is written, and when
//
// The transaction that reads a card for somebody else, or changes it, writes an entry first (Tx.AppendAudit in app/store). If that fails the
// transaction fails, and with it the answer. The entry has the card's next number, so that a gap shows; what it says beyond who and when is
// sealed under the card's key. Its hash goes into a row of its own, and every second the sequencer (Sequence) takes those rows, puts them into
// one Merkle tree over all cards and signs a checkpoint. A request waits for nobody: nothing that two cards share is touched in its
// transaction.
//
// # Who is told, and what
//
// The log is the owner's. A card without one, a small child's, shows it to who represents the patient wholly (family.Representation.Speaks), whether
// or not the card is open on his phone; the same people are told of an emergency. From the turn on, when the child decides himself, they
// are no more.
//
// A line says who it was: of an organisation its name, the person and the role as it signed them; of a person his account and what he was to the
// card, the reader himself (and on which of his devices), the owner, whom the owner let in (and by which grant), or who acted in the patient's
// name (and by which right). The entry holds the account and the device, and its hash is over them; what they were to the card is found out
// when the line is read (audit.LineFor), so lines from before tell it too. Accounts have no names here: the list of grants has the same account.
//
// # Who finds what
//
//	an entry changed, swapped with another, or written twice    its hash is not the one in the log
//	an entry deleted                                             the card's numbers have a gap, or end before what a phone has seen
//	an entry and its hash deleted, or the log cut or rebuilt     the tree is not that of the checkpoint
//	the whole database rolled back, or signed anew               not consistent with a checkpoint that a phone, or anybody, has kept
//
// The last is found only by whoever kept a checkpoint outside. Phones do, once a day by themselves (phone.Client.Run; phone.Card.VerifyAccessLog proves each line), and `medcard audit verify --state FILE` does:
// let somebody outside run it daily. The sequencer itself adds nothing to a log that is not what its last checkpoint says (ErrTampered), and
// says so in the server's log once; the entries wait.
//
// On PostgreSQL the log can have a role of its own (store.DB.PartAudit, README): then the app's role, whose password every server has, writes entries and
// can neither change nor delete one, and only the sequencer's, which sees hashes alone, extends the log. The servers know both; the
// parting bounds what a mistake in a statement, or one that was slipped in, can do to what is remembered.
//
// All of this is a table of a test, on both databases: TestATamperedLogIsFound in app/story.
//
// What nobody finds is an access that never wrote an entry: somebody with the key folder and the database needs no server to read.
//
// A database that was restored from a backup lacks what was written after it, so phones that saw a later checkpoint report a fork, once. They
// are right. The app tells the person and goes on with phone.Client.AcceptAuditLog.
//
// # Who is woken
//
// Each server tells at /metrics what it sees: medcard_audit_waiting, the entries that wait for the log (some, for a second); medcard_audit_waiting_seconds, for how
// long the oldest has, where more than a minute means that no sequencer works; medcard_audit_tampered, 1 when the sequencer met a log that is not what its last
// checkpoint says, or the look at the newest hundred entries (Watch, once a minute) one that is not what was hashed. It goes back to 0 when the next look finds
// nothing, so let the alarm stay until somebody has seen it. What was done to older entries `medcard audit verify` finds.
//
// # Who reads the whole log
//
// Auditors do (Review, Export): clients of a kind of their own (`medcard clients add --kind auditor`), whose scope system/AuditEvent.rs opens
// GET /v1/audit/entries and /v1/audit/export, and nothing else. They say why, and their person stands in the assertion. Each page that they read is remembered first,
// as an entry under the card of no patient (the nil UUID), which has numbers, a key and proofs like every other. Patients' own lines show nothing of it: what an
// auditor reads holds none of what was seen.
//
// # What an auditor takes away
//
// GET /v1/audit/export streams a period, one entry a line, and `medcard audit export` writes it into a file. The file proves by itself, with the log's
// key and without the server (proof.ReadExport, `medcard audit verify --file`), that its lines are the log's entries at those places, in their order, all of
// them: with the hashes of the trees that the log before them consists of (edge) they make the tree of that size, and of that the signed checkpoint's
// log is the continuation (proof). The log's order is that of the entries' times but for a few minutes (Disorder), so an export of a period begins
// with an entry that is that much older, and ends with one that is that much newer: the receiver sees that the period is whole.
//
// Who lost the connection goes on with from, behind the last line that came. The lines of both requests, one behind the other, are one export; what has
// no end line is none. A server makes four at a time, each holds a page of entries in memory, and each request is remembered before it begins.
//
// There is no filter by card, client or person. Of filtered lines one could prove that each stands in the log, and never that none was left out, which is
// what an auditor is there for. Lines are plain JSON: who has verified the file filters it. What one card's owner may know to be complete, by the
// numbers of his card, is the evidence of his access log.
//
// Of an entry whose card was destroyed the line has the hash. Beside the first such line of a page stands, with its proof, the entry that says who destroyed
// the card, so that nobody hides a line by calling it destroyed: each number of the card is there once, below that of the order.
//
// With Accept: application/fhir+ndjson the same period leaves as AuditEvents for what collects those (fhir.AuditEvent). They carry place and hash, and prove nothing.
//
// # What it costs
//
// BenchmarkAudit in app/server pushes five edits at a time from eight phones, by turns with the audit and without. On two busy cores, in
// four runs: 14 and 21 % of the throughput on SQLite, 9 and 15 % on PostgreSQL. Most of that is the entry itself, its hash and the sequencer are one or two of a hundred.
//
// # For who writes a verifier
//
// The log is that of RFC 6962: SHA-256, leaf hash = H(0x00 || data), node hash = H(0x01 || left || right), the proofs of its section 2.1. A leaf's
// data is the salt (16 bytes) followed by the canonical form of the entry:
//
//	medcard audit entry 1
//	card 36:0191d5a0-0000-7000-8000-000000000001
//	number 1:7
//	at 27:2026-11-30T09:05:00.000120Z
//	action 4:read
//	purpose 5:TREAT
//	kind 6:clinic
//	account 0:
//	device 0:
//	client 36:0191d5a0-0000-7000-8000-0000000000c1
//	organisation 28:Поликлиника № 7
//	person 1:7
//	name 22:Иванова А. П.
//	role 16:терапевт
//	scopes 22:system/*.c system/*.rs
//	what 11:lab.general
//	request 36:0191d5a0-0000-7000-8000-00000000000f
//
// Each line is a name, a space, the length of the value in bytes as a decimal number, a colon, the value and a line feed (0x0A); all lines are there,
// in this order, and the values may hold line feeds themselves. Texts are UTF-8. domain/audit writes and reads it.
//
//	GET /v1/audit/checkpoint                     the checkpoint: text/plain, a signed note (C2SP signed-note) over the three lines origin, size and
//	                                             root in base64 (C2SP tlog-checkpoint)
//	GET /v1/audit/key                            the origin, the key as golang.org/x/mod/sumdb/note.NewVerifier reads it (origin+hash+key in
//	                                             base64, algorithm 1, Ed25519), and the statements by which keys handed over
//	GET /v1/audit/leaves?from=N                  the leaf hashes from place N on, 32 bytes each, at most 4,096 of them; nothing behind the last. The root
//	                                             is recomputed from these
//	GET /v1/audit/consistency?older=M&newer=N    the consistency proof from size M to size N
//	GET /v1/cards/{card}/access-log/evidence     for who speaks for the patient: entries of the card, newest first, at most 100, each in its canonical form with salt,
//	                                             place and inclusion proof for the checkpoint that comes along
//
//	GET /v1/audit/export?from=N                  for auditors, as application/x-ndjson: first a line begin with form, from, to, what was asked for (since,
//	                                             until), edge and the checkpoint; then for each place an entry: its canonical form's fields, empty ones left
//	                                             out, and salt, or state (changed, missing, shredded) and hash; at last a line end with the same checkpoint and
//	                                             the consistency proof from size to. Hashes are base64; a line has its fields in the order of the
//	                                             OpenAPI document and no white space, and proof.ReadExport takes it in no other form
//
// An entry that was written in the last seconds is not in the log yet: logged is false, and it has no place. One that still is not after ten
// minutes is missing. Entries from before the log existed have no salt and are never in it; their numbers are below those of all that are.
//
// Of a card that was destroyed (`medcard keys shred`) the salts are gone with its key: of its entries the log proves only that they were there, and
// they are called shredded. The one that says who destroyed it, and why, stays whole; a card without a key and without that entry is a finding.
//
// # The key, and how another takes over
//
// The key is audit.pem in the key folder, or in the PKCS#11 token. It has no term. Whoever verifies pins it at the first time, or gets it another way
// (`medcard audit key` prints it). `medcard audit handover --reason WHY --as NAME` lets another one take over, while servers run:
//
//  1. Who does it and why is remembered in the log.
//  2. With the log's head locked, so that nobody signs meanwhile, the new key (audit-2.pem) and the old one sign a statement together, a signed note over
//     five lines: "medcard audit handover 1", the new key as above, and the three lines of the checkpoint at that moment. It is put into the key folder
//     as audit-2.handover. From then on the new key signs, and first of all the log as it is.
//  3. The old key's secret half is destroyed.
//
// Interrupted behind the statement, servers go on with the new key, and the same command ends it without a third. Whoever verifies and meets a checkpoint
// that his key has not signed asks for the statements and follows them from his key on, one by one: each must be signed by the last key that he believes and by the one that
// it names, and be of this log (proof.Chain). A key that comes without is refused, and one before the last is believed no more. The app's maker puts
// the new key into the next release (phone.Config.AuditKey); phones that are older or newer than a handover find the chain between the two.
//
// A statement proves that the old key wanted it. Who stole that key can sign one, too, until everybody has followed the real one: publish the new key
// where its readers look. A restored database from before a handover gets the new key's signature from `medcard restore` and `medcard epoch bump`.
package auditing
