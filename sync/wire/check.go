package wire

import "strconv"

// A check finds out in which records a phone and the server differ, without sending them: ranges of ids are compared by their
// sums, those that differ are cut into narrower ones, and of the last ones the records' digests are compared one by one. What
// differs then is sent, whole.

// CheckRequest asks about one card. Ranges asks where the two differ, IDs what stands under these ids on the server.
type CheckRequest struct {
	Device string `json:"device"`
	Card   string `json:"card"`
	Actor  uint32 `json:"actor"`
	// Epoch, Cursor and View are those of the last answer that was complete: only the state they stand for can be checked.
	Epoch  string   `json:"epoch"`
	Cursor string   `json:"cursor"`
	View   string   `json:"view"`
	Ranges []Range  `json:"ranges,omitempty"` // by id, one behind the other
	IDs    []string `json:"ids,omitempty"`    // each once
}

// Range is the records with From <= id < To, and their sum. Without From it begins before the first id, without To it ends behind
// the last.
type Range struct {
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	Sum
}

// CheckResponse answers. With Behind it says nothing else: something visible happened since the cursor, so pull first.
type CheckResponse struct {
	Behind bool `json:"behind,omitempty"`
	// Ranges cut those that were asked about and differ into narrower ones, with the server's sums.
	Ranges []Range `json:"ranges,omitempty"`
	// Lists are the ends of it: all records of a range that differs, with their digests.
	Lists []List `json:"lists,omitempty"`
	// Rest is where the answer stopped looking, for one answer reads so many records at most: what was asked about from this id on
	// is open still. Empty: all was looked at.
	Rest string `json:"rest,omitempty"`
	// Rows are records that were asked for, whole, as many as fit: ask again for those that are neither here nor in Drop.
	Rows []Row `json:"rows,omitempty"`
	// Drop names, of the ids that were asked for, those under which there is nothing that this device may see. It comes
	// when all rows that were asked for have.
	Drop []string `json:"drop,omitempty"`
}

// List is all records with From <= id < To.
type List struct {
	From    string  `json:"from,omitempty"`
	To      string  `json:"to,omitempty"`
	Entries []Entry `json:"entries"`
}

// Entry is one record of a list.
type Entry struct {
	ID     string `json:"id"`
	Digest Digest `json:"digest"`
}

func (r *CheckRequest) validate() *FieldError {
	switch {
	case !isID(r.Device):
		return notID().in("device")
	case !isID(r.Card):
		return notID().in("card")
	case len(r.Ranges) > MaxRanges:
		return wrong(ErrTooLarge, "too many in one request").in("ranges")
	case len(r.IDs) > MaxChecked:
		return wrong(ErrTooLarge, "too many in one request").in("ids")
	case len(r.Ranges)+len(r.IDs) == 0:
		return wrong(ErrInvalid, "needs at least one").in("ranges")
	}
	for _, f := range []struct{ name, value string }{{"epoch", r.Epoch}, {"cursor", r.Cursor}, {"view", r.View}} {
		if len(f.value) > MaxToken {
			return wrong(ErrTooLarge, "is too long").in(f.name)
		}
	}
	for i, one := range r.Ranges {
		if err := one.validate(); err != nil {
			return err.in("[" + strconv.Itoa(i) + "]").in("ranges")
		}
		if i > 0 && (r.Ranges[i-1].To == "" || one.From < r.Ranges[i-1].To) {
			return wrong(ErrInvalid, "begins before the one before it ends").in("from").in("[" + strconv.Itoa(i) + "]").in("ranges")
		}
	}
	seen := make(map[string]bool, len(r.IDs))
	for i, id := range r.IDs {
		err := (*FieldError)(nil)
		switch {
		case !isID(id):
			err = notID()
		case seen[id]:
			err = wrong(ErrInvalid, "is there twice")
		}
		if err != nil {
			return err.in("[" + strconv.Itoa(i) + "]").in("ids")
		}
		seen[id] = true
	}
	return nil
}

func (r Range) validate() *FieldError {
	switch {
	case r.From != "" && !isID(r.From):
		return notID().in("from")
	case r.To != "" && !isID(r.To):
		return notID().in("to")
	case r.To != "" && r.From >= r.To:
		return wrong(ErrInvalid, "must be behind from").in("to")
	}
	return nil
}
