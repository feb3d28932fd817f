package main

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"
)

// progress is a bar in the last line of a terminal, or a note where nobody knows how much there is. Where there is no terminal it shows nothing: a log is no place for
// one.
type progress struct {
	out         *os.File // nil: nobody looks
	done, total int
}

func newProgress(out *os.File, total int) *progress {
	if total == 1 || !term.IsTerminal(int(out.Fd())) { // a file descriptor is small
		out = nil
	}
	p := &progress{out: out, total: total}
	p.draw()
	return p
}

// step counts one more and redraws.
func (p *progress) step() {
	p.done++
	p.draw()
}

func (p *progress) draw() {
	if p.out == nil || p.total == 0 {
		return
	}
	const width = 40
	full := width * p.done / p.total
	fmt.Fprintf(p.out, "\r\x1b[K[%s%s] %d of %d", strings.Repeat("#", full), strings.Repeat(".", width-full), p.done, p.total)
}

// note writes how far it is.
func (p *progress) note(text string) {
	if p.out != nil {
		fmt.Fprint(p.out, "\r\x1b[K"+text)
	}
}

// clear makes room for a line of output, or for the prompt at the end.
func (p *progress) clear() {
	if p.out != nil {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
