// Package cms reads an electronic signature and says whether it holds: a detached CMS SignedData (RFC 5652) over given bytes, made
// with an X.509 certificate that an authority we trust gave to a person. It is values in, values out: roots, time and what knows the
// algorithms are arguments. Whether the certificate was revoked is asked elsewhere (app/signing/revocation).
//
// It reads the message itself and leaves to crypto/x509 what that can do, because a library that calls x509 for the whole message
// stops at the first GOST certificate. So every signature in sight (the message, each link of the chain, later the revocation lists) is
// judged through one small interface, Verifier: Native for RSA, ECDSA and Ed25519, the engine of OpenSSL for GOST R 34.10-2012
// (app/signing/gost). A test compares the chain's verdict with that of x509 on thousands of chains.
//
// What is taken: strict DER, one signer, his certificate in the message, signed attributes with content type and digest, no content
// inside. BER of indefinite length, as some programs stream it, is refused as malformed. A chain is at most five certificates long,
// and none of it may have an extension that must be understood and is not, or constraints on names. SHA-1 and RSA below 2048 bits are
// unsupported.
//
// The owner's SNILS stands in the subject (1.2.643.100.3), and the number of the taxpayer (1.2.643.3.131.1.1). A certificate with an
// OGRN in its subject (1.2.643.100.1) is an organisation's: nobody signs in as a patient with that.
package cms

import "errors"

// Why a signature does not hold. Each is one thing to do for the person who made it.
var (
	ErrMalformed   = errors.New("cms: not a detached signature that can be read")
	ErrUnsupported = errors.New("cms: an algorithm that is not known here")
	ErrSignature   = errors.New("cms: the signature is not one over these bytes by this certificate")
	ErrExpired     = errors.New("cms: the certificate has expired")
	ErrNotYet      = errors.New("cms: the certificate is not valid yet")
	ErrUntrusted   = errors.New("cms: no chain leads to an authority that is trusted")
	ErrUsage       = errors.New("cms: the certificate is not meant for this")
	ErrOwner       = errors.New("cms: the certificate does not name a person by SNILS")
	ErrRevoked     = errors.New("cms: the certificate was revoked")
	ErrStale       = errors.New("cms: nothing fresh says whether the certificate was revoked")
)

// The limits of a message.
const (
	MaxMessage      = 48 << 10 // bytes of DER; a signature with its chain has 2 to 8 KiB
	maxCertificates = 16
	maxAttributes   = 64
	longestChain    = 5
	mostPaths       = 16
)
