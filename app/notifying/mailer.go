package notifying

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// Mail says through which server mail goes out.
type Mail struct {
	Host     string
	Port     int    // 0 = 587
	User     string // "" = the server asks for no password
	Password string
	From     string // "Medcard <noreply@example.ru>"
	Plain    bool   // without TLS: for a server on the same machine
	Timeout  time.Duration
}

// Mailer sends mail over SMTP. TLS is demanded unless Mail.Plain says otherwise: the mails hold one-time codes.
type Mailer struct {
	client *mail.Client
	from   string
}

// handAgain is when it is worth another try to hand a message over.
const handAgain = time.Minute

var errMail = fault.New(fault.Unavailable, "mail.unavailable", "The mail could not be handed over. Try again in a minute.").After(handAgain)

// NewMailer checks the settings; it talks to nobody yet.
func NewMailer(m Mail) (*Mailer, error) {
	if m.Timeout == 0 {
		m.Timeout = 10 * time.Second
	}
	if m.Port == 0 {
		m.Port = 587
	}
	options := []mail.Option{mail.WithPort(m.Port), mail.WithTimeout(m.Timeout), mail.WithTLSPolicy(mail.TLSMandatory)}
	if m.Plain {
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	}
	if m.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(m.User), mail.WithPassword(m.Password))
	}
	client, err := mail.NewClient(m.Host, options...)
	if err != nil {
		return nil, fmt.Errorf("mail settings: %w", err)
	}
	if mail.NewMsg().From(m.From) != nil {
		return nil, errors.New("mail settings: the sender is no mail address")
	}
	return &Mailer{client: client, from: m.From}, nil
}

// Email sends a text whose first line is the subject. It returns when the server has taken it.
func (m *Mailer) Email(ctx context.Context, to identity.Email, text string) error {
	subject, body, _ := strings.Cut(text, "\n")
	letter := mail.NewMsg()
	if err := errors.Join(letter.From(m.from), letter.To(string(to))); err != nil {
		return errMail.Because(errors.New("an address that SMTP does not take")) // never err: it quotes the address
	}
	letter.Subject(subject)
	letter.SetBodyString(mail.TypeTextPlain, strings.TrimLeft(body, "\n"))
	letter.SetGenHeader("Auto-Submitted", "auto-generated") // no holiday replies
	if err := m.client.DialAndSendWithContext(ctx, letter); err != nil {
		return errMail.Because(fmt.Errorf("%T", err)) // never err: it may quote the address
	}
	return nil
}
