package fhir

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/medcard/medcard/domain/fault"
)

// ErrNotR4 means that a document is JSON but not FHIR R4. Its fields name each place.
var ErrNotR4 = fault.New(fault.Invalid, "fhir.not_r4", "The body is not valid FHIR R4 (4.0.1). Each place that is wrong is named.")

// maxIssues bounds how many places are named: who has more wrong has one thing wrong many times.
const maxIssues = 20

// Validate checks that data is one R4 resource of any type.
func Validate(data []byte) error {
	root, err := parse(data)
	if err != nil {
		return err
	}
	return validate(root)
}

func validate(root *node) error {
	v := validator{all: definitions()}
	v.resource(root, nil, false)
	if len(v.fields) == 0 {
		return nil
	}
	f := *ErrNotR4
	f.Fields = v.fields
	return &f
}

type validator struct {
	all    map[string]*definition
	fields []fault.Field
}

// place is where the walk stands. It becomes text only when something is wrong there.
type place struct {
	above *place
	name  string
	index int // -1 = not in a list
}

func (p *place) in(name string) *place { return &place{above: p, name: name, index: -1} }

func (p *place) item(i int) *place { return &place{above: p.above, name: p.name, index: i} }

func (p *place) String() string {
	if p == nil {
		return ""
	}
	s := p.above.String()
	if s != "" {
		s += "."
	}
	s += p.name
	if p.index >= 0 {
		s += "[" + strconv.Itoa(p.index) + "]"
	}
	return s
}

func (v *validator) wrong(at *place, why string) {
	if len(v.fields) < maxIssues {
		v.fields = append(v.fields, fault.Field{Where: at.String(), Why: why})
	}
}

// elementName is what a name must look like to be repeated in an answer. Anything else might be somebody's data in the wrong place.
var elementName = regexp.MustCompile(`^_?[a-zA-Z][a-zA-Z0-9]{0,63}$`)

func harmless(name string) string {
	if elementName.MatchString(name) {
		return name
	}
	return "?"
}

// resource checks a resource of any type. at is nil for the document itself.
func (v *validator) resource(n *node, at *place, contained bool) {
	if n.kind != object {
		v.wrong(at, "expected a resource")
		return
	}
	name := n.get("resourceType")
	if name == nil || name.kind != text {
		v.wrong(at, "resourceType is missing")
		return
	}
	d := v.all[name.text]
	if d == nil || !d.resource || d.abstract {
		v.wrong(at.in("resourceType"), "R4 has no such resource type")
		return
	}
	if at == nil {
		at = at.in(d.name)
	}
	if inner := n.get("contained"); contained && inner != nil {
		v.wrong(at.in("contained"), "a contained resource contains no other")
	}
	v.object(n, d, at)
}

func (v *validator) object(n *node, d *definition, at *place) {
	if n.kind != object {
		v.wrong(at, "expected an object")
		return
	}
	if len(n.fields) == 0 {
		v.wrong(at, "an object is never empty")
		return
	}
	filled := map[*element]string{} // each element that is there, under the JSON name it was met first
	for i := range n.fields {
		if len(v.fields) == maxIssues {
			return
		}
		v.field(n, &n.fields[i], d, at, filled)
	}
	d.every(func(e *element) {
		if e.least > 0 && filled[e] == "" {
			name := e.name
			if e.choice {
				name += "[x]"
			}
			v.wrong(at.in(name), "is required")
		}
	})
}

func (v *validator) field(owner *node, f *field, d *definition, at *place, filled map[*element]string) {
	if f.name == "resourceType" && d.resource {
		return
	}
	name, extra := strings.CutPrefix(f.name, "_")
	p, known := d.byName[name]
	here := at.in(harmless(f.name))
	if !known || extra && !v.all[p.as.name].primitive {
		v.wrong(here, "R4 has no such element here")
		return
	}
	if met := filled[p.element]; met != "" && met != name {
		v.wrong(here, "only one type of a choice may be given")
		return
	}
	filled[p.element] = name
	value := &f.value
	if !p.element.many {
		if value.kind == array {
			v.wrong(here, "expected one value, not a list")
			return
		}
		v.value(value, p, here, extra)
		return
	}
	if value.kind != array {
		v.wrong(here, "expected a list")
		return
	}
	if len(value.items) == 0 {
		v.wrong(here, "a list is never empty")
	}
	for i := range value.items {
		item := &value.items[i]
		if item.kind == null && v.all[p.as.name].primitive {
			if !twin(owner, name, extra, i) {
				v.wrong(here.item(i), "null stands only where the other list of the pair has something")
			}
			continue
		}
		v.value(item, p, here.item(i), extra)
	}
}

// twin reports whether the other one of the lists name and _name has something at index i.
func twin(owner *node, name string, extra bool, i int) bool {
	if !extra {
		name = "_" + name
	}
	other := owner.get(name)
	return other != nil && other.kind == array && i < len(other.items) && other.items[i].kind != null
}

func (v *validator) value(n *node, p property, at *place, extra bool) {
	d := v.all[p.as.name]
	switch {
	case extra:
		v.object(n, v.all["Element"], at)
	case d.primitive:
		if why := checkPrimitive(d.name, n); why != "" {
			v.wrong(at, why)
		} else if p.as.codes != nil && !p.as.codes[n.text] {
			v.wrong(at, "not one of the codes that R4 allows here")
		}
	case d.name == "Resource":
		v.resource(n, at, p.element.name == "contained")
	default:
		v.object(n, d, at)
	}
}
