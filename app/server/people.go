package server

import (
	"context"
	"crypto"
	"errors"
	"net/url"
	"strconv"
	"time"

	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/enrolling"
	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/app/notifying"
	"github.com/medcard/medcard/app/oauth"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/identity"
)

// Authority assembles the authorisation server alone, for commands that register organisations while nothing serves.
func Authority(db *store.DB, custody *keys.Custody, issuer string, clock func() time.Time) (*oauth.Service, error) {
	signer, err := custody.Signer(keys.Tokens)
	if err != nil {
		return nil, err
	}
	return oauth.New(oauth.Parts{
		Store: acting[oauth.Tx]{db, func(tx *store.Tx) oauth.Tx { return tx }}, Issuer: issuer, Keys: []crypto.Signer{signer}, Clock: clock,
	})
}

// people assembles what lets persons in.
func people(db *store.DB, custody *keys.Custody, authority *oauth.Service, cfg config.Config, o Options) (*enrolling.Service, error) {
	send, err := carriers(cfg, notifying.NewOutbox(o.Console, o.Clock))
	if err != nil {
		return nil, err
	}
	return enrolling.New(enrolling.Parts{
		Store: acting[enrolling.Tx]{db, func(tx *store.Tx) enrolling.Tx { return tx }}, Sender: send,
		Access: authority.IssueSession, Digest: custody.Hash, Clock: o.Clock, Log: o.Log,
	}), nil
}

// messages sends text messages one way and mails another.
type messages struct {
	*notifying.Outbox
	mail *notifying.Mailer // nil = into the outbox too
}

func (m messages) Email(ctx context.Context, to identity.Email, text string) error {
	if m.mail == nil {
		return m.Outbox.Email(ctx, to, text)
	}
	return m.mail.Email(ctx, to, text)
}

func carriers(cfg config.Config, outbox *notifying.Outbox) (messages, error) {
	if cfg.SMTP == "" {
		return messages{Outbox: outbox}, nil
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
	mailer, err := notifying.NewMailer(settings)
	return messages{Outbox: outbox, mail: mailer}, err
}
