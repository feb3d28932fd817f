// Package gosttest is a certification authority with GOST keys for tests, made of the openssl command and its engine.
package gosttest

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/medcard/medcard/app/signing/gost"
)

// Command is the program that the tests use.
const Command = "openssl"

// Need gives the engine, or skips the test where there is none, unless MEDCARD_TEST_GOST says that there must be one.
func Need(t testing.TB) *gost.Engine {
	t.Helper()
	e, err := gost.Open(t.Context(), Command)
	if err != nil && os.Getenv("MEDCARD_TEST_GOST") != "" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip("no GOST signatures on this machine: ", err)
	}
	return e
}

// Authority signs with GOST R 34.10-2012.
type Authority struct {
	Certificate *x509.Certificate
	dir, size   string
}

const settings = `
[ca]
default_ca = one
[one]
database = index
crlnumber = number
default_md = md_gost12_SIZE
default_crl_days = 1
certificate = root.pem
private_key = root.key
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[person]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature, nonRepudiation
extendedKeyUsage = clientAuth, emailProtection
crlDistributionPoints = URI:LIST
[req]
distinguished_name = nobody
[nobody]
`

// NewAuthority makes a root with a key of 256 or 512 bits ("256", "512"). list is the address of its list of revoked certificates, as
// its certificates name it.
func NewAuthority(t testing.TB, size, list string) *Authority {
	t.Helper()
	a := &Authority{dir: t.TempDir(), size: size}
	a.write(t, "settings", strings.NewReplacer("SIZE", size, "LIST", list).Replace(settings))
	a.write(t, "index", "")
	a.write(t, "number", "01\n")
	a.key(t, "root.key")
	a.run(t, "req", "-engine", "gost", "-config", "settings", "-x509", "-new", "-key", "root.key", "-utf8", "-subj", "/CN=Корень", "-days", "30", "-extensions", "root", "-out", "root.pem")
	a.Certificate = a.read(t, "root.pem")
	return a
}

// Issue gives a person a certificate; name is of a file.
func (a *Authority) Issue(t testing.TB, name, snils string) *x509.Certificate {
	t.Helper()
	a.key(t, name+".key")
	a.run(t, "req", "-engine", "gost", "-config", "settings", "-new", "-key", name+".key", "-subj", "/CN="+name+"/1.2.643.100.3="+snils, "-out", name+".csr")
	a.run(t, "x509", "-engine", "gost", "-req", "-in", name+".csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-days", "5", "-extfile", "settings", "-extensions", "person", "-out", name+".pem")
	return a.read(t, name+".pem")
}

// Sign makes the person's detached signature over the content.
func (a *Authority) Sign(t testing.TB, name string, content []byte) []byte {
	t.Helper()
	a.write(t, "content", string(content))
	a.run(t, "cms", "-sign", "-engine", "gost", "-binary", "-in", "content", "-signer", name+".pem", "-inkey", name+".key", "-md", "md_gost12_"+a.size, "-nosmimecap", "-outform", "DER", "-out", "signature")
	raw, err := os.ReadFile(filepath.Join(a.dir, "signature"))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Revoke takes a person's certificate back.
func (a *Authority) Revoke(t testing.TB, name string) {
	t.Helper()
	a.run(t, "ca", "-engine", "gost", "-config", "settings", "-revoke", name+".pem")
}

// List gives the list of revoked certificates, DER.
func (a *Authority) List(t testing.TB) []byte {
	t.Helper()
	a.run(t, "ca", "-engine", "gost", "-config", "settings", "-gencrl", "-out", "list.pem")
	raw, err := os.ReadFile(filepath.Join(a.dir, "list.pem"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(raw)
	return block.Bytes
}

func (a *Authority) key(t testing.TB, file string) {
	t.Helper()
	a.run(t, "genpkey", "-engine", "gost", "-algorithm", "gost2012_"+a.size, "-pkeyopt", "paramset:A", "-out", file)
}

func (a *Authority) run(t testing.TB, args ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), Command, args...) //nolint:gosec // of a test
	c.Dir = a.dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("openssl %s: %v: %s", args[0], err, out)
	}
}

func (a *Authority) write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(a.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (a *Authority) read(t testing.TB, name string) *x509.Certificate {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(a.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(raw)
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
