package scan_test

import (
	"bytes"
	"context"
	"fmt"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/qr/scan"
)

// patient gives a Reader that is not stopped by a slow machine.
func patient() *scan.Reader { return scan.NewReader(scan.Options{Time: time.Minute}) }

// TestPhotos reads our own codes under what photos suffer from, prints a table of rates, and asserts what must not get
// worse: nothing is misread, no kind of photo is read worse than by gozxing alone, and at least as many as are named.
func TestPhotos(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("renders and reads 44 photos")
	}
	plainly := scene{noise: 4, contrast: 0.9, shadow: 0.2}
	vary := func(change func(r *rand.Rand, s *scene, p *print)) func(*rand.Rand) (scene, print) {
		return func(r *rand.Rand) (scene, print) {
			s, p := plainly, print{turn: 0.3 * (r.Float64() - 0.5), side: 0.5}
			change(r, &s, &p)
			return s, p
		}
	}
	kinds := []struct {
		name  string
		least int // of 4
		make  func(*rand.Rand) (scene, print)
	}{
		{"clean", 4, vary(func(*rand.Rand, *scene, *print) {})},
		{"turned", 4, vary(func(r *rand.Rand, _ *scene, p *print) { p.turn = 2 * math.Pi * r.Float64() })},
		{"from the side", 4, vary(func(r *rand.Rand, _ *scene, p *print) { p.tilt, p.turn = 0.2+0.3*r.Float64(), 6*r.Float64() })},
		{"bent", 4, vary(func(r *rand.Rand, _ *scene, p *print) { p.bend = 0.06 + 0.08*r.Float64() })},
		{"out of focus", 3, vary(func(r *rand.Rand, s *scene, _ *print) { s.blur = 1.5 + r.Float64() })},
		{"noisy", 3, vary(func(r *rand.Rand, s *scene, _ *print) { s.noise, s.blur = 14+6*r.Float64(), 1 })},
		{"in shadow", 4, vary(func(r *rand.Rand, s *scene, _ *print) { s.shadow, s.noise = 0.85, 2 })},
		{"pale", 3, vary(func(r *rand.Rand, s *scene, _ *print) { s.contrast = 0.15 + 0.15*r.Float64() })},
		{"small", 3, vary(func(r *rand.Rand, s *scene, p *print) { p.side, s.blur = 0.22+0.1*r.Float64(), 0.5 })},
		{"white on black", 4, vary(func(_ *rand.Rand, s *scene, _ *print) { s.negative = true })},
		{"all at once", 3, vary(func(r *rand.Rand, s *scene, p *print) {
			s.blur, s.noise, s.shadow, s.contrast = 1.2, 8, 0.5, 0.6
			p.tilt, p.bend, p.turn = 0.2*r.Float64(), 0.05*r.Float64(), 6*r.Float64()
		})},
	}
	reader := patient()
	table := []string{fmt.Sprintf("%-15s %8s %8s %8s %8s", "kind", "pictures", "gozxing", "read", "mean ms")}
	for _, kind := range kinds {
		var plain, read int
		var spent time.Duration
		const pictures = 4
		for i := range pictures {
			r := rand.New(rand.NewPCG(uint64(i), 2026))
			s, p := kind.make(r)
			s.w, s.h, s.seed = 1200, 900, uint64(i)
			p.text = emc1Text(r, []int{51, 332, 401, 535}[i%4])
			p.middle = [2]float64{0.45 + 0.1*r.Float64(), 0.45 + 0.1*r.Float64()}
			s.prints = []print{p}
			photo := photograph(t, s)
			if img, err := jpeg.Decode(bytes.NewReader(photo)); err == nil && plainRead(img) == p.text {
				plain++
			}
			result, err := reader.Read(context.Background(), photo)
			if err != nil {
				t.Fatal(err)
			}
			spent += result.Elapsed
			for _, code := range result.Codes {
				if code.Text != p.text || code.Kind != scan.EMC1 {
					t.Errorf("%s %d: misread as %s %q", kind.name, i, code.Kind, code.Text)
				}
			}
			if len(result.Codes) == 1 {
				read++
				near(t, result.Codes[0].Corners, s.corners(p), 0.04*p.side*float64(s.h))
			}
		}
		table = append(table, fmt.Sprintf("%-15s %8d %8d %8d %8.0f", kind.name, pictures, plain, read, float64(spent.Milliseconds())/pictures))
		if read < plain || read < kind.least {
			t.Errorf("%s: %d read, gozxing alone reads %d, at least %d are expected", kind.name, read, plain, kind.least)
		}
	}
	t.Log("\n" + strings.Join(table, "\n"))
}

