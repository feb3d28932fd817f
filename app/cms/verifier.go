package cms

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"errors"

	"golang.org/x/crypto/cryptobyte"
)

// Claim is that somebody signed something. OIDs are in dotted form.
type Claim struct {
	Algorithm string                  // of the signature
	Digest    string                  // "" where the algorithm names its own
	Known     x509.SignatureAlgorithm // as crypto/x509 read it, where it did
	Message   []byte
	Signature []byte
}

// Verifier knows algorithms. What it does not know it answers with ErrUnsupported, so that another one can be asked.
type Verifier interface {
	Digest(ctx context.Context, algorithm string, content []byte) ([]byte, error)
	// Verify gives ErrSignature where the claim is not true.
	Verify(ctx context.Context, by *x509.Certificate, c Claim) error
}

// Verifiers asks one after the other.
type Verifiers []Verifier

// Digest hashes with the first that knows the algorithm.
func (all Verifiers) Digest(ctx context.Context, algorithm string, content []byte) ([]byte, error) {
	for _, v := range all {
		if hash, err := v.Digest(ctx, algorithm, content); !errors.Is(err, ErrUnsupported) {
			return hash, err
		}
	}
	return nil, ErrUnsupported
}

// Verify asks the first that knows the algorithm.
func (all Verifiers) Verify(ctx context.Context, by *x509.Certificate, c Claim) error {
	for _, v := range all {
		if err := v.Verify(ctx, by, c); !errors.Is(err, ErrUnsupported) {
			return err
		}
	}
	return ErrUnsupported
}

// Native knows what crypto/x509 does and today's rules of strength allow.
type Native struct{}

var _, _ Verifier = Native{}, Verifiers{}

const (
	sha256OID = "2.16.840.1.101.3.4.2.1"
	sha384OID = "2.16.840.1.101.3.4.2.2"
	sha512OID = "2.16.840.1.101.3.4.2.3"
)

var hashes = map[string]crypto.Hash{sha256OID: crypto.SHA256, sha384OID: crypto.SHA384, sha512OID: crypto.SHA512}

// schemes are the algorithms by OID and the digest that goes with it. Programs write the key's algorithm or the whole scheme.
var schemes = map[[2]string]x509.SignatureAlgorithm{
	{"1.2.840.113549.1.1.1", sha256OID}:  x509.SHA256WithRSA,
	{"1.2.840.113549.1.1.1", sha384OID}:  x509.SHA384WithRSA,
	{"1.2.840.113549.1.1.1", sha512OID}:  x509.SHA512WithRSA,
	{"1.2.840.113549.1.1.11", sha256OID}: x509.SHA256WithRSA,
	{"1.2.840.113549.1.1.12", sha384OID}: x509.SHA384WithRSA,
	{"1.2.840.113549.1.1.13", sha512OID}: x509.SHA512WithRSA,
	{"1.2.840.10045.2.1", sha256OID}:     x509.ECDSAWithSHA256,
	{"1.2.840.10045.2.1", sha384OID}:     x509.ECDSAWithSHA384,
	{"1.2.840.10045.2.1", sha512OID}:     x509.ECDSAWithSHA512,
	{"1.2.840.10045.4.3.2", sha256OID}:   x509.ECDSAWithSHA256,
	{"1.2.840.10045.4.3.3", sha384OID}:   x509.ECDSAWithSHA384,
	{"1.2.840.10045.4.3.4", sha512OID}:   x509.ECDSAWithSHA512,
}

var strong = map[x509.SignatureAlgorithm]bool{
	x509.SHA256WithRSA: true, x509.SHA384WithRSA: true, x509.SHA512WithRSA: true, x509.PureEd25519: true,
	x509.SHA256WithRSAPSS: true, x509.SHA384WithRSAPSS: true, x509.SHA512WithRSAPSS: true,
	x509.ECDSAWithSHA256: true, x509.ECDSAWithSHA384: true, x509.ECDSAWithSHA512: true,
}

// Digest hashes with SHA-2.
func (Native) Digest(_ context.Context, algorithm string, content []byte) ([]byte, error) {
	hash, known := hashes[algorithm]
	if !known {
		return nil, ErrUnsupported
	}
	h := hash.New()
	h.Write(content)
	return h.Sum(nil), nil
}

// Verify checks a signature with crypto/x509.
func (Native) Verify(_ context.Context, by *x509.Certificate, c Claim) error {
	algorithm := c.Known
	if algorithm == x509.UnknownSignatureAlgorithm {
		algorithm = schemes[[2]string{c.Algorithm, c.Digest}]
	}
	if !strong[algorithm] || !strongKey(by.PublicKey) {
		return ErrUnsupported
	}
	if by.CheckSignature(algorithm, c.Message, c.Signature) != nil {
		return ErrSignature
	}
	return nil
}

func strongKey(key any) bool {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return k.N.BitLen() >= 2048 && k.N.BitLen() <= 8192 // more would be slow to check, and nobody gives them out
	case *ecdsa.PublicKey:
		return k.Curve.Params().BitSize >= 256
	case ed25519.PublicKey:
		return true
	}
	return false
}

// outer is the algorithm of what stands signed in the common form of X.509: a certificate or a list of revoked ones.
func outer(raw []byte) string {
	in := cryptobyte.String(raw)
	var whole, signed cryptobyte.String
	if !in.ReadASN1(&whole, sequence) || !whole.ReadASN1Element(&signed, sequence) {
		return ""
	}
	return readAlgorithm(&whole)
}

// ListSigned says whether the certificate signed the list of revoked ones.
func ListSigned(ctx context.Context, v Verifier, by *x509.Certificate, list *x509.RevocationList) error {
	return v.Verify(ctx, by, Claim{Algorithm: outer(list.Raw), Known: list.SignatureAlgorithm, Message: list.RawTBSRevocationList, Signature: list.Signature})
}
