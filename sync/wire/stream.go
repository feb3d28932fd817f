package wire

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// LineWriter writes a stream of lines. It does not buffer: wrap w.
type LineWriter struct {
	w    io.Writer
	line []byte // of the row before, whose room the next one takes
}

// NewLineWriter returns a writer of lines to w.
func NewLineWriter(w io.Writer) *LineWriter {
	return &LineWriter{w: w}
}

// Write writes one line.
func (w *LineWriter) Write(line Line) (err error) {
	if line.Row != nil && line.members() == 1 {
		w.line, err = appendRow(append(w.line[:0], `{"row":`...), *line.Row)
		w.line = append(w.line, '}')
	} else {
		w.line, err = Marshal(line)
	}
	if err != nil {
		return err
	}
	w.line = append(w.line, '\n')
	_, err = w.w.Write(w.line)
	return err
}

// LineReader reads a stream of lines, each at most MaxLine bytes.
type LineReader struct{ r *bufio.Reader }

// NewLineReader returns a reader of lines from r.
func NewLineReader(r io.Reader) *LineReader {
	size := 64 << 10
	if whole, ok := r.(interface{ Len() int }); ok {
		size = min(size, whole.Len()+1) // no more room than there is to read
	}
	return &LineReader{r: bufio.NewReaderSize(r, size)}
}

// Next returns the next line, io.EOF after the last one, io.ErrUnexpectedEOF where the stream was cut within a line.
//
// Members that are not known are skipped: the server may be newer than the phone. A line that has no known member, or
// two, is ErrMalformed: to skip it might be to keep what should go.
func (r *LineReader) Next() (Line, error) {
	raw, err := r.read()
	if err != nil {
		return Line{}, err
	}
	if row, ok := readRow(raw, `{"row":`, "}\n"); ok {
		return Line{Row: &row}, nil
	}
	var line Line
	if json.Unmarshal(raw, &line) != nil || line.members() != 1 {
		return Line{}, ErrMalformed
	}
	return line, nil
}

func (r *LineReader) read() ([]byte, error) {
	var whole []byte
	for {
		part, err := r.r.ReadSlice('\n')
		if len(whole)+len(part) > MaxLine {
			return nil, ErrTooLarge
		}
		switch {
		case err == nil && whole == nil:
			return part, nil
		case err == nil:
			return append(whole, part...), nil
		case errors.Is(err, bufio.ErrBufferFull):
			whole = append(whole, part...)
		case errors.Is(err, io.EOF) && len(whole)+len(bytes.TrimSpace(part)) == 0:
			return nil, io.EOF
		case errors.Is(err, io.EOF):
			return nil, io.ErrUnexpectedEOF
		default:
			return nil, err
		}
	}
}

// members counts what is set.
func (l Line) members() int {
	n := 0
	for _, set := range []bool{
		l.Card != nil, l.Res != nil, l.Purge != nil, l.Row != nil, l.Del != nil,
		l.Red != nil, l.End != nil, l.Gone != nil, l.Err != nil, l.Other != nil, l.Same != nil,
	} {
		if set {
			n++
		}
	}
	return n
}
