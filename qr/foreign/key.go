package foreign

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
)

// Key is an issuer's public key.
type Key struct {
	Kind   Kind
	ID     string           // base64 of the key id of a COVID certificate; the kid of a health card
	Issuer string           // the address of a health card's issuer; "" = it is not compared
	Public crypto.PublicKey // *ecdsa.PublicKey of P-256, or *rsa.PublicKey
	For    []What           // what the key may sign; nil = everything
}

// Keys are the keys of issuers that are believed.
type Keys []Key

// find lists the keys with an id: ids are short, and two issuers may have the same.
func (k Keys) find(kind Kind, id, issuer string) (found []Key) {
	for _, key := range k {
		if key.Kind == kind && key.ID == id && (key.Issuer == "" || key.Issuer == issuer) {
			found = append(found, key)
		}
	}
	return found
}

func (k Key) signs(w What) bool { return k.For == nil || slices.Contains(k.For, w) }

// holds reports whether the key signed the message. Which algorithm it is follows from the key.
func (k Key) holds(message, signature []byte) bool {
	digest := sha256.Sum256(message)
	switch public := k.Public.(type) {
	case *ecdsa.PublicKey:
		const half = 32
		if len(signature) != 2*half {
			return false
		}
		r, s := new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:])
		return ecdsa.Verify(public, digest[:], r, s)
	case *rsa.PublicKey:
		return rsa.VerifyPSS(public, crypto.SHA256, digest[:], signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
	}
	return false
}

// Sizes of what is taken for a key.
const (
	maxKeyFile = 8 << 20
	minRSA     = 2048 // bits
	maxRSA     = 8192
)

var (
	errKey  = errors.New("foreign: not a P-256 or RSA key")
	errCert = errors.New("foreign: not an X.509 certificate")
)

// certificate is as much of X.509 as is needed. Package x509 refuses certificates that issuers do sign with: RSA keys under the name of
// RSASSA-PSS, P-256 with its parameters written out, serial numbers below zero.
type certificate struct {
	Signed struct {
		Version    int `asn1:"optional,explicit,default:0,tag:0"`
		Serial     asn1.RawValue
		Algorithm  asn1.RawValue
		Issuer     asn1.RawValue
		Validity   asn1.RawValue
		Subject    asn1.RawValue
		Key        subjectKey
		IssuerID   asn1.BitString   `asn1:"optional,tag:1"`
		SubjectID  asn1.BitString   `asn1:"optional,tag:2"`
		Extensions []pkix.Extension `asn1:"optional,explicit,tag:3"`
	}
	Algorithm asn1.RawValue
	Signature asn1.BitString
}

type subjectKey struct {
	Algorithm pkix.AlgorithmIdentifier
	Bits      asn1.BitString
}

var (
	oidEC  = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	oidRSA = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidPSS = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
	oidEKU = asn1.ObjectIdentifier{2, 5, 29, 37}
)

// uses are the extended key usages by which a key of COVID certificates is for one kind of statement, in both spellings of the arc.
var uses = map[string]What{
	"1.3.6.1.4.1.1847.2021.1.1": Test, "1.3.6.1.4.1.1847.2021.1.2": Vaccination, "1.3.6.1.4.1.1847.2021.1.3": Recovery,
	"1.3.6.1.4.1.0.1847.2021.1.1": Test, "1.3.6.1.4.1.0.1847.2021.1.2": Vaccination, "1.3.6.1.4.1.0.1847.2021.1.3": Recovery,
}

// FromCertificate makes the key of a COVID certificate's issuer of its X.509 certificate in DER. Who trusts that certificate is the
// caller's to know.
func FromCertificate(der []byte) (Key, error) {
	var cert certificate
	if rest, err := asn1.Unmarshal(der, &cert); err != nil || len(rest) > 0 {
		return Key{}, errCert
	}
	public, err := publicKey(cert.Signed.Key)
	if err != nil {
		return Key{}, err
	}
	sum := sha256.Sum256(der)
	key := Key{Kind: EUDCC, ID: base64.StdEncoding.EncodeToString(sum[:8]), Public: public}
	for _, extension := range cert.Signed.Extensions {
		if !extension.Id.Equal(oidEKU) {
			continue
		}
		var ids []asn1.ObjectIdentifier
		if _, err := asn1.Unmarshal(extension.Value, &ids); err != nil {
			return Key{}, errCert
		}
		for _, id := range ids {
			if what, known := uses[id.String()]; known {
				key.For = append(key.For, what)
			}
		}
	}
	return key, nil
}

