package qr

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"github.com/fxamacker/cbor/v2"
	"github.com/veraison/go-cose"
)

// The one COSE profile of codes, key sets and status lists. go-cose builds and checks the signed structure; taking an envelope apart
// is done here, because go-cose also takes tags, other headers and longer encodings, and every such freedom is a second text for
// the same document.

// Encoding is the only encoding that is written, and the only one that is read.
var encoding = must(cbor.CoreDetEncOptions().EncMode())

// strict reads what encoding writes, and little else; what still slips through (a number written longer than needed) shows when
// the result is encoded again.
var strict = must(cbor.DecOptions{
	DupMapKey:         cbor.DupMapKeyEnforcedAPF,
	IndefLength:       cbor.IndefLengthForbidden,
	TagsMd:            cbor.TagsForbidden,
	ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
	MaxNestedLevels:   6,
	MaxArrayElements:  16,
	MaxMapPairs:       16,
}.DecMode())

func must[T any](mode T, err error) T {
	if err != nil {
		panic(err) // the options are constants
	}
	return mode
}

type envelope struct {
	_           struct{} `cbor:",toarray"`
	Protected   []byte
	Unprotected cbor.RawMessage
	Payload     []byte
	Signature   []byte
}

var emptyMap = cbor.RawMessage{0xa0}

type header struct {
	Algorithm Algorithm `cbor:"1,keyasint"`
	KeyID     []byte    `cbor:"4,keyasint"`
}

// Envelope is a signed payload whose signature nobody has checked yet.
type Envelope struct {
	alg       Algorithm
	kid       KeyID
	protected []byte // as received: a bstr's content
	payload   []byte
	signature []byte
}

// Sign puts a payload into an envelope under the key's usage.
func Sign(payload []byte, key SigningKey) ([]byte, error) {
	protected, err := encoding.Marshal(header{Algorithm: key.Algorithm, KeyID: key.ID[:]})
	if err != nil {
		return nil, err
	}
	message, err := sigStructure(key.Algorithm, protected, payload, nil)
	if err != nil {
		return nil, err
	}
	if err := message.Sign(rand.Reader, key.Usage.external(), coseSigner{key}); err != nil {
		return nil, fmt.Errorf("qr: sign: %w", err)
	}
	return encoding.Marshal(envelope{
		Protected: protected, Unprotected: emptyMap, Payload: payload, Signature: message.Signature,
	})
}

// ParseEnvelope takes an envelope apart and gives nothing of the payload away.
func ParseEnvelope(data []byte) (Envelope, error) {
	var outer envelope
	if err := strict.Unmarshal(data, &outer); err != nil {
		return Envelope{}, fmt.Errorf("%w: no COSE_Sign1", ErrFormat) // the decoder's text may quote the input
	}
	var inner header
	if err := strict.Unmarshal(outer.Protected, &inner); err != nil {
		return Envelope{}, fmt.Errorf("%w: no protected header", ErrFormat)
	}
	switch {
	case !bytes.Equal(outer.Unprotected, emptyMap):
		return Envelope{}, fmt.Errorf("%w: the unprotected header is not empty", ErrFormat)
	case len(inner.KeyID) != len(KeyID{}):
		return Envelope{}, fmt.Errorf("%w: a key id has 8 bytes", ErrFormat)
	case len(outer.Signature) != ed25519.SignatureSize:
		return Envelope{}, fmt.Errorf("%w: a signature has 64 bytes", ErrFormat)
	case len(outer.Payload) == 0:
		return Envelope{}, fmt.Errorf("%w: no payload", ErrFormat)
	case !same(data, outer) || !same(outer.Protected, inner):
		return Envelope{}, fmt.Errorf("%w: not the deterministic encoding", ErrFormat)
	}
	return Envelope{
		alg: inner.Algorithm, kid: KeyID(inner.KeyID),
		protected: outer.Protected, payload: outer.Payload, signature: outer.Signature,
	}, nil
}

// same reports whether the value's deterministic encoding is what was received.
func same(received []byte, value any) bool {
	encoded, err := encoding.Marshal(value)
	return err == nil && bytes.Equal(received, encoded)
}

// KeyID names the key that is said to have signed.
func (e Envelope) KeyID() KeyID { return e.kid }

// Format hides the payload from every verb of package fmt.
func (e Envelope) Format(s fmt.State, _ rune) { fmt.Fprintf(s, "envelope of key %x", e.kid[:]) }

// Payload hands the payload out, once the key proves that it was signed under the key's usage.
func (e Envelope) Payload(key Key) ([]byte, error) {
	if e.kid != key.ID || e.alg != key.Algorithm {
		return nil, ErrAlgorithm
	}
	message, err := sigStructure(e.alg, e.protected, e.payload, e.signature)
	if err != nil {
		return nil, err
	}
	if err := message.Verify(key.Usage.external(), coseVerifier{key}); err != nil {
		return nil, ErrSignature
	}
	return e.payload, nil
}

func sigStructure(alg Algorithm, protected, payload, signature []byte) (*cose.UntaggedSign1Message, error) {
	// go-cose signs over the raw header if it is given; the parsed one it only compares the algorithm with.
	raw, err := encoding.Marshal(protected)
	if err != nil {
		return nil, err
	}
	return &cose.UntaggedSign1Message{
		Headers: cose.Headers{
			RawProtected: raw,
			Protected:    cose.ProtectedHeader{cose.HeaderLabelAlgorithm: cose.Algorithm(alg)},
		},
		Payload:   payload,
		Signature: signature,
	}, nil
}

// coseSigner and coseVerifier stand in for go-cose's own, which know the number -8 but not -19.
type (
	coseSigner   struct{ of SigningKey }
	coseVerifier struct{ of Key }
)

func (s coseSigner) Algorithm() cose.Algorithm { return cose.Algorithm(s.of.Algorithm) }

func (s coseSigner) Sign(random io.Reader, content []byte) ([]byte, error) {
	if s.of.signer == nil {
		return nil, errors.New("qr: the private half of the key is not at hand")
	}
	return s.of.signer.Sign(random, content, crypto.Hash(0))
}

func (v coseVerifier) Algorithm() cose.Algorithm { return cose.Algorithm(v.of.Algorithm) }

func (v coseVerifier) Verify(content, signature []byte) error {
	if len(v.of.Public) != ed25519.PublicKeySize || !ed25519.Verify(v.of.Public, content, signature) {
		return cose.ErrVerification
	}
	return nil
}
