package qr

import "errors"

// What can be wrong with a code. Errors of this package wrap one of these; none repeats anything of the code.
var (
	ErrFormat    = errors.New("qr: not a well-formed EMC1 code")
	ErrAlgorithm = errors.New("qr: the algorithm is not the key's")
	ErrSignature = errors.New("qr: the signature does not hold")
	ErrUsage     = errors.New("qr: the key may not sign this kind of document")
	ErrIssuer    = errors.New("qr: the issuer is not the owner of the key")
	ErrTooLong   = errors.New("qr: too long for a code that can be read from paper")
	ErrClaims    = errors.New("qr: the claims cannot be sealed")
)
