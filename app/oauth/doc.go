// Package oauth is the authorisation server: it gives access tokens to organisations and says who the bearer of any access
// token is.
//
// A clinic or a pharmacy is a client. It proves itself by an assertion signed with its own key (SMART Backend Services:
// client credentials with private_key_jwt, RFC 7523), in which it may name the person who acts; there is no shared secret
// to leak from either side. Patients' sessions are opened by package enrolling; their access tokens are made here too, so
// there is one kind of token and one Verify.
//
// A token is signed, lives for minutes, and is still looked up at every use: what was revoked lets nobody in any more.
package oauth
