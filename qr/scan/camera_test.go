package scan_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"testing"
)

// The camera of this file is meant to be as unkind as a phone's: rays go through a pinhole to a sheet that may be rolled, light
// falls on it unevenly, the lens and the hand smear what comes back, the sensor adds its grain, the phone its gamma and its
// JPEG. scene in photo_test.go is its simple sister for tests that only need a code in a picture.

// shot is one press on the button.
type shot struct {
	w, h    int
	sheets  []sheet
	disc    float64 // radius of the circle of confusion, in pixels
	motion  float64 // pixels that the hand moved
	along   float64 // in which direction
	grain   float64 // noise of the sensor: 1 = a good one in daylight
	dim     float64 // exposure; 0 means 1
	slope   float64 // how much darker one side is
	shadows []shadow
	glares  []glare
	barrel  float64 // by how much a wide lens draws the corners in
	edges   float64 // how much the phone sharpens its pictures
	quality int     // of the JPEG; 0 means 88
	seed    uint64
}

// shadow darkens what lies on one side of a line through a point given in shares of the photo.
type shadow struct {
	at          [2]float64
	angle, soft float64 // soft: pixels over which it begins
	depth       float64 // share of the light that it takes
}

// glare is a lamp that the paper mirrors.
type glare struct {
	at    [2]float64
	width float64 // pixels
	light float64 // 1 = as much as white paper gives back
}

// take exposes, develops and compresses.
func (s shot) take(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	quality := otherwise(float64(s.quality), 88)
	if err := jpeg.Encode(&out, s.develop(), &jpeg.Options{Quality: int(quality)}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func (s shot) develop() *image.Gray {
	random := rand.New(rand.NewPCG(s.seed, 77))
	light := make([]float32, s.w*s.h)
	for i := range light {
		light[i] = table
	}
	area := image.Rectangle{}
	for _, sheet := range s.sheets {
		area = area.Union(s.lay(light, sheet))
	}
	s.shine(light)
	reach := int(s.disc+s.motion/2) + 3
	smear(light, s.w, area.Inset(-reach).Intersect(image.Rect(0, 0, s.w, s.h)), s.lens())
	exposure := otherwise(s.dim, 1)
	img := image.NewGray(image.Rect(0, 0, s.w, s.h))
	for i, l := range light {
		v := float64(l) * exposure
		// Photons come by chance, and reading them out adds a little of its own.
		v += random.NormFloat64() * s.grain * math.Sqrt(0.00006*v+0.000004)
		img.Pix[i] = gamma(v)
	}
	if s.edges > 0 {
		sharpen(img, s.edges)
	}
	return img
}

// sharpen draws the edges that cheap phones draw around everything.
func sharpen(img *image.Gray, much float64) {
	from, w := bytes.Clone(img.Pix), img.Stride
	for y := 1; y < img.Rect.Dy()-1; y++ {
		for x := 1; x < img.Rect.Dx()-1; x++ {
			at := y*w + x
			around := int(from[at-1]) + int(from[at+1]) + int(from[at-w]) + int(from[at+w])
			v := float64(from[at])
			img.Pix[at] = byte(max(0, min(255, v+much*(v-float64(around)/4))))
		}
	}
}

// gammas: what a linear value becomes in a picture, in 4,096 steps.
var gammas = func() (table [4097]byte) {
	for i := range table {
		table[i] = byte(255*math.Pow(float64(i)/4096, 1/2.2) + 0.5)
	}
	return table
}()

func gamma(v float64) byte { return gammas[int(4096*max(0, min(1, v)))] }

// lay draws one sheet and tells which part of the photo it covers.
func (s shot) lay(light []float32, sh sheet) image.Rectangle {
	v := newRay(sh)
	cx, cy := sh.middle[0]*float64(s.w), sh.middle[1]*float64(s.h)
	reach := int(2.4 * sh.pixels)
	area := image.Rect(int(cx)-reach, int(cy)-reach, int(cx)+reach, int(cy)+reach).Intersect(image.Rect(0, 0, s.w, s.h))
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			sum, hits, fine := 0.0, 0, 3 // samples a pixel, each way
			px, py := s.bend(float64(x), float64(y))
			if u, w, ok := v.onSheet(px-cx, py-cy); !ok || max(math.Abs(u), math.Abs(w)) > 0.6 {
				fine = 1
			}
			n := float64(fine)
			for i := range fine * fine {
				px, py := float64(x)+(float64(i%fine)+0.5)/n, float64(y)+(float64(i/fine)+0.5)/n
				px, py = s.bend(px, py)
				u, w, ok := v.onSheet(px-cx, py-cy)
				if !ok {
					continue
				}
				r, ok := v.reflect(u, w)
				if !ok {
					continue
				}
				hits++
				if sh.grid > 0 {
					// A screen's dots stand in the sheet's directions, at a step that the sensor's pixels cannot show.
					dots := 2 * math.Pi * sh.pixels / sh.grid
					r *= 1 + 0.45*math.Sin(dots*u)*math.Sin(dots*w)
				}
				sum += r
			}
			if hits > 0 {
				at := y*s.w + x
				light[at] = (float32(sum) + light[at]*float32(fine*fine-hits)) / float32(fine*fine)
			}
		}
	}
	return area
}

