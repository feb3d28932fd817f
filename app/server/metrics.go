package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// watch serves /metrics on a listener of its own until stop is called; without an address it does nothing.
func (s *Server) watch(ctx context.Context) (stop func() error, err error) {
	if s.metrics == "" {
		return func() error { return nil }, nil
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.metrics)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on MEDCARD_METRICS, %s: %w", s.metrics, err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.API.Metrics())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	return func() error {
		err := server.Close()
		if over := <-ended; !errors.Is(over, http.ErrServerClosed) {
			err = errors.Join(err, over)
		}
		return err
	}, nil
}
