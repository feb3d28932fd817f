package cms_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/medcard/medcard/app/cms"
	"github.com/medcard/medcard/app/cms/cmstest"
)

var (
	noon    = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	content = []byte("Medcard asks: is it you?\nnonce: 4711\n")
)

const snils = "11223344595"

// judge does all that this package does for a signature.
func judge(t testing.TB, raw, content []byte, a cms.Anchors, now time.Time) (cms.Owner, error) {
	t.Helper()
	m, err := cms.Parse(raw)
	if err != nil {
		return cms.Owner{}, err
	}
	if _, err := a.Chain(t.Context(), cms.Native{}, m, now); err != nil {
		return cms.Owner{}, err
	}
	if err := m.Holds(t.Context(), cms.Native{}, content); err != nil {
		return cms.Owner{}, err
	}
	if err := cms.Usable(m.Signer); err != nil {
		return cms.Owner{}, err
	}
	return cms.OwnerOf(m.Signer)
}

func TestASignatureHoldsOrSaysWhyNot(t *testing.T) {
	root := cmstest.NewAuthority(t, "Head", noon)
	between := root.Below(t, "Centre", noon, nil)
	stranger := cmstest.NewAuthority(t, "Head", noon) // the same name, another key
	anchors := cms.Anchors{Roots: []*x509.Certificate{root.Certificate}}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Skip("this Go refuses to make a weak key: ", err)
	}
	strong, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		by   *cmstest.Authority
		wish cmstest.Wish
		at   time.Time
		want error
	}{
		"of a root":                        {by: root, wish: cmstest.Wish{SNILS: snils}},
		"of an authority below":            {by: between, wish: cmstest.Wish{SNILS: snils}},
		"RSA":                              {by: root, wish: cmstest.Wish{SNILS: snils, Key: strong}},
		"with a number of the taxpayer":    {by: root, wish: cmstest.Wish{SNILS: snils, INN: "500100732259"}},
		"for clients":                      {by: root, wish: cmstest.Wish{SNILS: snils, Purposes: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}},
		"at its last second":               {by: root, wish: cmstest.Wish{SNILS: snils, Until: noon.Add(time.Hour)}, at: noon.Add(time.Hour)},
		"expired":                          {by: root, wish: cmstest.Wish{SNILS: snils, Until: noon.Add(time.Hour)}, at: noon.Add(time.Hour + time.Second), want: cms.ErrExpired},
		"not valid yet":                    {by: root, wish: cmstest.Wish{SNILS: snils, From: noon.Add(time.Second)}, want: cms.ErrNotYet},
		"of a stranger with the same name": {by: stranger, wish: cmstest.Wish{SNILS: snils}, want: cms.ErrUntrusted},
		"too weak":                         {by: root, wish: cmstest.Wish{SNILS: snils, Key: weak}, want: cms.ErrUnsupported},
		"signed with SHA-1": {by: root, want: cms.ErrUnsupported, wish: cmstest.Wish{SNILS: snils, Change: func(c *x509.Certificate) {
			c.SignatureAlgorithm = x509.ECDSAWithSHA1
		}}},
		"for encryption alone":   {by: root, wish: cmstest.Wish{SNILS: snils, Usage: x509.KeyUsageKeyEncipherment}, want: cms.ErrUsage},
		"for servers alone":      {by: root, wish: cmstest.Wish{SNILS: snils, Purposes: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}, want: cms.ErrUsage},
		"of an authority itself": {by: root, wish: cmstest.Wish{SNILS: snils, Authority: true}, want: cms.ErrUsage},
		"of nobody":              {by: root, want: cms.ErrOwner},
		"with a mistyped number": {by: root, wish: cmstest.Wish{SNILS: "11223344596"}, want: cms.ErrOwner},
		"with a mistyped INN":    {by: root, wish: cmstest.Wish{SNILS: snils, INN: "500100732258"}, want: cms.ErrOwner},
		"of an organisation":     {by: root, wish: cmstest.Wish{SNILS: snils, OGRN: "1027700132195"}, want: cms.ErrOwner},
		"of two people": {by: root, want: cms.ErrOwner, wish: cmstest.Wish{SNILS: snils, Change: func(c *x509.Certificate) {
			c.Subject.ExtraNames = append(c.Subject.ExtraNames, pkix.AttributeTypeAndValue{Type: asn1.ObjectIdentifier{1, 2, 643, 100, 3}, Value: "08765430300"})
		}}},
		"with a rule that nobody here knows": {by: root, want: cms.ErrUntrusted, wish: cmstest.Wish{SNILS: snils, Change: func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			if c.at.IsZero() {
				c.at = noon
			}
			anna := c.by.Issue(t, noon, c.wish)
			if c.by != between { // else the library that signs looks at the chain, too
				anna.Chain = nil
			}
			owner, err := judge(t, anna.Sign(t, content), content, anchors, c.at)
			if !errors.Is(err, c.want) || err == nil && (owner.SNILS != snils || string(owner.INN) != c.wish.INN) {
				t.Errorf("%v, %v; want %v", owner, err, c.want)
			}
		})
	}
}

