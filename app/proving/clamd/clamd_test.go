package clamd

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/medcard/medcard/app/proving/clamd/clamdtest"
)

func daemon(t *testing.T) *clamdtest.Daemon {
	t.Helper()
	d, err := clamdtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// What is looked at arrives whole, whatever its size, and a virus at its end is found.
func TestScan(t *testing.T) {
	d := daemon(t)
	s := Scanner{Address: d.Address}
	for _, size := range []int{0, 1, chunk - 1, chunk, chunk + 1, 8 << 20} {
		clean := bytes.Repeat([]byte{'x'}, size)
		if found, err := s.Scan(t.Context(), bytes.NewReader(clean)); found != "" || err != nil {
			t.Errorf("%d bytes: %q, %v", size, found, err)
		}
		if found, err := s.Scan(t.Context(), bytes.NewReader(append(clean, clamdtest.Virus...))); found != clamdtest.Signature || err != nil {
			t.Errorf("%d bytes and a virus: %q, %v", size, found, err)
		}
	}
	if n := d.Scanned.Load(); n != 12 {
		t.Errorf("%d streams came to their end", n)
	}
}

// Whatever is no verdict is none: a daemon that is away, slow, in trouble, or says something else never lets a file through.
func TestNoVerdict(t *testing.T) {
	for name, says := range map[string]string{
		"trouble": "stream: Can't allocate memory ERROR\x00", "not ended": "stream: OK", "no name": "stream:  FOUND\x00", "another protocol": "HTTP/1.1 200 OK\r\n\r\n",
		"too long": "stream: " + strings.Repeat("x", 2*answer), "another verdict": "stream: FINE\x00", "one for another": "other: OK\x00",
	} {
		d := daemon(t)
		d.Says = says
		if found, err := (Scanner{Address: d.Address}).Scan(t.Context(), strings.NewReader("x")); err == nil {
			t.Errorf("%s: %q", name, found)
		}
	}
	small := daemon(t)
	small.Limit = 10
	if _, err := (Scanner{Address: small.Address}).Scan(t.Context(), bytes.NewReader(bytes.Repeat([]byte{'x'}, 4<<20))); err == nil {
		t.Error("what is over its limit passes")
	}

	whole := daemon(t)
	broken := io.MultiReader(strings.NewReader("x"), iotest.ErrReader(errors.New("the disk is gone")))
	if _, err := (Scanner{Address: whole.Address}).Scan(t.Context(), broken); err == nil {
		t.Error("a part passes for the whole")
	}

	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := (Scanner{Address: silent.Addr().String()}).Scan(ctx, strings.NewReader("x")); err == nil || time.Since(began) > 5*time.Second {
		t.Errorf("a silent one: %v after %s", err, time.Since(began))
	}
	if err := silent.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := (Scanner{Address: silent.Addr().String()}).Scan(t.Context(), strings.NewReader("x")); err == nil || errors.Is(err, ErrAnswer) {
		t.Errorf("one that is away: %v", err)
	}
}
