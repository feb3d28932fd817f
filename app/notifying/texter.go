package notifying

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"

	"github.com/medcard/medcard/app/notifying/smpp"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// Texter sends text messages through an operator's message centre, over SMPP.
type Texter struct{ centre *smpp.Transmitter }

// ErrTexter means that the address of a message centre cannot be used. It says nothing of the address, which holds a password.
var ErrTexter = errors.New("it must be smpps://user:password@host:port?from=NAME; smpp:// without TLS only to a private or loopback IP address, a tunnel to the operator")

var errSMS = fault.New(fault.Unavailable, "sms.unavailable", "The text message could not be handed over. Try again in a minute.").After(handAgain)

// ReadTexter reads the address of a message centre; it talks to nobody yet.
func ReadTexter(address string) (*Texter, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.User.Username() == "" || u.Path != "" {
		return nil, ErrTexter
	}
	from := u.Query().Get("from")
	if from == "" || len(from) > 20 || len(u.User.Username()) > 15 {
		return nil, ErrTexter
	}
	t := &smpp.Transmitter{User: u.User.Username(), From: from}
	t.Password, _ = u.User.Password()
	port := u.Port()
	switch ip := net.ParseIP(u.Hostname()); {
	case u.Scheme == "smpps":
		t.TLS = &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
		if port == "" {
			port = "3550" // IANA: ssmpp
		}
	case u.Scheme == "smpp" && ip != nil && (ip.IsLoopback() || ip.IsPrivate()):
		if port == "" {
			port = "2775" // IANA: smpp
		}
	default:
		return nil, ErrTexter
	}
	t.Address = net.JoinHostPort(u.Hostname(), port)
	return &Texter{centre: t}, nil
}

// SMS sends a text message. It returns when the centre has taken it.
func (t *Texter) SMS(ctx context.Context, to identity.Phone, text string) error {
	err := t.centre.Send(ctx, string(to), text)
	var refused smpp.StatusError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		return errSMS.Because(refused)
	}
	return errSMS.Because(fmt.Errorf("%T", err))
}
