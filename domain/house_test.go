package domain_test

// The rules of the house (see doc.go) as ordinary tests. Each rule says why it is there and shows what would break it: a
// rule that does not catch its own breach fails too.

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/medcard/medcard"

// rule is one sentence about the house. check returns each place that breaks it; breach maps file names to sources that do.
type rule struct {
	name, why string
	check     func(house) []string
	breach    map[string]string
}

func TestHouse(t *testing.T) {
	built := readHouse(t)
	for _, r := range slices.Concat(directionRules, nameRules, habitRules, storeRules) {
		t.Run(r.name, func(t *testing.T) {
			for _, found := range r.check(built) {
				t.Errorf("%s\n\trule: %s\n\twhy:  %s", found, r.name, r.why)
			}
			var sketch house
			for name, text := range r.breach {
				sketch = append(sketch, parse(t, name, text))
			}
			if len(r.check(sketch)) == 0 {
				t.Error("the rule does not catch the breach that it was written for")
			}
		})
	}
}

// house is every Go file of the module.
type house []*file

type file struct {
	name string // from the module's root, with slashes
	dir  string // its package's folder, "app/store"; "." is the root
	test bool
	tree *ast.File
	set  *token.FileSet
}

// code is the house without its tests: what ships.
func (h house) code() house {
	return slices.DeleteFunc(slices.Clone(h), func(f *file) bool { return f.test })
}

// under keeps the files whose folder is one of those named, or below one.
func (h house) under(dirs ...string) house {
	return slices.DeleteFunc(slices.Clone(h), func(f *file) bool {
		return !slices.ContainsFunc(dirs, func(dir string) bool { return within(f.dir, dir) })
	})
}

// at says where a node stands, for a message that an editor can follow.
func (f *file) at(n ast.Node) string {
	p := f.set.Position(n.Pos())
	return p.String()
}

// imports calls visit with each import path of the file; inside is the folder when it is one of ours, else "".
func (f *file) imports(visit func(spec *ast.ImportSpec, what, inside string)) {
	for _, spec := range f.tree.Imports {
		what := strings.Trim(spec.Path.Value, `"`)
		inside, ours := strings.CutPrefix(what, module+"/")
		if !ours {
			inside = ""
		}
		visit(spec, what, inside)
	}
}

// localName is the name under which the file uses an import, "" when it does not import it.
func (f *file) localName(what string) string {
	for _, spec := range f.tree.Imports {
		switch {
		case strings.Trim(spec.Path.Value, `"`) != what:
		case spec.Name != nil:
			return spec.Name.Name
		default:
			return ownName(what)
		}
	}
	return ""
}

// within reports whether a slash path is the folder or something below it.
func within(what, folder string) bool {
	return what == folder || strings.HasPrefix(what, folder+"/")
}

// ownName guesses what a package calls itself from its path: the last element that is no version, without Go's decoration.
func ownName(what string) string {
	name := path.Base(what)
	if len(name) > 1 && name[0] == 'v' && strings.Trim(name[1:], "0123456789") == "" {
		name = path.Base(path.Dir(what))
	}
	name = strings.TrimPrefix(name, "go-")
	return strings.TrimSuffix(strings.TrimSuffix(name, "-go"), ".go")
}

// readHouse parses every Go file below the module's root.
func readHouse(t *testing.T) house {
	t.Helper()
	var h house
	root := os.DirFS(moduleRoot(t))
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if hidden := name != "." && strings.HasPrefix(entry.Name(), "."); entry.IsDir() && (hidden || entry.Name() == "testdata") {
			return fs.SkipDir
		}
		if entry.IsDir() || path.Ext(name) != ".go" {
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		h = append(h, parse(t, name, string(text)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func parse(t *testing.T, name, text string) *file {
	t.Helper()
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, name, text, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return &file{name: name, dir: path.Dir(name), test: strings.HasSuffix(name, "_test.go"), tree: tree, set: set}
}

// moduleRoot walks up to the folder with go.mod.
func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}
