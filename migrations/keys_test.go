package migrations

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

var (
	table  = regexp.MustCompile(`(?ms)((?:^--[^\n]*\n)*)^CREATE TABLE (\w+) \((.*?)^\);`)
	unique = regexp.MustCompile(`CREATE UNIQUE INDEX (\w+) ON (\w+) \((\w+)`)
	keys   = regexp.MustCompile(`(?:PRIMARY KEY|UNIQUE) \((\w+)`)
	single = regexp.MustCompile(`(?m)^\s*(\w+)\s[^,(]*(?:PRIMARY KEY|UNIQUE),?$`)
)

// keysWithoutCard lists the keys of each table that do not begin with the card, unless the comment above its CREATE says that
// it is a directory table (and why), the file says so of all its tables, or it is the table of cards itself.
func keysWithoutCard(schema string) (found []string) {
	directory := map[string]bool{"card": true}
	all := strings.Contains(schema, "-- All tables here are directory tables: ")
	for _, t := range table.FindAllStringSubmatch(schema, -1) {
		comment, name, body := t[1], t[2], t[3]
		if all || strings.Contains(comment, "Directory: ") {
			directory[name] = true
		}
		if directory[name] {
			continue
		}
		for _, key := range append(keys.FindAllStringSubmatch(body, -1), single.FindAllStringSubmatch(body, -1)...) {
			if key[1] != "card" {
				found = append(found, name+"("+key[1]+")")
			}
		}
		if !strings.Contains(body, "PRIMARY KEY") {
			found = append(found, name+" has no primary key")
		}
	}
	for _, u := range unique.FindAllStringSubmatch(schema, -1) {
		if u[3] != "card" && !directory[u[2]] {
			found = append(found, u[1])
		}
	}
	return found
}

// A table whose keys begin with the card can be spread over many databases by card, and no query on it can forget whose
// data it asks for. What leads from something else to a card cannot, and says so.
func TestKeysBeginWithTheCard(t *testing.T) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil || len(names) == 0 {
		t.Fatal("no migrations: ", err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range keysWithoutCard(string(text)) {
			t.Errorf("%s: %s: put the card first, or write above CREATE TABLE 'Directory: ' and why it has a key of its own", name, key)
		}
	}
}

func TestKeysBeginWithTheCardCatches(t *testing.T) {
	for name, schema := range map[string]string{
		"a key of its own":     "CREATE TABLE note (\n    id text NOT NULL PRIMARY KEY,\n    card text NOT NULL\n);",
		"a unique of its own":  "CREATE TABLE note (\n    card text,\n    id text NOT NULL UNIQUE,\n    PRIMARY KEY (card, id)\n);",
		"the card comes later": "CREATE TABLE note (\n    card text,\n    id text,\n    PRIMARY KEY (id, card)\n);",
		"an index":             "CREATE TABLE note (\n    card text,\n    id text,\n    PRIMARY KEY (card, id)\n);\nCREATE UNIQUE INDEX note_by_id ON note (id);",
		"no key at all":        "CREATE TABLE note (\n    card text\n);",
	} {
		if len(keysWithoutCard(schema)) == 0 {
			t.Errorf("%s passes", name)
		}
	}
}
