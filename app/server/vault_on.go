//go:build pkcs11

package server

import (
	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/app/keys/hsm"
)

func openVault(cfg config.Config) (keys.Vault, error) {
	if cfg.PKCS11Module == "" {
		return nil, nil
	}
	return hsm.Open(cfg.PKCS11Module, cfg.PKCS11Token, cfg.PKCS11PIN)
}