// near compares corners in the code's own reading direction.
func near(t *testing.T, got, want [4]scan.Point, within float64) {
	t.Helper()
	for i := range got {
		if math.Hypot(got[i].X-want[i].X, got[i].Y-want[i].Y) > within {
			t.Errorf("corner %d at %.0f, not within %.0f of %.0f", i, got[i], within, want[i])
		}
	}
}

// TestManyCodes: two prescriptions in one photo must not become one, and a crowd is cut off where it is allowed to be.
func TestManyCodes(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(8, 8))
	for _, n := range []int{2, 3, 6} {
		s := scene{w: 2000, h: 1500, noise: 4, blur: 0.8, shadow: 0.3, seed: uint64(n)}
		want := map[string]bool{}
		for i := range n {
			chars := []int{401, 51, 332}[i%3] // a prescription, its token beside it, a referral
			p := print{
				text: emc1Text(r, chars), side: 0.36, turn: 0.2 * (r.Float64() - 0.5), tilt: 0.1 * r.Float64(),
				middle: [2]float64{0.18 + 0.32*float64(i%3), 0.27 + 0.45*float64(i/3)},
			}
			if chars < 100 {
				p.side = 0.15
			}
			want[p.text] = true
			s.prints = append(s.prints, p)
		}
		result, err := patient().Read(context.Background(), photograph(t, s))
		if err != nil {
			t.Fatal(err)
		}
		for _, code := range result.Codes {
			if !want[code.Text] {
				t.Errorf("%d codes: one more than there is: %q", n, code.Text)
			}
			delete(want, code.Text)
		}
		if len(want) > 0 {
			t.Errorf("%d codes: %d were overlooked", n, len(want))
		}
	}
	t.Run("no more than allowed", func(t *testing.T) {
		s := scene{w: 2000, h: 1500}
		for i := range 12 {
			s.prints = append(s.prints, print{
				text: fmt.Sprintf("EMC1:NUMBER%d", i), side: 0.2, middle: [2]float64{0.14 + 0.24*float64(i%4), 0.2 + 0.3*float64(i/4)},
			})
		}
		result, err := patient().Read(context.Background(), photograph(t, s))
		if err != nil || len(result.Codes) != 8 {
			t.Errorf("%d codes, %v", len(result.Codes), err)
		}
	})
	t.Run("twice the same is two places", func(t *testing.T) {
		s := scene{w: 1200, h: 900, prints: []print{
			{text: "EMC1:COPY", side: 0.3, middle: [2]float64{0.25, 0.5}},
			{text: "EMC1:COPY", side: 0.3, middle: [2]float64{0.75, 0.5}},
		}}
		result, err := patient().Read(context.Background(), photograph(t, s))
		if err != nil || len(result.Codes) != 2 {
			t.Errorf("%d codes, %v", len(result.Codes), err)
		}
	})
}

func TestKindOf(t *testing.T) {
	for text, want := range map[string]scan.Kind{
		"EMC1:AB": scan.EMC1, "EMC1T:AB": scan.EMC1Token, "EMC1": scan.Other, "emc1:AB": scan.Other, "EMC2:AB": scan.Other,
		"HC1:6BF": scan.HC1, "shc:/5676": scan.SHC, "https://example.org": scan.Other, "": scan.Other,
	} {
		if got := scan.KindOf(text); got != want {
			t.Errorf("%q: %s, not %s", text, got, want)
		}
	}
}

// TestNoCodeIsNoError: blank paper, one grey, and a picture of one pixel.
func TestNoCodeIsNoError(t *testing.T) {
	if testing.Short() {
		t.Skip("one at a time: nothing for the race detector to see")
	}
	t.Parallel()
	for _, s := range []scene{{w: 1, h: 1}, {w: 39, h: 41}, {w: 640, h: 480}, {w: 640, h: 480, noise: 9}, {w: 3000, h: 20}} {
		result, err := patient().Read(context.Background(), photograph(t, s))
		if err != nil || len(result.Codes) > 0 || result.Step != "" || result.Unfinished {
			t.Errorf("%d x %d: %+v, %v", s.w, s.h, result, err)
		}
	}
}
