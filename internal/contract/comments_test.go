package contract_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/action"
)

// facts is the closing paragraph of a method's comment: its actions, its class,
// what is known of its answer.
var facts = regexp.MustCompile(`Salebot actions?: ([a-z_]+(?:, [a-z_]+)*)( \(legacy\))?\. Class: (\w+)[.,].* Answer: (\w+)`)

// Comments of methods state what the action table states, and each action's
// method states it.
func TestCommentsAgreeWithTheActionTable(t *testing.T) {
	t.Parallel()
	comments := clientComments(t)
	for _, row := range action.All() {
		comment := comments[row.GoMethod]
		match := facts.FindStringSubmatch(comment)
		require.NotNil(t, match, "the comment of %s ends with its action, class and answer: %q", row.GoMethod, comment)
		require.Equal(t, row.Name, match[1], row.GoMethod)
		require.Equal(t, row.Legacy, match[2] != "", "%s: legacy", row.GoMethod)
		require.Equal(t, row.Evidence.String(), match[4], "%s: answer", row.GoMethod)
	}
	for method, comment := range comments {
		match := facts.FindStringSubmatch(comment)
		if match == nil {
			require.NotContains(t, comment, "Class:", "%s states a class in another form", method)
			continue
		}
		// A method with several actions is as delicate as the worst of them.
		want := action.Read
		for name := range strings.SplitSeq(match[1], ", ") {
			row := action.Lookup(name)
			require.NotNil(t, row, "%s: there is no action %s", method, name)
			want = min(want, row.Class)
		}
		require.Equal(t, want.String(), strings.ToLower(match[3]), "%s: class", method)
	}
}

// clientComments returns the comments of the exported methods of Client, each
// on one line.
func clientComments(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../../*.go")
	require.NoError(t, err)
	comments := map[string]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		require.NoError(t, err)
		for _, declaration := range parsed.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok || function.Recv == nil || !function.Name.IsExported() {
				continue
			}
			if types.ExprString(function.Recv.List[0].Type) == "*Client" {
				comments[function.Name.Name] = strings.Join(strings.Fields(function.Doc.Text()), " ")
			}
		}
	}
	return comments
}

// A directive at the end of a declaration's line would be printed by go doc.
func TestDocumentationShowsNoDirective(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{".", "webhook", "webhook/inboxtest", "salebottest"} {
		files, err := filepath.Glob(filepath.Join("..", "..", folder, "*.go"))
		require.NoError(t, err)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
			require.NoError(t, err)
			ast.Inspect(parsed, func(node ast.Node) bool {
				spec, ok := node.(*ast.TypeSpec)
				if ok && spec.Name.IsExported() && spec.Comment != nil {
					require.NotContains(t, spec.Comment.List[0].Text, "nolint", "%s: put it above the declaration of %s", file, spec.Name.Name)
				}
				return true
			})
		}
	}
}
