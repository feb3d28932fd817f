package wire

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Marshal is json.Marshal without the escaping for web pages, which would change the bytes of values on their way.
func Marshal(v any) ([]byte, error) {
	switch v := v.(type) {
	case Row:
		return appendRow(nil, v)
	case Mutation:
		return appendMutation(nil, v), nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// appendRow writes a row as the standard encoder does, to the byte, in a tenth of its time: a first sync writes all rows of a card
// on the server and once more on the phone. What makes the difference is that values are taken as they are: they were checked
// and brought into compact form where they came in, and the standard encoder would do both again.
func appendRow(b []byte, r Row) ([]byte, error) {
	b = append(b, `{"id":`...)
	b = appendString(b, r.ID)
	b = append(b, `,"kind":`...)
	b = appendString(b, r.Kind)
	b = append(b, `,"scope":`...)
	b = appendString(b, r.Scope)
	if !r.Date.IsZero() {
		date, err := r.Date.MarshalJSON()
		if err != nil {
			return nil, err
		}
		b = append(b, `,"date":`...)
		b = append(b, date...)
	}
	b = append(b, `,"vv":"`...)
	b, _ = r.VV.AppendText(b)
	b = append(b, `","atoms":`...)
	return append(appendAtoms(b, r.Atoms), '}'), nil
}

// appendMutation writes a mutation as the standard encoder does, in a fraction of its time: see appendRow.
func appendMutation(b []byte, m Mutation) []byte {
	b = strconv.AppendUint(append(b, `{"n":`...), m.N, 10)
	b = appendString(append(b, `,"op":`...), string(m.Op))
	b = appendString(append(b, `,"id":`...), m.ID)
	b = appendString(append(b, `,"kind":`...), m.Kind)
	if m.At != "" {
		b = appendString(append(b, `,"at":`...), m.At)
	}
	if m.Epoch != "" {
		b = appendString(append(b, `,"epoch":`...), m.Epoch)
	}
	if len(m.Ctx) > 0 {
		b, _ = m.Ctx.AppendText(append(b, `,"ctx":"`...))
		b = append(b, '"')
	}
	if m.HLC != 0 {
		b, _ = m.HLC.AppendText(append(b, `,"hlc":"`...))
		b = append(b, '"')
	}
	if len(m.Atoms) > 0 {
		b = appendChanges(append(b, `,"atoms":`...), m.Atoms)
	}
	return append(b, '}')
}

func appendChanges(b []byte, atoms map[string]Change) []byte {
	b = append(b, '{')
	for i, name := range slices.Sorted(maps.Keys(atoms)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, name), `:{"v":`...)
		change := atoms[name]
		if change.V == nil {
			b = append(b, "null"...)
		}
		b = append(b, change.V...)
		for j, dot := range change.Seen {
			if j == 0 {
				b = append(b, `,"seen":[`...)
			} else {
				b = append(b, ',')
			}
			b, _ = dot.AppendText(append(b, '"'))
			b = append(b, '"')
		}
		if len(change.Seen) > 0 {
			b = append(b, ']')
		}
		b = append(b, '}')
	}
	return append(b, '}')
}

func appendAtoms(b []byte, atoms map[string][]Version) []byte {
	if atoms == nil {
		return append(b, "null"...)
	}
	var few [8]string
	names := few[:0]
	for name := range atoms {
		names = append(names, name)
	}
	slices.Sort(names)
	b = append(b, '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, name), ':')
		b = appendVersions(b, atoms[name])
	}
	return append(b, '}')
}

func appendVersions(b []byte, versions []Version) []byte {
	if versions == nil {
		return append(b, "null"...)
	}
	b = append(b, '[')
	for i, v := range versions {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"dot":"`...)
		b, _ = v.Dot.AppendText(b)
		b = append(b, '"')
		if v.HLC != 0 {
			b = append(b, `,"hlc":"`...)
			b, _ = v.HLC.AppendText(b)
			b = append(b, '"')
		}
		b = append(b, `,"v":`...)
		if v.Value == nil {
			b = append(b, "null"...)
		}
		b = append(append(b, v.Value...), '}')
	}
	return append(b, ']')
}

// appendString writes a string. Ids and names need no escaping; for what does there is the standard encoder.
func appendString(b []byte, s string) []byte {
	if strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' }) {
		quoted, _ := Marshal(s) // of a string it does not fail
		return append(b, quoted...)
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
