// Package oauth is the authorisation server: it gives access tokens to organisations and says who the bearer of any access
// token is.
//
// A clinic or a pharmacy is a client. It proves itself by an assertion signed with its own key (SMART Backend Services:
// client credentials with private_key_jwt, RFC 7523), in which it may name the person who acts; there is no shared secret
// to leak from either side. Patients' sessions are opened by package enrolling; their access tokens are made here too, so
// there is one kind of token and one Verify.
//
// # Bound to a key
//
// An app that sends a proof (DPoP, RFC 9449: a JWS by its own P-256 key in the header DPoP) with the request that opens a session has the session
// bound to that key. From then on each request, and each renewal, needs a proof by the same key: of this method and address, this token, a time
// within a minute of ours, and a name that was not used before. A token that was copied out of a log, a backup or a proxy is of no use, and
// neither is a request that was recorded. The thumbprint stands in the token (cnf.jkt) and in the session, which decides. Who sends no proof
// gets a bearer token: the pages, and apps of other makers. mobile-sdk/phone always sends one.
//
// A phone whose clock is wrong is told a nonce (use_dpop_nonce), which is the server's time with a mark, and does in place of its own time for a
// minute: nobody is kept out by a clock. Used names are remembered in memory, two minutes, a million in each half; so a recorded request
// might be answered once more by another server of the same database, or after a restart, within its minute. To remember them in the
// database would make a write of each read. A refused proof ends no session: who stole a token cannot throw its person out.
//
// The address is compared with MEDCARD_PUBLIC_URL and not with what the request calls its host: a proof that was made for another
// server, which passes it on, is none. Without that setting, or with one on loopback, only the path is compared.
//
// What it costs is one more signature to check, about 70 microseconds a request beside the 200 of a bearer token's (BenchmarkVerify, on two
// shared cores).
//
// # Tokens
//
// A token is signed, lives for minutes, and is still looked up at every use: what was revoked lets nobody in any more.
package oauth
