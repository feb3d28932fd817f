package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestTheTourWorksAsWritten runs the README's tour in a shell, line by line, against the real binary. Three things are put in place of
// what stands there: the address (a free port), the command (built once), and the one-time codes, which a reader reads off the
// console.
func TestTheTourWorksAsWritten(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and starts the whole server; not in short runs")
	}
	for _, tool := range []string{"bash", "curl", "grep", "cut"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the tour needs %s, which is not here", tool)
		}
	}
	dir := t.TempDir()
	binary := filepath.Join(dir, "medcard")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(here, filepath.Join(dir, "app")); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	environ := append(os.Environ(), "MEDCARD_LISTEN="+address, "MEDCARD_POSTGRES=")
	console := serveForTour(t, binary, dir, address, environ)

	readme, err := os.ReadFile(filepath.Join(here, "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	shell := startShell(t, dir, environ)
	for _, line := range strings.Split(tour(string(readme)), "\n") {
		line = strings.NewReplacer("localhost:8080", address, "go run ./app", binary).Replace(line)
		if m := typedCode.FindStringSubmatch(line); m != nil {
			shell.sync(t) // what asks for the code has run
			line = m[1] + "=" + console.code(t, map[string]string{"SMS": "sms", "MAIL": "email"}[m[1]])
		}
		shell.say(t, line)
	}
	output := shell.end(t)
	for _, want := range []string{
		`"missing":[]`,                    // both channels confirmed
		`{"card":{"card":`,                // the pull opens the card
		`"kind":"patient"`,                // and brings records
		`"verdict":"ok"`,                  // the code was read from the picture and judged
		`"genuine":true`,                  // the certificate, to anybody
		`"state":"dispensed"`,             // handed out
		`"code":"prescription.dispensed"`, // and not twice
		`"person":"Dr. Petrova"`,          // who did what
		`"action":"claim"`,
		`make the signed tree`, // and nobody changed that
	} {
		if !strings.Contains(output, want) {
			t.Errorf("the tour did not show %s", want)
		}
	}
	if t.Failed() {
		t.Log(output)
	}
}

var typedCode = regexp.MustCompile(`^(SMS|MAIL)=123456$`)

// tour is the text of the README's blocks that are marked so.
func tour(readme string) string {
	var lines []string
	inside := false
	for line := range strings.SplitSeq(readme, "\n") {
		switch {
		case strings.HasPrefix(line, "```sh tour"):
			inside = true
		case strings.HasPrefix(line, "```"):
			inside = false
		case inside:
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// console is what the server shows its operator.
type console struct {
	mu    sync.Mutex
	lines []string
}

// code takes the newest one-time code that went out by a channel.
func (c *console) code(t *testing.T, by string) string {
	t.Helper()
	digits := regexp.MustCompile(`\b\d{6}\b`)
	for range 200 {
		c.mu.Lock()
		for i := len(c.lines) - 1; i >= 0; i-- {
			if strings.HasPrefix(c.lines[i], "outbox: "+by+" ") {
				_, text, _ := strings.Cut(c.lines[i], ": "+"") // after "outbox"
				_, text, _ = strings.Cut(text, ": ")           // after the recipient
				if code := digits.FindString(text); code != "" {
					c.lines = append(c.lines[:i], c.lines[i+1:]...)
					c.mu.Unlock()
					return code
				}
			}
		}
		c.mu.Unlock()
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatalf("no code came by %s", by)
	return ""
}

func serveForTour(t *testing.T, binary, dir, address string, environ []string) *console {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	server := exec.CommandContext(ctx, binary)
	server.Dir, server.Env = dir, environ
	server.Cancel = func() error { return server.Process.Signal(os.Interrupt) }
	server.WaitDelay = 10 * time.Second
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	c := new(console)
	read := make(chan struct{})
	go func() {
		defer close(read)
		for s := bufio.NewScanner(out); s.Scan(); {
			c.mu.Lock()
			c.lines = append(c.lines, s.Text())
			c.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		stop()
		<-read
		if err := server.Wait(); err != nil && ctx.Err() == nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	for range 400 {
		if response, err := http.Get("http://" + address + "/readyz"); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return c
			}
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatal("the server did not become ready")
	return nil
}

// shell is a bash that is told line after line, as by a reader.
type shell struct {
	command *exec.Cmd
	in      interface {
		Write([]byte) (int, error)
		Close() error
	}
	out   bytes.Buffer
	mu    sync.Mutex
	marks int
	done  chan struct{}
}

func startShell(t *testing.T, dir string, environ []string) *shell {
	t.Helper()
	s := &shell{command: exec.Command("bash", "-u"), done: make(chan struct{})}
	s.command.Dir, s.command.Env = dir, environ
	var err error
	if s.in, err = s.command.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := s.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.command.Stderr = s.command.Stdout
	if err := s.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.done)
		chunk := make([]byte, 32<<10)
		for {
			n, err := out.Read(chunk)
			s.mu.Lock()
			s.out.Write(chunk[:n])
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return s
}

func (s *shell) say(t *testing.T, line string) {
	t.Helper()
	if _, err := s.in.Write([]byte(line + "\n")); err != nil {
		t.Fatalf("the shell ended early: %v\n%s", err, s.text())
	}
}

// sync waits until the shell has run everything so far.
func (s *shell) sync(t *testing.T) {
	t.Helper()
	s.marks++
	mark := fmt.Sprintf("-- mark %d --", s.marks)
	s.say(t, "echo '"+mark+"'")
	for range 1200 {
		if strings.Contains(s.text(), mark) {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatalf("the shell hangs:\n%s", s.text())
}

func (s *shell) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.String()
}

func (s *shell) end(t *testing.T) string {
	t.Helper()
	s.sync(t)
	if err := s.in.Close(); err != nil {
		t.Error(err)
	}
	<-s.done
	if err := s.command.Wait(); err != nil {
		t.Errorf("the shell ended with %v", err)
	}
	return s.text()
}
