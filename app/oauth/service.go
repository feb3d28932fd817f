package oauth

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// Store runs transactions. A closure may run again, so it holds nothing but Tx calls.
type Store interface {
	View(ctx context.Context, f func(Tx) error) error
	// Glance is View for a single question.
	Glance(ctx context.Context, f func(Tx) error) error
	Update(ctx context.Context, f func(Tx) error) error
}

// Tx is what the authorisation server needs of one transaction.
type Tx interface {
	AddClient(c identity.Client) error
	Client(id identity.ClientID) (identity.Client, bool, error)
	Clients() ([]identity.Client, error)
	// RevokeClient gives false when there is no such client that is not revoked.
	RevokeClient(id identity.ClientID, now time.Time) (bool, error)
	// SpendAssertion remembers the id of an assertion, and gives false when it was seen before.
	SpendAssertion(id identity.ClientID, jti []byte, ends time.Time) (bool, error)
	ForgetAssertions(before time.Time) error

	Session(id identity.SessionID) (account.Session, bool, error)
}

// Parts are what a Service is made of.
type Parts struct {
	Store  Store
	Issuer string                          // the server's public URL, without a slash at the end
	Keys   []crypto.Signer                 // Ed25519; the first signs, all of them verify, so that a key can be replaced while its tokens live
	Digest func(kind, value string) []byte // keyed, of at least 16 bytes; the same at all servers of a database
	Clock  func() time.Time
}

// Service is the authorisation server. It is safe for concurrent use.
type Service struct {
	store  Store
	issuer string
	clock  func() time.Time
	signer crypto.Signer
	kid    string
	public map[string]crypto.PublicKey
	digest func(kind, value string) []byte
	proofs replays // of requests that show a token

	openings replays // of those that show none
}

// TokenPath is where organisations trade assertions for tokens, below the issuer.
const TokenPath = "/oauth/token"

// New makes a Service.
func New(p Parts) (*Service, error) {
	if len(p.Keys) == 0 {
		return nil, errors.New("oauth: no key to sign access tokens with")
	}
	s := &Service{store: p.Store, issuer: p.Issuer, clock: p.Clock, digest: p.Digest, signer: p.Keys[0], public: map[string]crypto.PublicKey{}}
	for i, key := range p.Keys {
		kid, err := keyID(key.Public())
		if err != nil {
			return nil, err
		}
		if i == 0 {
			s.kid = kid
		}
		s.public[kid] = key.Public()
	}
	return s, nil
}

// keyID names a key by the hash of what it is, so that nobody has to think of names or keep them apart.
func keyID(public crypto.PublicKey) (string, error) {
	if _, ok := public.(ed25519.PublicKey); !ok {
		return "", fmt.Errorf("oauth: access tokens are signed with Ed25519, not with %T", public)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(der)
	return base64.RawURLEncoding.EncodeToString(sum[:12]), nil
}

// Sweep deletes what is remembered of assertions that could not be replayed any more.
func (s *Service) Sweep(ctx context.Context) error {
	now := s.clock()
	return s.store.Update(ctx, func(tx Tx) error { return tx.ForgetAssertions(now) })
}

// Faults of access tokens. Those of the token endpoint stand in grant.go, under the names that RFC 6749 gives them.
var (
	errToken   = fault.New(fault.Unauthenticated, "token.invalid", "The access token is not one of ours, or it was changed.")
	errExpired = fault.New(fault.Unauthenticated, "token.expired", "The access token is expired: get a new one.")
	errEnded   = fault.New(fault.Unauthenticated, "session.ended", "The session has ended. Sign in again.")
	errRevoked = fault.New(fault.Unauthenticated, "client.revoked", "The organisation's access was withdrawn.")
)
