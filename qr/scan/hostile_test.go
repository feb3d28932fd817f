package scan_test

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/qr/scan"
)

// TestUnreadableInput: every bad picture is one of four errors, quickly, and never a panic.
func TestUnreadableInput(t *testing.T) {
	if testing.Short() {
		t.Skip("one at a time: nothing for the race detector to see")
	}
	good := photograph(t, scene{w: 400, h: 300})
	goodPNG := encodePNG(t, image.NewGray(image.Rect(0, 0, 60, 60)))
	cases := []struct {
		name    string
		picture []byte
		want    error
		says    string
	}{
		{"nothing", nil, scan.ErrDamaged, ""},
		{"one byte", []byte{0xff}, scan.ErrUnsupported, "JPEG, PNG or WebP"},
		{"zeroes", make([]byte, 4096), scan.ErrUnsupported, ""},
		{"text", []byte("EMC1:ABC"), scan.ErrUnsupported, ""},
		{"heic", box("heic"), scan.ErrUnsupported, "camera format"},
		{"avif", box("avif"), scan.ErrUnsupported, "avif"},
		{"video", box("isom"), scan.ErrUnsupported, "video"},
		{"pdf", []byte("%PDF-1.7\n"), scan.ErrUnsupported, "screenshot of the page"},
		{"svg", []byte(`<?xml version="1.0"?><!-- a --><svg xmlns="http://www.w3.org/2000/svg"/>`), scan.ErrUnsupported, "svg"},
		{"gif", animation(t), scan.ErrUnsupported, "gif"},
		{"bmp", []byte("BM\x00\x00\x00\x00"), scan.ErrUnsupported, "bmp"},
		{"tiff", []byte("II*\x00\x00\x00"), scan.ErrUnsupported, "tiff"},
		{"jpeg, its first bytes only", good[:3], scan.ErrDamaged, ""},
		{"jpeg, cut in the header", good[:100], scan.ErrDamaged, ""},
		{"jpeg, cut in the pixels", good[:len(good)/2], scan.ErrDamaged, ""},
		{"png, cut", goodPNG[:len(goodPNG)/2], scan.ErrDamaged, ""},
		{"png, a bit of it flipped", flip(goodPNG, len(goodPNG)/2), scan.ErrDamaged, ""},
		{"png magic, then noise", append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 500)...), scan.ErrDamaged, ""},
		{"webp magic, then noise", append([]byte("RIFF\x00\x01\x00\x00WEBP"), make([]byte, 500)...), scan.ErrDamaged, ""},
		{"webp, animated", animatedWebP(), scan.ErrDamaged, ""},
		{"png of no width", pngHeader(0, 100, 8, 0), scan.ErrDamaged, ""},
		{"png of 30,000 x 30,000", pngHeader(30_000, 30_000, 8, 0), scan.ErrTooLarge, "30000 x 30000"},
		{"png of the largest size there is", pngHeader(0x7fffffff, 0x7fffffff, 8, 0), scan.ErrDamaged, "overflow"},
		{"png one pixel high", pngHeader(1, 0x7fffffff, 8, 0), scan.ErrTooLarge, ""},
		{"png of 16 bit, 20 million pixels", pngHeader(5000, 4000, 16, 6), scan.ErrTooLarge, "16 bit"},
		{"jpeg, progressive, 23 million pixels", manyScans(t, 4800, 4800, 1), scan.ErrTooLarge, "progressive"},
		{"png bomb", bombPNG(t, 16_000, 16_000), scan.ErrTooLarge, ""},
		{"13 MiB", append(bytes.Clone(good), make([]byte, 13<<20)...), scan.ErrTooLarge, "bytes"},
	}
	reader := scan.NewReader(scan.Options{})
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			began := time.Now()
			_, err := reader.Read(context.Background(), c.picture)
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %v, want %v that says %q", err, c.want, c.says)
			}
			if took := time.Since(began); took > time.Second {
				t.Errorf("refused only after %v", took)
			}
		})
	}
}

