package words_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/medcard/medcard/mobile-sdk/phone/words"
)

func TestFound(t *testing.T) {
	for _, c := range []struct{ text, query string }{
		{"Аллергия на пенициллин", "аллергии"},
		{"Аллергия на пенициллин", "АЛЛЕРГИЮ пенициллина"},
		{"Сахарный диабет 2 типа", "диабета "},
		{"Сахарный диабет 2 типа", "сахарным диабетом"},
		{"Боли в груди", "боль в груди"},
		{"Прививка от клещевого энцефалита", "клещевой энцефалит"},
		{"Твёрдый шанкр", "твердого"},
		{"Твердый шанкр", "твёрдый"},
		{"Chronic kidney diseases", "disease"},
		{"Vaccination refused", "vaccinations "},
		{"Allergic to nuts", "allergic nut"},
		{"Пневмония", "пнев"},
		{"Пневмония", "пневмониями"},
		{"Hemoglobin [Mass/volume] in Blood", "hemog"},
		{"Hemoglobin [Mass/volume] in Blood", "mass volume"},
		{"I10 Гипертензия", "I10"},
		{"i10", "I10 "},
		{"J06.9", "j06.9"},
		{"J06.9", "J06"},
		{"718-7", "718-7"},
		{"718-7", "718-7 "},
		{"COVID-19", "covid"},
		{"COVID-19", "covid-19 "},
		{"давление 120/80, пульс 70", "120/80 70"},
		{"температура 36,6", "36,6"},
		{"Витамин В12", "витамин B12"}, // a Russian В in the text
		{"Витамин B12", "В12 "},        // and in the query
		{"рак С50.1", "C50"},           // a Russian С in the text
		{"Cкорая помощь", "скорая "},   // a Latin C
		{"Анти\u00adкоагулянт", "антикоагулянтов"},
		{"и\u0306од", "йод "}, // й of two signs
		{"сердечно-сосудистые болезни", "сосудистая"},
		{"сердечно-сосудистые болезни", "сердечно-сосудистая болезнь"},
		{"амоксициллин/клавуланат 875мг", "клавуланата 875мг"},
		{"Метформин", "(\"метформин\"*)"},
		{"не", "не"},
		{"the", "the "},
	} {
		q, err := words.Parse(c.query)
		if err != nil || !q.In(words.Of(c.text)) {
			t.Errorf("%q is not found by %q: %v, %q, %v", c.text, c.query, q, words.Of(c.text), err)
		}
	}
}

func TestNotFound(t *testing.T) {
	for _, c := range []struct{ text, query string }{
		{"Аллергия", "астма"},
		{"Аллергия", "алл "}, // the space says that the word is complete
		{"Сахарный диабет", "диабет несахарный"},
		{"718-7", "718-8"},
		{"718-7", "7187"},
		{"J06.9", "J06.8"},
		{"Аллергия", ""},
		{"Аллергия", " -*\"'()^:{}+ "},
		{"", "а"},
	} {
		q, err := words.Parse(c.query)
		if err != nil || q.In(words.Of(c.text)) {
			t.Errorf("%q is found by %q: %v, %v", c.text, c.query, q, err)
		}
	}
}

func TestBounds(t *testing.T) {
	for name, query := range map[string]string{
		"letters": strings.Repeat("ж", words.MaxQuery+1),
		"words":   strings.Repeat("аб ", words.MaxTerms+1),
		"huge":    strings.Repeat("x", 1<<20),
	} {
		if _, err := words.Parse(query); !errors.Is(err, words.ErrTooLong) {
			t.Errorf("%s: %v", name, err)
		}
	}
	long := strings.Repeat("ж", words.MaxQuery)
	if q, err := words.Parse(long); err != nil || !q.In(words.Of(strings.Repeat("ж", 10_000))) {
		t.Errorf("a long word is found by its beginning: %v, %v", q, err)
	}
	big := strings.Repeat("я", 1<<20)
	if all := words.Of(big, "слово"); slices.Contains(all, "слово") {
		t.Error("what lies behind the bound is indexed")
	}
	if !slices.Contains(words.Of("слово", big), "слово") {
		t.Error("what lies before the bound is not indexed")
	}
}

func TestFind(t *testing.T) {
	q, err := words.Parse("диабет")
	if err != nil {
		t.Fatal(err)
	}
	const text = "Осмотр: сахарного диабета нет"
	if from, to, ok := q.Find(text); !ok || text[from:to] != "диабета" {
		t.Errorf("%d, %d, %v", from, to, ok)
	}
	if _, _, ok := q.Find("насморк"); ok {
		t.Error("found")
	}
}

// FuzzQuery: any query is read; what it makes of a text finds that text; and no word has a sign in it that could mean something to
// a database.
func FuzzQuery(f *testing.F) {
	for _, s := range []string{"", "боль в груди", "718-7", "В12", "\"a\" OR b* NEAR(c) -d ^e f:g", "и\u0306", "\xff\xfe", "ааа\u00ad-1", "e\u0301", "İ", "ſ", "1-\u0306", strings.Repeat("а", 300)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		all := words.Of(s)
		for _, w := range all {
			if w == "" || !utf8.ValidString(w) || strings.ContainsAny(w, " \"'*()^:{}+\x00\t\n") {
				t.Fatalf("a word of %q is %q", s, w)
			}
		}
		q, err := words.Parse(s)
		if err != nil {
			return
		}
		if len(q) > 0 && !q.In(all) {
			t.Fatalf("%q does not find itself: %q, %v", s, all, q)
		}
		if from, to, ok := q.Find(s); ok != (len(q) > 0) || !utf8.ValidString(s[from:to]) {
			t.Fatalf("%q: %d %d %v", s, from, to, ok)
		}
	})
}
