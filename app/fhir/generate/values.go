package main

import (
	"encoding/json"
	"slices"
	"strings"
)

// values holds the value sets and code systems of the definitions, by their address.
type values struct {
	sets    map[string]valueSet
	systems map[string]codeSystem
}

type valueSet struct {
	URL     string
	Compose struct {
		Include []include
		Exclude []include
	}
}

type include struct {
	System   string
	Concept  []concept
	Filter   []json.RawMessage
	ValueSet []string
}

type codeSystem struct {
	URL     string
	Content string
	Concept []concept
}

type concept struct {
	Code    string
	Concept []concept
}

// add takes a file if it is a value set or a code system.
func (v *values) add(name string, resource []byte) error {
	switch kind, _, _ := strings.Cut(name, "-"); kind {
	case "ValueSet":
		var s valueSet
		if err := json.Unmarshal(resource, &s); err != nil {
			return err
		}
		v.sets[s.URL] = s
	case "CodeSystem":
		var s codeSystem
		if err := json.Unmarshal(resource, &s); err != nil {
			return err
		}
		v.systems[s.URL] = s
	}
	return nil
}

// expand lists the codes of a value set, sorted. ok is false where the definitions do not list them all.
func (v *values) expand(address string) (codes []string, ok bool) {
	set, known := v.sets[address]
	if !known || len(set.Compose.Include) == 0 {
		return nil, false
	}
	for _, part := range set.Compose.Include {
		more, ok := v.part(part)
		if !ok {
			return nil, false
		}
		codes = append(codes, more...)
	}
	for _, part := range set.Compose.Exclude {
		fewer, ok := v.part(part)
		if !ok {
			return nil, false
		}
		codes = slices.DeleteFunc(codes, func(code string) bool { return slices.Contains(fewer, code) })
	}
	slices.Sort(codes)
	return slices.Compact(codes), len(codes) > 0
}

func (v *values) part(i include) (codes []string, ok bool) {
	if len(i.Filter) > 0 {
		return nil, false
	}
	for _, set := range i.ValueSet {
		address, _, _ := strings.Cut(set, "|")
		more, ok := v.expand(address)
		if !ok {
			return nil, false
		}
		codes = append(codes, more...)
	}
	if i.System == "" {
		return codes, len(codes) > 0
	}
	if len(i.Concept) > 0 {
		return append(codes, flat(i.Concept)...), true
	}
	system, known := v.systems[i.System]
	if !known || system.Content != "complete" || len(system.Concept) == 0 {
		return nil, false
	}
	return append(codes, flat(system.Concept)...), true
}

func flat(concepts []concept) (codes []string) {
	for _, c := range concepts {
		codes = append(append(codes, c.Code), flat(c.Concept)...)
	}
	return codes
}