// TestManyKindsOfPixels reads the same code from every way in which a decoder may hand pixels out.
func TestManyKindsOfPixels(t *testing.T) {
	const text = "EMC1:PIXELS"
	grey := codeImage(t, text, 4, 16)
	b := grey.Bounds()
	paint := func(img interface {
		image.Image
		Set(x, y int, c color.Color)
	}, ink, paper color.Color) image.Image {
		for y := range b.Dy() {
			for x := range b.Dx() {
				if grey.GrayAt(x, y).Y < 128 {
					img.Set(x, y, ink)
				} else {
					img.Set(x, y, paper)
				}
			}
		}
		return img
	}
	blue, white, clear := color.RGBA{20, 30, 120, 255}, color.White, color.NRGBA{}
	palette := color.Palette{blue, white, color.Black}
	pictures := map[string][]byte{
		"grey png":         encodePNG(t, grey),
		"rgb png":          encodePNG(t, paint(image.NewRGBA(b), blue, white)),
		"transparent png":  encodePNG(t, paint(image.NewNRGBA(b), blue, clear)),
		"palette png":      encodePNG(t, paint(image.NewPaletted(b, palette), blue, white)),
		"16 bit grey png":  encodePNG(t, paint(image.NewGray16(b), color.Black, white)),
		"16 bit png":       encodePNG(t, paint(image.NewRGBA64(b), blue, white)),
		"16 bit alpha png": encodePNG(t, paint(image.NewNRGBA64(b), blue, clear)),
		"grey jpeg":        encodeJPEG(t, grey),
		"colour jpeg":      encodeJPEG(t, paint(image.NewRGBA(b), blue, white)),
		"cmyk jpeg":        cmykJPEG(t, grey),
		"white on black":   encodePNG(t, paint(image.NewRGBA(b), white, blue)),
	}
	reader := scan.NewReader(scan.Options{Time: time.Minute})
	for name, picture := range pictures {
		t.Run(name, func(t *testing.T) {
			result, err := reader.Read(context.Background(), picture)
			if err != nil || len(result.Codes) != 1 || result.Codes[0].Text != text {
				t.Fatalf("got %+v, %v", result, err)
			}
		})
	}
}

// TestNoiseEnds: a picture made of edges costs its time and not more, and nothing is found in it.
func TestNoiseEnds(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	img := image.NewGray(image.Rect(0, 0, 3000, 2000))
	for i := range img.Pix {
		img.Pix[i] = byte(random.IntN(256))
	}
	picture := encodePNG(t, img)
	const limit = 300 * time.Millisecond
	result, err := scan.NewReader(scan.Options{Time: limit}).Read(context.Background(), picture)
	if errors.Is(err, scan.ErrTooLarge) {
		t.Skip("this machine does not even unpack the picture in the time allowed")
	}
	if err != nil || len(result.Codes) > 0 || !result.Unfinished {
		t.Fatalf("got %+v, %v", result, err)
	}
	// One step is not interrupted: binarising, and one try at a trio.
	if result.Elapsed > 10*limit {
		t.Errorf("took %v of the allowed %v", result.Elapsed, limit)
	}
}

// TestCarpetOfEyesEnds: a picture tiled with finder patterns, each of which could be a corner of a code with all others.
func TestCarpetOfEyesEnds(t *testing.T) {
	if testing.Short() {
		t.Skip("one at a time: nothing for the race detector to see")
	}
	img := image.NewGray(image.Rect(0, 0, 5000, 4800))
	for y := range 4800 {
		for x := range 5000 {
			ring := max(x%9-4, 4-x%9, y%9-4, 4-y%9) // distance from the middle of the tile
			if ring == 2 || ring == 4 {
				img.Pix[y*img.Stride+x] = 255
			}
		}
	}
	picture := encodePNG(t, img)
	const limit = 2 * time.Second
	result, err := scan.NewReader(scan.Options{Time: limit, MaxBytes: len(picture)}).Read(context.Background(), picture)
	if err != nil && !errors.Is(err, scan.ErrTooLarge) || len(result.Codes) > 0 {
		t.Fatalf("got %+v, %v", result, err)
	}
	if result.Elapsed > 4*limit {
		t.Errorf("took %v of the allowed %v", result.Elapsed, limit)
	}
}

