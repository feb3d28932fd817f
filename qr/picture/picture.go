// Package picture draws the text of a code as PNG and SVG.
//
// The modules come from a library, the drawing is our own: a picture of two colours with one bit a pixel is a tenth of the library's
// work and a quarter of its size.
package picture

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/skip2/go-qrcode"
)

// Quiet is the white frame that the standard demands, in modules. Readers need it more than a larger picture.
const Quiet = 4

// ModuleMillimetres is the size of a module on paper: smaller ones were not read from photos.
const ModuleMillimetres = 0.5

// What can be wrong.
var (
	ErrText  = errors.New("picture: the text has characters outside QR's alphanumeric mode")
	ErrDraw  = errors.New("picture: the text cannot be drawn as a QR code")
	ErrScale = errors.New("picture: a module needs 1 to 64 pixels")
)

const alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

// Code is a QR code as modules, without its frame.
type Code struct{ dark [][]bool }

// Draw lays the text out at error correction M, which survives folds and stamps without growing the code as Q does. A text outside
// the alphanumeric mode is none of ours and would silently need half as much room again.
func Draw(text string) (code Code, err error) {
	if text == "" || strings.Trim(text, alphanumeric) != "" {
		return Code{}, ErrText
	}
	for _, r := range text {
		if !strings.ContainsRune(alphanumeric, r) {
			return Code{}, ErrText
		}
	}
	// The library panics where it meets a mistake of its own.
	defer func() {
		if recover() != nil {
			code, err = Code{}, ErrDraw
		}
	}()
	q, err := qrcode.New(text, qrcode.Medium)
	if err != nil {
		return Code{}, ErrDraw
	}
	q.DisableBorder = true
	return Code{dark: q.Bitmap()}, nil
}

// Size is the number of modules on a side.
func (c Code) Size() int { return len(c.dark) }

// Version is the QR version, 1 to 40.
func (c Code) Version() int { return (c.Size() - 17) / 4 }

// Dark reports whether a module is dark; there is none outside.
func (c Code) Dark(x, y int) bool {
	return y >= 0 && y < len(c.dark) && x >= 0 && x < len(c.dark[y]) && c.dark[y][x]
}

// SVG writes the code with its frame, ModuleMillimetres a module when printed at its own size. One path holds all: separate squares show
// hair lines between them.
func (c Code) SVG(w io.Writer) error {
	out := bufio.NewWriter(w)
	side := c.Size() + 2*Quiet
	mm := float64(side) * ModuleMillimetres
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" width="%gmm" height="%gmm" viewBox="0 0 %d %d" shape-rendering="crispEdges">`,
		mm, mm, side, side)
	fmt.Fprintf(out, `<path fill="#fff" d="M0 0h%dv%dH0z"/><path d="`, side, side)
	for y := range c.Size() {
		for x := 0; x < c.Size(); x++ {
			run := 0
			for c.Dark(x+run, y) {
				run++
			}
			if run > 0 {
				fmt.Fprintf(out, "M%d %dh%dv1h-%dz", x+Quiet, y+Quiet, run, run)
				x += run
			}
		}
	}
	fmt.Fprint(out, `"/></svg>`)
	return out.Flush()
}
