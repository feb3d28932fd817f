package notifying

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestOutbox(t *testing.T) {
	var console bytes.Buffer
	o := NewOutbox(&console, func() time.Time { return noon })
	if err := o.SMS(t.Context(), "+79123456789", "Your code: 123456"); err != nil {
		t.Fatal(err)
	}
	if err := o.Email(t.Context(), "anna@example.ru", "Your code\n\nIt is 654321.\n"); err != nil {
		t.Fatal(err)
	}
	want := "outbox: sms to +79123456789: Your code: 123456\noutbox: email to anna@example.ru: Your code It is 654321.\n"
	if console.String() != want {
		t.Errorf("console:\n%swant:\n%s", console.String(), want)
	}
	got := o.Letters()
	if len(got) != 2 || got[0].By != "email" || got[1].By != "sms" || got[1].Text != "Your code: 123456" || !got[0].At.Equal(noon) {
		t.Errorf("letters: %+v", got)
	}
	for i := range 2 * keptLetters {
		if err := o.SMS(t.Context(), "+79123456789", fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	if got := o.Letters(); len(got) != keptLetters || got[0].Text != fmt.Sprint(2*keptLetters-1) {
		t.Errorf("%d letters are kept, the newest is %q", len(got), got[0].Text)
	}
	if strings.Count(console.String(), "\n") != 2+2*keptLetters {
		t.Error("a letter is not one line")
	}
}
