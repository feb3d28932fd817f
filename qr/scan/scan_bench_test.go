package scan_test

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// BenchmarkPhoto12MP reads photos as a phone takes them: 12 million pixels in colour, a code that fills half of the height, a
// third, a tenth, turned, tilted, out of focus, in shadow. Beside each it decodes the JPEG alone, which is the limit: nobody
// reads what he has not unpacked. Percentiles are over photos and rounds; the ratios are of one run and hold on any machine.
func BenchmarkPhoto12MP(b *testing.B) {
	photos := make([][]byte, 8)
	for i := range photos {
		r := rand.New(rand.NewPCG(12, uint64(i)))
		s, p := ours(b, r)
		s.w, s.h, s.grain = 4000, 3000, 2
		p.pixels = []float64{1500, 1000, 300, 600}[i%4]
		p.pixels = max(p.pixels, 3*float64(p.modules.size))
		p.roll, p.yaw, p.pitch = anyAngle(r), between(r, -0.4, 0.4), between(r, -0.4, 0.4)
		p.middle = [2]float64{between(r, 0.4, 0.6), between(r, 0.4, 0.6)}
		s.disc = between(r, 0.1, 0.7) * p.module()
		s.shadows = []shadow{{at: p.middle, angle: anyAngle(r), soft: 100, depth: 0.5}}
		photos[i] = colourJPEG(b, s.develop())
	}
	blank := colourJPEG(b, shot{w: 4000, h: 3000, grain: 2}.develop())
	b.Run("a code", func(b *testing.B) { besideDecoding(b, photos, 1) })
	b.Run("nothing", func(b *testing.B) { besideDecoding(b, [][]byte{blank}, 0) })
}

func besideDecoding(b *testing.B, photos [][]byte, codes int) {
	b.Helper()
	reader := patient()
	var read, limit []time.Duration
	for b.Loop() {
		for i, photo := range photos {
			began := time.Now()
			result, err := reader.Read(context.Background(), photo)
			read = append(read, time.Since(began))
			if err != nil || len(result.Codes) != codes {
				b.Fatalf("photo %d: %d codes, %v", i, len(result.Codes), err)
			}
			began = time.Now()
			if _, err := jpeg.Decode(bytes.NewReader(photo)); err != nil {
				b.Fatal(err)
			}
			limit = append(limit, time.Since(began))
		}
	}
	b.ReportMetric(0, "ns/op") // of all photos together: says nothing
	for name, share := range map[string]float64{"p50": 0.5, "p95": 0.95} {
		b.ReportMetric(float64(percentile(read, share).Milliseconds()), "ms-read-"+name)
		b.ReportMetric(float64(percentile(limit, share).Milliseconds()), "ms-jpeg-"+name)
		b.ReportMetric(float64(percentile(read, share))/float64(percentile(limit, share)), "times-jpeg-"+name)
	}
}

func percentile(d []time.Duration, share float64) time.Duration {
	slices.Sort(d)
	return d[min(len(d)-1, int(share*float64(len(d))))]
}

// colourJPEG is what phones write: brightness, and colour at half its resolution.
func colourJPEG(b *testing.B, img *image.Gray) []byte {
	b.Helper()
	colour := image.NewYCbCr(img.Rect, image.YCbCrSubsampleRatio420)
	copy(colour.Y, img.Pix)
	for i := range colour.Cb {
		colour.Cb[i], colour.Cr[i] = byte(126+i%5), byte(128+i%3)
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, colour, &jpeg.Options{Quality: 90}); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}
