package certificate

import "time"

// Kind is the official form of a certificate, as people call it. The words travel and are stored: they never change.
type Kind string

// Row is what a kind is called, which number it has in a code, and how long it may be valid between two days.
type Row struct {
	Kind     Kind
	Number   uint8 // in a code; never changes and is never given to another
	Title    string
	From, To time.Time // first day, and first day no more; a zero To is open
	Days     int       // of the longest validity
	Source   string
}

// Rows is data with dates: when an order changes, close the old row and add one with the same number.
var rows = []Row{
	{Kind: "027/u", Number: 1, Title: "Выписка из медицинской карты", From: day(2015, 1, 1), Days: 366, Source: "order 834n, from memory; the term is this table's own bound"},
	{Kind: "095/u", Number: 2, Title: "Справка о временной нетрудоспособности учащегося", From: day(1980, 10, 4), Days: 366, Source: "order 1030, from memory; the term is this table's own bound"},
	{Kind: "086/u", Number: 3, Title: "Медицинская справка (врачебное профессионально-консультативное заключение)", From: day(2015, 1, 1), Days: 183, Source: "order 834n, from memory: six months"},
	{Kind: "070/u", Number: 4, Title: "Справка для получения путёвки на санаторно-курортное лечение", From: day(2015, 1, 1), Days: 366, Source: "order 834n, from memory: twelve months"},
	{Kind: "079/u", Number: 5, Title: "Медицинская справка о состоянии здоровья ребёнка, отъезжающего в организацию отдыха", From: day(2015, 1, 1), Days: 366, Source: "order 834n, from memory; the term is this table's own bound"},
	{Kind: "003-V/u", Number: 6, Title: "Медицинское заключение о допуске к управлению транспортными средствами", From: day(2016, 7, 1), Days: 366, Source: "order 344n, from memory: one year"},
	{Kind: "free", Number: 7, Title: "Справка в свободной форме", From: day(2015, 1, 1), Days: 366, Source: "no form is set; the term is this table's own bound"},
}

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

// On gives the row of a kind in force at a time.
func On(kind Kind, at time.Time) (Row, bool) {
	return find(at, func(r Row) bool { return r.Kind == kind })
}

// OnNumber gives the row of a kind by its number in a code.
func OnNumber(number uint8, at time.Time) (Row, bool) {
	return find(at, func(r Row) bool { return r.Number == number })
}

func find(at time.Time, is func(Row) bool) (Row, bool) {
	for _, r := range rows {
		if is(r) && !at.Before(r.From) && (r.To.IsZero() || at.Before(r.To)) {
			return r, true
		}
	}
	return Row{}, false
}
