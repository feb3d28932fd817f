package revocation

import (
	"bytes"
	"context"
	"crypto/x509"
	"time"

	"github.com/medcard/medcard/app/cms"
)

// listOf asks for an authority's list of revoked certificates.
type listOf struct {
	address string
	issuer  *x509.Certificate
}

func (listOf) age() time.Duration { return listAge }

func (q listOf) ask(ctx context.Context, c *Checker) (said, error) {
	raw, err := c.fetch(ctx, q.address, nil, largestList)
	if err != nil {
		return said{}, err
	}
	list, err := x509.ParseRevocationList(raw)
	if err != nil {
		return said{}, err
	}
	if list.NextUpdate.IsZero() {
		return said{}, errSource
	}
	for _, e := range list.Extensions {
		if e.Critical { // of a part of the certificates, or of changes alone: what it does not name may be revoked
			return said{}, errSource
		}
	}
	r := &roll{list: list, numbers: make(map[string]bool, len(list.RevokedCertificateEntries)), proven: map[string]bool{}}
	for _, e := range list.RevokedCertificateEntries {
		r.numbers[string(e.SerialNumber.Bytes())] = true
	}
	list.RevokedCertificateEntries = nil // a large authority's have a hundred megabytes
	own := r.names(q.issuer)
	if own {
		if err := r.prove(ctx, c, q.issuer); err != nil {
			return said{}, err
		}
	}
	return said{from: list.ThisUpdate, until: list.NextUpdate, owner: string(list.RawIssuer), proven: own, of: r.standing}, nil
}

// roll is a list as it is looked things up in.
type roll struct {
	list    *x509.RevocationList
	numbers map[string]bool
	proven  map[string]bool // keys of authorities by which the signature was checked
}

func (r *roll) names(issuer *x509.Certificate) bool {
	return bytes.Equal(r.list.RawIssuer, issuer.RawSubject)
}

func (r *roll) prove(ctx context.Context, c *Checker, issuer *x509.Certificate) error {
	key := string(issuer.RawSubjectPublicKeyInfo)
	if r.proven[key] {
		return nil
	}
	if issuer.KeyUsage != 0 && issuer.KeyUsage&x509.KeyUsageCRLSign == 0 {
		return errSource
	}
	if err := cms.ListSigned(ctx, c.Verifier, issuer, r.list); err != nil {
		return err
	}
	r.proven[key] = true
	return nil
}

func (r *roll) standing(ctx context.Context, c *Checker, one, issuer *x509.Certificate) standing {
	switch {
	case !r.names(issuer) || r.prove(ctx, c, issuer) != nil:
		return silent
	case r.numbers[string(one.SerialNumber.Bytes())]:
		return revoked
	}
	return good
}
