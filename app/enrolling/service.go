package enrolling

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// Parts are what a Service is made of.
type Parts struct {
	Store     Store
	Sender    CodeSender
	Access    IssueAccess
	Digest    Digest
	SignedIn  SignedIn   // nil = nobody signs in with a certificate
	Passwords *Passwords // nil = NewPasswords of this machine
	Passkeys  *Passkeys  // nil = there are none
	Provider  Provider   // nil = none
	Insurer   Insurer    // of policies whose insurer is not connected; nil = their code goes to the account's own number, which proves little
	Demand    evidence.Demand
	Bound     bool // no session goes without a key
	Clock     func() time.Time
	Random    io.Reader // nil = crypto/rand
	Log       *slog.Logger
}

// Service does the work of this package. It is safe for concurrent use.
type Service struct {
	store     Store
	sender    CodeSender
	access    IssueAccess
	digest    Digest
	signedIn  SignedIn
	passwords *Passwords
	passkeys  *Passkeys
	provider  Provider
	insurer   Insurer
	demand    evidence.Demand
	bound     bool
	clock     func() time.Time
	random    io.Reader
	log       *slog.Logger
	words     *words
	sending   sync.WaitGroup
}

// New makes a Service.
func New(p Parts) *Service {
	s := &Service{store: p.Store, sender: p.Sender, access: p.Access, digest: p.Digest, signedIn: p.SignedIn, passwords: p.Passwords, passkeys: p.Passkeys, provider: p.Provider, insurer: p.Insurer, demand: p.Demand, bound: p.Bound, clock: p.Clock, random: p.Random, log: p.Log, words: newWords()}
	if s.passwords == nil {
		s.passwords = NewPasswords()
	}
	if s.random == nil {
		s.random = rand.Reader
	}
	if s.insurer == nil {
		s.insurer = func(ctx context.Context, _ identity.Policy, who account.Account, text string) error {
			return s.sender.SMS(ctx, who.Phone, text)
		}
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s
}

// Origin is where a request comes from.
type Origin struct {
	Address string // of the network, as far as the door knows it
	Request string // id of the request, for the audit
	Key     string // JWK thumbprint of the key that the request proved to hold (DPoP); "" = none. A session that it opens is bound to that
}

// Sweep deletes what has ended long enough ago that nobody will ask for it again: a replayed code still hears for a day that
// it was used. And it lets go whoever redeemed a card and has not proved that it is his own. Before that the audit log gets what it lacks.
func (s *Service) Sweep(ctx context.Context) error {
	now := s.now()
	return errors.Join(s.Note(ctx, now.Add(-noteAfter)), s.endUnanswered(ctx), s.lapse(ctx), s.store.Update(ctx, func(tx Tx) error {
		if err := tx.ForgetEnrolling(now.Add(-24 * time.Hour)); err != nil {
			return err
		}
		return tx.ForgetUnused(now.Add(-account.UnusedLife))
	}))
}

// now is the time as precisely as a database keeps it, so that what is answered at once equals what is read later.
func (s *Service) now() time.Time { return s.clock().UTC().Truncate(time.Microsecond) }

// draw gives n random bytes. A source that runs dry is a broken machine.
func (s *Service) draw(n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(s.random, b); err != nil {
		return nil, fmt.Errorf("draw randomness: %w", err)
	}
	return b, nil
}

func (s *Service) newID() (string, error) {
	id, err := uuid.NewV7FromReader(s.random)
	return id.String(), err
}

// newCode draws the six digits that a person will type, each value as likely as the others.
func (s *Service) newCode() (string, error) {
	for {
		b, err := s.draw(4)
		if err != nil {
			return "", err
		}
		n := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
		if n < 4_294_000_000 { // the largest multiple of a million: what lies above would favour small codes
			return fmt.Sprintf("%06d", n%1_000_000), nil
		}
	}
}

// hashCode binds a code to its challenge and channel, so that it opens nothing else.
func (s *Service) hashCode(id account.ChallengeID, by account.Channel, code string) []byte {
	code = strings.Join(strings.Fields(code), "") // "123 456" is how phones show it
	return s.digest("code", string(id)+"|"+string(by)+"|"+code)
}

// newToken draws an opaque token of 256 bits. The prefix lets scanners find one that leaked into a repository or a log.
func (s *Service) newToken() (string, error) {
	b, err := s.draw(32)
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(b), err
}

const tokenPrefix = "mcr_"

// canonicalID reads a UUID that a client sent.
func canonicalID(s string) (string, bool) {
	if len(s) != 36 {
		return "", false
	}
	id, err := uuid.Parse(s)
	return id.String(), err == nil && id != uuid.Nil
}

// hand gives a message to the sender and words its refusal.
func (s *Service) hand(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	s.log.ErrorContext(ctx, "a message could not be handed over", "type", fmt.Sprintf("%T", err))
	return errNotSent.Because(err)
}

// tell sends a notice that nobody waits for. It may fail: the person also sees it in the list of sessions.
func (s *Service) tell(ctx context.Context, to identity.Email, text string) {
	_ = s.hand(ctx, s.sender.Email(ctx, to, text))
}

// later sends messages after the answer, where the time of the answer would tell whether there is somebody to send them to.
func (s *Service) later(ctx context.Context, send func(context.Context)) {
	s.sending.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		send(ctx)
	})
}