// TestSlowJPEGIsStopped: a progressive JPEG may ask for thousands of passes over all its pixels in a few bytes each.
func TestSlowJPEGIsStopped(t *testing.T) {
	picture := manyScans(t, 3400, 3400, 40_000)
	began := time.Now()
	_, err := scan.NewReader(scan.Options{Time: 200 * time.Millisecond}).Read(context.Background(), picture)
	if err == nil {
		t.Fatal("read without an error")
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("stopped only after %v: %v", took, err)
	}
}

func TestCallerWhoLeaves(t *testing.T) {
	picture := photograph(t, scene{w: 300, h: 200})
	gone, leave := context.WithCancel(context.Background())
	leave()
	if _, err := scan.NewReader(scan.Options{}).Read(gone, picture); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestWorkersAreBounded: with its one worker taken, a Reader answers that it is busy when the caller's time is up.
func TestWorkersAreBounded(t *testing.T) {
	reader := scan.NewReader(scan.Options{Workers: 1, Time: 2 * time.Second})
	random := rand.New(rand.NewPCG(5, 6))
	img := image.NewGray(image.Rect(0, 0, 2500, 2000))
	for i := range img.Pix {
		img.Pix[i] = byte(random.IntN(256))
	}
	long, short := encodePNG(t, img), photograph(t, scene{w: 100, h: 100})
	started, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		close(started)
		_, _ = reader.Read(context.Background(), long)
	}()
	<-started
	for reader.Idle() { // until the long one holds the worker
		runtime.Gosched()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := reader.Read(ctx, short); !errors.Is(err, scan.ErrBusy) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	<-done
}

func FuzzRead(f *testing.F) {
	f.Add(photograph(f, scene{w: 120, h: 90}))
	f.Add(encodePNG(f, codeImage(f, "EMC1:FUZZ", 3, 8)))
	f.Add(animatedWebP())
	f.Add(bombPNG(f, 2000, 2000))
	reader := scan.NewReader(scan.Options{MaxPixels: 1_000_000, Time: 500 * time.Millisecond})
	f.Fuzz(func(t *testing.T, picture []byte) {
		result, err := reader.Read(context.Background(), picture)
		known := errors.Is(err, scan.ErrDamaged) || errors.Is(err, scan.ErrTooLarge) || errors.Is(err, scan.ErrUnsupported)
		if err != nil && !known {
			t.Errorf("an error of no kind: %v", err)
		}
		if len(result.Codes) > 8 {
			t.Errorf("%d codes", len(result.Codes))
		}
	})
}

// --- pictures made to break a reader ---

func box(brand string) []byte {
	return append([]byte("\x00\x00\x00\x18ftyp"+brand), make([]byte, 64)...)
}

func flip(data []byte, at int) []byte {
	data = bytes.Clone(data)
	data[at] ^= 0x10
	return data
}

func animation(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	frame := image.NewPaletted(image.Rect(0, 0, 8, 8), color.Palette{color.Black, color.White})
	if err := gif.EncodeAll(&out, &gif.GIF{Image: []*image.Paletted{frame, frame}, Delay: []int{1, 1}}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// animatedWebP is the header of one: an extended file with the animation flag, and frames that are not there.
func animatedWebP() []byte {
	body := []byte("WEBPVP8X\x0a\x00\x00\x00\x02\x00\x00\x00\x3f\x00\x00\x3f\x00\x00ANIM\x06\x00\x00\x00\xff\xff\xff\xff\x00\x00ANMF\x10\x00\x00\x00")
	body = append(body, make([]byte, 16)...)
	head := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body)))
	return append(head, body...)
}

// pngHeader is a PNG that only claims: size, depth, colour type.
func pngHeader(w, h uint32, depth, colour byte) []byte {
	head := binary.BigEndian.AppendUint32(nil, w)
	head = binary.BigEndian.AppendUint32(head, h)
	head = append(head, depth, colour, 0, 0, 0)
	return append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", head)...)
}

