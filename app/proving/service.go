package proving

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/medcard/medcard/app/proving/sheet"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// Tx is what this act needs of a transaction. A method that locks makes other transactions wait that lock the same row.
type Tx interface {
	Documents(of identity.AccountID) ([]evidence.Document, error)
	// LockOpenDocument finds the document of the slot that is not approved.
	LockOpenDocument(of identity.AccountID, slot evidence.Slot) (evidence.Document, bool, error)
	LockDocument(of identity.AccountID, id evidence.DocumentID) (evidence.Document, bool, error)
	// DocumentsToCheck lists those that wait for a reviewer behind the one that after names by Sent, Account and ID; the zero value begins.
	DocumentsToCheck(after evidence.Document, limit int) ([]evidence.Document, error)
	// NamesOf gives the names that the account's person has on the cards that he redeemed.
	NamesOf(of identity.AccountID) ([]card.Name, error)
	// AddDocument gives false when another document is open in the slot.
	AddDocument(d evidence.Document) (bool, error)
	// SetDocument keeps all but the files. An approved one takes the place of the approved one of its slot.
	SetDocument(d evidence.Document) error
	DropDocument(d evidence.Document) error
	PutFile(d evidence.Document, f evidence.File, content []byte) error
	FileContent(d evidence.Document, number int) ([]byte, error)
	ForgetDocuments(before time.Time) error

	// LetIn opens the account's awaited cards if the demand lacks nothing any more.
	LetIn(of identity.AccountID, d evidence.Demand, by identity.Actor, request string, now time.Time) error
	TellOfVerdict(of identity.AccountID) error
	// AuditProof remembers an act on the cards of the account, or on the log's own where it has none.
	AuditProof(of identity.AccountID, e audit.Entry) error
	ClaimTx
	LockAllowance(key []byte) (time.Time, error)
	SetAllowance(key []byte, spentUntil time.Time) error
}

// Store runs transactions. A closure may run again, so it holds nothing but Tx calls.
type Store interface {
	View(context.Context, func(Tx) error) error
	Update(context.Context, func(Tx) error) error
}

// Service takes documents and verdicts.
type Service struct {
	Store  Store
	Demand evidence.Demand
	Zone   *time.Location                  // whose days count for ages and terms
	Scan   Scan                            // of every file before it is kept; nil = none is scanned
	Hash   func(kind, value string) []byte // keyed
	Clock  func() time.Time
	NewID  func() string
}

// keepIdle is how long a draft or a rejected document is kept that its person does nothing to.
const keepIdle = 90 * 24 * time.Hour

// allowance is how often an account may do something: so many times at once, and once more every period.
type allowance struct {
	what   string
	atOnce int
	every  time.Duration
}

var (
	files  = allowance{"document file", 60, time.Minute}
	claims = allowance{"claim", 10, 24 * time.Hour / 10}
)

// What a document is refused with.
var (
	errNone      = fault.New(fault.NotFound, "document.not_found", "There is no document in this slot that could be changed.")
	errFormat    = fault.New(fault.Unsupported, "file.format", "A page is a JPEG, a PNG or a PDF, by its first bytes.")
	errBroken    = fault.New(fault.Invalid, "file.broken", "The file is damaged, or not all of it arrived. Send it again, or save it anew.")
	errLarge     = fault.New(fault.TooLarge, "file.too_large", "A file has at most 8388608 bytes; a picture at most 64 million pixels.")
	errLocked    = fault.New(fault.Invalid, "file.locked", "The PDF is locked by a password. Save it without one.")
	errActive    = fault.New(fault.Invalid, "file.active", "The PDF holds programs, forms that send, or other files. Print it into a new PDF.")
	errThrottled = fault.New(fault.Throttled, "throttled", "Too many attempts. Wait before the next one.")
)

// refusals word why a file is refused.
var refusals = []struct {
	err error
	say *fault.Fault
}{
	{sheet.ErrFormat, errFormat}, {sheet.ErrBroken, errBroken}, {sheet.ErrSize, errLarge}, {sheet.ErrLocked, errLocked}, {sheet.ErrActive, errActive},
}

var formats = map[sheet.Format]evidence.Format{sheet.JPEG: evidence.JPEG, sheet.PNG: evidence.PNG, sheet.PDF: evidence.PDF}

// now is the time as precisely as a database keeps it.
func (s *Service) now() time.Time { return s.Clock().UTC().Truncate(time.Microsecond) }

// read finds out what the file is, and what of it is kept.
func read(number int, content []byte) (f evidence.File, kept []byte, err error) {
	if len(content) > evidence.MaxFile {
		return f, nil, errLarge
	}
	page, err := sheet.Read(content)
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			return f, nil, r.say
		}
	}
	return evidence.File{Number: number, Format: formats[page.Format], Size: int64(len(page.Content)), Pages: page.Pages}, page.Content, err
}

// Documents lists the actor's own, without their files' bytes. Those of claims are in Claims.
func (s *Service) Documents(ctx context.Context, a identity.Actor) ([]evidence.Document, error) {
	return s.list(ctx, a, func(d evidence.Document) bool { return d.Claim == nil })
}

