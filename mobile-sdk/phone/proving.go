package phone

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"sync"

	"github.com/medcard/medcard/mobile-sdk/jws"
	"github.com/medcard/medcard/mobile-sdk/phone/vault"
)

// Each request proves that it comes from this installation (DPoP, RFC 9449): tokens that somebody copied are of no use without the key. A
// session that was opened by an older version of the SDK, or at an older server, is bound to none and goes on without.

const (
	bearer        = "Bearer"
	bound         = "DPoP" // type of a token that is bound to the key
	headerProof   = "DPoP"
	headerNonce   = "DPoP-Nonce"
	codeUseNonce  = "dpop.use_nonce"
	settingProver = "prover"
)

// prover makes the proofs.
type prover struct {
	key    *ecdsa.PrivateKey
	public jws.Key

	mu    sync.Mutex
	nonce string // of the server, for phones whose clock is wrong; "" = it asked for none
}

// loadProver takes the installation's key from the file, or makes one. It is drawn by the system, whatever Config.Random says: who knew how it was
// drawn would have it.
func loadProver(v *vault.Vault) (*prover, error) {
	var kept struct {
		Key []byte `json:"key"` // PKCS #8
	}
	found, err := v.Load(settingProver, &kept)
	if err != nil {
		return nil, err
	}
	p := new(prover)
	if found {
		parsed, err := x509.ParsePKCS8PrivateKey(kept.Key)
		key, is := parsed.(*ecdsa.PrivateKey)
		if err != nil || !is {
			return nil, fail("read the key of proofs", vault.ErrDamagedFile)
		}
		p.key = key
	} else {
		if p.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return nil, fail("make a key", err)
		}
		if kept.Key, err = x509.MarshalPKCS8PrivateKey(p.key); err != nil {
			return nil, fail("keep a key", err)
		}
		if err := v.Save(settingProver, kept); err != nil {
			return nil, err
		}
	}
	p.public, _, err = jws.Public(p.key.Public())
	return p, err
}

type proofClaims struct {
	ID       string `json:"jti"`
	Method   string `json:"htm"`
	Target   string `json:"htu"`
	IssuedAt int64  `json:"iat"`
	Token    string `json:"ath,omitempty"`
	Nonce    string `json:"nonce,omitempty"`
}

// prove adds the proof of a request: of one that shows the token, or of one that asks for tokens, with "".
func (c *Client) prove(req *http.Request, token string) error {
	target := *req.URL
	target.RawQuery, target.Fragment = "", ""
	claims := proofClaims{ID: rand.Text(), Method: req.Method, Target: target.String(), IssuedAt: c.time.now().Unix(), Nonce: c.prover.told("")}
	if token != "" {
		sum := sha256.Sum256([]byte(token))
		claims.Token = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	proof, err := jws.Compact(c.prover.key, map[string]any{"typ": "dpop+jwt", "jwk": c.prover.public}, claims)
	if err != nil {
		return fail("prove a request", err)
	}
	req.Header.Set(headerProof, proof)
	return nil
}

// told gives the server's nonce, after it has said another one; "" = it has not.
func (p *prover) told(nonce string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if nonce != "" {
		p.nonce = nonce
	}
	return p.nonce
}
