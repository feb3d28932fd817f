package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/medcard/medcard/domain/identity"
)

// clientKey is an organisation's private key as a JWK. client_id is a member of our own, so that one file is all that the
// organisation's system needs.
type clientKey struct {
	Type    string `json:"kty"`
	Curve   string `json:"crv"`
	X       string `json:"x"`
	Y       string `json:"y"`
	Private string `json:"d"`
	Client  string `json:"client_id"`
}

const clientCurve = "P-384"

// writeClientKey makes a file that only its owner can read. It never writes over another key.
func writeClientKey(file string, client identity.ClientID, key *ecdsa.PrivateKey) error {
	secret, err := key.Bytes()
	if err != nil {
		return err
	}
	point, err := key.PublicKey.Bytes() // 4, X, Y
	if err != nil {
		return err
	}
	half := (len(point) - 1) / 2
	encode := base64.RawURLEncoding.EncodeToString
	text, err := json.MarshalIndent(clientKey{
		Type: "EC", Curve: clientCurve, X: encode(point[1 : 1+half]), Y: encode(point[1+half:]), Private: encode(secret), Client: string(client),
	}, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Clean(file), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	return errors.Join(err, f.Sync(), f.Close())
}

// readClientKey reads what writeClientKey wrote.
func readClientKey(file string) (identity.ClientID, *ecdsa.PrivateKey, error) {
	text, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		return "", nil, fmt.Errorf("read the key: %w", err)
	}
	errForm := errors.New("this is not a key file as `medcard clients add` writes it")
	var k clientKey
	if err := json.Unmarshal(text, &k); err != nil || k.Type != "EC" || k.Curve != clientCurve || k.Client == "" {
		return "", nil, errForm
	}
	secret, err := base64.RawURLEncoding.DecodeString(k.Private)
	if err != nil {
		return "", nil, errForm
	}
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P384(), secret)
	if err != nil {
		return "", nil, errForm
	}
	return identity.ClientID(k.Client), key, nil
}
