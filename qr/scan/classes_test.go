package scan_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"
	"github.com/makiuchi-d/gozxing/qrcode/encoder"
)

// symbol is a QR code as modules.
type symbol struct {
	size int
	dark func(col, row int) bool
}

// symbolOf encodes a text; charset "" leaves bytes without a word about their encoding (UTF-8 then says itself).
func symbolOf(t testing.TB, text string, level decoder.ErrorCorrectionLevel, charset string) symbol {
	t.Helper()
	hints := map[gozxing.EncodeHintType]any{}
	if charset != "" {
		hints[gozxing.EncodeHintType_CHARACTER_SET] = charset
	}
	code, err := encoder.Encoder_encode(text, level, hints)
	if err != nil {
		t.Fatal(err)
	}
	modules := code.GetMatrix()
	return symbol{modules.GetWidth(), func(col, row int) bool { return modules.Get(col, row) == 1 }}
}

// class is one way in which photos fail. Its photos get harder from 0 to 1.
type class struct {
	name string
	take func(t testing.TB, r *rand.Rand, hard float64) shot
}

// lengths of our codes: an opaque token, a referral, prescriptions of one to three items; versions 3 to 15, and what other
// systems print, up to 25.
var lengths = []int{51, 150, 240, 332, 401, 535, 401, 535, 51, 332, 800, 1150}

// ours is a code of ours lying almost straight in the middle, in a photo that is good.
func ours(t testing.TB, r *rand.Rand) (shot, *sheet) {
	text := emc1Text(r, lengths[r.IntN(len(lengths))])
	s := shot{w: 1200, h: 900, grain: 1, seed: r.Uint64(), quality: 75 + r.IntN(20)}
	s.sheets = []sheet{{
		text:    text,
		modules: symbolOf(t, text, decoder.ErrorCorrectionLevel_M, ""),
		middle:  [2]float64{between(r, 0.45, 0.55), between(r, 0.45, 0.55)},
		pixels:  between(r, 430, 560),
		roll:    between(r, -0.12, 0.12),
		yaw:     between(r, -0.1, 0.1),
		pitch:   between(r, -0.1, 0.1),
	}}
	return s, &s.sheets[0]
}

func between(r *rand.Rand, from, to float64) float64 { return from + (to-from)*r.Float64() }

// rise goes from one value to another as photos get harder.
func rise(hard, from, to float64) float64 { return from + (to-from)*hard }

func anyAngle(r *rand.Rand) float64 { return 2 * math.Pi * r.Float64() }

// module is how many pixels wide a module of the sheet is.
func (s *sheet) module() float64 { return s.pixels / float64(s.modules.size) }

// one makes a class out of what it changes in a good photo of one code.
func one(name string, change func(r *rand.Rand, hard float64, s *shot, p *sheet)) class {
	return class{name, func(t testing.TB, r *rand.Rand, hard float64) shot {
		s, p := ours(t, r)
		change(r, hard, &s, p)
		return s
	}}
}

