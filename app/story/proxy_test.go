package story

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// proxy is a bad network between phones and server: each connection meets a trouble of its own, drawn by chance.
type proxy struct {
	listener net.Listener
	target   string
	weather  atomic.Int32

	mu     sync.Mutex
	chance *rand.Rand
	met    map[string]int // how often each trouble was met
	open   map[net.Conn]bool
	done   sync.WaitGroup
}

// The weathers of a network.
const (
	fair  int32 = iota // everything goes through
	rough              // each connection meets a trouble
	down               // nothing goes through
)

// trouble is what one connection meets. A cut comes at any byte: in a header, between two pages, within the last line, or after
// the commit and before the first byte of the answer.
type trouble struct {
	name     string
	up, back int           // bytes until the end; 0 = the end never comes
	reset    bool          // the end is a reset, not an orderly one
	delay    time.Duration // before each piece
	piece    int           // bytes that go at once; 0 = as they come
}

// behind opens a network before the server at the address.
func behind(t testing.TB, url string, chance *rand.Rand) *proxy {
	t.Helper()
	p := &proxy{
		listener: got((&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0"))(t),
		target:   strings.TrimPrefix(url, "http://"), chance: chance, met: map[string]int{}, open: map[net.Conn]bool{},
	}
	p.done.Go(func() {
		for {
			near, err := p.listener.Accept()
			if err != nil {
				return
			}
			p.done.Go(func() { p.serve(near) })
		}
	})
	return p
}

func (p *proxy) url() string { return "http://" + p.listener.Addr().String() }

func (p *proxy) close() {
	p.listener.Close()
	p.drop()
	p.done.Wait()
}

// turn changes the weather, and ends all connections that are open.
func (p *proxy) turn(weather int32) {
	p.weather.Store(weather)
	p.drop()
}

func (p *proxy) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		c.Close()
	}
}

func (p *proxy) draw() trouble {
	p.mu.Lock()
	defer p.mu.Unlock()
	some := func(n int) int { return 1 + p.chance.IntN(n) }
	all := []trouble{
		{name: "none", back: 64 << 10},
		{name: "latency", delay: time.Duration(some(20)) * time.Millisecond, back: 16 << 10},
		{name: "slow", delay: time.Millisecond, piece: some(400), back: 16 << 10},
		{name: "request cut", up: some(4 << 10)},
		{name: "answer cut", back: some(4 << 10)},
		{name: "request reset", up: some(4 << 10), reset: true},
		{name: "answer reset", back: some(4 << 10), reset: true},
		{name: "no answer", back: 1},
	}
	t := all[p.chance.IntN(len(all))]
	switch p.weather.Load() {
	case fair:
		return trouble{}
	case down:
		t = trouble{name: "down"}
	}
	p.met[t.name]++
	return t
}

func (p *proxy) serve(near net.Conn) {
	t := p.draw()
	defer near.Close()
	if t.name == "down" {
		return
	}
	far, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", p.target)
	if err != nil {
		return
	}
	defer far.Close()
	p.mark(near, far, true)
	defer p.mark(near, far, false)
	var both sync.WaitGroup
	carry := func(to, from net.Conn, limit int) {
		t.carry(to, from, limit)
		if t.reset {
			for _, c := range []net.Conn{near, far} {
				if tcp, isTCP := c.(*net.TCPConn); isTCP {
					_ = tcp.SetLinger(0) // the end becomes a reset
				}
			}
		}
		near.Close()
		far.Close()
	}
	both.Go(func() { carry(far, near, t.up) })
	both.Go(func() { carry(near, far, t.back) })
	both.Wait()
}

func (p *proxy) mark(near, far net.Conn, open bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range []net.Conn{near, far} {
		if open {
			p.open[c] = true
		} else {
			delete(p.open, c)
		}
	}
}

// carry copies bytes until one side ends or the limit is reached. Of a limit of one byte not even that one arrives.
func (t trouble) carry(to io.Writer, from io.Reader, limit int) {
	buffer := make([]byte, 4<<10)
	if t.piece > 0 {
		buffer = buffer[:t.piece]
	}
	for sent := 0; ; {
		n, err := from.Read(buffer)
		time.Sleep(t.delay)
		last := limit > 0 && sent+n >= limit
		if last {
			n = limit - sent - 1
		}
		if _, writeErr := to.Write(buffer[:n]); err != nil || writeErr != nil || last {
			return
		}
		sent += n
	}
}
