package server_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/app/store/storetest"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/sync/cardsync"
	"github.com/medcard/medcard/sync/vclock"
	"github.com/medcard/medcard/sync/wire"
)

// BenchmarkServerHalf is BenchmarkSync without the phones: the same courses, asked with plain HTTP requests whose answers are unpacked
// and thrown away, on ours and on the bare server. It tells how much of a sync's time is the server's.
func BenchmarkServerHalf(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) { benchmarkHalf(b, "") })
	b.Run("postgres", func(b *testing.B) { benchmarkHalf(b, storetest.Postgres(b).Postgres) })
}

func benchmarkHalf(b *testing.B, dsn string) {
	h := newBench(b, dsn)
	b.Run("first/10000", func(b *testing.B) { h.halfFirst(b, 10_000) })
	b.Run("nothing/1000", func(b *testing.B) { h.halfNothing(b, 1_000) })
	b.Run("changed/10of10000", func(b *testing.B) { h.halfChanged(b, 10_000, 10) })
	b.Run("push/1000", func(b *testing.B) { h.halfPush(b, 1_000) })
}

func (h *bench) halfFirst(b *testing.B, stored int) {
	p := h.visitor(b, stored)
	p.race(b, course{
		bare: func(ctx context.Context) { p.askBare(ctx, b, stored) },
		ours: func(ctx context.Context) { p.ask(ctx, b, wire.PullCard{}, stored) },
	})
}

func (h *bench) halfNothing(b *testing.B, stored int) {
	p := h.visitor(b, stored)
	p.records = nil
	p.bare.cursor = int64(stored)
	head := p.head(b.Context(), b, "")
	p.race(b, course{
		times: 50,
		bare:  func(ctx context.Context) { p.askBare(ctx, b, 0) },
		ours:  func(ctx context.Context) { p.head(ctx, b, head) },
	})
}

func (h *bench) halfChanged(b *testing.B, stored, changes int) {
	p := h.visitor(b, stored)
	p.bare.cursor = int64(stored)
	at := p.ask(b.Context(), b, wire.PullCard{}, stored)
	p.race(b, course{
		prepare: func() {
			some := make([]cardsync.Record, changes)
			for i, n := range h.draw.Perm(stored)[:changes] {
				some[i] = p.records[n]
				some[i].Atoms = h.observation()
			}
			p.publish(b, some)
		},
		bare: func(ctx context.Context) {
			p.askBare(ctx, b, changes)
			p.bare.cursor += int64(changes)
		},
		ours: func(ctx context.Context) { at = p.ask(ctx, b, at, changes) },
	})
}

func (h *bench) halfPush(b *testing.B, edits int) {
	p := h.visitor(b, 1)
	p.bare.cursor = 1
	at := p.ask(b.Context(), b, wire.PullCard{}, 1)
	ids := make([]card.RecordID, edits)
	for i := range ids {
		ids[i] = h.id()
	}
	var round uint64
	var batch wire.SyncRequest
	var queue []bareRecord
	prepare := func() {
		ask := at
		ask.Acked = round * uint64(edits)
		batch = wire.SyncRequest{Device: p.device, Cards: []wire.SyncCard{{PullCard: ask}}}
		queue = queue[:0]
		round++
		for i, id := range ids {
			atoms := cardsync.Atoms(card.Comment{Text: h.text(i), About: p.records[0].ID})
			m := wire.Mutation{N: ask.Acked + uint64(i) + 1, Op: wire.OpPatch, ID: string(id), Kind: string(card.KindComment), At: at.At, Atoms: map[string]wire.Change{}}
			for name, v := range atoms {
				m.Atoms[name] = wire.Change{V: v}
				if round > 1 {
					m.Atoms[name] = wire.Change{V: v, Seen: []vclock.Dot{{Actor: p.actor, N: round - 1}}}
				}
			}
			if round == 1 {
				m.Op = wire.OpCreate
			} else {
				m.Ctx = vclock.Clock{}.With(vclock.Dot{Actor: p.actor, N: round - 1})
			}
			batch.Cards[0].Mutations = append(batch.Cards[0].Mutations, m)
			queue = append(queue, bareRecord{ID: string(id), Kind: "comment", Scope: "note.general", Atoms: whole(b, atoms)})
		}
	}
	ours := func(ctx context.Context) { at = p.send(ctx, b, batch, edits) }
	prepare()
	ours(b.Context())
	p.race(b, course{
		prepare: prepare,
		bare:    func(ctx context.Context) { p.pushBare(ctx, b, queue) },
		ours:    ours,
	})
}

// visitor is a patient whose phone is played by the benchmark. Its session is bound to no key: what a proof costs, and who makes it, is
// BenchmarkBoundRequest's in app/story.
type visitor struct {
	*patient
	session string
	actor   uint32
	device  string
}

