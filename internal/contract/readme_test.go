package contract_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/salebottest"
)

// TestReadmeBlocks runs every Go block of the README and of the guides: programs
// against an emulator that knows the client of the examples, tests by the go command.
func TestReadmeBlocks(t *testing.T) {
	t.Parallel()
	guides, err := filepath.Glob(filepath.Join(filepath.Dir(readmeFile), "docs", "*.md"))
	require.NoError(t, err)
	require.NotEmpty(t, guides)
	server := salebottest.NewServer(t, salebottest.WithPerson(salebottest.Person{ID: 25554, Name: "Ann"}))
	found := 0
	for _, page := range append(guides, readmeFile) {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for number, block := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
			found++
			t.Run(fmt.Sprintf("%s, block %d", filepath.Base(page), number+1), func(t *testing.T) {
				t.Parallel()
				runBlock(t, server, block[1])
			})
		}
	}
	require.Greater(t, found, 5)
}

func runBlock(t *testing.T, server *salebottest.Server, source string) {
	t.Helper()
	folder := t.TempDir()
	file, arguments := filepath.Join(folder, "main.go"), []string{"run"}
	if strings.Contains(source, "\nfunc Test") {
		file, arguments = filepath.Join(folder, "block_test.go"), []string{"test", "-count=1"}
	}
	// The ledger of a program belongs into its own folder.
	source = strings.ReplaceAll(source, `"shop.ledger"`, fmt.Sprintf("%q", filepath.Join(folder, "shop.ledger")))
	require.NoError(t, os.WriteFile(file, []byte(source), 0o600))
	command := exec.CommandContext(t.Context(), "go", append(arguments, file)...)
	command.Env = append(os.Environ(), "SALEBOT_API_KEY="+server.Key(), "SALEBOT_BASE_URL="+server.URL)
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s\n%s", source, output)
}
