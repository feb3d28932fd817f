package oauth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// ClientKey is the organisation's side: the private key with which its system signs. Medcard makes one for an organisation
// that brings none, hands it over and does not keep it.
type ClientKey struct {
	Client identity.ClientID
	kid    string
	key    *ecdsa.PrivateKey
}

// clientKeyFile is the private JWK as it is handed over. client_id is a member of our own, so that one file is all there is to keep.
type clientKeyFile struct {
	jwk
	Client string `json:"client_id,omitempty"`
}

// NewClientKey makes a P-256 key and the set with its public part, which is what gets registered.
func NewClientKey() (ClientKey, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return ClientKey{}, nil, err
	}
	k := ClientKey{kid: uuid.NewString(), key: key}
	public, err := k.public()
	if err != nil {
		return ClientKey{}, nil, err
	}
	set, err := json.Marshal(jwkSet{Keys: []jwk{public}})
	return k, set, err
}

func (k ClientKey) public() (jwk, error) {
	point, err := k.key.PublicKey.Bytes() // 4, X, Y
	if err != nil {
		return jwk{}, err
	}
	encode := base64.RawURLEncoding.EncodeToString
	half := (len(point) - 1) / 2
	return jwk{Type: "EC", Curve: "P-256", Algorithm: "ES256", Use: "sig", ID: k.kid, X: encode(point[1 : 1+half]), Y: encode(point[1+half:])}, nil
}

// Document writes the private JWK.
func (k ClientKey) Document() ([]byte, error) {
	document, err := k.public()
	if err != nil {
		return nil, err
	}
	secret, err := k.key.Bytes()
	if err != nil {
		return nil, err
	}
	document.Private = base64.RawURLEncoding.EncodeToString(secret)
	return json.MarshalIndent(clientKeyFile{document, string(k.Client)}, "", "  ")
}

var errClientKey = fault.New(fault.Invalid, "client_key.format", "This is not a private key as `medcard clients add` writes it.")

// ParseClientKey reads what Document wrote.
func ParseClientKey(document []byte) (ClientKey, error) {
	var f clientKeyFile
	if err := json.Unmarshal(document, &f); err != nil || f.Type != "EC" || f.Curve != "P-256" || f.Client == "" {
		return ClientKey{}, errClientKey
	}
	secret, err := base64.RawURLEncoding.DecodeString(f.Private)
	if err != nil {
		return ClientKey{}, errClientKey
	}
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), secret)
	if err != nil {
		return ClientKey{}, errClientKey
	}
	return ClientKey{Client: identity.ClientID(f.Client), kid: f.ID, key: key}, nil
}

// Assertion signs what the organisation's system posts to the token endpoint of a server, for the person who acts; a Person
// without an ID is none.
func (k ClientKey) Assertion(server string, who identity.Person, now time.Time) (string, error) {
	claims := assertionClaims{RegisteredClaims: jwt.RegisteredClaims{
		Issuer: string(k.Client), Subject: string(k.Client), Audience: jwt.ClaimStrings{server + TokenPath}, ID: uuid.NewString(),
		IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(time.Minute)),
	}}
	if who.ID != "" {
		claims.Actor = &personClaim{ID: who.ID, Name: who.Name, Role: who.Role}
	}
	token := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	token.Header["kid"] = k.kid
	return token.SignedString(k.key)
}
