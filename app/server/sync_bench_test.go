package server_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/app/store/storetest"
	"github.com/medcard/medcard/app/story"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/mobile-sdk/phone"
	"github.com/medcard/medcard/sync/cardsync"
)

// BenchmarkSync measures delta sync as a patient meets it: the SDK with its encrypted file, HTTP over loopback, the server with
// accounts, access rules, encryption and audit. Next to each figure stands that of the bare server (bare_bench_test.go), taken in
// turns with ours: "x" is how many times as long ours took, and "cpu-x" how many times as much processor time, which
// other work on the machine disturbs less; both by the medians. Those ratios are what to look at; the nanoseconds say as much about the machine. Bytes are those of the connection, heads included, and like requests and rows they are of one sync.
func BenchmarkSync(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) { benchmarkSync(b, "") })
	b.Run("postgres", func(b *testing.B) { benchmarkSync(b, storetest.Postgres(b).Postgres) })
}

func benchmarkSync(b *testing.B, dsn string) {
	h := newBench(b, dsn)
	b.Run("first/10000", func(b *testing.B) { h.first(b, 10_000) })
	b.Run("nothing/1000", func(b *testing.B) { h.nothing(b, 1_000) })
	b.Run("nothing/100000", func(b *testing.B) { h.nothing(b, 100_000) })
	b.Run("changed/10of10000", func(b *testing.B) { h.changed(b, 10_000, 10) })
	b.Run("push/1000", func(b *testing.B) { h.push(b, 1_000) })
}

// bench is the world that the courses run in.
type bench struct {
	*story.World
	file, dsn string
	people    int
	draw      *rand.Rand // drawn with a seed: every run has the same records
}

func newBench(b *testing.B, dsn string) *bench {
	b.Helper()
	dir := b.TempDir()
	w, err := story.Start(context.Background(), story.Options{Dir: dir, Postgres: dsn})
	must(b, err)
	b.Cleanup(func() { must(b, w.Close()) })
	return &bench{World: w, file: filepath.Join(dir, "server", "medcard.db"), dsn: dsn, draw: rand.New(rand.NewPCG(1, 2))}
}

// first is the sync of a new phone.
func (h *bench) first(b *testing.B, stored int) {
	p := h.patient(b, stored)
	p.stop(b)
	image, err := os.ReadFile(p.file) // of a phone that is signed in and has synced nothing yet
	must(b, err)
	p.race(b, course{
		prepare: func() {
			p.stop(b)
			must(b, os.WriteFile(p.file, image, 0o600))
			p.start(b)
			p.bare.forget(b)
		},
		bare: func(ctx context.Context) { p.expectBare(ctx, b, stored) },
		ours: func(ctx context.Context) { p.expect(ctx, b, stored) },
	})
}

// nothing is a sync without news, with so many records stored on both sides.
func (h *bench) nothing(b *testing.B, stored int) {
	p := h.patient(b, stored)
	p.level(b, stored)
	p.records = nil // a heap of the benchmark's own would be walked while it measures
	p.race(b, course{
		times: 50,
		bare:  func(ctx context.Context) { p.expectBare(ctx, b, 0) },
		ours:  func(ctx context.Context) { p.expect(ctx, b, 0) },
	})
}

// changed is a sync after the server changed a few of many records.
func (h *bench) changed(b *testing.B, stored, changes int) {
	p := h.patient(b, stored)
	p.level(b, stored)
	p.race(b, course{
		prepare: func() {
			some := make([]cardsync.Record, changes)
			for i, at := range h.draw.Perm(stored)[:changes] {
				some[i] = p.records[at]
				some[i].Atoms = h.observation()
			}
			p.publish(b, some)
		},
		bare: func(ctx context.Context) { p.expectBare(ctx, b, changes) },
		ours: func(ctx context.Context) { p.expect(ctx, b, changes) },
	})
}

// push sends edits of as many comments, in one request.
func (h *bench) push(b *testing.B, edits int) {
	p := h.patient(b, 1)
	p.level(b, 1)
	about := p.records[0].ID
	mine := p.phone.Card(p.card)
	var written []card.RecordID
	for i := range edits {
		e, err := mine.Comment(about, h.text(i))
		must(b, err)
		written = append(written, e.Record)
	}
	p.expect(context.Background(), b, -1)
	p.race(b, course{
		prepare: func() {
			queue := make([]bareRecord, edits)
			for i, id := range written {
				text := h.text(i)
				e, err := mine.Edit(id)
				must(b, err)
				_, err = e.SaveText(text)
				must(b, err)
				queue[i] = bareRecord{ID: string(id), Kind: "comment", Scope: "note.general", Atoms: whole(b, cardsync.Atoms(card.Comment{Text: text, About: about}))}
			}
			p.bare.edit(b, queue)
		},
		bare: func(ctx context.Context) { must(b, p.bare.push(ctx, string(p.card))) },
		ours: func(ctx context.Context) {
			report, err := p.phone.Sync(ctx)
			must(b, err)
			if report.Sent != edits {
				b.Fatalf("%+v", report)
			}
		},
	})
}

