package oauth

import (
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/medcard/medcard/domain/fault"
)

// Shown is what a request shows to be let in.
type Shown struct {
	Scheme string // of its Authorization header: Bearer or DPoP
	Token  string
	Proof  string // its DPoP header; "" = none
	Method string
	Path   string // escaped, as it came, without a query
}

// The schemes under which a token is shown.
const (
	Bearer = "Bearer"
	DPoP   = "DPoP"
)

const (
	proofType    = "dpop+jwt"
	proofWindow  = 60 * time.Second // between the clock of who made a proof and ours; also how long a nonce lasts
	maxProof     = 4 << 10          // bytes of a proof
	maxProofName = 256              // bytes of its jti
)

// Codes of proofs that are not taken.
const (
	CodeProofMissing fault.Code = "dpop.required"
	CodeProof        fault.Code = "dpop.invalid"
	CodeNonce        fault.Code = "dpop.use_nonce"
)

// Faults of proofs. The door says them of a sign-in as of a request that is malformed, as RFC 9449, section 5, asks for.
var (
	errProofMissing = fault.New(fault.Unauthenticated, CodeProofMissing, "This token is bound to a key: send it as Authorization: DPoP, with a proof of this request in the header DPoP (RFC 9449).")
	errProof        = fault.New(fault.Unauthenticated, CodeProof, "The proof in the header DPoP is not of this request, this token and the key that the token is bound to, or it was used before. Make a new one for each request.")
	errNonce        = fault.New(fault.Unauthenticated, CodeNonce, "The proof is older or newer than a minute by this server's clock: make a new one with the nonce of the answer's header DPoP-Nonce.")
	errUnbound      = fault.New(fault.Unauthenticated, "dpop.not_bound", "This token is bound to no key: send it as Authorization: Bearer.")
	errManyProofs   = fault.New(fault.Unavailable, "dpop.too_many", "The server has too many requests to remember just now. Try again.").After(time.Minute)
)

// proofClaims are what a proof says (RFC 9449, section 4.2).
type proofClaims struct {
	jwt.RegisteredClaims
	Method string `json:"htm"`
	Target string `json:"htu"`
	Token  string `json:"ath"`
	Nonce  string `json:"nonce"`
}

// Proven gives the thumbprint of the key with which a request proves itself that shows no token: one that signs in, or renews a session. Anybody may
// make such proofs, with as many keys as he likes, so they are remembered apart, and where there is no room they count all the same: what
// such a request wants besides, a code or a token, is good once, and the session that it opens is of use to nobody without the key.
func (s *Service) Proven(shown Shown) (thumbprint string, err error) {
	shown.Token = ""
	thumbprint, name, err := s.proven(shown)
	if err == nil && s.openings.spend(name, s.clock()) == spentBefore {
		err = errProof
	}
	if err != nil {
		return "", err
	}
	return thumbprint, nil
}

// bound judges a token that was verified by the key that its session is bound to; "" = none.
func (s *Service) bound(shown Shown, key string) error {
	switch {
	case key == "" && shown.Scheme == DPoP:
		return errUnbound
	case key == "":
		return nil
	case shown.Scheme != DPoP || shown.Proof == "":
		return errProofMissing
	}
	thumbprint, name, err := s.proven(shown)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(thumbprint), []byte(key)) != 1 {
		return errProof
	}
	switch s.proofs.spend(name, s.clock()) { // only what is signed by a session's own key takes room here
	case spentBefore:
		return errProof
	case noRoom:
		return errManyProofs
	case spentNow:
	}
	return nil
}

