package story

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/medcard/medcard/push/pushtest"
)

// process is a world whose server is the real program in a process of its own, on an address that it keeps: it can be killed and
// started again, and its commands can be used beside it.
type process struct {
	*World
	binary  string
	environ []string
	command *exec.Cmd
	exited  chan struct{}
}

// program makes the program, once for all tests.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "medcard-story-*")
	if err != nil {
		return "", err
	}
	built = dir
	binary := filepath.Join(dir, "medcard.exe")                                                   // the ending that every system takes
	if out, err := exec.Command("go", "build", "-o", binary, "..").CombinedOutput(); err != nil { //nolint:noctx // it ends
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return binary, nil
})

var built string // the folder of the program

func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		os.RemoveAll(built)
	}
	os.Exit(code)
}

// build gives the program.
func build(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds and starts the whole server; not in short runs")
	}
	return got(program())(t)
}

// launch starts the program. An empty DSN is SQLite in a fresh folder.
func launch(t *testing.T, binary, postgres string) *process {
	t.Helper()
	listener := got((&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0"))(t)
	address := listener.Addr().String()
	ok(t, listener.Close())
	carrier := got(pushtest.Start(pushProject))(t)
	p := &process{binary: binary, World: &World{URL: "http://" + address, Push: carrier, Log: new(Lines), codes: new(Lines), dir: t.TempDir()}}
	for _, line := range os.Environ() {
		if !strings.HasPrefix(line, "MEDCARD_") {
			p.environ = append(p.environ, line)
		}
	}
	p.environ = append(p.environ, "MEDCARD_LISTEN="+address, "MEDCARD_DATA="+p.data(), "MEDCARD_POSTGRES="+postgres,
		"MEDCARD_FCM_PROJECT="+pushProject, "MEDCARD_FCM_ENDPOINT="+carrier.Endpoint())
	t.Cleanup(func() {
		if p.exited != nil {
			p.kill()
		}
		if err := carrier.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			lines := p.Log.All()
			t.Log(strings.Join(lines[max(0, len(lines)-30):], "\n"))
		}
	})
	p.start(t)
	return p
}

func (p *process) data() string { return filepath.Join(p.dir, "server") }

// start runs the server and tells how long it took until it was ready.
func (p *process) start(t testing.TB) time.Duration {
	t.Helper()
	began := time.Now()
	p.command = exec.Command(p.binary) //nolint:noctx // it lives as long as the test says
	p.command.Env, p.command.Stdout, p.command.Stderr = p.environ, p.codes, p.Log
	ok(t, p.command.Start())
	exited := make(chan struct{})
	p.exited = exited
	go func() {
		defer close(exited)
		_ = p.command.Wait() // killed, mostly
	}()
	for time.Since(began) < 20*time.Second {
		if response, err := http.Get(p.URL + "/readyz"); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return time.Since(began)
			}
		}
		select {
		case <-exited:
			t.Fatal("the server ended by itself")
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Fatal("the server did not become ready")
	return 0
}

// kill ends the server as a power cut does: nothing of it runs any more.
func (p *process) kill() {
	_ = p.command.Process.Kill() // it may have ended
	<-p.exited
}

// stop asks the server to end and waits for it.
func (p *process) stop(t testing.TB) {
	t.Helper()
	ok(t, p.command.Process.Signal(os.Interrupt))
	<-p.exited
	if code := p.command.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the server ended with exit code %d", code)
	}
}

// run uses one of the program's commands and gives what it printed.
func (p *process) run(args ...string) (string, error) {
	command := exec.Command(p.binary, args...) //nolint:noctx // short
	command.Env = p.environ
	out, err := command.CombinedOutput()
	if err != nil {
		return "", errors.New(strings.TrimSpace(string(out)))
	}
	return string(out), nil
}

// clinic registers a clinic with the command that an operator uses.
func (p *process) clinic(t testing.TB, name string) *Clinic {
	t.Helper()
	file := filepath.Join(p.dir, "clinic.jwk.json")
	got(p.run("clients", "add", "--kind", "clinic", "--name", name, "--key", file))(t)
	token := func(context.Context) (string, error) {
		out, err := p.run("clients", "token", "--person", Doctor.Subject, "--name", Doctor.Name, "--role", Doctor.Role, file)
		return strings.TrimSpace(out), err
	}
	return &Clinic{Name: name, world: p.World, Token: token}
}
