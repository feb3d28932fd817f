package smpp_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/medcard/medcard/app/notifying/smpp"
	"github.com/medcard/medcard/app/notifying/smpp/smpptest"
)

const number = "+79161234567"

func begin(t *testing.T) (*smpptest.Centre, *smpp.Transmitter) {
	c := smpptest.Start(t, "medcard", "s3cret")
	return c, &smpp.Transmitter{Address: c.Address, User: "medcard", Password: "s3cret", From: "Medcard"}
}

func TestTextsArriveAsTheyAre(t *testing.T) {
	c, sender := begin(t)
	texts := map[string]int{ // how many parts
		"Medcard: 123456": 1,
		"Medcard: 123456 — код для входа. Никому его не сообщайте.": 1,
		strings.Repeat("a", 160):                     1,
		strings.Repeat("a", 161):                     2,
		strings.Repeat("ы", 70):                      1,
		strings.Repeat("ы", 71):                      2,
		strings.Repeat("ы", 66) + "🙂" + "ыыыыыыыыыы": 2, // the pair of the smile is not cut in two
		"{braces} and €":                             1,
		"":                                           1,
	}
	for text := range texts {
		if err := sender.Send(t.Context(), number, text); err != nil {
			t.Fatal(err)
		}
	}
	taken, binds := c.Taken()
	if len(taken) != len(texts) || binds != 1 {
		t.Fatalf("%d messages over %d connections", len(taken), binds)
	}
	for _, m := range taken {
		if want, sent := texts[m.Text]; !sent || m.Parts != want || m.From != "Medcard" || m.To != number[1:] || m.Validity != "000000001000000R" {
			t.Errorf("%+v, want %d parts", m, want)
		}
	}
	if err := sender.Send(t.Context(), number, strings.Repeat("ы", 67*256)); !errors.Is(err, smpp.ErrLong) {
		t.Errorf("too long: %v", err)
	}
}

func TestManyAreUnderWayAtOnce(t *testing.T) {
	c, sender := begin(t)
	var all sync.WaitGroup
	for n := range 50 {
		all.Go(func() {
			if err := sender.Send(t.Context(), number, fmt.Sprint(n, strings.Repeat(" ы", 50))); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	taken, binds := c.Taken()
	if len(taken) != 50 || binds != 1 {
		t.Errorf("%d messages over %d connections", len(taken), binds)
	}
}

// What the centre refuses is said, what it does not answer is not sent again, and a connection that broke is made anew.
func TestTroubleWithTheCentre(t *testing.T) {
	c, sender := begin(t)
	c.Refuse(0x58) // ESME_RTHROTTLED
	var status smpp.StatusError
	if err := sender.Send(t.Context(), number, "1"); !errors.As(err, &status) || status != 0x58 {
		t.Errorf("throttled: %v", err)
	}
	c.Refuse(0)
	c.Enquire()
	if err := sender.Send(t.Context(), number, "2"); err != nil {
		t.Error(err)
	}
	c.Hang()
	for end := time.Now().Add(5 * time.Second); ; { // the first may be written before the end of the line is seen
		err := sender.Send(t.Context(), number, "3")
		if err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	c.Deafen(true)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := sender.Send(ctx, number, "4"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("without an answer: %v", err)
	}
	c.Deafen(false)
	if err := sender.Send(t.Context(), number, "5"); err != nil {
		t.Error(err)
	}
	taken, _ := c.Taken()
	var texts []string
	for _, m := range taken {
		texts = append(texts, m.Text)
	}
	if got := strings.Join(texts, " "); got != "2 3 4 5" {
		t.Errorf("taken: %s", got)
	}

	stranger := &smpp.Transmitter{Address: c.Address, User: "medcard", Password: "wrong", From: "Medcard"}
	if err := stranger.Send(t.Context(), number, "6"); !errors.As(err, &status) || status != 0x0E {
		t.Errorf("with a wrong password: %v", err)
	}
	nobody := &smpp.Transmitter{Address: "127.0.0.1:1", User: "medcard", From: "Medcard"}
	if err := nobody.Send(t.Context(), number, "7"); err == nil {
		t.Error("sent to nobody")
	}
}
