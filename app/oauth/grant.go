package oauth

import (
	"context"
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// Request is the form that an organisation posts to the token endpoint.
type Request struct {
	GrantType     string
	AssertionType string
	Assertion     string
	Scope         string
	ClientID      string // need not be given; if it is, it must be the assertion's
}

// Response is what it gets.
type Response struct {
	AccessToken string
	ExpiresIn   time.Duration
	Scope       string
}

const (
	// AccessLife is how long an organisation's access token lives.
	AccessLife = 5 * time.Minute

	grantType     = "client_credentials"
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
)

// The errors of the token endpoint; their codes are those of RFC 6749, section 5.2. To whom the signature does not identify
// they all say the same: whether a client exists, or which keys it has, is nobody else's business.
var (
	errRequest   = fault.New(fault.Malformed, "invalid_request", "Post a form with grant_type, client_assertion_type, client_assertion and scope.")
	errGrantType = fault.New(fault.Malformed, "unsupported_grant_type", "The only grant type here is client_credentials.")
	errScope     = fault.New(fault.Malformed, "invalid_scope", "None of the scopes asked for is allowed to this client.")
	errClient    = invalidClient("The client is not known, or the assertion is not signed by one of its registered keys.")
)

func invalidClient(text string) *fault.Fault {
	return fault.New(fault.Unauthenticated, "invalid_client", text)
}

// Grant checks a client's assertion and gives it an access token.
func (s *Service) Grant(ctx context.Context, r Request) (Response, error) {
	switch {
	case r.GrantType == "" || r.Assertion == "":
		return Response{}, errRequest
	case r.GrantType != grantType:
		return Response{}, errGrantType
	case r.AssertionType != assertionType:
		return Response{}, errRequest
	}
	now := s.clock()
	var client identity.Client
	claimed := claimedClient(r.Assertion)
	if r.ClientID != "" && r.ClientID != string(claimed) {
		return Response{}, errClient
	}
	err := s.store.View(ctx, func(tx Tx) (err error) {
		client = identity.Client{}
		if claimed != "" {
			client, _, err = tx.Client(claimed)
		}
		return err
	})
	if err != nil {
		return Response{}, err
	}
	proof, err := s.checkAssertion(r.Assertion, client, now)
	if err != nil {
		return Response{}, err
	}
	scopes, err := allowed(client, r.Scope)
	if err != nil {
		return Response{}, err
	}
	jti := sha256.Sum256([]byte(proof.ID))
	fresh := false
	err = s.store.Update(ctx, func(tx Tx) (err error) {
		fresh, err = tx.SpendAssertion(client.ID, jti[:], proof.ExpiresAt.Add(leeway+time.Second))
		return err
	})
	if err != nil {
		return Response{}, err
	}
	if !fresh {
		return Response{}, errReplayed
	}
	scope := strings.Join(scopes, " ")
	token, err := s.sign(accessClaims{RegisteredClaims: s.registered(string(client.ID), now.Add(AccessLife)), ClientID: string(client.ID), Scope: scope, Actor: proof.Actor})
	return Response{AccessToken: token, ExpiresIn: AccessLife, Scope: scope}, err
}

// allowed cuts the scopes asked for down to those that the client may have; none asked for means all.
func allowed(c identity.Client, asked string) ([]string, error) {
	if strings.TrimSpace(asked) == "" {
		return c.Scopes, nil
	}
	var scopes []string
	for scope := range strings.FieldsSeq(asked) {
		if slices.Contains(c.Scopes, scope) && !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	if len(scopes) == 0 {
		return nil, errScope
	}
	return scopes, nil
}