func chunk(name string, data []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	out = append(out, name...)
	out = append(out, data...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

// bombPNG is complete: all its rows are there, as zeroes that compress a thousand times.
func bombPNG(t testing.TB, w, h uint32) []byte {
	t.Helper()
	var pixels bytes.Buffer
	z := zlib.NewWriter(&pixels)
	row := make([]byte, 1+w)
	for range h {
		if _, err := z.Write(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	out := append(pngHeader(w, h, 8, 0), chunk("IDAT", pixels.Bytes())...)
	return append(out, chunk("IEND", nil)...)
}

func encodeJPEG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: 90}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// segment is a JPEG marker with its length.
func segment(marker byte, data ...byte) []byte {
	return append([]byte{0xff, marker, byte((len(data) + 2) >> 8), byte(len(data) + 2)}, data...)
}

// cmykJPEG makes a four-component JPEG out of a grey one, which the standard library cannot write: the grey scan is
// the black component, and the three others are scans of nothing but zero differences.
func cmykJPEG(t testing.TB, grey *image.Gray) []byte {
	t.Helper()
	plain := encodeJPEG(t, grey)
	b := grey.Bounds()
	begin := bytes.Index(plain, []byte{0xff, 0xda})
	frame := bytes.Index(plain, []byte{0xff, 0xc0})
	if begin < 0 || frame < 0 {
		t.Fatal("no scan in what the encoder wrote")
	}
	var out []byte
	out = append(out, 0xff, 0xd8)
	out = append(out, segment(0xee, append([]byte("Adobe"), 0, 100, 0, 0, 0, 0, 0)...)...) // transform 0: CMYK, inverted
	out = append(out, plain[2:frame]...)                                                   // quantisation
	out = append(out, segment(0xc0, 8, byte(b.Dy()>>8), byte(b.Dy()), byte(b.Dx()>>8), byte(b.Dx()), 4,
		1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 4, 0x11, 0)...)
	frameLength := int(plain[frame+2])<<8 | int(plain[frame+3])
	out = append(out, plain[frame+2+frameLength:begin]...) // Huffman tables
	// Adobe stores ink inverted: 255 is no ink. The first three components say 255 everywhere: one large first
	// difference, then none. It is written by encoding a white picture of the same size.
	white := image.NewGray(b)
	for i := range white.Pix {
		white.Pix[i] = 255
	}
	for component := byte(1); component <= 4; component++ {
		source := encodeJPEG(t, white)
		if component == 4 {
			source = plain
		}
		at := bytes.Index(source, []byte{0xff, 0xda})
		length := int(source[at+2])<<8 | int(source[at+3])
		out = append(out, segment(0xda, 1, component, 0x00, 0, 63, 0)...)
		out = append(out, source[at+2+length:len(source)-2]...)
	}
	return append(out, 0xff, 0xd9)
}

// manyScans is a progressive JPEG whose scans say, each in a few bytes, that nothing changes in any block.
func manyScans(t testing.TB, w, h, scans int) []byte {
	t.Helper()
	table := make([]byte, 65)
	for i := 1; i < len(table); i++ {
		table[i] = 1
	}
	out := []byte{0xff, 0xd8}
	out = append(out, segment(0xdb, table...)...)
	out = append(out, segment(0xc2, 8, byte(h>>8), byte(h), byte(w>>8), byte(w), 1, 1, 0x11, 0)...)
	// One code of one bit in each table: an end of band that runs on for up to 32,767 blocks (symbol 0xe0).
	counts := append([]byte{1}, make([]byte, 15)...)
	out = append(out, segment(0xc4, append(append([]byte{0x00}, counts...), 0x00)...)...)
	out = append(out, segment(0xc4, append(append([]byte{0x10}, counts...), 0xe0)...)...)
	blocks := (w / 8) * (h / 8)
	var data []byte
	for left := blocks; left > 0; left -= 1 << 14 {
		data = append(data, 0, 0) // code 0, fourteen bits of run length 0, padding
	}
	for range scans {
		out = append(out, segment(0xda, 1, 1, 0x00, 1, 63, 0)...)
		out = append(out, data...)
	}
	return append(out, 0xff, 0xd9)
}
