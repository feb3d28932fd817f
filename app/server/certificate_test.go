package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/medcard/medcard/app/config"
)

// certify writes a certificate for loopback and its key into the files.
func certify(t *testing.T, serial int64, cert, key string) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, secret.Public(), secret)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Where TLS ends at the server it speaks 1.3 and nothing older, tells browsers never to come without, shows a renewed certificate without a
// new start, and goes on with the one before where the new one is none.
func TestTLSEndsHere(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	cfg := config.Config{Listen: "127.0.0.1:0", Data: dir, Issuer: "medcard", Zone: "Europe/Moscow", MailFrom: "medcard@localhost", ShutdownGrace: time.Second, TLSCertificate: cert, TLSKey: key}
	if _, err := New(t.Context(), cfg, Options{}); !errors.Is(err, errCertificate) {
		t.Fatalf("without its files: %v", err)
	}
	certify(t, 1, cert, key)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", cfg.Listen)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	s, err := New(ctx, cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, l) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()

	for _, spoken := range []uint16{tls.VersionTLS10, tls.VersionTLS11, tls.VersionTLS12} {
		if c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true, MinVersion: spoken, MaxVersion: spoken}); err == nil {
			c.Close()
			t.Errorf("it speaks %s", tls.VersionName(spoken))
		}
	}
	shows := func(want int64) {
		t.Helper()
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+l.Addr().String()+"/livez", nil)
		if err != nil {
			t.Fatal(err)
		}
		r, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if got := r.TLS.PeerCertificates[0].SerialNumber.Int64(); got != want || r.TLS.Version != tls.VersionTLS13 || r.StatusCode != http.StatusOK {
			t.Errorf("certificate %d, want %d; %s, %d", got, want, tls.VersionName(r.TLS.Version), r.StatusCode)
		}
		if r.Header.Get("Strict-Transport-Security") == "" {
			t.Error("browsers are not told to come over TLS alone")
		}
	}
	shows(1)
	certify(t, 200, cert, key)
	shows(200)
	if err := os.WriteFile(cert, []byte("half a cert"), 0o600); err != nil {
		t.Fatal(err)
	}
	shows(200)
	certify(t, 70000, cert, key)
	shows(70000)
	if r, err := http.Get("http://" + l.Addr().String() + "/livez"); err == nil {
		r.Body.Close()
		if r.StatusCode == http.StatusOK {
			t.Error("it answers without TLS")
		}
	}
}
