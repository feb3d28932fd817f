// Package granting lets a card's owner say who may read what, for what purpose and how long, and take it back: an organisation
// at its own systems, another person on a phone. A grant and its revoke take effect on the next request: every transaction reads the
// grants it decides on (consent.Decide, for sync, REST, FHIR, search, files and pushes alike).
//
// # What is kept from others
//
// A restriction is the contrary of a grant and stands among them: whom it names (an organisation, a person, or everybody but the owner) does
// not see its scopes, whatever lets him in, grants that come later and emergencies included. It begins and ends with a commit of the card,
// as a grant does, so phones lose and gain what it concerns.
//
// A single record is hidden by its move into a scope of its own: lab.general becomes lab.hiddengeneral, which nobody's grant holds but
// the owner's. It stays hidden when its clinic publishes it anew, and comes back under the label that it had. (The design had one scope
// entry:<id> for each hidden record; one for each section serves the same, keeps the scopes of a card few, and leaves no id in them.)
//
// Neither leaves a trace with those whom it binds: what travels to somebody who is not the owner names the scopes that he sees by their names
// and not by patterns, because "lab.*" with a hole would tell of the hole; news of what is hidden wakes only the owner's phones; counts,
// sums and the head are of what is seen, and no section is named in which nothing is. A restriction that takes nothing from somebody wakes
// none of his phones and moves no head of his, neither when it begins nor ever after: it keeps in which sections something stood when it began
// and ended (consent.Felt), because that cannot be told later. He may notice that what he saw is gone.
//
// What is gravely secret (psychiatry, addiction, HIV and so on) has a label of its own, see card.LabelOf, so that a grant for what is general
// does not open it, and a phone holds it for 72 hours only.
//
// # By a code
//
// A clinic that has no card of the patient yet asks with a code (Propose): its screen shows it, as letters and as a QR code of the same text. The
// patient's app reads it and shows who asks, to read what, for what purpose and until when (LookAt), before he agrees (Agree), to all of it
// or to less. The clinic asks what became of its own proposal and learns the card. A code stands for a quarter of an hour and lets one
// organisation into one card, once. It carries 60 bits, so trying codes is left to the gate's limits.
//
// # Courts
//
// An operator ends an access by a court's decision (Carry, `medcard orders carry`), or keeps somebody from a card for good, whoever would let him
// in, the owner too (Bar, `medcard orders bar`). It takes the way of a revoke; the owner is told, and reads in the log
// which document it rests on. An access of the owner himself cannot be ended so, and the owner may let the same person in anew: a ban that binds the
// owner is not there.
//
// # Wrong owners
//
// Somebody who came to own another person's card is taken off it by an operator to whom that was shown (Disown, `medcard owners`): with him go
// all whom he let in. His phones lose the card with their next sync and he is told, as is who represents the patient by a document, whose right
// stays. The card is nobody's then: the clinic gets a code for it again. What the wrong owner wrote stays in the card under his name; what he
// hid or forbade stays so until the next owner undoes it.
//
// # Who acts for a patient
//
// A representation (package family) is the right of a parent, a guardian or an attorney. It comes to be when a reviewer approves its
// document (package proving, store.Tx.Represent), and lets nobody in by itself: grants come from it, which Decide judges as all others. So a level and the
// powers of a letter hold at every door, a restriction beats them, and an end is a commit of the card, by which phones lose what they had.
// Whom an owner chose to let see his notes and measurements writes there as well. A representative writes as far as his powers go, and one who
// manages a card only while a clinic names him as a practitioner (PUT /v1/practitioners/{practitioner}), which is looked up in the transaction that decides.
//
// A child's token is no bearer token beside the session's but a grant for 24 hours that is bound to the installation: a second secret would
// have to be kept, renewed, revoked and proved at each door anew, and every act would have two answers to the question who asks. As a grant it
// ends for sync, files, codes and pushes at once, its lease ends with it, and the phone that asks has proved itself by its session already. To
// open one asks for a fresh second factor (POST .../representations/{representation}/token); while one runs there is no other for the phone,
// so none is ever made longer. Its agent, the owner, and whoever speaks for the patient (family.Representation.Speaks: no attorney, and nobody once
// the patient has turned 15) may end it. A phone's next token
// is the same row, begun anew, so that a childhood of them is no thousand grants.
//
// A token ends earlier where the patient turns 15, 16 or 18 within its day, and the next one holds what is left. Those turns and the end of a
// letter are told to both sides ahead of time, once each, by the hourly upkeep. Every entry of the access log that a representative causes
// names him, the patient and the right: the store fills that in from the permit, so no act can forget it. A record that he wrote keeps it, too
// (GET .../records/{record}/provenance, for the owner).
//
// After a restore of the server representations are held like grants: an attorney's until the owner confirms the grant, a child's until
// the document is approved anew.
//
// # Emergencies
//
// BreakGlass opens named sections to a clinic without the owner's consent, for an hour and for reading with the purpose ETREAT. It asks for a
// person (the actor claim) who proved within the last five minutes who he is (auth_time), for a reason and for words. Who speaks for the patient
// (the owner; of a small child its parents, see package auditing) is told at once, sees all of it (GET /v1/cards/{card}/emergencies) and may end
// it. A reviewer (`medcard clients add --kind reviewer`, /v1/reviews/emergencies, or `medcard emergencies` on the server) judges each within 72
// hours, once: neither the person who opened the card nor anybody of his name. He sees who opened it and why, and nothing of the card; the
// patient's side reads who looked, and is told of the verdict. An organisation opens at most 30 an hour, and one card at most 24 times a day.
//
// # How it grows
//
// An owner has at most 1000 grants and restrictions at a time. What is over does not count, nor do emergencies: nobody but the owner can use
// that room up. Of organisations a request reads only the grants that are not over, so a card that was opened in emergencies every day for years is
// as fast as one that never was. Of people it reads those that are over as well, because their phones have to be told what they lost;
// only the owner makes more of them.
package granting
