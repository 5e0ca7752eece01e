package contract_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
)

var errDead = errors.New("the process is dead")

// mortal stands for a process that dies at one of its steps: from there on nothing
// that it does has an effect.
type mortal struct {
	mutex sync.Mutex
	// left is the number of steps up to its death; it never dies if it is
	// negative.
	left int
	dead bool
}

// step says whether the process is still alive.
func (m *mortal) step() bool {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.left == 0 {
		m.dead = true
	}
	m.left--
	return !m.dead
}

// mortalJournal is the journal of a mortal process.
type mortalJournal struct {
	*mortal
	*salebot.FileJournal
	path string
	// flushed is how much of the file a failure of the machine leaves.
	flushed int64
}

func (j *mortalJournal) State(ctx context.Context, key string) (salebot.JournalState, error) {
	if !j.step() {
		return salebot.JournalNew, errDead
	}
	return j.FileJournal.State(ctx, key)
}

func (j *mortalJournal) Begin(ctx context.Context, keys []string) error {
	if !j.step() {
		return errDead
	}
	if err := j.FileJournal.Begin(ctx, keys); err != nil {
		return err
	}
	info, err := os.Stat(j.path)
	if err != nil {
		return err
	}
	j.mutex.Lock()
	j.flushed = max(j.flushed, info.Size())
	j.mutex.Unlock()
	if !j.step() {
		return errDead
	}
	return nil
}

func (j *mortalJournal) End(ctx context.Context, entries []salebot.JournalEntry) error {
	if !j.step() {
		return errDead
	}
	if err := j.FileJournal.End(ctx, entries); err != nil {
		return err
	}
	if !j.step() {
		return errDead
	}
	return nil
}

