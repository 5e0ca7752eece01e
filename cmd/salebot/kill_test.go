package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/testkit"
)

// many is the size that commands have to cope with.
const many = 100_000

// bulkProject is an emulated project that kills the command that calls it.
type bulkProject struct {
	emulated *engine.Emulator
	server   *httptest.Server
	// calls counts the requests of a run, and at is the one at which it is killed.
	calls atomic.Int64
	at    int64
	child atomic.Pointer[os.Process]
}

func newBulkProject(t *testing.T, seed engine.Project) *bulkProject {
	t.Helper()
	emulated, err := engine.Open(engine.WithProject(seed), engine.WithMaxLogEntries(10),
		engine.WithKeys(engine.Key{Value: testkit.Key, Name: "main key"}))
	require.NoError(t, err)
	t.Cleanup(emulated.Close)
	p := &bulkProject{emulated: emulated}
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.calls.Add(1) == p.at {
			_ = p.child.Load().Kill()
		}
		emulated.ServeHTTP(w, r)
	}))
	t.Cleanup(p.server.Close)
	return p
}

// run runs the command in a folder. It is killed at a request, unless that is 0.
func (p *bulkProject) run(t *testing.T, dir string, killAt int64, args ...string) (out, errors string, ended *os.ProcessState) {
	t.Helper()
	p.calls.Store(0)
	p.at = killAt
	executable, err := os.Executable()
	require.NoError(t, err)
	command := exec.CommandContext(t.Context(), executable, args...)
	command.Dir = dir
	command.Env = append(os.Environ(), runAsCommand+"=1", "SALEBOT_API_KEY="+testkit.Key,
		"SALEBOT_BASE_URL="+p.server.URL+"/api", "SALEBOT_LEDGERS="+dir, "XDG_CONFIG_HOME="+dir, "GODEBUG=gctrace=1")
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	require.NoError(t, command.Start())
	p.child.Store(command.Process)
	_ = command.Wait()
	return stdout.String(), stderr.String(), command.ProcessState
}

// people are clients with some text, so that to keep them all would be noticed.
func people(n int) engine.Project {
	var seed engine.Project
	seed.Channels = []engine.Channel{{Messenger: "telegram", GroupID: "my_shop_bot"}}
	for i := range n {
		seed.Clients = append(seed.Clients, engine.PersonState{Person: engine.Person{
			ID: salebot.ClientID(1000 + i), ClientType: salebot.ClientTypeTelegram, GroupID: "my_shop_bot",
			PlatformID: salebot.PlatformID(fmt.Sprint(50_000_000 + i)), Name: fmt.Sprintf("%d, %q", i, strings.Repeat("имя ", 60)),
		}})
	}
	return seed
}

// An export of 100 000 clients is complete, needs no more memory than one of a few, and
// goes on after kills at any moment.
func TestExportOfManyAfterKills(t *testing.T) {
	t.Parallel()
	p := newBulkProject(t, people(many))
	dir := t.TempDir()

	_, complaints, ended := p.run(t, dir, 0, "clients", "export", "whole.csv")
	require.True(t, ended.Success(), complaints)
	whole, err := os.ReadFile(filepath.Join(dir, "whole.csv"))
	require.NoError(t, err)
	records, err := csv.NewReader(bytes.NewReader(whole)).ReadAll()
	require.NoError(t, err)
	require.Len(t, records, many+1)
	for i, record := range records[1:] {
		require.Equal(t, fmt.Sprint(1000+i), record[0])
	}

	kills := []int64{2, 30, 1, 75, 60}
	for i, at := range kills {
		args := []string{"clients", "export", "killed.csv"}
		if i > 0 && at > 0 {
			args = append(args, "--resume")
		}
		_, _, ended := p.run(t, dir, at, args...)
		require.False(t, ended.Success())
		require.NoFileExists(t, filepath.Join(dir, "killed.csv"))
	}
	t.Logf("deaths: %d", len(kills))
	_, complaints, ended = p.run(t, dir, 0, "clients", "export", "killed.csv", "--resume")
	require.True(t, ended.Success(), complaints)
	killed, err := os.ReadFile(filepath.Join(dir, "killed.csv"))
	require.NoError(t, err)
	require.True(t, bytes.Equal(whole, killed), "an export that was killed is the same")
	require.Less(t, p.calls.Load(), int64(150), "what was written is not read again")
}

