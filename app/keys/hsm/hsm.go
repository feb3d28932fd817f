//go:build pkcs11

package hsm

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/miekg/pkcs11"
)

// What PKCS#11 3.0 added for Edwards curves, which the binding has no names for.
const (
	ckkEdwards        = 0x00000040 // CKK_EC_EDWARDS
	ckmEdwardsKeyPair = 0x00001055 // CKM_EC_EDWARDS_KEY_PAIR_GEN
	ckmEdDSA          = 0x00001057 // CKM_EDDSA
)

// edwards25519 is the curve's name as PKCS#11 writes it: a DER PrintableString.
var edwards25519 = append([]byte{0x13, 12}, "edwards25519"...)

// Token is a PKCS#11 token with its user logged in. It is safe for concurrent use: one session works at a time.
type Token struct {
	mu      sync.Mutex
	module  *pkcs11.Ctx
	session pkcs11.SessionHandle
}

// Open loads a PKCS#11 library and logs in to the token with the label.
func Open(library, label, pin string) (*Token, error) {
	module := pkcs11.New(library)
	if module == nil {
		return nil, errors.New("hsm: the PKCS#11 library cannot be loaded")
	}
	if err := module.Initialize(); err != nil && !is(err, pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED) {
		return nil, wrong("initialize", err)
	}
	t := &Token{module: module}
	slot, err := t.slot(label)
	if err != nil {
		return nil, err
	}
	if t.session, err = module.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION); err != nil {
		return nil, wrong("open a session", err)
	}
	if err := module.Login(t.session, pkcs11.CKU_USER, pin); err != nil && !is(err, pkcs11.CKR_USER_ALREADY_LOGGED_IN) {
		return nil, errors.Join(wrong("log in", err), module.CloseSession(t.session))
	}
	return t, nil
}

// Close ends the session.
func (t *Token) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.module.CloseSession(t.session)
}

func is(err error, code uint) bool {
	var e pkcs11.Error
	return errors.As(err, &e) && uint(e) == code
}

// wrong says what failed; a PKCS#11 error is a number and its name.
func wrong(what string, err error) error { return fmt.Errorf("hsm: %s: %w", what, err) }

func (t *Token) slot(label string) (uint, error) {
	slots, err := t.module.GetSlotList(true)
	if err != nil {
		return 0, wrong("list the slots", err)
	}
	for _, slot := range slots {
		info, err := t.module.GetTokenInfo(slot)
		if err == nil && strings.TrimRight(info.Label, " \x00") == label {
			return slot, nil
		}
	}
	return 0, errors.New("hsm: no token has the configured label")
}

// Make makes an Ed25519 key pair whose private half cannot be read.
func (t *Token) Make(label string) (ed25519.PublicKey, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	public := []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, ckkEdwards), pkcs11.NewAttribute(pkcs11.CKA_EC_PARAMS, edwards25519),
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_VERIFY, true), pkcs11.NewAttribute(pkcs11.CKA_LABEL, label),
	}
	private := []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, ckkEdwards), pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true),
		pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true), pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, false),
		pkcs11.NewAttribute(pkcs11.CKA_SIGN, true), pkcs11.NewAttribute(pkcs11.CKA_LABEL, label),
	}
	made := []*pkcs11.Mechanism{pkcs11.NewMechanism(ckmEdwardsKeyPair, nil)}
	publicHandle, privateHandle, err := t.module.GenerateKeyPair(t.session, made, public, private)
	if err != nil {
		return nil, wrong("make a key", err)
	}
	got, err := t.module.GetAttributeValue(t.session, publicHandle, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_EC_POINT, nil)})
	if err != nil {
		return nil, wrong("read the public key", err)
	}
	key, err := pointOf(got[0].Value)
	if err != nil {
		return nil, err
	}
	// Both halves are found by the public one later.
	for _, handle := range []pkcs11.ObjectHandle{publicHandle, privateHandle} {
		if err := t.module.SetAttributeValue(t.session, handle, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_ID, idOf(key))}); err != nil {
			return nil, wrong("name the key", err)
		}
	}
	return key, nil
}

// pointOf reads a point, which some libraries wrap into an OCTET STRING and others do not.
func pointOf(value []byte) (ed25519.PublicKey, error) {
	if len(value) == ed25519.PublicKeySize {
		return ed25519.PublicKey(value), nil
	}
	var point []byte
	if rest, err := asn1.Unmarshal(value, &point); err != nil || len(rest) > 0 || len(point) != ed25519.PublicKeySize {
		return nil, errors.New("hsm: the token's public key is not Ed25519")
	}
	return ed25519.PublicKey(point), nil
}

func idOf(key ed25519.PublicKey) []byte { return bytes.Clone(key) }

// find lists the objects of a class that belong to a key.
func (t *Token) find(class uint, key ed25519.PublicKey) ([]pkcs11.ObjectHandle, error) {
	wanted := []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_CLASS, class), pkcs11.NewAttribute(pkcs11.CKA_ID, idOf(key))}
	if err := t.module.FindObjectsInit(t.session, wanted); err != nil {
		return nil, wrong("look for a key", err)
	}
	found, _, err := t.module.FindObjects(t.session, 2)
	if err := errors.Join(err, t.module.FindObjectsFinal(t.session)); err != nil {
		return nil, wrong("look for a key", err)
	}
	return found, nil
}

// Signer finds the private half of a key.
func (t *Token) Signer(key ed25519.PublicKey) (crypto.Signer, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	found, err := t.find(pkcs11.CKO_PRIVATE_KEY, key)
	if err != nil {
		return nil, err
	}
	if len(found) != 1 {
		return nil, errors.New("hsm: the token does not hold the key that the key folder names")
	}
	return &signer{t, found[0], key}, nil
}

// Destroy removes both halves of a key.
func (t *Token) Destroy(key ed25519.PublicKey) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, class := range []uint{pkcs11.CKO_PRIVATE_KEY, pkcs11.CKO_PUBLIC_KEY} {
		found, err := t.find(class, key)
		if err != nil {
			return err
		}
		for _, handle := range found {
			if err := t.module.DestroyObject(t.session, handle); err != nil {
				return wrong("destroy a key", err)
			}
		}
	}
	return nil
}

type signer struct {
	token  *Token
	handle pkcs11.ObjectHandle
	public ed25519.PublicKey
}

func (s *signer) Public() crypto.PublicKey { return s.public }

// Sign signs a message, not a digest: Ed25519 reads it twice itself.
func (s *signer) Sign(_ io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	if opts != nil && opts.HashFunc() != 0 {
		return nil, errors.New("hsm: Ed25519 signs messages that are not hashed")
	}
	s.token.mu.Lock()
	defer s.token.mu.Unlock()
	if err := s.token.module.SignInit(s.token.session, []*pkcs11.Mechanism{pkcs11.NewMechanism(ckmEdDSA, nil)}, s.handle); err != nil {
		return nil, wrong("sign", err)
	}
	signature, err := s.token.module.Sign(s.token.session, message)
	if err != nil {
		return nil, wrong("sign", err)
	}
	return signature, nil
}
