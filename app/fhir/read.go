package fhir

import "github.com/medcard/medcard/domain/card"

// The readers below work on a validated document, so what is there has the right type; what is not there gives the empty value.

// list gives the elements under a name; a single element is a list of one.
func (n *node) list(name string) []node {
	switch v := n.get(name); {
	case v == nil:
		return nil
	case v.kind == array:
		return v.items
	default:
		return []node{*v}
	}
}

// str is the text, number or boolean under a name, as written.
func (n *node) str(name string) string {
	if v := n.get(name); v != nil {
		return v.text
	}
	return ""
}

func (n *node) strs(name string) (all []string) {
	for _, v := range n.list(name) {
		if v.text != "" {
			all = append(all, v.text)
		}
	}
	return all
}

func (n *node) date(name string) card.Date { return card.Date(n.str(name)) }

func (n *node) yes(name string) bool { return n.str(name) == "true" }

func (n *node) period(name string) card.Period { return periodOf(n.get(name)) }

func periodOf(n *node) card.Period {
	return card.Period{Start: n.date("start"), End: n.date("end")}
}

func (n *node) coding(name string) card.Coding { return codingOf(n.get(name)) }

func codingOf(n *node) card.Coding {
	return card.Coding{System: n.str("system"), Code: n.str("code"), Display: n.str("display")}
}

func (n *node) concept(name string) card.Concept { return conceptOf(n.get(name)) }

func conceptOf(n *node) (c card.Concept) {
	for _, coding := range n.list("coding") {
		c.Codings = append(c.Codings, codingOf(&coding))
	}
	c.Text = n.str("text")
	return c
}

func (n *node) concepts(name string) (all []card.Concept) {
	for _, c := range n.list(name) {
		all = append(all, conceptOf(&c))
	}
	return all
}

// status is the code of a concept that has codes of one system only, like a clinical status.
func (n *node) status(name string) string {
	for _, coding := range n.get(name).list("coding") {
		return coding.str("code")
	}
	return ""
}

func (n *node) quantity(name string) card.Quantity { return quantityOf(n.get(name)) }

func quantityOf(n *node) card.Quantity {
	return card.Quantity{Value: n.str("value"), Comparator: n.str("comparator"), Unit: n.str("unit"), System: n.str("system"), Code: n.str("code")}
}

func (n *node) rng(name string) card.Range {
	r := n.get(name)
	return card.Range{Low: r.quantity("low"), High: r.quantity("high")}
}

// notes gives the texts of annotations.
func (n *node) notes(name string) (all []string) {
	for _, note := range n.list(name) {
		if t := note.str("text"); t != "" {
			all = append(all, t)
		}
	}
	return all
}

// age gives words for an onset or the like that is no date: "34 a", a range of ages, or a text.
func (n *node) age(name string) string {
	if t := n.str(name + "String"); t != "" {
		return t
	}
	if a := n.get(name + "Age"); a != nil {
		return amount(quantityOf(a))
	}
	if r := n.get(name + "Range"); r != nil {
		return amount(r.quantity("low")) + "–" + amount(r.quantity("high"))
	}
	return ""
}

func amount(q card.Quantity) string {
	unit := q.Unit
	if unit == "" {
		unit = q.Code
	}
	if unit == "" || q.Value == "" {
		return q.Value
	}
	return q.Value + " " + unit
}

// when is a moment or a stretch of time under one choice: name + DateTime, Instant or Period. A Timing has only its first event.
func (n *node) when(name string) card.Period {
	for _, as := range []string{"DateTime", "Instant", "Date"} {
		if d := n.date(name + as); d != "" {
			return card.Period{Start: d}
		}
	}
	if p := n.get(name + "Period"); p != nil {
		return periodOf(p)
	}
	if t := n.get(name + "Timing"); t != nil {
		if events := t.strs("event"); len(events) > 0 {
			return card.Period{Start: card.Date(events[0])}
		}
		return t.get("repeat").period("boundsPeriod")
	}
	return card.Period{}
}
