package revocation

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/medcard/medcard/app/cms"
)

// The limits of what is fetched.
const (
	largestList   = 16 << 20
	largestAnswer = 64 << 10
	patience      = 4 * time.Second  // for one source
	pause         = 10 * time.Second // before a source that failed is asked again
	listAge       = 15 * time.Minute // after which a list that is still good is fetched anew
	answerAge     = time.Minute      // the same of an answer
	skew          = 5 * time.Minute  // by which an authority's clock may be ahead
	mostSources   = 10_000           // kept; beyond that it starts anew
	longestURL    = 500
)

// Settings say where a Checker may look.
type Settings struct {
	Hosts    []string // host or host:port: a certificate's addresses there may be fetched
	Lists    []string // addresses of lists that are looked at for every certificate
	Clock    func() time.Time
	Random   io.Reader // nil = crypto/rand
	Verifier cms.Verifier
}

// Checker asks the sources and remembers what they said. It is safe for concurrent use.
type Checker struct {
	Settings
	client *http.Client

	mu      sync.Mutex
	sources map[string]*source
}

// New makes a Checker.
func New(s Settings) *Checker {
	if s.Random == nil {
		s.Random = rand.Reader
	}
	return &Checker{Settings: s, sources: map[string]*source{}, client: &http.Client{
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// standing is what is known of one certificate.
type standing uint8

const (
	silent standing = iota
	good
	revoked
)

// Check looks at every certificate of a chain but the root, which nobody can revoke. cms.ErrRevoked says that the first one was, and
// cms.ErrUntrusted that one above it was.
func (c *Checker) Check(ctx context.Context, chain []*x509.Certificate) error {
	var verdict error
	for i, one := range chain[:max(len(chain)-1, 0)] {
		switch c.standing(ctx, one, chain[i+1]) {
		case revoked:
			if i == 0 {
				return cms.ErrRevoked
			}
			return cms.ErrUntrusted
		case silent:
			verdict = cms.ErrStale
		case good:
		}
	}
	return verdict
}

// standing asks all sources of a certificate: one that says revoked outweighs any other.
func (c *Checker) standing(ctx context.Context, one, issuer *x509.Certificate) standing {
	said := silent
	lists := slices.Concat(c.Lists, c.allowed(one.CRLDistributionPoints))
	for _, address := range lists {
		if said = max(said, c.source("list "+address).ask(ctx, c, listOf{address, issuer}, one, issuer)); said == revoked {
			return revoked
		}
	}
	if issuer.PublicKey == nil { // a key that the library does not know
		return said
	}
	for _, address := range c.allowed(one.OCSPServer) {
		name := "answer " + address + " " + one.SerialNumber.String() + " " + string(issuer.RawSubjectPublicKeyInfo)
		if said = max(said, c.source(name).ask(ctx, c, answerOf{address, one, issuer}, one, issuer)); said == revoked {
			return revoked
		}
	}
	return said
}

// allowed keeps the addresses at hosts that the operator named.
func (c *Checker) allowed(addresses []string) (kept []string) {
	for _, address := range addresses {
		u, err := url.Parse(address)
		if err == nil && len(address) <= longestURL && (u.Scheme == "http" || u.Scheme == "https") && u.User == nil && slices.Contains(c.Hosts, u.Host) && len(kept) < 4 {
			kept = append(kept, address)
		}
	}
	return kept
}

func (c *Checker) source(name string) *source {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, known := c.sources[name]
	if !known {
		if len(c.sources) >= mostSources {
			clear(c.sources)
		}
		s = &source{turn: make(chan struct{}, 1)}
		c.sources[name] = s
	}
	return s
}

// fetch gets what is at an address: with a question POST, else GET.
func (c *Checker) fetch(ctx context.Context, address string, question []byte, largest int64) ([]byte, error) {
	method := http.MethodGet
	if question != nil {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(question))
	if err != nil {
		return nil, err
	}
	if question != nil {
		r.Header.Set("Content-Type", "application/ocsp-request")
	}
	answer, err := c.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, errSource
	}
	raw, err := io.ReadAll(io.LimitReader(answer.Body, largest+1))
	if err == nil && int64(len(raw)) > largest {
		err = errSource
	}
	return raw, err
}

var errSource = errors.New("revocation: a source did not answer as it should")
