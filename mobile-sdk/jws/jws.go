// Package jws signs with ECDSA keys, as clients prove themselves with them: compact JSON Web Signatures (RFC 7515) and the keys that belong to
// them (RFC 7517). It reads and verifies nothing.
package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
)

// ErrKey means that the key is none of ECDSA on P-256 or P-384, or that its signer gave something else than a signature.
var ErrKey = errors.New("jws: the key must be ECDSA on P-256 or P-384")

// Key is a public key; its members stand in the order in which RFC 7638 hashes them.
type Key struct {
	Curve string `json:"crv"`
	Type  string `json:"kty"`
	X     string `json:"x"`
	Y     string `json:"y"`
}

// kind is how keys of a curve sign (RFC 7518, section 3.4).
type kind struct {
	algorithm string
	hash      crypto.Hash
	size      int // bytes of a coordinate
}

var kinds = map[string]kind{"P-256": {"ES256", crypto.SHA256, 32}, "P-384": {"ES384", crypto.SHA384, 48}}

// Public gives the public half as it travels, and its name: the thumbprint of RFC 7638.
func Public(public crypto.PublicKey) (key Key, thumbprint string, err error) {
	p, ok := public.(*ecdsa.PublicKey)
	if !ok || kinds[p.Params().Name].size == 0 {
		return Key{}, "", ErrKey
	}
	point, err := p.Bytes() // 4, X, Y
	if err != nil {
		return Key{}, "", fmt.Errorf("%w: %w", ErrKey, err)
	}
	half := (len(point) - 1) / 2
	key = Key{
		Curve: p.Params().Name, Type: "EC",
		X: base64.RawURLEncoding.EncodeToString(point[1 : 1+half]), Y: base64.RawURLEncoding.EncodeToString(point[1+half:]),
	}
	text, err := json.Marshal(key)
	if err != nil {
		return Key{}, "", err
	}
	sum := sha256.Sum256(text)
	return key, base64.RawURLEncoding.EncodeToString(sum[:]), nil
}

// Algorithm is the name of the algorithm with which the key signs, "" for a key that is none of ours.
func (k Key) Algorithm() string { return kinds[k.Curve].algorithm }

// Compact signs claims under a header, to which it adds the algorithm.
func Compact(key crypto.Signer, header map[string]any, claims any) (string, error) {
	public, _, err := Public(key.Public())
	if err != nil {
		return "", err
	}
	by := kinds[public.Curve]
	header["alg"] = by.algorithm
	head, err := json.Marshal(header)
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	input := base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(payload)
	digest := by.hash.New()
	digest.Write([]byte(input))
	der, err := key.Sign(rand.Reader, digest.Sum(nil), by.hash)
	if err != nil {
		return "", fmt.Errorf("jws: sign: %w", err)
	}
	// crypto.Signer gives ASN.1, JWS wants the two numbers side by side.
	var point struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(der, &point); err != nil || len(rest) > 0 || point.R.BitLen() > 8*by.size || point.S.BitLen() > 8*by.size ||
		point.R.Sign() < 0 || point.S.Sign() < 0 {
		return "", ErrKey
	}
	raw := make([]byte, 2*by.size)
	point.R.FillBytes(raw[:by.size])
	point.S.FillBytes(raw[by.size:])
	return input + "." + base64.RawURLEncoding.EncodeToString(raw), nil
}