// proven checks a proof in the order of RFC 9449, section 4.3: that it is one, by whom, of what and when. name is what it is remembered by.
func (s *Service) proven(shown Shown) (thumbprint, name string, err error) {
	if len(shown.Proof) > maxProof {
		return "", "", errProof
	}
	var claims proofClaims
	parser := jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodES256.Alg()}), jwt.WithStrictDecoding(), jwt.WithoutClaimsValidation())
	if _, err := parser.ParseWithClaims(shown.Proof, &claims, func(t *jwt.Token) (key any, err error) {
		key, thumbprint, err = proofKey(t)
		return key, err
	}); err != nil {
		return "", "", errProof.Because(err)
	}
	if claims.ID == "" || len(claims.ID) > maxProofName || claims.Method != shown.Method || !s.here(claims.Target, shown.Path) || claims.IssuedAt == nil {
		return "", "", errProof
	}
	if shown.Token != "" {
		sum := sha256.Sum256([]byte(shown.Token))
		if subtle.ConstantTimeCompare([]byte(claims.Token), []byte(base64.RawURLEncoding.EncodeToString(sum[:]))) != 1 {
			return "", "", errProof
		}
	}
	now := s.clock()
	if age := now.Sub(claims.IssuedAt.Time); (age > proofWindow || age < -proofWindow) && !s.recent(claims.Nonce, now) {
		return "", "", errNonce
	}
	return thumbprint, thumbprint + "|" + claims.ID, nil
}

// proofKey reads the key that a proof brings along: a public one on P-256, the only kind that phones' hardware keeps everywhere.
func proofKey(t *jwt.Token) (*ecdsa.PublicKey, string, error) {
	typ, _ := t.Header["typ"].(string)
	_, critical := t.Header["crit"]
	text, err := json.Marshal(t.Header["jwk"])
	if err != nil || typ != proofType || critical {
		return nil, "", jwt.ErrTokenUnverifiable
	}
	var k jwk
	if err := json.Unmarshal(text, &k); err != nil || k.Private != "" || k.Type != "EC" || k.Curve != "P-256" {
		return nil, "", jwt.ErrTokenUnverifiable
	}
	public, _, err := k.parse()
	key, is := public.(*ecdsa.PublicKey)
	if err != nil || !is {
		return nil, "", jwt.ErrTokenUnverifiable
	}
	point, err := key.Bytes() // 4, X, Y
	if err != nil {
		return nil, "", err
	}
	x, y := base64.RawURLEncoding.EncodeToString(point[1:33]), base64.RawURLEncoding.EncodeToString(point[33:])
	sum := sha256.Sum256([]byte(`{"crv":"P-256","kty":"EC","x":"` + x + `","y":"` + y + `"}`)) // RFC 7638
	return key, base64.RawURLEncoding.EncodeToString(sum[:]), nil
}

// here reports whether an address is that of the request: the server's public address and the path. A proof that was made for another
// server, which passed it on, is none. A server that was told no address of its own (MEDCARD_PUBLIC_URL) knows where it listens and not how it is
// reached, through an emulator, say, or a proxy: it compares the path alone.
func (s *Service) here(target, path string) bool {
	said, err := url.Parse(target)
	ours, bad := url.Parse(s.issuer)
	if err != nil || bad != nil || said.User != nil || said.EscapedPath() != ours.EscapedPath()+path {
		return false
	}
	return nameless(ours.Hostname()) || strings.EqualFold(said.Scheme, ours.Scheme) && strings.EqualFold(withPort(said), withPort(ours))
}

func withPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[strings.ToLower(u.Scheme)]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// nameless reports whether a host is only where a server listens: on loopback, or on all addresses.
func nameless(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip.IsLoopback() || ip.IsUnspecified()
}

// Nonce makes one (RFC 9449, section 8): the time by this server's clock, and its mark. All servers of a database know each other's.
func (s *Service) Nonce() string { return s.nonceOf(s.clock().Unix()) }

func (s *Service) nonceOf(at int64) string {
	when := binary.BigEndian.AppendUint64(nil, uint64(at))
	return base64.RawURLEncoding.EncodeToString(append(when, s.digest("dpop nonce", string(when))[:16]...))
}

// recent reports whether a nonce is one that was made within the last minute.
func (s *Service) recent(nonce string, now time.Time) bool {
	raw, err := base64.RawURLEncoding.DecodeString(nonce)
	if err != nil || len(raw) != 24 {
		return false
	}
	at := int64(binary.BigEndian.Uint64(raw))
	age := now.Sub(time.Unix(at, 0))
	return hmac.Equal([]byte(nonce), []byte(s.nonceOf(at))) && age >= -time.Second && age <= proofWindow
}
