package audit

import (
	"errors"
	"strings"
)

// Handover says that another key signs the log's checkpoints from now on. The key that did so far signs it, and the other one, to show that it is
// there.
type Handover struct {
	Key string     // of the successor, as golang.org/x/mod/sumdb/note writes it
	At  Checkpoint // the last of the old key
}

const handoverTitle = "medcard audit handover 1\n"

// Text is what is signed: a title, the successor's key, and the three lines of the checkpoint.
func (h Handover) Text() string { return handoverTitle + h.Key + "\n" + h.At.Text() }

// ErrHandover says that a text is no handover.
var ErrHandover = errors.New("audit: not a handover")

// ParseHandover undoes Text. Whether the text was signed is for the caller to know.
func ParseHandover(text string) (h Handover, err error) {
	rest, titled := strings.CutPrefix(text, handoverTitle)
	key, last, whole := strings.Cut(rest, "\n")
	if !titled || !whole {
		return h, ErrHandover
	}
	h.Key = key
	if h.At, err = ParseCheckpoint(last); err != nil || h.Text() != text {
		return Handover{}, ErrHandover
	}
	return h, nil
}
