package phone_test

import (
	"errors"
	"testing"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// TestATextWhoseRecordIsGoneBecomesANewRecord: one phone was away for months with an edit of a comment that the other deleted meanwhile. The
// person is offered the text, and it is kept as a comment of its own.
func TestATextWhoseRecordIsGoneBecomesANewRecord(t *testing.T) {
	w, one, two, a, b, visitID, commentID := twoPhones(t)
	reading, err := b.AddMeasurement(card.Measurement{Systolic: 120, Diastolic: 80})
	must(t, err)
	two.sync()
	one.sync()
	two.network.down.Store(true)
	rewrite(t, b, commentID, "written far away")
	editor, err := b.Edit(reading.Record)
	must(t, err)
	_, err = editor.Save(card.Measurement{Systolic: 150, Diastolic: 95, Unit: card.MillimetresOfMercury, At: "2026-11-22T12:00:00Z"})
	must(t, err)
	for _, id := range []card.RecordID{commentID, reading.Record} {
		editor, err := a.Edit(id)
		must(t, err)
		_, err = editor.Delete()
		must(t, err)
	}
	one.sync()
	for range 8 { // in which the first phone is in use
		w.pass(15 * day)
		one.signIn()
		one.sync()
		must(t, w.books[a.ID()].Update(func(l replica.Ledger) error { _, err := w.engine.Collect(l, w.clock()); return err }))
	}
	two.network.down.Store(false)
	two.signIn()
	two.sync()
	edits, err := b.Outbox()
	must(t, err)
	var refused []phone.Edit
	for _, e := range edits {
		if e.State == phone.Refused {
			refused = append(refused, e)
		} else if e.Reissuable() {
			t.Errorf("%s, and yet it can be reissued", e.State)
		}
	}
	if len(refused) != 2 || refused[0].Code != wire.CodeRecordDeleted || !refused[0].Reissuable() || !refused[1].Reissuable() {
		t.Fatalf("refused are %+v", refused)
	}
	measured, comment := refused[0], refused[1]
	if _, err := b.Reissue(comment, card.Measurement{}); !errors.Is(err, phone.ErrInvalid) {
		t.Errorf("as another kind: %v", err)
	}
	text := comment.Fact.(card.Comment)
	if text.Text != "written far away" {
		t.Errorf("the text is %q", text.Text)
	}
	text.About, text.Written = visitID, card.DateOf(w.clock())
	fresh, err := b.Reissue(comment, text)
	if must(t, err); fresh.State != phone.Waiting || fresh.Op != wire.OpCreate || fresh.Record == commentID {
		t.Errorf("the new one: %+v", fresh)
	}
	if _, err := b.Reissue(comment, text); !errors.Is(err, phone.ErrNoRecord) {
		t.Errorf("a second time: %v", err)
	}
	_, err = b.Reissue(measured, nil)
	must(t, err)
	two.sync()
	one.sync()
	for _, k := range []*phone.Card{a, b} {
		if c := commentOn(t, k, visitID); c.Fact.Text != "written far away" || c.ID != fresh.Record {
			t.Errorf("the comment is %+v", c)
		}
		if list, err := k.Measurements(phone.Paging{}); err != nil || len(list.Entries) != 1 || list.Entries[0].Fact.Systolic != 150 {
			t.Errorf("the readings are %+v, %v", list, err)
		}
	}
	if edits, err := b.Outbox(); err != nil || len(edits) == 0 || edits[0].State != phone.Accepted || len(edits) != 2 {
		t.Errorf("the outbox: %+v, %v", edits, err)
	}
}

// TestOnlyWhatIsGoneIsReissued: an edit that waits, or that was refused for another reason, stays what it is.
func TestOnlyWhatIsGoneIsReissued(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	visits := w.publish(id, visit("x", 1))
	mine := w.handset("one").enter(claimCode)
	edit, err := mine.Comment(visits[0], "waits")
	must(t, err)
	if _, err := mine.Reissue(edit, nil); !errors.Is(err, phone.ErrInvalid) || edit.Reissuable() {
		t.Errorf("got %v", err)
	}
	if edits, err := mine.Outbox(); err != nil || len(edits) != 1 {
		t.Errorf("the outbox: %+v, %v", edits, err)
	}
}
