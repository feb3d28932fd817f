package httpapi

import (
	"net"
	"sync"
	"sync/atomic"

	"github.com/valyala/fasthttp"
)

// silent are the connections over which nothing was asked yet: browsers and HTTP clients open some in advance. fasthttp counts
// them as busy and would wait for them at its stop until their read deadline, a minute later; so they are closed by hand.
type silent struct {
	open     sync.Map // net.Conn -> struct{}
	stopping atomic.Bool
}

// watch is the server's ConnState. StateActive tells nothing here: fasthttp says it of a new connection before the first byte.
func (s *silent) watch(c net.Conn, state fasthttp.ConnState) {
	switch state {
	case fasthttp.StateNew:
		s.open.Store(c, struct{}{})
		if s.stopping.Load() {
			_ = c.Close()
		}
	case fasthttp.StateActive:
	default:
		s.open.Delete(c)
	}
}

// spoke takes out a connection with a request in work.
func (s *silent) spoke(c net.Conn) { s.open.Delete(c) }

// stop closes those that are there and those that may still come.
func (s *silent) stop() {
	s.stopping.Store(true)
	s.open.Range(func(c, _ any) bool {
		if c, ok := c.(net.Conn); ok {
			_ = c.Close()
		}
		return true
	})
}
