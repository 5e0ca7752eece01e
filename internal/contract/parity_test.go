package contract_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/testkit"
	"github.com/salebot-go/salebot/salebottest"
)

// The pages that tests look into.
const (
	readmeFile    = "../../README.md"
	referenceFile = "../../docs/reference.md"
)

// compositeMethods are the methods of the client that call several actions, or
// one action many times, or none.
var compositeMethods = []string{
	"BulkAddToList", "BaseURL", "BulkBroadcast", "Clients", "ClientsWithVariables", "CloseIdleConnections", "BulkDeleteClients", "Do", "FindSent", "ForgetWork",
	"Format", "GetOrderDetails", "History", "LatestMessageID", "BulkLoadClients", "LogValue", "BulkRemoveFromList", "RunOnce",
	"SaveVariablesAndCallback", "BulkSaveVariables", "BulkSendCallbackByPlatformID", "String", "Subscribers",
	"UniversalWebhookURL", "With",
}

func actionNames() []string {
	var names []string
	for _, row := range action.All() {
		names = append(names, row.Name)
	}
	slices.Sort(names)
	return names
}

// requireSame names what is missing and what is surplus.
func requireSame(t *testing.T, what string, want, got []string) {
	t.Helper()
	without := func(names, others []string) []string {
		return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(others, name) })
	}
	require.Empty(t, without(want, got), "%s: these are missing", what)
	require.Empty(t, without(got, want), "%s: these are surplus", what)
}

func TestEveryActionHasItsMethodAndTheOtherWayRound(t *testing.T) {
	t.Parallel()
	methods := compositeMethods
	for _, row := range action.All() {
		methods = append(slices.Clip(methods), row.GoMethod)
	}
	var got []string
	for method := range reflect.TypeFor[*salebot.Client]().Methods() {
		got = append(got, method.Name)
	}
	requireSame(t, "methods of Client", methods, got)
}

func TestEveryActionIsInTheOpenAPIDescriptionAndTheOtherWayRound(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../api/openapi.yaml")
	require.NoError(t, err)
	var got []string
	for _, match := range regexp.MustCompile(`(?m)^ {2}/\{api_key\}/([a-z_]+):`).FindAllStringSubmatch(string(text), -1) {
		got = append(got, match[1])
	}
	requireSame(t, "api/openapi.yaml", actionNames(), got)
}

// That every action has fixtures is tested beside them, in internal/fixture.
func TestEveryActionHasGoldenRequestsAndTheOtherWayRound(t *testing.T) {
	t.Parallel()
	var got []string
	entries, err := os.ReadDir(goldenRequests)
	require.NoError(t, err)
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		files, err := fs.Glob(os.DirFS(filepath.Join(goldenRequests, entry.Name())), "*.http")
		require.NoError(t, err)
		require.NotEmpty(t, files, "%s/%s is empty", goldenRequests, entry.Name())
		got = append(got, entry.Name())
	}
	requireSame(t, goldenRequests, actionNames(), got)
}

func TestEveryActionIsAnsweredByTheEmulatorAndTheOtherWayRound(t *testing.T) {
	t.Parallel()
	requireSame(t, "emulator", actionNames(), salebottest.Actions())
}

// TestEveryMethodHasAnExample reads the examples of this package's tests.
func TestEveryMethodHasAnExample(t *testing.T) {
	t.Parallel()
	var examples []string
	files, err := filepath.Glob("../../*_test.go")
	require.NoError(t, err)
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		require.NoError(t, err)
		for _, declaration := range parsed.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok || !strings.HasPrefix(function.Name.Name, "ExampleClient_") {
				continue
			}
			require.True(t, hasOutput(parsed, function), "%s has no output and is therefore not run", function.Name.Name)
			name, _, _ := strings.Cut(strings.TrimPrefix(function.Name.Name, "ExampleClient_"), "_")
			examples = append(examples, name)
		}
	}
	slices.Sort(examples)
	var want []string
	for method := range reflect.TypeFor[*salebot.Client]().Methods() {
		if !slices.Contains([]string{"Format", "LogValue", "String"}, method.Name) {
			want = append(want, method.Name)
		}
	}
	requireSame(t, "examples", want, slices.Compact(examples))
}

