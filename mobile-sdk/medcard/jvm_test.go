package medcard_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/app/fhir/example"
	"github.com/medcard/medcard/app/story"
	"github.com/medcard/medcard/mobile-sdk/counter"
)

// scene is a real server with a clinic that has posted our patient, a patient who has an account, and a pharmacy.
type scene struct {
	*story.World
	clinic  *story.Clinic
	patient *story.Patient
	posted  story.Posted
	token   string // of the pharmacy's person
	issuer  string
	root    []byte
}

func newScene(t *testing.T) *scene {
	t.Helper()
	ctx := t.Context()
	w, err := story.Start(ctx, story.Options{Dir: t.TempDir()})
	check(t, err)
	t.Cleanup(func() { check(t, w.Close()) })
	s := &scene{World: w}
	s.clinic, err = w.Clinic(ctx, "Поликлиника № 1")
	check(t, err)
	s.posted, err = s.clinic.Post(ctx, example.Bundle())
	check(t, err)
	_, err = s.clinic.Prescribe(ctx, s.posted.Card, counter.NewKey())
	check(t, err)
	var handset *story.Phone
	s.patient, handset, err = w.SignUp(ctx, "+79161234567", "anna@example.org")
	check(t, err)
	check(t, handset.Close())
	pharmacy, err := w.Pharmacy(ctx, "Аптека № 1")
	check(t, err)
	s.token, err = pharmacy.Token(ctx)
	check(t, err)
	var root struct {
		Issuer string
		Key    []byte
	}
	check(t, w.Call(ctx, "", http.MethodGet, "/v1/trust/root", nil, nil, &root))
	s.issuer, s.root = root.Issuer, root.Key
	return s
}

// TestOnTheJVM runs jvm/Online.java, which .ci/glove compiles, against a server that is started here.
func TestOnTheJVM(t *testing.T) {
	java := strings.Split(strings.TrimSpace(os.Getenv("MEDCARD_JVM")), "\n")
	if java[0] == "" {
		t.Skip("bash .ci/glove makes the Java binding and runs this test with it")
	}
	s := newScene(t)
	ctx, end := context.WithTimeout(t.Context(), 2*time.Minute)
	defer end()
	command := exec.CommandContext(ctx, java[0], append(java[1:], "Online")...)
	command.Env = append(os.Environ(),
		"SERVER="+s.URL, "LOGIN="+s.patient.Login, "PASSWORD="+s.patient.Password, "CLAIM="+s.posted.Claim,
		"TOKEN="+s.token, "ISSUER="+s.issuer, "ROOT="+base64.StdEncoding.EncodeToString(s.root))
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	check(t, err)
	out, err := command.StdoutPipe()
	check(t, err)
	check(t, command.Start())
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if lines.Text() != "code?" {
			t.Log(lines.Text())
			continue
		}
		code, err := s.Code(ctx, s.patient.Login)
		check(t, err)
		_, err = fmt.Fprintln(in, code)
		check(t, err)
	}
	check(t, command.Wait())
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
