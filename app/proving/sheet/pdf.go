package sheet

import (
	"bytes"
	"compress/zlib"
	"errors"
	"io"
	"slices"
	"strings"
)

// active are the names (ISO 32000-1, 12.6.4 and 7.11.4) of what a PDF can do to whoever opens it, and of files that hide inside.
var active = []string{"JavaScript", "JS", "Launch", "EmbeddedFile", "EmbeddedFiles", "RichMedia", "XFA", "SubmitForm", "ImportData", "GoToE"}

// maxUnpacked is how much the compressed objects of a PDF may come to in all.
const maxUnpacked = 32 << 20

// pages counts the pages of a PDF and refuses what may not be opened.
func pages(file []byte) (int, error) {
	if len(file) < 8 || file[5] != '1' && file[5] != '2' || file[6] != '.' || !bytes.Contains(file[max(0, len(file)-1024):], []byte("%%EOF")) {
		return 0, ErrBroken
	}
	w := walk{left: maxUnpacked}
	if err := w.objects(file, true); err != nil {
		return 0, err
	}
	if w.pages == 0 {
		return 0, ErrBroken
	}
	return w.pages, nil
}

// walk goes over a PDF's objects. It needs no table of them: whatever is there is looked at, in use or not.
type walk struct {
	pages int
	left  int64 // that may still be unpacked
}

// objects looks at text that holds objects. Only a whole file has streams; unpacked objects have none.
func (w *walk) objects(text []byte, streams bool) error {
	var names []string // of the object so far
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '%':
			i += lineLength(text[i:])
		case c == '(':
			i += stringLength(text[i:])
		case c == '/':
			name, n := nameAt(text[i:])
			i += n
			if err := w.met(names, name); err != nil {
				return err
			}
			names = append(names, name)
		case streams && bytes.HasPrefix(text[i:], []byte("stream")):
			n, err := w.stream(text[i:], names)
			if err != nil {
				return err
			}
			names, i = nil, i+n // it was looked at with them once: many streams behind many names cost no more
		case bytes.HasPrefix(text[i:], []byte("endobj")):
			names, i = nil, i+len("endobj")
		default:
			i++
		}
	}
	return nil
}

// met judges a name behind those before it.
func (w *walk) met(before []string, name string) error {
	switch {
	case name == "Encrypt":
		return ErrLocked
	case slices.Contains(active, name):
		return ErrActive
	case name == "Page" && len(before) > 0 && before[len(before)-1] == "Type":
		w.pages++
	}
	return nil
}

// stream steps over a stream whose dictionary has the names, after a look at the objects in it.
func (w *walk) stream(text []byte, names []string) (length int, err error) {
	start := len("stream")
	if bytes.HasPrefix(text[start:], []byte("\r\n")) {
		start++
	}
	start++
	end := bytes.Index(text, []byte("endstream"))
	if end < start {
		return 0, ErrBroken
	}
	if !slices.Contains(names, "ObjStm") {
		return end + len("endstream"), nil
	}
	unpacked := text[start:end]
	if slices.Contains(names, "Filter") {
		if unpacked, err = w.unpack(unpacked, names); err != nil {
			return 0, err
		}
	}
	return end + len("endstream"), w.objects(unpacked, false)
}

// unpack inflates objects. They come in no other filter from any program that is known; what does is not looked at unseen.
func (w *walk) unpack(packed []byte, names []string) ([]byte, error) {
	filter := names[slices.Index(names, "Filter")+1:]
	if len(filter) == 0 || filter[0] != "FlateDecode" || slices.Contains(names, "DecodeParms") {
		return nil, ErrBroken
	}
	r, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, ErrBroken
	}
	text, err := io.ReadAll(io.LimitReader(r, w.left+1))
	if w.left -= int64(len(text)); w.left < 0 {
		return nil, ErrSize
	}
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, zlib.ErrChecksum) { // readers take what came before that
		return nil, ErrBroken
	}
	return text, nil
}

// nameAt reads the name that begins with the slash, in which #41 is an A, and gives its length in the text.
func nameAt(text []byte) (name string, n int) {
	var b []byte
	for n = 1; n < len(text) && strings.IndexByte("\x00\t\n\f\r ()<>[]{}/%", text[n]) < 0; n++ {
		c := text[n]
		if c == '#' && n+2 < len(text) {
			high, low := digitOf(text[n+1]), digitOf(text[n+2])
			if high >= 0 && low >= 0 {
				c, n = byte(high<<4|low), n+2
			}
		}
		b = append(b, c)
	}
	return string(b), n
}

func digitOf(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// stringLength is the length of the text in parentheses, which may hold others.
func stringLength(text []byte) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(text)
}

func lineLength(text []byte) int {
	if n := bytes.IndexAny(text, "\r\n"); n >= 0 {
		return n + 1
	}
	return len(text)
}
