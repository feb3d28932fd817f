package evidence

import (
	"time"

	"github.com/medcard/medcard/domain/family"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// DocumentID names a document, a UUID in canonical text form.
type DocumentID string

// Status says how far a document is.
type Status string

// The statuses.
const (
	Draft    Status = "draft"    // its pages are being sent
	Checking Status = "checking" // it waits for a reviewer
	Approved Status = "approved"
	Rejected Status = "rejected" // its reason says what to do better
)

// Reason says why a document was rejected, in a word that an app can put into its own.
type Reason string

// The reasons.
const (
	Unreadable    Reason = "unreadable"    // blurred, cut off, too dark
	Incomplete    Reason = "incomplete"    // a page, a stamp or a signature is missing
	OtherDocument Reason = "otherDocument" // it is not what the slot is for
	Mismatch      Reason = "mismatch"      // name, date or number are not those of the person
	Expired       Reason = "expired"
	Doubtful      Reason = "doubtful" // it may not be genuine: come to the clinic with the original
)

// Known reports whether the reason is one of those above.
func (r Reason) Known() bool {
	switch r {
	case Unreadable, Incomplete, OtherDocument, Mismatch, Expired, Doubtful:
		return true
	}
	return false
}

// Limits of documents.
const (
	MaxFile     = 8 << 20  // bytes of one file, as it is sent
	MaxDocument = 32 << 20 // bytes of all files of a document
	MaxFiles    = 10       // of a document
	MaxPages    = 30       // of a document: a PDF has several
)

// Format is what a file is, by its first bytes.
type Format string

// The formats.
const (
	JPEG Format = "jpeg"
	PNG  Format = "png"
	PDF  Format = "pdf"
)

// File is one file of a document, without its bytes.
type File struct {
	Number int // its place in the document, from 1
	Format Format
	Size   int64 // bytes, as it is kept
	Pages  int   // 1 for a picture
}

// Document is what a person sent in a slot. There may be two of a slot: the approved one, and the one that is to replace it. Those of claims
// are beside them, each by itself: a parent of two children has two birth certificates.
type Document struct {
	ID       DocumentID
	Account  identity.AccountID
	Slot     Slot
	Status   Status
	Number   string // canonical; "" = none, or not typed yet
	Files    []File
	Changed  time.Time // when the person last did something to it
	Sent     time.Time // when it was handed in for checking; zero = not yet
	Judged   time.Time // zero = not yet
	Reason   Reason    // of a rejection
	Words    string    // the reviewer's, to the person
	Reviewer string
	Holder   family.Named  // of an approved one: whose it is, as the reviewer read it; zero = he did not say
	Claim    *family.Claim // that it is to prove; nil = none
}

// Why a document cannot be changed or handed in.
var (
	ErrChecking = fault.New(fault.Conflict, "document.checking", "The document is being checked. Withdraw it to change it.").In(string(Checking))
	ErrEmpty    = fault.New(fault.Conflict, "document.empty", "The document has no pages yet.").In(string(Draft))
	ErrGap      = fault.New(fault.Conflict, "document.gap", "The files of a document are numbered from 1 without gaps.").In(string(Draft))
	ErrFiles    = fault.New(fault.TooLarge, "document.too_large", "A document has at most 10 files, 30 pages and 33554432 bytes in all.")
)

// Takes says why the file cannot become part of the document as it is, nil if it can. A file of the same number is replaced.
func (d Document) Takes(f File) error {
	if d.Status == Checking {
		return ErrChecking
	}
	pages, size, files := f.Pages, f.Size, 1
	for _, other := range d.Files {
		if other.Number != f.Number {
			pages, size, files = pages+other.Pages, size+other.Size, files+1
		}
	}
	if f.Number < 1 || f.Number > MaxFiles || files > MaxFiles || pages > MaxPages || size > MaxDocument {
		return ErrFiles
	}
	return nil
}

// Complete says why the document cannot be handed in, nil if it can.
func (d Document) Complete() error {
	switch {
	case d.Status == Checking:
		return ErrChecking
	case len(d.Files) == 0:
		return ErrEmpty
	case d.Files[len(d.Files)-1].Number != len(d.Files): // they are in order, each number once
		return ErrGap
	}
	return nil
}

// With gives the document's files with this one among them, in place of the one of its number.
func (d Document) With(f File) []File {
	var all []File
	for _, other := range d.Files {
		if other.Number < f.Number {
			all = append(all, other)
		}
	}
	all = append(all, f)
	for _, other := range d.Files {
		if other.Number > f.Number {
			all = append(all, other)
		}
	}
	return all
}