func TestOtherBytesAndOtherKeys(t *testing.T) {
	root := cmstest.NewAuthority(t, "Head", noon)
	anchors := cms.Anchors{Roots: []*x509.Certificate{root.Certificate}}
	anna := root.Issue(t, noon, cmstest.Wish{SNILS: snils})
	raw := anna.Sign(t, content)
	if _, err := judge(t, raw, append(bytes.Clone(content), '\n'), anchors, noon); !errors.Is(err, cms.ErrSignature) {
		t.Errorf("over other bytes: %v", err)
	}
	thief := anna
	thief.Key = cmstest.NewKey(t)
	if _, err := judge(t, thief.Sign(t, content), content, anchors, noon); !errors.Is(err, cms.ErrSignature) {
		t.Errorf("with another key: %v", err)
	}
	if _, err := judge(t, raw[:len(raw)-1], content, anchors, noon); !errors.Is(err, cms.ErrMalformed) {
		t.Errorf("cut off: %v", err)
	}
	if _, err := judge(t, append(bytes.Clone(raw), 0), content, anchors, noon); !errors.Is(err, cms.ErrMalformed) {
		t.Errorf("with a tail: %v", err)
	}
	if _, err := judge(t, make([]byte, cms.MaxMessage+1), content, anchors, noon); !errors.Is(err, cms.ErrMalformed) {
		t.Errorf("too large: %v", err)
	}
	// No bit of what counts can be another one. (What does not count are the kinds of digests announced ahead, and what else came along.)
	accepted := 0
	for i := range raw {
		for bit := range 8 {
			flipped := bytes.Clone(raw)
			flipped[i] ^= 1 << bit
			m, err := cms.Parse(flipped)
			if err != nil {
				continue
			}
			if _, err := judge(t, flipped, content, anchors, noon); err != nil {
				continue
			}
			accepted++
			if !m.Signer.Equal(anna.Certificate) {
				t.Fatalf("byte %d, bit %d: another certificate counts", i, bit)
			}
		}
	}
	t.Logf("%d of %d flipped bits do not matter", accepted, 8*len(raw))
	if accepted > 8*len(raw)/2 {
		t.Error("most bits do not matter")
	}
}

