package enrolling

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"github.com/medcard/medcard/domain/fault"
)

// Bounds of a password, in characters as a person counts them.
const (
	shortest = 8
	longest  = 128
)

// Faults of passwords.
var (
	errPasswordLength = fault.New(fault.Invalid, "password.length", "A password has 8 to 128 characters.")
	errPasswordLogin  = fault.New(fault.Invalid, "password.guessable", "The password must not be the phone number or the e-mail address.")
	errBusy           = fault.New(fault.Throttled, "busy", "Many people are signing in at this moment. Try again in a few seconds.").After(3 * time.Second)
)

// argon says how hard a password is to try: argon2id as OWASP advises.
type argon struct {
	memory  uint32 // KiB
	passes  uint32
	threads uint8
}

var hard = argon{memory: 19 << 10, passes: 2, threads: 1}

const (
	saltSize = 16
	hashSize = 32
)

// Passwords hashes passwords, at most one per core at a time: each takes 19 MiB, and a flood of sign-ins must not eat the
// memory of everybody else. A few wait in line for a moment; who comes after them is told to try again.
type Passwords struct {
	argon
	slots chan struct{}
	line  chan struct{}
}

// patience is how long somebody stands in line.
const patience = 2 * time.Second

// NewPasswords makes a hasher for the cores of this machine.
func NewPasswords() *Passwords {
	cores := runtime.GOMAXPROCS(0)
	return &Passwords{argon: hard, slots: make(chan struct{}, cores), line: make(chan struct{}, 16*cores)}
}

// enter waits for a core. leave must be called after a nil error.
func (p *Passwords) enter(ctx context.Context) error {
	select {
	case p.line <- struct{}{}:
		defer func() { <-p.line }()
	default:
		return errBusy
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return errBusy
	}
}

func (p *Passwords) leave() { <-p.slots }

// Hash makes the PHC string of a password.
func (p *Passwords) Hash(ctx context.Context, random io.Reader, password string) (string, error) {
	salt := make([]byte, saltSize)
	if _, err := io.ReadFull(random, salt); err != nil {
		return "", fmt.Errorf("draw a salt: %w", err)
	}
	if err := p.enter(ctx); err != nil {
		return "", err
	}
	defer p.leave()
	sum := p.sum(password, salt)
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memory, p.passes, p.threads, encode(salt), encode(sum)), nil
}

// Check tries a password against a PHC string. The empty string is the hash of nobody: it takes the same work and is never
// right. stale asks for a new hash, because the cost has changed since.
func (p *Passwords) Check(ctx context.Context, password, phc string) (right, stale bool, err error) {
	cost, salt, want := p.argon, make([]byte, saltSize), make([]byte, hashSize)
	if phc != "" {
		if cost, salt, want, err = parsePHC(phc); err != nil {
			return false, false, err
		}
	}
	if err := p.enter(ctx); err != nil {
		return false, false, err
	}
	defer p.leave()
	same := subtle.ConstantTimeCompare(cost.sum(password, salt), want) == 1
	return same && phc != "", cost != p.argon, nil
}

func (a argon) sum(password string, salt []byte) []byte {
	return argon2.IDKey([]byte(password), salt, a.passes, a.memory, a.threads, hashSize)
}

func parsePHC(phc string) (a argon, salt, sum []byte, err error) {
	bad := func() (argon, []byte, []byte, error) {
		return argon{}, nil, nil, fmt.Errorf("a stored password hash is no argon2id of version %d", argon2.Version)
	}
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return bad()
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &a.memory, &a.passes, &a.threads); err != nil || a.passes == 0 || a.threads == 0 {
		return bad()
	}
	if salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return bad()
	}
	if sum, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil || len(sum) != hashSize {
		return bad()
	}
	return a, salt, sum, nil
}

// cleanPassword brings a password to one spelling: keyboards disagree on how to write й, and on which space is a space.
func cleanPassword(password string) (string, error) {
	if len(password) > 8*longest || !utf8.ValidString(password) {
		return "", errPasswordLength
	}
	password = norm.NFKC.String(password)
	if n := utf8.RuneCountInString(password); n < shortest || n > longest {
		return "", errPasswordLength
	}
	return password, nil
}
