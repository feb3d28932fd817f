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
