package scan

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"
	"github.com/makiuchi-d/gozxing/qrcode/encoder"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
)

// bitWriter writes what bitReader reads.
type bitWriter struct {
	data []byte
	n    int
}

func (b *bitWriter) put(v, bits int) *bitWriter {
	for i := bits - 1; i >= 0; i-- {
		if b.n%8 == 0 {
			b.data = append(b.data, 0)
		}
		b.data[b.n/8] |= byte(v>>i&1) << (7 - b.n%8)
		b.n++
	}
	return b
}

func (b *bitWriter) bytes(s string) *bitWriter {
	b.put(modeByte, 4).put(len(s), 8)
	for i := range len(s) {
		b.put(int(s[i]), 8)
	}
	return b
}

func encoded(t *testing.T, enc interface{ String(string) (string, error) }, s string) string {
	t.Helper()
	out, err := enc.String(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSegments(t *testing.T) {
	w := func() *bitWriter { return &bitWriter{} }
	cyrillic := encoded(t, charmap.Windows1251.NewEncoder(), "Рецепт")
	sjis := encoded(t, japanese.ShiftJIS.NewEncoder(), "処方箋")
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"digits":                     {w().put(modeNumeric, 4).put(8, 10).put(12, 10).put(345, 10).put(67, 7).data, "01234567"},
		"letters, an odd number":     {w().put(modeAlphanumeric, 4).put(3, 9).put(14*45+22, 11).put(12, 6).data, "EMC"},
		"two modes":                  {w().put(modeNumeric, 4).put(1, 10).put(7, 4).bytes("ab").data, "7ab"},
		"utf-8 by itself":            {w().bytes("Рецепт").data, "Рецепт"},
		"a letter cut in two":        {w().bytes("Рец\xd0").bytes("\xb5пт").data, "Рецепт"},
		"windows-1251 by name":       {w().put(modeECI, 4).put(22, 8).bytes(cyrillic).data, "Рецепт"},
		"a name of two bytes":        {w().put(modeECI, 4).put(0x8000|26, 16).bytes("é").data, "é"},
		"bytes that are no text":     {w().put(modeECI, 4).put(0x8000|899, 16).bytes("\x80\xff").data, "\u0080ÿ"},
		"a name that nobody knows":   {w().put(modeECI, 4).put(0xc0, 8).put(60_000, 16).bytes("plain").data, "plain"},
		"names change":               {w().put(modeECI, 4).put(22, 8).bytes(cyrillic).put(modeECI, 4).put(26, 8).bytes("й").data, "Рецептй"},
		"shift jis by itself":        {w().bytes(sjis).data, "処方箋"},
		"kanji":                      {w().put(modeKanji, 4).put(2, 8).put(0xd9f, 13).put(0x1aaa, 13).data, "点茗"},
		"gs1, a separator and a %":   {w().put(modeGS1, 4).put(modeAlphanumeric, 4).put(4, 9).put(10*45+38, 11).put(38*45+38, 11).data, "A%\x1d"},
		"an industry's two digits":   {w().put(modeIndustry, 4).put(37, 8).bytes("x").data, "37x"},
		"an industry's letter":       {w().put(modeIndustry, 4).put('a'+100, 8).bytes("x").data, "ax"},
		"ends without an end":        {w().put(modeNumeric, 4).put(1, 10).put(9, 4).data, "9"},
		"what follows the end":       {w().bytes("a").put(modeEnd, 4).put(0xec11, 16).data, "a"},
		"no encoding fits the bytes": {w().bytes("\x81\x20\xfd\xff\xa0").data, "\u0081 ýÿ\u00a0"},
	} {
		if got, ok := parse(c.data, 5); !ok || got.text != c.want {
			t.Errorf("%s: %q, %v, not %q", name, got.text, ok, c.want)
		}
	}
	for name, data := range map[string][]byte{
		"nothing": nil, "only an end": {0}, "digits over 999": w().put(modeNumeric, 4).put(3, 10).put(1000, 10).data,
		"cut": w().put(modeByte, 4).put(9, 8).put('a', 8).data, "no such mode": {0x60, 0, 0}, "letters over 45": w().put(modeAlphanumeric, 4).put(2, 9).put(2047, 11).data,
		"no digits": w().put(modeNumeric, 4).put(300, 10).data,
	} {
		if got, ok := parse(data, 5); ok {
			t.Errorf("%s: %q", name, got.text)
		}
	}
}

func TestPartOfALongerText(t *testing.T) {
	w := (&bitWriter{}).put(modePart, 4).put(0x13, 8).put(0xa5, 8).bytes("second of four")
	got, ok := parse(w.data, 5)
	if want := (Part{Number: 2, Of: 4, Parity: 0xa5}); !ok || got.part != want || got.text != "second of four" {
		t.Errorf("%+v, %v", got, ok)
	}
}

// TestFacesOfAllCodes takes what an independent encoder drew, for every version and level, through layout, label, correction
// and segments: straight and mirrored; with as many wrong codewords as the level allows; and with more that are doubtful.
func TestFacesOfAllCodes(t *testing.T) {
	if testing.Short() {
		t.Skip("one at a time: nothing for the race detector to see")
	}
	random := rand.New(rand.NewPCG(40, 4))
	for number := 1; number <= 40; number++ {
		for _, level := range levels {
			version := layouts[number]().version
			blocks := version.GetECBlocksForLevel(level)
			room := version.GetTotalCodewords() - blocks.GetTotalECCodewords() - 3
			text := strings.Repeat("abcdefghijk lmnop", room)[:room]
			code, err := encoder.Encoder_encode(text, level, map[gozxing.EncodeHintType]any{gozxing.EncodeHintType_QR_VERSION: number})
			if err != nil {
				t.Fatal(err)
			}
			f := facesOf(code)
			if f.version.GetVersionNumber() != number {
				t.Fatalf("drawn as version %d, not %d", f.version.GetVersionNumber(), number)
			}
			for name, spoil := range map[string]func(faces){
				"clean":  func(faces) {},
				"turned": func(f faces) { transpose(f) },
				"wrong":  func(f faces) { smudge(f, level, random, 0.4, 1) },
				"faint":  func(f faces) { smudge(f, level, random, 0.6, 0.05) },
			} {
				spoilt := faces{f.layout, append([]float64(nil), f.v...)}
				spoil(spoilt)
				c, ok := spoilt.read()
				if (name == "faint" || name == "wrong") && blocks.GetECCodewordsPerBlock() < 16 {
					// Too little redundancy to be sure after such a loss: it may be refused, and must not be misread.
					if ok && c.text != text {
						t.Errorf("%d-%s %s: misread", number, level, name)
					}
					continue
				}
				if !ok || c.text != text || c.mirrored != (name == "turned") {
					t.Errorf("%d-%s %s: %v, mirrored %v", number, level, name, ok, c.mirrored)
				}
			}
		}
	}
}

func facesOf(code *encoder.QRCode) faces {
	m := code.GetMatrix()
	f := faces{layouts[(m.GetWidth()-17)/4](), make([]float64, m.GetWidth()*m.GetWidth())}
	for i := range f.v {
		f.v[i] = float64(sign(m.Get(i%f.side, i/f.side) == 1))
	}
	return f
}

func transpose(f faces) {
	for y := range f.side {
		for x := range y {
			f.v[y*f.side+x], f.v[x*f.side+y] = f.v[x*f.side+y], f.v[y*f.side+x]
		}
	}
}

// smudge turns a bit around in a share of each block's redundancy, and leaves it as sure as given.
func smudge(f faces, level decoder.ErrorCorrectionLevel, random *rand.Rand, share, sure float64) {
	blocks := f.version.GetECBlocksForLevel(level)
	n := int(share * float64(blocks.GetECCodewordsPerBlock()))
	for _, places := range interleaved(blocks, len(f.bits)/8) {
		random.Shuffle(len(places), func(i, j int) { places[i], places[j] = places[j], places[i] })
		for _, word := range places[:n] {
			at := f.bits[8*word+random.IntN(8)]
			f.v[at] *= -sure
		}
	}
}

// TestNoiseIsNoCode: modules that are dice are never read, whatever version and however sure.
func TestNoiseIsNoCode(t *testing.T) {
	if testing.Short() {
		t.Skip("one at a time: nothing for the race detector to see")
	}
	random := rand.New(rand.NewPCG(6, 6))
	for i := range 3000 {
		f := faces{layouts[1+i%10](), nil}
		f.v = make([]float64, f.side*f.side)
		for j := range f.v {
			f.v[j] = random.NormFloat64()
		}
		if c, ok := f.read(); ok {
			t.Errorf("version %d: %q", 1+i%10, c.text)
		}
	}
}

// TestCorrect: wrong ones and lost ones, as many as the redundancy bears, and never more than it bears unnoticed.
func TestCorrect(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 8))
	refused := 0
	for range 3000 {
		check := 7 + random.IntN(24)
		n := check + 5 + random.IntN(60)
		block := make([]byte, n)
		for i := range n - check {
			block[i] = byte(random.IntN(256))
		}
		all := make([]int, check)
		for i := range all {
			all[i] = n - check + i
		}
		if _, ok := correct(block, check, all); !ok { // filling in what is lost is encoding
			t.Fatal("cannot encode")
		}
		want := append([]byte(nil), block...)
		order := random.Perm(n)
		lost := random.IntN(check + 1)
		wrong := random.IntN((check-lost)/2 + 1)
		for _, place := range order[:lost+wrong] {
			block[place] ^= byte(1 + random.IntN(255))
		}
		if got, ok := correct(block, check, order[:lost]); !ok || got != wrong || string(block) != string(want) {
			t.Fatalf("%d of %d, %d lost, %d wrong: %d, %v", check, n, lost, wrong, got, ok)
		}
		for _, place := range order[:check] { // more than can be mended
			block[place] ^= byte(1 + random.IntN(255))
		}
		before := append([]byte(nil), block...)
		if _, ok := correct(block, check, nil); !ok {
			refused++
			if string(block) != string(before) {
				t.Fatal("a block that cannot be mended was changed")
			}
		}
	}
	if refused < 2990 {
		t.Errorf("%d of 3000 hopeless blocks were refused", refused)
	}
}
