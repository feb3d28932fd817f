// Package issuing signs prescriptions and referrals and publishes by what anybody can check them: the key set and the status
// lists.
//
// A doctor's system files a sheet for a card that it has to do with. In one transaction the paper gets its random token, its random
// place in a status list, its signature and its record in the card, so that the phone shows it offline. Filed again under the same
// idempotency key it is the same paper.
//
// The key set is made anew each hour from the keys in custody and signed by the root. Its sequence is the number of that hour, so
// every instance of the server publishes the same one and a reader can refuse an older.
package issuing
