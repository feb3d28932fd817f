package cms

import "golang.org/x/crypto/cryptobyte/asn1"

// The tags of DER that a message is made of.
const (
	sequence    = asn1.SEQUENCE
	set         = asn1.SET
	integer     = asn1.INTEGER
	octetString = asn1.OCTET_STRING
	explicit0   = asn1.Tag(0xa0)
	explicit1   = asn1.Tag(0xa1)
	implicit0   = asn1.Tag(0x80)
)