// classes: blur is given in modules, since that is what decides; the worst of most classes is beyond any reader.
var classes = []class{
	one("good", func(*rand.Rand, float64, *shot, *sheet) {}),
	one("any angle", func(r *rand.Rand, _ float64, _ *shot, p *sheet) { p.roll = anyAngle(r) }),
	one("perspective", func(r *rand.Rand, hard float64, _ *shot, p *sheet) {
		lean, towards := rise(hard, 0.3, 1.1), anyAngle(r)
		p.yaw, p.pitch, p.roll = lean*math.Cos(towards), lean*math.Sin(towards), anyAngle(r)
		p.distance = between(r, 1.6, 3)
	}),
	one("out of focus", func(r *rand.Rand, hard float64, s *shot, p *sheet) {
		s.disc, p.roll = rise(hard, 0.4, 1.1)*p.module(), anyAngle(r)
	}),
	one("motion", func(r *rand.Rand, hard float64, s *shot, p *sheet) {
		s.motion, s.along = rise(hard, 0.6, 2)*p.module(), anyAngle(r)
	}),
	one("noise", func(r *rand.Rand, hard float64, s *shot, p *sheet) {
		s.dim, s.grain, p.roll = rise(hard, 0.3, 0.04), rise(hard, 3, 7), anyAngle(r)
	}),
	one("shade", func(r *rand.Rand, hard float64, s *shot, p *sheet) {
		s.slope, p.roll = rise(hard, 0.1, 0.6), anyAngle(r)
		for range 1 + r.IntN(3) {
			s.shadows = append(s.shadows, shadow{
				at: [2]float64{between(r, 0.3, 0.7), between(r, 0.3, 0.7)}, angle: anyAngle(r), soft: between(r, 3, 60), depth: rise(hard, 0.4, 0.9),
			})
		}
	}),
	one("curl", func(r *rand.Rand, hard float64, _ *shot, p *sheet) {
		p.radius, p.axis, p.roll = 1/rise(hard, 0.5, 2), anyAngle(r), anyAngle(r)
		if r.IntN(3) == 0 {
			p.radius = -1 / rise(hard, 0.3, 0.9)
		}
	}),
	one("glare", func(r *rand.Rand, hard float64, s *shot, p *sheet) {
		p.roll, s.dim = anyAngle(r), 0.9
		for range 1 + r.IntN(2) {
			x, y := p.middle[0]+between(r, -0.4, 0.4)*p.pixels/1200, p.middle[1]+between(r, -0.4, 0.4)*p.pixels/900
			s.glares = append(s.glares, glare{[2]float64{x, y}, rise(hard, 0.03, 0.13) * p.pixels, between(r, 0.8, 3)})
		}
	}),
	one("pale", func(r *rand.Rand, hard float64, s *shot, p *sheet) {
		p.ink, p.roll, s.dim = paper*rise(hard, 0.4, 0.85), anyAngle(r), between(r, 0.3, 0.9)
	}),
	one("12 MP, small code", func(r *rand.Rand, hard float64, s *shot, p *sheet) {
		s.w, s.h = 4000, 3000
		p.middle = [2]float64{between(r, 0.15, 0.85), between(r, 0.15, 0.85)}
		p.roll, s.grain, s.disc = anyAngle(r), 2, between(r, 0.5, 1.4)
		p.pixels = rise(hard, 5, 2.2) * float64(p.modules.size)
	}),
	one("tiny", func(r *rand.Rand, hard float64, s *shot, p *sheet) {
		s.w, s.h = 640, 480
		p.pixels, p.roll = min(400, rise(hard, 3, 1.6)*float64(p.modules.size)), anyAngle(r)
	}),
	one("inverted", func(r *rand.Rand, hard float64, s *shot, p *sheet) {
		p.negative, p.roll, s.disc = true, anyAngle(r), rise(hard, 0.2, 0.9)*p.module()
	}),
	one("mirrored", func(r *rand.Rand, hard float64, s *shot, p *sheet) {
		p.mirrored, p.roll, s.disc = true, anyAngle(r), rise(hard, 0.2, 0.9)*p.module()
	}),
	{"two codes", func(t testing.TB, r *rand.Rand, hard float64) shot {
		s, p := ours(t, r)
		s.w, s.h = 1600, 1200
		p.middle, p.margin = [2]float64{between(r, 0.27, 0.3), between(r, 0.4, 0.6)}, 0.15
		second, q := ours(t, r)
		q.middle, q.margin = [2]float64{between(r, 0.7, 0.73), between(r, 0.4, 0.6)}, 0.15
		s.sheets = append(s.sheets, second.sheets...)
		for i := range s.sheets { // one beside the other, however they are turned
			s.sheets[i].roll, s.sheets[i].pixels = anyAngle(r), between(r, 330, 400)
		}
		s.disc = rise(hard, 0.3, 0.9) * min(s.sheets[0].module(), s.sheets[1].module())
		return s
	}},
	one("compressed", func(r *rand.Rand, hard float64, s *shot, p *sheet) {
		s.quality, p.roll, s.grain = int(rise(hard, 40, 5)), anyAngle(r), 2
	}),
	one("screen", func(r *rand.Rand, hard float64, s *shot, p *sheet) {
		p.grid, p.roll, s.disc = between(r, 1.05, 3), between(r, -0.3, 0.3), rise(hard, 0.2, 0.8)*p.module()
	}),
	one("damaged", func(r *rand.Rand, hard float64, _ *shot, p *sheet) {
		p.roll = anyAngle(r)
		for range 1 + int(rise(hard, 1, 6)) {
			c := [2]float64{between(r, -0.5, 0.5), between(r, -0.5, 0.5)}
			long, sin, cos := between(r, 0.1, 0.5), 0.0, 0.0
			sin, cos = math.Sincos(anyAngle(r))
			p.scars = append(p.scars, scar{
				from: [2]float64{c[0] - long*cos/2, c[1] - long*sin/2}, to: [2]float64{c[0] + long*cos/2, c[1] + long*sin/2},
				width: between(r, 0.008, 0.03), shade: []float64{0.06, 0.8, 0.3}[r.IntN(3)],
			})
		}
	}),
	{"other codes", func(t testing.TB, r *rand.Rand, hard float64) shot {
		s, p := ours(t, r)
		level := []decoder.ErrorCorrectionLevel{
			decoder.ErrorCorrectionLevel_L, decoder.ErrorCorrectionLevel_M, decoder.ErrorCorrectionLevel_Q, decoder.ErrorCorrectionLevel_H,
		}[r.IntN(4)]
		var charset string
		p.text, charset = foreignText(r)
		p.modules = symbolOf(t, p.text, level, charset)
		p.roll, s.disc = anyAngle(r), rise(hard, 0.3, 1)*p.module()
		return s
	}},
	{"large versions", func(t testing.TB, r *rand.Rand, hard float64) shot {
		s, p := ours(t, r)
		s.w, s.h = 1600, 1200
		p.text = emc1Text(r, 1200+r.IntN(2100))
		p.modules = symbolOf(t, p.text, decoder.ErrorCorrectionLevel_L, "")
		p.pixels, p.roll = min(780, rise(hard, 6, 3.2)*float64(p.modules.size)), anyAngle(r)
		return s
	}},
	one("old phone", func(r *rand.Rand, hard float64, s *shot, p *sheet) {
		s.w, s.h, s.quality, s.edges = 640, 480, int(between(r, 40, 70)), between(r, 0.5, 2)
		p.pixels = min(300, between(r, 3.5, 6)*float64(p.modules.size))
		s.disc, s.grain, s.dim, s.barrel = rise(hard, 0.3, 0.8)*p.module(), between(r, 2, 4), between(r, 0.3, 0.9), between(r, 0, 0.1)
		p.yaw, p.pitch, p.roll = between(r, -0.3, 0.3), between(r, -0.3, 0.3), between(r, -0.5, 0.5)
	}),
	one("crowded", func(r *rand.Rand, hard float64, s *shot, p *sheet) {
		p.quiet, p.roll, s.disc = rise(hard, 2.5, 0.7), anyAngle(r), between(r, 0.2, 0.7)*p.module()
	}),
	one("ink", func(r *rand.Rand, hard float64, s *shot, p *sheet) {
		p.spread, p.roll, s.disc = rise(hard, 0.08, 0.3), anyAngle(r), between(r, 0.2, 0.5)*p.module()
		if r.IntN(2) == 0 {
			p.spread = -p.spread
		}
	}),
	one("designed", func(r *rand.Rand, hard float64, s *shot, p *sheet) {
		p.dots, p.roll, s.disc = r.IntN(2) == 0, anyAngle(r), between(r, 0.2, 0.7)*p.module()
		p.logo = rise(hard, 0, 0.3)
	}),
	one("wide lens", func(r *rand.Rand, hard float64, s *shot, p *sheet) {
		s.barrel, p.roll, s.disc = rise(hard, 0.1, 0.5), anyAngle(r), between(r, 0.2, 0.5)*p.module()
		p.middle = [2]float64{between(r, 0.3, 0.7), between(r, 0.35, 0.65)}
	}),
	one("all at once", func(r *rand.Rand, hard float64, s *shot, p *sheet) {
		p.yaw, p.pitch, p.roll = between(r, -0.4, 0.4)*hard, between(r, -0.4, 0.4)*hard, anyAngle(r)
		p.radius, p.axis = 1/rise(hard, 0.1, 0.8), anyAngle(r)
		s.disc, s.motion, s.along = rise(hard, 0.3, 0.6)*p.module(), rise(hard, 0.1, 0.6)*p.module(), anyAngle(r)
		s.dim, s.grain, s.slope, s.quality = rise(hard, 0.5, 0.15), rise(hard, 2, 4), 0.3*hard, 70
		s.shadows = []shadow{{at: p.middle, angle: anyAngle(r), soft: 40, depth: 0.5 * hard}}
	}),
}

