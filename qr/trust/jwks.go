package trust

import (
	"encoding/base64"
	"encoding/json"
)

// JWKS writes the keys that may still be believed as a JSON Web Key Set (RFC 7517, RFC 8037) for web clients. It is not signed: TLS
// stands for it. iss, usage, nbf, lastIssue and exp are ours, and so are the numbers of the status lists beside the keys; a compromised key is left out.
func (s KeySet) JWKS() ([]byte, error) {
	type jwk struct {
		Type      string `json:"kty"`
		Curve     string `json:"crv"`
		X         string `json:"x"`
		ID        string `json:"kid"`
		Use       string `json:"use"`
		Algorithm string `json:"alg"`
		Issuer    string `json:"iss"`
		Usage     string `json:"usage"`
		NotBefore int64  `json:"nbf"`
		LastIssue int64  `json:"lastIssue"`
		Expires   int64  `json:"exp"`
	}
	keys := []jwk{}
	for _, k := range s.Keys {
		if k.Standing == Compromised {
			continue
		}
		keys = append(keys, jwk{
			Type: "OKP", Curve: "Ed25519", X: base64.RawURLEncoding.EncodeToString(k.Public), ID: k.ID.String(), Use: "sig",
			Algorithm: "EdDSA", Issuer: k.Issuer, Usage: string(k.Usage),
			NotBefore: k.NotBefore.Unix(), LastIssue: k.LastIssue.Unix(), Expires: k.LastVerify.Unix(),
		})
	}
	return json.Marshal(struct {
		Keys  []jwk    `json:"keys"`
		Lists []uint32 `json:"statusLists"`
	}{keys, append([]uint32{}, s.Lists...)})
}
