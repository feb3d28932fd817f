package enrolling

import (
	"context"
	"fmt"
	"testing"

	"github.com/medcard/medcard/domain/fault"
)

// A stranger who uses up what may be sent to a number, an address or a block of numbers keeps nobody out who comes from elsewhere, and a crowd of
// strangers does not flood a phone.
func TestStrangersUseUpNobodysLimits(t *testing.T) {
	network := func(n int) Origin { return Origin{Address: fmt.Sprintf("203.0.%d.%d", 113+n/250, 1+n%250)} }
	for name, try := range map[string]func(w *world, n int, from Origin) error{
		"a number": func(w *world, n int, from Origin) error {
			_, err := w.Register(context.Background(), Application{Phone: annasPhone, Email: fmt.Sprintf("e%d@example.org", n), Password: annasPassword}, from)
			return err
		},
		"an address": func(w *world, n int, from Origin) error {
			_, err := w.Register(context.Background(), Application{Phone: fmt.Sprintf("+79%09d", 123_000_000+n*1_000_001%800_000_000), Email: annasEmail, Password: annasPassword}, from)
			return err
		},
		"a block of numbers": func(w *world, n int, from Origin) error {
			_, err := w.Register(context.Background(), Application{Phone: fmt.Sprintf("+7916123%04d", n), Email: fmt.Sprintf("e%d@example.org", n), Password: annasPassword}, from)
			return err
		},
		"a lost password": func(w *world, _ int, from Origin) error {
			_, err := w.LostPassword(context.Background(), annasPhone, newDevice(), from)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			n, refusals := 0, 0
			for attacker := 0; refusals < 3*8; attacker++ {
				if attacker == 40 {
					t.Fatal("nothing ever bounds him")
				}
				refusals = 0
				for range 8 * 3 {
					n++
					if err := try(w, n, network(attacker%8)); fault.CodeOf(err) == errThrottled.Code {
						refusals++
					} else if err != nil {
						t.Fatal(err)
					}
				}
			}
			for range fresh.burst {
				n++
				if err := try(w, n, home); err != nil {
					t.Errorf("from elsewhere: %v", err)
				}
			}
			n++
			w.want("throttled", try(w, n, home))
		})
	}

	t.Run("a crowd", func(t *testing.T) {
		w := newWorld(t)
		w.enrol(annasPhone, annasEmail, annasPassword)
		before := len(w.outbox.sms[annasPhone])
		for n := range 400 {
			_, _ = w.LostPassword(context.Background(), annasPhone, newDevice(), network(n))
		}
		w.Wait()
		if n := len(w.outbox.sms[annasPhone]) - before; n != flood.burst {
			t.Errorf("%d messages, want %d", n, flood.burst)
		}
	})
}
