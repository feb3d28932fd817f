package server

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"

	"github.com/medcard/medcard/app/cms"
	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/app/signing"
	"github.com/medcard/medcard/app/signing/gost"
	"github.com/medcard/medcard/app/signing/revocation"
	"github.com/medcard/medcard/app/store"
)

// signatures assembles what takes electronic signatures.
func signatures(ctx context.Context, db *store.DB, custody *keys.Custody, cfg config.Config, o Options) (*signing.Service, error) {
	anchors, err := anchored(cfg.SignRoots)
	if err != nil {
		return nil, err
	}
	verifier := cms.Verifiers{cms.Native{}}
	if cfg.SignGOST != "" {
		engine, err := gost.Open(ctx, cfg.SignGOST)
		if err != nil {
			return nil, fmt.Errorf("configuration: MEDCARD_SIGN_GOST: %w", err)
		}
		verifier = append(verifier, engine)
	}
	checker := revocation.New(revocation.Settings{Hosts: cfg.SignHosts, Lists: cfg.SignLists, Clock: o.Clock, Verifier: verifier})
	return &signing.Service{
		Store:   acting[signing.Tx]{db, func(tx *store.Tx) signing.Tx { return tx }},
		Anchors: anchors, Verifier: verifier, Revocation: checker.Check, Hash: custody.Hash, Server: cfg.URL(), Clock: o.Clock, Random: rand.Reader, NewID: store.NewID,
	}, nil
}

// anchored reads the certificates of authorities: those that signed themselves are roots, the others stand below them.
func anchored(folder string) (a cms.Anchors, err error) {
	if folder == "" {
		return a, nil
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return a, fmt.Errorf("configuration: MEDCARD_SIGN_ROOTS: %w", err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			return a, fmt.Errorf("configuration: MEDCARD_SIGN_ROOTS: %w", err)
		}
		found := 0
		for block, rest := decoded(data); block != nil; block, rest = decoded(rest) {
			c, err := x509.ParseCertificate(block)
			if err != nil {
				return a, fmt.Errorf("configuration: MEDCARD_SIGN_ROOTS: %s: %w", e.Name(), err)
			}
			if found++; bytes.Equal(c.RawSubject, c.RawIssuer) {
				a.Roots = append(a.Roots, c)
			} else {
				a.Between = append(a.Between, c)
			}
		}
		if found == 0 {
			return a, fmt.Errorf("configuration: MEDCARD_SIGN_ROOTS: %s holds no certificate", e.Name())
		}
	}
	if len(a.Roots) == 0 {
		return a, fmt.Errorf("configuration: MEDCARD_SIGN_ROOTS: no certificate in %s is a root", folder)
	}
	return a, nil
}

// decoded gives the next certificate of a file: PEM, or DER as a whole.
func decoded(data []byte) (one, rest []byte) {
	for {
		block, after := pem.Decode(data)
		switch {
		case block == nil && len(data) > 0 && data[0] == 0x30:
			return data, nil
		case block == nil:
			return nil, nil
		case block.Type == "CERTIFICATE":
			return block.Bytes, after
		}
		data = after
	}
}
