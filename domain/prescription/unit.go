package prescription

// Shape is what one unit of a medicine is. The numbers travel in codes: they never change, new ones go to the end.
type Shape uint8

// The shapes.
const (
	Tablet Shape = iota + 1
	Capsule
	Solution // a millilitre
	Drops    // a millilitre
	Syrup    // a millilitre
	Injection
	Powder
	Ointment // a gram
	Suppository
	Aerosol // a dose
	Patch
	Other
)

var shapes = [...]string{"", "tablet", "capsule", "solution", "drops", "syrup", "injection", "powder", "ointment", "suppository", "aerosol", "patch", "other"}

// Known reports whether the shape is one of the list.
func (s Shape) Known() bool { return s > 0 && int(s) < len(shapes) }

func (s Shape) String() string { return word(shapes[:], int(s)) }

// ShapeOf finds a shape by its word.
func ShapeOf(name string) (Shape, bool) {
	i, ok := index(shapes[:], name)
	return Shape(i), ok
}

// Unit is a unit of strength. The numbers travel in codes: they never change, new ones go to the end.
type Unit uint8

// The units.
const (
	Microgram Unit = iota + 1
	Milligram
	Gram
	InternationalUnit
	Percent100 // hundredths of a percent
	Millilitre
)

var units = [...]string{"", "ug", "mg", "g", "[iU]", "0.01%", "mL"}

// Known reports whether the unit is one of the list.
func (u Unit) Known() bool { return u > 0 && int(u) < len(units) }

// String gives the UCUM symbol.
func (u Unit) String() string { return word(units[:], int(u)) }

// UnitOf finds a unit by its symbol.
func UnitOf(symbol string) (Unit, bool) {
	i, ok := index(units[:], symbol)
	return Unit(i), ok
}

func word(list []string, i int) string {
	if i <= 0 || i >= len(list) {
		return "unknown"
	}
	return list[i]
}

func index(list []string, name string) (int, bool) {
	for i, w := range list {
		if i > 0 && w == name {
			return i, true
		}
	}
	return 0, false
}

var urgencies = [...]string{"routine", "cito", "statim"}

func (u Urgency) String() string {
	if int(u) >= len(urgencies) {
		return "unknown"
	}
	return urgencies[u]
}

// UrgencyOf finds an urgency by its word.
func UrgencyOf(name string) (Urgency, bool) {
	for i, w := range urgencies {
		if w == name {
			return Urgency(i), true
		}
	}
	return 0, false
}
