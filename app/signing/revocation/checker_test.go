package revocation_test

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/medcard/medcard/app/cms"
	"github.com/medcard/medcard/app/cms/cmstest"
	"github.com/medcard/medcard/app/signing/revocation"
)

// scene is an authority with its web server, a person with a certificate, and a clock.
type scene struct {
	*cmstest.Authority
	t       *testing.T
	web     *httptest.Server
	mu      sync.Mutex
	now     time.Time
	anna    cmstest.Holder
	checker *revocation.Checker
}

func (s *scene) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *scene) later(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

func (s *scene) be(m cmstest.Mood) {
	if m.Clock == nil {
		m.Clock = s.clock
	}
	s.Answers.Be(m)
}

// play makes a scene in which certificates name a list, or OCSP, or both.
func play(t *testing.T, lists, answers bool) *scene {
	t.Helper()
	s := &scene{t: t, now: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)}
	s.Authority = cmstest.NewAuthority(t, "Head", s.now)
	s.web = httptest.NewServer(s.Answers)
	t.Cleanup(s.web.Close)
	s.be(cmstest.Mood{})
	wish := cmstest.Wish{SNILS: "11223344595"}
	if lists {
		wish.Lists = []string{s.web.URL + "/list"}
	}
	if answers {
		wish.Answered = []string{s.web.URL + "/ocsp"}
	}
	s.anna = s.Issue(t, s.now, wish)
	s.checker = revocation.New(revocation.Settings{Hosts: []string{s.host()}, Clock: s.clock, Verifier: cms.Native{}})
	return s
}

func (s *scene) host() string { return strings.TrimPrefix(s.web.URL, "http://") }

func (s *scene) check() error {
	return s.checker.Check(s.t.Context(), []*x509.Certificate{s.anna.Certificate, s.Certificate})
}

func (s *scene) want(want error, what string) {
	s.t.Helper()
	if err := s.check(); !errors.Is(err, want) {
		s.t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func each(t *testing.T, f func(t *testing.T, lists, answers bool)) {
	t.Run("lists", func(t *testing.T) { f(t, true, false) })
	t.Run("answers", func(t *testing.T) { f(t, false, true) })
	t.Run("both", func(t *testing.T) { f(t, true, true) })
}

func TestRevokedBetweenTwoSignIns(t *testing.T) {
	each(t, func(t *testing.T, lists, answers bool) {
		s := play(t, lists, answers)
		s.want(nil, "at first")
		s.Revoke(s.anna.Certificate, s.clock())
		s.later(16 * time.Minute) // well before nextUpdate
		s.want(cms.ErrRevoked, "after it was revoked")
		s.be(cmstest.Mood{Down: true})
		s.later(24 * time.Hour)
		s.want(cms.ErrRevoked, "a day later, with nobody to ask")
	})
}

func TestASourceIsAskedSeldom(t *testing.T) {
	s := play(t, true, true)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if err := s.check(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if lists, asked := s.Answers.Asked(); lists != 1 || asked != 1 {
		t.Errorf("fifty at once fetched %d lists and asked %d times", lists, asked)
	}
	s.later(2 * time.Minute)
	s.want(nil, "after two minutes")
	if lists, asked := s.Answers.Asked(); lists != 1 || asked != 2 {
		t.Errorf("after two minutes: %d lists, asked %d times", lists, asked)
	}
}

func TestSilenceFailsClosed(t *testing.T) {
	each(t, func(t *testing.T, lists, answers bool) {
		s := play(t, lists, answers)
		s.be(cmstest.Mood{Down: true})
		s.want(cms.ErrStale, "down from the start")
		s.be(cmstest.Mood{})
		s.want(cms.ErrStale, "it is not asked again at once")
		s.later(11 * time.Second)
		s.want(nil, "up again")
		s.be(cmstest.Mood{Down: true})
		s.later(59 * time.Minute)
		s.want(nil, "down, and what it said is good for an hour")
		s.later(2 * time.Minute)
		s.want(cms.ErrStale, "the hour is over")
		s.be(cmstest.Mood{})
		s.later(11 * time.Second)
		s.want(nil, "up again")
	})
}

func TestWhatDoesNotCount(t *testing.T) {
	for name, mood := range map[string]func(*scene) cmstest.Mood{
		"expired":            func(*scene) cmstest.Mood { return cmstest.Mood{Age: 2 * time.Hour} },
		"from the future":    func(*scene) cmstest.Mood { return cmstest.Mood{Age: -10 * time.Minute} },
		"signed by another":  func(s *scene) cmstest.Mood { return cmstest.Mood{Other: cmstest.NewAuthority(t, "Head", s.now)} },
		"of another issuer":  func(s *scene) cmstest.Mood { return cmstest.Mood{Other: cmstest.NewAuthority(t, "Other", s.now)} },
		"without an end":     func(*scene) cmstest.Mood { return cmstest.Mood{Huge: true} },
		"somewhere else":     func(s *scene) cmstest.Mood { return cmstest.Mood{Elsewhere: s.web.URL + "/list?again"} },
		"no list, no answer": func(*scene) cmstest.Mood { return cmstest.Mood{List: []byte("<html>"), Unknown: true} },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, lists, answers bool) {
				s := play(t, lists, answers)
				s.be(mood(s))
				s.want(cms.ErrStale, name)
			})
		})
	}
}

