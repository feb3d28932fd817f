package prescription

import (
	"testing"
	"time"
)

func TestValidityCountsDaysOfTheClinic(t *testing.T) {
	moscow, kamchatka := time.FixedZone("MSK", 3*60*60), time.FixedZone("PETT", 12*60*60)
	utc := func(text string) time.Time {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, c := range []struct {
		name     string
		validity Validity
		issued   string
		zone     *time.Location
		last     string // second
	}{
		{"60 days, the last one whole", Days60, "2026-11-16T07:30:00Z", moscow, "2027-01-15T20:59:59Z"},
		{"the evening in UTC is the next day in Moscow", Days15, "2026-11-16T22:30:00Z", moscow, "2026-12-02T20:59:59Z"},
		{"and noon is the next day in Kamchatka", Days15, "2026-11-16T12:30:00Z", kamchatka, "2026-12-02T11:59:59Z"},
		{"30 days", Days30, "2026-01-31T09:00:00Z", moscow, "2026-03-02T20:59:59Z"},
		{"a month from the 31st ends with February", OneMonth, "2026-01-31T09:00:00Z", moscow, "2026-02-28T20:59:59Z"},
		{"also in a leap year", OneMonth, "2028-01-31T09:00:00Z", moscow, "2028-02-29T20:59:59Z"},
		{"three months", ThreeMonths, "2026-11-30T09:00:00Z", moscow, "2027-02-28T20:59:59Z"},
		{"a year from a leap day", UpToYear, "2028-02-29T09:00:00Z", moscow, "2029-02-28T20:59:59Z"},
		{"90 days", Days90, "2026-11-16T07:30:00Z", time.UTC, "2027-02-14T23:59:59Z"},
	} {
		if got := c.validity.Until(utc(c.issued), c.zone); !got.Equal(utc(c.last)) {
			t.Errorf("%s: until %s, want %s", c.name, got.Format(time.RFC3339), c.last)
		}
	}
	if got := Validity(9).Until(time.Now(), time.UTC); !got.IsZero() || Validity(9).Longest() != 0 {
		t.Error("an unknown code is valid for no time")
	}
}

// What Until gives never is longer than what a reader allows, on any day and in a zone that changes its clocks.
func TestLongestCoversEveryDay(t *testing.T) {
	zones := []*time.Location{time.UTC, time.FixedZone("east", 12*60*60), time.FixedZone("west", -11*60*60)}
	if berlin, err := time.LoadLocation("Europe/Berlin"); err == nil {
		zones = append(zones, berlin)
	}
	for _, zone := range zones {
		for v := Days15; v <= ThreeMonths; v++ {
			for issued := time.Date(2027, 1, 1, 0, 0, 0, 0, zone); issued.Year() < 2029; issued = issued.Add(25 * time.Hour) {
				if took := v.Until(issued, zone).Sub(issued); took > v.Longest() || took < v.Longest()-5*24*time.Hour {
					t.Fatalf("validity %d from %s: %s, longest %s", v, issued, took, v.Longest())
				}
			}
		}
	}
}

func TestRulesAreDated(t *testing.T) {
	at := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	for form, controlled := range map[Form]bool{Ordinary: false, Accounted: true, Preferential: false, Narcotic: true} {
		r, ok := RulesOn(form, at)
		if !ok || r.Controlled != controlled || len(r.Terms) == 0 || r.MaxItems < 1 || r.Source == "" {
			t.Errorf("%s: %+v, %v", form, r, ok)
		}
		if _, ok := RulesOn(form, r.From.Add(-time.Second)); ok {
			t.Errorf("%s has rules before they came into force", form)
		}
	}
	if _, ok := RulesOn("107", at); ok {
		t.Error("an unknown form")
	}
	// No two rows of a form may be in force at once.
	for i, a := range rules {
		for _, b := range rules[i+1:] {
			if a.Form == b.Form && (a.To.IsZero() || b.From.Before(a.To)) && (b.To.IsZero() || a.From.Before(b.To)) {
				t.Errorf("%s: two rows overlap", a.Form)
			}
		}
	}
}
