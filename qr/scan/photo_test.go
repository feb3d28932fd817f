package scan_test

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"
	"github.com/makiuchi-d/gozxing/qrcode/encoder"

	"github.com/medcard/medcard/qr/scan"
)

// print is a code on paper, and how it lies in the photo.
type print struct {
	text   string
	pack   bool       // a Data Matrix, as on a medicine pack
	middle [2]float64 // of the code, as a share of the photo's width and height
	side   float64    // of the code, as a share of the photo's shorter side
	turn   float64    // radians
	tilt   float64    // how much smaller the far edge is than the near one: 0.3 = 30 %
	bend   float64    // of the sheet: by how much of the code's side its middle is lifted
}

// scene is what a phone saw.
type scene struct {
	w, h     int
	prints   []print
	blur     float64 // pixels
	noise    float64 // standard deviation, of 255
	shadow   float64 // how much darker one edge of the photo is: 0.5 = half
	contrast float64 // of ink to paper; 0 = full
	negative bool
	quality  int // of the JPEG
	seed     uint64
}

// photograph renders a scene as a JPEG. It is a simple camera, but the modules are drawn where its perspective and the
// bent sheet put them, not where a reader expects them.
func photograph(t testing.TB, s scene) []byte {
	t.Helper()
	random := rand.New(rand.NewPCG(s.seed, 1))
	light := make([]float64, s.w*s.h)
	for y := range s.h {
		for x := range s.w {
			light[y*s.w+x] = 0.85 // a table; the sheets are brighter
		}
	}
	for _, p := range s.prints {
		drawPrint(t, light, s, p)
	}
	if s.blur > 0 {
		light = gauss(light, s.w, s.h, s.blur)
	}
	out := image.NewGray(image.Rect(0, 0, s.w, s.h))
	for y := range s.h {
		for x := range s.w {
			v := light[y*s.w+x]
			if s.contrast > 0 {
				v = 0.5 + (v-0.5)*s.contrast
			}
			v *= 1 - s.shadow*float64(x+y)/float64(s.w+s.h)
			if s.negative {
				v = 1 - v
			}
			g := v*235 + 10 + random.NormFloat64()*s.noise
			out.SetGray(x, y, color.Gray{uint8(max(0, min(255, g)))})
		}
	}
	var data bytes.Buffer
	quality := s.quality
	if quality == 0 {
		quality = 85
	}
	if err := jpeg.Encode(&data, out, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return data.Bytes()
}

// drawPrint goes backwards, from each pixel to the module it shows, over four points a pixel.
func drawPrint(t testing.TB, light []float64, s scene, p print) {
	t.Helper()
	size, dark := modulesOf(t, p.text, p.pack)
	n := float64(size)
	half := p.side * float64(min(s.w, s.h)) / 2
	cx, cy := p.middle[0]*float64(s.w), p.middle[1]*float64(s.h)
	sin, cos := math.Sincos(p.turn)
	const frame = 0.12 // white paper around, as a share of the side
	reach := int(half*(1+2*frame)*1.8) + 2
	for y := max(0, int(cy)-reach); y < min(s.h, int(cy)+reach); y++ {
		for x := max(0, int(cx)-reach); x < min(s.w, int(cx)+reach); x++ {
			sum, hit := 0.0, false
			for _, d := range [4][2]float64{{0.25, 0.25}, {0.75, 0.25}, {0.25, 0.75}, {0.75, 0.75}} {
				dx, dy := float64(x)+d[0]-cx, float64(y)+d[1]-cy
				u, v := (dx*cos+dy*sin)/half, (-dx*sin+dy*cos)/half // -1..1 on a flat sheet seen from above
				// Tilt: rows further up are further away. Solved for the sheet's own coordinates.
				k := p.tilt / 2
				v /= 1 - k*v
				u *= 1 + k*v
				v += p.bend * (1 - u*u)
				if math.Abs(u) > 1+2*frame || math.Abs(v) > 1+2*frame {
					sum += light[y*s.w+x]
					continue
				}
				hit = true
				col, row := math.Floor((u+1)/2*n), math.Floor((v+1)/2*n)
				ink := 1.0
				if col >= 0 && row >= 0 && col < n && row < n && dark(int(col), int(row)) {
					ink = 0.08
				}
				sum += ink
			}
			if hit {
				light[y*s.w+x] = sum / 4
			}
		}
	}
}

// corners is where the camera shows the corners of the code.
func (s scene) corners(p print) (out [4]scan.Point) {
	half := p.side * float64(min(s.w, s.h)) / 2
	sin, cos := math.Sincos(p.turn)
	for i, c := range [4][2]float64{{-1, -1}, {1, -1}, {1, 1}, {-1, 1}} {
		nearer := 1 + p.tilt/2*c[1]
		u, v := half*c[0]/nearer, half*c[1]/nearer
		out[i] = scan.Point{X: p.middle[0]*float64(s.w) + u*cos - v*sin, Y: p.middle[1]*float64(s.h) + u*sin + v*cos}
	}
	return out
}

// modulesOf encodes a text and tells which modules are dark.
func modulesOf(t testing.TB, text string, pack bool) (size int, dark func(x, y int) bool) {
	t.Helper()
	if pack {
		return packModules(t, text)
	}
	code, err := encoder.Encoder_encode(text, decoder.ErrorCorrectionLevel_M, map[gozxing.EncodeHintType]any{})
	if err != nil {
		t.Fatal(err)
	}
	modules := code.GetMatrix()
	return modules.GetWidth(), func(x, y int) bool { return modules.Get(x, y) == 1 }
}

// gauss blurs as a lens out of focus does, roughly.
func gauss(px []float64, w, h int, sigma float64) []float64 {
	kernel := make([]float64, 2*int(3*sigma+1)+1)
	r, total := len(kernel)/2, 0.0
	for i := range kernel {
		kernel[i] = math.Exp(-float64((i-r)*(i-r)) / (2 * sigma * sigma))
		total += kernel[i]
	}
	pass := func(in []float64, dx, dy int) []float64 {
		out := make([]float64, len(in))
		for y := range h {
			for x := range w {
				sum := 0.0
				for i, k := range kernel {
					px, py := min(max(x+(i-r)*dx, 0), w-1), min(max(y+(i-r)*dy, 0), h-1)
					sum += in[py*w+px] * k
				}
				out[y*w+x] = sum / total
			}
		}
		return out
	}
	return pass(pass(px, 1, 0), 0, 1)
}

// emc1Text is a text with the look of a signed code. Its signature is noise: at this level nobody looks at it.
func emc1Text(random *rand.Rand, chars int) string {
	const base45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
	var b strings.Builder
	b.WriteString("EMC1:")
	for b.Len() < chars {
		b.WriteByte(base45[random.IntN(len(base45))])
	}
	return b.String()
}

// codeImage is a code as a program draws it: sharp, square, with a quiet zone.
func codeImage(t testing.TB, text string, scale, margin int) *image.Gray {
	t.Helper()
	n, dark := modulesOf(t, text, false)
	img := image.NewGray(image.Rect(0, 0, n*scale+2*margin, n*scale+2*margin))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	for y := range n * scale {
		for x := range n * scale {
			if dark(x/scale, y/scale) {
				img.SetGray(margin+x, margin+y, color.Gray{})
			}
		}
	}
	return img
}
