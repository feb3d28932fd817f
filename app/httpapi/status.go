package httpapi

import (
	"context"
	"net/http"
	"runtime"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

type statusReply struct {
	Body struct {
		Status  string    `json:"status" enum:"live,ready" doc:"live: the process answers; ready: it can serve cards"`
		Version string    `json:"version"`
		Go      string    `json:"go"`
		Time    time.Time `json:"time"`
	}
}

// statusRoutes are for the people and machines that run the server.
func (a *API) statusRoutes() {
	reply := func(status string) *statusReply {
		r := new(statusReply)
		r.Body.Status, r.Body.Version, r.Body.Go, r.Body.Time = status, a.version, runtime.Version(), a.clock().UTC()
		return r
	}
	operate(a, Route{ID: "live", Method: http.MethodGet, Path: "/livez", Tag: "status", Summary: "Does the process answer?", Access: Public()},
		func(context.Context, *struct{}) (*statusReply, error) { return reply("live"), nil })
	operate(a, Route{ID: "ready", Method: http.MethodGet, Path: "/readyz", Tag: "status", Summary: "Can the server serve cards? 503 while its database is away.", Access: Public(), Deadline: 3 * time.Second},
		func(ctx context.Context, _ *struct{}) (*statusReply, error) {
			if err := a.ready(ctx); err != nil {
				return nil, err
			}
			return reply("ready"), nil
		})
	if a.shown {
		metrics := adaptor.HTTPHandler(a.Metrics())
		a.raw(Route{ID: "metrics", Method: http.MethodGet, Path: "/metrics", Tag: "status", Summary: "Metrics for Prometheus; only where nobody but the server's own machine reaches it", Access: Public()}, nil,
			func(c *fiber.Ctx) error { return metrics(c) })
	}
}

// Metrics is what Prometheus reads. It is not for strangers: how many rows a request read tells whether there was something to read.
func (a *API) Metrics() http.Handler { return promhttp.HandlerFor(a.registry, promhttp.HandlerOpts{}) }
