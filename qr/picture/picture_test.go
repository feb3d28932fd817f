package picture_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/medcard/medcard/qr/picture"
	"github.com/medcard/medcard/qr/scan"
)

const text = "EMC1:TWGSLK/-415950K998ON9KII.6BH:KH3D  CGPCYKEFN0/LDMD9WY0/LDMN7R-0V50000000000000000000000/E7V50*20:60100100WJG-C3U808CKP785SO.7ETZS"

func draw(t testing.TB, text string) picture.Code {
	t.Helper()
	code, err := picture.Draw(text)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// What is drawn is read again, by our own reader, at every scale that a screen or a printer may ask for.
func TestPNGIsRead(t *testing.T) {
	reader := scan.NewReader(scan.Options{})
	for _, content := range []string{text, "EMC1T:0123456789ABCDEFGHIJKLMN", strings.Repeat("Z", 595)} {
		for _, pixels := range []int{3, 4, 8} {
			var file bytes.Buffer
			if err := draw(t, content).PNG(&file, pixels); err != nil {
				t.Fatal(err)
			}
			result, err := reader.Read(context.Background(), file.Bytes())
			if err != nil || len(result.Codes) != 1 || result.Codes[0].Text != content {
				t.Errorf("%d characters at %d pixels: %d codes, %v", len(content), pixels, len(result.Codes), err)
			}
		}
	}
}

func TestPNGIsSmallAndFramed(t *testing.T) {
	code := draw(t, text)
	var file bytes.Buffer
	if err := code.PNG(&file, 5); err != nil {
		t.Fatal(err)
	}
	if bits := file.Bytes()[24]; bits != 1 {
		t.Errorf("%d bits a pixel", bits)
	}
	img, err := png.Decode(bytes.NewReader(file.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	side := (code.Size() + 2*picture.Quiet) * 5
	if img.Bounds() != image.Rect(0, 0, side, side) {
		t.Error(img.Bounds())
	}
	black := func(x, y int) bool { return color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y == 0 }
	for y := range side {
		for x := range side {
			if black(x, y) != code.Dark(x/5-picture.Quiet, y/5-picture.Quiet) {
				t.Fatalf("pixel %d, %d", x, y)
			}
		}
	}
	if black(0, 0) || !black(picture.Quiet*5, picture.Quiet*5) {
		t.Error("the frame is white and the first finder begins after it")
	}
	t.Logf("version %d, %d bytes", code.Version(), file.Len())
}

var runs = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`)

// The SVG paints the same modules as the bitmap, no more and no fewer.
func TestSVGPaintsTheSameModules(t *testing.T) {
	code := draw(t, text)
	var file bytes.Buffer
	if err := code.SVG(&file); err != nil {
		t.Fatal(err)
	}
	if svg := file.String(); !strings.HasPrefix(svg, "<svg ") || !strings.HasSuffix(svg, "</svg>") || strings.Count(svg, "<path ") != 2 {
		t.Error(svg[:min(len(svg), 200)])
	}
	painted := map[image.Point]bool{}
	for _, m := range runs.FindAllStringSubmatch(file.String(), -1) {
		x, _ := strconv.Atoi(m[1])
		y, _ := strconv.Atoi(m[2])
		length, _ := strconv.Atoi(m[3])
		if m[3] != m[4] {
			t.Fatal("a run that does not close:", m[0])
		}
		for i := range length {
			painted[image.Pt(x+i-picture.Quiet, y-picture.Quiet)] = true
		}
	}
	for y := range code.Size() {
		for x := range code.Size() {
			if painted[image.Pt(x, y)] != code.Dark(x, y) {
				t.Fatalf("module %d, %d", x, y)
			}
			delete(painted, image.Pt(x, y))
		}
	}
	if len(painted) > 0 {
		t.Error("painted outside the code")
	}
	if want := `width="` + strconv.FormatFloat(float64(code.Size()+8)*picture.ModuleMillimetres, 'g', -1, 64) + `mm"`; !strings.Contains(file.String(), want) {
		t.Errorf("no %s: on paper a module has %v mm", want, picture.ModuleMillimetres)
	}
}

func TestDrawRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"nothing": {"", picture.ErrText}, "lower case": {"emc1:abc", picture.ErrText}, "Cyrillic": {"EMC1:Я", picture.ErrText},
		"lower case in the middle": {"EMC1:AbC", picture.ErrText}, "not UTF-8": {"EMC1:\xff", picture.ErrText}, "too much": {strings.Repeat("A", 5000), picture.ErrDraw},
	} {
		if _, err := picture.Draw(c.text); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, pixels := range []int{-1, 0, 65} {
		if err := draw(t, text).PNG(io.Discard, pixels); !errors.Is(err, picture.ErrScale) {
			t.Errorf("%d pixels: %v", pixels, err)
		}
	}
	var zero picture.Code
	if zero.Dark(0, 0) {
		t.Error("a code that was not drawn has no modules")
	}
}

// Up to version 40 the library neither panics nor changes its mind about the size.
func TestEveryLength(t *testing.T) {
	for n := 1; n <= 3391; n += 97 {
		code := draw(t, strings.Repeat("$", n))
		if v := code.Version(); v < 1 || v > 40 || v*4+17 != code.Size() {
			t.Errorf("%d characters: version %d, %d modules", n, v, code.Size())
		}
	}
}

func BenchmarkPNG(b *testing.B) {
	for b.Loop() {
		if err := draw(b, text).PNG(io.Discard, 8); err != nil {
			b.Fatal(err)
		}
	}
}