// course is the same work, done in two ways.
type course struct {
	prepare    func() // untimed, before each round
	times      int    // how often in a row a round does it; 0 = once
	bare, ours func(context.Context)
}

// race lets the two take turns, so that what else the machine does slows both.
func (p *patient) race(b *testing.B, c course) {
	b.Helper()
	c.times = max(c.times, 1)
	var ours, bare, oursCPU, bareCPU []time.Duration
	var traffic, bareTraffic meter
	var rows int64
	run := func(m *meter, wall, processor *[]time.Duration, work func(context.Context)) {
		runtime.GC() // of what the other left
		p.meter = m
		began, before := time.Now(), cpu()
		for range c.times {
			work(b.Context())
		}
		*wall = append(*wall, time.Since(began)/time.Duration(c.times))
		*processor = append(*processor, (cpu()-before)/time.Duration(c.times))
		p.meter = nil
	}
	for b.Loop() {
		b.StopTimer()
		if c.prepare != nil {
			c.prepare()
		}
		b.StartTimer()
		run(&bareTraffic, &bare, &bareCPU, c.bare)
		before := p.world.Server.Store.RowsRead()
		run(&traffic, &ours, &oursCPU, c.ours)
		rows += p.world.Server.Store.RowsRead() - before
	}
	each := func(n int64) float64 { return float64(n) / float64(len(ours)*c.times) }
	b.ReportMetric(float64(median(ours).Nanoseconds()), "ns/op")
	b.ReportMetric(float64(median(bare).Nanoseconds()), "bare-ns/op")
	b.ReportMetric(float64(median(ours))/float64(median(bare)), "x")
	if used := median(bareCPU); used > 0 {
		b.ReportMetric(float64(median(oursCPU))/float64(used), "cpu-x")
	}
	b.ReportMetric(each(traffic.in.Load()), "B-in")
	b.ReportMetric(each(traffic.out.Load()), "B-out")
	b.ReportMetric(each(bareTraffic.in.Load()), "bare-B-in")
	b.ReportMetric(each(traffic.requests.Load()), "requests")
	b.ReportMetric(each(rows), "rows")
}

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}

// patient is a person with a card, a phone, and the same records on the bare server.
type patient struct {
	world   *bench
	card    card.ID
	records []cardsync.Record
	file    string
	phone   *phone.Client
	bare    *bare
	http    *http.Client
	person  *story.Patient
	meter   *meter
}

// patient makes one whose card holds so many records, with a phone that is signed in and has not synced.
func (h *bench) patient(b *testing.B, stored int) *patient {
	b.Helper()
	ctx := context.Background()
	h.people++
	h.Skip(10 * time.Minute) // past the limits of registration
	login := fmt.Sprintf("+7916000%04d", h.people)
	person, handset, err := h.SignUp(ctx, login, fmt.Sprintf("p%d@example.org", h.people))
	must(b, err)
	must(b, handset.Close())
	p := &patient{world: h, person: person, file: filepath.Join(b.TempDir(), "phone.db")}
	p.http = p.client()
	must(b, h.Server.Store.Update(ctx, func(tx *store.Tx) (err error) {
		if p.card, err = tx.CreateCard(h.Now()); err != nil {
			return err
		}
		return tx.GrantOwner(p.card, person.Account, h.Now())
	}))
	p.bare = startBare(b, string(p.card), h.file, h.dsn, p.http)
	for range stored {
		o := h.observation()
		p.records = append(p.records, cardsync.Record{
			ID: card.RecordID(store.NewID()), Kind: card.KindObservation, Scope: card.ScopeOf(card.KindObservation, card.General), Dated: h.Now(), Atoms: o,
		})
	}
	p.publish(b, p.records)
	p.start(b)
	b.Cleanup(func() { p.stop(b) })
	challenge, err := p.phone.SignIn(ctx, login, person.Password)
	must(b, err)
	code, err := h.Code(ctx, login)
	must(b, err)
	must(b, p.phone.SecondFactor(ctx, challenge.ID, code))
	_, err = p.phone.Me(ctx)
	must(b, err)
	return p
}

// publish puts the records that are new or changed on both servers.
func (p *patient) publish(b *testing.B, records []cardsync.Record) {
	b.Helper()
	clinic := identity.Actor{Kind: identity.Clinic, Client: "bench", Scopes: []string{"system/*.c"}}
	for chunk := range slices.Chunk(records, 2_000) {
		must(b, p.world.Server.Store.Update(context.Background(), func(tx *store.Tx) error {
			permit, err := tx.DecideWrite(clinic, p.card, "system/*.c", card.Everything())
			if err != nil {
				return err
			}
			return tx.Publish(permit, chunk, p.world.Now())
		}))
		list := make([]bareRecord, len(chunk))
		for i, r := range chunk {
			list[i] = bareRecord{ID: string(r.ID), Kind: string(r.Kind), Scope: string(r.Scope), Atoms: whole(b, r.Atoms)}
		}
		p.bare.store(b, string(p.card), list)
	}
}

