// Package sync is empty: all code of delta sync is in the folders below it, so that no file that needs the standard
// library's sync has to rename one of the two. This page is their map.
//
// # The shape
//
//	vclock/    Dot, Clock, HLC: who has seen which write of one record
//	wire/      the shapes that travel, read strictly; shared by server and SDK
//	replica/   the engine of both sides: Server over a Ledger, Phone over a PhoneStore
//	cardsync/  the bridge to medicine: fact <-> record, and the rule of each kind
//	simnet/    whole worlds in one goroutine, an oracle, and both stores in memory
//
// A star. The card's row in the server's database puts the commits of a card in order: a writer locks it first, so the
// order of sequence numbers is the order of commits and a reader never sees a gap. Between phones nothing is decided.
//
// # Who calls what
//
// On the server, app/syncing opens a transaction, has app/store make a Ledger of it, and calls
//
//	Server.Enrol     a device comes to a card                        (writes)
//	Server.Push      judge a batch of edits; notes acknowledgements  (writes)
//	Server.Pull      one page of what is new; again from Page.Ask    (reads; a transaction of its own for each page)
//	Server.Publish   the server's own facts: clinics' documents      (writes)
//	Server.Withdraw  delete as the server                            (writes)
//	Server.Check     where a phone's base differs                    (reads)
//	Server.Collect   forget what no device can ask for any more        (writes)
//	Server.Restored  once per card, by the command that restores a backup and changes the card's epoch
//
// A sync is Push, then pages until none is More. ErrEpoch and ErrHole of the Push are no reason to stop: the pages that
// follow tell the phone where it stands (a resync, an LMID), and it sends again what the server lacks. ErrForked and
// ErrActor become an err line; the phone then asks for a fresh actor.
//
// On the phone, mobile-sdk/phone keeps the PhoneStore (base, shadow, outbox, meta) and calls
//
//	Phone.Open, New               an editor: a Draft of what is on the screen NOW
//	Phone.Save, Resolve, Delete   into the outbox, judged against the Draft
//	Phone.Screen, Rebase          the view: base with the outbox on top
//	Phone.Exchange                Request out, each line in, Close; a page is applied with its end line, or never was
//	Phone.Enrolment, Enrolled     the actor
//	Phone.Checkup                 Round by Round: hold the base against the server, repair what differs
//
// # What was decided, and where it departs from the design of the start
//
// Dots are counted per record, by the server. The design had one count per actor and card, the mutation's n, and asked
// how to keep its gaps from telling of hidden writes. So the two are apart now: n is known to the writer and the server
// alone and makes retries safe; a dot is "the k-th write of this actor to this record" and travels with records that one
// may see. A phone cannot name the dots of edits that still wait in its outbox; for them there is the rule that a value
// by the writer himself which his context does not hold yet lay under his screen. The design had "one's own is always
// seen": the simulator found that it swallows one's own value where that is the sibling NOT shown.
//
// At is not the cursor. Between two pages a record may move on and leave older atoms behind that neither page brought; a
// cursor there stands for no state that ever was. Editors, the scalar fast path and the deltas of rows build on At, the
// cursor at the end of the last complete answer. (The simulator again: phones lacked atoms. And the scalar would have
// called seen what was on no screen.)
//
// The cursor of a whole answer goes to the newest commit in the scopes that the device sees (what its ETag is made of), not to
// the card's head, and tokens are one AES block, always of one length: nothing about a device's place changes when
// something hidden does.
//
// A red line is judged by the page, not by the cursor: told is what went out of sight since the last page was made, if the
// device could see it then. All of it goes out before the page's rows, also what lies beyond them. Judged by the cursor,
// which between pages stands for no state that ever was, a record could come with one page, leave, come and leave again
// and stay on the phone for ever; or one be named that the device never saw. Part holds the place of that last page. Where a scope
// is lost between two pages the device starts anew: a record may have gone there by then whose row is yet to come, and the phone
// has it under its old scope still. (The simulator, once in 9,000 worlds.)
//
// Who has written in a card's present epoch does not come with an older one: that is a clone, and gets a fresh actor. After a restore
// of the server it would take what the other wrote under its numbers for its own. (The simulator.)
//
// An editor that is older than the last edit which went with its scope is outdated: nothing on the phone tells any more whether
// that edit lay over it, and the server takes one's own for seen. (The simulator.)
//
// Del has the same rule, for a scope that the device gained: only what it could see when its base was made, or when the
// record was deleted. (The simulator: judged by the last page instead, a deletion between two pages of a pass was not told.)
//
// Grants, revokes and ends are commits of the card, so what a device could see at any commit is a function of the grants
// (app/syncing makes the Sight of them). An end is committed by whoever asks next; access itself ends by the clock.
//
// A change of view is made good in one pass over what is visible now, with what is new in it; the cursor moves at its end.
//
// The scalar proves "seen" for an atom with one value only. Where it says so the dots say so too: TestTheScalarNeverContradictsTheDots.
//
// Deleted records keep their atoms on the server until they are collected. Edit and deletion that did not know of each
// other then end alike in either order: the record lives, with the edit.
//
// Purge names what remains, not what was lost. It also takes the device's view back until a backfill is complete: access
// that went and came again between two pages would otherwise leave a hole.
//
// Equal values are no conflict. So an edit that comes again under a fresh actor (the phone was forked) merges with itself. Where its
// value stands no more it is known by what it wrote: a stamp never comes twice on a phone, and the server keeps what a record was
// before each edit (Ledger.Former), so a value with the edit's stamp that stood there once is the edit's. What replaced it had seen it;
// so it brings no sibling, and no deleted record back. This is looked up only where an edit would be in conflict, needs nothing on the
// wire, and goes with the backup of the server whose state it belongs to.
//
// An At of another epoch proves nothing. After a restore of the server dots and sequence numbers come again and mean other
// writes; such edits are concurrent to everything. That costs siblings where none were needed, and loses nothing.
//
// Two editors on one phone over the same atom: the second to save gets ErrOutdated. The phone may not claim to have seen
// what its other editor wrote.
//
// The server's facts replace one another on kinds that only it writes. On kinds that people write they stand beside what
// people wrote.
//
// A lease ends at the first look after it: what stands in its scope is deleted, and the next sync builds the base anew beside the rest,
// since the server believes that the phone has what it was sent. Edits on one's own card stay, sent or not; those on another's go, and
// the person is told how many. What is labelled as anything but general is lent for 72 hours, in every card. Setting a phone's clock back
// gains nothing: the time since it was switched on counts as well.
//
// A child's card is opened to a representative's phone by a grant for 24 hours on that phone alone (app/granting). Since no lease outlives its
// grant, it is lent for no longer, and goes when that ends, with or without a network.
//
// Who may see a record need not be one who may write it: Sight.Closed are scopes in which a device adds nothing, Sight.Fixed those in which it
// changes nothing. What it writes there is refused as read_only, and stays with its person until he dismisses it.
//
// Whatever takes the last row of a scope destroys the scope's key (mobile-sdk/phone/vault): what a flash chip still holds of it is noise then, to
// whoever has the file's own key as well. The design had one key a scope for edits, too. Here edits have one of their card: a new record has
// no scope yet, and a lease that ends takes the scope of one's own card while the edits that wait for it must stay. The key of edits is
// drawn anew whenever one is destroyed, and goes with the card. A key that the phone's keystore has lost costs a sync, never an edit.
//
// An edit whose text the phone cannot read any more would be a hole as well: it is set aside for the person to see, and the others go under a
// fresh actor. Its number is not used for another mutation: the server may have it already, and would take the phone for forked.
//
// What goes out of sight takes the outbox with it, but for edits that wait: a number without its edit would be a hole. The server
// refuses those, and only then does their text go. New records keep theirs, there is nothing of the card in it.
//
// A restore may bring back access that was revoked after the backup. So it holds every grant but the owners' until the owner confirms
// it. To a phone such a card is gone but for what its person wrote there: the server may have lost that. One's own card that a restored
// server does not know was most likely claimed after the backup: the phone keeps it until it is claimed again. A phone that was in step
// with the server since the restore does not.
//
// Whoever is not the owner is told his scopes by their names, never by patterns: see app/granting for restrictions and hidden records. A
// hidden record is one that moved, into a scope that only the owner sees.
//
// Codes are snake_case, as all codes of this system are.
//
// A phone asks for all of its cards with one request, POST /v1/sync, which also brings edits. The design had it ask for the head first. But a
// phone that has news for the server, or was woken by a push, then asks twice, and has to keep the head's tag beside its cursors, with a
// commit of its own. So a phone where nothing waits says so (PullCard.Calm), and its cursor is the tag: it stands for the newest commit that
// the device may know of. Without news the answer is 204, as short as the head's 304; among others a card without news gets one short
// line. GET /v1/sync/head stays for who only wants to know. Edits travel of one card a request, so that a full outbox of each fits.
//
// # Files
//
// A record names a file by the SHA-256 of its content, the member "hash" of an object in any atom (wire.NamedIn); that is all that sync
// knows of files. They travel apart, by GET with Range and by PATCH piece by piece, see app/attaching. The design had an edit wait for the upload of
// what it names. Here the record goes first: a text must not wait days for a photo, no upload is kept that nothing names, and an outbox
// with a file that the server never takes does not wedge. Until the file is there its readers are told so.
//
// A hash is no key. Reading asks for a record that names the file, that the permit reads at this moment and into which the name was
// brought by somebody who had the file: a clinic with its bundle, a person by uploading it. A file that the card has already is therefore
// uploaded once more by a person who names it, and nobody learns by trying what the card has.
//
// On the phone a file lives as long as a record or an edit names it: who names what is a row that goes with the row of the record, so
// purge, red, del, gone and a resync need to know of no files. A server with another epoch is asked again for each file of this phone.
//
// # How the server forgets
//
// Server.Collect is run by a job (app/syncing, app/jobs), in short transactions, on the cards whose turn it is. A card has a turn when
// something in it can be forgotten, by a commit, a phone's word or the mere passing of time, so of a country's cards most are never looked at,
// and one with phones that speak about four times a year: app/store/turn.go says why none is missed, and TestTurnsMissNothing holds it against
// collecting all of them. Devices that were silent for 90 days are retired; what was deleted and is known to all is emptied; moves are
// dropped; clocks lose the entries of retired actors.
//
// All that hangs on Actor.Low: no edit can come any more that was opened before it. The design had min(cursor, oldest At in the outbox). An
// editor may also be open, or kept by the app, of which nobody knows until it is saved; so a phone tells a low that lies behind by as long as
// an editor may live, and saves nothing older. A device that has all it may see counts as standing at the card's head: else one that
// sees a quiet scope would keep the whole card from being collected.
//
// Of a deleted record a stone stays for ever (Record.Collected), found by its id and read by no pull; only the server brings it back.
// Its content stays among the server's versions. Whether a cursor is too old is decided by what it sees (Ledger.Forgotten): by the card's
// gc_seq, as designed, a device of a quiet scope and every long first sync would have begun again for ever. So a phone that comes back after
// months starts anew only if something that it would have to be told was forgotten.
//
// A prune is a commit and travels, as a row without atoms: all copies have one clock, and sums hold. Versions keep their dots, and what stands
// in a record counts as seen whatever the clock says. Entries of live actors never go, since their count would begin anew, nor entries of
// what is not settled.
//
// A device may get 24 actors on a card within a day, of which four live at most: each keeps the card from forgetting for 90 days, and has a row
// for ever. Beyond that it is told when to ask again (DevicesResponse.Later), for that card alone. That an elder actor were retired as soon as
// its device gets another one would be wrong: clones of one file would take the card from each other with every sync.
//
// # How damage is found
//
// The last page of an answer tells the sum of all that the device sees: how many records, and their digests (replica.Digest, with examples for
// other clients in replica/testdata) added up. The design had a line for each scope. One sum over the whole sight finds the same, costs 40
// bytes, and names nothing; the server adds it up from sums that it keeps for each scope with its head, and the phone keeps its own with every
// row. A phone whose sum differs keeps that in mind (Meta.Doubt); nobody is troubled and nothing goes.
//
// A check then compares ranges of ids by count and sum, down to a list of digests, and fetches what differs: Checkup on the phone, Server.Check.
// One answer looks at 4,096 records at most and says where it stopped (CheckResponse.Rest), so no question costs more on a large card.
// Digests cover values, so that one letter that flipped in the file is found, and the phone makes them anew from what the file really holds
// before it asks; so does the server for each question, which therefore needs no column and no index for it. Sums are sealed on the
// server: with a digest whoever had the database could try out what a record says.
//
// Nothing is deleted first. What the server does not list, the phone names only when all that it lacked has come, and drops what
// the answer says is not there; to a question for an id, a hidden record is one that never was.
//
// Only the state of the phone's cursor is checked; when something visible happened since, the answer is Behind, and the phone syncs and goes on where
// it was. The design let newer rows come with a check. But what is told of moves and deletions is reckoned from the cursor: a record that
// was made after it, came with a check and then went out of sight would never be named again, and stay.
//
// # When everybody comes at once
//
// After a change of the epoch each phone asks for all of its cards. An instance gives out 64 whole copies at a time (app/syncing, storm.go),
// four of them at most to one account: 64 slow readers cannot keep everybody else away unless they are as many people.
// Who comes beyond is refused for that card alone, in the stream, with a time to come again: each is booked behind the one before, at the pace
// that copies took so far, with some chance on top. Ten thousand phones at once so take hardly longer than in a row, and ask two and a half
// times each. What is new, edits, and whoever is in the middle of a copy are never refused. A phone that is told to stay away for longer than
// a person waits (half a minute) says so at once, and Run naps as long as it was told.
//
// A check that asks about more than a page takes one of 16 places of its own, and is sent away likewise; the phone tries another time. Phones
// whose base comes from a version without sums would all doubt it at once after an update: of those, one sync in eight checks.
//
// # What is not there yet
//
// An edit that comes again under a fresh actor is not known again if its phone's clock ran more than a minute ahead when it was saved: its
// stamp was clamped to the server's time. Nor if the record had 500 edits since. Then it counts as a new one: a sibling, or a deleted
// record that comes back unless it was collected. Nothing is lost by it.
//
// Whether an own card was forgotten by a restored server a phone decides by its own clock (Phone.Leave): one that ran ahead takes itself for
// in step since, and gives the card up as any other, telling how many edits went.
//
// The index of words, what a row is found by, and the bytes of attachments are not sealed under the keys of scopes: they are overwritten, and
// old pages of a flash chip may show them to whoever has the file's key. An app that hands in no keystore has its keys of scopes overwritten
// in the same file, which is no better than that.
//
// # Where it is shown, in memory and on the real stores
//
//	simnet                100,000 worlds (seeds from 1 and from 50,001) without a failure, 1,000 s of a processor; the rarest thing in the first
//	                      50,000 happened 4,464 times; each broken engine within 121 worlds
//	app/store/storetest   TestWorldsOnDatabases: the simulator's worlds on SQLite and PostgreSQL, each answer compared with memory's;
//	                      TestNoCommitIsSkipped: 7 and 11, many writers at once, their transactions long, taken back, lost, cut
//	app/story             TestToxicLinks: every fault of toxiproxy on both links, to the phones and to PostgreSQL; FuzzSync: any bytes
//	                      at any endpoint are refused without a trace, or taken once
//	mobile-sdk/.../vault  TestWorldsOnFiles: the worlds on phones' encrypted files, and 4 on all that lies in those, decrypted
//
// # How costs grow
//
//	pull of nothing    O(1) rows: the head, the actor, an empty range of an index; asserted in TestWorkIsBounded
//	pull of d changes  O(d) rows, in pages of bounded size; one page is the memory that either side needs
//	push of m edits    one read of the records touched, one write of those that changed, one of the decisions; O(m)
//	a record           O(actors that wrote to it) for its clock, O(open siblings) for its values
//	outbox             O(edits that wait) for each view of a record that has some, O(1) for others
//	a change of view   O(rows in the scopes now visible) and O(moves since the cursor), once
//	a move out of sight  O(moves since the last page), none where nothing visible moved
//	the sum of an answer  O(scopes); a commit reads those of the card and writes those of the scopes that it touches, however many records
//	a check            the phone reads all its rows, the server those in the ranges that it is asked about, 4,096 of them for one answer. What
//	                   travels is O(differences): one record of 10,000 takes four or five questions and 15 kB, before it is zipped
//	the collection     O(cards with something to forget), and cards with phones four times a year; of a card O(records since the last one),
//	                   and O(records) for each retired phone until no clock holds it
//	the files' upkeep  O(uploads that may be idle)
//
// The engine takes 7 ms to judge a thousand edits and 14 ms to read and check their JSON, on one core of two.
//
// The index for search is not part of a sync. What comes is only marked, and indexed in portions afterwards, by Run, Client.Index, or a
// search that is asked first; what goes leaves it in the same transaction. It grows with the records that came. BenchmarkIndexing in
// mobile-sdk/phone measures it: 2,000 records a second were indexed while thirty processes shared two cores, which was 2.6 times as long as
// the sync of the same 10,000 before it.
//
// BenchmarkSync in app/server measures the whole way, phone to phone's file, with accounts, access rules, encryption and audit, in
// turns with a bare server that has none of them, on the same database. BenchmarkServerHalf measures the server's part of it. As times of the
// bare one's, on two quiet cores, 8 and 20 turns each; in brackets the processor's time:
//
//	                          SQLite             PostgreSQL         bytes to the phone, requests, rows that the server read
//	first sync of 10,000      2.1 - 2.3 (1.9)    2.0 - 2.2 (1.9)    0.75 MB (bare 0.74), 2, 10,060
//	nothing new of 1,000      1.8 - 1.9 (1.5)    2.3 - 2.4 (1.6)    221 with all of the head, 1, 6
//	nothing new of 100,000    1.6 - 1.7 (1.4)    2.1 (1.3)          the same
//	10 changed of 10,000      3.5 (4.0)          3.5 - 3.7 (3.8)    1.8 kB (bare 1.3), 1, 17
//	push of 1,000 edits       4.7 (5.2)          1.4 (2.2)          61 kB (59 kB from the phone), 1, 2,018
//
// The proof of the phone's key that goes with each request (DPoP) is in it: a quarter of a millisecond (BenchmarkBoundRequest in app/story), and
// 600 bytes to the server. The bare one proves nothing; before there were proofs nothing new of 1,000 took 1.0 and 1.9 times its time.
//
// The fewer others use the machine, the more these ratios grow: the bare one waits for the disk, ours for itself. At a load of eight it was
// 1.8, 0.7, 0.9, 2.0 and 5.4.
//
// With the index inside the sync SQLite had 4.9, 1.3, 1.3, 13 and 41 in the same order, hours before on the same machine. The goals are twice
// the bare one's time, three times for the push. Where the disk is quick they are missed by a first sync (by a tenth), by few changes, on SQLite by a
// push, and on PostgreSQL by nothing new (by a tenth to a fifth: each question is a way to the database and back). What limits: a first sync, the commits of
// encrypted pages (a frame of the journal lies across the blocks of the encryption, so each costs some blocks more; pages of 8 kB took a
// third off). Few changes: on the server, half of it, the sessions, permits and sums; on the phone a commit of encrypted pages. (With the head
// asked for first, and its tag kept by a commit of its own, it was 3.9.) A push: the phone reads its outbox to send it, takes every edit
// back as a row that it looks up, merges and writes, and writes the answers in one statement; the server keeps the version before, under a
// key in the order of records, so that each lies on a page of its own, and the decisions. The bare one writes each row once on either side.
package sync
