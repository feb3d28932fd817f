package cms

import (
	"bytes"
	"encoding/asn1"
	"encoding/base64"
	"strings"

	"golang.org/x/crypto/cryptobyte"
)

// A server that was ever sent a private key must say so and keep nothing of it. These are the forms in which one is kept in files.

// HoldsPrivateKey reports whether the text that somebody sent in place of a signature is a private key or a box with one: PEM, or
// base64 of PEM, PKCS#12, PKCS#8, encrypted PKCS#8, PKCS#1 or SEC 1.
func HoldsPrivateKey(text string) bool {
	if strings.Contains(text, "PRIVATE KEY") {
		return true
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	return err == nil && (bytes.Contains(raw, []byte("PRIVATE KEY")) || keyBox(raw))
}

// keyBox looks at the first elements of the outermost SEQUENCE; no CMS message begins in one of these ways.
func keyBox(raw []byte) bool {
	in := cryptobyte.String(raw)
	var box, skip cryptobyte.String
	var version int
	if !in.ReadASN1(&box, sequence) {
		return false
	}
	if box.PeekASN1Tag(sequence) { // EncryptedPrivateKeyInfo: a scheme of PKCS#5 or PKCS#12, and an OCTET STRING
		var scheme cryptobyte.String
		var oid asn1.ObjectIdentifier
		return box.ReadASN1(&scheme, sequence) && scheme.ReadASN1ObjectIdentifier(&oid) && box.PeekASN1Tag(octetString)
	}
	if !box.ReadASN1Integer(&version) {
		return false
	}
	switch {
	case version == 3: // PKCS#12
		return box.PeekASN1Tag(sequence)
	case box.PeekASN1Tag(octetString): // SEC 1
		return true
	case box.PeekASN1Tag(integer): // PKCS#1: the modulus follows
		return true
	}
	return box.ReadASN1(&skip, sequence) && box.PeekASN1Tag(octetString) // PKCS#8
}
