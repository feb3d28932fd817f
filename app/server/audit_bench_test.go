package server

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/app/store/storetest"
	"github.com/medcard/medcard/app/syncing"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/sync/cardsync"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// BenchmarkAudit tells what the audit costs pushes of five edits: the same pushes with it, the sequencer of every second included, and
// without, by turns, so that a busy machine slows both. The goal is that no more than 30 % of the throughput go.
func BenchmarkAudit(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) { benchmarkAudit(b, storetest.SQLite(b)) })
	b.Run("postgres", func(b *testing.B) { benchmarkAudit(b, storetest.Postgres(b)) })
}

const (
	auditPhones = 8
	auditEdits  = 5
	auditTurn   = time.Second / 4 // of one kind, before it is the other's turn
)

func benchmarkAudit(b *testing.B, cfg store.Config) {
	r := openRegistry(b, cfg)
	service := func(s syncing.Store) *syncing.Service {
		return &syncing.Service{Store: s, Clock: time.Now, Engine: replica.Server{Rules: cardsync.Rules()}, Secret: make([]byte, 32)}
	}
	whole := acting[syncing.Tx]{r.db, func(tx *store.Tx) syncing.Tx { return tx }}
	with := service(whole)
	without := service(forgetful{whole})
	phones := make([]*pusher, auditPhones)
	for i := range phones {
		phones[i] = newPusher(b, r, with)
	}
	var pushes [2]int64
	var took [2]time.Duration
	for b.Loop() {
		for kind, s := range []*syncing.Service{with, without} {
			ctx, stop := context.WithCancel(b.Context())
			var work sync.WaitGroup
			work.Go(func() {
				for ctx.Err() == nil {
					_ = r.log.Sequence(ctx)
					select {
					case <-ctx.Done():
					case <-time.After(auditTurn): // more often than a server does
					}
				}
			})
			began := time.Now()
			var n atomic.Int64
			var pushing sync.WaitGroup
			for _, p := range phones {
				pushing.Go(func() {
					for time.Since(began) < auditTurn {
						p.push(b, s)
						n.Add(1)
					}
				})
			}
			pushing.Wait()
			took[kind] += time.Since(began)
			pushes[kind] += n.Load()
			stop()
			work.Wait()
		}
	}
	r.sequence(b)
	if size := r.checkpoint(b).Size; size < pushes[0] {
		b.Fatalf("%d pushes with the audit, and %d entries in the log", pushes[0], size)
	}
	rate := func(kind int) float64 { return float64(pushes[kind]) / took[kind].Seconds() }
	b.ReportMetric(rate(0), "pushes/s")
	b.ReportMetric(rate(1), "unaudited/s")
	b.ReportMetric(100*(1-rate(0)/rate(1)), "%cost")
	b.ReportMetric(0, "ns/op")
}

// forgetful is a store that remembers nobody.
type forgetful struct{ acting[syncing.Tx] }

type forgetfulTx struct{ syncing.Tx }

func (forgetfulTx) AppendAudit(audit.Entry) error { return nil }

func (s forgetful) Update(ctx context.Context, f func(syncing.Tx) error) error {
	return s.acting.Update(ctx, func(tx syncing.Tx) error { return f(forgetfulTx{tx}) })
}

// pusher is one phone with a card of its own.
type pusher struct {
	who  identity.Actor
	card card.ID
	at   wire.Enrolment
	n    uint64
}

func newPusher(b *testing.B, r registry, s *syncing.Service) *pusher {
	p := &pusher{card: r.card(b), who: anna}
	p.who.Device = identity.DeviceID(store.NewID())
	in, err := s.Devices(b.Context(), p.who, wire.DevicesRequest{Cards: []wire.DeviceCard{{Card: string(p.card)}}})
	if err != nil || len(in.Cards) != 1 {
		b.Fatal(in, err)
	}
	p.at = in.Cards[0]
	return p
}

func (p *pusher) push(b *testing.B, s *syncing.Service) {
	in := wire.PushRequest{Device: string(p.who.Device), Card: string(p.card), Epoch: p.at.Epoch, Actor: p.at.Actor}
	for range auditEdits {
		p.n++
		m := wire.Mutation{N: p.n, Op: wire.OpCreate, ID: store.NewID(), Kind: string(card.KindComment), Atoms: map[string]wire.Change{}}
		for name, v := range cardsync.Atoms(card.Comment{Text: fmt.Sprintf("note %d of this morning, with a few words of how it was", p.n)}) {
			m.Atoms[name] = wire.Change{V: v}
		}
		in.Mutations = append(in.Mutations, m)
	}
	out, err := s.Push(b.Context(), p.who, in, "request")
	if err != nil || out.LMID != p.n {
		b.Errorf("%+v, %v", out, err)
	}
}