// bend is what a wide lens does to straight lines.
func (s shot) bend(x, y float64) (float64, float64) {
	if s.barrel == 0 {
		return x, y
	}
	half := math.Hypot(float64(s.w), float64(s.h)) / 2
	dx, dy := x-float64(s.w)/2, y-float64(s.h)/2
	k := 1 + s.barrel*(dx*dx+dy*dy)/(half*half)
	return float64(s.w)/2 + dx*k, float64(s.h)/2 + dy*k
}

// shine is the uneven light.
func (s shot) shine(light []float32) {
	if s.slope == 0 && len(s.shadows) == 0 && len(s.glares) == 0 {
		return
	}
	for y := range s.h {
		for x := range s.w {
			px, py := float64(x), float64(y)
			l := float64(light[y*s.w+x]) * (1 - s.slope*(px+py)/float64(s.w+s.h))
			for _, d := range s.shadows {
				sin, cos := math.Sincos(d.angle)
				off := (px-d.at[0]*float64(s.w))*cos + (py-d.at[1]*float64(s.h))*sin
				l *= 1 - d.depth/(1+math.Exp(-off/max(1, d.soft/4)))
			}
			for _, g := range s.glares {
				dx, dy := px-g.at[0]*float64(s.w), py-g.at[1]*float64(s.h)
				l += g.light * math.Exp(-(dx*dx+dy*dy)/(2*g.width*g.width))
			}
			light[y*s.w+x] = float32(l)
		}
	}
}

// tap is one place from which light falls into a pixel.
type tap struct {
	dx, dy int
	share  float32
}

// lens is where the light of one point goes: a disc out of focus, moved along a line, and never sharper than a lens is.
func (s shot) lens() (taps []tap) {
	reach := int(math.Ceil(s.disc+s.motion/2)) + 2
	side := 2*reach + 1
	kernel := make([]float64, side*side)
	sin, cos := math.Sincos(s.along)
	const fine, sharp = 5, 0.55
	steps := int(s.motion*2) + 1
	for i := range side * fine {
		for j := range side * fine {
			dx, dy := (float64(j)+0.5)/fine-float64(reach)-0.5, (float64(i)+0.5)/fine-float64(reach)-0.5
			for k := range steps {
				along := 0.0
				if steps > 1 {
					along = s.motion * (float64(k)/float64(steps-1) - 0.5)
				}
				r := math.Hypot(dx-along*cos, dy-along*sin)
				kernel[i/fine*side+j/fine] += 1 / (1 + math.Exp((r-max(s.disc, 0.5))/sharp*3))
			}
		}
	}
	total := 0.0
	for _, k := range kernel {
		total += k
	}
	for i, k := range kernel {
		if k/total > 1e-4 {
			taps = append(taps, tap{i%side - reach, i/side - reach, float32(k / total)})
		}
	}
	return taps
}

// smear applies a lens to a part of the photo; outside of it nothing has edges.
func smear(light []float32, w int, area image.Rectangle, taps []tap) {
	h := len(light) / w
	out := make([]float32, area.Dx()*area.Dy())
	for _, t := range taps {
		for y := range area.Dy() {
			from := light[max(0, min(h-1, area.Min.Y+y+t.dy))*w:]
			row := out[y*area.Dx() : (y+1)*area.Dx()]
			for x := range row {
				row[x] += t.share * from[max(0, min(w-1, area.Min.X+x+t.dx))]
			}
		}
	}
	for y := range area.Dy() {
		copy(light[(area.Min.Y+y)*w+area.Min.X:], out[y*area.Dx():(y+1)*area.Dx()])
	}
}
