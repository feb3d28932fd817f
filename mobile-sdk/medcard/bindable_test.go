package medcard

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// gobind leaves out what it cannot carry and tells nobody: an app's programmer would look for a method that is not there. So what
// it would leave out, and what it would carry badly, is refused here, each with its reason.

// glove is a package as the rules see it.
type glove struct {
	set   *token.FileSet
	files []*ast.File // in gobind's order
	types *types.Package
	found []string
}

func TestEverythingCanBeBound(t *testing.T) {
	g := parse(t, ".")
	for _, f := range g.check() {
		t.Error(f)
	}
	if n := len(g.types.Scope().Names()); n < 30 {
		t.Errorf("only %d names: the package was not read", n)
	}
}

func TestWhatCannotBeBoundIsFound(t *testing.T) {
	for source, want := range map[string]string{
		"func F(l []string) (err error) { defer guard(&err); return nil }":                            "[]string",
		"func F(m map[string]int) (err error) { defer guard(&err); return nil }":                      "map[string]int",
		"func F() (n uint64, err error) { defer guard(&err); return 0, nil }":                         "uint64",
		"func F() (s S, err error) { defer guard(&err); return S{}, nil }\ntype S struct{}":           "by value",
		"func F(n ...int) (err error) { defer guard(&err); return nil }":                              "variadic",
		"func F(f func()) (err error) { defer guard(&err); return nil }":                              "func()",
		"func F() (a, b string, err error) { defer guard(&err); return }":                             "results",
		"func F() (a, b string) { return a, b }":                                                      "no error",
		"func F[T any]() (err error) { defer guard(&err); return nil }":                               "generic",
		"type K string\nfunc F(k K) (err error) { defer guard(&err); return nil }":                    "named",
		"type S struct{ At []int }":                                                                   "[]int",
		"type S struct{ K }\ntype K struct{}":                                                         "embedded",
		"type C interface{ On() }":                                                                    "pending",
		"type C interface{ On(l []string) error }":                                                    "[]string",
		"type n int\nconst One n = 1":                                                                 "constant",
		"var V = 1":                                                                                   "variable",
		"func F() error { return nil }\nfunc g() error { return F() }\nfunc H() error { return g() }": "guard",
		"func F() (err error) { g(); defer guard(&err); return nil }\nfunc g() {}":                    "guard",
		"type S struct{}\nfunc (s *S) Get() string { return g() }\nfunc g() string { return \"\" }":   "guard",
	} {
		g := check(t, "package medcard\nfunc guard(*error) {}\n"+source)
		if found := strings.Join(g.check(), "; "); !strings.Contains(found, want) {
			t.Errorf("%s\nis let through (%s), want something about %q", source, found, want)
		}
	}
	good := `package medcard
		func guard(*error) {}
		type Deed interface{ Done(n int, text string, raw []byte, yes bool, at int64, share float64) error }
		type Thing struct{ Name string; To Deed; Next *Thing; hidden map[string]int }
		func NewThing(name string) *Thing { return &Thing{Name: name} }
		func (t *Thing) Len() int { return len(t.hidden) }
		func (t *Thing) Do(d Deed) (next *Thing, err error) { defer guard(&err); return t.Next, nil }
		const Word = "word"`
	if found := check(t, good).check(); len(found) > 0 {
		t.Errorf("what is good is refused: %v", found)
	}
}

// parse reads the package with the types of its dependencies, as the compiler left them.
func parse(t *testing.T, dir string) *glove {
	t.Helper()
	list, err := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}", dir).Output()
	if err != nil {
		t.Skip("asks go list for the types of other packages, and it does not answer here: ", err)
	}
	exports := map[string]string{}
	for line := range strings.Lines(string(list)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		exports[path] = file
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".go") && !strings.HasSuffix(e.Name(), "_test.go") {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	g := &glove{set: token.NewFileSet()}
	for _, name := range names {
		f, err := parser.ParseFile(g.set, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		g.files = append(g.files, f)
	}
	lookup := func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) }
	g.resolve(t, importer.ForCompiler(g.set, "gc", lookup))
	return g
}