// The memory of an export does not grow with what it exports.
func TestExportOfManyAllocatesNoMore(t *testing.T) {
	t.Parallel()
	peak := func(n int) int {
		p := newBulkProject(t, people(n))
		_, complaints, ended := p.run(t, t.TempDir(), 0, "clients", "export", "all.jsonl", "--quiet")
		require.True(t, ended.Success(), complaints)
		return peakOf(t, complaints)
	}
	few, all := peak(5_000), peak(many)
	t.Logf("most memory in use: %d MB for 5000 clients, %d MB for %d", few, all, many)
	// The names alone are 45 MB, and a record in memory is more than its name.
	require.Less(t, all, few+15)
}

var collection = regexp.MustCompile(`(\d+)->(\d+)->\d+ MB`)

// peakOf is the most memory in MB that a command had in use when it was collected, as
// the runtime tells with GODEBUG=gctrace=1.
func peakOf(t *testing.T, trace string) (peak int) {
	t.Helper()
	found := collection.FindAllStringSubmatch(trace, -1)
	require.NotEmpty(t, found)
	for _, sizes := range found {
		size, err := strconv.Atoi(sizes[2])
		require.NoError(t, err)
		peak = max(peak, size)
	}
	return peak
}

// An import of 100 000 rows that is killed again and again creates each person once, and
// has each row that cannot be imported once in the file of rejects.
func TestImportOfManyAfterKills(t *testing.T) {
	t.Parallel()
	p := newBulkProject(t, people(0))
	dir := t.TempDir()
	var text strings.Builder
	var bad []string
	text.WriteString("platform_id,client_type,group_id\n")
	for i := range many {
		switch i % 1000 {
		case 7:
			fmt.Fprintf(&text, "%d,pigeon,my_shop_bot\n", i)
			bad = append(bad, fmt.Sprint(i+2))
		case 500:
			fmt.Fprintf(&text, "%d\n", i)
			bad = append(bad, fmt.Sprint(i+2))
		default:
			fmt.Fprintf(&text, "%d,telegram,my_shop_bot\n", 50_000_000+i)
		}
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "people.csv"), []byte(text.String()), 0o600))
	args := []string{"clients", "import", "people.csv", "--yes", "--expect", fmt.Sprint(many), "-o", "jsonl"}
	kills := []int64{1, 150, 300, 2, 200}
	for _, at := range kills {
		_, complaints, ended := p.run(t, dir, at, args...)
		require.Equal(t, -1, ended.ExitCode(), complaints)
	}
	t.Logf("deaths: %d", len(kills))
	out, complaints, ended := p.run(t, dir, 0, args...)
	require.Equal(t, 4, ended.ExitCode(), complaints)
	require.Contains(t, out, fmt.Sprintf(`"rows":%d,"imported":%d,"rejected":%d,`, many, many-len(bad), len(bad)))
	require.Less(t, p.calls.Load(), int64(400), "what was done is not done again")

	known := map[salebot.PlatformID]bool{}
	for _, person := range p.emulated.People() {
		require.False(t, known[person.PlatformID], "%s is there once", person.PlatformID)
		known[person.PlatformID] = true
	}
	require.Len(t, known, many-len(bad))
	file, err := os.Open(filepath.Join(dir, "people.csv.rejects.csv"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = file.Close() })
	var rejected []string
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		number, _, _ := strings.Cut(lines.Text(), ",")
		rejected = append(rejected, number)
	}
	require.ElementsMatch(t, append(bad, "line"), rejected)
}
