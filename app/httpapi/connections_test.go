package httpapi

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func TestSilentConnectionDoesNotHoldUpTheStop(t *testing.T) {
	a := New(Config{Clock: time.Now, Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry()})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- a.Serve(listener) }()
	c, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if response, err := http.Get("http://" + listener.Addr().String() + "/livez"); err != nil { // one that spoke, and idles
		t.Error(err)
	} else if err := response.Body.Close(); err != nil {
		t.Error(err)
	}
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		known := false
		a.silent.open.Range(func(any, any) bool { known = true; return true })
		if known {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the connection was not seen")
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := a.Shutdown(ctx); err != nil {
		t.Errorf("a connection that says nothing held up the stop: %v", err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}
