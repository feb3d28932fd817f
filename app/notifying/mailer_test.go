package notifying

import (
	"bufio"
	"fmt"
	"net"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/fault"
)

// smtpd is a mail server of one connection: it says what SMTP says and gives back the letter. refuse makes it turn recipients away.
func smtpd(t *testing.T, refuse bool) (port int, letter chan string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	letter = make(chan string, 1)
	go func() {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		defer connection.Close()
		lines := bufio.NewScanner(connection)
		say := func(s string) { _, _ = fmt.Fprintf(connection, "%s\r\n", s) }
		say("220 test ESMTP")
		for lines.Scan() {
			switch word, _, _ := strings.Cut(strings.ToUpper(lines.Text()), " "); {
			case word == "EHLO":
				say("250-test")
				say("250 8BITMIME")
			case word == "RCPT" && refuse:
				say("550 no such user anna@example.ru")
			case word == "DATA":
				say("354 go ahead")
				var text strings.Builder
				for lines.Scan() && lines.Text() != "." {
					text.WriteString(lines.Text() + "\r\n")
				}
				letter <- text.String()
				say("250 taken")
			case word == "QUIT":
				say("221 bye")
				return
			default:
				say("250 ok")
			}
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port, letter
}

func TestMailerSends(t *testing.T) {
	port, letter := smtpd(t, false)
	m, err := NewMailer(Mail{Host: "127.0.0.1", Port: port, From: "Medcard <noreply@example.ru>", Plain: true, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Email(t.Context(), "anna@example.ru", "Код подтверждения\n\nВаш код: 123456\n"); err != nil {
		t.Fatal(err)
	}
	got, err := mail.ReadMessage(strings.NewReader(<-letter))
	if err != nil {
		t.Fatal(err)
	}
	for header, want := range map[string]string{"To": "<anna@example.ru>", "From": `"Medcard" <noreply@example.ru>`, "Auto-Submitted": "auto-generated"} {
		if got.Header.Get(header) != want {
			t.Errorf("%s: %q, want %q", header, got.Header.Get(header), want)
		}
	}
	if subject := got.Header.Get("Subject"); !strings.HasPrefix(subject, "=?UTF-8?") {
		t.Errorf("a Russian subject travels as %q", subject)
	}
}

// A server that refuses tells the address in its answer; ours does not pass it on.
func TestMailerKeepsTheAddressToItself(t *testing.T) {
	port, _ := smtpd(t, true)
	m, err := NewMailer(Mail{Host: "127.0.0.1", Port: port, From: "noreply@example.ru", Plain: true, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	err = m.Email(t.Context(), "anna@example.ru", "s\nb")
	if fault.CodeOf(err) != "mail.unavailable" || fault.KindOf(err) != fault.Unavailable {
		t.Fatalf("%v", err)
	}
	for e := err; e != nil; {
		if strings.Contains(e.Error(), "anna") {
			t.Errorf("the error quotes the address: %v", e)
		}
		inner, ok := e.(interface{ Unwrap() error })
		if !ok {
			break
		}
		e = inner.Unwrap()
	}
	if err := m.Email(t.Context(), "not an address\r\nBcc: eve@example.ru", "s\nb"); fault.CodeOf(err) != "mail.unavailable" {
		t.Errorf("an address with a header in it: %v", err)
	}
}

// Without TLS on the other side nothing is said: the mails hold one-time codes.
func TestMailerInsistsOnTLS(t *testing.T) {
	port, letter := smtpd(t, false)
	m, err := NewMailer(Mail{Host: "127.0.0.1", Port: port, From: "noreply@example.ru", Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Email(t.Context(), "anna@example.ru", "s\nb"); err == nil || len(letter) != 0 {
		t.Errorf("sent in the clear: %v", err)
	}
}

func TestMailSettings(t *testing.T) {
	for name, m := range map[string]Mail{
		"no host":                     {From: "noreply@example.ru"},
		"no sender":                   {Host: "mail.example.ru"},
		"a sender that is no address": {Host: "mail.example.ru", From: "Medcard"},
	} {
		if _, err := NewMailer(m); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
