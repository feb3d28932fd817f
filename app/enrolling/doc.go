// Package enrolling lets people in: they register with a phone number, an e-mail address and a password, confirm both
// channels by one-time codes, sign in with the password and a second factor, keep a session going, and redeem the code from a
// clinic's desk that makes a card theirs.
//
// What an outsider may learn is the same whether an account exists or not: register and sign-in give the same answers after
// the same work (an argon2id hash is made for nobody, too). What a stranger does slows down the stranger: limits count
// per login and address, a device from which the person signed in before has limits of its own, and nothing locks an account.
//
// One-time codes leave after the commit, in the request itself, and not as jobs: a code must not lie in a job's
// arguments, it is worthless to a person who stopped waiting, and "send again" is one tap away. When a message cannot be
// handed over the caller hears so at once.
package enrolling
