package scan

import (
	"context"
	"fmt"
	"runtime"
	"time"
)

// Point is a place in the picture as it was stored, in pixels from its upper left corner. Whether a viewer turns the
// picture (EXIF orientation) makes no difference to it.
type Point struct{ X, Y float64 }

// Code is one code that was read.
type Code struct {
	Text string
	Kind Kind
	// Corners of the code in its own reading direction: upper left, upper right, lower right, lower left.
	Corners [4]Point
	// Part is of a text that was spread over several codes; the zero value says that the text is whole.
	Part Part
}

// Part tells which piece of a longer text a code holds (structured append). The pieces are not put together here: a photo
// may show some of them only, and what stands in two codes is two texts until somebody decides otherwise.
type Part struct {
	Number, Of int  // 1 of 3
	Parity     byte // the same in all pieces of one text
}

// Result is what a picture held. No codes and no error means: looked everywhere, nothing was readable.
type Result struct {
	Codes   []Code
	Step    string // the step that read the first code; "" without codes
	Elapsed time.Duration
	// Unfinished: the time was up before every step had its turn. A sharper picture, or more time, may give more.
	Unfinished bool
}

// Options bound what a picture may cost. The zero value of each means the default.
type Options struct {
	MaxBytes  int           // 12 MiB
	MaxPixels int           // 25 million
	MaxCodes  int           // 8 a picture
	Time      time.Duration // 2 s a picture, from the moment a worker takes it
	Workers   int           // pictures in work at once; as many as there are processors
}

func (o Options) withDefaults() Options {
	o.MaxBytes = orDefault(o.MaxBytes, 12<<20)
	o.MaxPixels = orDefault(o.MaxPixels, 25_000_000)
	o.MaxCodes = orDefault(o.MaxCodes, 8)
	o.Time = orDefault(o.Time, 2*time.Second)
	o.Workers = orDefault(o.Workers, runtime.GOMAXPROCS(0))
	return o
}

func orDefault[T int | time.Duration](value, fallback T) T {
	if value <= 0 {
		return fallback
	}
	return value
}

// Reader reads pictures, a bounded number at a time. It is safe for use by many goroutines.
type Reader struct {
	options Options
	workers chan struct{}
}

// NewReader makes a Reader.
func NewReader(options Options) *Reader {
	options = options.withDefaults()
	return &Reader{options: options, workers: make(chan struct{}, options.Workers)}
}

// Limits tells the bounds in force.
func (r *Reader) Limits() Options { return r.options }

// Read finds the codes in a picture. It waits for a free worker as long as ctx lasts (then ErrBusy) and keeps nothing
// of the picture. When the time for a picture is up it returns what was read until then.
func (r *Reader) Read(ctx context.Context, picture []byte) (Result, error) {
	// What can be refused without work is refused before a worker is asked for.
	if len(picture) > r.options.MaxBytes {
		return Result{}, tooLarge("bytes", len(picture), r.options.MaxBytes)
	}
	format, err := formatOf(picture)
	if err != nil {
		return Result{}, err
	}
	select {
	case r.workers <- struct{}{}:
		defer func() { <-r.workers }()
	case <-ctx.Done():
		return Result{}, fmt.Errorf("%w: %w", ErrBusy, ctx.Err())
	}

	began := time.Now()
	working, cancel := context.WithTimeout(ctx, r.options.Time)
	defer cancel()
	original, err := unpack(working, format, picture, r.options.MaxPixels)
	if err != nil {
		return Result{}, err
	}
	search := newSearch(working, original, r.options.MaxCodes)
	search.run()
	if err := ctx.Err(); err != nil { // the caller left: a part of the answer would look like all of it
		return Result{}, err
	}
	return Result{
		Codes:      search.codes,
		Step:       search.firstStep,
		Elapsed:    time.Since(began),
		Unfinished: search.unfinished,
	}, nil
}
