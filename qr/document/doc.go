// Package document is the bridge between the domain and the codes: prescriptions, referrals and certificates to the bodies that
// package qr specifies, and back.
//
// A code holds less than the card: the bearer is initials and year of birth, and names are cut at a character boundary so that the
// code stays small enough to be read from paper. What does not fit even so is to be split into two documents.
package document
