package phone_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone"
	"github.com/medcard/medcard/sync/wire"
)

// two phones of one patient with a visit and a comment on it, in step.
func twoPhones(t *testing.T) (w *world, one, two *handset, a, b *phone.Card, visitID, commentID card.RecordID) {
	t.Helper()
	w = newWorld(t)
	id := w.newCard(claimCode)
	visitID = w.publish(id, visit("x", 1))[0]
	one, two = w.handset("one"), w.handset("two")
	a = one.enter(claimCode)
	edit, err := a.Comment(visitID, "first words")
	must(t, err)
	one.sync()
	b = two.enter(claimCode)
	return w, one, two, a, b, visitID, edit.Record
}

func commentOn(t *testing.T, k *phone.Card, about card.RecordID) phone.Entry[card.Comment] {
	t.Helper()
	list, err := k.Comments(about)
	must(t, err)
	if len(list) != 1 {
		t.Fatalf("%d comments", len(list))
	}
	return list[0]
}

func rewrite(t *testing.T, k *phone.Card, id card.RecordID, text string) phone.Edit {
	t.Helper()
	e, err := k.Edit(id)
	must(t, err)
	edit, err := e.SaveText(text)
	must(t, err)
	return edit
}

func TestTwoPhonesConverge(t *testing.T) {
	w, one, two, a, b, visitID, commentID := twoPhones(t)
	one.network.down.Store(true)
	two.network.down.Store(true)
	w.pass(time.Minute)
	rewrite(t, a, commentID, "from the first")
	w.pass(time.Minute)
	rewrite(t, b, commentID, "from the second")
	one.network.down.Store(false)
	two.network.down.Store(false)
	one.sync()
	two.sync()
	one.sync()

	for name, k := range map[string]*phone.Card{"first": a, "second": b} {
		c := commentOn(t, k, visitID)
		if c.Fact.Text != "from the second" || len(c.Siblings) != 1 || c.Siblings[0].Text != "from the first" || c.Pending || !c.Conflicted() {
			t.Errorf("the %s phone shows %+v", name, c)
		}
		open, err := k.Conflicts()
		if err != nil || len(open) != 1 || open[0].Entry().ID != commentID || len(open[0].Entry().Siblings) != 1 {
			t.Errorf("the %s phone's conflicts: %v, %v", name, open, err)
		}
	}
	if box, err := b.Outbox(); err != nil || box[0].State != phone.Conflict || box[0].Code != wire.CodeSibling {
		t.Errorf("the second phone's outbox: %+v, %v", box, err)
	}
	if box, err := a.Outbox(); err != nil || box[0].State != phone.Accepted {
		t.Errorf("the first phone's outbox: %+v, %v", box, err)
	}

	open, err := a.Conflicts()
	must(t, err)
	both := card.Comment{Text: "what both said", About: visitID, Written: open[0].Entry().Fact.(card.Comment).Written}
	edit, err := open[0].Resolve(both)
	if err != nil || edit.Op != wire.OpResolve {
		t.Fatalf("%+v, %v", edit, err)
	}
	if c := commentOn(t, a, visitID); c.Conflicted() || !c.Pending || c.Fact.Text != both.Text {
		t.Errorf("resolved, not yet sent: %+v", c)
	}
	one.sync()
	two.sync()
	if x, y := commentOn(t, a, visitID), commentOn(t, b, visitID); !reflect.DeepEqual(x, y) || !reflect.DeepEqual(x.Fact, both) || x.Conflicted() || x.Pending {
		t.Errorf("they end as %+v and %+v", x, y)
	}
	for _, k := range []*phone.Card{a, b} {
		if open, err := k.Conflicts(); err != nil || len(open) != 0 {
			t.Errorf("conflicts are left: %v, %v", open, err)
		}
	}
}

// TestAnEditorHasSeenOnlyWhatItShowed opens an editor, syncs somebody else's text in, and saves.
func TestAnEditorHasSeenOnlyWhatItShowed(t *testing.T) {
	_, one, two, a, b, visitID, commentID := twoPhones(t)
	editor, err := a.Edit(commentID)
	must(t, err)
	kept, err := editor.Keep() // and the app is stopped meanwhile
	must(t, err)
	rewrite(t, b, commentID, "unseen by the editor")
	two.sync()
	one.sync()
	one.restart()
	editor, err = one.Card(a.ID()).Resume(kept)
	must(t, err)
	if editor.Entry().Fact.(card.Comment).Text != "first words" {
		t.Errorf("resumed with %+v", editor.Entry())
	}
	_, err = editor.SaveText("saved over it")
	must(t, err)
	one.sync()
	c := commentOn(t, one.Card(a.ID()), visitID)
	texts := []string{c.Fact.Text}
	for _, s := range c.Siblings {
		texts = append(texts, s.Text)
	}
	if len(texts) != 2 || !strings.Contains(strings.Join(texts, "|"), "unseen by the editor") {
		t.Errorf("a text was lost: %v", texts)
	}
}

