package fhir

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

//go:embed elements.txt
var elementsTable string

// definition is one resource or data type of R4, or an element that has elements of its own.
type definition struct {
	name      string
	base      *definition
	resource  bool
	abstract  bool
	primitive bool
	elements  []*element          // its own, without those of the base
	byName    map[string]property // also of the base, and each choice under its own name
}

// element is one line of a definition.
type element struct {
	name   string // of a choice without the [x]
	least  int
	many   bool
	choice bool
	types  []elementType
}

type elementType struct {
	name  string // of a data type, or "Resource" for any
	codes map[string]bool
}

// property is what a JSON name stands for: an element in one of its types.
type property struct {
	element *element
	as      *elementType
}

// definitions gives the whole of R4. The table is a part of the program, so an error in it is ours and panics.
var definitions = sync.OnceValue(func() map[string]*definition {
	all, err := readTable(elementsTable)
	if err != nil {
		panic(err)
	}
	return all
})

func readTable(table string) (map[string]*definition, error) {
	all := map[string]*definition{}
	bases := map[*definition]string{}
	codes := map[string]map[string]bool{}
	waiting := map[*elementType]string{}
	var current *definition
	for number, line := range strings.Split(strings.TrimSuffix(table, "\n"), "\n") {
		words := strings.Fields(line)
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "= ") && len(words) > 2:
			set := make(map[string]bool, len(words)-2)
			for _, code := range words[2:] {
				set[code] = true
			}
			codes[words[1]] = set
		case strings.HasPrefix(line, " ") && len(words) > 3 && current != nil:
			e, err := readElement(words, waiting)
			if err != nil {
				return nil, fmt.Errorf("fhir: elements.txt:%d: %w", number+1, err)
			}
			current.elements = append(current.elements, e)
		case len(words) > 0 && line[0] != ' ':
			current = &definition{name: words[0]}
			for i, word := range words[1:] {
				switch word {
				case "resource":
					current.resource = true
				case "abstract":
					current.abstract = true
				case "primitive":
					current.primitive = true
				case "<":
					bases[current] = words[i+2]
				}
			}
			all[current.name] = current
		default:
			return nil, fmt.Errorf("fhir: elements.txt:%d: not understood", number+1)
		}
	}
	for t, set := range waiting {
		if t.codes = codes[set]; t.codes == nil {
			return nil, fmt.Errorf("fhir: elements.txt: no set of codes %s", set)
		}
	}
	for d, base := range bases {
		if d.base = all[base]; d.base == nil {
			return nil, fmt.Errorf("fhir: elements.txt: no base %s", base)
		}
	}
	for _, d := range all {
		if err := d.index(all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func readElement(words []string, waiting map[*elementType]string) (*element, error) {
	name, choice := strings.CutSuffix(words[0], "[x]")
	least, err := strconv.Atoi(words[1])
	if err != nil {
		return nil, err
	}
	e := &element{name: name, choice: choice, least: least, many: words[2] != "1", types: make([]elementType, len(words)-3)}
	for i, word := range words[3:] {
		kind, set, bound := strings.Cut(word, ":")
		e.types[i].name = kind
		if bound {
			waiting[&e.types[i]] = set
		}
	}
	return e, nil
}

// index lists every JSON name under which a property of the type may stand.
func (d *definition) index(all map[string]*definition) error {
	d.byName = map[string]property{}
	for at := d; at != nil; at = at.base {
		for _, e := range at.elements {
			for i := range e.types {
				t := &e.types[i]
				if all[t.name] == nil {
					return fmt.Errorf("fhir: elements.txt: %s.%s has the unknown type %s", at.name, e.name, t.name)
				}
				name := e.name
				if e.choice {
					name += strings.ToUpper(t.name[:1]) + t.name[1:]
				}
				d.byName[name] = property{e, t}
			}
		}
	}
	return nil
}

// every visits the elements of the type and of its bases.
func (d *definition) every(visit func(*element)) {
	for at := d; at != nil; at = at.base {
		for _, e := range at.elements {
			visit(e)
		}
	}
}
