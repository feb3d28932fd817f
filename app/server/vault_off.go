//go:build !pkcs11

package server

import (
	"errors"

	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/keys"
)

func openVault(cfg config.Config) (keys.Vault, error) {
	if cfg.PKCS11Module != "" {
		return nil, errors.New("MEDCARD_PKCS11_MODULE needs a medcard that was built with -tags pkcs11")
	}
	return nil, nil
}
