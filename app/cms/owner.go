package cms

import (
	"crypto/x509"
	"encoding/asn1"
	"slices"

	"github.com/medcard/medcard/domain/identity"
)

var (
	oidSNILS = asn1.ObjectIdentifier{1, 2, 643, 100, 3}
	oidINN   = asn1.ObjectIdentifier{1, 2, 643, 3, 131, 1, 1}
	oidOGRN  = asn1.ObjectIdentifier{1, 2, 643, 100, 1}
)

// Owner is the person to whom a certificate was given.
type Owner struct {
	SNILS identity.SNILS
	INN   identity.INN // "" where the certificate names none
}

// OwnerOf reads who that is, and ErrOwner where it is no person that can be known for sure.
func OwnerOf(c *x509.Certificate) (o Owner, err error) {
	for _, a := range c.Subject.Names {
		text, _ := a.Value.(string)
		switch {
		case a.Type.Equal(oidOGRN):
			return Owner{}, ErrOwner // an organisation
		case a.Type.Equal(oidSNILS):
			if o.SNILS != "" {
				return Owner{}, ErrOwner // two people?
			}
			if o.SNILS, err = identity.ParseSNILS(text); err != nil {
				return Owner{}, ErrOwner
			}
		case a.Type.Equal(oidINN):
			if o.INN, err = identity.ParseINN(text); err != nil || len(o.INN) != 12 {
				return Owner{}, ErrOwner
			}
		}
	}
	if o.SNILS == "" {
		return Owner{}, ErrOwner
	}
	return o, nil
}

// Usable says whether the certificate was given to sign with: an end entity whose key may make digital signatures, and whose purposes, where it
// names any, have that of a client or of mail among them. (That is what accredited centres write into a person's certificate.)
func Usable(c *x509.Certificate) error {
	purposes := len(c.ExtKeyUsage) + len(c.UnknownExtKeyUsage)
	meant := slices.ContainsFunc(c.ExtKeyUsage, func(u x509.ExtKeyUsage) bool {
		return u == x509.ExtKeyUsageClientAuth || u == x509.ExtKeyUsageEmailProtection || u == x509.ExtKeyUsageAny
	})
	if c.IsCA || c.KeyUsage&x509.KeyUsageDigitalSignature == 0 || purposes > 0 && !meant {
		return ErrUsage
	}
	return nil
}