// deaths are what may be left of a journal.
var deaths = map[string]func(j *mortalJournal) error{
	"the process is killed": func(*mortalJournal) error { return nil },
	"the machine fails":     func(j *mortalJournal) error { return os.Truncate(j.path, j.flushed) },
	"a line is torn": func(j *mortalJournal) error {
		file, err := os.OpenFile(j.path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = file.WriteString(`{"begin":["1","2`)
		return errors.Join(err, file.Close())
	},
}

// campaign is a bulk run that is started again and again until it is through.
type campaign struct {
	path           string
	items          int
	workers, batch int
	death          func(*mortalJournal) error
	arrivals       map[string]int
}

// run runs the campaign for so many steps, for ever if they are negative. It says
// whether it got through.
func (c *campaign) run(t require.TestingT, steps int, repeat bool) (report *salebot.BulkReport, through bool) {
	process := &mortal{left: steps}
	inner, err := salebot.OpenFileJournal(c.path, "campaign")
	require.NoError(t, err)
	info, err := os.Stat(c.path)
	require.NoError(t, err)
	journal := &mortalJournal{mortal: process, FileJournal: inner, path: c.path, flushed: info.Size()}
	client, err := salebot.New("key", salebot.WithTransport(clienttest.MemoryAPI(func(call clienttest.MemoryCall) (int, string, error) {
		if !process.step() {
			return 0, "", errDead
		}
		process.mutex.Lock()
		for _, key := range clienttest.ItemKeys(call) {
			c.arrivals[key]++
		}
		process.mutex.Unlock()
		if !process.step() {
			return 0, "", errDead
		}
		return http.StatusOK, "ok", nil
	})))
	require.NoError(t, err)
	report, err = client.BulkAddToList(context.Background(), 7, salebot.Items(clienttest.Numbered(c.items)),
		salebot.BulkOptions{Workers: c.workers, BatchSize: c.batch, Journal: journal, RepeatUnknown: repeat})
	require.NoError(t, inner.Close())
	if process.dead {
		require.NoError(t, c.death(journal))
		return report, false
	}
	if report.Accepted == c.items {
		require.NoError(t, err)
	} else {
		require.ErrorIs(t, err, salebot.ErrNotAllAccepted)
	}
	return report, true
}

// requireHonest checks a report of a campaign that got through.
func (c *campaign) requireHonest(t require.TestingT, report *salebot.BulkReport) {
	require.Equal(t, c.items, report.Accepted+report.Unknown, "each item is accepted or unknown: %+v", report)
	unknown := map[string]bool{}
	for _, problem := range report.Problems {
		require.Equal(t, salebot.OutcomeUnknown, problem.Outcome)
		unknown[problem.Key] = true
	}
	for _, key := range clienttest.KeysUpTo(c.items) {
		require.LessOrEqual(t, c.arrivals[key], 1, "item %s was sent twice", key)
		if c.arrivals[key] == 0 {
			require.True(t, unknown[key], "item %s is forgotten", key)
		}
	}
}

// finish repeats what is unknown, so that everything has arrived.
func (c *campaign) finish(t require.TestingT, report *salebot.BulkReport) {
	c.requireHonest(t, report)
	once := len(c.arrivals)
	unknown := report.Unknown
	report, through := c.run(t, -1, true)
	require.True(t, through)
	require.Equal(t, c.items, report.Accepted)
	require.Len(t, c.arrivals, c.items, "everything has arrived")
	twice := 0
	for _, count := range c.arrivals {
		require.LessOrEqual(t, count, 2)
		twice += count - 1
	}
	require.Equal(t, unknown, twice+c.items-once, "what was known was not repeated")
}

// A run that dies at any of its steps and is started again sends nothing twice and
// forgets nothing.
func TestBulkKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	for name, death := range deaths {
		for _, shape := range []campaign{{items: 7, workers: 1, batch: 1}, {items: 7, workers: 1, batch: 3}, {items: 7, workers: 3, batch: 2}} {
			t.Run(fmt.Sprintf("%s, %d workers, batches of %d", name, shape.workers, shape.batch), func(t *testing.T) {
				t.Parallel()
				folder := t.TempDir()
				for steps := 0; ; steps++ {
					c := shape
					c.path, c.death, c.arrivals = filepath.Join(folder, fmt.Sprint(steps)), death, map[string]int{}
					if _, through := c.run(t, steps, false); through {
						require.Greater(t, steps, 5*c.items/c.batch, "the run has that many steps")
						require.Len(t, c.arrivals, c.items)
						break
					}
					report, through := c.run(t, -1, false)
					require.True(t, through)
					c.finish(t, report)
				}
			})
		}
	}
}

// So does one that dies again and again.
func TestBulkKilledManyTimes(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	number := 0
	rapid.Check(t, func(r *rapid.T) {
		number++
		c := campaign{
			items: rapid.IntRange(1, 40).Draw(r, "items"), workers: rapid.IntRange(1, 5).Draw(r, "workers"), batch: rapid.IntRange(1, 5).Draw(r, "batch"),
			path: filepath.Join(folder, fmt.Sprint(number)), arrivals: map[string]int{},
			death: deaths[rapid.SampledFrom([]string{"the process is killed", "the machine fails", "a line is torn"}).Draw(r, "death")],
		}
		for _, steps := range rapid.SliceOfN(rapid.IntRange(0, 60), 1, 8).Draw(r, "deaths") {
			if report, through := c.run(r, steps, false); through {
				c.requireHonest(r, report)
			}
		}
		report, through := c.run(r, -1, false)
		require.True(r, through)
		c.finish(r, report)
	})
}

