// Package enrolling lets people in: they register with a phone number, an e-mail address and a password, confirm both
// channels by one-time codes, sign in with the password and a second factor, keep a session going, and redeem the code from a
// clinic's desk that makes a card theirs.
//
// What an outsider may learn is the same whether an account exists or not: register and sign-in give the same answers after
// the same work (an argon2id hash is made for nobody, too). Timed in turn over HTTP, neither 80 pairs of sign-ins nor 400 of lost passwords told
// the one from the other (Mann-Whitney, |z| below 1.6: app/story/timing_test). What a stranger does slows down the stranger: limits count
// per login and address, a device from which the person signed in before has limits of its own, and nothing locks an account.
//
// The second factor is a code by text message or, once a person has chosen that, of an authenticator app (RFC 6238: a step of 30
// seconds either way, and the last step taken is kept, so that no code opens twice). Then no message is sent any more, for messages can be
// diverted; a recovery code on paper does once in place of either. What changes the ways in, or lets another person read, is
// dangerous: it wants a second factor that was shown within identity.FactorFresh in this very session, and is refused with step_up.required
// otherwise. Guesses at an app's codes are counted per account for devices that are not known (20, then one an hour), so who knows the
// password and tries from everywhere gets in with a chance of about one in 8,000 a day, and a known device has limits of its own.
//
// A passkey (WebAuthn) is both factors at once, because its authenticator must have seen a finger, a face or a PIN: it opens a session alone
// and asks for no login, so that there is nothing to find out, and it does for a step-up. It is bound to RelyingParty.Domain. Attestation is
// not asked for: which make of phone a patient has is not ours to know. Medcard has no accounts of staff: a clinic's people sign in at their
// own system, which names them in its assertions (package oauth). Who manages a patient's card as a practitioner does so from an account of his
// own; such a card opens to him only where a passkey or a certificate opened the session (consent.ErrPasskey).
//
// An external OpenID provider (package openid) does in place of the password and never of the second factor. Its person is the one whom the
// account was linked to in a session with a fresh factor, else the owner of the card to which the SNILS leads, and that only if the
// provider has seen it on paper: what its user typed is left out before it gets here. No account comes to be by it.
//
// A lost password takes a code of each channel, judged as one, and gives no session: the second factor is still asked for. What is asked
// for a login that nobody has is kept and tried like any other, and its messages leave after the answer, whose time would tell.
// Another password ends what the old one opened, sessions elsewhere and sign-ins that wait among it. A device that is signed out, here or
// from afar, is not reached by push any more.
//
// Another number or address takes a fresh second factor and the code that came there; the old one is told. One that somebody has gets a notice
// in the place of the code, as at a registration, so that nobody learns whose it is.
//
// A session is bound to the key that the request which opened it proved to hold (DPoP, see package oauth), if it did. Its refresh token counts
// only with a proof by that key, and is not spent without, so that a thief can neither use it nor end the session with it. MEDCARD_BOUND has no
// session opened or renewed without one.
//
// # Policies and their insurers
//
// An insurer is a client of a kind of its own, registered with what the numbers of its policies begin with (`medcard clients add --kind insurer
// --policies 77`): the number tells the region that gave it first, and not the insurer, so of several with the same beginning the person names
// his; the longest beginning counts. It finds the question at /v1/insurer/policies, and sees the number, the name and the date of birth as the
// person typed them: no account, no contact, no card, and nothing at all of others' questions. Those stand sealed; what it looked at and answered
// stands in the log, where the person reads it.
//
// A confirmation gives the insurer a code, which it sends by a message of its own to the number that it has on file. That number never comes
// here, and the code is made here, so that it is as hard to guess as all others; whoever types it in within a day has the phone that the insurer
// knows. A refusal has a reason, and so has a question that nobody answered for three days; the person is told of each. What is known of a
// policy here (store.Tx.PolicyFits) is compared all the same. Whose number is a connected insurer's cannot have its code sent elsewhere.
//
// Where no insurer has a policy that begins so, the code goes to the account's own number, which proves little.
//
// # Whose card it is
//
// A code from a desk opens a card by itself where nothing is demanded (MEDCARD_DEMAND) and its clinic opened the card: its desk has seen the
// person's passport, and when it came nobody else had written there. The code of a clinic that came later is a slip of paper as good as any,
// but not that clinic's key to what others wrote: with it, and wherever something is demanded, a card stays closed until its person has proved
// that he is its patient. What he proved is compared with what the card knows (evidence.Unfit): the numbers of approved SNILS and policies,
// and of a policy that its insurer confirmed, with those by which the card is found. Passports are renewed, so their numbers tell nothing; where
// no number can be compared, name and date of birth do, as a reviewer read them from the documents. What says nothing either way opens nothing.
// A policy whose insurer is not connected does not count here unless insurers are demanded, because its code went to the person's own phone.
//
// What is another person's is told in GET /v1/me, so that a mistyped number can be put right; the card's log has each time, and whoever acts for
// the patient hears of it. After evidence.MaxMismatches of them the code is spent. Who waits holds no place: others may redeem codes of the
// card, the first who proves it owns it, and who proves nothing in a month is let go (lapse.go). An operator takes a wrong owner off a card
// (granting.Disown).
//
// What is done with an account is kept in the transaction that does it (account.Event) and shown to its person (GET /v1/me/events): sign-ins,
// sign-outs, and each change of the ways in, a clinic's word that he is a practitioner too. A sign-in that is refused is counted, for a login that
// nobody has by the same statement, and is one event an account, network and hour, so that nobody's tries bury what matters; of the network there is
// a keyed hash and no address. Within the next hour or so the upkeep writes all of it into the audit log (Note), on the person's own cards, or on the log's where he
// has none: that takes the lock of a card, and nobody's sign-in is to wait for it.
//
// All other one-time codes leave after the commit, in the request itself, and not as jobs: a code must not lie in a job's
// arguments, it is worthless to a person who stopped waiting, and "send again" is one tap away. When a message cannot be
// handed over the caller hears so at once.
package enrolling
