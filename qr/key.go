package qr

import (
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// Usage is the one thing a key may sign.
type Usage string

// The usages.
const (
	Prescription Usage = "rx"
	Referral     Usage = "ref"
	Certificate  Usage = "cert"
	Receipt      Usage = "receipt"
	KeySet       Usage = "keys"
	StatusList   Usage = "status"
)

// external is the additional data under which keys of the usage sign. It costs no byte of the code and keeps a signature made for one
// purpose from being shown as another.
func (u Usage) external() []byte { return []byte("emc-qr/v1/" + string(u)) }

// Known reports whether the usage is one of the list.
func (u Usage) Known() bool {
	switch u {
	case Prescription, Referral, Certificate, Receipt, KeySet, StatusList:
		return true
	}
	return false
}

// Algorithm is a COSE algorithm. A key has exactly one.
type Algorithm int64

// The algorithms. They are the same bytes; RFC 9864 gave Ed25519 a number of its own, which -8 will be replaced by.
const (
	EdDSA   Algorithm = -8
	Ed25519 Algorithm = -19
)

// KeyID is the first eight bytes of SHA-256 over a public key.
type KeyID [8]byte

func (id KeyID) String() string { return hex.EncodeToString(id[:]) }

// KeyIDOf names a public key.
func KeyIDOf(public ed25519.PublicKey) KeyID {
	sum := sha256.Sum256(public)
	return KeyID(sum[:8])
}

// Key is what a reader knows of a signing key.
type Key struct {
	ID        KeyID
	Issuer    string
	Usage     Usage
	Algorithm Algorithm
	Public    ed25519.PublicKey
}

// Check reports what makes the key unusable.
func (k Key) Check() error {
	switch {
	case len(k.Public) != ed25519.PublicKeySize:
		return errors.New("qr: a public key has the wrong size")
	case k.ID != KeyIDOf(k.Public):
		return errors.New("qr: a key id is not that of its key")
	case k.Algorithm != EdDSA && k.Algorithm != Ed25519:
		return fmt.Errorf("qr: algorithm %d is unknown", k.Algorithm)
	case !k.Usage.Known():
		return errors.New("qr: a key's usage is unknown")
	case len(k.Issuer) == 0 || len(k.Issuer) > maxIssuer:
		return fmt.Errorf("qr: a key's issuer needs 1 to %d bytes", maxIssuer)
	}
	return nil
}

// SigningKey is a key with its private half behind crypto.Signer: a file, a smart card, a security module.
// One without it signs nothing; its public half is still worth publishing.
type SigningKey struct {
	Key
	signer crypto.Signer
}

// CanSign reports whether the private half is there.
func (k SigningKey) CanSign() bool { return k.signer != nil }

// NewSigningKey gives a signer its name, its owner and its one usage.
func NewSigningKey(issuer string, usage Usage, signer crypto.Signer) (SigningKey, error) {
	public, ok := signer.Public().(ed25519.PublicKey)
	if !ok {
		return SigningKey{}, errors.New("qr: the signer's key is not Ed25519")
	}
	key, err := NewKey(issuer, usage, public)
	if err != nil {
		return SigningKey{}, err
	}
	return SigningKey{Key: key, signer: signer}, nil
}

// NewKey gives a public key its name, its owner and its one usage.
func NewKey(issuer string, usage Usage, public ed25519.PublicKey) (Key, error) {
	key := Key{ID: KeyIDOf(public), Issuer: issuer, Usage: usage, Algorithm: EdDSA, Public: public}
	if err := key.Check(); err != nil {
		return Key{}, err
	}
	return key, nil
}
