//go:build strace

package statefile

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// watched makes the test below save, for the other one that watches it.
const watched = "SALEBOT_TEST_WATCHED"

func TestSaveForTheWatcher(t *testing.T) {
	t.Parallel()
	if os.Getenv(watched) == "" {
		t.Skip("it is run by TestOrderOfASave")
	}
	f, err := save("state.json", []string{`["a",2]`}, []string{`["b"]`})
	require.NoError(t, err)
	_, err = os.Stdout.WriteString("it is saved\n")
	require.NoError(t, f.Close())
	require.NoError(t, err)
}

// The new state is on the disk before it takes the place of the former one, and its
// name is before anybody is told. A kill cannot show that, since it leaves what the
// operating system has.
func TestOrderOfASave(t *testing.T) {
	t.Parallel()
	folder, trace := t.TempDir(), filepath.Join(t.TempDir(), "trace")
	command := exec.CommandContext(t.Context(), "strace", "-f", "-y", "-o", trace,
		"-e", "trace=write,fsync,rename,renameat,renameat2", os.Args[0], "-test.run", "^TestSaveForTheWatcher$")
	command.Dir, command.Env = folder, append(os.Environ(), watched+"=1")
	output, err := command.CombinedOutput()
	require.NoError(t, err, string(output))
	calls, err := os.ReadFile(trace)
	require.NoError(t, err)
	place := regexp.QuoteMeta(folder)
	require.Regexp(t, `(?s)write\(\d+<`+place+`/\.state\.json\.new-\d+>.*`+
		`fsync\(\d+<`+place+`/\.state\.json\.new-\d+>.*`+
		`rename\w*\([^)]*/\.state\.json\.new-\d+", [^)]*"state\.json".*`+
		`fsync\(\d+<`+place+`>.*`+
		`it is saved`, string(calls))
}
