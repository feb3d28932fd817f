package enrolling

import (
	"context"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
)

// Store runs transactions. A closure may run again, so it holds nothing but Tx calls.
type Store interface {
	View(ctx context.Context, f func(Tx) error) error
	Update(ctx context.Context, f func(Tx) error) error
}

// Tx is what enrolling needs of one transaction. A method that says it locks makes other transactions wait that lock the
// same row, until this one ends; in a View it only reads.
type Tx interface {
	// LockAllowance gives until when a limit is spent, zero for one that nobody touched, and locks it.
	LockAllowance(key []byte) (time.Time, error)
	SetAllowance(key []byte, spentUntil time.Time) error

	Account(id identity.AccountID) (account.Account, bool, error)
	AccountByPhone(p identity.Phone) (account.Account, bool, error)
	AccountByEmail(e identity.Email) (account.Account, bool, error)
	// AddAccount gives account.ErrTaken, and leaves the transaction usable, when another account has the phone or the e-mail.
	AddAccount(a account.Account) error
	SetPassword(id identity.AccountID, hash string) error

	AddRegistration(r account.Registration) error
	LockRegistration(id account.ChallengeID) (account.Registration, bool, error)
	SetRegistration(r account.Registration) error
	AddSignIn(s account.SignIn) error
	SignIn(id account.ChallengeID) (account.SignIn, bool, error)
	// LockCode finds the code of a channel of a challenge, and locks it.
	LockCode(id account.ChallengeID, by account.Channel) (account.Code, bool, error)
	PutCode(c account.Code) error

	Device(of identity.AccountID, id identity.DeviceID) (account.Device, bool, error)
	PutDevice(of identity.AccountID, d account.Device) error
	AddSession(s account.Session) error
	Session(id identity.SessionID) (account.Session, bool, error)
	// EndSession ends one session; EndSessions ends all of an account. What has ended stays ended as it was.
	EndSession(id identity.SessionID, now time.Time) error
	EndSessions(of identity.AccountID, now time.Time) error
	AddRefresh(r account.Refresh) error
	LockRefresh(hash []byte) (account.Refresh, bool, error)
	UseRefresh(hash, salt []byte, now time.Time) error

	// Claim finds what a code from a clinic's desk opens. RedeemClaim gives false when it was redeemed meanwhile.
	Claim(code identity.ClaimCode) (account.Claim, bool, error)
	RedeemClaim(code identity.ClaimCode, by identity.AccountID, now time.Time) (bool, error)
	LockCard(id card.ID) error
	HasOwner(id card.ID) (bool, error)
	GrantOwner(id card.ID, to identity.AccountID, now time.Time) error
	CardsOf(id identity.AccountID) ([]card.ID, error)
	AppendAudit(e audit.Entry) error

	// ForgetEnrolling deletes registrations, sign-ins, codes, refresh tokens, sessions and limits that ended before the instant.
	ForgetEnrolling(before time.Time) error
}

// CodeSender carries a message to a person. It returns when the message is handed over; what happens to it then is not known.
type CodeSender interface {
	SMS(ctx context.Context, to identity.Phone, text string) error
	Email(ctx context.Context, to identity.Email, text string) error // the first line is the subject
}

// IssueAccess makes an access token of a session.
type IssueAccess func(s account.Session, ends time.Time) (string, error)

// Digest is a keyed hash: without the server's key nobody can try the million codes there are against a stolen table. kind
// keeps the hashes of different things apart.
type Digest func(kind, value string) []byte
