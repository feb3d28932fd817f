package identity

import "testing"

func TestBearer(t *testing.T) {
	for _, c := range []struct {
		names    []string
		initials string
		valid    bool
	}{
		{[]string{"Иванова", "Анна", "Петровна"}, "ИАП", true},
		{[]string{" иванова", "анна", ""}, "ИА", true},
		{[]string{"Ёлкин", "Ян"}, "ЁЯ", true},
		{[]string{"O'Neil", "Ann"}, "OA", true},
		{[]string{"Салтыков-Щедрин", "Михаил", "Евграфович"}, "СМЕ", true},
		{[]string{"", "-", "\xff"}, "", false},
		{[]string{"А", "Б", "В", "Г", "Д"}, "АБВГД", false},
	} {
		b := NewBearer(1956, c.names...)
		if b.Initials != c.initials || b.Valid() != c.valid {
			t.Errorf("%q: %q, valid %v", c.names, b.Initials, b.Valid())
		}
	}
	if NewBearer(0, "Анна").Valid() {
		t.Error("no year of birth")
	}
}
