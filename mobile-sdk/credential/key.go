package credential

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/medcard/medcard/mobile-sdk/jws"
)

var errKey = errors.New("credential: the key must be ECDSA on P-384")

// NewKey makes a key for a client that has no hardware to keep one in.
func NewKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P384(), rand.Reader) }

func publicJWK(public crypto.PublicKey) (key jws.Key, id string, err error) {
	if key, id, err = jws.Public(public); err != nil || key.Curve != "P-384" {
		return jws.Key{}, "", errKey
	}
	return key, id, nil
}

// JWKS is the key set to register at the server. The key's id is its RFC 7638 thumbprint.
func JWKS(public crypto.PublicKey) ([]byte, error) {
	key, id, err := publicJWK(public)
	if err != nil {
		return nil, err
	}
	type entry struct {
		jws.Key
		ID        string `json:"kid"`
		Use       string `json:"use"`
		Algorithm string `json:"alg"`
	}
	return json.Marshal(map[string][]entry{"keys": {{Key: key, ID: id, Use: "sig", Algorithm: key.Algorithm()}}})
}

// sign makes a compact JWS.
func sign(key crypto.Signer, claims any) (string, error) {
	_, id, err := publicJWK(key.Public())
	if err != nil {
		return "", err
	}
	text, err := jws.Compact(key, map[string]any{"kid": id, "typ": "JWT"}, claims)
	if errors.Is(err, jws.ErrKey) {
		return "", errKey
	}
	if err != nil {
		return "", fmt.Errorf("credential: %w", err)
	}
	return text, nil
}
