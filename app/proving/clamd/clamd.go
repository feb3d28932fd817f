// Package clamd has ClamAV's daemon look for malware: its command INSTREAM (clamd(8)), over TCP. The bytes go to the daemon and nowhere else.
package clamd

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

const (
	chunk   = 64 << 10         // bytes that are sent in one piece
	answer  = 4 << 10          // bytes of an answer that are read
	patient = 20 * time.Second // for one file
)

// ErrAnswer means that the daemon did not say whether the file is clean: it is over its StreamMaxLength, or the daemon is in trouble.
var ErrAnswer = errors.New("clamd: the daemon gave no verdict")

// Scanner is a daemon at an address, host:port. It is for many goroutines; each scan has a connection of its own.
type Scanner struct{ Address string }

// Scan gives the name of what the daemon found in the content, "" = nothing. Every error means that the content was not looked at, one in
// reading it among them. No more of it than a chunk is in memory.
func (s Scanner) Scan(ctx context.Context, content io.Reader) (infected string, err error) {
	ctx, cancel := context.WithTimeout(ctx, patient)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.Address)
	if err != nil {
		return "", fmt.Errorf("clamd: %w", err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	sent := send(conn, content)
	if errors.Is(sent, errReading) { // a verdict on a part is none
		return "", sent
	}
	// A daemon that refuses says why before it hangs up, so it is read even where not all could be sent.
	said, err := io.ReadAll(io.LimitReader(conn, answer))
	if len(said) == 0 {
		return "", errors.Join(ErrAnswer, sent, err)
	}
	return read(said)
}

// send writes the command and the content: pieces, each behind its length, and an empty one at the end.
func send(conn net.Conn, content io.Reader) error {
	if _, err := conn.Write([]byte("zINSTREAM\x00")); err != nil {
		return err
	}
	for piece := make([]byte, chunk); ; {
		n, err := io.ReadFull(content, piece)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return errors.Join(errReading, err)
		}
		if n > 0 {
			if _, err := (&net.Buffers{binary.BigEndian.AppendUint32(nil, uint32(n)), piece[:n]}).WriteTo(conn); err != nil {
				return err
			}
		}
		if err != nil {
			_, err = conn.Write(make([]byte, 4))
			return err
		}
	}
}

var errReading = errors.New("clamd: the content cannot be read")

// read understands "stream: OK" and "stream: NAME FOUND", each up to a NUL; anything else is no verdict.
func read(said []byte) (infected string, err error) {
	line, _, ended := bytes.Cut(said, []byte{0})
	text, ours := strings.CutPrefix(string(line), "stream: ")
	name, found := strings.CutSuffix(text, " FOUND")
	switch {
	case !ended || !ours:
		return "", ErrAnswer
	case text == "OK":
		return "", nil
	case found && name != "":
		return name, nil
	}
	return "", ErrAnswer
}
