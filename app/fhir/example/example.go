// Package example holds a bundle that we wrote ourselves: one visit of a patient who does not exist, as a Russian clinic's system
// would post it. Her numbers pass their check digits. The demo and tests post it.
package example

import _ "embed"

//go:embed bundle.json
var bundle []byte

// Who the patient is, for whoever has to compare.
const (
	SNILS  = "15073184647"
	Policy = "7750930841004216"
	Family = "Соколова"
	Born   = "1984-06-15"
)

// Bundle gives a fresh copy of the bundle.
func Bundle() []byte { return append([]byte(nil), bundle...) }
