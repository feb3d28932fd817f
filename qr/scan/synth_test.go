package scan_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/medcard/medcard/qr/scan"
)

func TestSynth(t *testing.T) {
	n := 60
	if v := os.Getenv("SYNTH"); v != "" {
		n, _ = strconv.Atoi(v)
	}
	reader := scan.NewReader(scan.Options{Time: time.Minute})
	steps := map[string]int{}
	read, total, plain := 0, 0, 0
	byChars := map[int][2]int{}
	var worst time.Duration
	for i := range n {
		r := rand.New(rand.NewPCG(uint64(i), 77))
		chars := []int{51, 332, 401, 535}[i%4]
		p := print{text: emc1Text(r, chars), middle: [2]float64{0.4 + 0.2*r.Float64(), 0.4 + 0.2*r.Float64()},
			side: 0.2 + 0.35*r.Float64(), turn: 6.28 * r.Float64(), tilt: 0.5 * r.Float64() * r.Float64(), bend: 0.12 * r.Float64() * r.Float64()}
		s := scene{w: 1600, h: 1200, prints: []print{p}, blur: 2.2 * r.Float64(), noise: 12 * r.Float64(), shadow: 0.7 * r.Float64(), contrast: 0.4 + 0.6*r.Float64(), quality: 50 + r.IntN(45), seed: uint64(i)}
		data := photograph(t, s)
		res, err := reader.Read(context.Background(), data)
		if err != nil {
			t.Fatal(err)
		}
		total++
		c := byChars[chars]
		c[1]++
		ok := len(res.Codes) == 1 && res.Codes[0].Text == p.text
		if ok {
			read++
			c[0]++
			steps[res.Step]++
		} else {
			mod := p.side * 1200 / float64(17+4*map[int]int{51: 3, 332: 11, 401: 12, 535: 15}[chars])
			t.Logf("%d: %d chars unread (%d codes) in %v: module %.1f px blur %.1f tilt %.2f bend %.2f contrast %.2f noise %.0f", i, chars, len(res.Codes), res.Elapsed, mod, s.blur, p.tilt, p.bend, s.contrast, s.noise)
		}
		byChars[chars] = c
		worst = max(worst, res.Elapsed)
		_ = plain
	}
	t.Logf("%d of %d, worst %v, %v\n%v", read, total, worst, byChars, fmt.Sprint(byCount(steps)))
}
