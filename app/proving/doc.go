// Package proving takes the documents by which a person shows who he is, and what a reviewer says of them.
//
// A document has a slot (evidence.Slot: passport, SNILS, policy, ...), up to ten files and, where there is one, a number whose check digits are
// checked as it is typed. Files are taken by their first bytes alone, as package sheet says, and kept sealed under a key of the document's
// own. They come one by one, each again at will: a phone whose network goes away sends the rest later. A draft is handed in, then it waits
// for a reviewer, and cannot be changed unless it is withdrawn. What is rejected has a reason in a word and stays open, to be done
// better. A new document of a slot stands beside the approved one until it is approved itself, so that a renewed passport closes nothing.
//
// The reviewer is a person with a shell on the server (`medcard documents`). Each look is remembered before he sees anything, on the card of
// the person, who reads there by whom; of somebody without a card on the log's own. A verdict, the access that follows from it, the line in
// the log and the notice that leaves are one transaction: whoever hears of an approval has access already, and his phone is sent the card
// at its next sync, without a sign-in. The notice says that there is news, no more.
//
// What is demanded before a card opens, an operator says (MEDCARD_DEMAND); without a word nothing is, because the clinic's desk that gave the
// code has seen the person. A demand binds who redeems a code from then on. Whoever owns a card already goes on.
//
// Drafts and rejected documents that nobody touches for 90 days are deleted. Approved ones stay: they say why a card was opened.
package proving
