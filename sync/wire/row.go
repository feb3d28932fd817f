package wire

import (
	"encoding"
	"encoding/json"
	"strings"
)

// UnmarshalRow reads a row that stands alone, as Marshal wrote it or any other JSON of that shape.
func UnmarshalRow(b []byte) (Row, error) {
	if row, ok := readRow(b, "", ""); ok {
		return row, nil
	}
	var row Row
	if json.Unmarshal(b, &row) != nil {
		return Row{}, ErrMalformed // its text may hold values
	}
	return row, nil
}

// readRow reads a row between before and after if it is written exactly as appendRow writes it, in a fifth of the standard decoder's time:
// a first sync reads all rows of a card. Of everything else, be it good or bad, ok is false, and the standard decoder judges. So the two
// cannot differ in what they accept; FuzzRow holds them against each other.
func readRow(b []byte, before, after string) (row Row, ok bool) {
	r := rowReader{text: string(b), raw: b}
	ok = r.skip(before) && r.row(&row) && r.skip(after) && r.i == len(b)
	return row, ok
}

// rowReader walks one row. Strings are parts of text, so that a row takes two allocations and not one for each of them; values are parts of
// copied, of which nobody else has a slice.
type rowReader struct {
	text   string
	raw    []byte
	copied []byte // of raw; made with the first value
	i      int
}

// skip takes the literal, if it stands here.
func (r *rowReader) skip(literal string) bool {
	if len(r.text)-r.i < len(literal) || r.text[r.i:r.i+len(literal)] != literal {
		return false
	}
	r.i += len(literal)
	return true
}

func (r *rowReader) row(row *Row) (ok bool) {
	if !r.skip(`{"id":`) || !r.plain(&row.ID) || !r.skip(`,"kind":`) || !r.plain(&row.Kind) || !r.skip(`,"scope":`) || !r.plain(&row.Scope) {
		return false
	}
	if r.skip(`,"date":`) {
		start := r.i
		var date string
		if !r.plain(&date) || row.Date.UnmarshalJSON(r.raw[start:r.i]) != nil {
			return false
		}
	}
	return r.skip(`,"vv":`) && r.read(&row.VV) && r.skip(`,"atoms":{`) && r.atoms(row) && r.skip(`}`)
}

func (r *rowReader) atoms(row *Row) bool {
	row.Atoms = map[string][]Version{}
	for first := true; !r.skip(`}`); first = false {
		var name string
		if !first && !r.skip(`,`) || !r.plain(&name) || !r.skip(`:[`) {
			return false
		}
		versions, ok := r.versions()
		if !ok {
			return false
		}
		row.Atoms[name] = versions
	}
	return true
}

func (r *rowReader) versions() (versions []Version, ok bool) {
	versions = make([]Version, 0, 1)
	for first := true; !r.skip(`]`); first = false {
		var v Version
		if !first && !r.skip(`,`) || !r.skip(`{"dot":`) || !r.read(&v.Dot) || r.skip(`,"hlc":`) && !r.read(&v.HLC) || !r.skip(`,"v":`) {
			return nil, false
		}
		start := r.i
		if !r.value(0) || !r.skip(`}`) {
			return nil, false
		}
		if r.copied == nil {
			r.copied = append([]byte(nil), r.raw...)
		}
		v.Value = r.copied[start : r.i-1 : r.i-1]
		versions = append(versions, v)
	}
	return versions, true
}

// plain takes a string in which nothing is escaped and all is ASCII, as ids and names are.
func (r *rowReader) plain(into *string) bool {
	if !r.skip(`"`) {
		return false
	}
	start := r.i
	for ; r.i < len(r.text); r.i++ {
		switch c := r.text[r.i]; {
		case c == '"':
			*into = r.text[start:r.i]
			r.i++
			return true
		case c < ' ' || c > '~' || c == '\\':
			return false
		}
	}
	return false
}

func (r *rowReader) read(into encoding.TextUnmarshaler) bool {
	start := r.i + 1
	var text string
	return r.plain(&text) && into.UnmarshalText(r.raw[start:r.i-1]) == nil
}

// value takes JSON of any shape, without white space between. Deeper than MaxDepth nothing is nested that a server of ours let in.
func (r *rowReader) value(depth int) bool {
	if depth > MaxDepth || r.i >= len(r.text) {
		return false
	}
	switch c := r.text[r.i]; {
	case c == '{':
		return r.members(depth, '}')
	case c == '[':
		return r.members(depth, ']')
	case c == '"':
		return r.quoted()
	case c == '-' || c >= '0' && c <= '9':
		return r.number()
	}
	return r.skip(`true`) || r.skip(`false`) || r.skip(`null`)
}

// members takes what stands between the brackets of an object or a list.
func (r *rowReader) members(depth int, closing byte) bool {
	r.i++
	for first := true; r.i < len(r.text); first = false {
		if r.text[r.i] == closing {
			r.i++
			return true
		}
		if !first && !r.skip(`,`) || closing == '}' && (!r.skip(`"`) || !r.rest() || !r.skip(`:`)) || !r.value(depth+1) {
			return false
		}
	}
	return false
}

func (r *rowReader) quoted() bool { return r.skip(`"`) && r.rest() }

// rest takes what is left of a string.
func (r *rowReader) rest() bool {
	for ; r.i < len(r.text); r.i++ {
		switch c := r.text[r.i]; {
		case c == '"':
			r.i++
			return true
		case c < ' ' || c == '\\' && !r.escape():
			return false
		}
	}
	return false
}

// escape goes to the last sign of an escape.
func (r *rowReader) escape() bool {
	r.i++
	if r.i >= len(r.text) || r.text[r.i] != 'u' {
		return r.i < len(r.text) && strings.IndexByte(`"\/bfnrt`, r.text[r.i]) >= 0
	}
	r.i += 4
	return r.i < len(r.text) && strings.Trim(r.text[r.i-3:r.i+1], "0123456789abcdefABCDEF") == ""
}

// number takes one by the grammar of JSON.
func (r *rowReader) number() bool {
	r.skip(`-`)
	if !r.skip(`0`) && r.digits() == 0 || r.skip(`.`) && r.digits() == 0 {
		return false
	}
	if r.skip(`e`) || r.skip(`E`) {
		_ = r.skip(`+`) || r.skip(`-`)
		return r.digits() > 0
	}
	return true
}

func (r *rowReader) digits() (n int) {
	for ; r.i < len(r.text) && r.text[r.i] >= '0' && r.text[r.i] <= '9'; r.i++ {
		n++
	}
	return n
}
