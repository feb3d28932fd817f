package jobs

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"
)

// client is a queue's client that starts as it is told.
type client struct {
	start   func(context.Context) error
	stopped chan struct{}
}

func (c client) Start(ctx context.Context) error     { return c.start(ctx) }
func (c client) Stop(context.Context) error          { close(c.stopped); return nil }
func (c client) StopAndCancel(context.Context) error { close(c.stopped); return nil }

func TestAStartThatFailsIsTriedWithAFreshClient(t *testing.T) {
	attempts, running := 0, make(chan struct{})
	last := client{start: func(context.Context) error { close(running); return nil }, stopped: make(chan struct{})}
	r := &Runner{log: slog.New(slog.DiscardHandler), client: func() (worker, error) {
		if attempts++; attempts < 3 {
			return client{start: func(context.Context) error { return errors.New("the database is away") }}, nil
		}
		return last, nil
	}}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	<-running
	stop()
	if err := <-done; err != nil || attempts != 3 {
		t.Errorf("%v after %d attempts", err, attempts)
	}
	<-last.stopped
}

func TestAStartThatHangsDoesNotHoldTheEnd(t *testing.T) {
	hanging, late := make(chan struct{}), make(chan struct{})
	stuck := client{stopped: make(chan struct{}), start: func(context.Context) error { close(hanging); <-late; return nil }}
	r := &Runner{log: slog.New(slog.DiscardHandler), client: func() (worker, error) { return stuck, nil }}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	<-hanging
	stop()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the end waits for a start that hangs")
	}
	close(late) // it starts after all, and nobody wants it any more
	<-stuck.stopped
}
