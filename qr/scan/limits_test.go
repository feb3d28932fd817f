package scan_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/medcard/medcard/qr/scan"
)

// TestLimitsToThePixel: what a limit allows is read, one more is refused.
func TestLimitsToThePixel(t *testing.T) {
	picture := encodePNG(t, codeImage(t, "EMC1:LIMIT", 4, 16))
	config, _, err := image.DecodeConfig(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	pixels := config.Width * config.Height
	for name, c := range map[string]struct {
		options scan.Options
		want    error
	}{
		"as many pixels":  {scan.Options{MaxPixels: pixels}, nil},
		"one too many":    {scan.Options{MaxPixels: pixels - 1}, scan.ErrTooLarge},
		"as many bytes":   {scan.Options{MaxBytes: len(picture)}, nil},
		"a byte too much": {scan.Options{MaxBytes: len(picture) - 1}, scan.ErrTooLarge},
	} {
		c.options.Time = time.Minute
		result, err := scan.NewReader(c.options).Read(context.Background(), picture)
		if !errors.Is(err, c.want) || err == nil && len(result.Codes) != 1 {
			t.Errorf("%s: %d codes, %v", name, len(result.Codes), err)
		}
	}
	limits := scan.NewReader(scan.Options{}).Limits()
	if limits.MaxPixels != 25_000_000 || limits.MaxBytes != 12<<20 || limits.MaxCodes != 8 || limits.Time != 2*time.Second || limits.Workers != runtime.GOMAXPROCS(0) {
		t.Errorf("the limits nobody set are %+v", limits)
	}
}

// TestClaimsAreMeasuredFirst: a header that claims too much is refused before its pixels cost anything, in each format.
func TestClaimsAreMeasuredFirst(t *testing.T) {
	webp := func(chunkName string, body ...byte) []byte {
		inner := append([]byte("WEBP"+chunkName), binary.LittleEndian.AppendUint32(nil, uint32(len(body)))...)
		inner = append(inner, body...)
		return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(inner))), inner...)
	}
	for name, picture := range map[string][]byte{
		"jpeg of 65,535 x 65,535":     append([]byte{0xff, 0xd8}, append(segment(0xc0, 8, 0xff, 0xff, 0xff, 0xff, 1, 1, 0x11, 0), segment(0xda, 1, 1, 0, 0, 63, 0)...)...),
		"png of 5,001 x 5,000":        pngHeader(5001, 5000, 8, 0),
		"lossless webp, 16,384 wide":  webp("VP8L", 0x2f, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0, 0),
		"lossy webp of 16,383 pixels": webp("VP8 ", 0x30, 0, 0, 0x9d, 0x01, 0x2a, 0xff, 0x3f, 0xff, 0x3f, 0, 0),
		"extended webp of 16,000":     webp("VP8X", 0, 0, 0, 0, 0x7f, 0x3e, 0, 0x7f, 0x3e, 0),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := scan.NewReader(scan.Options{}).Read(context.Background(), picture)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, scan.ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
		if spent := after.TotalAlloc - before.TotalAlloc; spent > 1<<20 {
			t.Errorf("%s: %d bytes were spent on a refusal", name, spent)
		}
	}
}

// TestMemoryIsBounded: the largest picture that is allowed, in which nothing is found, so that every step has its turn.
func TestMemoryIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("unpacks 25 million pixels")
	}
	picture := bombPNG(t, 5000, 5000)
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	var most atomic.Uint64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
				var now runtime.MemStats
				runtime.ReadMemStats(&now)
				most.Store(max(most.Load(), now.HeapInuse))
			}
		}
	}()
	result, err := scan.NewReader(scan.Options{}).Read(context.Background(), picture)
	close(stop)
	<-stopped
	if err != nil || len(result.Codes) > 0 {
		t.Errorf("%+v, %v", result, err)
	}
	// 25 MB of pixels as they are unpacked, once more as brightness, and what steps make of them until the collector comes.
	if spent := int64(most.Load()) - int64(before.HeapInuse); spent > 400<<20 {
		t.Errorf("%d MB for 25 million pixels of brightness", spent>>20)
	}
}

// withEXIF puts a camera's metadata into a JPEG: which way it was held, and where.
func withEXIF(picture []byte, orientation byte) []byte {
	exif := append([]byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x02"),
		0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, // Orientation
		0x01, 0x0f, 0, 2, 0, 0, 0, 14, 0, 0, 0, 38, // Make, as text
		0, 0, 0, 0)
	exif = append(exif, "55.75N 37.62E\x00"...)
	return append(append(bytes.Clone(picture[:2]), segment(0xe1, exif...)...), picture[2:]...)
}

// TestMetadataIsNotLookedAt: whichever way EXIF says that the camera was held, the corners are those of the stored pixels;
// and nothing of what a camera writes about place and owner comes back.
func TestMetadataIsNotLookedAt(t *testing.T) {
	p := print{text: "EMC1:WHICH WAY UP", side: 0.4, middle: [2]float64{0.3, 0.6}, turn: 1}
	s := scene{w: 800, h: 600, prints: []print{p}, noise: 2}
	photo := photograph(t, s)
	for orientation := byte(1); orientation <= 9; orientation++ { // 9 is none
		result, err := patient().Read(context.Background(), withEXIF(photo, orientation))
		if err != nil || len(result.Codes) != 1 || result.Codes[0].Text != p.text {
			t.Fatalf("orientation %d: %+v, %v", orientation, result, err)
		}
		near(t, result.Codes[0].Corners, s.corners(p), 6)
	}
	damaged := withEXIF(photo, 1)
	if _, err := patient().Read(context.Background(), damaged[:60]); !errors.Is(err, scan.ErrDamaged) || strings.Contains(err.Error(), "55.75") {
		t.Errorf("%v", err)
	}
}