// A certificate's own addresses lead nowhere unless the operator named the host: whoever gives out certificates must not make the
// server call what only the server can reach.
func TestNoAddressOfAStrangerIsFetched(t *testing.T) {
	s := play(t, true, true)
	for _, hosts := range [][]string{nil, {"127.0.0.1"}, {"localhost"}, {s.host() + ".example.org"}} {
		s.checker = revocation.New(revocation.Settings{Hosts: hosts, Clock: s.clock, Verifier: cms.Native{}})
		s.want(cms.ErrStale, "a host that nobody named")
	}
	s.checker = revocation.New(revocation.Settings{Hosts: []string{s.host()}, Clock: s.clock, Verifier: cms.Native{}})
	for _, address := range []string{"ftp://" + s.host() + "/list", "http://user@" + s.host() + "/list", "file:///etc/passwd", "http://" + s.host() + "/" + strings.Repeat("x", 500)} {
		s.anna = s.Issue(t, s.clock(), cmstest.Wish{Lists: []string{address}, Answered: []string{address}})
		s.want(cms.ErrStale, address)
	}
	if lists, asked := s.Answers.Asked(); lists+asked != 0 {
		t.Errorf("fetched %d and %d times", lists, asked)
	}
}

func TestTheOperatorsListCountsWhateverTheCertificateSays(t *testing.T) {
	s := play(t, false, false)
	other := cmstest.NewAuthority(t, "Other", s.now)
	foreign := httptest.NewServer(other.Answers)
	t.Cleanup(foreign.Close)
	other.Answers.Be(cmstest.Mood{Clock: s.clock})
	s.want(cms.ErrStale, "no list at all")
	s.checker = revocation.New(revocation.Settings{Lists: []string{foreign.URL, s.web.URL}, Clock: s.clock, Verifier: cms.Native{}})
	other.Revoke(s.anna.Certificate, s.clock()) // the same number, of another authority
	s.want(nil, "with a list")
	s.later(time.Minute)
	s.want(nil, "a minute later")
	if lists, _ := other.Answers.Asked(); lists != 1 {
		t.Errorf("the other authority's list was fetched %d times", lists)
	}
	theirs := other.Issue(t, s.now, cmstest.Wish{})
	if err := s.checker.Check(t.Context(), []*x509.Certificate{theirs.Certificate, other.Certificate}); !errors.Is(err, cms.ErrRevoked) {
		t.Errorf("the other authority's own, of that number: %v", err)
	}
	s.Revoke(s.anna.Certificate, s.clock())
	s.later(time.Hour)
	s.want(cms.ErrRevoked, "revoked")
}

