package credential

import (
	"context"
	"crypto"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	_ "crypto/sha512" // crypto.SHA384

	"github.com/medcard/medcard/mobile-sdk/problem"
)

// Client is an organisation's system.
type Client struct {
	ID       string        // client id, as registered
	Key      crypto.Signer // ECDSA on P-384
	TokenURL string
	Audience string // of assertions; empty = TokenURL
	Scopes   []string

	HTTP  *http.Client     // nil = one with a deadline
	Clock func() time.Time // nil = time.Now
}

// Actor is the person who acts for the organisation.
type Actor struct {
	Subject string `json:"sub"` // the organisation's own stable id of its employee
	Name    string `json:"name,omitempty"`
	Role    string `json:"role,omitempty"`
	// Proven is when the person last proved to the organisation who he is, in seconds since 1970 (auth_time of OpenID Connect); 0 = it does
	// not say. What is grave, as opening a card in an emergency, asks for a proof of the last minutes.
	Proven int64 `json:"auth_time,omitempty"`
}

// Source gives tokens and keeps them while they last. It is safe for concurrent use.
type Source struct {
	client Client
	mu     sync.Mutex
	held   map[Actor]token
}

type token struct {
	value string
	until time.Time
}

const (
	proofTerm = 2 * time.Minute  // of an assertion
	spare     = 30 * time.Second // a token this close to its end is not used for a new request
	maxHeld   = 1000
)

// New makes a source for a client.
func New(client Client) *Source {
	if client.Audience == "" {
		client.Audience = client.TokenURL
	}
	if client.HTTP == nil {
		client.HTTP = &http.Client{Timeout: 15 * time.Second}
	}
	if client.Clock == nil {
		client.Clock = time.Now
	}
	return &Source{client: client, held: map[Actor]token{}}
}

// As gives the tokens of one person; the zero Actor stands for the organisation alone.
func (s *Source) As(actor Actor) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) { return s.token(ctx, actor) }
}

// Token gives a token of the organisation without a person.
func (s *Source) Token(ctx context.Context) (string, error) { return s.token(ctx, Actor{}) }

// Forget drops what is held, after a token was refused before its time.
func (s *Source) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = map[Actor]token{}
}

func (s *Source) token(ctx context.Context, actor Actor) (string, error) {
	// One request at a time: ten windows that wake up together need one token.
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.client.Clock()
	if t, ok := s.held[actor]; ok && now.Before(t.until.Add(-spare)) {
		return t.value, nil
	}
	t, err := s.fetch(ctx, actor, now)
	if err != nil {
		return "", err
	}
	if len(s.held) >= maxHeld {
		s.held = map[Actor]token{}
	}
	s.held[actor] = t
	return t.value, nil
}

type assertion struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	Expires  int64  `json:"exp"`
	IssuedAt int64  `json:"iat"`
	ID       string `json:"jti"`
	Actor    *Actor `json:"actor,omitempty"`
}

// Assertion is the signed proof of who asks, good once and for two minutes.
func (s *Source) assertion(actor Actor, now time.Time) (string, error) {
	claims := assertion{
		Issuer: s.client.ID, Subject: s.client.ID, Audience: s.client.Audience,
		Expires: now.Add(proofTerm).Unix(), IssuedAt: now.Unix(), ID: rand.Text(),
	}
	if actor != (Actor{}) {
		claims.Actor = &actor
	}
	return sign(s.client.Key, claims)
}

func (s *Source) fetch(ctx context.Context, actor Actor, now time.Time) (token, error) {
	proof, err := s.assertion(actor, now)
	if err != nil {
		return token{}, err
	}
	form := url.Values{
		"grant_type":            {"client_credentials"},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion":      {proof},
		"scope":                 {strings.Join(s.client.Scopes, " ")},
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.client.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return token{}, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := s.client.HTTP.Do(request)
	if err != nil {
		return token{}, fmt.Errorf("credential: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return token{}, refusal(response)
	}
	var granted struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, 64<<10)).Decode(&granted); err != nil || granted.AccessToken == "" {
		return token{}, fmt.Errorf("credential: the token endpoint's answer is no token")
	}
	return token{value: granted.AccessToken, until: now.Add(time.Duration(min(granted.ExpiresIn, 86_400)) * time.Second)}, nil
}

// refusal reads the errors of a token endpoint, which have a form of their own (RFC 6749, section 5.2).
func refusal(response *http.Response) error {
	if strings.HasPrefix(response.Header.Get("Content-Type"), "application/problem+json") {
		return problem.From(response)
	}
	var body struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	p := &problem.Problem{Status: response.StatusCode, Title: http.StatusText(response.StatusCode), Code: "http"}
	if json.NewDecoder(io.LimitReader(response.Body, 64<<10)).Decode(&body) == nil && body.Error != "" {
		p.Code, p.Detail = body.Error, body.Description
	}
	return p
}
