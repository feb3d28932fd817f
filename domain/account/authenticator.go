package account

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238's own; HMAC does not rest on what SHA-1 has lost
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/medcard/medcard/domain/identity"
)

// The rules of codes from an authenticator app: what every such app makes when the URI says nothing else.
const (
	TOTPSecret    = 20               // bytes of a secret, as RFC 4226 advises
	TOTPEnrolment = 15 * time.Minute // within which the first code confirms the secret
	totpStep      = 30               // seconds
	totpDigits    = 6
	totpDrift     = 1 // steps that a phone's clock may be off, either way
)

// Authenticator is the secret that a person's authenticator app shares with Medcard (RFC 6238).
type Authenticator struct {
	Account   identity.AccountID
	Secret    []byte
	Started   time.Time
	Confirmed time.Time // zero = no code of it was shown yet, so it guards nothing
	Step      int64     // the last step whose code was taken: neither it nor an earlier one opens anything again
}

// Try judges a typed code. After a right one the next Authenticator must be kept, else the code could be replayed.
func (t Authenticator) Try(typed string, now time.Time) (next Authenticator, right bool) {
	typed = strings.Join(strings.Fields(typed), "")
	at := now.Unix() / totpStep
	next = t
	for step := at - totpDrift; step <= at+totpDrift; step++ { // all of them each time: the answer's time tells nothing
		same := subtle.ConstantTimeCompare([]byte(hotp(t.Secret, step, totpDigits)), []byte(typed)) == 1
		if same && step > t.Step {
			next.Step, right = step, true
		}
	}
	return next, right
}

// Code is what the app shows at a moment.
func (t Authenticator) Code(at time.Time) string {
	return hotp(t.Secret, at.Unix()/totpStep, totpDigits)
}

// hotp is the code of a counter (RFC 4226, section 5.3).
func hotp(secret []byte, counter int64, digits int) string {
	mac := hmac.New(sha1.New, secret)
	var message [8]byte
	binary.BigEndian.PutUint64(message[:], uint64(counter)) // steps since 1970
	mac.Write(message[:])
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 15
	value := uint64(binary.BigEndian.Uint32(sum[at:at+4]) & 0x7fffffff)
	modulo := uint64(1)
	for range digits {
		modulo *= 10
	}
	return fmt.Sprintf("%0*d", digits, value%modulo)
}

// Text is the secret as a person types it into an app that cannot scan.
func (t Authenticator) Text() string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(t.Secret)
}

// URI is what an authenticator app scans. name tells the person's accounts apart there.
func (t Authenticator) URI(issuer, name string) string {
	return "otpauth://totp/" + url.PathEscape(issuer+":"+name) + "?secret=" + t.Text() + "&issuer=" + url.QueryEscape(issuer)
}
