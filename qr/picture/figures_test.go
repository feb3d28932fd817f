package picture_test

import (
	"io"
	"slices"
	"testing"
	"time"

	"github.com/skip2/go-qrcode"
)

// The picture of a prescription of one medicine beside the library's bare modules: go test -run '^$' -bench QR ./qr/...
// The two alternate within one run and their medians are compared, so that a busy machine slows both.
func BenchmarkQRPNG(b *testing.B) {
	var pictures, bare []time.Duration
	for b.Loop() {
		start := time.Now()
		if err := draw(b, text).PNG(io.Discard, 8); err != nil {
			b.Fatal(err)
		}
		middle := time.Now()
		q, err := qrcode.New(text, qrcode.Medium)
		if err != nil {
			b.Fatal(err)
		}
		q.Bitmap()
		pictures, bare = append(pictures, middle.Sub(start)), append(bare, time.Since(middle))
	}
	slices.Sort(pictures)
	slices.Sort(bare)
	mine, library := pictures[len(pictures)/2], bare[len(bare)/2]
	b.ReportMetric(float64(mine)/float64(library), "x")
	b.ReportMetric(float64(library.Nanoseconds()), "bare-ns")
	b.ReportMetric(float64(mine.Nanoseconds()), "ns/op")
}
