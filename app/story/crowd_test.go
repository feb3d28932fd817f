package story

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/medcard/medcard/app/fhir/example"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// crowd is many phones that write without a pause and push until they are acknowledged, whatever becomes of the server or the
// network meanwhile. It keeps a book of what was acknowledged, and in the end compares: nothing lost, nothing doubled.
type crowd struct {
	world   *World
	writers []*writer
	readers map[card.ID]*Phone // a phone of each patient that takes no part and looks in the end
	syncs   atomic.Int64       // that were tried
	failed  atomic.Int64       // that failed
	older   bool               // an older text may come back beside the newest: see compare
}

// writer is one phone and its owner's memory of what she wrote on it.
type writer struct {
	*Phone
	name  string
	card  card.ID
	about card.RecordID
	texts map[card.RecordID][]string // what each comment said, the last is what it must say in the end
	order []card.RecordID
	edits int
}

var faultsSeed = flag.Uint64("faults.seed", 0, "seed of the faults; 0 = another one each time")

// seeded gives a source of chance and says how to have the same again.
func seeded(t testing.TB) *rand.Rand {
	t.Helper()
	seed := *faultsSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-faults.seed=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// gather makes patients with a card each and four phones each that write. base is where the writing phones look for the
// server ("" = where it is).
func gather(ctx context.Context, t testing.TB, w *World, clinic *Clinic, patients int, base string, through func() http.RoundTripper) *crowd {
	t.Helper()
	c := &crowd{world: w, readers: map[card.ID]*Phone{}}
	t.Cleanup(c.close)
	for n := range patients {
		posted := got(clinic.Post(ctx, nobody(t, n)))(t)
		patient, reader, err := w.SignUp(ctx, fmt.Sprintf("+7916123457%d", n), fmt.Sprintf("crowd%d@example.org", n))
		ok(t, err)
		id := got(reader.Claim(ctx, posted.Claim))(t)
		c.readers[id] = reader
		for m := range 4 {
			c.writers = append(c.writers, c.writer(ctx, t, patient, id, fmt.Sprintf("writer %d.%d", n, m), base, through()))
		}
	}
	return c
}

func (c *crowd) close() {
	for _, p := range c.writers {
		_ = p.Close() // its file goes with the test's folder
	}
	for _, p := range c.readers {
		_ = p.Close()
	}
}

// writer signs a phone in that waits for nothing long: a fault is to meet it again soon.
func (c *crowd) writer(ctx context.Context, t testing.TB, patient *Patient, id card.ID, name, base string, network http.RoundTripper) *writer {
	t.Helper()
	if base == "" {
		base = c.world.URL
	}
	dir := got(c.world.folder("phones"))(t)
	key := sha256.Sum256([]byte(name + c.world.URL))
	handset := &Phone{File: filepath.Join(dir, identityOf(key)+".db"), Owner: patient}
	var err error
	handset.Client, err = phone.Open(ctx, phone.Config{
		File: handset.File, Key: key[:], BaseURL: base, DeviceName: name, Clock: c.world.Now,
		HTTPClient: &http.Client{Transport: network, Timeout: 20 * time.Second},
		Wait: func(ctx context.Context, d time.Duration) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(min(d, 30*time.Millisecond)):
				return nil
			}
		},
	})
	ok(t, err)
	ok(t, handset.Enter(ctx))
	got(handset.Me(ctx))(t)
	got(handset.Sync(ctx))(t)
	return &writer{Phone: handset, name: name, card: id, about: got(handset.Card(id).Patient())(t).ID, texts: map[card.RecordID][]string{}}
}

// during lets all phones write while f makes trouble, and then until everything is acknowledged.
func (c *crowd) during(ctx context.Context, t testing.TB, f func()) {
	t.Helper()
	writing, rest := context.WithCancel(ctx)
	defer rest()
	var all sync.WaitGroup
	failures := make([]error, len(c.writers))
	for i, w := range c.writers {
		all.Go(func() {
			for writing.Err() == nil && failures[i] == nil {
				if failures[i] = w.write(); failures[i] == nil {
					failures[i] = c.push(ctx, w)
				}
			}
		})
	}
	f()
	rest()
	all.Wait()
	ok(t, errors.Join(failures...))
}

// write makes one edit: a new comment, and each third time another text of an older one.
func (w *writer) write() error {
	w.edits++
	text := fmt.Sprintf("%s edit %d", w.name, w.edits)
	mine := w.Phone.Card(w.card)
	if w.edits%3 != 0 {
		edit, err := mine.Comment(w.about, text)
		if err != nil {
			return err
		}
		w.order = append(w.order, edit.Record)
		w.texts[edit.Record] = []string{text}
		return nil
	}
	id := w.order[w.edits%len(w.order)]
	editor, err := mine.Edit(id)
	if err != nil {
		return err
	}
	if _, err := editor.SaveText(text); err != nil {
		return err
	}
	w.texts[id] = append(w.texts[id], text)
	return nil
}

// errNeverThrough says that a phone did not come through although there was time enough: a wedge.
var errNeverThrough = errors.New("an edit was not acknowledged in a minute")

