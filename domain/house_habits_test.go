package domain_test

import (
	"go/ast"
	"slices"
)

// Habits that keep the code testable, and traps of libraries into which somebody fell once.

// uses visits every use of a function of an imported package: time.Now, called or handed on.
func (f *file) uses(what string, visit func(n ast.Node, name string)) {
	local := f.localName(what)
	if local == "" {
		return
	}
	ast.Inspect(f.tree, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == local && x.Obj == nil {
				visit(s, s.Sel.Name)
			}
		}
		return true
	})
}

// acts keeps the code of the acts.
func (h house) acts() house {
	return slices.DeleteFunc(h.code(), func(f *file) bool { r := roomOf(f.dir); return r == nil || r.name != "act" })
}

// stopwatches measure how long they work, and nothing they decide depends on what day it is.
var stopwatches = map[string]string{
	"qr/scan": "a picture gets a time budget, and its report says how much of it was used",
}

var habitRules = []rule{
	{
		name: "time is an argument",
		why:  "a code that expires, a grant that ends and a clock that is wrong are all tested by handing in a time",
		check: func(h house) (found []string) {
			clocks := []string{"Now", "Since", "Until", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Sleep"}
			for _, f := range append(h.code().under("domain", "sync", "qr"), h.acts()...) {
				f.uses("time", func(n ast.Node, name string) {
					if slices.Contains(clocks, name) && stopwatches[f.dir] == "" {
						found = append(found, f.at(n)+": time."+name)
					}
				})
			}
			return found
		},
		breach: map[string]string{"app/enrolling/code.go": "package enrolling; import \"time\"; var clock = time.Now"},
	},
	{
		name: "domain structs have no tags",
		why:  "row, wire and domain shapes are three things; a tag ties the noun to one of the other two",
		check: func(h house) (found []string) {
			for _, f := range h.code().under("domain") {
				ast.Inspect(f.tree, func(n ast.Node) bool {
					if field, ok := n.(*ast.Field); ok && field.Tag != nil {
						found = append(found, f.at(field)+": "+field.Tag.Value)
					}
					return true
				})
			}
			return found
		},
		breach: map[string]string{"domain/card/visit.go": "package card; type Visit struct{ Day string `json:\"day\"` }"},
	},
	{
		name: "Fiber's strings are copied",
		why:  "without Immutable a path or header that is kept after the handler becomes part of somebody else's request",
		check: func(h house) (found []string) {
			for _, f := range h.code() {
				local := f.localName("github.com/gofiber/fiber/v2")
				ast.Inspect(f.tree, func(n ast.Node) bool {
					call, ok := n.(*ast.CallExpr)
					if ok && local != "" && isSelector(call.Fun, local, "New") && !hasField(call.Args, "Immutable") {
						found = append(found, f.at(call)+": fiber.New without Immutable")
					}
					return true
				})
			}
			return found
		},
		breach: map[string]string{"app/httpapi/api.go": `package httpapi; import "github.com/gofiber/fiber/v2"; var app = fiber.New(fiber.Config{BodyLimit: 1})`},
	},
	{
		name: "huma speaks Fiber v2",
		why:  "humafiber.New is the adapter for Fiber v3 and panics with our v2 application",
		check: func(h house) (found []string) {
			for _, f := range h.code() {
				f.uses("github.com/danielgtaylor/huma/v2/adapters/humafiber", func(n ast.Node, name string) {
					if name == "New" {
						found = append(found, f.at(n)+": humafiber.New")
					}
				})
			}
			return found
		},
		breach: map[string]string{"app/httpapi/api.go": `package httpapi; import "github.com/danielgtaylor/huma/v2/adapters/humafiber"; var api = humafiber.New`},
	},
	{
		name: "secrets come from crypto/rand",
		why:  "math/rand can be predicted; tests and the simulator want that, a server never does",
		check: func(h house) (found []string) {
			for _, f := range h.code().under("app", "qr", "mobile-sdk") {
				f.imports(func(spec *ast.ImportSpec, what, _ string) {
					if within(what, "math/rand") {
						found = append(found, f.at(spec)+": imports "+what)
					}
				})
			}
			return found
		},
		breach: map[string]string{"app/enrolling/code.go": `package enrolling; import "math/rand/v2"; var code = rand.Int()`},
	},
}

func isSelector(e ast.Expr, pkg, name string) bool {
	s, ok := e.(*ast.SelectorExpr)
	if !ok || s.Sel.Name != name {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && x.Name == pkg
}

// hasField reports whether one of the arguments is a struct literal that sets the field.
func hasField(args []ast.Expr, field string) bool {
	for _, arg := range args {
		lit, ok := arg.(*ast.CompositeLit)
		if !ok {
			continue
		}
		for _, e := range lit.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				if key, ok := kv.Key.(*ast.Ident); ok && key.Name == field {
					return true
				}
			}
		}
	}
	return false
}
