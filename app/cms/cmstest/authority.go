// Package cmstest is a certification authority for tests: it issues certificates to persons, revokes them, and says so by lists and by
// OCSP over HTTP. The signatures are made by another library than the one under test.
package cmstest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/smallstep/pkcs7"
)

// Authority issues certificates. Its Handler answers for it.
type Authority struct {
	Certificate *x509.Certificate
	Key         crypto.Signer
	Answers     *Answers

	mu      sync.Mutex
	revoked []x509.RevocationListEntry
	serial  int64
	lists   int64
}

// Wish is what a certificate is to be like; the zero value is a good one of nobody in particular.
type Wish struct {
	Name            string
	SNILS, INN      string
	OGRN            string
	From, Until     time.Time // zero = an hour ago, a year from then
	Usage           x509.KeyUsage
	Purposes        []x509.ExtKeyUsage
	Authority       bool
	Lists, Answered []string // addresses of the revocation list and of OCSP
	Key             crypto.Signer
	Change          func(*x509.Certificate)
}

// Holder is who has a certificate and its key.
type Holder struct {
	Certificate *x509.Certificate
	Key         crypto.Signer
	Chain       []*x509.Certificate // the authority, and what is above it short of the root
}

// NewKey draws a key.
func NewKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// NewAuthority makes a root. It is valid from two years before now for twenty.
func NewAuthority(t testing.TB, name string, now time.Time) *Authority {
	t.Helper()
	key := NewKey(t)
	draft := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: now.AddDate(-2, 0, 0), NotAfter: now.AddDate(18, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	return authority(parse(t, create(t, &draft, &draft, key, key)), key)
}

func authority(c *x509.Certificate, key crypto.Signer) *Authority {
	a := &Authority{Certificate: c, Key: key, serial: 1}
	a.Answers = &Answers{of: a}
	return a
}

// Below makes an authority that this one vouches for.
func (a *Authority) Below(t testing.TB, name string, now time.Time, change func(*x509.Certificate)) *Authority {
	t.Helper()
	h := a.Issue(t, now, Wish{Name: name, Authority: true, From: now.AddDate(-1, 0, 0), Until: now.AddDate(9, 0, 0), Change: change})
	return authority(h.Certificate, h.Key)
}

// Issue gives a certificate.
func (a *Authority) Issue(t testing.TB, now time.Time, w Wish) Holder {
	t.Helper()
	a.mu.Lock()
	a.serial++
	serial := a.serial
	a.mu.Unlock()
	if w.From.IsZero() {
		w.From = now.Add(-time.Hour)
	}
	if w.Until.IsZero() {
		w.Until = w.From.AddDate(1, 0, 0)
	}
	if w.Key == nil {
		w.Key = NewKey(t)
	}
	if w.Usage == 0 {
		w.Usage = x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment
	}
	draft := x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: w.Name}, NotBefore: w.From, NotAfter: w.Until,
		KeyUsage: w.Usage, ExtKeyUsage: w.Purposes, BasicConstraintsValid: true, CRLDistributionPoints: w.Lists, OCSPServer: w.Answered,
	}
	if w.Authority {
		draft.IsCA, draft.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
	}
	for _, a := range []pkix.AttributeTypeAndValue{
		{Type: asn1.ObjectIdentifier{1, 2, 643, 100, 3}, Value: w.SNILS}, {Type: asn1.ObjectIdentifier{1, 2, 643, 3, 131, 1, 1}, Value: w.INN},
		{Type: asn1.ObjectIdentifier{1, 2, 643, 100, 1}, Value: w.OGRN},
	} {
		if a.Value != "" {
			draft.Subject.ExtraNames = append(draft.Subject.ExtraNames, a)
		}
	}
	if w.Change != nil {
		w.Change(&draft)
	}
	return Holder{Certificate: parse(t, create(t, &draft, a.Certificate, w.Key, a.Key)), Key: w.Key, Chain: []*x509.Certificate{a.Certificate}}
}

func create(t testing.TB, draft, parent *x509.Certificate, key, by crypto.Signer) []byte {
	t.Helper()
	raw, err := x509.CreateCertificate(rand.Reader, draft, parent, key.Public(), by)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func parse(t testing.TB, raw []byte) *x509.Certificate {
	t.Helper()
	c, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Revoke takes a certificate back.
func (a *Authority) Revoke(c *x509.Certificate, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.revoked = append(a.revoked, x509.RevocationListEntry{SerialNumber: c.SerialNumber, RevocationTime: at})
}

// List gives the list of revoked certificates.
func (a *Authority) List(t testing.TB, now, next time.Time) []byte {
	t.Helper()
	raw, err := a.list(now, next)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func (a *Authority) list(now, next time.Time) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lists++
	return x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(a.lists), ThisUpdate: now, NextUpdate: next, RevokedCertificateEntries: a.revoked,
	}, a.Certificate, a.Key)
}

// Folder writes certificates as an operator has them: one PEM file each.
func Folder(t testing.TB, all ...*x509.Certificate) string {
	t.Helper()
	folder := t.TempDir()
	for i, c := range all {
		block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
		if err := os.WriteFile(filepath.Join(folder, string(rune('a'+i))+".pem"), block, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// Sign makes a detached signature over the content, with the certificate and those above it inside.
func (h Holder) Sign(t testing.TB, content []byte) []byte {
	t.Helper()
	return h.sign(t, content, pkcs7.OIDDigestAlgorithmSHA256)
}

// SignSHA1 is Sign with a digest that nobody should use any more.
func (h Holder) SignSHA1(t testing.TB, content []byte) []byte {
	t.Helper()
	return h.sign(t, content, pkcs7.OIDDigestAlgorithmSHA1)
}

func (h Holder) sign(t testing.TB, content []byte, digest asn1.ObjectIdentifier) []byte {
	t.Helper()
	m, err := pkcs7.NewSignedData(content)
	if err != nil {
		t.Fatal(err)
	}
	m.SetDigestAlgorithm(digest)
	if err := m.AddSignerChain(h.Certificate, h.Key, h.Chain, pkcs7.SignerInfoConfig{}); err != nil {
		t.Fatal(err)
	}
	m.Detach()
	raw, err := m.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