// The chain's verdict is that of crypto/x509, on chains with everything that authorities get wrong.
func TestTheChainAgreesWithTheStandardLibrary(t *testing.T) {
	root := cmstest.NewAuthority(t, "Head", noon)
	pool := x509.NewCertPool()
	pool.AddCert(root.Certificate)
	anchors := cms.Anchors{Roots: []*x509.Certificate{root.Certificate}}
	good := 0
	rapid.Check(t, func(r *rapid.T) {
		by := root
		var above []*x509.Certificate
		for i := range rapid.IntRange(0, 3).Draw(r, "between") {
			fault := rapid.SampledFrom([]string{"", "", "", "", "no authority", "path length", "usage", "expired", "other key"}).Draw(r, "fault")
			next := by.Below(t, fmt.Sprint("Centre ", i), noon, func(c *x509.Certificate) {
				switch fault {
				case "no authority":
					c.IsCA = false
				case "path length":
					c.MaxPathLen, c.MaxPathLenZero = 0, true
				case "usage":
					c.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageCRLSign
				case "expired":
					c.NotAfter = noon.Add(-time.Second)
				}
			})
			if fault == "other key" {
				next.Key = cmstest.NewKey(t)
				next.Certificate.PublicKey = next.Key.Public() // else CreateCertificate notices
			}
			by, above = next, append(above, next.Certificate)
		}
		leaf := by.Issue(t, noon, cmstest.Wish{SNILS: snils})
		others := x509.NewCertPool()
		for _, c := range above {
			parsed, err := x509.ParseCertificate(c.Raw)
			if err != nil {
				r.Fatal(err)
			}
			others.AddCert(parsed)
		}
		_, theirs := leaf.Certificate.Verify(x509.VerifyOptions{Roots: pool, Intermediates: others, CurrentTime: noon, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
		var sent []*x509.Certificate
		for _, c := range above {
			parsed, err := x509.ParseCertificate(c.Raw)
			if err != nil {
				r.Fatal(err)
			}
			sent = append(sent, parsed)
		}
		_, ours := anchors.Chain(t.Context(), cms.Native{}, &cms.Message{Signer: leaf.Certificate, Others: sent}, noon)
		if (ours == nil) != (theirs == nil) {
			r.Fatalf("ours: %v, theirs: %v", ours, theirs)
		}
		if ours == nil {
			good++
		}
	})
	if good == 0 {
		t.Error("no chain was good")
	}
}

func TestNamesThatAreLimitedAreNotPassedOver(t *testing.T) {
	root := cmstest.NewAuthority(t, "Head", noon)
	limited := root.Below(t, "Centre", noon, func(c *x509.Certificate) {
		c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{"example.org"}
	})
	anchors := cms.Anchors{Roots: []*x509.Certificate{root.Certificate}}
	if _, err := judge(t, limited.Issue(t, noon, cmstest.Wish{SNILS: snils}).Sign(t, content), content, anchors, noon); !errors.Is(err, cms.ErrUntrusted) {
		t.Error(err)
	}
}

// A message of hundreds of authorities with one name costs no more than the paths that are tried.
func TestManyPathsEnd(t *testing.T) {
	root := cmstest.NewAuthority(t, "Head", noon)
	anna := root.Issue(t, noon, cmstest.Wish{SNILS: snils})
	var same []*x509.Certificate
	for range 15 {
		c := cmstest.NewAuthority(t, "Head", noon).Certificate
		same = append(same, c)
	}
	started := time.Now()
	anchors := cms.Anchors{Roots: append(slices.Clone(same[:10]), root.Certificate)}
	if _, err := anchors.Chain(t.Context(), cms.Native{}, &cms.Message{Signer: anna.Certificate, Others: same}, noon); err != nil {
		t.Error(err)
	}
	if took := time.Since(started); took > 10*time.Second {
		t.Error(took)
	}
}

// Another program's signatures are read, and what we take for one it takes too.
func TestOpenSSLSignsTheSame(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("there is no openssl command here")
	}
	root := cmstest.NewAuthority(t, "Head", noon)
	anchors := cms.Anchors{Roots: []*x509.Certificate{root.Certificate}}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		wish cmstest.Wish
		args []string
		want error
	}{
		"ECDSA":               {wish: cmstest.Wish{SNILS: snils}},
		"by key id":           {wish: cmstest.Wish{SNILS: snils, Change: func(c *x509.Certificate) { c.SubjectKeyId = []byte("anna") }}, args: []string{"-keyid"}},
		"RSA with SHA-512":    {wish: cmstest.Wish{SNILS: snils, Key: rsaKey}, args: []string{"-md", "sha512"}},
		"CAdES":               {wish: cmstest.Wish{SNILS: snils}, args: []string{"-cades"}},
		"SHA-1":               {wish: cmstest.Wish{SNILS: snils}, args: []string{"-md", "sha1"}, want: cms.ErrUnsupported},
		"the content inside":  {wish: cmstest.Wish{SNILS: snils}, args: []string{"-nodetach"}, want: cms.ErrMalformed},
		"without attributes":  {wish: cmstest.Wish{SNILS: snils}, args: []string{"-noattr"}, want: cms.ErrMalformed},
		"without certificate": {wish: cmstest.Wish{SNILS: snils}, args: []string{"-nocerts"}, want: cms.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			anna := root.Issue(t, noon, c.wish)
			key, err := x509.MarshalPKCS8PrivateKey(anna.Key)
			if err != nil {
				t.Fatal(err)
			}
			for file, data := range map[string][]byte{
				"key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), "content": content,
				"certificate": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: anna.Certificate.Raw}),
			} {
				if err := os.WriteFile(filepath.Join(dir, file), data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			sign := exec.CommandContext(t.Context(), openssl, append([]string{"cms", "-sign", "-binary", "-in", "content", "-signer", "certificate", "-inkey", "key", "-outform", "DER"}, c.args...)...)
			sign.Dir = dir
			raw, err := sign.Output()
			if err != nil {
				t.Fatalf("openssl: %v", err)
			}
			if _, err := judge(t, raw, content, anchors, noon); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

func TestPrivateKeysAreKnownInEveryWrapping(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(rsaKey)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalPKCS8PrivateKey(cmstest.NewKey(t))
	if err != nil {
		t.Fatal(err)
	}
	// The outermost shapes of PKCS#12 and of an encrypted PKCS#8; what is in them is for nobody to see.
	box := func(of any) []byte {
		raw, err := asn1.Marshal(of)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	type content struct{ Type asn1.ObjectIdentifier }
	pfx := box(struct {
		Version int
		Safe    content
	}{3, content{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}}})
	encrypted := box(struct {
		Scheme pkix.AlgorithmIdentifier
		Data   []byte
	}{pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}}, []byte("secret")})
	keys := map[string][]byte{
		"PKCS#8": pkcs8, "PKCS#1": x509.MarshalPKCS1PrivateKey(rsaKey), "SEC 1 in PKCS#8": sec1, "PKCS#12": pfx, "encrypted": encrypted,
		"SEC 1": box(struct {
			Version int
			Key     []byte
		}{1, []byte("0123456789abcdef0123456789abcdef")}),
		"PEM": pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1}),
	}
	for name, raw := range keys {
		if !cms.HoldsPrivateKey(base64.StdEncoding.EncodeToString(raw)) {
			t.Errorf("%s passed", name)
		}
	}
	if !cms.HoldsPrivateKey(string(keys["PEM"])) {
		t.Error("PEM as it is passed")
	}
	if _, err := exec.LookPath("openssl"); err == nil {
		if !cms.HoldsPrivateKey(base64.StdEncoding.EncodeToString(opensslPFX(t))) {
			t.Error("a PKCS#12 file of openssl passed")
		}
	}
	root := cmstest.NewAuthority(t, "Head", noon)
	for name, raw := range map[string][]byte{
		"a signature": root.Issue(t, noon, cmstest.Wish{SNILS: snils}).Sign(t, []byte("x")), "a certificate": root.Certificate.Raw,
		"nothing": {}, "a number": box(big.NewInt(7)),
	} {
		if cms.HoldsPrivateKey(base64.StdEncoding.EncodeToString(raw)) {
			t.Errorf("%s is taken for a private key", name)
		}
	}
}