func TestDeleteAgainstEdit(t *testing.T) {
	_, one, two, a, b, visitID, commentID := twoPhones(t)
	editor, err := a.Edit(commentID)
	must(t, err)
	deleted, err := editor.Delete()
	if err != nil || deleted.Op != wire.OpDelete || deleted.Fact != nil {
		t.Fatalf("%+v, %v", deleted, err)
	}
	if list, err := a.Comments(visitID); err != nil || len(list) != 0 {
		t.Errorf("still shown: %+v, %v", list, err)
	}
	if _, err := a.Record(commentID); !errors.Is(err, phone.ErrNoRecord) {
		t.Errorf("still opens: %v", err)
	}
	rewrite(t, b, commentID, "do not delete me")
	two.sync()
	one.sync()
	if c := commentOn(t, a, visitID); c.Fact.Text != "do not delete me" {
		t.Errorf("the edit did not survive: %+v", c)
	}
	// One that nobody touched goes, on both.
	editor, err = a.Edit(commentID)
	must(t, err)
	_, err = editor.Delete()
	must(t, err)
	one.sync()
	if r := two.sync(); r.Removed != 1 {
		t.Errorf("%+v", r)
	}
	for _, k := range []*phone.Card{a, b} {
		if list, err := k.Comments(visitID); err != nil || len(list) != 0 {
			t.Errorf("left: %+v, %v", list, err)
		}
	}
}

func TestWhatIsRefusedKeepsItsText(t *testing.T) {
	w, one, _, a, _, visitID, _ := twoPhones(t)
	edit, err := a.Comment(visitID, "my long text")
	must(t, err)
	// The same kind, but a rule of a server that is stricter than this app.
	rule := w.engine.Rules[string(card.KindComment)]
	rule.Check = func(map[string]json.RawMessage) string { return wire.CodeInvalid }
	w.engine.Rules[string(card.KindComment)] = rule
	one.sync()
	box, err := a.Outbox()
	must(t, err)
	if box[0].Record != edit.Record || box[0].State != phone.Refused || box[0].Code != wire.CodeInvalid || box[0].Fact.(card.Comment).Text != "my long text" {
		t.Fatalf("%+v", box[0])
	}
	must(t, a.Dismiss(box[1])) // not a refused one: stays
	must(t, a.Dismiss(box[0]))
	if left, err := a.Outbox(); err != nil || len(left) != len(box)-1 || left[0].State == phone.Refused {
		t.Errorf("%+v, %v", left, err)
	}
}

func TestWhatCannotBeSaved(t *testing.T) {
	_, _, _, a, _, visitID, commentID := twoPhones(t)
	for name, m := range map[string]card.Measurement{
		"nothing":      {},
		"swapped":      {Systolic: 80, Diastolic: 120},
		"another unit": {Systolic: 120, Diastolic: 80, Unit: "kPa"},
		"a day":        {Systolic: 120, Diastolic: 80, At: "2026-11-22"},
	} {
		if _, err := a.AddMeasurement(m); !errors.Is(err, phone.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := a.Comment(visitID, strings.Repeat("x", 10_000)); !errors.Is(err, phone.ErrInvalid) {
		t.Errorf("a long comment: %v", err)
	}
	if _, err := a.Comment("0195e4a5-0000-7000-8000-00000000dead", "x"); !errors.Is(err, phone.ErrNoRecord) {
		t.Errorf("about nothing: %v", err)
	}
	if _, err := a.Edit(visitID); !errors.Is(err, phone.ErrReadOnly) {
		t.Errorf("a visit: %v", err)
	}
	e, err := a.Edit(commentID)
	must(t, err)
	if _, err := e.SaveText("first words"); !errors.Is(err, phone.ErrUnchanged) {
		t.Errorf("unchanged: %v", err)
	}
	if _, err := e.Save(card.Measurement{Systolic: 120, Diastolic: 80}); !errors.Is(err, phone.ErrInvalid) {
		t.Errorf("another kind: %v", err)
	}
	rewrite(t, a, commentID, "in another window")
	if _, err := e.SaveText("in this one"); !errors.Is(err, phone.ErrOutdated) {
		t.Errorf("two editors on one phone: %v", err)
	}
	for _, kept := range []string{"", "{}", "null", `{"draft":{"id":"x","kind":"dream"}}`} {
		if _, err := a.Resume([]byte(kept)); err == nil {
			t.Errorf("resumed from %q", kept)
		}
	}
}

func TestAnotherPersonDoesNotGetTheCards(t *testing.T) {
	w, one, _, a, _, visitID, _ := twoPhones(t)
	must(t, one.SignOut(t.Context(), false))
	if _, ok := one.SignedIn(); ok {
		t.Error("still signed in")
	}
	if c := commentOn(t, a, visitID); c.Fact.Text != "first words" {
		t.Errorf("after signing out: %+v", c)
	}
	w.as("0195e4a5-0000-7000-8000-0000000000bb")
	c, err := one.SignIn(t.Context(), "+79160000000", password)
	must(t, err)
	if err := one.SecondFactor(t.Context(), c.ID, smsCode); !errors.Is(err, phone.ErrOtherAccount) {
		t.Errorf("got %v", err)
	}
	if _, ok := one.SignedIn(); ok || w.count("/v1/auth/sign-out") != 2 {
		t.Error("the other person is signed in")
	}
	w.as(account)
	one.signIn()
	one.sync()
}