// foreignText is what other people's codes hold.
func foreignText(r *rand.Rand) (text, charset string) {
	digits := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte(byte('0' + r.IntN(10)))
		}
		return b.String()
	}
	letters := func(alphabet string, n int) string {
		runes := []rune(alphabet)
		var b strings.Builder
		for range n {
			b.WriteRune(runes[r.IntN(len(runes))])
		}
		return b.String()
	}
	const latin, cyrillic, kanji = "abcdefghijklmnopqrstuvwxyz", "абвгдежзийклмнопрстуфхцчшщъыьэюя ", "日本国語処方薬患者医師病院東京大阪"
	switch r.IntN(7) {
	case 0:
		return digits(10 + r.IntN(300)), ""
	case 1:
		return "https://" + letters(latin, 8) + ".example/" + letters(latin, 5+r.IntN(100)) + "?id=" + digits(12), ""
	case 2:
		return "Рецепт " + letters(cyrillic, 10+r.IntN(150)), "UTF-8"
	case 3:
		return letters(kanji, 5+r.IntN(60)), "Shift_JIS"
	case 4:
		return "HC1:" + emc1Text(r, 300+r.IntN(250))[5:], ""
	case 5:
		return "BEGIN:VCARD\nVERSION:3.0\nN:" + letters(latin, 9) + ";" + letters(latin, 7) + "\nTEL:" + digits(11) + "\nEND:VCARD\n", ""
	}
	return "shc:/" + digits(400+r.IntN(500)), ""
}