// TestForeignCodes are read and told apart; that of a shop is an address, and nobody goes there.
func TestForeignCodes(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var visits atomic.Int32
	server := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visits.Add(1) }), ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()
	address := "http://" + listener.Addr().String() + "/followed"
	for text, want := range map[string]scan.Kind{
		address: scan.Other, "HC1:6BFOXN%TS3DH": scan.HC1, "shc:/56762909524320603460292437404460": scan.SHC,
		"EMC1T:ABC": scan.EMC1Token, "emc1:lower case is not ours": scan.Other,
	} {
		result, err := patient().Read(context.Background(), encodePNG(t, codeImage(t, text, 5, 20)))
		if err != nil || len(result.Codes) != 1 || result.Codes[0].Text != text || result.Codes[0].Kind != want {
			t.Errorf("%q: %+v, %v", text, result.Codes, err)
		}
	}
	if visits.Load() > 0 {
		t.Error("an address found in a picture was followed")
	}
}

// TestPaddedRows: a JPEG's rows end at a multiple of eight pixels, the picture seldom does.
func TestPaddedRows(t *testing.T) {
	code := codeImage(t, "EMC1:PADDED", 4, 16)
	for extra := range 9 {
		img := image.NewGray(image.Rect(0, 0, code.Rect.Dx()+extra, code.Rect.Dy()+extra))
		for i := range img.Pix {
			img.Pix[i] = 255
		}
		for y := range code.Rect.Dy() {
			copy(img.Pix[y*img.Stride:], code.Pix[y*code.Stride:y*code.Stride+code.Rect.Dx()])
		}
		decoded, err := jpeg.Decode(bytes.NewReader(encodeJPEG(t, img)))
		if err != nil {
			t.Fatal(err)
		}
		if gray, ok := decoded.(*image.Gray); !ok || extra%8 != 0 && gray.Stride == gray.Rect.Dx() && gray.Rect.Dx()%8 != 0 {
			t.Fatalf("%T: this decoder pads nothing, and the test shows nothing", decoded)
		}
		result, err := patient().Read(context.Background(), encodeJPEG(t, img))
		if err != nil || len(result.Codes) != 1 {
			t.Errorf("%d pixels more: %+v, %v", extra, result, err)
		}
	}
}

// TestAnimatedPNG: the first picture counts, the frames after it are never unpacked.
func TestAnimatedPNG(t *testing.T) {
	still := encodePNG(t, codeImage(t, "EMC1:MOVES", 4, 16))
	end := len(still) - 12 // before IEND
	moving := append(bytes.Clone(still[:33]), chunk("acTL", []byte{0, 0, 0, 2, 0, 0, 0, 0})...)
	moving = append(moving, still[33:end]...)
	moving = append(moving, chunk("fcTL", make([]byte, 26))...)
	moving = append(moving, chunk("fdAT", bytes.Repeat([]byte{0xff}, 5000))...)
	moving = append(moving, still[end:]...)
	result, err := patient().Read(context.Background(), moving)
	if err != nil || len(result.Codes) != 1 || result.Codes[0].Text != "EMC1:MOVES" {
		t.Errorf("%+v, %v", result, err)
	}
}

// TestWorstPicture is what costs each step the most: eyes everywhere, of several sizes, between noise, so that every light
// is full of trios. The deadline holds all the same, measured from when the picture is unpacked.
func TestWorstPicture(t *testing.T) {
	if testing.Short() {
		t.Skip("works until the deadline")
	}
	r := rand.New(rand.NewPCG(9, 9))
	img := image.NewGray(image.Rect(0, 0, 2000, 2000))
	for i := range img.Pix {
		img.Pix[i] = byte(200 + r.IntN(56))
	}
	for range 900 {
		module, x0, y0 := 2+r.IntN(6), r.IntN(1940), r.IntN(1940)
		for y := range 7 * module {
			for x := range 7 * module {
				dx, dy := x/module-3, y/module-3
				if max(dx, -dx, dy, -dy) != 2 {
					img.SetGray(x0+x, y0+y, color.Gray{20})
				} else {
					img.SetGray(x0+x, y0+y, color.Gray{230})
				}
			}
		}
	}
	const limit = 500 * time.Millisecond
	result, err := scan.NewReader(scan.Options{Time: limit}).Read(context.Background(), encodePNG(t, img))
	if err != nil && !errors.Is(err, scan.ErrTooLarge) || len(result.Codes) > 0 {
		t.Fatalf("%+v, %v", result, err)
	}
	// The last step that had begun is not cut off, only what it does between two trios. The rest is for machines with other work.
	if result.Elapsed > 5*limit {
		t.Errorf("took %v of the allowed %v", result.Elapsed, limit)
	}
}
