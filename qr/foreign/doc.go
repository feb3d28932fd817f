// Package foreign reads other people's health certificates and shows them as what they are: never as a document of ours, and no
// forgery either.
//
// It knows the EU Digital COVID Certificate and the SMART Health Card:
//
//	HC1:  base45( zlib( COSE_Sign1( CWT{ 1: iss, 4: exp, 6: iat, -260: { 1: certificate } } ) ) )        ES256 or PS256
//	shc:/ digits, two a character less 45, of a JWS: header.raw DEFLATE(JSON with a FHIR bundle).signature      ES256
//
// Their rules are looser than ours: tags and indefinite lengths, a key id in either header, times with a fraction. What stays strict is
// what a forger could play with: base45, the algorithm, which follows from the key, and every bound on sizes and depth.
//
// A signature is checked against the keys that are given. Without the issuer's key the answer is NotChecked: the content is shown, and
// nobody vouches for it. When a signature does not hold nothing of the content is shown.
package foreign
