package simnet

import (
	"regexp"
	"slices"
)

// What stands on a phone's file of any record: its id, its scope, and values, each of which is written once in a world.
var mark = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7000-8000-[0-9a-f]{12}|"v[0-9]+"|(?:lab|note|request|rx|vitals)\.[a-z]+`)

// traces ends the world if the files of a phone, free pages and journals with them, hold anything that the phone no longer
// does (4). It is asked when something went: what was merely replaced may wait in a journal until then.
func (s *Shelf) traces() {
	plain, err := s.file.Plain()
	if err != nil {
		panic(breach(0, "the phone's file cannot be read: %v", err))
	}
	if plain == nil {
		return // it does not show itself
	}
	kept := s.state.marks()
	kept[s.card] = true
	for _, found := range mark.FindAll(plain, -1) {
		if !kept[string(found)] {
			panic(breach(4, "the file of a phone still holds %s", found))
		}
	}
	s.searched++
}

// marks is what traces may find: all that the phone holds.
func (s *shelfState) marks() map[string]bool {
	all := []any{s.meta, s.base, s.shadow}
	for _, item := range s.items {
		all = append(all, item)
	}
	marks := map[string]bool{}
	for _, found := range mark.FindAllString(encode(all), -1) {
		marks[found] = true
	}
	return marks
}

// lost says whether anything is gone that was there before. A row that is there once more is not: it was replaced.
func (s *shelfState) lost(before shelfState) bool {
	return missing(before.base, s.base, s.shadow) || missing(before.shadow, s.base, s.shadow) || missing(before.items, s.items)
}

func missing[K comparable, V any](from map[K]V, in ...map[K]V) bool {
	for k := range from {
		if !slices.ContainsFunc(in, func(m map[K]V) bool { _, ok := m[k]; return ok }) {
			return true
		}
	}
	return false
}
