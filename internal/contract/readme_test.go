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

// TestReadmeBlocks runs every Go block of the README: programs against an
// emulator that knows the client of the examples, tests by the go command.
func TestReadmeBlocks(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(readmeFile)
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	require.NotEmpty(t, blocks)
	server := salebottest.NewServer(t, salebottest.WithPerson(salebottest.Person{ID: 25554, Name: "Ann"}))
	for number, block := range blocks {
		t.Run(fmt.Sprint(number+1), func(t *testing.T) {
			t.Parallel()
			runBlock(t, server, block[1])
		})
	}
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