func hasOutput(file *ast.File, function *ast.FuncDecl) bool {
	for _, comment := range file.Comments {
		text := strings.ToLower(strings.TrimSpace(comment.Text()))
		inside := comment.Pos() > function.Body.Pos() && comment.End() < function.Body.End()
		if inside && (strings.HasPrefix(text, "output:") || strings.HasPrefix(text, "unordered output:")) {
			return true
		}
	}
	return false
}

func TestTablesFollowTheCode(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(referenceFile)
	require.NoError(t, err)
	want := testkit.ReplaceTable(t, string(page), "actions", actionTable())
	want = testkit.ReplaceTable(t, want, "defaults", defaultsTable())
	testkit.RequireMade(t, referenceFile, []byte(want))
}

func actionTable() string {
	var b strings.Builder
	b.WriteString("| action | method | class | permission | success answer |\n|---|---|---|---|---|\n")
	for _, row := range action.All() {
		name := "`" + row.Name + "`"
		if row.Legacy {
			name += " (legacy)"
		}
		fmt.Fprintf(&b, "| %s | `%s` | %s | `%s` | %s |\n", name, row.GoMethod, row.Class, row.Permission, row.Evidence)
	}
	return b.String()
}

func defaultsTable() string {
	var b strings.Builder
	b.WriteString("| what | default | option |\n|---|---|---|\n")
	for _, line := range []struct {
		what  string
		value any
		by    string
	}{
		{"address of the API", salebot.DefaultBaseURL, "WithBaseURL"},
		{"time for a call whose context has no deadline", salebot.DefaultTimeout, "WithTimeout"},
		{"time for one attempt", salebot.DefaultAttemptTimeout, "WithAttemptTimeout"},
		{"attempts of a call that may be repeated", salebot.DefaultMaxAttempts, "WithRetryPolicy"},
		{"random wait before the second attempt, at most (doubles each time)", salebot.DefaultBaseDelay, "WithRetryPolicy"},
		{"random wait before any attempt, at most", salebot.DefaultMaxDelay, "WithRetryPolicy"},
		{"longest `Retry-After` that is waited for", salebot.DefaultMaxRetryAfter, "WithRetryPolicy"},
		{"longest hold of all calls after one answer of 429", salebot.DefaultMaxHold, "WithRetryPolicy"},
		{"retries that all calls share while the server fails", salebot.DefaultRetryBudget, "WithRetryBudget"},
		{"pace", "none until the first 429, then as Salebot allows", "WithRateLimit, WithLimiter"},
		{"largest answer", fmt.Sprintf("%d MiB", salebot.DefaultMaxResponseSize>>20), "WithMaxResponseSize"},
		{"connections kept open", salebot.DefaultIdleConnections, "WithTransport, WithHTTPClient"},
		{"time that an idle connection is kept", salebot.DefaultIdleTimeout, "WithTransport, WithHTTPClient"},
		{"`User-Agent`", salebot.DefaultUserAgent, "WithUserAgent"},
		{"time zone of the project", "none", "WithProjectLocation"},
		{"requests under way in a bulk run", salebot.DefaultBulkWorkers, "BulkOptions.Workers"},
		{"items of a request in a bulk run, where Salebot states no limit", salebot.DefaultBatchSize, "BulkOptions.BatchSize"},
		{"wait for saved variables to be readable", salebot.DefaultReadBackTimeout, "ReadBackTimeout"},
	} {
		fmt.Fprintf(&b, "| %s | %v | `%s` |\n", line.what, line.value, strings.ReplaceAll(line.by, ", ", "`, `"))
	}
	return b.String()
}

// The package's documentation leads to every method, without the alphabet.
func TestThePackageCommentLinksEveryMethod(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../doc.go")
	require.NoError(t, err)
	var linked, methods []string
	for _, match := range regexp.MustCompile(`\[Client\.(\w+)\]`).FindAllStringSubmatch(string(text), -1) {
		linked = append(linked, match[1])
	}
	for method := range reflect.TypeFor[*salebot.Client]().Methods() {
		if !slices.Contains([]string{"Format", "LogValue", "String"}, method.Name) {
			methods = append(methods, method.Name)
		}
	}
	requireSame(t, "doc.go", methods, linked)
}
