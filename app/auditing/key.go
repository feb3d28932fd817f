package auditing

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"net/url"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// signing signs notes with a key in custody, which may give out no secret half.
type signing struct {
	note.Verifier
	key crypto.Signer
}

func (s signing) Sign(msg []byte) ([]byte, error) {
	return s.key.Sign(rand.Reader, msg, crypto.Hash(0))
}

// Keys are those of the log: one signs, those before it did.
type Keys struct {
	Signer    note.Signer // of checkpoints; its name is the log's origin
	Key       string      // by which they are verified, as note.NewVerifier reads it
	Former    []string    // keys like that which signed before, the oldest first
	Handovers []string    // the statements by which each after the first took over: see doc.go
}

// NewSigner makes of an Ed25519 key what signs the checkpoints of an issuer's log, and what verifies them.
func NewSigner(issuer string, key crypto.Signer) (note.Signer, string, error) {
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, "", errors.New("auditing: the key that signs the audit log is no Ed25519 key")
	}
	verifying, err := VerifyingKey(issuer, public)
	if err != nil {
		return nil, "", err
	}
	verifier, err := note.NewVerifier(verifying)
	return signing{verifier, key}, verifying, err
}

// VerifyingKey writes a key as note.NewVerifier reads it.
func VerifyingKey(issuer string, public ed25519.PublicKey) (string, error) {
	return note.NewEd25519VerifierKey(origin(issuer), public)
}

// origin names the log of an issuer. A note's signers have names without spaces and plus signs.
func origin(issuer string) string {
	return strings.ReplaceAll(url.PathEscape(issuer), "+", "%2B") + "/audit"
}
