// Package issuing signs prescriptions and referrals and publishes by what anybody can check them: the key set and the status
// lists.
//
// A doctor's system files a sheet for a card that it has to do with. In one transaction the paper gets its random token, its random
// place in a status list, its signature and its record in the card, so that the phone shows it offline. Filed again under the same
// idempotency key it is the same paper.
//
// The key set is made anew each hour from the keys in custody and signed by the root. Its sequence is the second in which that hour
// began, or in which the newest key was made if that was later: so every instance of the server publishes the same set, a reader can
// refuse an older one, and a key that is changed within the hour reaches those who have the hour's first set.
package issuing
