package consent

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
)

// TestDecide: what a permit reads, whoever else is let in or kept out.
func TestDecide(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	anna := identity.Actor{Kind: identity.Patient, Account: "anna", SecondFactor: true}
	boris := identity.Actor{Kind: identity.Patient, Account: "boris", SecondFactor: true}
	clinic := identity.Actor{Kind: identity.Clinic, Client: "clinic", Person: identity.Person{ID: "7", Name: "Иванова А. П.", Role: "терапевт"}}
	system := clinic
	system.Person.Role = ""
	hers := Grant{Card: "c", Role: Owner, Account: "anna", Scopes: card.Everything(), Starts: now}
	his := Grant{Card: "c", Role: Proxy, Account: "boris", Scopes: card.Scopes{"lab.*", "dx.general"}, Starts: now}
	theirs := Grant{Card: "c", Role: Reader, Client: "clinic", Scopes: card.Scopes{"lab.*"}, Purpose: Emergency, Starts: now}
	ban := func(g Grant) Grant {
		g.Card, g.Role = "c", Restriction
		if g.Starts.IsZero() {
			g.Starts = now
		}
		return g
	}
	hiv := card.Scopes{"lab.hiv"}
	with := func(g Grant, change func(*Grant)) Grant { change(&g); return g }
	onPhone := with(his, func(g *Grant) { g.Device = "phone" })
	staff := with(his, func(g *Grant) { g.Powers.Staff = true })
	phone, doctor := boris, boris
	phone.Device, doctor.Practitioner, doctor.Possession = "phone", true, true
	talkedOut := doctor
	talkedOut.Possession = false
	for name, c := range map[string]struct {
		who    identity.Actor
		why    Purpose
		grants []Grant
		reads  string // of the scopes below, by their first letters
		err    error
	}{
		"the owner":                            {anna, PatientRequest, []Grant{hers}, "lhdH", nil},
		"the owner, whatever she denies":       {anna, PatientRequest, []Grant{hers, ban(Grant{Scopes: card.Scopes{"lab.*"}})}, "lhdH", nil},
		"another person, never what is hid":    {boris, PatientRequest, []Grant{hers, his}, "lhd", nil},
		"denied to everybody":                  {boris, PatientRequest, []Grant{hers, his, ban(Grant{Scopes: hiv})}, "ld", nil},
		"denied to him":                        {boris, PatientRequest, []Grant{his, ban(Grant{Account: "boris", Scopes: hiv})}, "ld", nil},
		"denied to another":                    {boris, PatientRequest, []Grant{his, ban(Grant{Account: "vera", Scopes: hiv})}, "lhd", nil},
		"denied to a clinic":                   {boris, PatientRequest, []Grant{his, ban(Grant{Client: "clinic", Scopes: hiv})}, "lhd", nil},
		"a second grant does not help":         {boris, PatientRequest, []Grant{his, ban(Grant{Scopes: hiv}), {Card: "c", Role: Proxy, Account: "boris", Scopes: hiv, Starts: now}}, "ld", nil},
		"nor does an emergency":                {clinic, Emergency, []Grant{theirs, ban(Grant{Scopes: hiv})}, "l", nil},
		"nor does a pattern":                   {boris, PatientRequest, []Grant{his, ban(Grant{Scopes: card.Scopes{"lab.*"}})}, "d", nil},
		"lifted":                               {boris, PatientRequest, []Grant{his, ban(Grant{Scopes: hiv, Revoked: now, Ended: 7})}, "lhd", nil},
		"run out":                              {boris, PatientRequest, []Grant{his, ban(Grant{Scopes: hiv, Starts: now.Add(-2), Ends: now, Ended: 7})}, "lhd", nil},
		"of another card":                      {boris, PatientRequest, []Grant{his, {Card: "d", Role: Restriction, Scopes: hiv, Starts: now}}, "lhd", nil},
		"a restriction lets nobody in":         {boris, PatientRequest, []Grant{ban(Grant{Account: "boris", Scopes: hiv})}, "", ErrNoGrant},
		"on the phone that it is for":          {phone, PatientRequest, []Grant{onPhone}, "lhd", nil},
		"on another phone":                     {boris, PatientRequest, []Grant{onPhone}, "", ErrNoGrant},
		"medical staff":                        {doctor, PatientRequest, []Grant{staff}, "lhd", nil},
		"staff by a password and a code":       {talkedOut, PatientRequest, []Grant{staff}, "", ErrPasskey},
		"who sees as a person, too":            {talkedOut, PatientRequest, []Grant{staff, his}, "lhd", nil},
		"who is no staff any more":             {boris, PatientRequest, []Grant{staff}, "", ErrNoGrant},
		"a clinic with another purpose":        {clinic, Treatment, []Grant{theirs}, "", ErrNoGrant},
		"held and denied":                      {boris, PatientRequest, []Grant{{Card: "c", Role: Proxy, Account: "boris", Scopes: hiv, Starts: now, Held: now}, ban(Grant{Scopes: hiv})}, "", ErrHeld},
		"a clinic's system, with nobody named": {system, Treatment, []Grant{theirs}, "", ErrPerson},
		"no purpose that anybody knows":        {anna, "CURIOSITY", []Grant{hers}, "", ErrPurpose},
		"the owner without the second factor":  {identity.Actor{Kind: identity.Patient, Account: "anna"}, PatientRequest, []Grant{hers}, "", ErrNoGrant},
	} {
		token := new(Token)
		p, err := Decide(c.who, "c", c.why, c.grants, now, token)
		if !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", name, err, c.err)
		}
		reads, ofCard := "", slices.DeleteFunc(slices.Clone(c.grants), func(g Grant) bool { return g.Card != "c" })
		for _, s := range []struct {
			letter string
			scope  card.Scope
		}{{"l", "lab.general"}, {"h", "lab.hiv"}, {"d", "dx.general"}, {"H", "dx.hiddengeneral"}} {
			if p.Reads(s.scope) {
				reads += s.letter
			}
			if c.who.Account != "" && c.err == nil && Shown(ofCard, c.who.Account, s.scope) != p.Reads(s.scope) {
				t.Errorf("%s: a push would tell otherwise of %s", name, s.scope)
			}
		}
		if reads != c.reads {
			t.Errorf("%s: reads %q, want %q", name, reads, c.reads)
		}
		if err == nil && (!p.Of(token) || p.Of(new(Token))) {
			t.Errorf("%s: the permit is not of its transaction alone", name)
		}
	}
}

