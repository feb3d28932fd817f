package httpapi

import (
	"context"
	"fmt"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMetrics(registry *prometheus.Registry) metrics {
	m := metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "medcard_http_requests_total", Help: "Requests by route and status.",
		}, []string{"method", "route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "medcard_http_request_seconds", Help: "Seconds from the first byte to the handler's end, by route.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"method", "route"}),
	}
	registry.MustRegister(m.requests, m.seconds)
	return m
}

var plausibleID = regexp.MustCompile(`^[A-Za-z0-9-]{8,64}$`)

// observe is the outermost middleware: a request id, the security headers, the log line, the metrics and the last net for
// panics. A log line names the route's pattern, never the address, which may name a card.
func (a *API) observe(c *fiber.Ctx) (err error) {
	started := a.clock()
	a.silent.spoke(c.Context().Conn())
	id := a.introduce(c)
	defer func() {
		if r := recover(); r != nil {
			a.log.Error("panic", "request", id, "route", c.Route().Path, "type", fmt.Sprintf("%T", r), "stack", string(debug.Stack()))
			err = a.fail(c, fmt.Errorf("panic of type %T", r))
		}
		a.measure(c, id, started)
	}()
	if err := c.Next(); err != nil {
		return a.fail(c, err)
	}
	return nil
}

// introduce gives the request its id and the answer the headers that each has.
func (a *API) introduce(c *fiber.Ctx) (id string) {
	id = c.Get("X-Request-Id")
	if !plausibleID.MatchString(id) {
		id = uuid.Must(uuid.NewV7()).String()
	}
	c.SetUserContext(context.WithValue(c.UserContext(), requestKey, id))
	for name, value := range securityHeaders {
		c.Set(name, value)
	}
	if a.secure {
		c.Set(fiber.HeaderStrictTransportSecurity, "max-age=63072000") // two years, as the lists of browsers ask; browsers heed it over TLS alone
	}
	c.Set("X-Request-Id", id)
	return id
}

var securityHeaders = map[string]string{
	"X-Content-Type-Options":  "nosniff",
	"Cache-Control":           "no-store",
	"Referrer-Policy":         "no-referrer",
	"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}

func (a *API) measure(c *fiber.Ctx, id string, started time.Time) {
	took, status, route := a.clock().Sub(started), c.Response().StatusCode(), c.Route().Path
	// What Fiber refuses before it looks for a route, it gives its address as one.
	if route == "" || status == fiber.StatusNotFound && route == "/" || len(c.Route().Handlers) == 0 {
		route = "none"
	}
	method := c.Method()
	if !slices.Contains(fiber.DefaultMethods, method) { // anybody could make up a label
		method = "none"
	}
	a.metrics.requests.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
	a.metrics.seconds.WithLabelValues(method, route).Observe(took.Seconds())
	size := -1 // a stream has no length yet, and reading it here would use it up
	if !c.Response().IsBodyStream() {
		size = len(c.Response().Body())
	}
	a.log.Info("request", "request", id, "method", method, "route", route, "status", status, "ms", took.Milliseconds(), "bytes", size)
}