// A request that fails or hangs, whichever it is, makes its own items unknown and
// no others.
func TestBulkWithAFaultAtEveryRequest(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(ctx context.Context) (int, string, error){
		"cut off":      func(context.Context) (int, string, error) { return 0, "", clienttest.ErrCable },
		"gateway":      func(context.Context) (int, string, error) { return http.StatusGatewayTimeout, "", nil },
		"page of HTML": func(context.Context) (int, string, error) { return http.StatusOK, "<html></html>", nil },
		"hangs":        func(ctx context.Context) (int, string, error) { return 0, "", clienttest.Elapse(ctx, 24*time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for broken := 1; broken <= 6; broken++ {
					c := &campaign{items: 17, path: filepath.Join(t.TempDir(), "journal"), arrivals: map[string]int{}}
					var mutex sync.Mutex
					requests := 0
					client := clienttest.New(t, clienttest.MemoryAPI(func(call clienttest.MemoryCall) (int, string, error) {
						mutex.Lock()
						for _, key := range clienttest.ItemKeys(call) {
							c.arrivals[key]++
						}
						requests++
						this := requests
						mutex.Unlock()
						if this == broken {
							return fault(call.Ctx)
						}
						return http.StatusOK, "ok", nil
					}))
					run := func(repeat bool) *salebot.BulkReport {
						journal, err := salebot.OpenFileJournal(c.path, "campaign")
						require.NoError(t, err)
						report, err := client.BulkAddToList(t.Context(), 7, salebot.Items(clienttest.Numbered(c.items)),
							salebot.BulkOptions{Workers: 2, BatchSize: 3, Journal: journal, RepeatUnknown: repeat})
						require.Equal(t, report.Unknown == 0, err == nil)
						require.NoError(t, journal.Close())
						return report
					}
					for range 2 {
						report := run(false)
						require.LessOrEqual(t, report.Unknown, 3)
						require.Positive(t, report.Unknown)
						c.requireHonest(t, report)
						require.Len(t, c.arrivals, c.items)
					}
					require.Equal(t, 17, run(true).Accepted)
				}
			})
		})
	}
}

// The names of what a parent process tells its child.
const (
	childServer  = "SALEBOT_TEST_SERVER"
	childJournal = "SALEBOT_TEST_JOURNAL"
	childReport  = "SALEBOT_TEST_REPORT"
	childRepeat  = "SALEBOT_TEST_REPEAT"
)

const childItems = 150

// TestBulkChild is the process that TestBulkProcessKilled kills.
func TestBulkChild(t *testing.T) {
	t.Parallel()
	server := os.Getenv(childServer)
	if server == "" {
		t.Skip("it only runs as the child of another test")
	}
	journal, err := salebot.OpenFileJournal(os.Getenv(childJournal), "campaign")
	require.NoError(t, err)
	client := clienttest.New(t, &http.Transport{}, salebot.WithBaseURL(server))
	options := salebot.BulkOptions{Workers: 4, BatchSize: 2, Journal: journal, RepeatUnknown: os.Getenv(childRepeat) != ""}
	report, err := client.BulkAddToList(t.Context(), 7, salebot.Items(clienttest.Numbered(childItems)), options)
	if !errors.Is(err, salebot.ErrNotAllAccepted) {
		require.NoError(t, err)
	}
	require.NoError(t, journal.Close())
	text, err := json.Marshal(struct {
		*salebot.BulkReport
		Problems []string
	}{report, slices.Collect(func(yield func(string) bool) {
		for _, problem := range report.Problems {
			if !yield(problem.Key) {
				return
			}
		}
	})})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(os.Getenv(childReport), text, 0o600))
}

// childRun is a server together with the process that sends to it.
type childRun struct {
	t        *testing.T
	server   *httptest.Server
	journal  string
	report   string
	mutex    sync.Mutex
	arrivals map[string]int
	total    int
	// arrived is called with the number of each request, before and after its
	// answer.
	arrived func(number int, answered bool)
}

func newChildRun(t *testing.T) *childRun {
	t.Helper()
	folder := t.TempDir()
	c := &childRun{t: t, journal: filepath.Join(folder, "journal"), report: filepath.Join(folder, "report"), arrivals: map[string]int{}}
	c.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return
		}
		c.mutex.Lock()
		for _, key := range clienttest.ItemKeys(clienttest.MemoryCall{Action: path.Base(request.URL.Path), Body: body}) {
			c.arrivals[key]++
		}
		c.total++
		number, arrived := c.total, c.arrived
		c.mutex.Unlock()
		arrived(number, false)
		_, _ = io.WriteString(w, "ok")
		arrived(number, true)
	}))
	t.Cleanup(c.server.Close)
	return c
}

