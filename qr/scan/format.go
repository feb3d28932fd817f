package scan

import (
	"bytes"
	"errors"
	"fmt"
)

// What Read returns when there is nothing to look at. A picture without a code is no error.
var (
	ErrUnsupported = errors.New("scan: not a picture of a format that is read here")
	ErrTooLarge    = errors.New("scan: picture over the limit")
	ErrDamaged     = errors.New("scan: picture damaged or cut off")
	ErrBusy        = errors.New("scan: every worker is taken")
)

// UnsupportedError names the format that was met instead, with a hint for the person who holds the file. It is
// ErrUnsupported for errors.Is.
type UnsupportedError struct {
	Format string // "heic", "pdf"…; "" when even that is unknown
	Hint   string
}

func (e *UnsupportedError) Error() string {
	if e.Format == "" {
		return ErrUnsupported.Error() + ": " + e.Hint
	}
	return ErrUnsupported.Error() + ": " + e.Format + ": " + e.Hint
}

// Is makes every UnsupportedError an ErrUnsupported.
func (e *UnsupportedError) Is(target error) bool { return target == ErrUnsupported }

// tooLarge says which limit was passed, in numbers only: a caller may show it.
func tooLarge(what string, is, limit int) error {
	return fmt.Errorf("%w: %s %d, at most %d", ErrTooLarge, what, is, limit)
}

const (
	hintPhoto = "send a JPEG, PNG or WebP picture"
	hintHEIC  = "on the phone choose the most compatible camera format, or send a screenshot of the picture"
	hintPage  = "send a photo or a screenshot of the page"
)

// formatOf goes by the first bytes alone: names and content types are claims, and a decoder that is picked by a claim
// can be picked by an attacker.
func formatOf(data []byte) (string, error) {
	switch {
	case len(data) == 0:
		return "", fmt.Errorf("%w: no bytes", ErrDamaged)
	case bytes.HasPrefix(data, []byte("\xff\xd8\xff")):
		return "jpeg", nil
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		return "png", nil
	case at(data, 0, "RIFF") && at(data, 8, "WEBP"):
		return "webp", nil
	case at(data, 4, "ftyp"):
		return "", isoFormat(data)
	case at(data, 0, "%PDF-"):
		return "", &UnsupportedError{"pdf", hintPage}
	case at(data, 0, "GIF8"):
		return "", &UnsupportedError{"gif", hintPhoto}
	case at(data, 0, "BM"):
		return "", &UnsupportedError{"bmp", hintPhoto}
	case at(data, 0, "II*\x00"), at(data, 0, "MM\x00*"):
		return "", &UnsupportedError{"tiff", hintPhoto}
	case isSVG(data):
		return "", &UnsupportedError{"svg", hintPage}
	}
	return "", &UnsupportedError{"", hintPhoto}
}

func at(data []byte, offset int, magic string) bool {
	return len(data) >= offset+len(magic) && string(data[offset:offset+len(magic)]) == magic
}

// isoFormat tells the picture formats apart that share the box layout of MP4.
func isoFormat(data []byte) error {
	for _, brand := range []string{"heic", "heix", "hevc", "heim", "heis", "mif1", "msf1"} {
		if at(data, 8, brand) {
			return &UnsupportedError{"heic", hintHEIC}
		}
	}
	if at(data, 8, "avif") || at(data, 8, "avis") {
		return &UnsupportedError{"avif", hintPhoto}
	}
	return &UnsupportedError{"video", hintPhoto}
}

// isSVG looks for the element in the first bytes only: a prologue and a comment may come before it.
func isSVG(data []byte) bool {
	head := bytes.TrimLeft(data[:min(len(data), 1024)], "\xef\xbb\xbf \t\r\n")
	return bytes.HasPrefix(head, []byte("<")) && bytes.Contains(bytes.ToLower(head), []byte("<svg"))
}
