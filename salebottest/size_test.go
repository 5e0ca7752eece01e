package salebottest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// mostSymbols keeps the face small: what only the page of cmd/salebot needs has no
// place in it.
const mostSymbols = 150

func TestTheFaceStaysSmall(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	symbols := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		for _, declaration := range file.Decls {
			symbols += exported(declaration)
		}
	}
	require.Greater(t, symbols, 100, "they are counted")
	require.LessOrEqual(t, symbols, mostSymbols)
}

// exported counts the exported types, functions, methods, constants and variables
// of a declaration.
func exported(declaration ast.Decl) (n int) {
	if function, ok := declaration.(*ast.FuncDecl); ok {
		if function.Name.IsExported() {
			n++
		}
		return n
	}
	for _, spec := range declaration.(*ast.GenDecl).Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if spec.Name.IsExported() {
				n++
			}
		case *ast.ValueSpec:
			for _, name := range spec.Names {
				if name.IsExported() {
					n++
				}
			}
		}
	}
	return n
}