// level brings both phones in step, and past what only a first sync does.
func (p *patient) level(b *testing.B, stored int) {
	b.Helper()
	p.expectBare(context.Background(), b, stored)
	p.expect(context.Background(), b, stored)
	p.expect(context.Background(), b, 0)
}

// expect syncs and checks how many records came; -1 = some.
func (p *patient) expect(ctx context.Context, b *testing.B, records int) {
	b.Helper()
	report, err := p.phone.Sync(ctx)
	must(b, err)
	if report.Received != records && (records >= 0 || report.Received == 0) {
		b.Fatalf("%d records came, not %d", report.Received, records)
	}
}

func (p *patient) expectBare(ctx context.Context, b *testing.B, records int) {
	b.Helper()
	n, err := p.bare.pull(ctx, string(p.card))
	must(b, err)
	if n != records && (records >= 0 || n == 0) {
		b.Fatalf("%d records came, not %d", n, records)
	}
}

func (p *patient) start(b *testing.B) {
	b.Helper()
	var err error
	p.phone, err = phone.Open(context.Background(), phone.Config{
		File: p.file, Key: make([]byte, 32), BaseURL: p.world.URL, DeviceName: "bench", HTTPClient: p.client(), Clock: p.world.Now,
	})
	must(b, err)
}

func (p *patient) stop(b *testing.B) {
	b.Helper()
	if p.phone != nil {
		must(b, p.phone.Close())
	}
	p.phone = nil
}

// observation is a laboratory's result as clinics write it: about 400 bytes as the bare server sends it.
func (h *bench) observation() map[string]json.RawMessage {
	tests := [...][3]string{
		{"718-7", "Hemoglobin [Mass/volume] in Blood", "g/L"}, {"2339-0", "Glucose [Mass/volume] in Blood", "mmol/L"},
		{"2093-3", "Cholesterol [Mass/volume] in Serum or Plasma", "mmol/L"}, {"2160-0", "Creatinine [Mass/volume] in Serum", "umol/L"},
	}
	t := tests[h.draw.IntN(len(tests))]
	at := card.DateOf(time.Date(2015, 1, 1, 8, h.draw.IntN(5_000_000), 0, 0, time.UTC))
	return cardsync.Atoms(card.Observation{
		Status: "final", Code: card.Concept{Codings: []card.Coding{{System: card.SystemLOINC, Code: t[0], Display: t[1]}}}, At: card.Period{Start: at},
		Value: card.Value{Quantity: card.Quantity{Value: fmt.Sprintf("%.3f", 200*h.draw.Float64()), Unit: t[2], System: card.SystemUCUM, Code: t[2]}},
		Visit: h.id(), Specimen: card.Concept{Text: string(h.id()[24:])},
	})
}

// id draws one, so that records do not pack better than real ones.
func (h *bench) id() card.RecordID {
	var raw uuid.UUID
	binary.BigEndian.PutUint64(raw[:8], h.draw.Uint64())
	binary.BigEndian.PutUint64(raw[8:], h.draw.Uint64())
	return card.RecordID(raw.String())
}

func (h *bench) text(i int) string {
	return fmt.Sprintf("%d: after a walk the head ached for %d minutes; a tablet, and it went. Pulse %d. %s",
		i, h.draw.IntN(90), 50+h.draw.IntN(60), h.id())
}

// whole is a record's atoms as one value.
func whole(b *testing.B, atoms map[string]json.RawMessage) json.RawMessage {
	b.Helper()
	text, err := json.Marshal(atoms)
	must(b, err)
	return text
}

// meter counts what goes over a connection.
type meter struct{ in, out, requests atomic.Int64 }

// client makes an HTTP client whose traffic goes to the patient's meter of the moment.
func (p *patient) client() *http.Client {
	t := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, address)
		return countedConn{c, p}, err
	}}
	return &http.Client{Transport: countedRequests{t, p}}
}

type countedRequests struct {
	http.RoundTripper
	p *patient
}

func (c countedRequests) RoundTrip(r *http.Request) (*http.Response, error) {
	if m := c.p.meter; m != nil {
		m.requests.Add(1)
	}
	return c.RoundTripper.RoundTrip(r)
}

type countedConn struct {
	net.Conn
	p *patient
}

func (c countedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if m := c.p.meter; m != nil {
		m.in.Add(int64(n))
	}
	return n, err
}

func (c countedConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if m := c.p.meter; m != nil {
		m.out.Add(int64(n))
	}
	return n, err
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
