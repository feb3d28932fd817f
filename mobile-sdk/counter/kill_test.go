package counter_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/medcard/medcard/mobile-sdk/counter"
	"github.com/medcard/medcard/qr"
)

const killFolder, killCode, killRoot = "COUNTER_KILL_FOLDER", "COUNTER_KILL_CODE", "COUNTER_KILL_ROOT"

// A counter is killed while it hands out, again and again: every receipt that the pharmacist was told of is there, and the chain has
// neither gap nor fork.
func TestKilledWhileHandingOut(t *testing.T) {
	s, dir := newServer(t), t.TempDir()
	text := s.issue(4, 100_000, 0)
	enrolled(t, s, dir)
	root, err := json.Marshal(s.root.Key)
	if err != nil {
		t.Fatal(err)
	}
	told := uint64(0)
	for round := range 6 {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHandOutAsAProcess$", "-test.v")
		child.Env = append(os.Environ(), killFolder+"="+dir, killCode+"="+text, killRoot+"="+base64.StdEncoding.EncodeToString(root))
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; n < 10+7*round && lines.Scan(); {
			if number, err := strconv.ParseUint(lines.Text(), 10, 64); err == nil {
				told = number
				n++
			}
		}
		_ = child.Process.Kill()
		for lines.Scan() { // what it still said before it died
			if number, err := strconv.ParseUint(lines.Text(), 10, 64); err == nil {
				told = number
			}
		}
		_ = child.Wait()
		waiting := open(t, s.config(dir)).Waiting()
		if len(waiting) == 0 || waiting[len(waiting)-1].Number < told {
			t.Fatalf("round %d: told of %d, %d are there", round, told, len(waiting))
		}
	}
	c := open(t, s.config(dir))
	waiting := uint64(len(c.Waiting()))
	if _, err := c.Upload(context.Background()); err != nil {
		t.Fatal(err)
	}
	if list := s.receipts.chain(t); uint64(len(list)) != waiting || waiting < told {
		t.Errorf("%d came of %d", len(list), waiting)
	}
	t.Logf("%d receipts, the pharmacist was told of number %d", waiting, told)
}

// TestHandOutAsAProcess is the child of TestKilledWhileHandingOut.
func TestHandOutAsAProcess(t *testing.T) {
	if os.Getenv(killFolder) == "" {
		t.Skip("runs as the child of TestKilledWhileHandingOut")
	}
	data, err := base64.StdEncoding.DecodeString(os.Getenv(killRoot))
	if err != nil {
		t.Fatal(err)
	}
	var root qr.Key
	if err := json.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	c := open(t, counter.Config{Dir: os.Getenv(killFolder), Roots: []qr.Key{root}})
	for {
		fmt.Println(handOut(t, c, os.Getenv(killCode), 1, now).Number)
	}
}
