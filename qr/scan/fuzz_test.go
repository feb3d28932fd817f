package scan

import (
	"context"
	"testing"
	"time"

	"github.com/makiuchi-d/gozxing/qrcode/encoder"
)

// FuzzSegments: any data is text or refused, and no text comes from nowhere.
func FuzzSegments(f *testing.F) {
	f.Add(5, (&bitWriter{}).put(modeGS1, 4).put(modeAlphanumeric, 4).put(4, 9).put(10*45+38, 11).put(38*45+38, 11).data)
	f.Add(30, (&bitWriter{}).put(modePart, 4).put(0x13, 8).put(0xa5, 8).put(modeECI, 4).put(22, 8).put(modeByte, 4).put(1, 16).put(0xd0, 8).data)
	f.Add(12, (&bitWriter{}).put(modeHanzi, 4).put(1, 4).put(2, 10).put(0x1234, 13).put(0x0567, 13).put(modeKanji, 4).put(1, 10).put(0xd9f, 13).data)
	f.Fuzz(func(t *testing.T, version int, data []byte) {
		c, ok := parse(data, version)
		if ok && (c.text == "" || len(c.text) > 8*len(data)) {
			t.Errorf("%d bytes of text from %d bytes of data", len(c.text), len(data))
		}
	})
}

// FuzzScars lays rectangles over a code: what is left is read as what it was, or not at all. A picture that says something
// else is the one thing that must not happen.
func FuzzScars(f *testing.F) {
	f.Add(uint16(0), []byte("a scar or two across the code"))
	f.Add(uint16(0x1234), []byte{10, 10, 80, 3, 0, 30, 5, 4, 90, 255, 60, 60, 20, 20, 128})
	texts := [4]string{"EMC1:FUZZ", "EMC1T:7KD3X%GHE8BQD5S", "https://example.org/a?b=c", "HC1:6BFOXN%TS3DH0YOJ58S S-W5HDC *M0II5XHC9B5G2+$N IOP-IA%NFQGRJPC%OQHIZC4.OI1RM8ZA.A5:S9MKN4NN3F85QNCY0O%0VZ001HOC9JU0D0HT0HB2PL/IB"}
	f.Fuzz(func(t *testing.T, which uint16, scars []byte) {
		if len(scars) > 500 {
			t.Skip("more scars than the fuzzer may cut")
		}
		text := texts[which%4]
		code, err := encoder.Encoder_encode(text, levels[which/4%4], nil)
		if err != nil {
			t.Fatal(err)
		}
		p := drawn(facesOf(code), 3+int(which/16%3), which&0x8000 != 0)
		for ; len(scars) >= 5; scars = scars[5:] {
			scar(p, scars)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		s := newSearch(ctx, p, 8)
		for _, step := range steps[:5] { // the lights that read what is sharp; all of them take ten times as long
			if side := step.side(max(p.w, p.h)); side > 0 && len(s.codes) == 0 {
				s.try(func() { s.look(step, s.print(side, step.sharpen)) })
			}
		}
		if s.broken != nil {
			t.Error(s.broken)
		}
		for _, c := range s.codes {
			if c.Text != text {
				t.Errorf("misread %q as %s %q", text, c.Kind, c.Text)
			}
		}
	})
}

// drawn is a code with its frame, so many pixels a module.
func drawn(f faces, scale int, negative bool) plane {
	n := (f.side + 8) * scale
	p := newPlane(n, n)
	for i := range p.px {
		p.px[i] = 255
		if x, y := i%n/scale-4, i/n/scale-4; x >= 0 && y >= 0 && x < f.side && y < f.side && f.v[y*f.side+x] > 0 {
			p.px[i] = 0
		}
		if negative {
			p.px[i] = 255 - p.px[i]
		}
	}
	return p
}

// scar fills a rectangle that five bytes describe.
func scar(p plane, b []byte) {
	left, top := int(b[0])*p.w/256, int(b[1])*p.h/256
	for y := top; y < min(p.h, top+int(b[3])/8); y++ {
		for x := left; x < min(p.w, left+int(b[2])/4); x++ {
			p.px[y*p.w+x] = b[4]
		}
	}
}
