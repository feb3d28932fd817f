package domain_test

import (
	"go/ast"
	"go/token"
	"slices"
)

// How the store uses its mapper: GORM's conveniences guess, and a guess about a patient's data is an accident.

// refused methods of *gorm.DB, each with the accident it prepares.
var refused = map[string]string{
	"AutoMigrate":   "the schema is SQL that somebody read, in migrations",
	"Save":          "writes every column, also those that somebody else changed meanwhile",
	"FirstOrCreate": "two at once create two",
	"FirstOrInit":   "hides whether the row was there",
	"Preload":       "a second query whose condition nobody wrote",
	"Association":   "writes rows that nobody named",
	"Unscoped":      "there is no soft delete to look past",
}

// conditions are methods that drop the zero fields of a struct: Where(&row{Card: ""}) selects every patient.
var conditions = []string{"Where", "Not", "Or", "First", "Last", "Take", "Find", "Delete", "Updates"}

var hooks = []string{"BeforeSave", "BeforeCreate", "BeforeUpdate", "BeforeDelete", "AfterSave", "AfterCreate", "AfterUpdate", "AfterDelete", "AfterFind"}

var storeRules = []rule{
	{
		name: "the store writes what it says",
		why:  "GORM's conveniences guess",
		check: func(h house) (found []string) {
			for _, f := range h.code().under("app/store") {
				ast.Inspect(f.tree, func(n ast.Node) bool {
					call, ok := n.(*ast.CallExpr)
					if !ok {
						return true
					}
					if s, ok := call.Fun.(*ast.SelectorExpr); ok && refused[s.Sel.Name] != "" {
						found = append(found, f.at(s.Sel)+": "+s.Sel.Name+": "+refused[s.Sel.Name])
					}
					return true
				})
			}
			return found
		},
		breach: map[string]string{"app/store/card.go": `package store; func f() { db.Save(&row) }`},
	},
	{
		name: "no struct is a condition",
		why:  "GORM drops the zero fields of a struct, so Where(&row{Card: \"\"}) selects every patient and Updates(row) keeps a cleared note",
		check: func(h house) (found []string) {
			for _, f := range h.code().under("app/store") {
				ast.Inspect(f.tree, func(n ast.Node) bool {
					call, ok := n.(*ast.CallExpr)
					if !ok {
						return true
					}
					s, ok := call.Fun.(*ast.SelectorExpr)
					if !ok || !slices.Contains(conditions, s.Sel.Name) {
						return true
					}
					for i, arg := range call.Args {
						// Delete(&row{}, "card = ?", id) names the table with an empty literal and the rows in words.
						if lit := structLiteral(arg); lit != nil && (len(lit.Elts) > 0 || s.Sel.Name != "Delete" || i > 0) {
							found = append(found, f.at(arg)+": a struct in "+s.Sel.Name)
						}
					}
					return true
				})
			}
			return found
		},
		breach: map[string]string{"app/store/card.go": `package store; func f() { db.Where(&row{Card: ""}).Find(&rows) }`},
	},
	{
		name: "rows have no hooks and no soft delete",
		why:  "what happens on a write stands in the method that writes; a deleted row is gone",
		check: func(h house) (found []string) {
			for _, f := range h.code().under("app/store") {
				ast.Inspect(f.tree, func(n ast.Node) bool {
					if fn, ok := n.(*ast.FuncDecl); ok && fn.Recv != nil && slices.Contains(hooks, fn.Name.Name) {
						found = append(found, f.at(fn)+": "+fn.Name.Name)
					}
					return true
				})
				f.uses("gorm.io/gorm", func(n ast.Node, name string) {
					if name == "Model" || name == "DeletedAt" {
						found = append(found, f.at(n)+": gorm."+name)
					}
				})
			}
			return found
		},
		breach: map[string]string{"app/store/card.go": `package store; import "gorm.io/gorm"; type row struct{ gorm.Model }`},
	},
	{
		name: "no *gorm.DB leaves the store",
		why:  "whoever holds one can read every card without a permit",
		check: func(h house) (found []string) {
			for _, f := range h.code().under("app/store") {
				local := f.localName("gorm.io/gorm")
				if local == "" {
					continue
				}
				for _, decl := range f.tree.Decls {
					for _, shown := range exported(decl) {
						ast.Inspect(shown, func(n ast.Node) bool {
							if s, ok := n.(*ast.SelectorExpr); ok && isSelector(s, local, s.Sel.Name) {
								found = append(found, f.at(s)+": shows gorm."+s.Sel.Name)
							}
							return true
						})
					}
				}
			}
			return found
		},
		breach: map[string]string{"app/store/card.go": `package store; import "gorm.io/gorm"; func (d *DB) Raw() *gorm.DB { return d.db }`},
	},
}

func structLiteral(e ast.Expr) *ast.CompositeLit {
	if u, ok := e.(*ast.UnaryExpr); ok && u.Op == token.AND {
		e = u.X
	}
	lit, ok := e.(*ast.CompositeLit)
	if !ok {
		return nil
	}
	switch lit.Type.(type) {
	case *ast.MapType, *ast.ArrayType:
		return nil
	}
	return lit
}

// exported returns the parts of a declaration that other packages see: signatures, types of fields and variables.
func exported(decl ast.Decl) (shown []ast.Node) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() {
			shown = append(shown, d.Type)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.ValueSpec:
				if s.Type != nil && slices.ContainsFunc(s.Names, (*ast.Ident).IsExported) {
					shown = append(shown, s.Type)
				}
			case *ast.TypeSpec:
				if !s.Name.IsExported() {
					continue
				}
				str, ok := s.Type.(*ast.StructType)
				if !ok {
					shown = append(shown, s.Type)
					continue
				}
				for _, field := range str.Fields.List {
					if len(field.Names) == 0 || slices.ContainsFunc(field.Names, (*ast.Ident).IsExported) {
						shown = append(shown, field.Type)
					}
				}
			}
		}
	}
	return shown
}
