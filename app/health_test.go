package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHealthAsksReady(t *testing.T) {
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			t.Errorf("asked %s", r.URL.Path)
		}
		w.WriteHeader(status)
	}))
	listen := strings.TrimPrefix(server.URL, "http://")
	if err := askReady(t.Context(), "http", listen); err != nil {
		t.Errorf("a ready server: %v", err)
	}
	if err := askReady(t.Context(), "http", strings.Replace(listen, "127.0.0.1", "0.0.0.0", 1)); err != nil {
		t.Errorf("a server on every address: %v", err)
	}
	status = http.StatusServiceUnavailable
	if askReady(t.Context(), "http", listen) == nil {
		t.Error("a server whose database is down counts as ready")
	}
	server.Close()
	secure := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer secure.Close()
	if err := askReady(t.Context(), "https", strings.TrimPrefix(secure.URL, "https://")); err != nil {
		t.Errorf("a ready server with TLS: %v", err)
	}
	if askReady(t.Context(), "http", listen) == nil {
		t.Error("no server counts as ready")
	}
}