func (h *bench) visitor(b *testing.B, stored int) visitor {
	b.Helper()
	v := visitor{patient: h.patient(b, stored)}
	post := func(path string, body map[string]any, into any) {
		must(b, h.Call(b.Context(), "", http.MethodPost, path, nil, body, into))
	}
	var asked struct{ Challenge string }
	post("/v1/auth/sign-in", map[string]any{
		"login": v.person.Login, "password": v.person.Password, "device": map[string]any{"id": store.NewID(), "name": "bench", "secret": store.NewID()},
	}, &asked)
	code, err := h.Code(b.Context(), v.person.Login)
	must(b, err)
	var opened struct{ AccessToken string }
	post("/v1/auth/second-factor", map[string]any{"challenge": asked.Challenge, "code": code}, &opened)
	v.session = "Bearer " + opened.AccessToken
	var in wire.DevicesResponse
	v.call(b.Context(), b, http.MethodPost, "/v1/sync/devices", wire.DevicesRequest{Cards: []wire.DeviceCard{{Card: string(v.card)}}}, func(r *http.Response) {
		must(b, json.NewDecoder(r.Body).Decode(&in))
	})
	v.actor, v.device = in.Cards[0].Actor, in.Device
	return v
}

// call sends one request, zipped where that pays.
func (v visitor) call(ctx context.Context, b *testing.B, method, path string, body any, read func(*http.Response)) {
	b.Helper()
	var content bytes.Buffer
	if body != nil {
		z, err := gzip.NewWriterLevel(&content, gzip.BestSpeed)
		must(b, err)
		must(b, errors.Join(json.NewEncoder(z).Encode(body), z.Close()))
	}
	request, err := http.NewRequestWithContext(ctx, method, v.world.URL+path, &content)
	must(b, err)
	request.Header.Set("Authorization", v.session)
	if tag, ok := body.(string); ok {
		request.Header.Set("If-None-Match", tag)
		request.Body, request.ContentLength = http.NoBody, 0
	} else if body != nil {
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Content-Encoding", "gzip")
	}
	response, err := v.http.Do(request)
	must(b, err)
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusNotModified {
		text, _ := io.ReadAll(response.Body)
		b.Fatalf("%s: %d %s", path, response.StatusCode, text)
	}
	read(response)
}

// head asks whether there is news since the tag and gives the tag of now.
func (v visitor) head(ctx context.Context, b *testing.B, tag string) (now string) {
	b.Helper()
	v.call(ctx, b, http.MethodGet, "/v1/sync/head?cards="+string(v.card), tag, func(r *http.Response) {
		if now = r.Header.Get("ETag"); tag != "" && r.StatusCode != http.StatusNotModified {
			b.Fatalf("head: %d", r.StatusCode)
		}
	})
	return now
}

// ask pulls from where a pull before ended and gives where this one did.
func (v visitor) ask(ctx context.Context, b *testing.B, from wire.PullCard, rows int) wire.PullCard {
	b.Helper()
	return v.send(ctx, b, wire.SyncRequest{Device: v.device, Cards: []wire.SyncCard{{PullCard: from}}}, rows)
}

func (v visitor) send(ctx context.Context, b *testing.B, in wire.SyncRequest, rows int) (at wire.PullCard) {
	b.Helper()
	ask := &in.Cards[0]
	ask.Card, ask.Actor = string(v.card), v.actor
	at = ask.PullCard
	v.call(ctx, b, http.MethodPost, "/v1/sync", in, func(r *http.Response) {
		lines := bufio.NewScanner(r.Body)
		lines.Buffer(make([]byte, 64<<10), wire.MaxLine)
		seen := 0
		for lines.Scan() {
			if bytes.HasPrefix(lines.Bytes(), []byte(`{"row":`)) { // not read any further: what a phone makes of it is not measured here
				seen++
				continue
			}
			var line wire.Line
			must(b, json.Unmarshal(lines.Bytes(), &line))
			switch {
			case line.Card != nil:
				at.Epoch = line.Card.Epoch
			case line.End != nil:
				at.Cursor, at.At, at.View = line.End.Cursor, line.End.Cursor, line.End.View
			case line.Err != nil, line.Gone != nil, line.Res != nil && line.Res.Outcome != wire.Accepted:
				b.Fatalf("%s", lines.Bytes())
			}
		}
		must(b, lines.Err())
		if seen != rows {
			b.Fatalf("%d rows came, not %d", seen, rows)
		}
	})
	return at
}

func (v visitor) askBare(ctx context.Context, b *testing.B, rows int) {
	b.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/pull?card=%s&after=%d", v.bare.URL, v.card, v.bare.cursor), nil)
	must(b, err)
	response, err := v.bare.http.Do(request)
	must(b, err)
	defer response.Body.Close()
	lines, seen := bufio.NewScanner(response.Body), 0
	for lines.Scan() {
		seen++
	}
	if must(b, lines.Err()); seen != rows {
		b.Fatalf("%d rows came, not %d", seen, rows)
	}
}

// pushBare sends records and pulls them back, as /v1/sync does in one.
func (v visitor) pushBare(ctx context.Context, b *testing.B, records []bareRecord) {
	b.Helper()
	must(b, v.bare.offer(ctx, string(v.card), records))
}
