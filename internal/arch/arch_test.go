// Package arch holds tests of the whole tree: the order of imports, what is
// banned where, and that every package says what it is.
package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const root = "../.."

// layers, lowest first. A package may import those of lower layers, and of its
// own layer only itself; families of checks may import each other.
var layers = [][]string{
	{"internal/quantity", "internal/wire", "internal/sim"},
	{"internal/entity"},
	{"internal/epoch"},
	{"internal/monitor", "internal/quorum", "internal/check"},
	{"internal/checks/"},
	{"internal/checks"},
	{"internal/ledger", "internal/collect"},
	{"internal/checktest"},
	{"internal/engine"},
	{"internal/view"},
	{"internal/report", "internal/demo"},
	{"internal/cli"},
	{"cmd/rollcall", "scenarios", "internal/arch"},
}

func layerOf(pkg string) int {
	return slices.IndexFunc(layers, func(names []string) bool {
		return slices.ContainsFunc(names, func(name string) bool {
			return pkg == name || strings.HasSuffix(name, "/") && strings.HasPrefix(pkg, name)
		})
	})
}

// file is one Go file of the project.
type file struct {
	path, pkg string // slash paths below the root
	test      bool
	tree      *ast.File
}

func files(t *testing.T) []file {
	t.Helper()
	var found []file
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && (name == "testdata" || strings.HasPrefix(name, ".") && name != "." && name != "..") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		tree, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		rel = filepath.ToSlash(rel)
		found = append(found, file{path: rel, pkg: filepath.ToSlash(filepath.Dir(rel)), test: strings.HasSuffix(name, "_test.go"), tree: tree})
		return err
	})
	if err != nil || len(found) == 0 {
		t.Fatalf("%d files, %v", len(found), err)
	}
	return found
}

func imports(f file) []string {
	var paths []string
	for _, spec := range f.tree.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		paths = append(paths, path)
	}
	return paths
}

func TestImportsGoOneWay(t *testing.T) {
	for _, f := range files(t) {
		own := layerOf(f.pkg)
		if own < 0 {
			t.Errorf("%s: package %s is in no layer: add it to arch_test.go", f.path, f.pkg)
			continue
		}
		if f.test {
			continue // tests may look down from above
		}
		for _, path := range imports(f) {
			pkg, ours := strings.CutPrefix(path, "rollcall/")
			if !ours {
				continue
			}
			other := layerOf(pkg)
			family := strings.HasPrefix(f.pkg, "internal/checks/") && strings.HasPrefix(pkg, "internal/checks/")
			if other > own || other == own && !family {
				t.Errorf("%s imports %s, which is not below it", f.path, pkg)
			}
		}
	}
}

// pure are the packages that judge: no clock, network, randomness, logging or
// environment.
var pure = []string{"internal/quantity", "internal/entity", "internal/monitor", "internal/quorum", "internal/checks", "internal/ledger", "internal/epoch", "internal/check"}

var impure = []string{"net", "net/http", "os", "log", "log/slog", "math/rand", "math/rand/v2", "context", "os/exec"}

func TestJudgementIsPure(t *testing.T) {
	for _, f := range files(t) {
		if f.test || !slices.ContainsFunc(pure, func(p string) bool { return f.pkg == p || strings.HasPrefix(f.pkg, p+"/") }) {
			continue
		}
		for _, path := range imports(f) {
			if slices.Contains(impure, path) {
				t.Errorf("%s imports %s", f.path, path)
			}
		}
		if f.path == "internal/check/evaluate.go" {
			continue // times the checks
		}
		ast.Inspect(f.tree, func(n ast.Node) bool {
			if call, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := call.X.(*ast.Ident); ok && x.Name == "time" && (call.Sel.Name == "Now" || call.Sel.Name == "Since") {
					t.Errorf("%s uses time.%s: take the time from the epoch", f.path, call.Sel.Name)
				}
			}
			return true
		})
	}
}

func TestServerCodeStaysInTheSimulation(t *testing.T) {
	for _, f := range files(t) {
		if f.test || f.pkg == "internal/sim" {
			continue
		}
		for _, path := range imports(f) {
			if strings.HasPrefix(path, "github.com/nats-io/nats-server") {
				t.Errorf("%s imports %s: what is audited must not depend on one server version", f.path, path)
			}
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	documented := map[string]bool{}
	for _, f := range files(t) {
		if f.test && f.pkg != "internal/arch" && f.pkg != "scenarios" {
			continue
		}
		documented[f.pkg] = documented[f.pkg] || f.tree.Doc != nil
	}
	for pkg, ok := range documented {
		if !ok {
			t.Errorf("package %s has no package comment", pkg)
		}
	}
}

func TestNoInitFunctions(t *testing.T) {
	for _, f := range files(t) {
		for _, decl := range f.tree.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Name.Name == "init" && fn.Recv == nil {
				t.Errorf("%s has an init function", f.path)
			}
		}
	}
}

func TestExportedIsDocumented(t *testing.T) {
	for _, f := range files(t) {
		if f.test {
			continue
		}
		for _, decl := range f.tree.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
					t.Errorf("%s: %s has no doc comment", f.path, d.Name.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if s, ok := spec.(*ast.TypeSpec); ok && s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
						t.Errorf("%s: type %s has no doc comment", f.path, s.Name.Name)
					}
				}
			}
		}
	}
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	kind := d.Recv.List[0].Type
	if star, ok := kind.(*ast.StarExpr); ok {
		kind = star.X
	}
	name, ok := kind.(*ast.Ident)
	return ok && name.IsExported()
}
