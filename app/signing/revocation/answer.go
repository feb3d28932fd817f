package revocation

import (
	"bytes"
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"io"
	"slices"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/medcard/medcard/app/cms"
)

// answerOf asks by OCSP about one certificate.
type answerOf struct {
	address     string
	one, issuer *x509.Certificate
}

func (answerOf) age() time.Duration { return answerAge }

func (q answerOf) ask(ctx context.Context, c *Checker) (said, error) {
	nonce := make([]byte, 16)
	if _, err := io.ReadFull(c.Random, nonce); err != nil {
		return said{}, err
	}
	question, err := q.question(nonce)
	if err != nil {
		return said{}, err
	}
	raw, err := c.fetch(ctx, q.address, question, largestAnswer)
	if err != nil {
		return said{}, err
	}
	answer, err := ocsp.ParseResponseForCert(raw, q.one, q.issuer)
	if err != nil {
		return said{}, err
	}
	if err := q.authentic(ctx, c, answer); err != nil {
		return said{}, err
	}
	// A responder that makes its answers in advance leaves the nonce out; then the time alone shows that it is no old one.
	if echo := nonceOf(answer.TBSResponseData); echo != nil && !bytes.Equal(echo, nonce) {
		return said{}, errSource
	}
	standings := map[int]standing{ocsp.Good: good, ocsp.Revoked: revoked}
	is, known := standings[answer.Status]
	if !known {
		return said{}, errSource
	}
	until := answer.NextUpdate
	if until.IsZero() { // newer ones are there at any time
		until = answer.ThisUpdate.Add(skew)
	}
	return said{from: answer.ThisUpdate, until: until, proven: true, of: func(context.Context, *Checker, *x509.Certificate, *x509.Certificate) standing { return is }}, nil
}

// authentic asks more of the answer's signatures than the library does: strong algorithms, and of somebody who answers in the
// authority's name that he may, and still may.
func (q answerOf) authentic(ctx context.Context, c *Checker, answer *ocsp.Response) error {
	by := q.issuer
	if d := answer.Certificate; d != nil && !d.Equal(q.issuer) {
		now := c.Clock()
		if !slices.Contains(d.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning) || now.Before(d.NotBefore) || now.After(d.NotAfter) {
			return errSource
		}
		if err := c.Verifier.Verify(ctx, q.issuer, cms.Claim{Known: d.SignatureAlgorithm, Message: d.RawTBSCertificate, Signature: d.Signature}); err != nil {
			return err
		}
		by = d
	}
	return c.Verifier.Verify(ctx, by, cms.Claim{Known: answer.SignatureAlgorithm, Message: answer.TBSResponseData, Signature: answer.Signature})
}

var oidNonce = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}

// question is the request with a nonce, which the library leaves out.
func (q answerOf) question(nonce []byte) ([]byte, error) {
	plain, err := ocsp.CreateRequest(q.one, q.issuer, nil)
	if err != nil {
		return nil, err
	}
	var whole struct{ Inner asn1.RawValue }
	if _, err := asn1.Unmarshal(plain, &whole); err != nil {
		return nil, err
	}
	value, err := asn1.Marshal(nonce)
	if err != nil {
		return nil, err
	}
	extensions, err := asn1.MarshalWithParams([]pkix.Extension{{Id: oidNonce, Value: value}}, "explicit,tag:2")
	if err != nil {
		return nil, err
	}
	whole.Inner.Bytes, whole.Inner.FullBytes = append(bytes.Clone(whole.Inner.Bytes), extensions...), nil
	return asn1.Marshal(whole)
}

// nonceOf finds the nonce that an answer repeats; nil where there is none.
func nonceOf(signed []byte) []byte {
	var outer asn1.RawValue
	if _, err := asn1.Unmarshal(signed, &outer); err != nil {
		return nil
	}
	for rest := outer.Bytes; len(rest) > 0; {
		var part asn1.RawValue
		var err error
		if rest, err = asn1.Unmarshal(rest, &part); err != nil {
			return nil
		}
		// The responder's name may have the tag [1] too, but is no list of extensions.
		var extensions []pkix.Extension
		if part.Class != asn1.ClassContextSpecific || part.Tag != 1 {
			continue
		}
		if _, err := asn1.Unmarshal(part.Bytes, &extensions); err != nil {
			continue
		}
		for _, e := range extensions {
			var nonce []byte
			if e.Id.Equal(oidNonce) {
				if _, err := asn1.Unmarshal(e.Value, &nonce); err != nil {
					return e.Value
				}
				return nonce
			}
		}
	}
	return nil
}
