// Package clamdtest stands for ClamAV's daemon in tests: it speaks INSTREAM at the wire, and takes one word for a virus.
package clamdtest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
)

// Virus is what the daemon finds, under the name Signature.
const (
	Virus     = "MEDCARD-TEST-VIRUS"
	Signature = "Medcard.Test-1"
)

// Daemon answers at Address until it is closed.
type Daemon struct {
	Address string
	Limit   int          // bytes that it takes, as StreamMaxLength; 0 = any
	Says    string       // in place of a verdict; "" = a verdict
	Scanned atomic.Int64 // streams that came to their end
	socket  net.Listener
}

// Start opens a daemon on loopback.
func Start() (*Daemon, error) { return StartAt("127.0.0.1:0") }

// StartAt is Start at an address, such as that of a daemon that was closed.
func StartAt(address string) (*Daemon, error) {
	socket, err := net.Listen("tcp", address) //nolint:noctx // for a test, until it is closed
	if err != nil {
		return nil, err
	}
	d := &Daemon{Address: socket.Addr().String(), socket: socket}
	go func() {
		for {
			conn, err := socket.Accept()
			if err != nil {
				return
			}
			go d.answer(conn)
		}
	}()
	return d, nil
}

// Close ends it.
func (d *Daemon) Close() error { return d.socket.Close() }

func (d *Daemon) answer(conn net.Conn) {
	defer conn.Close()
	content, err := d.stream(conn)
	switch {
	case d.Says != "":
		_, _ = io.WriteString(conn, d.Says)
	case err != nil:
		_, _ = fmt.Fprintf(conn, "%s. ERROR\x00", err)
	case bytes.Contains(content, []byte(Virus)):
		_, _ = io.WriteString(conn, "stream: "+Signature+" FOUND\x00")
	default:
		_, _ = io.WriteString(conn, "stream: OK\x00")
	}
}

// stream reads the command and the pieces up to the empty one.
func (d *Daemon) stream(conn net.Conn) (content []byte, err error) {
	command := make([]byte, len("zINSTREAM\x00"))
	if _, err := io.ReadFull(conn, command); err != nil || string(command) != "zINSTREAM\x00" {
		return nil, errors.New("UNKNOWN COMMAND")
	}
	for {
		var size uint32
		if err := binary.Read(conn, binary.BigEndian, &size); err != nil {
			return nil, err
		}
		if size == 0 {
			d.Scanned.Add(1)
			return content, nil
		}
		if d.Limit > 0 && len(content)+int(size) > d.Limit {
			return nil, errors.New("INSTREAM size limit exceeded")
		}
		piece := make([]byte, size)
		if _, err := io.ReadFull(conn, piece); err != nil {
			return nil, err
		}
		content = append(content, piece...)
	}
}
