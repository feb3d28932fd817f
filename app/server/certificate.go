package server

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/medcard/medcard/app/config"
)

// certificate is what the server shows where TLS ends at it: a pair of files that somebody renews while it runs.
type certificate struct {
	files [2]string // the certificates, the key
	log   *slog.Logger

	mu   sync.Mutex
	seen [2]stamp // of the files, when they were last read
	pair *tls.Certificate
}

// stamp is by what a file that was written anew is known.
type stamp struct {
	changed time.Time
	size    int64
}

// ending is how TLS ends here; nil where it does not. Nothing older than 1.3 is spoken: every phone of ours knows it, and with it there is no
// cipher suite left to choose.
func ending(cfg config.Config, log *slog.Logger) (*tls.Config, error) {
	if !cfg.TLS() {
		return nil, nil
	}
	c := &certificate{files: [2]string{cfg.TLSCertificate, cfg.TLSKey}, log: log}
	if err := c.read(); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.newest(), nil }}, nil
}

// newest reads the files anew where they changed. What cannot be used, such as a certificate whose key comes a moment later, leaves the one
// before in its place.
func (c *certificate) newest() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stamps() != c.seen {
		if err := c.read(); err != nil {
			c.log.Error("the new TLS certificate cannot be used, the one before stays", "cause", err.Error())
		} else {
			c.log.Info("there is a new TLS certificate")
		}
	}
	return c.pair
}

var errCertificate = errors.New("the files of MEDCARD_TLS_CERTIFICATE and MEDCARD_TLS_KEY are no certificate with its key in PEM, or cannot be read")

// read takes what the files hold. Their stamps are taken before: what is written meanwhile is read next time.
func (c *certificate) read() error {
	c.seen = c.stamps()
	pair, err := tls.LoadX509KeyPair(c.files[0], c.files[1])
	if err != nil {
		return errors.Join(errCertificate, err)
	}
	c.pair = &pair
	return nil
}

func (c *certificate) stamps() (now [2]stamp) {
	for i, file := range c.files {
		if about, err := os.Stat(file); err == nil {
			now[i] = stamp{about.ModTime(), about.Size()}
		}
	}
	return now
}
