package credential

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
)

var errKey = errors.New("credential: the key must be ECDSA on P-384")

// NewKey makes a key for a client that has no hardware to keep one in.
func NewKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P384(), rand.Reader) }

// jwk is the public half; its members stand in the order in which RFC 7638 hashes them.
type jwk struct {
	Curve string `json:"crv"`
	Type  string `json:"kty"`
	X     string `json:"x"`
	Y     string `json:"y"`
}

func publicJWK(public crypto.PublicKey) (key jwk, id string, err error) {
	p, ok := public.(*ecdsa.PublicKey)
	if !ok || p.Curve != elliptic.P384() {
		return jwk{}, "", errKey
	}
	point, err := p.Bytes() // 4, X, Y
	if err != nil {
		return jwk{}, "", fmt.Errorf("%w: %w", errKey, err)
	}
	half := (len(point) - 1) / 2
	key = jwk{
		Curve: "P-384", Type: "EC",
		X: base64.RawURLEncoding.EncodeToString(point[1 : 1+half]), Y: base64.RawURLEncoding.EncodeToString(point[1+half:]),
	}
	text, err := json.Marshal(key)
	if err != nil {
		return jwk{}, "", err
	}
	sum := sha256.Sum256(text)
	return key, base64.RawURLEncoding.EncodeToString(sum[:]), nil
}

// JWKS is the key set to register at the server. The key's id is its RFC 7638 thumbprint.
func JWKS(public crypto.PublicKey) ([]byte, error) {
	key, id, err := publicJWK(public)
	if err != nil {
		return nil, err
	}
	type entry struct {
		jwk
		ID        string `json:"kid"`
		Use       string `json:"use"`
		Algorithm string `json:"alg"`
	}
	return json.Marshal(map[string][]entry{"keys": {{jwk: key, ID: id, Use: "sig", Algorithm: "ES384"}}})
}

// sign makes a compact JWS. crypto.Signer gives ASN.1, JWS wants the two numbers side by side.
func sign(key crypto.Signer, claims any) (string, error) {
	_, id, err := publicJWK(key.Public())
	if err != nil {
		return "", err
	}
	header, err := json.Marshal(map[string]string{"alg": "ES384", "kid": id, "typ": "JWT"})
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	input := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(payload)
	digest := crypto.SHA384.New()
	digest.Write([]byte(input))
	der, err := key.Sign(rand.Reader, digest.Sum(nil), crypto.SHA384)
	if err != nil {
		return "", fmt.Errorf("credential: sign: %w", err)
	}
	var point struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(der, &point); err != nil || len(rest) > 0 || point.R.BitLen() > 384 || point.S.BitLen() > 384 ||
		point.R.Sign() < 0 || point.S.Sign() < 0 {
		return "", errKey
	}
	raw := make([]byte, 96)
	point.R.FillBytes(raw[:48])
	point.S.FillBytes(raw[48:])
	return input + "." + base64.RawURLEncoding.EncodeToString(raw), nil
}
