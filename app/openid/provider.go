package openid

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/identity"
)

// Config is what a provider knows Medcard by.
type Config struct {
	Profile
	Issuer   string
	Client   string
	Secret   string
	Redirect string // where the provider sends the person back: an address that the app answers
}

// Provider is an external OpenID provider. It is safe for concurrent use.
type Provider struct {
	cfg  Config
	http *http.Client

	mu    sync.Mutex
	party rp.RelyingParty // nil until the provider was reached for the first time
}

// patience is how long a provider may take for one answer.
const patience = 8 * time.Second

// Errors of a provider.
var (
	ErrAway    = errors.New("openid: the provider cannot be reached")
	ErrRefused = errors.New("openid: the provider does not vouch for anybody with this code")
)

// New makes a provider. It need not be reachable yet.
func New(cfg Config) *Provider {
	return &Provider{cfg: cfg, http: &http.Client{
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // what the discovery names is all we ask
	}}
}

// Name is the provider's, as links to it are kept.
func (p *Provider) Name() string { return p.cfg.Name }

type nonceKey struct{}

// reach gives the relying party, and asks the provider for its addresses when that has not succeeded yet.
func (p *Provider) reach(ctx context.Context) (rp.RelyingParty, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.party != nil {
		return p.party, nil
	}
	party, err := rp.NewRelyingPartyOIDC(ctx, p.cfg.Issuer, p.cfg.Client, p.cfg.Secret, p.cfg.Redirect, p.cfg.Scopes, rp.WithHTTPClient(p.http),
		rp.WithVerifierOpts(rp.WithNonce(func(ctx context.Context) string { n, _ := ctx.Value(nonceKey{}).(string); return n }), rp.WithIssuedAtOffset(5*time.Second)))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAway, err)
	}
	p.party = party
	return party, nil
}

// URL is the page on which the person signs in at the provider.
func (p *Provider) URL(ctx context.Context, state, nonce, verifier string) (string, error) {
	party, err := p.reach(ctx)
	if err != nil {
		return "", err
	}
	return rp.AuthURL(state, party, rp.WithCodeChallenge(oidc.NewSHACodeChallenge(verifier)),
		func() []oauth2.AuthCodeOption { return []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("nonce", nonce)} }), nil
}

// info is what the provider says of a person.
type info map[string]any

// GetSubject is what the library compares with the ID token.
func (i info) GetSubject() string { return text(i, "sub") }

// Person trades a code for whom the provider vouches for.
func (p *Provider) Person(ctx context.Context, code, nonce, verifier string) (account.External, error) {
	party, err := p.reach(ctx)
	if err != nil {
		return account.External{}, err
	}
	if nonce == "" || verifier == "" {
		return account.External{}, ErrRefused // an empty nonce would equal one that is not there
	}
	tokens, err := rp.CodeExchange[*oidc.IDTokenClaims](context.WithValue(ctx, nonceKey{}, nonce), code, party, rp.WithCodeVerifier(verifier))
	if err != nil {
		return account.External{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	claims, err := rp.Userinfo[info](ctx, tokens.AccessToken, tokens.TokenType, tokens.IDTokenClaims.GetSubject(), party)
	if err != nil {
		return account.External{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return p.person(claims), nil
}

// person reads the claims. A number that nobody has seen on paper, or that is none, is left out.
func (p *Provider) person(claims info) account.External {
	who := account.External{Provider: p.cfg.Name, Subject: claims.GetSubject()}
	if p.cfg.Trusted != "" && truth(claims, p.cfg.Trusted) {
		if number, err := identity.ParseSNILS(text(claims, p.cfg.SNILS)); err == nil {
			who.SNILS = number
		}
	}
	return who
}
