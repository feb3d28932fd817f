package cms

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"slices"
	"time"
)

// Anchors are the authorities that the operator trusts.
type Anchors struct {
	Roots   []*x509.Certificate
	Between []*x509.Certificate // known authorities below the roots, for messages that do not bring them
}

// Chain leads from the person's certificate to a root: the person's first, the root last. Only a chain whose every link was checked is
// given. What came in the message may be part of it, never its end.
func (a Anchors) Chain(ctx context.Context, v Verifier, m *Message, now time.Time) ([]*x509.Certificate, error) {
	switch c := m.Signer; {
	case now.Before(c.NotBefore):
		return nil, ErrNotYet
	case now.After(c.NotAfter):
		return nil, ErrExpired
	case len(c.UnhandledCriticalExtensions) > 0:
		return nil, ErrUntrusted
	}
	known := slices.Concat(a.Between, m.Others)
	verdict := ErrUntrusted
	for _, path := range a.paths([]*x509.Certificate{m.Signer}, known, nil) {
		err := a.check(ctx, v, path, now)
		if err == nil {
			return path, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if !errors.Is(err, ErrUntrusted) {
			verdict = err
		}
	}
	return nil, verdict
}

// paths lists, by names alone, the ways from the end of a path to a root.
func (a Anchors) paths(path, known []*x509.Certificate, found [][]*x509.Certificate) [][]*x509.Certificate {
	last := path[len(path)-1]
	if len(path) == longestChain {
		return found
	}
	for _, c := range a.Roots {
		if len(found) < mostPaths && mayIssue(c, last) && !slices.ContainsFunc(path, c.Equal) {
			found = append(found, append(slices.Clone(path), c))
		}
	}
	for _, c := range known {
		if len(found) < mostPaths && mayIssue(c, last) && !slices.ContainsFunc(path, c.Equal) && !slices.ContainsFunc(a.Roots, c.Equal) {
			found = a.paths(append(slices.Clone(path), c), known, found)
		}
	}
	return found
}

func mayIssue(above, below *x509.Certificate) bool {
	return bytes.Equal(above.RawSubject, below.RawIssuer) &&
		(len(below.AuthorityKeyId) == 0 || len(above.SubjectKeyId) == 0 || bytes.Equal(below.AuthorityKeyId, above.SubjectKeyId))
}

// check goes from the root down, so that no key is used before somebody trusted has vouched for it: a stranger cannot make the
// verifiers work on keys of his own.
func (a Anchors) check(ctx context.Context, v Verifier, path []*x509.Certificate, now time.Time) error {
	for i := len(path) - 1; i > 0; i-- {
		above, below := path[i], path[i-1]
		if !authority(above, i-1, now) {
			return ErrUntrusted
		}
		claim := Claim{Algorithm: outer(below.Raw), Known: below.SignatureAlgorithm, Message: below.RawTBSCertificate, Signature: below.Signature}
		if err := v.Verify(ctx, above, claim); errors.Is(err, ErrSignature) {
			return ErrUntrusted
		} else if err != nil {
			return err
		}
	}
	return nil
}

// authority reports whether the certificate may issue others at the instant, with that many authorities between it and the person.
func authority(c *x509.Certificate, between int, now time.Time) bool {
	limited := c.MaxPathLen > 0 || c.MaxPathLenZero
	return c.BasicConstraintsValid && c.IsCA && c.Version == 3 && (!limited || between <= c.MaxPathLen) &&
		(c.KeyUsage == 0 || c.KeyUsage&x509.KeyUsageCertSign != 0) &&
		!now.Before(c.NotBefore) && !now.After(c.NotAfter) && len(c.UnhandledCriticalExtensions) == 0 && !constrainsNames(c)
}

var oidNameConstraints = asn1.ObjectIdentifier{2, 5, 29, 30}

// constrainsNames: whoever limits an authority to some names must not have us pass over it.
func constrainsNames(c *x509.Certificate) bool {
	for _, e := range c.Extensions {
		if e.Id.Equal(oidNameConstraints) {
			return true
		}
	}
	return false
}