func TestAnOlderListBringsNobodyBack(t *testing.T) {
	s := play(t, true, false)
	before := s.List(t, s.clock(), s.clock().Add(24*time.Hour))
	s.later(time.Minute)
	s.Revoke(s.anna.Certificate, s.clock())
	s.want(cms.ErrRevoked, "revoked")
	s.be(cmstest.Mood{List: before})
	s.later(time.Hour)
	s.want(cms.ErrRevoked, "with the list from before")
	s.be(cmstest.Mood{Other: cmstest.NewAuthority(t, "Other", s.now)})
	s.later(time.Hour)
	s.want(cms.ErrRevoked, "with a stranger's list behind the address")
}

func TestAListOfAPartIsNoList(t *testing.T) {
	s := play(t, true, false)
	raw, err := x509.CreateRevocationList(nothing{}, &x509.RevocationList{
		Number: s.anna.Certificate.SerialNumber, ThisUpdate: s.now, NextUpdate: s.now.Add(time.Hour),
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 28}, Critical: true, Value: []byte{0x30, 0}}},
	}, s.Certificate, s.Key)
	if err != nil {
		t.Fatal(err)
	}
	s.be(cmstest.Mood{List: raw})
	s.want(cms.ErrStale, "a part")
}

type nothing struct{}

func (nothing) Read(p []byte) (int, error) { return len(p), nil }

func TestNonces(t *testing.T) {
	s := play(t, false, true)
	s.be(cmstest.Mood{Nonce: "old"})
	s.want(cms.ErrStale, "somebody else's answer")
	s.be(cmstest.Mood{Nonce: "none"})
	s.later(11 * time.Second)
	s.want(nil, "an answer that was made in advance")
}

func TestWhoMayAnswer(t *testing.T) {
	s := play(t, false, true)
	may := s.Issue(t, s.now, cmstest.Wish{Purposes: []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}})
	for name, c := range map[string]struct {
		by   cmstest.Holder
		want error
	}{
		"who may":        {may, nil},
		"Anna herself":   {s.anna, cms.ErrStale},
		"who could once": {s.Issue(t, s.now, cmstest.Wish{Purposes: []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}, Until: s.now.Add(-time.Second)}), cms.ErrStale},
		"another's":      {cmstest.NewAuthority(t, "Head", s.now).Issue(t, s.now, cmstest.Wish{Purposes: []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}}), cms.ErrStale},
	} {
		s.checker = revocation.New(revocation.Settings{Hosts: []string{s.host()}, Clock: s.clock, Verifier: cms.Native{}})
		s.be(cmstest.Mood{Delegate: &c.by})
		s.want(c.want, name)
	}
}

func TestAnAuthorityThatWasRevokedVouchesForNobody(t *testing.T) {
	s := play(t, true, false)
	centre := s.Below(t, "Centre", s.now, func(c *x509.Certificate) { c.CRLDistributionPoints = []string{s.web.URL + "/list"} })
	web := httptest.NewServer(centre.Answers)
	t.Cleanup(web.Close)
	centre.Answers.Be(cmstest.Mood{Clock: s.clock})
	s.checker = revocation.New(revocation.Settings{Hosts: []string{s.host(), strings.TrimPrefix(web.URL, "http://")}, Clock: s.clock, Verifier: cms.Native{}})
	anna := centre.Issue(t, s.now, cmstest.Wish{Lists: []string{web.URL + "/list"}})
	chain := []*x509.Certificate{anna.Certificate, centre.Certificate, s.Certificate}
	if err := s.checker.Check(t.Context(), chain); err != nil {
		t.Errorf("at first: %v", err)
	}
	s.Revoke(centre.Certificate, s.now)
	s.later(time.Hour)
	if err := s.checker.Check(t.Context(), chain); !errors.Is(err, cms.ErrUntrusted) {
		t.Errorf("revoked: %v", err)
	}
}

func TestASourceThatHangsIsLeft(t *testing.T) {
	s := play(t, true, false)
	s.be(cmstest.Mood{Hangs: true})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	started := time.Now()
	if err := s.checker.Check(ctx, []*x509.Certificate{s.anna.Certificate, s.Certificate}); !errors.Is(err, cms.ErrStale) || time.Since(started) > 3*time.Second {
		t.Errorf("%v after %v", err, time.Since(started))
	}
}
