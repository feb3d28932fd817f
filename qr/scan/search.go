package scan

import (
	"context"
)

// search is the work on one picture.
type search struct {
	ctx        context.Context
	original   plane
	maxCodes   int
	prints     map[printKey]view // scaled and sharpened copies that several steps share
	codes      []Code
	firstStep  string
	unfinished bool
	broken     error // what a step panicked with; tests look at it
}

type printKey struct{ side, sharpen int }

// view is a plane and where it lies in the original: original = corner + pixel * grown.
type view struct {
	plane
	left, top, grown float64
}

func (v view) original(p Point) Point { return Point{v.left + p.X*v.grown, v.top + p.Y*v.grown} }

func newSearch(ctx context.Context, original plane, maxCodes int) *search {
	return &search{ctx: ctx, original: original, maxCodes: maxCodes, prints: map[printKey]view{}}
}

// run takes the steps until codes were read and nothing that surely is a code is left over.
func (s *search) run() {
	more := false // as the last light that was looked at for QR codes left it
	for _, step := range steps {
		if len(s.codes) > 0 && !step.further {
			continue
		}
		side := step.side(max(s.original.w, s.original.h))
		if side == 0 {
			continue
		}
		if s.timeUp() {
			return
		}
		if step.packs {
			s.try(func() { s.lookForPacks(step, s.print(side, 0)) })
		} else {
			s.try(func() { more = s.look(step, s.print(side, step.sharpen)) })
		}
		if len(s.codes) >= s.maxCodes || len(s.codes) > 0 && !more {
			return
		}
	}
}

// try keeps a mistake of ours, met in one light by one picture, from being the end of the process.
func (s *search) try(step func()) {
	err := guard(func() error { step(); return nil })
	if err != nil {
		s.broken, s.unfinished = err, true
	}
}

func (s *search) timeUp() bool {
	if s.ctx.Err() == nil {
		return false
	}
	s.unfinished = true
	return true
}

// print makes a scaled and sharpened copy, once.
func (s *search) print(side, sharpen int) view {
	key := printKey{side, sharpen}
	if v, ok := s.prints[key]; ok {
		return v
	}
	var v view
	if sharpen > 0 {
		v = s.print(side, 0)
		v.plane = v.sharpen(2, sharpen)
	} else {
		v.plane, v.grown = s.original.fit(side)
	}
	s.prints[key] = v
	return v
}

// look takes one step and tells whether eyes are left over that surely belong to a code.
func (s *search) look(step step, v view) (more bool) {
	for _, tile := range cut(v, step.tiles) {
		if s.timeUp() || len(s.codes) >= s.maxCodes {
			return false
		}
		bits, ok := split(tile.plane, step.split)
		if !ok {
			continue
		}
		if step.negative {
			bits = bits.negative()
		}
		left := s.readAll(step, tile, bits)
		more = more || leftOver(left)
	}
	return more
}

// patience is for the most regular trios of a picture: there a code is likely even if its timing lines are smeared.
const patience = 6

// readAll tries every trio of eyes and returns the eyes that belong to no code.
func (s *search) readAll(step step, v view, bits bitmap) []eye {
	eyes := s.outside(v, findEyes(bits, s.timeUp))
	for i, t := range findTrios(eyes) {
		if s.timeUp() || len(s.codes) >= s.maxCodes {
			return nil
		}
		if s.taken(v, t) {
			continue
		}
		if c, corners, ok := readTrio(bits, t, i < patience); ok {
			for i, p := range corners {
				corners[i] = v.original(p)
			}
			s.keep(step.String(), Code{Text: c.text, Kind: KindOf(c.text), Corners: corners, Part: c.part})
		}
	}
	return s.outside(v, eyes)
}

// keep adds a code unless it is one that is known already.
func (s *search) keep(step string, code Code) {
	for _, known := range s.codes {
		if known.Text == code.Text && (inside(known.Corners, middle(code.Corners)) || inside(code.Corners, middle(known.Corners))) {
			return
		}
	}
	if len(s.codes) == 0 {
		s.firstStep = step
	}
	s.codes = append(s.codes, code)
}

// outside drops the eyes that lie in codes that were read.
func (s *search) outside(v view, eyes []eye) (left []eye) {
	for _, e := range eyes {
		if !s.covered(v.original(e.Point)) {
			left = append(left, e)
		}
	}
	return left
}

func (s *search) taken(v view, t trio) bool {
	return s.covered(v.original(t.topLeft.Point)) || s.covered(v.original(t.topRight.Point)) || s.covered(v.original(t.bottomLeft.Point))
}

func (s *search) covered(p Point) bool {
	for _, code := range s.codes {
		if inside(code.Corners, p) {
			return true
		}
	}
	return false
}

// inside a quadrangle means: on the same side of all four edges.
func inside(corners [4]Point, p Point) bool {
	left, right := false, false
	for i, a := range corners {
		if cross(a, corners[(i+1)%4], p) < 0 {
			left = true
		} else {
			right = true
		}
	}
	return left != right
}

func middle(corners [4]Point) (m Point) {
	for _, c := range corners {
		m.X += c.X / 4
		m.Y += c.Y / 4
	}
	return m
}

// cut makes n x n tiles that overlap by half a tile, or leaves the view whole.
func cut(v view, n int) []view {
	if n < 2 {
		return []view{v}
	}
	w, h := 2*v.w/(n+1), 2*v.h/(n+1)
	if min(w, h) < 40 {
		return nil
	}
	var tiles []view
	for i := range n {
		for j := range n {
			x, y := j*w/2, i*h/2
			tiles = append(tiles, view{
				plane: v.crop(x, y, w, h),
				left:  v.left + float64(x)*v.grown,
				top:   v.top + float64(y)*v.grown,
				grown: v.grown,
			})
		}
	}
	return tiles
}
