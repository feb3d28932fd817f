package proof

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
)

// What is wrong with the file of an export.
var (
	// ErrExport says that a line is not what the server wrote, or does not stand where the server wrote it.
	ErrExport = errors.New("proof: the export is not as the server wrote it")
	// ErrCut says that the export ends before its last line: the connection broke, or somebody cut it.
	ErrCut = errors.New("proof: the export is not complete")
	// ErrEntries says that the file is what the server wrote, and that the server's own log is not whole.
	ErrEntries = errors.New("proof: entries of the log are changed or missing at the server")
)

// Exported is what a file was proven to hold.
type Exported struct {
	From, To     int64     // places of the log: [From, To)
	Since, Until time.Time // the period that it holds all entries of; zero = from the log's beginning, to its end at the checkpoint
	Checkpoint   audit.Checkpoint
	Shredded     int64    // entries that nobody can read any more, because their card was destroyed
	Bad          []string // places at which the server's log is not whole, the first hundred
	Kept         bool     // what was verified before is part of it, or ends where it begins
}

// disorder is by how much the entries may be out of the order of their times; app/auditing says why.
const disorder = 10 * time.Minute

// LongestLine is how many bytes a line of an export has at most.
const LongestLine = 256 << 10

const (
	maxShredded = 1_000_000 // entries of destroyed cards that are held against each other
	maxBad      = 100
)

// ReadExport verifies the file of an export, or of several that continue each other. It believes the key alone, and needs no network: each line is
// hashed, and with what the file says of the log before them, which is proven too, they make the tree that was signed. kept is a checkpoint
// that was verified before, or the zero one; should the file pass it, it has to be the same log. ErrSignature, ErrExport, ErrCut, ErrEntries, ErrForked.
func ReadExport(file io.Reader, key string, kept audit.Checkpoint) (Exported, error) {
	x := exportReader{key: key, kept: kept, destroyed: map[card.ID]uint64{}, shredded: map[trailPlace]bool{}}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, LongestLine)
	lines.Split(wholeLines)
	for number := 1; lines.Scan(); number++ {
		l, err := readExportLine(lines.Bytes())
		if err == nil {
			err = x.take(l)
		}
		if errors.Is(err, ErrSignature) || errors.Is(err, ErrForked) || errors.Is(err, ErrKey) {
			return x.out, fmt.Errorf("line %d: %w", number, err)
		}
		if err != nil {
			return x.out, fmt.Errorf("%w: line %d: %w", ErrExport, number, err)
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, errHalf), err == nil && !x.closed:
		return x.out, ErrCut
	case errors.Is(err, bufio.ErrTooLong):
		return x.out, fmt.Errorf("%w: a line is longer than any", ErrExport)
	case err != nil:
		return x.out, err
	case len(x.out.Bad) > 0:
		return x.out, ErrEntries
	}
	return x.out, nil
}

var errHalf = errors.New("proof: half a line")

// wholeLines is bufio.ScanLines, which takes half a line at the end for a whole one and drops carriage returns.
func wholeLines(data []byte, atEOF bool) (int, []byte, error) {
	for i, b := range data {
		if b == '\n' {
			return i + 1, data[:i], nil
		}
	}
	if atEOF && len(data) > 0 {
		return 0, nil, errHalf
	}
	return 0, nil, nil
}

// trailPlace names an entry by its card and number.
type trailPlace struct {
	card   card.ID
	number uint64
}

// exportReader is in the middle of a file.
type exportReader struct {
	key  string
	kept audit.Checkpoint
	tree *Tree
	to   int64            // where the export that is read ends
	now  audit.Checkpoint // of it

	until     time.Time // of it
	last      time.Time // the time of the last line, if it could be read
	closed    bool      // by an end line
	destroyed map[card.ID]uint64
	shredded  map[trailPlace]bool
	out       Exported
}

func (x *exportReader) take(l exportLine) error {
	switch {
	case l.Line == beginLine && (x.tree == nil || x.tree.size <= x.to):
		return x.begin(l)
	case l.Line == entryLine && x.tree != nil && !x.closed:
		return x.entry(l)
	case l.Line == endLine && x.tree != nil && !x.closed:
		return x.end(l)
	}
	return errors.New("it does not belong here")
}

func (x *exportReader) begin(l exportLine) error {
	edge, err := asList(l.Edge)
	if err != nil || l.Form != exportForm || l.From == nil || l.To == nil || *l.From < 0 || *l.From > *l.To || len(edge) != bits.OnesCount64(uint64(*l.From)) {
		return errLine
	}
	if x.now, err = Open(x.key, []byte(l.Checkpoint)); err != nil {
		return err
	}
	if *l.To > x.now.Size {
		return errLine
	}
	switch {
	case x.tree == nil:
		x.tree = &Tree{size: *l.From, whole: hashes(edge)}
		x.out.From = *l.From
		if l.Since != nil {
			x.out.Since = *l.Since
		}
	case l.Since != nil || x.tree.size != *l.From || !slices.Equal(x.tree.whole, hashes(edge)):
		return errors.New("it does not continue what stands before it")
	}
	x.to, x.closed, x.until = *l.To, false, time.Time{}
	if l.Until != nil {
		x.until = *l.Until
	}
	return x.pass()
}

