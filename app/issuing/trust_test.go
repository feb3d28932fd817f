package issuing

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/document"
	"github.com/medcard/medcard/qr/trust"
)

// november is the first list of region 77 of the month that these tests play in.
var november, _ = trust.ListNumbers(77, time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC))

const day = 24 * time.Hour

func (w *world) accepts(c *trust.Cache, from *Service) {
	w.t.Helper()
	signed, err := from.KeySet(w.t.Context())
	if err == nil {
		err = c.AcceptKeys(signed.Bytes)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// reader is a reader that has pinned both roots and holds what is published.
func (w *world) reader() *trust.Cache {
	w.t.Helper()
	root, successor, err := w.Roots()
	if err != nil {
		w.t.Fatal(err)
	}
	c, err := trust.NewCache(root, successor)
	if err != nil {
		w.t.Fatal(err)
	}
	w.accepts(c, w.Service)
	return c
}

func (w *world) list(number uint32, c *trust.Cache) {
	w.t.Helper()
	list, err := w.Status(w.t.Context(), number, true)
	if err == nil {
		_, err = c.AcceptStatus(list.Bytes)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestPlacesInTheList(t *testing.T) {
	w := newWorld(t)
	digits := byte(0)
	w.random = func(b []byte) { // always the same place, and the same token; the digits of typed numbers differ
		clear(b)
		if b[0] = 7; len(b) == 1 {
			digits = 5*digits + 1
			b[0] = digits
		}
	}
	rx, _ := w.prescribed()
	for i, want := range []uint32{november + 1, november + 2} { // a shard in which no place is found is left for the next
		if _, _, err := w.prescribe(seven, "card-1", "visit-000"+string(rune('2'+i)), tablets(prescription60.Form, prescription60.Validity)); err != nil {
			t.Fatal(err)
		}
		if _, taken := w.places[[2]int{int(want), 7}]; !taken || len(w.places) != i+2 {
			t.Errorf("%v", w.places)
		}
	}
	if w.places[[2]int{int(november), 7}] != [16]byte(rx.Token) {
		t.Errorf("%v", w.places)
	}
	w.statuses[rx.Token] = int(trust.Spent)
	all, err := w.Status(t.Context(), november, true)
	if err != nil {
		t.Fatal(err)
	}
	public, err := w.Status(t.Context(), november, false)
	if err != nil || public.Tag == all.Tag {
		t.Errorf("everybody is told what was handed out: %v", err)
	}
	_, err = w.Status(t.Context(), november+3, true)
	w.wants(err, ErrNoList)
}

var prescription60 = tablets("107-1/u", 3)

// A month has as many shards as it takes, of which each but the newest is half full, and no paper goes without a place.
func TestShardsOfAMonth(t *testing.T) {
	if testing.Short() {
		t.Skip("gives away 200,000 places")
	}
	w := newWorld(t)
	source := rand.New(rand.NewPCG(1, 2))
	drawn := 0
	w.random = func(b []byte) {
		drawn++
		for i := range b {
			b[i] = byte(source.Uint32())
		}
	}
	const papers = 200_000
	for n := range papers {
		token := [16]byte{byte(n), byte(n >> 8), byte(n >> 16), 1}
		if _, err := w.place(w.registry, token, w.now); err != nil {
			t.Fatalf("paper %d: %v", n, err)
		}
	}
	lists, err := w.StatusLists(time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if len(lists) != 4 || len(w.places) != papers {
		t.Errorf("%d papers in lists %v", len(w.places), lists)
	}
	for i, list := range lists {
		filled, err := w.Filled(list)
		if err != nil || list != int(november)+i || i < len(lists)-1 && (filled < halfFull || filled > halfFull+2*recount) {
			t.Errorf("list %d holds %d: %v", list, filled, err)
		}
	}
	if perPaper := float64(drawn) / papers; perPaper > 1.5 {
		t.Errorf("%.2f tries a paper", perPaper)
	}
}

func TestTheKeySetIsReadable(t *testing.T) {
	w := newWorld(t)
	_, code := w.prescribed()
	cache := w.reader()
	w.list(november, cache)
	if v := cache.Judge(code, trust.Knowledge{Longest: document.Longest}, w.now); v.Answer != trust.OK {
		t.Errorf("offline: %v", v)
	}
	signed, err := w.Service.KeySet(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same, err := w.Service.KeySet(t.Context())
	if err != nil || same.Tag != signed.Tag {
		t.Errorf("within the hour: %v", err)
	}
	before := cache.Keys().Sequence
	w.now = w.now.Add(time.Hour)
	w.accepts(cache, w.Service)
	if cache.Keys().Sequence <= before {
		t.Errorf("an hour later: sequence %d after %d", cache.Keys().Sequence, before)
	}
	if !slices.Equal(w.events[:2], []string{"keys signs", "cert published"}) || len(w.events) != 9 {
		t.Errorf("%v", w.events)
	}
}

// A server that starts, or withdraws a key, in the middle of a minute has a key that is younger than the minute.
func TestAKeysFirstListIsNotOlderThanTheKey(t *testing.T) {
	w := newWorld(t)
	w.now = w.now.Add(40 * time.Second)
	for i := range w.ring.Keys {
		w.ring.Keys[i].From = w.now.Add(-10*time.Second - time.Millisecond)
	}
	cache := w.reader()
	w.list(november, cache)
	w.now = w.now.Add(time.Second)
	w.list(november, cache)
}

func TestServersOnOneDatabasePublishOneSet(t *testing.T) {
	w := newWorld(t)
	cache := w.reader()
	first := cache.Keys().Sequence
	other := w.instance()
	w.accepts(cache, other)
	if cache.Keys().Sequence != first {
		t.Error("two servers with the same keys publish different sets")
	}
	// A key that is made within an hour reaches those who have that hour's set, also within the same second and from either server.
	from := w.now.Add(7 * day)
	w.ring.Keys = append(w.ring.Keys, Key{SigningKey: w.newKey(qr.Referral, 3), From: from, Until: from.Add(90 * day)})
	third := w.instance()
	w.accepts(cache, third)
	if got := cache.Keys(); got.Sequence != first+1 || len(got.Keys) != 9 {
		t.Errorf("sequence %d after %d, %d keys", got.Sequence, first, len(got.Keys))
	}
	w.accepts(cache, other) // has read the keys before, and takes nothing back
	if got := cache.Keys(); got.Sequence != first+1 || len(got.Keys) != 9 {
		t.Errorf("a server that lags: sequence %d, %d keys", got.Sequence, len(got.Keys))
	}
	// The database comes back from yesterday: the number goes on growing.
	w.sequence, w.keySet = 3, nil
	w.now = w.now.Add(time.Minute)
	w.accepts(cache, w.Service)
	if got := cache.Keys(); got.Sequence <= first+1 {
		t.Errorf("sequence %d after a restore", got.Sequence)
	}
}

func TestAKeyFallsIntoWrongHands(t *testing.T) {
	w := newWorld(t)
	_, code := w.prescribed()
	cache := w.reader()
	w.now = w.now.Add(time.Minute)
	w.ring.Keys[0].Compromised = true
	w.ring.Keys[0].SigningKey = qr.SigningKey{Key: w.ring.Keys[0].Key} // the secret half is destroyed
	rx, fresh, err := w.prescribe(seven, "card-1", "visit-0002", tablets(prescription60.Form, prescription60.Validity))
	if err != nil {
		t.Fatalf("nothing takes over: %v", err)
	}
	w.list(november, cache)
	know := trust.Knowledge{Longest: document.Longest}
	if v := cache.Judge(fresh, know, w.now); v.String() != "OK" {
		t.Errorf("the reserve is not known to who has not heard of it yet: %v", v)
	}
	w.accepts(cache, w.Service)
	w.list(november, cache)
	if v := cache.Judge(code, know, w.now); v.String() != "CANT_TELL_OFFLINE key_compromised" {
		t.Errorf("offline: %v", v)
	}
	// Online the record decides: what was issued stands, and what the thief makes of its token does not.
	if v, err := w.Judge(t.Context(), pharmacy, code); err != nil || v.String() != "OK" {
		t.Errorf("a true paper: %v %v", v, err)
	}
	if _, err := w.Token(t.Context(), code); err != nil {
		t.Errorf("a true paper is not handed out: %v", err)
	}
	forged := rx
	forged.Sheet.Items = slices.Clone(rx.Sheet.Items)
	forged.Sheet.Items[0].Quantity *= 3
	thief := w.newKey(qr.Prescription, 0)
	text, err := document.SealPrescription(forged, qr.StatusRef{List: november, Index: 5}, thief)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := w.Judge(t.Context(), pharmacy, text); err != nil || v.Answer != trust.No || !slices.Contains(v.Reasons, trust.IsNotIssued) {
		t.Errorf("a forgery: %v %v", v, err)
	}
	_, err = w.Token(t.Context(), text)
	w.wants(err, ErrCode)
	if !slices.Contains(w.events, "rx compromised") {
		t.Errorf("%v", w.events)
	}
	// It stays so, even if the mark beside the key is lost.
	w.ring.Keys[0].Compromised = false
	w.now = w.now.Add(time.Hour)
	w.accepts(cache, w.Service)
	if k, _ := cache.Keys().Find(thief.ID); k.Standing != trust.Compromised {
		t.Errorf("%+v", k)
	}
}

func TestTheRootHandsOver(t *testing.T) {
	w := newWorld(t)
	cache := w.reader()
	lagging := w.instance()
	w.accepts(cache, lagging)
	old := w.ring.Root
	w.now = w.now.Add(2 * time.Second)
	w.ring.Former, w.ring.Root, w.ring.Successor = []qr.Key{old.Key}, w.newKey(qr.KeySet, 2), w.newKey(qr.KeySet, 3).Key
	w.accepts(cache, w.instance())
	if got := cache.Keys().SignedBy; got != w.ring.Root.ID {
		t.Fatalf("signed by %v", got)
	}
	handed := cache.Keys().Sequence
	w.accepts(cache, lagging) // it has not read the keys again, and does not bring the old root back
	if cache.Keys().Sequence != handed {
		t.Error("a server that lags published")
	}
	stolen := cache.Keys()
	stolen.Sequence++
	body, err := trust.SealKeySet(stolen, old)
	if err != nil {
		t.Fatal(err)
	}
	if err := cache.AcceptKeys(body); !errors.Is(err, trust.ErrRoot) {
		t.Errorf("the old root: %v", err)
	}
}

// Keys come and go; a paper is verified as long as it may be valid.
func TestAPaperOutlivesItsKey(t *testing.T) {
	w := newWorld(t)
	rx, code := w.prescribed()
	w.now = w.ring.Keys[0].Until.Add(time.Hour)
	for i := range w.ring.Keys {
		if w.now.After(w.ring.Keys[i].Until) {
			w.ring.Keys[i].SigningKey = qr.SigningKey{Key: w.ring.Keys[i].Key}
		}
	}
	cache := w.reader()
	w.list(november, cache)
	if k, known := cache.Keys().Find(w.ring.Keys[0].ID); !known || k.Standing != trust.Retired || k.LastIssue.Sub(k.NotBefore) != 90*day {
		t.Fatalf("%+v", k)
	}
	if v := cache.Judge(code, trust.Knowledge{}, rx.ValidUntil.Add(-time.Hour)); slices.Contains(v.Reasons, trust.KeyNotInForce) || v.Document == nil {
		t.Errorf("%v", v)
	}
	last := w.ring.Keys[0].Until.Add(verifyTerm)
	w.now = last.Add(time.Hour)
	from := w.now.Add(-day)
	w.ring.Keys = append(w.ring.Keys, Key{SigningKey: w.newKey(qr.StatusList, 7), From: from, Until: from.Add(90 * day)})
	w.accepts(cache, w.Service)
	if _, known := cache.Keys().Find(w.ring.Keys[0].ID); known {
		t.Error("published for ever")
	}
}
