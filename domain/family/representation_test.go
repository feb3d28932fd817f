package family

import (
	"errors"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Skip("no zone files here")
	}
	return z
}

func TestTurns(t *testing.T) {
	moscow, kamchatka := zone(t, "Europe/Moscow"), zone(t, "Asia/Kamchatka")
	for name, c := range map[string]struct {
		born card.Date
		zone *time.Location
		want [3]string // 15, 16, 18
	}{
		"an ordinary day":                   {"2012-05-10", moscow, [3]string{"2027-05-09T21:00:00Z", "2028-05-09T21:00:00Z", "2030-05-09T21:00:00Z"}},
		"where the day begins first":        {"2012-05-10", kamchatka, [3]string{"2027-05-09T12:00:00Z", "2028-05-09T12:00:00Z", "2030-05-09T12:00:00Z"}},
		"a leap day":                        {"2012-02-29", moscow, [3]string{"2027-02-27T21:00:00Z", "2028-02-28T21:00:00Z", "2030-02-27T21:00:00Z"}},
		"the end of the year":               {"2011-12-31", moscow, [3]string{"2026-12-30T21:00:00Z", "2027-12-30T21:00:00Z", "2029-12-30T21:00:00Z"}},
		"only the month is known":           {"2012-05", moscow, [3]string{"2027-04-30T21:00:00Z", "2028-04-30T21:00:00Z", "2030-04-30T21:00:00Z"}},
		"only the year is known":            {"2012", moscow, [3]string{"2026-12-31T21:00:00Z", "2027-12-31T21:00:00Z", "2029-12-31T21:00:00Z"}},
		"a time of birth, on its own clock": {"2012-05-10T01:00:00+12:00", moscow, [3]string{"2027-05-09T21:00:00Z", "2028-05-09T21:00:00Z", "2030-05-09T21:00:00Z"}},
	} {
		turns := TurnsOf(c.born, c.zone)
		got := [3]string{turns.Consent.Format(time.RFC3339), turns.Addiction.Format(time.RFC3339), turns.Majority.Format(time.RFC3339)}
		if got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// What a representation opens changes by itself when the patient's own word begins to count.
func TestReach(t *testing.T) {
	moscow := zone(t, "Europe/Moscow")
	day := func(text string) time.Time {
		at, err := time.ParseInLocation("2006-01-02 15:04:05", text, moscow)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	child := func(level Level) Representation {
		r, err := New("r", Proven{Card: "c", Agent: "a", Level: level, Basis: BirthCertificate}, "2012-02-29", moscow, day("2026-11-30 12:00:00"))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	order, err := New("r", Proven{Card: "c", Agent: "a", Level: Full, Basis: GuardianOrder, Until: day("2027-01-01 00:00:00")}, "2012-02-29", moscow, day("2026-11-30 12:00:00"))
	if err != nil {
		t.Fatal(err)
	}
	letter, err := New("r", Proven{Card: "c", Agent: "a", Level: Limited, Basis: PowerOfAttorney, Powers: Powers{View: true}, Until: day("2028-01-01 00:00:00")}, "1950", moscow, day("2026-11-30 12:00:00"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		r     Representation
		at    string
		sees  string // of the scopes below, by their letters
		until string
	}{
		"a child":                             {child(Full), "2027-02-27 23:59:59", "drcsDv", "2027-02-28 00:00:00"},
		"its results and prescriptions":       {child(Limited), "2027-02-27 23:59:59", "c", "2027-02-28 00:00:00"},
		"by staff":                            {child(Manage), "2027-02-27 23:59:59", "drcsDv", "2027-02-28 00:00:00"},
		"fifteen":                             {child(Full), "2027-02-28 00:00:00", "s", "2028-02-29 00:00:00"},
		"fifteen, its results":                {child(Limited), "2027-02-28 00:00:00", "", "2028-02-29 00:00:00"},
		"sixteen":                             {child(Full), "2028-02-29 00:00:00", "", "2030-02-28 00:00:00"},
		"of age":                              {child(Full), "2030-02-28 00:00:00", "", "2030-02-28 00:00:00"},
		"an order that ends before the turn":  {order, "2026-12-31 23:59:59", "drcsDv", "2027-01-01 00:00:00"},
		"an order that has ended":             {order, "2027-01-01 00:00:00", "", "2027-01-01 00:00:00"},
		"an attorney of somebody of age":      {letter, "2027-12-31 23:59:59", "c", "2028-01-01 00:00:00"},
		"an attorney after his letter's term": {letter, "2028-01-01 00:00:00", "", "2028-01-01 00:00:00"},
	} {
		scopes, until := c.r.Reach(day(c.at))
		sees := ""
		for _, s := range []struct {
			letter string
			scope  card.Scope
		}{{"d", "dx.general"}, {"r", "rx.general"}, {"c", "rx.general.current"}, {"s", "dx.addiction"}, {"D", "dx.hiv"}, {"v", "vitals.general"}} {
			if scopes.Holds(s.scope) {
				sees += s.letter
			}
		}
		if sees != c.sees || !until.Equal(day(c.until)) {
			t.Errorf("%s: sees %q until %s, want %q until %s", name, sees, until.In(moscow), c.sees, c.until)
		}
		g, err := c.r.Open("t", "phone", day(c.at))
		switch {
		case c.r.Child() && sees != "":
			ends := day(c.at).Add(24 * time.Hour)
			if turn := day(c.until); turn.Before(ends) {
				ends = turn
			}
			if err != nil || !g.Ends.Equal(ends) || g.Device != "phone" || g.Powers != (consent.Powers{Add: c.r.Level == Manage, Change: c.r.Level == Manage, Staff: c.r.Level == Manage}) {
				t.Errorf("%s: the token is %+v, %v", name, g, err)
			}
		case err == nil:
			t.Errorf("%s: a token", name)
		}
	}
	g, err := child(Full).Open("t", "phone", day("2026-12-24 18:00:00"))
	if err != nil || g.Ends.Sub(g.Starts) != 24*time.Hour {
		t.Errorf("a token runs for %s, %v", g.Ends.Sub(g.Starts), err)
	}
}

func TestNewRefuses(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	year := now.AddDate(1, 0, 0)
	for name, c := range map[string]struct {
		p    Proven
		born card.Date
		want error
	}{
		"a parent":                       {Proven{Level: Full, Basis: AdoptionCertificate}, "2020-01-01", nil},
		"a guardian of an adult":         {Proven{Level: Full, Basis: TrusteeOrder}, "1950-01-01", nil},
		"a parent of an adult":           {Proven{Level: Full, Basis: BirthCertificate}, "2008-11-30", ErrAdult},
		"on the day before":              {Proven{Level: Full, Basis: BirthCertificate}, "2008-12-01", nil},
		"of nobody knows what age":       {Proven{Level: Full, Basis: BirthCertificate}, "", ErrBirth},
		"an attorney":                    {Proven{Level: Full, Basis: PowerOfAttorney, Powers: Powers{View: true, Upload: true}, Until: year}, "1950", nil},
		"an attorney without powers":     {Proven{Level: Full, Basis: PowerOfAttorney, Until: year}, "1950", ErrKind},
		"an attorney who may not look":   {Proven{Level: Full, Basis: PowerOfAttorney, Powers: Powers{Change: true}, Until: year}, "1950", ErrKind},
		"an attorney for ever":           {Proven{Level: Full, Basis: PowerOfAttorney, Powers: Powers{View: true}}, "1950", ErrTerm},
		"an attorney for a century":      {Proven{Level: Full, Basis: PowerOfAttorney, Powers: Powers{View: true}, Until: now.AddDate(100, 0, 0)}, "1950", ErrTerm},
		"a parent with powers":           {Proven{Level: Full, Basis: BirthCertificate, Powers: Powers{View: true}}, "2020-01-01", ErrKind},
		"no level that there is":         {Proven{Level: "all", Basis: BirthCertificate}, "2020-01-01", ErrKind},
		"no basis that there is":         {Proven{Level: Full, Basis: "friendship"}, "2020-01-01", ErrKind},
		"an end that has passed already": {Proven{Level: Full, Basis: GuardianOrder, Until: now}, "2020-01-01", ErrKind},
	} {
		if _, err := New("r", c.p, c.born, time.UTC, now); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// Each thing that will change is announced once, so far ahead, and what changes nothing is not.
func TestNotices(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		p    Proven
		born card.Date
		want map[string]string
	}{
		"a child":               {Proven{Level: Full, Basis: BirthCertificate}, "2012-05-10", map[string]string{"turn15": "2027-04-10", "turn16": "2028-04-10", "turn18": "2030-04-10"}},
		"what is not seen":      {Proven{Level: Limited, Basis: BirthCertificate}, "2012-05-10", map[string]string{"turn15": "2027-04-10", "turn18": "2030-04-10"}},
		"fifteen already":       {Proven{Level: Full, Basis: BirthCertificate}, "2011-05-10", map[string]string{"turn16": "2027-04-10", "turn18": "2029-04-10"}},
		"a letter":              {Proven{Level: Full, Basis: PowerOfAttorney, Powers: Powers{View: true}, Until: now.AddDate(1, 0, 0)}, "1950", map[string]string{"ends14": "2027-11-16", "ends3": "2027-11-27"}},
		"an order that is over": {Proven{Level: Full, Basis: GuardianOrder, Until: time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC)}, "2012-05-10", map[string]string{"turn15": "2027-04-10", "ends14": "2027-12-18", "ends3": "2027-12-29"}},
	} {
		r, err := New("r", c.p, c.born, time.UTC, now)
		if err != nil {
			t.Fatal(name, err)
		}
		got := map[string]string{}
		for _, n := range r.Notices() {
			got[n.About] = n.Due.Format(time.DateOnly)
		}
		for about, due := range c.want {
			if got[about] != due {
				t.Errorf("%s: %s is due %q, want %s", name, about, got[about], due)
			}
		}
		if len(got) != len(c.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}