func (s *Service) list(ctx context.Context, a identity.Actor, meant func(evidence.Document) bool) (list []evidence.Document, err error) {
	err = s.Store.View(ctx, func(tx Tx) error {
		list, err = tx.Documents(a.Account)
		return err
	})
	return slices.DeleteFunc(list, func(d evidence.Document) bool { return !meant(d) }), err
}

// Put takes a file of a document in, in place of the one that has its number. The first one begins a draft; to a rejected document it is the
// begin of another try.
func (s *Service) Put(ctx context.Context, a identity.Actor, slot evidence.Slot, number int, content []byte) (d evidence.Document, err error) {
	if !slot.Known() {
		return d, evidence.ErrSlot
	}
	f, kept, err := read(number, content)
	if err != nil {
		return d, err
	}
	id, now := evidence.DocumentID(s.NewID()), s.now()
	scanned, err := s.scan(ctx, a, content, now)
	if err != nil {
		return d, err
	}
	err = s.Store.Update(ctx, func(tx Tx) error {
		if !scanned { // else it was counted before the scan
			if err := s.spend(tx, files, a.Account, now); err != nil {
				return err
			}
		}
		if _, err := tx.AddDocument(evidence.Document{ID: id, Account: a.Account, Slot: slot, Status: evidence.Draft, Changed: now}); err != nil {
			return err
		}
		var found bool
		if d, found, err = tx.LockOpenDocument(a.Account, slot); err != nil || !found {
			return errors.Join(err, missingDocument(found))
		}
		if err := d.Takes(f); err != nil {
			return err
		}
		if err := tx.PutFile(d, f, kept); err != nil {
			return err
		}
		d.Status, d.Changed, d.Files = evidence.Draft, now, d.With(f)
		return tx.SetDocument(d)
	})
	return d, err
}

func missingDocument(found bool) error {
	if found {
		return nil
	}
	return errNone
}

// spend counts something of the account, so that nobody can keep the server busy with it. What is rolled back costs nothing.
func (s *Service) spend(tx Tx, on allowance, of identity.AccountID, now time.Time) error {
	key := s.Hash("limit", on.what+"/account|"+string(of))
	until, err := tx.LockAllowance(key)
	if err != nil {
		return err
	}
	if until.Before(now) {
		until = now
	}
	until = until.Add(on.every)
	if wait := until.Sub(now) - time.Duration(on.atOnce)*on.every; wait > 0 {
		return errThrottled.After(wait)
	}
	return tx.SetAllowance(key, until)
}

// HandIn gives a document to the reviewers, with its number as the person typed it.
func (s *Service) HandIn(ctx context.Context, a identity.Actor, slot evidence.Slot, typed, request string) (d evidence.Document, err error) {
	if !slot.Known() {
		return d, evidence.ErrSlot
	}
	number, err := slot.Number(typed)
	if err != nil {
		f := fault.From(err)
		return d, f.At("body.number", f.Text)
	}
	now := s.now()
	err = s.change(ctx, a, slot, func(tx Tx, found evidence.Document) error {
		d = found
		if err := d.Complete(); err != nil {
			return err
		}
		d.Status, d.Number, d.Changed, d.Sent, d.Judged, d.Reason, d.Words, d.Reviewer = evidence.Checking, number, now, now, time.Time{}, "", "", ""
		if err := tx.SetDocument(d); err != nil {
			return err
		}
		return tx.AuditProof(a.Account, audit.Entry{At: now, Actor: a, Action: audit.Prove, Purpose: consent.PatientRequest, What: "document " + string(slot), Request: request})
	})
	return d, err
}

// Withdraw takes a document back that is being checked: it is a draft again. What is none yet, or was rejected, is deleted.
func (s *Service) Withdraw(ctx context.Context, a identity.Actor, slot evidence.Slot) error {
	if !slot.Known() {
		return evidence.ErrSlot
	}
	return s.change(ctx, a, slot, func(tx Tx, d evidence.Document) error {
		if d.Status != evidence.Checking {
			return tx.DropDocument(d)
		}
		d.Status, d.Sent, d.Changed = evidence.Draft, time.Time{}, s.now()
		return tx.SetDocument(d)
	})
}

// change finds the actor's document of the slot that is not approved.
func (s *Service) change(ctx context.Context, a identity.Actor, slot evidence.Slot, change func(Tx, evidence.Document) error) error {
	return s.Store.Update(ctx, func(tx Tx) error {
		d, found, err := tx.LockOpenDocument(a.Account, slot)
		if err != nil || !found {
			return errors.Join(err, missingDocument(found))
		}
		return change(tx, d)
	})
}

// Sweep deletes documents that their people left unfinished.
func (s *Service) Sweep(ctx context.Context) error {
	before := s.now().Add(-keepIdle)
	return s.Store.Update(ctx, func(tx Tx) error { return tx.ForgetDocuments(before) })
}
