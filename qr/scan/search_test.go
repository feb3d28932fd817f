package scan

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode/encoder"
)

// FuzzSearch looks at small pictures made of anything: no step may panic, not even into its net.
func FuzzSearch(f *testing.F) {
	f.Add(40, []byte{0, 255, 0, 0, 0, 255, 0})
	f.Add(7, []byte("checkerboard and stripes"))
	f.Fuzz(func(t *testing.T, width int, pattern []byte) {
		if width < 1 || width > 120 || len(pattern) == 0 || len(pattern) > 1<<14 {
			t.Skip()
		}
		p := newPlane(width, 60)
		for i := range p.px {
			p.px[i] = pattern[i%len(pattern)]
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		s := newSearch(ctx, p, 8)
		s.run()
		if s.broken != nil {
			t.Error(s.broken)
		}
	})
}

// TestABrokenStepIsNotTheEnd: what one step breaks on, the others do not see.
func TestABrokenStepIsNotTheEnd(t *testing.T) {
	s := newSearch(context.Background(), newPlane(10, 10), 8)
	s.try(func() { panic("of ours") })
	if s.broken == nil || !s.unfinished {
		t.Error("a panic went by unnoticed")
	}
	s.run()
}

func TestPlaneShrinkKeepsTheMean(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		p := newPlane(1+r.IntN(200), 1+r.IntN(200))
		level := byte(r.IntN(256))
		for i := range p.px {
			p.px[i] = level
		}
		small := p.shrink(1+r.IntN(p.w), 1+r.IntN(p.h))
		for _, v := range small.px {
			if math.Abs(float64(v)-float64(level)) > 1 {
				t.Fatalf("%d x %d to %d x %d: %d became %d", p.w, p.h, small.w, small.h, level, v)
			}
		}
		large := p.enlarge(p.w*2, p.h*2)
		for _, v := range large.px {
			if v != level {
				t.Fatalf("%d x %d doubled: %d became %d", p.w, p.h, level, v)
			}
		}
	}
}

// TestPlaneHalveIsShrink: the quick way and the general one show the same.
func TestPlaneHalveIsShrink(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	p := newPlane(64, 40)
	for i := range p.px {
		p.px[i] = byte(r.IntN(256))
	}
	half, same := p.halve(), p.shrink(32, 20)
	for i := range half.px {
		if math.Abs(float64(half.px[i])-float64(same.px[i])) > 1 {
			t.Fatalf("pixel %d: %d, not %d", i, half.px[i], same.px[i])
		}
	}
	if got, grown := p.fit(32); grown != 2 || string(got.px) != string(half.px) {
		t.Errorf("grown %v", grown)
	}
}

// TestPlaneShrinkKeepsPlaces: an edge stays where it was, to a hundredth of the width.
func TestPlaneShrinkKeepsPlaces(t *testing.T) {
	for _, width := range []int{100, 137, 399} {
		p := newPlane(400, 1)
		for x := 150; x < 400; x++ {
			p.px[x] = 200
		}
		sum := 0
		for _, v := range p.shrink(width, 1).px {
			sum += int(v)
		}
		if got := float64(sum) / 200 / float64(width); math.Abs(got-250.0/400) > 0.01 {
			t.Errorf("%d: the bright part is %.3f of the width", width, got)
		}
	}
}

func TestPlaneSharpenLeavesFlatPaper(t *testing.T) {
	p := newPlane(30, 20)
	for i := range p.px {
		p.px[i] = 77
	}
	for _, v := range p.sharpen(2, 200).px {
		if v != 77 {
			t.Fatalf("77 became %d", v)
		}
	}
}

func TestPerspectiveGoesThroughItsPoints(t *testing.T) {
	from := [4]Point{{0, 0}, {10, 0}, {10, 10}, {0, 10}}
	to := [4]Point{{3, 4}, {50, 9}, {44, 70}, {1, 40}}
	p, ok := through4(from, to)
	if !ok {
		t.Fatal("four good points")
	}
	for i := range from {
		if got := p.at(from[i].X, from[i].Y); distance(got, to[i]) > 1e-6 {
			t.Errorf("%v came to %v, not %v", from[i], got, to[i])
		}
	}
	if _, ok := through4(from, [4]Point{}); ok {
		t.Error("four times the same point is no perspective")
	}
}

func TestTrioKnowsItsCorners(t *testing.T) {
	corner, right, down := eye{Point{100, 100}, 5, 9}, eye{Point{300, 120}, 5, 9}, eye{Point{80, 300}, 5, 9}
	for _, order := range [][3]eye{{corner, right, down}, {right, down, corner}, {down, corner, right}, {down, right, corner}} {
		got, ok := makeTrio(order[0], order[1], order[2])
		if !ok || got.topLeft != corner || got.topRight != right || got.bottomLeft != down {
			t.Errorf("%v: %+v, %v", order, got, ok)
		}
	}
	if _, ok := makeTrio(eye{Point{0, 0}, 5, 9}, eye{Point{100, 0}, 5, 9}, eye{Point{200, 1}, 5, 9}); ok {
		t.Error("three eyes in a row are no code")
	}
}

// TestFourCorners: a square whose corner is missing gets it back.
func TestFourCorners(t *testing.T) {
	quad, ok := fourCorners([]Point{{0, 0}, {90, 0}, {100, 10}, {100, 100}, {50, 100.2}, {0, 100}})
	if !ok {
		t.Fatal("no corners")
	}
	for _, want := range []Point{{0, 0}, {100, 0}, {100, 100}, {0, 100}} {
		nearest := math.Inf(1)
		for _, got := range quad {
			nearest = min(nearest, distance(got, want))
		}
		if nearest > 1 {
			t.Errorf("%v is missing in %v", want, quad)
		}
	}
}

func TestStepsSkipWhatLooksTheSame(t *testing.T) {
	for _, longer := range []int{1, 400, 900, 1500, 4000} {
		seen := map[string]bool{}
		for _, s := range steps {
			side := s.side(longer)
			if side == 0 {
				continue
			}
			s.size, s.further = 0, false
			key := s.String() + string(rune(side))
			if seen[key] {
				t.Errorf("%d pixels: %q at %d is taken twice", longer, s, side)
			}
			seen[key] = true
		}
	}
}

// TestScrambledIsNotRead: everything is there by which a code is found, at every small version and level, but its codewords are
// dice. No step, net or number of codewords given up may make a text of that.
func TestScrambledIsNotRead(t *testing.T) {
	if testing.Short() {
		t.Skip("every step looks at 24 pictures in vain")
	}
	t.Parallel()
	r := rand.New(rand.NewPCG(45, 54))
	for i := range 24 {
		code, err := encoder.Encoder_encode("0", levels[i%4], map[gozxing.EncodeHintType]any{gozxing.EncodeHintType_QR_VERSION: 1 + i/4})
		if err != nil {
			t.Fatal(err)
		}
		f := facesOf(code)
		for _, at := range f.bits {
			f.v[at] = float64(sign(r.IntN(2) == 0))
		}
		p := drawn(f, 4, false).blur(i % 3)
		for j := range p.px {
			p.px[j] = byte(min(255, max(0, int(p.px[j])+int(20*r.NormFloat64()))))
		}
		s := newSearch(context.Background(), p, 8)
		s.run()
		if len(s.codes) > 0 || s.broken != nil {
			t.Errorf("%d: %+v, %v", i, s.codes, s.broken)
		}
	}
}
