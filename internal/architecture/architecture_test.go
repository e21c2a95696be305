// Package architecture tests the rules that hold between packages: who may import whom (docs/ARCHITECTURE.md), and that
// every package and every exported name is documented. It has no code of its own.
package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// mayImport is the import table of docs/ARCHITECTURE.md: for each top folder, the other top folders of ours, and the
// modules of others, that its code may import. Tests may import more.
var mayImport = map[string]struct{ ours, theirs []string }{
	"accel":         {nil, []string{"gonum.org/v1/gonum", "golang.org/x/sys", "github.com/klauspost/cpuid/v2", "github.com/ebitengine/purego"}},
	"checkpointing": {nil, []string{"golang.org/x/sync"}},
	"nn":            {[]string{"accel"}, []string{"gonum.org/v1/gonum"}},
	"fnn":           {[]string{"nn", "accel", "checkpointing"}, nil},
	"rnn":           {[]string{"nn", "accel", "checkpointing"}, nil},
	"hf":            {[]string{"accel"}, []string{"gonum.org/v1/gonum"}},
	"ingest":        {nil, []string{"github.com/apache/arrow/go/v15", "github.com/klauspost/compress", "github.com/minio/minio-go/v7", "github.com/pierrec/lz4/v4", "github.com/zeebo/xxh3", "golang.org/x/sync", "golang.org/x/sys", "google.golang.org/grpc"}},
	"pipeline":      {[]string{"ingest", "nn"}, []string{"github.com/apache/arrow/go/v15/arrow", "github.com/zeebo/xxh3", "golang.org/x/sync"}},
	"run": {[]string{"accel", "checkpointing", "nn", "fnn", "rnn", "hf", "ingest", "pipeline"},
		[]string{"github.com/apache/arrow/go/v15/arrow", "github.com/goccy/go-yaml", "github.com/zeebo/xxh3", "golang.org/x/sync", "golang.org/x/sys", "github.com/klauspost/cpuid/v2", "gonum.org/v1/plot"}},
	"cmd":        {[]string{"run"}, []string{"github.com/urfave/cli/v2", "golang.org/x/sys"}},
	"benchmarks": {[]string{"accel", "checkpointing", "nn", "fnn", "rnn", "hf", "ingest", "pipeline", "run"}, []string{"github.com/apache/arrow/go/v15/arrow", "gonum.org/v1/gonum", "golang.org/x/sys"}},
	"internal":   {nil, nil},
}

const root = "../.."

func TestImportTable(t *testing.T) {
	eachFile(t, func(dir string, file *ast.File, fset *token.FileSet) {
		top, _, _ := strings.Cut(dir, "/")
		allowed, known := mayImport[top]
		if !known {
			t.Errorf("%s: no row in the import table", dir)
			return
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if !importAllowed(top, imported, allowed.ours, allowed.theirs) {
				t.Errorf("%s imports %s, which the import table does not allow", fset.Position(spec.Pos()), imported)
			}
		}
	})
}

func importAllowed(top, imported string, ours, theirs []string) bool {
	if inside, ok := strings.CutPrefix(imported, "curvestream/"); ok {
		folder, _, _ := strings.Cut(inside, "/")
		if folder == top {
			return true
		}
		for _, o := range ours {
			if folder == o {
				return true
			}
		}
		return false
	}
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		return true // the standard library
	}
	for _, m := range theirs {
		if imported == m || strings.HasPrefix(imported, m+"/") {
			return true
		}
	}
	return false
}

func TestEveryExportedNameIsDocumented(t *testing.T) {
	documented := map[string]bool{} // package folders that have a package comment
	eachFile(t, func(dir string, file *ast.File, fset *token.FileSet) {
		documented[dir] = documented[dir] || file.Doc != nil
		for _, decl := range file.Decls {
			for _, id := range undocumented(decl) {
				t.Errorf("%s: %s has no doc comment", fset.Position(id.Pos()), id.Name)
			}
		}
	})
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s: the package has no doc comment", dir)
		}
	}
}

// undocumented returns the exported names that a declaration declares without a doc comment. A comment above a group of
// constants or variables, or behind one of them, documents them.
func undocumented(decl ast.Decl) (names []*ast.Ident) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && (d.Recv == nil || exportedReceiver(d.Recv)) {
			names = append(names, d.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() && s.Doc == nil && d.Doc == nil {
					names = append(names, s.Name)
				}
			case *ast.ValueSpec:
				for _, id := range s.Names {
					if id.IsExported() && s.Doc == nil && s.Comment == nil && d.Doc == nil {
						names = append(names, id)
					}
				}
			}
		}
	}
	return names
}

func exportedReceiver(recv *ast.FieldList) bool {
	expr := recv.List[0].Type
	for {
		switch e := expr.(type) {
		case *ast.StarExpr:
			expr = e.X
		case *ast.IndexExpr:
			expr = e.X
		case *ast.IndexListExpr:
			expr = e.X
		case *ast.Ident:
			return e.IsExported()
		default:
			return false
		}
	}
}

// eachFile calls visit for every Go file of the module that is not a test, with its folder relative to the root. Folders
// that are modules of their own are left out.
func eachFile(t *testing.T, visit func(dir string, file *ast.File, fset *token.FileSet)) {
	t.Helper()
	fset := token.NewFileSet()
	files := 0
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name != root && (entry.Name() == "testdata" || name == filepath.Join(root, "benchmarks", "local") || strings.HasPrefix(entry.Name(), ".") || strings.HasPrefix(entry.Name(), "_")) {
				return filepath.SkipDir
			}
			if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil && name != root {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		files++
		visit(path.Dir(filepath.ToSlash(rel)), file, fset)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files == 0 {
		t.Fatal("no Go file found")
	}
}

// The table itself is tested: a wrong import is found, a right one is not.
func TestImportAllowed(t *testing.T) {
	for _, test := range []struct {
		top, imported string
		want          bool
	}{
		{"hf", "curvestream/accel", true},
		{"hf", "curvestream/rnn", false},
		{"hf", "math", true},
		{"rnn", "curvestream/hf", false},
		{"ingest", "curvestream/ingest/gen", true},
		{"ingest", "curvestream/pipeline", false},
		{"checkpointing", "golang.org/x/sys/unix", false},
		{"pipeline", "github.com/apache/arrow/go/v15/arrow/memory", true},
		{"pipeline", "github.com/apache/arrow/go/v15/parquet", false},
		{"cmd", "github.com/urfave/cli/v2", true},
	} {
		row := mayImport[test.top]
		if got := importAllowed(test.top, test.imported, row.ours, row.theirs); got != test.want {
			t.Errorf("%s importing %s: allowed = %v, want %v", test.top, test.imported, got, test.want)
		}
	}
}