// run starts the process and waits for its end. kill is called with a function
// that kills it.
func (c *childRun) run(repeat string, kill func(kill func())) (killed bool) {
	c.t.Helper()
	var output bytes.Buffer
	child := exec.CommandContext(c.t.Context(), os.Args[0], "-test.run=^TestBulkChild$", "-test.timeout=1m")
	child.Env = append(os.Environ(), childServer+"="+c.server.URL+"/api", childJournal+"="+c.journal, childReport+"="+c.report, childRepeat+"="+repeat)
	child.Stdout, child.Stderr = &output, &output
	require.NoError(c.t, os.RemoveAll(c.report))
	var once sync.Once
	end := make(chan struct{})
	c.mutex.Lock()
	c.arrived = func(int, bool) {}
	c.mutex.Unlock()
	require.NoError(c.t, child.Start())
	kill(func() {
		once.Do(func() {
			select {
			case <-end:
			default:
				_ = child.Process.Kill()
			}
		})
	})
	err := child.Wait()
	close(end)
	if err == nil {
		return false
	}
	var exit *exec.ExitError
	require.ErrorAs(c.t, err, &exit)
	require.False(c.t, exit.Exited(), "the child failed: %s", output.String())
	return true
}

// requireHonest checks the report of the last run.
func (c *childRun) requireHonest() (unknown int) {
	text, err := os.ReadFile(c.report)
	require.NoError(c.t, err)
	var report struct {
		Accepted, Rejected, Unknown, NotTried int
		Problems                              []string
	}
	require.NoError(c.t, json.Unmarshal(text, &report))
	require.Equal(c.t, childItems, report.Accepted+report.Unknown, "%s", text)
	require.Len(c.t, report.Problems, report.Unknown)
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, key := range clienttest.KeysUpTo(childItems) {
		require.LessOrEqual(c.t, c.arrivals[key], 1, "item %s was sent twice", key)
		if c.arrivals[key] == 0 {
			require.Contains(c.t, report.Problems, key, "item %s is forgotten", key)
		}
	}
	return report.Unknown
}

// A process that is killed while it sends, at moments of all kinds and several
// times, and is then started again, sends nothing twice and forgets nothing.
func TestBulkProcessKilled(t *testing.T) {
	t.Parallel()
	rounds := 9
	if testing.Short() {
		rounds = 3
	}
	c := newChildRun(t)
	kills := 0
	for round := range rounds {
		// The arrivals tell where the process is; from there it takes a moment longer,
		// or none.
		more, answered := 1+rand.IntN(childItems/2/rounds+1), rand.IntN(2) == 0
		delay := time.Duration(rand.IntN(3)) * time.Duration(rand.IntN(2_000_000))
		if c.run("", func(kill func()) {
			c.mutex.Lock()
			defer c.mutex.Unlock()
			if round == 0 {
				// It has hardly begun.
				time.AfterFunc(20*time.Millisecond, kill)
			}
			last := c.total + more
			c.arrived = func(number int, done bool) {
				if number < last || done != answered {
					return
				}
				if delay == 0 {
					kill()
					return
				}
				time.AfterFunc(delay, kill)
			}
		}) {
			kills++
		}
	}
	require.Greater(t, kills, rounds/2, "most of the runs were killed")
	require.False(t, c.run("", func(func()) {}))
	unknown := c.requireHonest()
	// Four requests of two items were under way at each death, at most.
	require.LessOrEqual(t, unknown, kills*4*2)
	t.Logf("killed %d times, %d of %d items are unknown", kills, unknown, childItems)

	require.False(t, c.run("yes", func(func()) {}))
	text, err := os.ReadFile(c.report)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(text), fmt.Sprintf(`{"Accepted":%d,`, childItems)), "%s", text)
	require.Len(t, c.arrivals, childItems)
}
