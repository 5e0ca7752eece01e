package contract_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/fixture"
	"github.com/salebot-go/salebot/internal/testkit"
)

// How well an answer is known stands in one place, the action table. TestEvidence writes it
// everywhere else with -update, and names what a person has to do.

// grade is what the tests below replace.
const grade = `(documented|observed|assumed)`

var (
	rowOfPage     = regexp.MustCompile("^(\\| `([a-z_]+)`.*\\| )" + grade + ` \|$`)
	pathOfAPI     = regexp.MustCompile(`^ {2}/\{api_key\}/([a-z_]+):`)
	evidenceOfAPI = regexp.MustCompile(`^( +x-salebot-evidence: )` + grade + `$`)
	factsOfMethod = regexp.MustCompile(`(?s)(Salebot actions?: ([a-z_]+(?:, [a-z_]+)*)(?: \(legacy\))?\. Class: [^:]{1,80}Answer:[\s/]+)` + grade)
)

// evidenceOf is the grade of an answer that is made of those of some actions: the worst.
func evidenceOf(t *testing.T, names ...string) string {
	t.Helper()
	worst := action.Observed
	for _, name := range names {
		row := action.Lookup(name)
		require.NotNil(t, row, "there is no action %s", name)
		worst = min(worst, row.Evidence)
	}
	return worst.String()
}

// followPage writes the grades into the tables of actions of a page.
func followPage(t *testing.T, text string) string {
	t.Helper()
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if match := rowOfPage.FindStringSubmatch(line); match != nil {
			lines[i] = match[1] + evidenceOf(t, match[2]) + " |"
		}
	}
	return strings.Join(lines, "\n")
}

// followAPI writes the grades into the OpenAPI description.
func followAPI(t *testing.T, text string) string {
	t.Helper()
	lines := strings.Split(text, "\n")
	name := ""
	for i, line := range lines {
		if match := pathOfAPI.FindStringSubmatch(line); match != nil {
			name = match[1]
		}
		if match := evidenceOfAPI.FindStringSubmatch(line); match != nil {
			lines[i] = match[1] + evidenceOf(t, name)
		}
	}
	return strings.Join(lines, "\n")
}

// followComments writes the grades into the comments of methods.
func followComments(t *testing.T, text string) string {
	t.Helper()
	return factsOfMethod.ReplaceAllStringFunc(text, func(facts string) string {
		match := factsOfMethod.FindStringSubmatch(facts)
		return match[1] + evidenceOf(t, strings.Split(match[2], ", ")...)
	})
}

// followers are the files that tell how well answers are known.
func followers(t *testing.T) map[string]func(*testing.T, string) string {
	t.Helper()
	files := map[string]func(*testing.T, string) string{
		referenceFile: followPage, "../../docs/emulator.md": followPage, "../../api/openapi.yaml": followAPI, "../../CONTRIBUTING.md": followComments,
	}
	sources, err := filepath.Glob("../../*.go")
	require.NoError(t, err)
	for _, source := range sources {
		files[source] = followComments
	}
	return files
}

func TestEvidence(t *testing.T) {
	t.Parallel()
	var wrong []string
	for file, follow := range followers(t) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		want := follow(t, string(text))
		switch {
		case want == string(text):
		case testkit.Updating():
			require.NoError(t, os.WriteFile(file, []byte(want), 0o600))
		default:
			wrong = append(wrong, fmt.Sprintf("%s: go test ./internal/contract -run TestEvidence -update writes it again", file))
		}
	}
	for _, row := range action.All() {
		if best := bestFixture(t, row.Name); best != row.Evidence.String() {
			wrong = append(wrong, fmt.Sprintf(
				"internal/fixture/answers/%s: the best grade among the successes is %s; write the answer that is %s", row.Name, best, row.Evidence,
			))
		}
	}
	slices.Sort(wrong)
	require.Empty(t, strings.Join(wrong, "\n"), "these have to follow internal/action/table.go")
}

// bestFixture is the best grade among the successes of an action.
func bestFixture(t *testing.T, name string) string {
	t.Helper()
	answers, err := fixture.Answers(name)
	require.NoError(t, err)
	best := fixture.Assumed
	for _, answer := range answers {
		if answer.Outcome == fixture.Success && (answer.Evidence == fixture.Observed || best == fixture.Assumed) {
			best = answer.Evidence
		}
	}
	return best
}

// A place that the test does not find would be left behind by a change.
func TestEvidenceIsFoundEverywhere(t *testing.T) {
	t.Parallel()
	said := map[string]int{}
	count := func(text string) int { return len(regexp.MustCompile(`\b`+grade+`\b`).FindAllString(text, -1)) }
	for file, follow := range followers(t) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		all := factsOfMethod.FindAllString(string(text), -1)
		said[filepath.Ext(file)] += len(all)
		if filepath.Ext(file) == ".go" {
			facts := strings.Count(string(text), "// Salebot action: ") + strings.Count(string(text), "// Salebot actions: ")
			withClass := regexp.MustCompile(`// Salebot actions?: [^.]*\.\s+(// )?Class`).FindAllString(string(text), -1)
			require.Len(t, all, len(withClass), "%s: the facts of a method are written in one form (%d in all)", file, facts)
			continue
		}
		require.Positive(t, count(follow(t, string(text))), file)
	}
	require.GreaterOrEqual(t, said[".go"], len(action.All()))
	page, err := os.ReadFile(referenceFile)
	require.NoError(t, err)
	rows := 0
	for line := range strings.Lines(string(page)) {
		if rowOfPage.MatchString(strings.TrimSuffix(line, "\n")) {
			rows++
		}
	}
	require.Equal(t, len(action.All()), rows, "%s has a row for each action, which TestTablesFollowTheCode writes with -update", referenceFile)
}
