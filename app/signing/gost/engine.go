// Package gost checks signatures by GOST R 34.10-2012 and hashes by GOST R 34.11-2012 with another program: the openssl command, with
// the engine "gost" (Debian and Ubuntu: libengine-gost-openssl). Go has neither of the two.
//
// The program gets a public key, a signature and a message, never a secret. It runs for a few seconds at most, four at once, without our
// environment, and on files in a folder of its own that is removed afterwards. A digest or a check is one process; a sign-in with a chain of
// three certificates takes four, and one more for each list of revoked certificates that has to be fetched.
//
// A certified build of CryptoPro or ViPNet can stand behind the same two calls: set MEDCARD_SIGN_GOST to a command that takes
// `dgst -engine gost -md_gost12_256 [-binary | -verify KEY -signature FILE]`.
package gost

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/medcard/medcard/app/cms"
)

const (
	patience = 5 * time.Second
	atOnce   = 4
)

// family is one of the two sizes of the algorithms.
type family struct {
	flag      string // the digest as the program calls it
	digest    string // OIDs
	key       string
	signature int // bytes
}

var (
	small = family{"-md_gost12_256", "1.2.643.7.1.1.2.2", "1.2.643.7.1.1.1.1", 64}
	large = family{"-md_gost12_512", "1.2.643.7.1.1.2.3", "1.2.643.7.1.1.1.2", 128}
)

// signs are the families by the OID of a signature with its digest.
var signs = map[string]family{"1.2.643.7.1.1.3.2": small, "1.2.643.7.1.1.3.3": large}

// Engine runs the program.
type Engine struct {
	command string
	slots   chan struct{}
}

var _ cms.Verifier = (*Engine)(nil)

// ErrEngine means that the program is not there, or does not know GOST.
var ErrEngine = errors.New("gost: the command does not check GOST signatures; install openssl with its engine (Debian: libengine-gost-openssl)")

// Open tries the program with an example of RFC 6986.
func Open(ctx context.Context, command string) (*Engine, error) {
	e := &Engine{command: command, slots: make(chan struct{}, atOnce)}
	const example, answer = "012345678901234567890123456789012345678901234567890123456789012", "9d151eefd8590b89daa6ba6cb74af9275dd051026bb149a452fd84e5e57b5500"
	hash, err := e.Digest(ctx, small.digest, []byte(example))
	if err != nil || hex.EncodeToString(hash) != answer {
		return nil, ErrEngine
	}
	return e, nil
}

// Digest hashes with GOST R 34.11-2012.
func (e *Engine) Digest(ctx context.Context, algorithm string, content []byte) ([]byte, error) {
	for _, f := range []family{small, large} {
		if f.digest == algorithm {
			hash, err := e.run(ctx, content, f.flag, "-binary")
			if err == nil && len(hash) != f.signature/2 {
				err = ErrEngine
			}
			return hash, err
		}
	}
	return nil, cms.ErrUnsupported
}

// Verify checks a signature by GOST R 34.10-2012.
func (e *Engine) Verify(ctx context.Context, by *x509.Certificate, c cms.Claim) error {
	f, known := familyOf(c)
	if !known || c.Known != x509.UnknownSignatureAlgorithm || keyOf(by) != f.key {
		return cms.ErrUnsupported
	}
	if len(c.Signature) != f.signature {
		return cms.ErrSignature
	}
	folder, err := os.MkdirTemp("", "medcard-gost-")
	if err != nil {
		return fmt.Errorf("gost: %w", err)
	}
	defer os.RemoveAll(folder)
	key, signature := filepath.Join(folder, "key.pem"), filepath.Join(folder, "signature")
	if err := os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: by.RawSubjectPublicKeyInfo}), 0o600); err != nil {
		return fmt.Errorf("gost: %w", err)
	}
	if err := os.WriteFile(signature, c.Signature, 0o600); err != nil {
		return fmt.Errorf("gost: %w", err)
	}
	said, err := e.run(ctx, c.Message, f.flag, "-verify", key, "-signature", signature)
	switch text := string(said); {
	case err == nil && strings.TrimSpace(text) == "Verified OK":
		return nil
	case strings.Contains(text, "Verification failure"), strings.Contains(text, "Verification Failure"):
		return cms.ErrSignature
	case err == nil:
		err = ErrEngine
	}
	return err
}

// familyOf reads a claim: of a certificate the algorithm says all, in a message it may be that of the key, with the digest beside it.
func familyOf(c cms.Claim) (family, bool) {
	f, known := signs[c.Algorithm]
	for _, one := range []family{small, large} {
		if one.key == c.Algorithm && one.digest == c.Digest {
			return one, true
		}
	}
	return f, known && (c.Digest == "" || c.Digest == f.digest)
}

// keyOf is the OID of a certificate's key.
func keyOf(c *x509.Certificate) string {
	var info struct {
		Algorithm struct {
			OID        asn1.ObjectIdentifier
			Parameters asn1.RawValue `asn1:"optional"`
		}
		Key asn1.BitString
	}
	if _, err := asn1.Unmarshal(c.RawSubjectPublicKeyInfo, &info); err != nil {
		return ""
	}
	return info.Algorithm.OID.String()
}

// run starts the program on a message and gives what it said. Nothing of that reaches a log: it is either a hash or one of two lines.
func (e *Engine) run(ctx context.Context, message []byte, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case e.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-e.slots }()
	c := exec.CommandContext(ctx, e.command, append([]string{"dgst", "-engine", "gost"}, args...)...) //nolint:gosec // the operator names the command, and the arguments are ours
	c.WaitDelay = time.Second
	c.Env = environment()
	c.Stdin = bytes.NewReader(message)
	said, err := c.Output()
	if err != nil {
		return said, fmt.Errorf("gost: the command failed: %T", err)
	}
	return said, nil
}

// environment is what the program needs to find its parts, and none of our secrets.
func environment() (kept []string) {
	for _, name := range []string{"PATH", "LD_LIBRARY_PATH", "OPENSSL_CONF", "OPENSSL_ENGINES", "TMPDIR"} {
		if value, set := os.LookupEnv(name); set {
			kept = append(kept, name+"="+value)
		}
	}
	return append(kept, "LC_ALL=C")
}
