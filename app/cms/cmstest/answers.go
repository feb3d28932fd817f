package cmstest

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"golang.org/x/crypto/ocsp"
)

// Answers is the authority's web server: GET /list gives the list of revoked certificates, POST /ocsp answers about one.
type Answers struct {
	of *Authority

	mu    sync.Mutex
	mood  Mood
	lists int
	asked int
}

// Mood is how it answers; the zero value with a clock is as it should be.
type Mood struct {
	Clock     func() time.Time
	Life      time.Duration // from the answer to the next one; 0 = an hour
	Age       time.Duration // how old what it says is already
	Down      bool          // 503
	Hangs     bool          // answers when the asker has gone
	Other     *Authority    // signs in place of this one
	Delegate  *Holder       // signs answers by OCSP
	Nonce     string        // "" = the asker's, "none" = left out, "old" = another one
	Unknown   bool          // says by OCSP that it knows nothing
	Huge      bool          // never stops
	Elsewhere string        // redirects there
	List      []byte        // says this as its list
}

// Be sets the mood.
func (a *Answers) Be(m Mood) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mood = m
}

// Asked tells how often the list was fetched and OCSP was asked.
func (a *Answers) Asked() (lists, ocsp int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.lists, a.asked
}

// ServeHTTP answers in the mood that it is in.
func (a *Answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	m := a.mood
	if r.Method == http.MethodPost {
		a.asked++
	} else {
		a.lists++
	}
	a.mu.Unlock()
	var raw []byte
	var err error
	switch {
	case m.Down:
		err = errors.New("down")
	case m.Hangs:
		<-r.Context().Done()
		return
	case m.Elsewhere != "":
		http.Redirect(w, r, m.Elsewhere, http.StatusFound)
		return
	case m.Huge:
		piece := make([]byte, 1<<20)
		for err == nil {
			_, err = w.Write(piece)
		}
		return
	case r.Method == http.MethodPost:
		raw, err = a.answer(m, r.Body)
	case m.List != nil:
		raw = m.List
	default:
		by := a.of
		if m.Other != nil {
			by = m.Other
		}
		at := m.Clock().Add(-m.Age)
		raw, err = by.list(at, at.Add(m.life()))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write(raw)
}

func (m Mood) life() time.Duration {
	if m.Life == 0 {
		return time.Hour
	}
	return m.Life
}

func (a *Answers) answer(m Mood, body io.Reader) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(body, 1<<16))
	if err != nil {
		return nil, err
	}
	question, err := ocsp.ParseRequest(raw)
	if err != nil {
		return nil, err
	}
	at := m.Clock().Add(-m.Age)
	draft := ocsp.Response{Status: ocsp.Good, SerialNumber: question.SerialNumber, ThisUpdate: at, NextUpdate: at.Add(m.life()), IssuerHash: question.HashAlgorithm}
	a.of.mu.Lock()
	for _, e := range a.of.revoked {
		if e.SerialNumber.Cmp(question.SerialNumber) == 0 {
			draft.Status, draft.RevokedAt = ocsp.Revoked, e.RevocationTime
		}
	}
	a.of.mu.Unlock()
	if m.Unknown {
		draft.Status = ocsp.Unknown
	}
	by, key := a.of.Certificate, a.of.Key
	if m.Other != nil {
		key = m.Other.Key
	}
	if m.Delegate != nil {
		by, key, draft.Certificate = m.Delegate.Certificate, m.Delegate.Key, m.Delegate.Certificate
	}
	plain, err := ocsp.CreateResponse(a.of.Certificate, by, draft, key)
	if err != nil {
		return nil, err
	}
	nonce := nonceOf(raw)
	switch m.Nonce {
	case "none":
		return plain, nil
	case "old":
		nonce = []byte("another one, from before")
	}
	return withNonce(plain, nonce, key)
}

// The shapes of RFC 6960 that the library keeps to itself.
type (
	whole struct {
		Status asn1.Enumerated
		Bytes  struct {
			Type asn1.ObjectIdentifier
			Raw  []byte
		} `asn1:"explicit,tag:0"`
	}
	basic struct {
		Data         asn1.RawValue
		Algorithm    pkix.AlgorithmIdentifier
		Signature    asn1.BitString
		Certificates []asn1.RawValue `asn1:"explicit,tag:0,optional"`
	}
	request struct {
		Whole struct {
			List       asn1.RawValue
			Extensions []pkix.Extension `asn1:"explicit,tag:2,optional"`
		}
	}
)

var oidNonce = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}

func nonceOf(raw []byte) []byte {
	var r request
	if _, err := asn1.Unmarshal(raw, &r); err != nil {
		return nil
	}
	for _, e := range r.Whole.Extensions {
		if e.Id.Equal(oidNonce) {
			return e.Value
		}
	}
	return nil
}

// withNonce puts the nonce into an answer and signs it again, for the library cannot.
func withNonce(plain, nonce []byte, key crypto.Signer) ([]byte, error) {
	var w whole
	var b basic
	if _, err := asn1.Unmarshal(plain, &w); err != nil {
		return nil, err
	}
	if _, err := asn1.Unmarshal(w.Bytes.Raw, &b); err != nil {
		return nil, err
	}
	extensions, err := asn1.MarshalWithParams([]pkix.Extension{{Id: oidNonce, Value: nonce}}, "explicit,tag:1")
	if err != nil {
		return nil, err
	}
	b.Data.Bytes, b.Data.FullBytes = append(bytes.Clone(b.Data.Bytes), extensions...), nil
	signed, err := asn1.Marshal(b.Data)
	if err != nil {
		return nil, err
	}
	hash := sha256.Sum256(signed)
	signature, err := key.Sign(rand.Reader, hash[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	b.Signature = asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}
	if w.Bytes.Raw, err = asn1.Marshal(b); err != nil {
		return nil, err
	}
	return asn1.Marshal(w)
}
