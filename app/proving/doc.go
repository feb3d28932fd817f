// Package proving takes the documents by which a person shows who he is, and what a reviewer says of them.
//
// A document has a slot (evidence.Slot: passport, SNILS, policy, ...), up to ten files and, where there is one, a number whose check digits are
// checked as it is typed. Files are taken by their first bytes alone, as package sheet says, and kept sealed under a key of the document's
// own. They come one by one, each again at will: a phone whose network goes away sends the rest later. A draft is handed in, then it waits
// for a reviewer, and cannot be changed unless it is withdrawn. What is rejected has a reason in a word and stays open, to be done
// better. A new document of a slot stands beside the approved one until it is approved itself, so that a renewed passport closes nothing.
//
// Reviewers are people of an organisation that was registered for it (`medcard clients add --kind reviewer`, /v1/reviews/documents), each named by
// the actor claim of its assertion, or a person with a shell on the server (`medcard documents`): the acts are the same. They see what waits, the
// oldest first and without numbers and names; what a document is to prove and each of its files only by a look, which is remembered before
// anything is seen: on the card of the person, who reads there by whom, and on that of a patient whom a claim names; of somebody without a card
// on the log's own. Nobody reviews what he sent himself, or what is to be said of himself: a reviewer who has a name of the person's cards, or
// that of one whom a claim names, is refused. A verdict counts once; who comes second is told which one stands.
//
// A verdict, the access that follows from it, the line in the log and the notice that leaves are one transaction: whoever hears of an approval
// has access already, and his phone is sent the card at its next sync, without a sign-in. The notice says that there is news, no more.
//
// What is demanded before a card opens, an operator says (MEDCARD_DEMAND); without a word nothing is, because the desk of the clinic that
// opened the card has seen the person. What was proved is compared with the card (package enrolling); where the card knows no number of it, by whom the
// document names, which the reviewer says with his approval. A demand binds who redeems a code from then on. Whoever owns a card already goes on.
//
// # Claims
//
// Who wants to act for a patient and has no tie to the card yet files a claim (POST /v1/representations/claims): the pages go to the slot of a
// representative's document (NSI 1.2.643.5.1.13.13.99.2.313) as all others, then the claim says what stands on it: both persons with names and
// dates of birth, the patient's SNILS or policy, the level or the powers, the term. Each line is checked at once (family.Claim.Examine): the
// kind of document, its term, the ages, the claimant against a card of his own, the patient against the card to which all the numbers lead. Nothing
// reads the pages but the reviewer; what nothing here can be compared with, he is told, is his to compare.
//
// What does not fit is refused by name, but of the patient there is one code for all: no such card, or another name, day or number on it. Where
// there is no card another one is read and compared in its place, so that the time tells nothing either. An account has ten tries at once and ten
// a day, refused ones included, and five claims that wait. That a claim is taken does tell that there is a card with all of these data, to who
// knew them all. Who sends no pages is blocked whoever the patient is; the attempt stands in the log as refused (outcome failure), on the
// card, too, if all else fits, whose owner and representatives are told.
//
// A claim is its document: it waits in the queue of all documents, and its approval is a verdict as any other. In the same transaction the claimant
// becomes the patient's representative (store.Tx.Represent), so a child's card is open for 24 hours on the phone that filed the claim, and
// comes with its next sync; both sides are told. Time has gone on since it was filed: a letter that has run out, or a child who has come of age,
// is refused to the reviewer. The same claim again while it waits changes nothing, since an answer may be lost.
//
// # Malware
//
// With a scanner (Service.Scan; MEDCARD_CLAMD for ClamAV's daemon) every file is looked at before anything of it is kept. One that is infected is
// refused, and while no verdict is to be had none is taken: it waits on the phone. Without a scanner files are bounded, read by
// their own structure and stripped (package sheet), and not scanned.
//
// # Upkeep
//
// Drafts and rejected documents that nobody touches for 90 days are deleted. Approved ones stay: they say why a card was opened.
package proving