// push syncs until the server has acknowledged everything.
func (c *crowd) push(ctx context.Context, w *writer) error {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errNeverThrough)
	defer cancel()
	for {
		c.syncs.Add(1)
		_, err := w.Sync(ctx)
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w; last: %w", w.name, context.Cause(ctx), err)
		}
		if err != nil {
			c.failed.Add(1)
			if errors.Is(err, phone.ErrSignedOut) {
				return fmt.Errorf("%s: %w", w.name, err)
			}
			time.Sleep(5 * time.Millisecond)
			continue
		}
		outbox, err := w.Phone.Card(w.card).Outbox()
		if err != nil {
			return err
		}
		for _, e := range outbox {
			if e.State == phone.Refused {
				return fmt.Errorf("%s: an edit was refused: %s", w.name, e.Code)
			}
		}
		if !slices.ContainsFunc(outbox, func(e phone.Edit) bool { return e.State == phone.Waiting }) {
			return nil
		}
	}
}

// compare looks with the phones that took no part, and with each that did: every edit that was acknowledged is there, once. Only one
// phone wrote each comment, so nothing stands beside its newest text; unless the server was restored, after which nobody can
// prove any more what an edit had seen, and an older text may come back as the other side of a conflict.
func (c *crowd) compare(ctx context.Context, t testing.TB) (told string) {
	t.Helper()
	edits, beside := 0, 0
	want := map[card.ID]map[card.RecordID][]string{}
	for id := range c.readers {
		want[id] = map[card.RecordID][]string{}
	}
	for _, w := range c.writers {
		edits += w.edits
		maps.Copy(want[w.card], w.texts)
	}
	check := func(who string, p *Phone, id card.ID) {
		t.Helper()
		var lost, doubled, foreign int
		mine := p.Card(id)
		entries := got(mine.Comments(got(mine.Patient())(t).ID))(t)
		found := map[string]int{}
		for _, e := range entries {
			said := append(slices.Clone(e.Siblings), e.Fact)
			beside += len(e.Siblings)
			wrote := want[id][e.ID]
			if len(wrote) == 0 || !slices.ContainsFunc(said, func(f card.Comment) bool { return f.Text == wrote[len(wrote)-1] }) {
				lost++
			}
			for _, f := range said {
				found[f.Text]++
				if !slices.Contains(wrote, f.Text) {
					foreign++
				}
			}
			if len(said) > 1 && !c.older {
				doubled++
			}
		}
		for _, n := range found {
			doubled += n - 1
		}
		lost += max(0, len(want[id])-len(entries))
		if lost+doubled+foreign > 0 {
			t.Errorf("%s: of %d comments %d are lost, %d doubled, %d are nobody's", who, len(want[id]), lost, doubled, foreign)
		}
		if n := got(mine.Counts())(t)[card.KindComment]; n != len(want[id]) {
			t.Errorf("%s counts %d comments, written were %d", who, n, len(want[id]))
		}
	}
	for id, p := range c.readers {
		got(p.Sync(ctx))(t)
		check("a phone that took no part", p, id)
	}
	for _, w := range c.writers {
		if _, err := w.Sync(ctx); err != nil {
			t.Errorf("%s: %v", w.name, err)
		}
		check(w.name, w.Phone, w.card)
	}
	told = fmt.Sprintf("%d edits of %d phones, %d of %d syncs failed", edits, len(c.writers), c.failed.Load(), c.syncs.Load())
	if c.older {
		told += fmt.Sprintf(", %d older texts stand beside newer ones", beside/(len(c.readers)+len(c.writers)))
	}
	return told
}

// nobody is a bundle with a patient of whom nothing is known but the clinic's own number: each n opens another card.
func nobody(t testing.TB, n int) []byte {
	t.Helper()
	var bundle struct {
		ResourceType string           `json:"resourceType"`
		Type         string           `json:"type"`
		Entry        []map[string]any `json:"entry"`
	}
	ok(t, json.Unmarshal(example.Bundle(), &bundle))
	for _, entry := range bundle.Entry {
		resource, _ := entry["resource"].(map[string]any)
		if resource["resourceType"] != "Patient" {
			continue
		}
		resource["id"] = fmt.Sprintf("crowd-%d", n)
		delete(resource, "identifier")
		bundle.Entry = []map[string]any{entry}
		return got(json.Marshal(bundle))(t)
	}
	t.Fatal("the example has no patient")
	return nil
}

// answers keeps a book of the statuses that phones get to see.
type answers struct {
	http.Transport
	mu       sync.Mutex
	statuses map[int]int
	wrong    []string
}

// RoundTrip sends the request and looks at the answer: trouble may only be told as 503 with Retry-After, in our own words.
func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := a.Transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.statuses == nil {
		a.statuses = map[int]int{}
	}
	a.statuses[response.StatusCode]++
	switch {
	case response.StatusCode < 400:
	case response.StatusCode != http.StatusServiceUnavailable, response.Header.Get("Retry-After") == "",
		!strings.HasPrefix(response.Header.Get("Content-Type"), "application/problem+json"):
		a.wrong = append(a.wrong, fmt.Sprintf("%s %s: %d, Retry-After %q", r.Method, r.URL.Path, response.StatusCode, response.Header.Get("Retry-After")))
	}
	return response, nil
}
