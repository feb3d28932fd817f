// Package smpptest is a message centre for tests: it takes messages over SMPP v3.4, as bytes on a wire, and keeps them as a phone would show them.
package smpptest

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"
	"unicode/utf16"
)

// Centre is a message centre on loopback.
type Centre struct {
	Address        string
	User, Password string

	mu     sync.Mutex
	refuse uint32 // command_status for messages; 0 = they are taken
	deaf   bool   // answers nothing
	conns  []net.Conn
	taken  []Message
	parts  map[string][][]byte
	binds  int
}

// Message is one that was taken, put together.
type Message struct {
	From, To, Text string
	Parts          int
	Validity       string
}

// Start starts a centre that ends with the test.
func Start(t testing.TB, user, password string) *Centre {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &Centre{Address: listener.Addr().String(), User: user, Password: password, parts: map[string][][]byte{}}
	var done sync.WaitGroup
	done.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			c.mu.Lock()
			c.conns = append(c.conns, conn)
			c.mu.Unlock()
			done.Go(func() { c.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		c.Hang()
		done.Wait()
	})
	return c
}

// Hang hangs up on everybody.
func (c *Centre) Hang() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.conns = nil
}

// Refuse answers messages with the status from now on; 0 = it takes them.
func (c *Centre) Refuse(status uint32) { c.mu.Lock(); c.refuse = status; c.mu.Unlock() }

// Deafen makes it answer nothing, or answer again.
func (c *Centre) Deafen(deaf bool) { c.mu.Lock(); c.deaf = deaf; c.mu.Unlock() }

// Taken are the messages so far, and how many connections were bound.
func (c *Centre) Taken() (list []Message, binds int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Message(nil), c.taken...), c.binds
}

// Enquire asks every client whether it is there.
func (c *Centre) Enquire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		_, _ = conn.Write(packet(0x15, 0, 77, nil))
	}
}

func packet(command, status, sequence uint32, body []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(16+len(body)))
	for _, n := range []uint32{command, status, sequence} {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return append(b, body...)
}

func (c *Centre) serve(conn net.Conn) {
	defer conn.Close()
	bound := false
	for {
		var head [16]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return
		}
		command, sequence := binary.BigEndian.Uint32(head[4:]), binary.BigEndian.Uint32(head[12:])
		body := make([]byte, binary.BigEndian.Uint32(head[:])-16)
		if _, err := io.ReadFull(conn, body); err != nil {
			return
		}
		c.mu.Lock()
		status, deaf := uint32(0), c.deaf
		switch {
		case command == 2:
			fields := bytes.SplitN(body, []byte{0}, 3)
			if string(fields[0]) != c.User || string(fields[1]) != c.Password {
				status = 0x0E // ESME_RINVPASWD
			} else {
				bound = true
				c.binds++
			}
		case command == 4 && !bound:
			status = 4 // ESME_RINVBNDSTS
		case command == 4 && c.refuse != 0:
			status = c.refuse
		case command == 4:
			c.take(body)
		}
		c.mu.Unlock()
		if deaf || command >= 0x80000000 {
			continue
		}
		answer := []byte(nil)
		if status == 0 && (command == 2 || command == 4) {
			answer = []byte("centre\x00") // system_id, or message_id
		}
		if _, err := conn.Write(packet(command|0x80000000, status, sequence, answer)); err != nil || command == 6 {
			return
		}
	}
}

// take reads a submit_sm.
func (c *Centre) take(body []byte) {
	next := func() string {
		field, rest, _ := bytes.Cut(body, []byte{0})
		body = rest
		return string(field)
	}
	skip := func(n int) []byte {
		field := body[:n]
		body = body[n:]
		return field
	}
	next() // service_type
	skip(2)
	m := Message{From: next()}
	skip(2)
	m.To = next()
	class := skip(3)[0]
	next() // schedule_delivery_time
	m.Validity = next()
	rest := skip(5)
	content := body[:rest[4]]
	all := [][]byte{content}
	if class&0x40 != 0 { // 05 00 03 ref of n
		key := m.To + string(content[3])
		c.parts[key] = append(c.parts[key], content[6:])
		if len(c.parts[key]) < int(content[4]) {
			return
		}
		all = c.parts[key]
		delete(c.parts, key)
	}
	joined := bytes.Join(all, nil)
	m.Parts, m.Text = len(all), string(joined)
	if rest[2] == 8 {
		units := make([]uint16, len(joined)/2)
		for i := range units {
			units[i] = binary.BigEndian.Uint16(joined[2*i:])
		}
		m.Text = string(utf16.Decode(units))
	}
	c.taken = append(c.taken, m)
}
