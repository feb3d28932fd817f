package oauth

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/identity"
)

// accessClaims are what an access token carries (RFC 9068, and the actor of RFC 8693 under its own name).
type accessClaims struct {
	jwt.RegisteredClaims
	ClientID string       `json:"client_id,omitempty"`
	Scope    string       `json:"scope,omitempty"`
	Actor    *personClaim `json:"actor,omitempty"`
	Session  string       `json:"sid,omitempty"`
	Device   string       `json:"did,omitempty"`
	Methods  []string     `json:"amr,omitempty"`
	Key      *keyClaim    `json:"cnf,omitempty"`
}

// keyClaim names the key that a token is bound to (RFC 9449, section 6.1).
type keyClaim struct {
	Thumbprint string `json:"jkt"`
}

// personClaim is the human behind an organisation's request.
type personClaim struct {
	ID     string `json:"sub"`
	Name   string `json:"name,omitempty"`
	Role   string `json:"role,omitempty"`
	Proven int64  `json:"auth_time,omitempty"` // seconds since 1970, as in OpenID Connect
}

// accessType is the type of a token's header: without it a client's assertion, say, could pass for one.
const accessType = "at+jwt"

// IssueSession makes an access token of a patient's session.
func (s *Service) IssueSession(of account.Session, ends time.Time) (string, error) {
	claims := accessClaims{RegisteredClaims: s.registered(string(of.Account), ends), Session: string(of.ID), Device: string(of.Device)}
	for _, m := range of.Methods {
		claims.Methods = append(claims.Methods, string(m))
	}
	if of.Key != "" {
		claims.Key = &keyClaim{Thumbprint: of.Key}
	}
	return s.sign(claims)
}

func (s *Service) registered(subject string, ends time.Time) jwt.RegisteredClaims {
	return jwt.RegisteredClaims{
		Issuer: s.issuer, Audience: jwt.ClaimStrings{s.issuer}, Subject: subject, ID: uuid.NewString(),
		IssuedAt: jwt.NewNumericDate(s.clock()), ExpiresAt: jwt.NewNumericDate(ends),
	}
}

func (s *Service) sign(claims accessClaims) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims)
	token.Header["kid"], token.Header["typ"] = s.kid, accessType
	return token.SignedString(s.signer)
}

// Verify says who shows an access token. The token proves who it was; whether he still may is read each time. A token that is bound to a key
// counts only with a proof of the request by that key.
func (s *Service) Verify(ctx context.Context, shown Shown) (identity.Actor, error) {
	var claims accessClaims
	parser := jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}), jwt.WithIssuer(s.issuer), jwt.WithAudience(s.issuer),
		jwt.WithExpirationRequired(), jwt.WithTimeFunc(s.clock), jwt.WithStrictDecoding())
	_, err := parser.ParseWithClaims(shown.Token, &claims, s.verifyingKey)
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return identity.Actor{}, errExpired
	case err != nil:
		return identity.Actor{}, errToken.Because(err)
	}
	var actor identity.Actor
	var key string
	err = s.store.Glance(ctx, func(tx Tx) (err error) {
		if claims.Session != "" {
			actor, key, err = s.sessionActor(tx, claims)
		} else {
			actor, err = s.clientActor(tx, claims)
		}
		return err
	})
	if err == nil {
		err = s.bound(shown, key)
	}
	if err != nil {
		return identity.Actor{}, err
	}
	return actor, nil
}

func (s *Service) verifyingKey(t *jwt.Token) (any, error) {
	kid, _ := t.Header["kid"].(string)
	public, ok := s.public[kid]
	if typ, _ := t.Header["typ"].(string); !ok || typ != accessType {
		return nil, jwt.ErrTokenUnverifiable
	}
	return public, nil
}

// sessionActor gives the actor of a session, and the key that it is bound to.
func (s *Service) sessionActor(tx Tx, claims accessClaims) (a identity.Actor, key string, err error) {
	session, found, err := tx.Session(identity.SessionID(claims.Session))
	if err != nil {
		return a, "", err
	}
	if !found || !session.Live(s.clock()) || string(session.Account) != claims.Subject {
		return a, "", errEnded
	}
	if claims.Key != nil && claims.Key.Thumbprint != session.Key {
		return a, "", errToken
	}
	return session.Actor(), session.Key, nil
}

// clientActor takes name, kind and the bounds of the scopes from the client as it is now.
func (s *Service) clientActor(tx Tx, claims accessClaims) (identity.Actor, error) {
	client, found, err := tx.Client(identity.ClientID(claims.ClientID))
	if err != nil {
		return identity.Actor{}, err
	}
	if !found || !client.Revoked.IsZero() {
		return identity.Actor{}, errRevoked
	}
	actor := identity.Actor{Kind: client.Kind, Client: client.ID, Organisation: client.Name}
	for scope := range strings.FieldsSeq(claims.Scope) {
		if slices.Contains(client.Scopes, scope) {
			actor.Scopes = append(actor.Scopes, scope)
		}
	}
	if p := claims.Actor; p != nil {
		actor.Person = identity.Person{ID: p.ID, Name: p.Name, Role: p.Role}
		if p.Proven > 0 {
			actor.Person.Proven = time.Unix(p.Proven, 0).UTC()
		}
	}
	return actor, nil
}
