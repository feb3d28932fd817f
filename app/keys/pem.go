package keys

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"time"
)

// PEM files of signing keys. Their headers are times (RFC 3339), and where the secret half is.
const (
	createdHeader = "Created" // when the key was made
	fromHeader    = "From"    // when it may begin to sign; without the header: when it was made
	heldHeader    = "Held"    // "vault": the secret half never was in a file
	inVault       = "vault"

	privateBlock = "PRIVATE KEY" // PKCS#8
	publicBlock  = "PUBLIC KEY"  // what is left of a key that signs no more, or all of one in a vault
)

// generate makes a key and the text of its file.
func (c *Custody) generate(u Usage, from time.Time) ([]byte, error) {
	if c.vault != nil && u != Tokens {
		public, err := c.vault.Make("medcard " + string(u))
		if err != nil {
			return nil, err
		}
		return publicPEM(public, c.now(), from, inVault)
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: privateBlock, Bytes: der, Headers: headers(c.now(), from, "")}), nil
}

func publicPEM(public ed25519.PublicKey, made, from time.Time, held string) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: publicBlock, Bytes: der, Headers: headers(made, from, held)}), nil
}

func headers(made, from time.Time, held string) map[string]string {
	h := map[string]string{createdHeader: made.UTC().Format(time.RFC3339), fromHeader: from.UTC().Format(time.RFC3339)}
	if held != "" {
		h[heldHeader] = held
	}
	return h
}

// parse reads the file of a key. What crypto/x509 says of a file that is broken may quote it, and stays here.
func (c *Custody) parse(text []byte) (s Signer, err error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return s, errors.New("not a PEM file")
	}
	if s.Created, err = time.Parse(time.RFC3339, block.Headers[createdHeader]); err != nil {
		return s, errors.New("it does not say when the key was made: it needs the header Created with an RFC 3339 time")
	}
	s.From = s.Created
	if from := block.Headers[fromHeader]; from != "" {
		if s.From, err = time.Parse(time.RFC3339, from); err != nil {
			return s, errors.New("the header From is no RFC 3339 time")
		}
	}
	if block.Type == publicBlock {
		return c.parsePublic(s, block)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return s, errors.New("it holds no PKCS#8 key")
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return s, errors.New("it holds a key that is not Ed25519")
	}
	s.Signer, s.Key = private, private.Public().(ed25519.PublicKey)
	return s, nil
}

func (c *Custody) parsePublic(s Signer, block *pem.Block) (Signer, error) {
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return s, errors.New("it holds no public key")
	}
	public, ok := key.(ed25519.PublicKey)
	if !ok {
		return s, errors.New("it holds a key that is not Ed25519")
	}
	s.Key = public
	if block.Headers[heldHeader] != inVault {
		return s, nil
	}
	if c.vault == nil {
		return s, errors.New("its secret half is in a vault, and none is configured")
	}
	var signer crypto.Signer
	if signer, err = c.vault.Signer(public); err == nil {
		s.Signer = signer
	}
	return s, err
}

func digest(public ed25519.PublicKey) [sha256.Size]byte { return sha256.Sum256(public) }

// replace exchanges a file for another of the same name, whole.
func replace(path string, content []byte) error {
	draft, err := os.CreateTemp(filepath.Dir(path), ".draft-*")
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name())
	_, err = draft.Write(content)
	if err := errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return err
	}
	if err := os.Rename(draft.Name(), path); err != nil {
		return err
	}
	return settle(filepath.Dir(path))
}