func (x *exportReader) entry(l exportLine) error {
	if l.Place == nil || *l.Place != x.tree.size || *l.Place >= x.to {
		return fmt.Errorf("place %d should stand here", x.tree.size)
	}
	var leaf audit.Hash
	var at time.Time
	switch l.State {
	case "":
		salted := l.entry()
		leaf, at = salted.Hash(), salted.At
		if len(l.Salt) != audit.SaltSize || len(l.Hash) > 0 || l.Order != nil {
			return errLine
		}
	case "shredded", "changed", "missing":
		if len(l.Hash) != hashSize {
			return errLine
		}
		leaf = audit.Hash(l.Hash)
	default:
		return errLine
	}
	if l.State == "shredded" {
		if err := x.shred(l); err != nil {
			return err
		}
	} else if l.State != "" && len(x.out.Bad) < maxBad {
		x.out.Bad = append(x.out.Bad, fmt.Sprintf("place %d: the entry is %s (card %s, entry %d)", *l.Place, l.State, l.Card, l.Number))
	}
	if first := x.tree.size == x.out.From; first && x.out.From > 0 && !x.out.Since.IsZero() && (at.IsZero() || !at.Before(x.out.Since.Add(-disorder))) {
		return errors.New("the period begins before it, or nothing shows that it does not")
	}
	x.last = at
	x.tree.Add(leaf)
	return x.pass()
}

// pass holds the tree against what was verified before, when it is as large as that.
func (x *exportReader) pass() error {
	if x.kept.Size == 0 || x.tree.size != x.kept.Size {
		return nil
	}
	if x.kept.Origin != x.now.Origin || x.tree.Root() != x.kept.Root {
		return ErrForked
	}
	x.out.Kept = true
	return nil
}

// shred takes an entry that nobody can read: there has to be one that says who destroyed its card, and later, and none of the same number.
func (x *exportReader) shred(l exportLine) error {
	id := card.ID(l.Card)
	if o := l.Order; o != nil {
		path, err := asList(o.Proof)
		if err != nil {
			return err
		}
		e, err := audit.ParseCanonical(o.Entry)
		if err != nil || e.Card != id || e.Action != audit.Shred || Included(x.now, o.Place, audit.LeafHash(o.Salt, o.Entry), path) != nil {
			return errors.New("what destroyed its card does not stand in the log")
		}
		x.destroyed[id] = e.Number
	}
	if l.Number == 0 || l.Number >= x.destroyed[id] {
		return errors.New("nothing proves that its card was destroyed")
	}
	place := trailPlace{id, l.Number}
	if x.shredded[place] || len(x.shredded) == maxShredded {
		return errors.New("its card had this number already, or too many were destroyed")
	}
	x.shredded[place] = true
	x.out.Shredded++
	return nil
}

func (x *exportReader) end(l exportLine) error {
	if l.Proof == nil || x.tree.size != x.to {
		return fmt.Errorf("place %d should stand here", x.tree.size)
	}
	path, err := asList(*l.Proof)
	if err != nil {
		return err
	}
	if again, err := Open(x.key, []byte(l.Checkpoint)); err != nil || again != x.now {
		return errors.New("it has another checkpoint than the first line")
	}
	before := audit.Checkpoint{Origin: x.now.Origin, Size: x.tree.size, Root: x.tree.Root()}
	if Consistent(before, x.now, path) != nil {
		return errors.New("the entries do not make the tree that was signed")
	}
	if x.tree.size == x.out.From && x.out.From > 0 && !x.out.Since.IsZero() {
		return errors.New("nothing shows where the period begins")
	}
	if !x.until.IsZero() && x.to < x.now.Size && (x.last.IsZero() || x.last.Before(x.until.Add(disorder))) {
		return errors.New("the period ends behind it, or nothing shows that it does not")
	}
	x.closed, x.out.To, x.out.Until, x.out.Checkpoint = true, x.to, x.until, x.now
	return nil
}

// Progress tells how far an export came, to go on with it where it broke off. It proves nothing.
type Progress struct {
	Begun, Ended bool
	From, Next   int64 // places: of the first entry, and behind the last
	To           int64 // where it ends
}

// Take counts a line. ErrExport.
func (p *Progress) Take(line []byte) error {
	l, err := readExportLine(line)
	switch {
	case err != nil:
	case l.Line == beginLine && l.From != nil && l.To != nil && (!p.Begun || *l.From == p.Next):
		if !p.Begun {
			p.From, p.Next = *l.From, *l.From
		}
		p.Begun, p.Ended, p.To = true, false, *l.To
		return nil
	case l.Line == entryLine && p.Begun && !p.Ended && l.Place != nil && *l.Place == p.Next:
		p.Next++
		return nil
	case l.Line == endLine && p.Begun && !p.Ended && p.Next == p.To:
		p.Ended = true
		return nil
	}
	return ErrExport
}
