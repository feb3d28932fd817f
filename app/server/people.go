package server

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/enrolling"
	"github.com/medcard/medcard/app/granting"
	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/app/notifying"
	"github.com/medcard/medcard/app/oauth"
	"github.com/medcard/medcard/app/openid"
	"github.com/medcard/medcard/app/proving"
	"github.com/medcard/medcard/app/proving/clamd"
	"github.com/medcard/medcard/app/signing"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/domain/identity"
)

// Authority assembles the authorisation server alone, for commands that register organisations while nothing serves.
func Authority(db *store.DB, custody *keys.Custody, issuer string, clock func() time.Time) (*oauth.Service, error) {
	signer, err := custody.Signer(keys.Tokens)
	if err != nil {
		return nil, err
	}
	return oauth.New(oauth.Parts{
		Store: acting[oauth.Tx]{db, func(tx *store.Tx) oauth.Tx { return tx }}, Issuer: issuer, Keys: []crypto.Signer{signer}, Digest: custody.Hash, Clock: clock,
	})
}

// people assembles what lets persons in.
func people(db *store.DB, custody *keys.Custody, authority *oauth.Service, sign *signing.Service, cfg config.Config, o Options) (*enrolling.Service, error) {
	send, err := carriers(cfg, notifying.NewOutbox(o.Console, o.Clock))
	if err != nil {
		return nil, err
	}
	passkeys, err := passkeysOf(cfg, o.Log)
	if err != nil {
		return nil, err
	}
	provider, err := providerOf(cfg)
	if err != nil {
		return nil, err
	}
	enrolment := enrolling.New(enrolling.Parts{
		Passkeys: passkeys, Provider: provider,
		Store: acting[enrolling.Tx]{db, func(tx *store.Tx) enrolling.Tx { return tx }}, Sender: send,
		Access: authority.IssueSession, Digest: custody.Hash, SignedIn: sign.SignedIn, Demand: demanded(cfg), Bound: cfg.Bound, Clock: o.Clock, Log: o.Log,
	})
	sign.Tell = enrolment.TellOfSigner
	return enrolment, nil
}

// Accounts assembles what an operator's commands need of it; console is where messages go that nothing else carries.
func Accounts(db *store.DB, custody *keys.Custody, cfg config.Config, console io.Writer, clock func() time.Time) (*enrolling.Service, error) {
	authority, err := Authority(db, custody, cfg.URL(), clock)
	if err != nil {
		return nil, err
	}
	return people(db, custody, authority, new(signing.Service), cfg, Options{Console: console, Clock: clock, Log: slog.New(slog.DiscardHandler)})
}

// providerOf gives the external provider, nil where none is configured.
func providerOf(cfg config.Config) (enrolling.Provider, error) {
	if cfg.OIDCIssuer == "" {
		return nil, nil //nolint:nilnil // the act knows what to say without one
	}
	profile, known := openid.Profiles[cfg.OIDCProfile]
	if !known {
		return nil, errors.New("configuration: MEDCARD_OIDC_PROFILE names no profile that is known")
	}
	return openid.New(openid.Config{Profile: profile, Issuer: cfg.OIDCIssuer, Client: cfg.OIDCClient, Secret: cfg.OIDCSecret, Redirect: cfg.OIDCRedirect}), nil
}

// passkeysOf binds passkeys to the server's domain. Browsers take no IP address for one: on loopback the page is opened as localhost.
func passkeysOf(cfg config.Config, log *slog.Logger) (*enrolling.Passkeys, error) {
	address, err := url.Parse(cfg.URL())
	if err != nil {
		return nil, err
	}
	rp := enrolling.RelyingParty{Domain: cfg.PasskeyDomain, Origins: []string{address.Scheme + "://" + address.Host}, Apps: cfg.PasskeyApps}
	if rp.Domain == "" {
		rp.Domain = address.Hostname()
	}
	if net.ParseIP(rp.Domain) != nil {
		rp.Domain = "localhost"
		rp.Origins = []string{address.Scheme + "://" + strings.TrimSuffix(net.JoinHostPort("localhost", address.Port()), ":")}
	}
	passkeys, err := enrolling.NewPasskeys(rp)
	if err != nil && cfg.PasskeyDomain == "" {
		log.Warn("no passkeys: their domain cannot be taken from the public address, set MEDCARD_PASSKEY_DOMAIN", "cause", err.Error())
		return nil, nil //nolint:nilnil // the act knows what to say without them
	}
	return passkeys, err
}

