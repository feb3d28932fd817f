package domain_test

import (
	"fmt"
	"go/ast"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

// What things are called, and that each package says what it is.

// aliases may rename an import. The value says why its own name will not do.
var aliases = map[string]string{
	"firebase.google.com/go/v4": "its folder is called go, the package firebase",
}

// nouns that only look like gerunds.
var nouns = []string{"posting"} // what an organisation posted, as in a ledger

// empty names say nothing about what lives inside, so everything ends up there.
var empty = []string{"util", "utils", "common", "helper", "helpers", "base", "model", "models", "types", "manager", "managers", "misc", "shared", "lib", "core", "impl", "interfaces"}

// standard names would shadow a package of the standard library in every file that needs both.
var standard = []string{"bytes", "context", "crypto", "embed", "errors", "fmt", "hash", "html", "http", "image", "io", "json", "log", "maps", "mail", "math", "net", "os", "path", "rand", "reflect", "regexp", "runtime", "slices", "slog", "sort", "sql", "strings", "sync", "testing", "time", "unicode", "url"}

var nameRules = []rule{
	{
		name: "every package says what it is",
		why:  "the package comment is the page a reader opens first; it begins with the package's name, as go doc expects",
		check: func(h house) (found []string) {
			said := map[string]bool{}
			for _, f := range h.code() {
				name := f.tree.Name.Name
				if doc := f.tree.Doc.Text(); strings.HasPrefix(doc, "Package "+name+" ") || name == "main" && doc != "" {
					said[f.dir] = true
				}
			}
			for _, dir := range h.folders() {
				if !said[dir] {
					found = append(found, dir+": no comment that begins with \"Package "+path.Base(dir)+"\"")
				}
			}
			return found
		},
		breach: map[string]string{"domain/card/card.go": "package card"},
	},
	{
		name: "no two packages share a name",
		why:  "domain = nouns, acts = gerunds: whoever reads card.ID knows whose it is, and no import needs another name",
		check: func(h house) (found []string) {
			where := map[string]string{}
			for _, dir := range h.folders() {
				name := h.packageIn(dir)
				if other, taken := where[name]; taken && name != "main" {
					found = append(found, fmt.Sprintf("%s and %s are both called %s", other, dir, name))
				}
				where[name] = dir
			}
			return found
		},
		breach: map[string]string{"domain/notice/notice.go": "package notice", "app/notice/send.go": "package notice"},
	},
	{
		name: "a package is called after its folder",
		why:  "an import line tells the name that the code uses",
		check: func(h house) (found []string) {
			for _, f := range h {
				name := strings.TrimSuffix(f.tree.Name.Name, "_test")
				if name != path.Base(f.dir) && name != "main" {
					found = append(found, f.name+": package "+name)
				}
			}
			return found
		},
		breach: map[string]string{"qr/scan/scan.go": "package scanner"},
	},
	{
		name: "no empty package names",
		why:  "util and its kin attract whatever has no home: find the noun or the act",
		check: func(h house) (found []string) {
			for _, dir := range h.folders() {
				if slices.Contains(empty, path.Base(dir)) || slices.Contains(standard, path.Base(dir)) && dir != "sync" {
					found = append(found, dir)
				}
			}
			return found
		},
		breach: map[string]string{"app/util/util.go": "package util"},
	},
	{
		name: "domain holds nouns, acts are gerunds",
		why:  "prescription is a thing, issuing is work on it: the name says on which side of the house one stands",
		check: func(h house) (found []string) {
			for _, dir := range h.under("domain").folders() {
				if strings.HasSuffix(dir, "ing") && !slices.Contains(nouns, path.Base(dir)) {
					found = append(found, dir)
				}
			}
			return found
		},
		breach: map[string]string{"domain/issuing/issuing.go": "package issuing"},
	},
	{
		name: "imports keep their names",
		why:  "one name for one thing in the whole house, so that a search for it finds every use",
		check: func(h house) (found []string) {
			for _, f := range h {
				f.imports(func(spec *ast.ImportSpec, what, inside string) {
					switch {
					case spec.Name == nil, spec.Name.Name == "_":
					case aliases[what] != "":
					case inside == "" && spec.Name.Name == ownName(what): // its own name, spelled out
					default:
						found = append(found, f.at(spec)+": "+what+" as "+spec.Name.Name)
					}
				})
			}
			return found
		},
		breach: map[string]string{"app/server/server.go": `package server; import cards "` + module + `/domain/card"`},
	},
	{
		name: "the folder sync holds only doc.go",
		why:  "a package named sync would collide with the standard one in every file that needs both",
		check: func(h house) (found []string) {
			for _, f := range h {
				if f.dir == "sync" && (f.name != "sync/doc.go" || len(f.tree.Decls) > 0) {
					found = append(found, f.name)
				}
			}
			return found
		},
		breach: map[string]string{"sync/engine.go": "package sync"},
	},
	{
		name: "files are about one thing",
		why:  "past 700 lines a file is about several, and its name no longer says what",
		check: func(h house) (found []string) {
			for _, f := range h {
				if lines := f.set.Position(f.tree.FileEnd).Line; lines > 700 {
					found = append(found, fmt.Sprintf("%s: %d lines", f.name, lines))
				}
			}
			return found
		},
		breach: map[string]string{"app/server/all.go": "package server" + strings.Repeat("\n", 701)},
	},
}

// folders lists the folders with code that ships, in order.
func (h house) folders() []string {
	var dirs []string
	for _, f := range h.code() {
		dirs = append(dirs, f.dir)
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

func (h house) packageIn(dir string) string {
	for _, f := range h.code() {
		if f.dir == dir {
			return f.tree.Name.Name
		}
	}
	return ""
}

// The seven folders are what the product's owner asked for; a new one is a decision of his, not a commit of ours.
func TestTopLevelNames(t *testing.T) {
	list, err := exec.Command("git", "-C", moduleRoot(t), "ls-files").Output()
	if err != nil {
		t.Skip("asks git which files belong to the project, and git does not answer here: ", err)
	}
	allowed := []string{"app", "sync", "qr", "push", "domain", "migrations", "mobile-sdk",
		"go.mod", "go.sum", "Dockerfile", "README.md", "LICENSE", "compose.yaml"}
	var top []string
	for name := range strings.Lines(string(list)) {
		first, _, _ := strings.Cut(strings.TrimSpace(name), "/")
		top = append(top, strings.Trim(first, `"`))
	}
	slices.Sort(top)
	for _, name := range slices.Compact(top) {
		if !slices.Contains(allowed, name) && !strings.HasPrefix(name, ".") {
			t.Errorf("%s stands beside the seven folders: put it into one of them", name)
		}
	}
}
