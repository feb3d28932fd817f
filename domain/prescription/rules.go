package prescription

import (
	"slices"
	"time"
)

// Rules is what the law says of a form between two days.
type Rules struct {
	Form       Form
	From, To   time.Time // first day, and first day no more; a zero To is open
	Terms      []Term    // the first is the default
	MaxItems   int       // medicines on one form
	Parts      bool      // it may be handed out in parts with a period between them; else once, and never again
	Benefit    bool      // it needs the beneficiary's data, and no other form may have them
	Controlled bool      // its code carries the token only, and only an online check may hand it out
	Source     string    // where the row was taken from, and how sure that is
}

// Term is a validity that a form may have, and on what condition.
type Term struct {
	Validity Validity
	Course   int  // days of the longest course
	Special  int  // of the longest course under the mark "for a special purpose"; 0 = the form knows no such mark
	Periodic bool // each medicine needs a period between its hand-outs
	Ground   bool // only for those beneficiaries for whom the order lengthens it
}

const order1094n = "order 1094n of 24.11.2021, in force from 1.03.2022"

// rules is data with dates, one row per form and edition of the order: when an order changes, close the old row and add one.
var rules = []Rules{
	{
		Form: Ordinary, From: day(2022, 3, 1), MaxItems: 3, Parts: true,
		Terms:  []Term{{Validity: Days60, Course: 366}, {Validity: UpToYear, Course: 366, Periodic: true}},
		Source: order1094n + ", from memory; a page that says 15 days is older",
	},
	{
		Form: Accounted, From: day(2022, 3, 1), MaxItems: 1, Controlled: true,
		Terms:  []Term{{Validity: Days15, Course: 30, Special: 60}},
		Source: order1094n + ", from memory: two months under the mark; a month without it is this table's own bound",
	},
	{
		Form: Preferential, From: day(2022, 3, 1), MaxItems: 3, Parts: true, Benefit: true,
		Terms:  []Term{{Validity: Days30, Course: 90}, {Validity: Days90, Course: 180, Ground: true}, {Validity: Days15, Course: 30}},
		Source: "garant.ru/news/1325602 on order 1022n, carried into 1094n; the electronic form holds three medicines, the one of paper one",
	},
	{
		Form: Narcotic, From: day(2022, 3, 1), MaxItems: 1, Controlled: true,
		Terms:  []Term{{Validity: Days15, Course: 30}},
		Source: order1094n + ", from memory; the rules are made for paper, and a month is this table's own bound",
	},
}

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

// RulesOn gives the rules of a form in force at a time.
func RulesOn(form Form, at time.Time) (Rules, bool) {
	for _, r := range rules {
		if r.Form == form && !at.Before(r.From) && (r.To.IsZero() || at.Before(r.To)) {
			return r, true
		}
	}
	return Rules{}, false
}

// Allows reports whether the form may be valid that long.
func (r Rules) Allows(v Validity) bool { _, ok := r.term(v); return ok }

func (r Rules) term(v Validity) (Term, bool) {
	i := slices.IndexFunc(r.Terms, func(t Term) bool { return t.Validity == v })
	if i < 0 {
		return Term{}, false
	}
	return r.Terms[i], true
}
