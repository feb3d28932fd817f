package scan_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/medcard/medcard/qr/scan"
)

// sharedData finds a folder of ../shared/data beside the repository, which holds material that is not ours to copy.
func sharedData(t testing.TB, name string) (folder string, ok bool) {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		candidate := filepath.Join(dir, "shared", "data", name)
		if _, err := os.Stat(candidate); err == nil {
			return candidate, true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", false
		}
		dir = parent
	}
}

const noBlackBox = "no shared/data/qr beside the repository: zxing's black-box pictures are not at hand"

// TestBlackBox reads zxing's photographed codes in four rotations and prints a table of rates. It asserts only what must
// never get worse: no text is misread, and no set is read worse than by gozxing alone.
func TestBlackBox(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("reads 324 photos")
	}
	folder, ok := sharedData(t, "qr")
	if !ok {
		t.Skip(noBlackBox)
	}
	reader := scan.NewReader(scan.Options{Time: time.Minute})
	steps := map[string]int{}
	table := []string{fmt.Sprintf("%-9s %8s %8s %8s %9s", "set", "pictures", "gozxing", "read", "mean ms")}
	for _, set := range []string{"qrcode-1", "qrcode-3", "qrcode-5"} {
		files, err := filepath.Glob(filepath.Join(folder, set, "*.png"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %d files", set, err, len(files))
		}
		var pictures, plain, read int
		var spent time.Duration
		for _, file := range files {
			want := expectedText(t, file)
			img := decodePNG(t, file)
			for quarter := range 4 {
				turned := rotate(img, quarter)
				pictures++
				if unifyLines(plainRead(turned)) == want {
					plain++
				}
				result, err := reader.Read(context.Background(), encodePNG(t, turned))
				if err != nil {
					t.Fatalf("%s: %v", file, err)
				}
				spent += result.Elapsed
				for _, code := range result.Codes {
					if unifyLines(code.Text) != want {
						t.Errorf("%s turned %d: misread %q", filepath.Base(file), quarter*90, code.Text)
					}
				}
				if len(result.Codes) == 1 {
					read++
					steps[result.Step]++
				} else if testing.Verbose() {
					t.Logf("%s/%s turned %d: %d codes", set, filepath.Base(file), quarter*90, len(result.Codes))
				}
			}
		}
		table = append(table, fmt.Sprintf("%-9s %8d %8d %8d %9.0f", set, pictures, plain, read, float64(spent.Milliseconds())/float64(pictures)))
		if read < plain {
			t.Errorf("%s: %d read, gozxing alone reads %d", set, read, plain)
		}
	}
	t.Log("\n" + strings.Join(table, "\n"))
	t.Log("\n" + strings.Join(byCount(steps), "\n"))
}

func byCount(steps map[string]int) (lines []string) {
	for step, n := range steps {
		lines = append(lines, fmt.Sprintf("%5d  %s", n, step))
	}
	sort.Sort(sort.Reverse(sort.StringSlice(lines)))
	return lines
}

func expectedText(t testing.TB, file string) string {
	t.Helper()
	text, err := os.ReadFile(strings.TrimSuffix(file, ".png") + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	return unifyLines(string(text))
}

// unifyLines: the expected texts were stored with another line end than the codes hold.
func unifyLines(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }

func decodePNG(t testing.TB, file string) image.Image {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func encodePNG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.NoCompression}).Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// rotate turns a picture by quarters, clockwise.
func rotate(img image.Image, quarters int) image.Image {
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	if quarters%2 == 1 {
		w, h = h, w
	}
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			var sx, sy int
			switch quarters % 4 {
			case 0:
				sx, sy = x, y
			case 1:
				sx, sy = y, b.Dy()-1-x
			case 2:
				sx, sy = b.Dx()-1-x, b.Dy()-1-y
			case 3:
				sx, sy = b.Dx()-1-y, x
			}
			out.Set(x, y, img.At(b.Min.X+sx, b.Min.Y+sy))
		}
	}
	return out
}

// plainRead is what a program gets that calls the library and nothing else.
func plainRead(img image.Image) string {
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		return ""
	}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, nil)
	if err != nil {
		return ""
	}
	return result.GetText()
}
