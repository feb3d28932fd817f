package sheet

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"
)

// secrets stand in every place of a file that is no picture.
var secrets = []string{"GPS-55.7522-37.6156", "Ivanovs phone", "2026:11:22 09:00:00", "thumbnail of his face", "a film behind the end"}

// page is a picture whose pixels tell whether they went over unchanged.
func page(w, h int) image.Image {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.Set(x, y, color.RGBA{uint8(x * 5), uint8(y * 3), uint8(x ^ y), 255})
		}
	}
	return m
}

func segment(marker byte, content []byte) []byte {
	var b bytes.Buffer
	writeSegment(&b, marker, content)
	return b.Bytes()
}

// exif is a block as a phone writes it: which side is up, the make, a GPS directory, and a small picture behind.
func exif(order binary.AppendByteOrder, orientation uint16) []byte {
	b := []byte("Exif\x00\x00II\x2a\x00")
	if order == binary.AppendByteOrder(binary.BigEndian) {
		b = []byte("Exif\x00\x00MM\x00\x2a")
	}
	b = order.AppendUint32(b, 8)
	b = order.AppendUint16(b, 3)
	entry := func(tag, kind uint16, n, value uint32) {
		b = order.AppendUint32(order.AppendUint32(order.AppendUint16(order.AppendUint16(b, tag), kind), n), value)
	}
	entry(0x010f, 2, 13, 100)
	b = order.AppendUint16(order.AppendUint32(order.AppendUint16(order.AppendUint16(b, orientationTag), 3), 1), orientation)
	b = append(b, 0, 0)
	entry(0x8825, 4, 1, 120)
	b = order.AppendUint32(b, 0)
	return append(b, strings.Join(secrets, "\x00")...)
}

// talkative is a JPEG with all that phones and editors put beside the picture.
func talkative(t *testing.T, order binary.AppendByteOrder, orientation uint16) (file, plain []byte) {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, page(97, 61), nil); err != nil {
		t.Fatal(err)
	}
	plain = b.Bytes()
	all := []byte(strings.Join(secrets, " "))
	file = append(file, plain[:2]...)
	file = append(file, segment(appJFIF, append([]byte("JFIF\x00\x01\x02\x01\x00\x48\x00\x48\x02\x02"), all[:12]...))...)
	file = append(file, segment(appEXIF, exif(order, orientation))...)
	file = append(file, segment(appEXIF, append([]byte("http://ns.adobe.com/xap/1.0/\x00"), all...))...)
	file = append(file, segment(0xe2, append([]byte("MPF\x00"), all...))...)
	file = append(file, segment(0xed, append([]byte("Photoshop 3.0\x00"), all...))...)
	file = append(file, segment(0xfe, all)...)
	file = append(file, plain[2:]...)
	return append(file, append([]byte("\xff\xd8\xff\xe1"), all...)...), plain
}

func silent(t *testing.T, name string, kept []byte) {
	t.Helper()
	for _, s := range secrets {
		if bytes.Contains(kept, []byte(s)) {
			t.Errorf("%s: it still tells %q", name, s)
		}
	}
}

func same(t *testing.T, name string, kept, plain []byte) {
	t.Helper()
	got, format, err := image.Decode(bytes.NewReader(kept))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	want, _, _ := image.Decode(bytes.NewReader(plain))
	if got.Bounds() != want.Bounds() {
		t.Fatalf("%s: %s of %v, want %v", name, format, got.Bounds(), want.Bounds())
	}
	for y := range want.Bounds().Dy() {
		for x := range want.Bounds().Dx() {
			if got.At(x, y) != want.At(x, y) {
				t.Fatalf("%s: the pixel at %d, %d changed", name, x, y)
			}
		}
	}
}

