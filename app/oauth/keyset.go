package oauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"slices"

	"github.com/medcard/medcard/domain/fault"
)

// algorithms are those with which a client may sign. There is no HMAC: a shared secret proves nothing to a third person.
var algorithms = []string{"ES256", "ES384", "RS256", "RS384", "EdDSA"}

// KeySet is a client's public keys (JWK set, RFC 7517).
type KeySet struct{ keys []clientKey }

type clientKey struct {
	id         string
	algorithms []string // with which this key may sign
	public     crypto.PublicKey
}

// jwk is one key as it is written; only the members that are used here.
type jwk struct {
	Type      string `json:"kty"`
	ID        string `json:"kid,omitempty"`
	Use       string `json:"use,omitempty"`
	Algorithm string `json:"alg,omitempty"`
	Curve     string `json:"crv,omitempty"`
	X         string `json:"x,omitempty"`
	Y         string `json:"y,omitempty"`
	Modulus   string `json:"n,omitempty"`
	Exponent  string `json:"e,omitempty"`
	Private   string `json:"d,omitempty"`
}

type jwkSet struct {
	Keys []jwk `json:"keys"`
}

// Why a key set is refused.
var (
	errKeySet     = fault.New(fault.Invalid, "jwks.format", "This is not a JWK set: an object whose member keys lists at least one key, each with its own kid.")
	errKeyPrivate = fault.New(fault.Invalid, "jwks.private_key", "The set holds a private key. Nobody but its owner may have it: take a new one, and register its public part.")
	errKeyKind    = fault.New(fault.Invalid, "jwks.unsupported_key", "Keys are P-256 (ES256), P-384 (ES384), Ed25519 (EdDSA), or RSA of 2048 to 8192 bits (RS256, RS384).")
)

const maxKeys = 10

// ParseKeySet reads a client's public keys.
func ParseKeySet(document []byte) (KeySet, error) {
	var set jwkSet
	if err := json.Unmarshal(document, &set); err != nil || len(set.Keys) == 0 || len(set.Keys) > maxKeys {
		return KeySet{}, errKeySet
	}
	var parsed KeySet
	for _, k := range set.Keys {
		if k.Private != "" || k.Type == "oct" {
			return KeySet{}, errKeyPrivate
		}
		if k.ID == "" || slices.ContainsFunc(parsed.keys, func(o clientKey) bool { return o.id == k.ID }) {
			return KeySet{}, errKeySet
		}
		public, able, err := k.parse()
		if err != nil {
			return KeySet{}, err
		}
		if k.Algorithm != "" {
			if !slices.Contains(able, k.Algorithm) {
				return KeySet{}, errKeyKind
			}
			able = []string{k.Algorithm}
		}
		parsed.keys = append(parsed.keys, clientKey{id: k.ID, algorithms: able, public: public})
	}
	return parsed, nil
}

// find gives the key of that name, if it may sign with the algorithm: the assertion must not choose how it is checked.
func (s KeySet) find(kid, algorithm string) (crypto.PublicKey, error) {
	for _, k := range s.keys {
		if k.id == kid && slices.Contains(k.algorithms, algorithm) {
			return k.public, nil
		}
	}
	return nil, errNoKey
}

func (k jwk) parse() (crypto.PublicKey, []string, error) {
	switch k.Type + " " + k.Curve {
	case "EC P-256":
		return k.elliptic(elliptic.P256(), "ES256")
	case "EC P-384":
		return k.elliptic(elliptic.P384(), "ES384")
	case "OKP Ed25519":
		x, err := base64.RawURLEncoding.DecodeString(k.X)
		if err != nil || len(x) != ed25519.PublicKeySize {
			return nil, nil, errKeyKind
		}
		return ed25519.PublicKey(x), []string{"EdDSA"}, nil
	case "RSA ":
		n, err := base64.RawURLEncoding.DecodeString(k.Modulus)
		e, err2 := base64.RawURLEncoding.DecodeString(k.Exponent)
		if err != nil || err2 != nil || len(e) == 0 || len(e) > 4 {
			return nil, nil, errKeyKind
		}
		public := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
		if bits := public.N.BitLen(); bits < 2048 || bits > 8192 || public.E < 3 || public.E%2 == 0 {
			return nil, nil, errKeyKind
		}
		return public, []string{"RS256", "RS384"}, nil
	}
	return nil, nil, errKeyKind
}

func (k jwk) elliptic(curve elliptic.Curve, algorithm string) (crypto.PublicKey, []string, error) {
	size := (curve.Params().BitSize + 7) / 8
	x, err := base64.RawURLEncoding.DecodeString(k.X)
	y, err2 := base64.RawURLEncoding.DecodeString(k.Y)
	if err != nil || err2 != nil || len(x) != size || len(y) != size {
		return nil, nil, errKeyKind
	}
	public, err := ecdsa.ParseUncompressedPublicKey(curve, slices.Concat([]byte{4}, x, y)) // refuses a point that is not on the curve
	if err != nil {
		return nil, nil, errKeyKind
	}
	return public, []string{algorithm}, nil
}
