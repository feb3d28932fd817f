// Package sheet reads the files in which people send their documents: what a file is by its first bytes, whatever it calls itself, how
// many pages it has, and what of it is kept.
//
// Of a picture nothing is kept but the picture. Phones write into it where and when it was taken, with what, a small copy of what it
// showed before it was cut, sometimes a second picture or a film behind its end. So a JPEG or PNG is not searched for what is known to
// tell something: it is written anew from those of its parts without which it cannot be shown. The picture's own bytes go over as they
// are, nothing is compressed twice. Of EXIF the orientation survives alone, in a block of our own, or pages would lie on their side.
//
// A PDF stays as it is, byte for byte, for it may be signed; what stands in its own description and in pictures inside it stays too. One that
// is locked is refused, because nobody could look at it, and so is one that holds programs, forms that send, or other files, because
// somebody has to. That is found by reading its objects, those in compressed object streams too. It is no search for viruses.
package sheet

import (
	"bytes"
	"errors"
)

// Format is what a file is.
type Format uint8

// The formats; the zero value is none.
const (
	_ Format = iota
	JPEG
	PNG
	PDF
)

// Sheet is a file as it is kept.
type Sheet struct {
	Format  Format
	Pages   int // 1 for a picture
	Content []byte
}

// Why a file is refused.
var (
	ErrFormat = errors.New("sheet: neither JPEG nor PNG nor PDF")
	ErrBroken = errors.New("sheet: damaged, or not all of it is there")
	ErrSize   = errors.New("sheet: more pixels or more to unpack than a page can have")
	ErrLocked = errors.New("sheet: a PDF that is locked")
	ErrActive = errors.New("sheet: a PDF with programs or other files inside")
)

// maxPixels of a picture. The largest cameras of phones make fifty million; what is more would be a bomb to whoever opens it.
const maxPixels = 64 << 20

const (
	jpegStart = "\xff\xd8\xff"
	pngStart  = "\x89PNG\r\n\x1a\n"
	pdfStart  = "%PDF-"
)

// Read tells what the file is and gives of it what is kept.
func Read(file []byte) (s Sheet, err error) {
	switch {
	case bytes.HasPrefix(file, []byte(jpegStart)):
		s.Format, s.Pages = JPEG, 1
		s.Content, err = bareJPEG(file)
	case bytes.HasPrefix(file, []byte(pngStart)):
		s.Format, s.Pages = PNG, 1
		s.Content, err = barePNG(file)
	case bytes.HasPrefix(file, []byte(pdfStart)):
		s.Format, s.Content = PDF, file
		s.Pages, err = pages(file)
	default:
		err = ErrFormat
	}
	if err != nil {
		return Sheet{}, err
	}
	return s, nil
}
