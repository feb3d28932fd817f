package enrolling

import (
	"context"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/evidence"
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
	AddContactChange(c account.ContactChange) error
	LockContactChange(id account.ChallengeID) (account.ContactChange, bool, error)
	DropContactChange(id account.ChallengeID) error
	SetContact(c account.ContactChange) error
	AddSignIn(s account.SignIn) error
	SignIn(id account.ChallengeID) (account.SignIn, bool, error)
	// LockCode finds the code of a channel of a challenge, and locks it.
	LockCode(id account.ChallengeID, by account.Channel) (account.Code, bool, error)
	PutCode(c account.Code) error

	Device(of identity.AccountID, id identity.DeviceID) (account.Device, bool, error)
	PutDevice(of identity.AccountID, d account.Device) error
	Devices(of identity.AccountID, now time.Time) ([]account.ListedDevice, error)
	SeeDevice(of identity.AccountID, id identity.DeviceID, now time.Time) error
	// ForgetDevice ends its sessions and pushes; ForgetOtherDevices does so with all but one, where the one session stays.
	ForgetDevice(of identity.AccountID, id identity.DeviceID, now time.Time) (found bool, err error)
	ForgetOtherDevices(of identity.AccountID, kept identity.DeviceID, session identity.SessionID, now time.Time) error
	// DropPush forgets how a device is reached by push; "" = all devices of the account.
	DropPush(of identity.AccountID, id identity.DeviceID) error
	ForgetSignIns(of identity.AccountID) error
	AddPasswordRecovery(r account.PasswordRecovery) error
	PasswordRecovery(id account.ChallengeID) (account.PasswordRecovery, bool, error)
	AddSession(s account.Session) error
	Session(id identity.SessionID) (account.Session, bool, error)
	// EndSession ends one session; EndSessions ends all of an account. What has ended stays ended as it was.
	EndSession(id identity.SessionID, now time.Time) error
	EndSessions(of identity.AccountID, now time.Time) error
	AddRefresh(r account.Refresh) error
	LockRefresh(hash []byte) (account.Refresh, bool, error)
	UseRefresh(hash, salt []byte, now time.Time) error

	// ProveSession notes that a second factor was shown in a session that is open already.
	ProveSession(id identity.SessionID, now time.Time) error

	Authenticator(of identity.AccountID) (account.Authenticator, bool, error)
	LockAuthenticator(of identity.AccountID) (account.Authenticator, bool, error)
	PutAuthenticator(a account.Authenticator) error
	DropAuthenticator(of identity.AccountID) error
	// ReplaceRecoveryCodes kills the codes that the account had. UseRecoveryCode gives false for one that is none, or was used.
	ReplaceRecoveryCodes(of identity.AccountID, hashes [][]byte) error
	UseRecoveryCode(of identity.AccountID, hash []byte, now time.Time) (bool, error)
	RecoveryCodes(of identity.AccountID) (left int, err error)

	Passkeys(of identity.AccountID) ([]account.Passkey, error)
	// AddPasskey gives false when there is one of that id, UsePasskey and RemovePasskey when the account has none.
	AddPasskey(p account.Passkey) (bool, error)
	UsePasskey(p account.Passkey) (bool, error)
	RemovePasskey(of identity.AccountID, id []byte) (bool, error)
	AddCeremony(c account.Ceremony) error
	// TakeCeremony finds a challenge and deletes it: it is good once.
	TakeCeremony(id account.ChallengeID) (account.Ceremony, bool, error)

	// PutLock locks an account or changes its lock; DropLock gives false when there is none.
	PutLock(l account.Lock) error
	DropLock(of identity.AccountID) (bool, error)
	LockOf(of identity.AccountID) (account.Lock, bool, error)
	Locks(limit int) ([]account.Lock, error)

	LinkedAccount(e account.External) (identity.AccountID, bool, error)
	// AddLink gives false when either side has another link, RemoveLink when there is none.
	AddLink(of identity.AccountID, e account.External, now time.Time) (bool, error)
	RemoveLink(of identity.AccountID, provider string) (bool, error)
	Links(of identity.AccountID) ([]account.Link, error)
	// OwnerBySNILS finds whose card the number leads to.
	OwnerBySNILS(n identity.SNILS) (identity.AccountID, bool, error)

	// Claim finds what a code from a clinic's desk opens. RedeemClaim gives false when it was redeemed meanwhile.
	Claim(code identity.ClaimCode) (account.Claim, bool, error)
	RedeemClaim(code identity.ClaimCode, by identity.AccountID, now time.Time) (bool, error)
	LockCard(id card.ID) error
	HasOwner(id card.ID) (bool, error)
	OwnersOf(id card.ID, now time.Time) ([]identity.AccountID, error)
	GrantOwner(id card.ID, to identity.AccountID, now time.Time) error
	CardsOf(identity.AccountID, identity.DeviceID) ([]card.ID, error)
	// CardsSeen lists the cards that the account may see on the installation, and how.
	CardsSeen(of identity.AccountID, on identity.DeviceID, now time.Time) ([]account.Seen, error)
	AppendAudit(e audit.Entry) error

	// OpenedBy reports whether the client opened the card.
	OpenedBy(id card.ID, client identity.ClientID) (bool, error)
	// Missing lists what the demand lacks in the account, Lacks what keeps a card from it besides: that what was proved does not show that it is its
	// person's. AwaitOwner is GrantOwner for a card that stays closed because of that; LetIn opens those cards of which nothing lacks any more, LetGo
	// gives one up.
	Missing(of identity.AccountID, d evidence.Demand) ([]evidence.Lack, error)
	Lacks(of identity.AccountID, id card.ID, d evidence.Demand) ([]evidence.Lack, error)
	AwaitedCards(of identity.AccountID) ([]card.ID, error)
	AwaitOwner(id card.ID, by identity.Actor, lacks []evidence.Lack, request string, now time.Time) error
	LetIn(of identity.AccountID, d evidence.Demand, by identity.Actor, request string, now time.Time) error
	LetGo(of identity.AccountID, id card.ID, what string, now time.Time) error
	// Overdue lists those who wait since before an instant, and not for a reviewer.
	Overdue(before, now time.Time, limit int) ([]account.Waiting, error)
	LockPolicyLink(of identity.AccountID) (evidence.Link, bool, error)
	PolicyLink(of identity.AccountID) (evidence.Link, bool, error)
	PutPolicyLink(l evidence.Link) error
	InsurerTx
	// PolicyFits gives false when the policy is somebody else's, as far as is known here.
	PolicyFits(of identity.AccountID, n identity.Policy) (bool, error)
	TellOfVerdict(of identity.AccountID) error
	TellOfDevice(of identity.AccountID, except identity.DeviceID) error
	AuditProof(of identity.AccountID, e audit.Entry) error

	// AddEvent keeps what was done with an account; CountRefusal counts a refused sign-in, and takes the same work for nobody's login.
	AddEvent(e account.Event) error
	CountRefusal(of identity.AccountID, network string, now time.Time) error
	EventsOf(of identity.AccountID, below account.EventID, limit int) ([]account.Event, error)
	// DueEvents lists those behind one that the audit log lacks, AuditEvent writes one there.
	DueEvents(after account.EventID, now time.Time, limit int) ([]account.Event, error)
	AuditEvent(e account.Event, due, now time.Time) error

	// ForgetEnrolling deletes registrations, sign-ins, codes, refresh tokens, sessions and limits that ended before the instant.
	ForgetEnrolling(before time.Time) error
	// ForgetUnused deletes devices on which nobody is signed in and nobody was since the instant, and what of clinics' desks ended before it.
	ForgetUnused(before time.Time) error
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
