package identity

import (
	"errors"
	"strings"
	"testing"
)

func TestPersonName(t *testing.T) {
	n, err := PersonName{Family: "  Иванова ", Given: "Анна   Мария", Patronymic: "Петровна"}.Clean()
	if err != nil || n.Full() != "Иванова Анна Мария Петровна" || n.Short() != "Иванова А. П." {
		t.Fatalf("%q, %q, %v", n.Full(), n.Short(), err)
	}
	for _, bad := range []PersonName{
		{},
		{Patronymic: "Петровна"},
		{Family: "123"},
		{Family: "Ива\x00нова"},
		{Family: "Ива\xff"},
		{Family: strings.Repeat("а", 101)},
	} {
		if _, err := bad.Clean(); !errors.Is(err, ErrNameFormat) {
			t.Errorf("%+v was accepted: %v", bad, err)
		}
	}
	if one, err := (PersonName{Given: "Сукарно"}).Clean(); err != nil || one.Full() != "Сукарно" {
		t.Errorf("a person with one name: %q, %v", one.Full(), err)
	}
}

func TestSameName(t *testing.T) {
	anna := PersonName{"Семёнова", "Анна", "Петровна"}
	for _, c := range []struct {
		other PersonName
		same  bool
	}{
		{PersonName{"СЕМЕНОВА", "анна", "Петровна"}, true},
		{PersonName{"Семёнова", "Анна", ""}, true},
		{PersonName{"Семёнова", "Анна", "Ивановна"}, false},
		{PersonName{"Семёнов", "Анна", "Петровна"}, false},
		{PersonName{}, false},
	} {
		if anna.Same(c.other) != c.same || c.other.Same(anna) != c.same {
			t.Errorf("%v: want %v", c.other, c.same)
		}
	}
}

func TestDate(t *testing.T) {
	for _, s := range []string{"1980-05-17", "1980-05", "1980", "2024-02-29"} {
		if d, err := ParseDate(s); err != nil || d.String() != s {
			t.Errorf("%s reads as %q, %v", s, d, err)
		}
	}
	for _, s := range []string{"", "1980-5-17", "2023-02-29", "1980-13", "80", "0000", "17.05.1980", "1980-05-17T00:00:00Z"} {
		if d, err := ParseDate(s); !errors.Is(err, ErrDateFormat) {
			t.Errorf("%q was read as %v", s, d)
		}
	}
}

func TestAge(t *testing.T) {
	for _, c := range []struct {
		born, on string
		want     int
		known    bool
	}{
		{"2008-05-17", "2026-05-16", 17, true},
		{"2008-05-17", "2026-05-17", 18, true},
		{"2008-02-29", "2026-02-28", 17, true},
		{"2008-02-29", "2026-03-01", 18, true},
		{"2026-05-17", "2026-05-17", 0, true},
		{"2026-05-18", "2026-05-17", 0, false},
		{"2008", "2026-05-17", 0, false},
	} {
		born, _ := ParseDate(c.born)
		on, _ := ParseDate(c.on)
		if got, known := born.Age(on); got != c.want || known != c.known {
			t.Errorf("born %s, on %s: %d, %v", c.born, c.on, got, known)
		}
	}
}
