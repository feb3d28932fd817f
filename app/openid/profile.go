package openid

import (
	"encoding/json"
	"strconv"
	"strings"
)

// Profile says how a provider speaks of a person.
type Profile struct {
	Name    string
	Scopes  []string
	SNILS   string // the claim with the person's number
	Trusted string // the claim that says that the person was seen with a passport; what is not trusted says nothing
}

// Profiles are the providers whose way of speaking is known, by name. ESIA gives a person's data by scope under these names; trusted is
// true for a confirmed account only, and an account that is not confirmed holds what its owner typed.
var Profiles = map[string]Profile{
	"esia": {Name: "esia", Scopes: []string{"openid", "fullname", "birthdate", "snils"}, SNILS: "snils", Trusted: "trusted"},
}

// text reads a claim that is a string; "" for anything else.
func text(claims map[string]any, name string) string {
	s, _ := claims[name].(string)
	return strings.TrimSpace(s)
}

// truth reads a claim that is true, or spelt so. Anything else is false.
func truth(claims map[string]any, name string) bool {
	switch v := claims[name].(type) {
	case bool:
		return v
	case string:
		yes, err := strconv.ParseBool(v)
		return err == nil && yes
	case json.Number:
		return v.String() == "1"
	}
	return false
}