// check reads a package of one file without imports.
func check(t *testing.T, source string) *glove {
	t.Helper()
	g := &glove{set: token.NewFileSet()}
	f, err := parser.ParseFile(g.set, "glove.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	g.files = []*ast.File{f}
	g.resolve(t, nil)
	return g
}

func (g *glove) resolve(t *testing.T, from types.Importer) {
	t.Helper()
	var err error
	conf := types.Config{Importer: from}
	if g.types, err = conf.Check("medcard", g.set, g.files, nil); err != nil {
		t.Fatal(err)
	}
}

func (g *glove) refuse(at token.Pos, why string, args ...any) {
	g.found = append(g.found, g.set.Position(at).String()+": "+fmt.Sprintf(why, args...))
}

// check gives everything that is wrong.
func (g *glove) check() []string {
	for _, name := range g.types.Scope().Names() {
		if obj := g.types.Scope().Lookup(name); obj.Exported() {
			g.object(obj)
		}
	}
	for _, f := range g.files {
		for _, d := range f.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Name.IsExported() && f.Recv == nil || ok && f.Name.IsExported() && token.IsExported(receiver(f)) {
				g.guarded(f)
				g.documented(f)
			}
		}
	}
	return g.found
}

func (g *glove) object(obj types.Object) {
	switch obj := obj.(type) {
	case *types.Var:
		g.refuse(obj.Pos(), "variable %s: an app could set it at any time, on any thread", obj.Name())
	case *types.Const:
		if _, basic := types.Unalias(obj.Type()).(*types.Basic); !basic {
			g.refuse(obj.Pos(), "constant %s: gobind skips those of named types", obj.Name())
		}
	case *types.Func:
		g.signature(obj.Pos(), obj.Name(), obj.Signature())
	case *types.TypeName:
		named, ok := obj.Type().(*types.Named)
		if !ok {
			g.refuse(obj.Pos(), "%s: an alias has no name of its own on the other side", obj.Name())
			return
		}
		if named.TypeParams().Len() > 0 {
			g.refuse(obj.Pos(), "%s is generic: gobind skips it", obj.Name())
		}
		switch under := named.Underlying().(type) {
		case *types.Struct:
			g.fields(obj.Name(), under)
			for m := range named.Methods() {
				if m.Exported() {
					g.signature(m.Pos(), obj.Name()+"."+m.Name(), m.Signature())
				}
			}
		case *types.Interface:
			for m := range under.Methods() {
				g.signature(m.Pos(), obj.Name()+"."+m.Name(), m.Signature())
				if last := results(m.Signature()); len(last) == 0 || !isError(last[len(last)-1]) {
					g.refuse(m.Pos(), "%s.%s gives no error: what an app's callback throws would stay pending in the JVM and end the app", obj.Name(), m.Name())
				}
			}
		default:
			g.refuse(obj.Pos(), "%s: a named %s arrives as nothing", obj.Name(), under)
		}
	}
}

func (g *glove) fields(name string, s *types.Struct) {
	for f := range s.Fields() {
		switch {
		case !f.Exported():
		case f.Embedded():
			g.refuse(f.Pos(), "%s.%s is embedded: its methods are not bound", name, f.Name())
		default:
			if why := g.unbound(f.Type()); why != "" {
				g.refuse(f.Pos(), "field %s.%s: %s", name, f.Name(), why)
			}
		}
	}
}

func (g *glove) signature(at token.Pos, name string, s *types.Signature) {
	if s.TypeParams().Len() > 0 {
		g.refuse(at, "%s is generic: gobind skips it", name)
		return
	}
	if s.Variadic() {
		g.refuse(at, "%s is variadic: Java would want an array of a kind that gobind cannot carry", name)
	}
	for p := range s.Params().Variables() {
		if why := g.unbound(p.Type()); why != "" {
			g.refuse(at, "parameter %s of %s: %s", p.Name(), name, why)
		}
	}
	out := results(s)
	for _, r := range out {
		if why := g.unbound(r); why != "" {
			g.refuse(at, "result of %s: %s", name, why)
		}
	}
	switch {
	case len(out) > 2:
		g.refuse(at, "%s has %d results: gobind knows a value and an error", name, len(out))
	case len(out) == 2 && !isError(out[1]):
		g.refuse(at, "%s: the second result is no error: gobind fails on it", name)
	}
}

