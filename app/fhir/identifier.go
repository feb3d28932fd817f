package fhir

import (
	"strings"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// registers says under which addresses the Russian registers are met, in lower case and without a scheme. Even the national
// profile's own repository writes them in several ways.
var registers = map[string]string{
	"fhir.ru/ig/core/systems/snils": card.SystemSNILS,
	"fhir.ru/core/systems/snils":    card.SystemSNILS,
	"1.2.643.100.3":                 card.SystemSNILS,
	"fhir.ru/ig/core/systems/oms":   card.SystemOMS,
	"fhir.ru/ig/core/systems/enp":   card.SystemOMS,
	"fhir.ru/core/systems/oms":      card.SystemOMS,
	"fhir.ru/ig/core/systems/inn":   card.SystemINN,
	"fhir.ru/core/systems/inn":      card.SystemINN,
}

// policyKinds is the federal directory of kinds of policies; only kinds 2 and 3 bear the unified number.
const policyKinds = "1.2.643.5.1.13.13.11.1035"

// register gives the name that a register has here; an address of none stays as it is.
func register(system string) string {
	if known, ok := registers[bare(system)]; ok {
		return known
	}
	return system
}

// bare cuts what two spellings of one address may differ in: case, scheme, urn:oid, a slash at the end.
func bare(system string) string {
	s := strings.ToLower(system)
	for _, scheme := range []string{"https://", "http://", "urn:oid:"} {
		s = strings.TrimPrefix(s, scheme)
	}
	return strings.TrimSuffix(s, "/")
}

// identifier is one identifier of a resource, its register named as here and a number of a Russian register in canonical form.
type identifier struct {
	card.Number
	official bool // a number of a person that the state gave: a card is found by it
	wrong    error
}

func identifierOf(n *node) identifier {
	i := identifier{Number: card.Number{System: register(n.str("system")), Value: strings.TrimSpace(n.str("value"))}}
	if i.Value == "" {
		return i
	}
	switch i.System {
	case card.SystemSNILS:
		number, err := identity.ParseSNILS(i.Value)
		i.Value, i.official, i.wrong = either(string(number), i.Value, err), err == nil, err
	case card.SystemOMS:
		// Old policies and temporary certificates stand under the same address. They are kept, but lead to no card.
		if kind := codeIn(n.get("type"), policyKinds); kind != "" && kind != "2" && kind != "3" {
			break
		}
		number, err := identity.ParsePolicy(i.Value)
		if fault.CodeOf(err) == identity.ErrPolicyFormat.Code {
			break
		}
		i.Value, i.official, i.wrong = either(string(number), i.Value, err), err == nil, err
	case card.SystemINN:
		if number, err := identity.ParseINN(i.Value); err == nil {
			i.Value = string(number)
		}
	}
	return i
}

func either(parsed, written string, err error) string {
	if err != nil {
		return written
	}
	return parsed
}

// codeIn finds the code of a directory in a concept.
func codeIn(concept *node, directory string) string {
	for _, coding := range concept.list("coding") {
		if bare(coding.str("system")) == directory {
			return coding.str("code")
		}
	}
	return ""
}

func identifiersOf(resource *node) (all []identifier) {
	for _, n := range resource.list("identifier") {
		all = append(all, identifierOf(&n))
	}
	return all
}

// name is how an organisation's own identifier is written down as a posting.Key.
func (i identifier) name() string { return "identifier|" + i.System + "|" + i.Value }
