package scan_test

import (
	"bytes"
	"context"
	"image/jpeg"
	"math/rand/v2"
	"testing"
)

// BenchmarkRead12MP reads a phone's photo of a prescription. Beside it stands the limit: what image/jpeg alone takes.
func BenchmarkRead12MP(b *testing.B) {
	random := rand.New(rand.NewPCG(12, 12))
	p := print{text: emc1Text(random, 401), side: 0.35, middle: [2]float64{0.5, 0.5}, turn: 0.2, tilt: 0.1, bend: 0.02}
	s := scene{w: 4000, h: 3000, noise: 3, blur: 1, shadow: 0.3, contrast: 0.9, prints: []print{p}}
	photo := photograph(b, s)
	s.prints = nil
	blank := photograph(b, s)
	reader := patient()
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			if result, err := reader.Read(context.Background(), photo); err != nil || len(result.Codes) != 1 {
				b.Fatalf("%+v, %v", result, err)
			}
		}
	})
	b.Run("nothing to read", func(b *testing.B) {
		for b.Loop() {
			if result, err := reader.Read(context.Background(), blank); err != nil || len(result.Codes) != 0 {
				b.Fatalf("%+v, %v", result, err)
			}
		}
	})
	b.Run("limit, image/jpeg alone", func(b *testing.B) {
		for b.Loop() {
			if _, err := jpeg.Decode(bytes.NewReader(photo)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
