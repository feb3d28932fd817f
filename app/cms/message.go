package cms

import (
	"bytes"
	"context"
	"crypto/subtle"
	"crypto/x509"
	"encoding/asn1"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
)

// Message is a detached signature as it came. Nothing in it is believed before Holds has said so.
type Message struct {
	Signer *x509.Certificate
	Others []*x509.Certificate // whatever else came along; may lead to a root

	digest    string // OIDs in dotted form
	algorithm string
	attested  []byte // the signed attributes, DER of the SET
	hash      []byte // of the content, as attested
	signature []byte
}

var (
	oidData          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidContentType   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
)

// Parse reads a message. It judges its form alone.
func Parse(raw []byte) (*Message, error) {
	if len(raw) > MaxMessage {
		return nil, ErrMalformed
	}
	in := cryptobyte.String(raw)
	var info, inner, data cryptobyte.String
	var kind asn1.ObjectIdentifier
	if !in.ReadASN1(&info, sequence) || !in.Empty() || !info.ReadASN1ObjectIdentifier(&kind) || !kind.Equal(oidSignedData) ||
		!info.ReadASN1(&inner, explicit0) || !info.Empty() || !inner.ReadASN1(&data, sequence) || !inner.Empty() {
		return nil, ErrMalformed
	}
	var version int64
	var digests, content, certificates, lists, signers cryptobyte.String
	var withCertificates, withLists bool
	if !data.ReadASN1Integer(&version) || !data.ReadASN1(&digests, set) || !data.ReadASN1(&content, sequence) ||
		!data.ReadOptionalASN1(&certificates, &withCertificates, explicit0) || !data.ReadOptionalASN1(&lists, &withLists, explicit1) ||
		!data.ReadASN1(&signers, set) || !data.Empty() {
		return nil, ErrMalformed
	}
	if !content.ReadASN1ObjectIdentifier(&kind) || !kind.Equal(oidData) || !content.Empty() {
		return nil, ErrMalformed // content inside would be other bytes than those that were to be signed
	}
	all, err := readCertificates(certificates)
	if err != nil {
		return nil, err
	}
	m := new(Message)
	var signer cryptobyte.String
	if !signers.ReadASN1(&signer, sequence) || !signers.Empty() {
		return nil, ErrMalformed
	}
	return m, m.readSigner(signer, all)
}

func readCertificates(in cryptobyte.String) (all []*x509.Certificate, err error) {
	for !in.Empty() {
		var one cryptobyte.String
		if len(all) == maxCertificates || !in.ReadASN1Element(&one, sequence) {
			return nil, ErrMalformed
		}
		c, err := x509.ParseCertificate(one)
		if err != nil {
			return nil, ErrMalformed
		}
		all = append(all, c)
	}
	return all, nil
}

// readSigner reads the SignerInfo and finds the certificate that it names.
func (m *Message) readSigner(in cryptobyte.String, all []*x509.Certificate) error {
	var version int64
	var name, keyID cryptobyte.String
	serial := new(big.Int)
	if !in.ReadASN1Integer(&version) {
		return ErrMalformed
	}
	byKey := in.PeekASN1Tag(implicit0)
	if byKey {
		if !in.ReadASN1(&keyID, implicit0) || len(keyID) == 0 {
			return ErrMalformed
		}
	} else {
		var id cryptobyte.String
		if !in.ReadASN1(&id, sequence) || !id.ReadASN1Element(&name, sequence) || !id.ReadASN1Integer(serial) || !id.Empty() {
			return ErrMalformed
		}
	}
	for _, c := range all {
		named := byKey && bytes.Equal(c.SubjectKeyId, keyID) || !byKey && bytes.Equal(c.RawIssuer, name) && c.SerialNumber.Cmp(serial) == 0
		if named && m.Signer == nil {
			m.Signer = c
		} else {
			m.Others = append(m.Others, c)
		}
	}
	var attested, unsigned cryptobyte.String
	var signature []byte
	var also bool
	if m.digest = readAlgorithm(&in); m.Signer == nil || m.digest == "" || !in.ReadASN1Element(&attested, explicit0) {
		return ErrMalformed
	}
	if m.algorithm = readAlgorithm(&in); m.algorithm == "" || !in.ReadASN1Bytes(&signature, octetString) ||
		!in.ReadOptionalASN1(&unsigned, &also, explicit1) || !in.Empty() {
		return ErrMalformed
	}
	m.signature = signature
	// Signed is the SET, though the message has it under the tag [0]: RFC 5652, section 5.4.
	m.attested = append([]byte{byte(set)}, attested[1:]...)
	return m.readAttributes(attested)
}

// readAttributes finds what the signer attests of the content. Each of the two attributes stands there once, with one value.
func (m *Message) readAttributes(in cryptobyte.String) error {
	var all cryptobyte.String
	if !in.ReadASN1(&all, explicit0) {
		return ErrMalformed
	}
	typed := false
	for n := 0; !all.Empty(); n++ {
		var attribute, values cryptobyte.String
		var name asn1.ObjectIdentifier
		if n == maxAttributes || !all.ReadASN1(&attribute, sequence) || !attribute.ReadASN1ObjectIdentifier(&name) ||
			!attribute.ReadASN1(&values, set) || !attribute.Empty() {
			return ErrMalformed
		}
		switch {
		case name.Equal(oidContentType):
			var kind asn1.ObjectIdentifier
			if typed || !values.ReadASN1ObjectIdentifier(&kind) || !kind.Equal(oidData) || !values.Empty() {
				return ErrMalformed
			}
			typed = true
		case name.Equal(oidMessageDigest):
			if m.hash != nil || !values.ReadASN1Bytes(&m.hash, octetString) || len(m.hash) == 0 || !values.Empty() {
				return ErrMalformed
			}
		}
	}
	if !typed || m.hash == nil {
		return ErrMalformed
	}
	return nil
}

// readAlgorithm reads an AlgorithmIdentifier and gives its OID; "" where there is none. No algorithm here has parameters that matter.
func readAlgorithm(in *cryptobyte.String) string {
	var id cryptobyte.String
	var oid asn1.ObjectIdentifier
	if !in.ReadASN1(&id, sequence) || !id.ReadASN1ObjectIdentifier(&oid) {
		return ""
	}
	return oid.String()
}

// Holds says whether the signer's certificate signed the content. Whose certificate that is, and whether it counts, is another question.
func (m *Message) Holds(ctx context.Context, v Verifier, content []byte) error {
	hash, err := v.Digest(ctx, m.digest, content)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(hash, m.hash) != 1 {
		return ErrSignature
	}
	return v.Verify(ctx, m.Signer, Claim{Algorithm: m.algorithm, Digest: m.digest, Message: m.attested, Signature: m.signature})
}
