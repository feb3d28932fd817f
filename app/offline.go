package main

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/document"
	"github.com/medcard/medcard/qr/foreign"
	"github.com/medcard/medcard/qr/scan"
	"github.com/medcard/medcard/qr/trust"
)

// offlineFlags say what a command knows of keys without asking a server.
func offlineFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "keys", Usage: "key set, as fetched from /v1/trust/keys", TakesFile: true},
		&cli.StringSliceFlag{Name: "root", Usage: "pinned root as ISSUER=KEY, the public key in hexadecimal or base64; give the successor too"},
		&cli.StringSliceFlag{Name: "foreign", Usage: "keys of issuers of foreign certificates: X.509 in PEM (EU), a JWK set with issuer (SMART Health Cards)", TakesFile: true},
		&cli.StringSliceFlag{Name: "status", Usage: "status list, as fetched from /v1/trust/status/...", TakesFile: true},
	}
}

// offlineJudge is the judge those flags describe; nil without a key set.
func offlineJudge(c *cli.Command) (func(text string) trust.Verdict, error) {
	if c.String("keys") == "" {
		if c.IsSet("root") || c.IsSet("status") {
			return nil, errors.New("--root and --status only help together with --keys")
		}
		return nil, nil
	}
	if !c.IsSet("root") {
		return nil, errors.New("--keys needs --root: a key set is only worth as much as the root that signed it")
	}
	var roots []qr.Key
	for _, text := range c.StringSlice("root") {
		root, err := parseRoot(text)
		if err != nil {
			return nil, err
		}
		roots = append(roots, root)
	}
	cache, err := trust.NewCache(roots...)
	if err != nil {
		return nil, fmt.Errorf("--root: %w", err)
	}
	data, err := readUpTo(c.String("keys"), maxTrustFile)
	if err != nil {
		return nil, err
	}
	if err := cache.AcceptKeys(data); err != nil {
		return nil, fmt.Errorf("%s: %w", c.String("keys"), err)
	}
	for _, file := range c.StringSlice("status") {
		if data, err = readUpTo(file, maxTrustFile); err != nil {
			return nil, err
		}
		if _, err := cache.AcceptStatus(data); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return func(text string) trust.Verdict {
		return cache.Judge(text, trust.Knowledge{Longest: document.Longest}, time.Now())
	}, nil
}

// foreignKeys are the keys of issuers of foreign certificates that are named.
func foreignKeys(c *cli.Command) (all foreign.Keys, err error) {
	for _, file := range c.StringSlice("foreign") {
		data, err := readUpTo(file, maxTrustFile)
		if err != nil {
			return nil, err
		}
		keys, err := foreign.ParseKeys(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, keys...)
	}
	return all, nil
}

// maxTrustFile is far above any key set or status list.
const maxTrustFile = 4 << 20

// parseRoot reads ISSUER=KEY. A base64 key may end in "=" itself, so the first one divides.
func parseRoot(text string) (qr.Key, error) {
	issuer, encoded, ok := strings.Cut(text, "=")
	if !ok || issuer == "" {
		return qr.Key{}, errors.New("--root is written ISSUER=KEY")
	}
	public, err := hex.DecodeString(encoded)
	if err != nil {
		encoded = strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(encoded, "="))
		public, err = base64.RawURLEncoding.DecodeString(encoded)
	}
	if err != nil || len(public) != 32 {
		return qr.Key{}, errors.New("--root: the key is 32 bytes in hexadecimal or base64")
	}
	return qr.Key{ID: qr.KeyIDOf(public), Issuer: issuer, Usage: qr.KeySet, Algorithm: qr.EdDSA, Public: public}, nil
}

// verdictWord is what the commands print for a verdict.
func verdictWord(a trust.Answer) string {
	switch a {
	case trust.OK:
		return "ok"
	case trust.No:
		return "no"
	case trust.CantTell:
	}
	return "cant_tell"
}

// ours tells whether a judge has anything to say about a kind of code.
func ours(kind scan.Kind) bool { return kind == scan.EMC1 || kind == scan.EMC1Token }

// readUpTo reads a file, or standard input for "-". One byte over the limit is read too, so that the reader behind it
// notices and says so in its own words.
func readUpTo(file string, limit int) ([]byte, error) {
	var r io.Reader = os.Stdin
	if file != "-" {
		f, err := os.Open(file) // the user names the file
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }() // only read from
		r = f
	}
	return io.ReadAll(io.LimitReader(r, int64(limit)+1))
}