func publicKey(k subjectKey) (crypto.PublicKey, error) {
	bits := k.Bits.RightAlign()
	switch {
	case k.Algorithm.Algorithm.Equal(oidEC):
		return pointKey(bits)
	case k.Algorithm.Algorithm.Equal(oidRSA), k.Algorithm.Algorithm.Equal(oidPSS):
		var numbers struct {
			N *big.Int
			E int
		}
		if rest, err := asn1.Unmarshal(bits, &numbers); err != nil || len(rest) > 0 {
			return nil, errKey
		}
		return rsaKey(numbers.N, numbers.E)
	}
	return nil, errKey
}

// pointKey reads a point of P-256; one that is on another curve does not pass.
func pointKey(point []byte) (crypto.PublicKey, error) {
	if len(point) == 33 && (point[0] == 2 || point[0] == 3) {
		x, y := elliptic.UnmarshalCompressed(elliptic.P256(), point)
		if x == nil {
			return nil, errKey
		}
		whole := make([]byte, 65)
		whole[0] = 4
		x.FillBytes(whole[1:33])
		y.FillBytes(whole[33:])
		point = whole
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil, errKey
	}
	return key, nil
}

func rsaKey(n *big.Int, e int) (crypto.PublicKey, error) {
	if n == nil || n.Sign() <= 0 || n.BitLen() < minRSA || n.BitLen() > maxRSA || e < 3 {
		return nil, errKey
	}
	return &rsa.PublicKey{N: n, E: e}, nil
}

// ParseKeys reads a file of keys: X.509 certificates in PEM for COVID certificates, or a JWK set with a member "issuer" for health cards.
func ParseKeys(data []byte) (Keys, error) {
	if len(data) > maxKeyFile {
		return nil, errors.New("foreign: the file of keys is too large")
	}
	var keys Keys
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		key, err := FromCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", len(keys)+1, err)
		}
		keys = append(keys, key)
	}
	if keys != nil {
		return keys, nil
	}
	return parseJWKS(data)
}

type jwk struct {
	Type  string `json:"kty"`
	Curve string `json:"crv"`
	X     string `json:"x"`
	Y     string `json:"y"`
	ID    string `json:"kid"`
}

func parseJWKS(data []byte) (keys Keys, err error) {
	var set struct {
		Issuer string `json:"issuer"`
		Keys   []jwk  `json:"keys"`
	}
	if json.Unmarshal(data, &set) != nil || set.Issuer == "" || len(set.Keys) == 0 {
		return nil, errors.New(`foreign: neither certificates in PEM nor a JWK set with "issuer" and "keys"`)
	}
	for _, k := range set.Keys {
		if k.Type != "EC" || k.Curve != "P-256" {
			continue // for something else
		}
		x, errX := base64.RawURLEncoding.DecodeString(k.X)
		y, errY := base64.RawURLEncoding.DecodeString(k.Y)
		public, err := pointKey(slices.Concat([]byte{4}, x, y))
		if err = errors.Join(err, errX, errY); err != nil {
			return nil, errKey
		}
		// The spec makes the id the key's thumbprint (RFC 7638): one that is not names another key.
		sum := sha256.Sum256(fmt.Appendf(nil, `{"crv":"P-256","kty":"EC","x":%q,"y":%q}`, k.X, k.Y))
		if base64.RawURLEncoding.EncodeToString(sum[:]) != k.ID {
			return nil, errors.New("foreign: a key's kid is not its thumbprint")
		}
		keys = append(keys, Key{Kind: SmartHealthCard, ID: k.ID, Issuer: set.Issuer, Public: public})
	}
	return keys, nil
}
