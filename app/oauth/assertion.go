package oauth

import (
	"encoding/json"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/medcard/medcard/domain/identity"
)

// assertionClaims are what a client signs to prove itself.
type assertionClaims struct {
	jwt.RegisteredClaims
	Actor *personClaim `json:"actor,omitempty"`
}

const (
	leeway       = 30 * time.Second // between a client's clock and ours
	longestProof = 5 * time.Minute  // how far ahead an assertion may end, so that replays need not be remembered for long
	maxAssertion = 8 << 10
	maxPerson    = 200 // characters of each part of the actor claim
)

// What is wrong with an assertion that is signed as it should be.
var (
	errAssertionExpired = invalidClient("The assertion is expired: make a new one for each request.")
	errAssertionLong    = invalidClient("The assertion must end within five minutes of now.")
	errAssertionTarget  = invalidClient("The assertion's only audience must be this server's token endpoint or issuer.")
	errAssertionClaims  = invalidClient("The assertion needs iss and sub (both the client's id), aud, exp and jti.")
	errAssertionPerson  = invalidClient("The actor claim needs sub, and may have name and role, each of at most 200 characters, and auth_time, in seconds since 1970 and not in the future.")
	errReplayed         = invalidClient("The assertion was used before: make a new one, with a new jti, for each request.")
)

// claimedClient reads, without believing it, who an assertion says it is from: that tells which keys to try.
func claimedClient(assertion string) identity.ClientID {
	if len(assertion) > maxAssertion {
		return ""
	}
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		return ""
	}
	payload, err := jwt.NewParser(jwt.WithStrictDecoding()).DecodeSegment(parts[1])
	if err != nil {
		return ""
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	if json.Unmarshal(payload, &claims) != nil {
		return ""
	}
	id, err := uuid.Parse(claims.Issuer)
	if err != nil {
		return ""
	}
	return identity.ClientID(id.String())
}

// checkAssertion proves that the client signed the assertion, for this server, just now. An unknown client has no keys.
func (s *Service) checkAssertion(assertion string, client identity.Client, now time.Time) (assertionClaims, error) {
	set, err := ParseKeySet(client.Keys)
	if err != nil || !client.Revoked.IsZero() || len(assertion) > maxAssertion {
		return assertionClaims{}, errClient
	}
	var claims assertionClaims
	parser := jwt.NewParser(jwt.WithValidMethods(algorithms), jwt.WithStrictDecoding(), jwt.WithoutClaimsValidation())
	_, err = parser.ParseWithClaims(assertion, &claims, func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		return set.find(kid, t.Method.Alg())
	})
	if err != nil {
		return assertionClaims{}, errClient
	}
	id := string(client.ID)
	switch {
	case claims.Issuer != id || claims.Subject != id || claims.ID == "" || len(claims.ID) > 256 || claims.ExpiresAt == nil:
		return assertionClaims{}, errAssertionClaims
	case len(claims.Audience) != 1 || (claims.Audience[0] != s.issuer && claims.Audience[0] != s.issuer+TokenPath):
		return assertionClaims{}, errAssertionTarget
	case !now.Before(claims.ExpiresAt.Add(leeway)):
		return assertionClaims{}, errAssertionExpired
	case claims.ExpiresAt.After(now.Add(longestProof + leeway)):
		return assertionClaims{}, errAssertionLong
	case claims.NotBefore != nil && claims.NotBefore.After(now.Add(leeway)), claims.IssuedAt != nil && claims.IssuedAt.After(now.Add(leeway)):
		return assertionClaims{}, errAssertionClaims
	}
	return claims, claims.Actor.check(now)
}

func (p *personClaim) check(now time.Time) error {
	if p == nil {
		return nil
	}
	for _, text := range []string{p.ID, p.Name, p.Role} {
		if utf8.RuneCountInString(text) > maxPerson || strings.ContainsFunc(text, unicode.IsControl) {
			return errAssertionPerson
		}
	}
	if p.ID == "" || p.Proven < 0 || p.Proven > now.Add(leeway).Unix() {
		return errAssertionPerson
	}
	return nil
}

var errNoKey = errors.New("oauth: no such key")