// messages sends text messages one way and mails another.
type messages struct {
	*notifying.Outbox
	mail *notifying.Mailer // nil = into the outbox
	text *notifying.Texter // the same
}

func (m messages) SMS(ctx context.Context, to identity.Phone, text string) error {
	if m.text == nil {
		return m.Outbox.SMS(ctx, to, text)
	}
	return m.text.SMS(ctx, to, text)
}

func (m messages) Email(ctx context.Context, to identity.Email, text string) error {
	if m.mail == nil {
		return m.Outbox.Email(ctx, to, text)
	}
	return m.mail.Email(ctx, to, text)
}

func carriers(cfg config.Config, outbox *notifying.Outbox) (messages, error) {
	out := messages{Outbox: outbox}
	if cfg.SMS != "" {
		text, err := notifying.ReadTexter(cfg.SMS)
		if err != nil {
			return out, fmt.Errorf("configuration: MEDCARD_SMS: %w", err)
		}
		out.text = text
	}
	if cfg.SMTP == "" {
		return out, nil
	}
	bad := errors.New("configuration: MEDCARD_SMTP must be smtp://user:password@host:port") // never the value: it holds a password
	address, err := url.Parse(cfg.SMTP)
	if err != nil || address.Scheme != "smtp" || address.Hostname() == "" {
		return messages{}, bad
	}
	settings := notifying.Mail{Host: address.Hostname(), From: cfg.MailFrom, User: address.User.Username(), Plain: address.Hostname() == "localhost" || address.Hostname() == "127.0.0.1"}
	settings.Password, _ = address.User.Password()
	if address.Port() != "" {
		if settings.Port, err = strconv.Atoi(address.Port()); err != nil {
			return messages{}, bad
		}
	}
	out.mail, err = notifying.NewMailer(settings)
	return out, err
}

// Prove assembles the taking of documents alone: for a reviewer's commands.
func Prove(db *store.DB, custody *keys.Custody, cfg config.Config, clock func() time.Time) (*proving.Service, error) {
	zone, err := zoneOf(cfg)
	if err != nil {
		return nil, err
	}
	s := &proving.Service{
		Store: acting[proving.Tx]{db, func(tx *store.Tx) proving.Tx { return tx }}, Demand: demanded(cfg), Zone: zone, Hash: custody.Hash, Clock: clock, NewID: store.NewID,
	}
	if cfg.Clamd != "" {
		s.Scan = clamd.Scanner{Address: cfg.Clamd}.Scan
	}
	return s, nil
}

// zoneOf is where the days are counted.
func zoneOf(cfg config.Config) (*time.Location, error) {
	zone, err := time.LoadLocation(cfg.Zone)
	if err != nil {
		return nil, fmt.Errorf("configuration: MEDCARD_ZONE: %w", err)
	}
	return zone, nil
}

// demanded is what the operator wants proved; the configuration was validated.
func demanded(cfg config.Config) evidence.Demand {
	d, _ := evidence.ParseDemand(cfg.Demand)
	return d
}

// Grant assembles the giving of access alone: for an operator's commands.
func Grant(db *store.DB, clock func() time.Time) *granting.Service {
	return &granting.Service{Store: acting[granting.Tx]{db, func(tx *store.Tx) granting.Tx { return tx }}, Clock: clock, NewID: store.NewID}
}