// TestWhatIsWritten: who may add, who may change, and in whose name.
func TestWhatIsWritten(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	hers := Grant{Card: "c", Role: Owner, Account: "anna", Scopes: card.Everything(), Starts: now}
	his := func(powers Powers, scopes ...card.Scope) Grant {
		return Grant{Card: "c", Role: Proxy, Account: "anna", Scopes: scopes, Powers: powers, Representation: "r", Starts: now}
	}
	for name, c := range map[string]struct {
		grants          []Grant
		adds, writes    bool
		behalf          RepresentationID
		addsN, changesN bool // notes
	}{
		"the owner":                   {[]Grant{hers}, true, true, "", true, true},
		"an owner who is an agent":    {[]Grant{his(Powers{Add: true}, "vitals.*"), hers}, true, true, "", true, true},
		"who may look":                {[]Grant{his(Powers{}, "vitals.*")}, false, false, "r", false, false},
		"who may add":                 {[]Grant{his(Powers{Add: true}, "vitals.*")}, true, false, "r", false, false},
		"who may change":              {[]Grant{his(Powers{Change: true}, "vitals.general", "note.general")}, false, true, "r", false, true},
		"who may write, in what else": {[]Grant{his(Powers{Add: true, Change: true}, "lab.*")}, false, false, "r", false, false},
		"of two":                      {[]Grant{his(Powers{Add: true}, "vitals.*"), his(Powers{Change: true}, "note.*")}, true, false, "r", false, true},
	} {
		p, err := Decide(identity.Actor{Kind: identity.Patient, Account: "anna", SecondFactor: true}, "c", PatientRequest, c.grants, now, new(Token))
		if err != nil {
			t.Fatal(name, err)
		}
		got := [4]bool{p.Adds("vitals.general"), p.Writes("vitals.general"), p.Adds("note.general"), p.Writes("note.general")}
		if got != [4]bool{c.adds, c.writes, c.addsN, c.changesN} || p.Representation() != c.behalf || p.Writes("lab.general") || p.Adds("lab.general") {
			t.Errorf("%s: %v in the name of %q", name, got, p.Representation())
		}
	}
}
