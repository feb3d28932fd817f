package smpp

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"
)

// Transmitter sends by one account of a message centre. It is safe for concurrent use.
type Transmitter struct {
	Address  string // host:port
	User     string // system_id
	Password string
	From     string      // a name that the operator knows the account by, or a number
	TLS      *tls.Config // nil = none
	Patience time.Duration

	mu   sync.Mutex
	link *link
	ref  byte
}

// ErrLong means that a text has more parts than a message may have.
var ErrLong = errors.New("smpp: the text is too long")

// errDropped is why what was under way is given up.
var errDropped = errors.New("smpp: the connection broke before the answer")

const patience = 10 * time.Second

// Send hands a text over to be sent to a number, which begins with +. It returns when the centre has taken all of its parts.
func (t *Transmitter) Send(ctx context.Context, to, message string) error {
	wait := t.Patience
	if wait == 0 {
		wait = patience
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	l, ref, err := t.bound(ctx)
	if err != nil {
		return err
	}
	all := parts(message, ref)
	if all == nil {
		return ErrLong
	}
	for _, p := range all {
		if err := l.ask(ctx, submitSM, submit(t.From, to, p)); err != nil {
			return err
		}
	}
	return nil
}

// bound gives the connection, a fresh one if there is none that works.
func (t *Transmitter) bound(ctx context.Context) (*link, byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ref++
	if t.link != nil && t.link.alive() {
		return t.link, t.ref, nil
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", t.Address)
	if err != nil {
		return nil, 0, err
	}
	if t.TLS != nil {
		secure := tls.Client(conn, t.TLS)
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, 0, errors.Join(err, conn.Close())
		}
		conn = secure
	}
	l := open(conn)
	if err := l.ask(ctx, bindTransmitter, bind(t.User, t.Password)); err != nil {
		l.drop()
		return nil, 0, err
	}
	t.link = l
	return l, t.ref, nil
}

// link is one connection.
type link struct {
	conn net.Conn
	gone chan struct{} // is closed with the connection

	mu      sync.Mutex // of writing, and of what follows
	last    uint32
	waiting map[uint32]chan<- pdu
	once    sync.Once
}

func open(conn net.Conn) *link {
	l := &link{conn: conn, gone: make(chan struct{}), waiting: map[uint32]chan<- pdu{}}
	go l.listen()
	return l
}

func (l *link) alive() bool {
	select {
	case <-l.gone:
		return false
	default:
		return true
	}
}

func (l *link) drop() {
	l.once.Do(func() {
		close(l.gone)
		_ = l.conn.Close()
	})
}

// listen hands answers to whom they are for, and answers what the centre asks.
func (l *link) listen() {
	defer l.drop()
	for {
		p, err := readPDU(l.conn)
		if err != nil {
			return
		}
		if p.command&response == 0 {
			answer := pdu{command: p.command | response, sequence: p.sequence}
			if p.command != enquireLink && p.command != unbind {
				answer = pdu{command: genericNack, status: 3, sequence: p.sequence} // ESME_RINVCMDID
			}
			if l.write(context.Background(), answer) != nil || p.command == unbind {
				return
			}
			continue
		}
		l.mu.Lock()
		to := l.waiting[p.sequence]
		delete(l.waiting, p.sequence)
		l.mu.Unlock()
		if to != nil {
			to <- p // it has room for the one
		}
	}
}

// slowest is how long a write may take: whoever takes nothing that long is gone.
const slowest = 5 * time.Second

func (l *link) write(ctx context.Context, p pdu) error {
	ctx, cancel := context.WithTimeout(ctx, slowest)
	defer cancel()
	l.mu.Lock()
	defer l.mu.Unlock()
	stop := context.AfterFunc(ctx, l.drop)
	defer stop()
	_, err := l.conn.Write(p.bytes())
	return err
}

// ask sends a command and waits for its answer.
func (l *link) ask(ctx context.Context, command uint32, body []byte) error {
	answered := make(chan pdu, 1)
	l.mu.Lock()
	l.last = l.last%0x7FFFFFFF + 1 // section 3.2
	p := pdu{command: command, sequence: l.last, body: body}
	l.waiting[p.sequence] = answered
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		delete(l.waiting, p.sequence)
		l.mu.Unlock()
	}()
	if err := l.write(ctx, p); err != nil {
		l.drop()
		return err
	}
	select {
	case a := <-answered:
		if a.status != 0 {
			return StatusError(a.status)
		}
		if a.command != command|response {
			l.drop()
			return ErrPDU
		}
		return nil
	case <-l.gone:
		return errDropped
	case <-ctx.Done():
		l.drop() // who is silent that long is not asked again on this connection
		return ctx.Err()
	}
}