// Wait waits for the messages that are on their way.
func (s *Service) Wait() { s.sending.Wait() }

// Faults of this package. None says more to someone who guesses than to someone who mistyped.
var (
	errNotSent      = fault.New(fault.Unavailable, "message.not_sent", "The message with the code could not be sent. Try again in a minute.").After(time.Minute)
	errCredentials  = fault.New(fault.Unauthenticated, "credentials.wrong", "The phone number or e-mail address and the password do not belong together.")
	errChallenge    = fault.New(fault.Gone, "code.expired", "The code is expired. Start again to get a new one.")
	errCodeWrong    = fault.New(fault.Invalid, "code.wrong", "The code is not right. Look at the newest message.")
	errCodeUsed     = fault.New(fault.Conflict, "code.used", "The code was used already.")
	errCodeDead     = fault.New(fault.Gone, "code.exhausted", "Too many wrong codes: this one is dead. Ask for a new one.")
	errNoMoreCodes  = fault.New(fault.Gone, "code.no_more", "No more codes are sent for this attempt. Start again.")
	errTooSoon      = fault.New(fault.Throttled, "code.too_soon", "A code is on its way. Wait before you ask for another.")
	errThrottled    = fault.New(fault.Throttled, "throttled", "Too many attempts. Wait before the next one.")
	errTaken        = fault.New(fault.Conflict, "account.exists", "There is an account with this phone number or e-mail address. Sign in.")
	errRefresh      = fault.New(fault.Unauthenticated, "refresh.invalid", "The refresh token is not good any more. Sign in again.")
	errReuse        = fault.New(fault.Unauthenticated, "refresh.reused", "The refresh token was used before: somebody may have a copy. The session was ended; sign in again.")
	errUnbound      = fault.New(fault.Unauthenticated, "dpop.required", "This server opens sessions for apps that hold a key alone: send a proof in the header DPoP (RFC 9449) when you sign in.")
	errEnded        = fault.New(fault.Unauthenticated, "session.ended", "The session has ended. Sign in again.")
	errNotSignedIn  = fault.New(fault.Denied, "second_factor.missing", "This needs a session that was opened with a second factor.")
	errClaimUsed    = fault.New(fault.Conflict, "claim.used", "The code was redeemed already.")
	errClaimExpired = fault.New(fault.Gone, "claim.expired", "The code is expired. The clinic's desk can give you a new one.")
	errOwned        = fault.New(fault.Conflict, "card.owned", "The card has an owner already. The clinic's desk can help.")
	errInput        = fault.New(fault.Invalid, "invalid_input", "Some of the input is not acceptable; fields tells where and why.")
)

// verdicts words what became of a typed code.
var verdicts = map[account.Verdict]*fault.Fault{
	account.Wrong:     errCodeWrong,
	account.Expired:   errChallenge,
	account.Exhausted: errCodeDead,
	account.Replayed:  errCodeUsed,
}
