package medcard

import (
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// Edit is one edit that was made on this phone.
type Edit struct {
	Record string
	Kind   string
	Op     string // create, patch, resolve, delete
	State  string // waiting, accepted, conflict (kept, but not alone), refused (not kept)
	Code   string // of a conflict or a refusal: why
	Saved  int64
	Fact   []byte // what was written, JSON; parts that the edit did not touch are left out; null for a deletion

	inner phone.Edit
}

func editOf(e phone.Edit) (*Edit, error) {
	fact, err := factJSON(e.Fact)
	if err != nil {
		return nil, err
	}
	return &Edit{
		Record: string(e.Record), Kind: string(e.Kind), Op: string(e.Op), State: string(e.State), Code: e.Code, Saved: millis(e.Saved),
		Fact: fact, inner: e,
	}, nil
}

// saved shows what was put into the outbox.
func saved(e phone.Edit, err error) (*Edit, error) {
	if err != nil {
		return nil, err
	}
	return editOf(e)
}

// AddMeasurement adds a blood pressure reading in millimetres of mercury. pulse 0 = not taken; at 0 = now. sdk.invalid for a reading
// that no living person has.
func (k *Card) AddMeasurement(systolic, diastolic, pulse int, at int64) (edit *Edit, err error) {
	defer guard(&err)
	m := card.Measurement{Systolic: systolic, Diastolic: diastolic, Pulse: pulse}
	if at != 0 {
		m.At = card.DateOf(moment(at).In(time.Local)) // a person thinks of a reading in the time of the place
	}
	return saved(k.inner.AddMeasurement(m))
}

// Comment adds a comment on a record.
func (k *Card) Comment(about, text string) (edit *Edit, err error) {
	defer guard(&err)
	return saved(k.inner.Comment(card.RecordID(about), text))
}

// Outbox is the list of what was edited here.
type Outbox struct{ edits []phone.Edit }

// Len is how many there are.
func (o *Outbox) Len() int { return len(o.edits) }

// At gives one, from 0.
func (o *Outbox) At(i int) (edit *Edit, err error) {
	defer guard(&err)
	if i < 0 || i >= len(o.edits) {
		return nil, errArgument
	}
	return editOf(o.edits[i])
}

// Outbox lists what was edited here, newest first: what waits, what the server answered within the last week, and what it
// refused, until that is dismissed.
func (k *Card) Outbox() (outbox *Outbox, err error) {
	defer guard(&err)
	edits, err := k.inner.Outbox()
	if err != nil {
		return nil, err
	}
	return &Outbox{edits: edits}, nil
}

// Dismiss forgets a refused edit: the person has seen it. Others stay.
func (k *Card) Dismiss(edit *Edit) (err error) {
	defer guard(&err)
	if edit == nil {
		return errArgument
	}
	return k.inner.Dismiss(edit.inner)
}

// Reissuable says whether the edit was refused because its record is gone, so that its text can be kept as a new record.
func (e *Edit) Reissuable() (yes bool, err error) {
	defer guard(&err)
	return e.inner.Reissuable(), nil
}

// Reissue makes a new record of an edit that was refused because its record was deleted: ask the person first. fact is what the new record
// says; null = what the edit said. The refused edit leaves the outbox. sdk.invalid for any other edit; sdk.no_record if it was dismissed or
// reissued already.
func (k *Card) Reissue(refused *Edit, fact []byte) (edit *Edit, err error) {
	defer guard(&err)
	if refused == nil {
		return nil, errArgument
	}
	if len(fact) == 0 {
		return saved(k.inner.Reissue(refused.inner, nil))
	}
	f, err := factOf(refused.inner.Kind, fact)
	if err != nil {
		return nil, err
	}
	return saved(k.inner.Reissue(refused.inner, f))
}

// Editor is one record, opened to be changed. It remembers what was on the screen when it was opened: what is saved through it
// replaces that and nothing that came in since.
type Editor struct{ inner *phone.Editor }

// Edit opens a record of the person's own: a comment, a measurement. sdk.read_only for what clinics write.
func (k *Card) Edit(id string) (editor *Editor, err error) {
	defer guard(&err)
	return opened(k.inner.Edit(card.RecordID(id)))
}

// Resume opens a kept editor as it was.
func (k *Card) Resume(kept []byte) (editor *Editor, err error) {
	defer guard(&err)
	return opened(k.inner.Resume(kept))
}

func opened(e *phone.Editor, err error) (*Editor, error) {
	if err != nil {
		return nil, err
	}
	return &Editor{inner: e}, nil
}

// Conflicts is a list of records in which a conflict is open.
type Conflicts struct{ editors []*phone.Editor }

// Len is how many there are.
func (c *Conflicts) Len() int { return len(c.editors) }

// At gives one, from 0.
func (c *Conflicts) At(i int) (editor *Editor, err error) {
	defer guard(&err)
	if i < 0 || i >= len(c.editors) {
		return nil, errArgument
	}
	return &Editor{inner: c.editors[i]}, nil
}

// Conflicts opens an editor on each record in which a conflict is open: show the fact and its siblings, let the person choose
// or write, and Resolve.
func (k *Card) Conflicts() (conflicts *Conflicts, err error) {
	defer guard(&err)
	editors, err := k.inner.Conflicts()
	if err != nil {
		return nil, err
	}
	return &Conflicts{editors: editors}, nil
}

// Entry is what was shown when the editor was opened.
func (e *Editor) Entry() (entry []byte, err error) {
	defer guard(&err)
	return entryJSON(e.inner.Entry(), factJSON)
}

// Save puts a new version of the fact into the outbox. An open conflict stays open: see Resolve. sdk.unchanged, sdk.invalid;
// sdk.outdated if the record was edited on this very phone meanwhile.
func (e *Editor) Save(fact []byte) (edit *Edit, err error) {
	defer guard(&err)
	f, err := factOf(e.inner.Entry().Kind, fact)
	if err != nil {
		return nil, err
	}
	return saved(e.inner.Save(f))
}

// SaveText is Save for a comment.
func (e *Editor) SaveText(text string) (edit *Edit, err error) {
	defer guard(&err)
	return saved(e.inner.SaveText(text))
}

// Resolve puts the fact in place of all values of the open conflict: the entry's fact, one of its siblings, or what the
// person made of them.
func (e *Editor) Resolve(fact []byte) (edit *Edit, err error) {
	defer guard(&err)
	f, err := factOf(e.inner.Entry().Kind, fact)
	if err != nil {
		return nil, err
	}
	return saved(e.inner.Resolve(f))
}

// Delete deletes the record, as it was shown: what another phone has written to it meanwhile survives.
func (e *Editor) Delete() (edit *Edit, err error) {
	defer guard(&err)
	return saved(e.inner.Delete())
}

// Keep gives the editor as bytes, for an app that must survive being stopped in the middle of a sentence. They hold health data:
// the app keeps them as safe as it keeps the key, and Card.Resume takes them.
func (e *Editor) Keep() (kept []byte, err error) {
	defer guard(&err)
	return e.inner.Keep()
}