func TestAJPEGTellsNothingButItsPicture(t *testing.T) {
	for name, order := range map[string]binary.AppendByteOrder{"little": binary.LittleEndian, "big": binary.BigEndian} {
		for orientation := range uint16(10) {
			name := fmt.Sprint(name, " ", orientation)
			file, plain := talkative(t, order, orientation)
			s, err := Read(file)
			if err != nil || s.Format != JPEG || s.Pages != 1 {
				t.Fatalf("%s: %+v, %v", name, s.Format, err)
			}
			silent(t, name, s.Content)
			same(t, name, s.Content, plain)
			at := bytes.Index(s.Content, []byte("Exif\x00\x00"))
			if upright := orientation < 2 || orientation > 8; upright != (at < 0) {
				t.Errorf("%s: an orientation at %d", name, at)
			} else if !upright && orientationOf(s.Content[at+6:]) != orientation {
				t.Errorf("%s: it was turned: %d", name, orientationOf(s.Content[at+6:]))
			}
			again, err := Read(s.Content)
			if err != nil || !bytes.Equal(again.Content, s.Content) {
				t.Errorf("%s: what is kept is not kept: %v", name, err)
			}
		}
	}
}

func chunk(name string, content []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(content)))
	b = append(append(b, name...), content...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

func TestAPNGTellsNothingButItsPicture(t *testing.T) {
	var b bytes.Buffer
	if err := png.Encode(&b, page(97, 61)); err != nil {
		t.Fatal(err)
	}
	plain, all := b.Bytes(), []byte(strings.Join(secrets, " "))
	const head = 8 + 12 + 13
	file := bytes.Clone(plain[:head])
	for _, name := range []string{"eXIf", "tEXt", "iTXt", "zTXt", "iCCP", "tIME", "acTL", "prIv"} {
		file = append(file, chunk(name, all)...)
	}
	file = append(append(file, plain[head:]...), all...)
	s, err := Read(file)
	if err != nil || s.Format != PNG || s.Pages != 1 {
		t.Fatal(err)
	}
	silent(t, "PNG", s.Content)
	same(t, "PNG", s.Content, plain)
	if !bytes.Equal(s.Content, plain) {
		t.Error("it is more or less than the picture")
	}
}

// pdf is a document with so many pages; more stands in its catalogue, and packed says whether its objects lie in a stream.
func pdf(n int, packed bool, more string) []byte {
	var objects, b bytes.Buffer
	fmt.Fprintf(&objects, "<</Type /Pages /Count %d>> <</Type/Catalog /Pages 2 0 R (/JS in a \\) text) %s>>", n, more)
	for range n {
		objects.WriteString("<< /Type /Page /Parent 2 0 R >>\n")
	}
	b.WriteString("%PDF-1.7\n%\xe2\xe3/JavaScript\n1 0 obj <</Length 9>> stream\r\n/JS(%/JS)\nendstream endobj\n")
	if packed {
		var z bytes.Buffer
		w := zlib.NewWriter(&z)
		_, _ = w.Write(objects.Bytes())
		_ = w.Close()
		fmt.Fprintf(&b, "2 0 obj <</Type /ObjStm /Filter [/FlateDecode] /N 3>> stream\n%s\nendstream endobj\n", z.Bytes())
	} else {
		fmt.Fprintf(&b, "2 0 obj %s endobj\n", objects.Bytes())
	}
	b.WriteString("trailer <</Root 1 0 R>>\nstartxref\n9\n%%EOF\n")
	return b.Bytes()
}

func TestPagesOfAPDF(t *testing.T) {
	for _, packed := range []bool{false, true} {
		for _, n := range []int{1, 3, 40} {
			file := pdf(n, packed, "")
			s, err := Read(file)
			if err != nil || s.Format != PDF || s.Pages != n || !bytes.Equal(s.Content, file) {
				t.Errorf("packed %v, %d pages: %d, %v", packed, n, s.Pages, err)
			}
		}
		for more, want := range map[string]error{
			"/Names <</JavaScript 7 0 R>>": ErrActive, "/OpenAction <</S/#4aS>>": ErrActive, "/AA <</O<</S/Launch>>>>": ErrActive,
			"/Names<</EmbeddedFiles 8 0 R>>": ErrActive, "/AcroForm<</XFA 9 0 R>>": ErrActive, "/Encrypt 5 0 R": ErrLocked,
		} {
			if _, err := Read(pdf(1, packed, more)); !errors.Is(err, want) {
				t.Errorf("packed %v, %s: %v", packed, more, err)
			}
		}
		if _, err := Read(pdf(0, packed, "")); !errors.Is(err, ErrBroken) {
			t.Errorf("packed %v, no page: %v", packed, err)
		}
	}
}

func TestWhatIsNoSheet(t *testing.T) {
	photo, _ := talkative(t, binary.BigEndian, 6)
	var b bytes.Buffer
	if err := png.Encode(&b, page(20, 20)); err != nil {
		t.Fatal(err)
	}
	drawing := b.Bytes()
	huge := bytes.Clone(drawing)
	copy(huge[8:], chunk("IHDR", append([]byte{0, 0, 0x7f, 0xff, 0, 0, 0x7f, 0xff}, huge[24:29]...)))
	swapped := bytes.Clone(drawing)
	swapped[len(swapped)-20]++
	wide := bytes.Clone(photo)
	at := bytes.Index(wide, []byte{0xff, 0xc0})
	copy(wide[at+5:], []byte{0xff, 0xff, 0xff, 0xff})
	bomb := bytes.Repeat([]byte(" "), maxUnpacked+10)
	for name, c := range map[string]struct {
		file []byte
		want error
	}{
		"nothing":                    {nil, ErrFormat},
		"a GIF":                      {[]byte("GIF89a..."), ErrFormat},
		"a page of HTML":             {[]byte("<html><img src=x>"), ErrFormat},
		"a picture behind a text":    {append([]byte("#!/bin/sh\n"), photo...), ErrFormat},
		"the first bytes of a JPEG":  {[]byte(jpegStart), ErrBroken},
		"the first bytes of a PNG":   {[]byte(pngStart), ErrBroken},
		"the first bytes of a PDF":   {[]byte(pdfStart), ErrBroken},
		"a JPEG that ends early":     {photo[:len(photo)*2/3], ErrBroken},
		"a JPEG without a picture":   {[]byte("\xff\xd8\xff\xd9"), ErrBroken},
		"a JPEG of four gigapixels":  {wide, ErrSize},
		"a PNG that ends early":      {drawing[:len(drawing)-12], ErrBroken},
		"a PNG with a flipped bit":   {swapped, ErrBroken},
		"a PNG of a gigapixel":       {huge, ErrSize},
		"a PNG with foreign parts":   {append(append(bytes.Clone(drawing[:33]), chunk("RUSH", nil)...), drawing[33:]...), ErrBroken},
		"a PDF that ends early":      {pdf(1, false, "")[:120], ErrBroken},
		"a PDF of another time":      {bytes.Replace(pdf(1, false, ""), []byte("-1.7"), []byte("-9.7"), 1), ErrBroken},
		"a PDF with an endless part": {bytes.Replace(pdf(1, false, ""), []byte("endstream"), []byte("endstrom!"), 1), ErrBroken},
		"a bomb":                     {packedBomb(bomb), ErrSize},
		"unseen objects":             {bytes.Replace(pdf(1, true, ""), []byte("/FlateDecode"), []byte("/LZWDecode"), 1), ErrBroken},
	} {
		if _, err := Read(c.file); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func packedBomb(content []byte) []byte {
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	_, _ = w.Write(content)
	_ = w.Close()
	return []byte("%PDF-1.5\n1 0 obj <</Type /ObjStm /Filter /FlateDecode>> stream\n" + z.String() + "\nendstream endobj <</Type/Page>>\n%%EOF")
}

// Whatever comes, it is refused or kept as something that reads back the same.
func FuzzSheet(f *testing.F) {
	var b bytes.Buffer
	_ = png.Encode(&b, page(9, 7))
	f.Add(b.Bytes())
	b.Reset()
	_ = jpeg.Encode(&b, page(9, 7), nil)
	f.Add(append(append([]byte(jpegStart[:2]), segment(appEXIF, exif(binary.LittleEndian, 6))...), b.Bytes()[2:]...))
	f.Add(pdf(2, true, ""))
	f.Add(pdf(2, false, "/JS"))
	f.Fuzz(func(t *testing.T, file []byte) {
		s, err := Read(file)
		if err != nil {
			return
		}
		again, err := Read(s.Content)
		if err != nil || !bytes.Equal(again.Content, s.Content) || again.Pages != s.Pages {
			t.Errorf("what is kept reads back as %d pages, %v", again.Pages, err)
		}
	})
}