func results(s *types.Signature) (list []types.Type) {
	for r := range s.Results().Variables() {
		list = append(list, r.Type())
	}
	return list
}

func isError(t types.Type) bool { return types.Identical(t, types.Universe.Lookup("error").Type()) }

// unbound says why a type cannot cross, "" if it can.
func (g *glove) unbound(t types.Type) string {
	if isError(t) {
		return ""
	}
	switch u := types.Unalias(t).(type) {
	case *types.Basic:
		switch u.Kind() {
		case types.Bool, types.Int, types.Int64, types.Float64, types.String:
			return ""
		}
		if u.Info()&types.IsUnsigned != 0 {
			return u.Name() + ": Java has no unsigned numbers, gobind would make wrong code of it"
		}
		return u.Name() + ": use int, int64 or float64, which are the same everywhere"
	case *types.Slice:
		if types.Identical(u.Elem(), types.Typ[types.Byte]) {
			return ""
		}
		return u.String() + ": gobind skips it; lists travel as JSON or with Len and At"
	case *types.Pointer:
		if n, ok := types.Unalias(u.Elem()).(*types.Named); ok && g.owns(n) {
			if _, ok := n.Underlying().(*types.Struct); ok {
				return ""
			}
		}
		return u.String() + ": only pointers to structs of this package cross"
	case *types.Named:
		switch u.Underlying().(type) {
		case *types.Interface:
			if g.owns(u) {
				return ""
			}
			return u.String() + ": only interfaces of this package cross"
		case *types.Struct:
			return u.String() + " by value: gobind skips it; use a pointer, and milliseconds for a time"
		}
		return u.String() + " is a named " + u.Underlying().String() + ": gobind skips it"
	}
	return t.String() + ": gobind skips it"
}

func (g *glove) owns(n *types.Named) bool {
	return n.Obj().Pkg() == g.types && n.Obj().Exported()
}

// guarded: every exported function begins with defer guard(&err). Excused are constructors, which gobind gives no way to fail, and
// what only reads a field or a length.
func (g *glove) guarded(f *ast.FuncDecl) {
	if strings.HasPrefix(f.Name.Name, "New") && f.Type.Results.NumFields() == 1 || plain(f.Body) {
		return
	}
	first := ""
	if len(f.Body.List) > 0 {
		if d, ok := f.Body.List[0].(*ast.DeferStmt); ok {
			first = types.ExprString(d.Call)
		}
	}
	if first != "guard(&err)" {
		g.refuse(f.Pos(), "%s does not begin with defer guard(&err): a panic that crosses the border ends the app", f.Name.Name)
	}
	if n := f.Type.Results.NumFields(); n == 0 || !slices.ContainsFunc(f.Type.Results.List, named("err")) {
		g.refuse(f.Pos(), "%s has no result err, so it has no error to make of a panic", f.Name.Name)
	}
}

func named(name string) func(*ast.Field) bool {
	return func(f *ast.Field) bool {
		return slices.ContainsFunc(f.Names, func(i *ast.Ident) bool { return i.Name == name })
	}
}

// plain is a body of one return that calls nothing but len.
func plain(body *ast.BlockStmt) bool {
	if len(body.List) != 1 {
		return false
	}
	if _, ok := body.List[0].(*ast.ReturnStmt); !ok {
		return false
	}
	calls := false
	ast.Inspect(body, func(n ast.Node) bool {
		if c, ok := n.(*ast.CallExpr); ok && types.ExprString(c.Fun) != "len" {
			calls = true
		}
		return true
	})
	return !calls
}

// documented: gobind copies the comments, but of a method only when its type stood before, in the order of the files.
func (g *glove) documented(f *ast.FuncDecl) {
	name := receiver(f)
	obj := g.types.Scope().Lookup(cmp.Or(name, f.Name.Name))
	if name != "" && obj != nil && g.set.Position(obj.Pos()).Filename > g.set.Position(f.Pos()).Filename {
		g.refuse(f.Pos(), "%s.%s stands in a file before that of %s: gobind loses its comment", name, f.Name.Name, name)
	}
}

func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	return strings.TrimPrefix(types.ExprString(f.Recv.List[0].Type), "*")
}