func opensslPFX(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	for _, args := range [][]string{
		{"req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key", "-out", "certificate", "-subj", "/CN=x"},
		{"pkcs12", "-export", "-inkey", "key", "-in", "certificate", "-out", "box", "-passout", "pass:secret"},
	} {
		c := exec.CommandContext(t.Context(), "openssl", args...)
		c.Dir = dir
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("openssl: %v: %s", err, out)
		}
	}
	raw, err := os.ReadFile(filepath.Join(dir, "box"))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Whatever comes: no panic, and nothing that is no signature of a person whom the root knows holds.
func FuzzParse(f *testing.F) {
	root := cmstest.NewAuthority(f, "Head", noon)
	anna := root.Issue(f, noon, cmstest.Wish{SNILS: snils})
	anchors := cms.Anchors{Roots: []*x509.Certificate{root.Certificate}}
	raw := anna.Sign(f, content)
	for _, seed := range [][]byte{raw, raw[:len(raw)/2], {}, {0x30, 0x80}, root.Certificate.Raw, slices.Repeat([]byte{0x30, 0x82, 0xff, 0xff}, 100)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		_ = cms.HoldsPrivateKey(string(raw))
		_ = cms.HoldsPrivateKey(base64.StdEncoding.EncodeToString(raw))
		m, err := cms.Parse(raw)
		if err != nil {
			if !errors.Is(err, cms.ErrMalformed) {
				t.Error(err)
			}
			return
		}
		if owner, err := judge(t, raw, content, anchors, noon); err == nil && (owner.SNILS != snils || !m.Signer.Equal(anna.Certificate)) {
			t.Error("somebody else's signature holds")
		}
	})
}
