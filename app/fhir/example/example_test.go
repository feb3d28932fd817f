package example_test

import (
	"testing"

	"github.com/medcard/medcard/app/fhir"
	"github.com/medcard/medcard/app/fhir/example"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/posting"
)

func TestTheExampleIsWhatItSays(t *testing.T) {
	b, err := fhir.ReadBundle(example.Bundle())
	if err != nil {
		t.Fatal(err)
	}
	who := b.Introduction()
	want := []card.Number{{System: card.SystemSNILS, Value: example.SNILS}, {System: card.SystemOMS, Value: example.Policy}}
	if len(who.Numbers) != 2 || who.Numbers[0] != want[0] || who.Numbers[1] != want[1] || who.Born != example.Born {
		t.Errorf("introduced as %+v", who)
	}
	seen := map[card.Kind]int{}
	for i, e := range b.Entries {
		seen[e.Kind]++
		if p, ok := b.Fact(i, func(posting.Key) card.RecordID { return "r" }).(card.Person); ok && p.Name.Family != example.Family {
			t.Errorf("the patient is called %s", p.Name.Family)
		}
	}
	for _, fact := range card.Facts() {
		switch fact.Kind() {
		case card.KindMeasurement, card.KindComment:
		default:
			if seen[fact.Kind()] == 0 {
				t.Errorf("no %s in the example", fact.Kind())
			}
		}
	}
	if seen[""] == 0 {
		t.Error("the example should also have types that the card has no place for")
	}
}
