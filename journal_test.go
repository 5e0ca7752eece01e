package salebot

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/filelock"
)

func openJournal(t testing.TB, path, job string) *FileJournal {
	t.Helper()
	journal, err := OpenFileJournal(path, job)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, journal.Close()) })
	return journal
}

func stateOf(t testing.TB, journal *FileJournal, key string) JournalState {
	t.Helper()
	state, err := journal.State(t.Context(), key)
	require.NoError(t, err)
	return state
}

func journalText(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

func TestJournalRemembers(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	journal := openJournal(t, path, "spring campaign")
	require.NoError(t, journal.Begin(t.Context(), []string{"1", "2", "3", "4"}))
	require.NoError(t, journal.End(t.Context(), []JournalEntry{
		{"1", JournalAccepted}, {"2", JournalNotExecuted}, {"3", JournalBegun}, {"5", JournalNew},
	}))
	for range 2 {
		require.Equal(t, JournalAccepted, stateOf(t, journal, "1"))
		require.Equal(t, JournalNotExecuted, stateOf(t, journal, "2"))
		require.Equal(t, JournalBegun, stateOf(t, journal, "3"))
		require.Equal(t, JournalBegun, stateOf(t, journal, "4"))
		require.Equal(t, JournalNew, stateOf(t, journal, "5"))
		require.NoError(t, journal.Close())
		journal = openJournal(t, path, "spring campaign")
	}
	// The latest word counts.
	require.NoError(t, journal.Begin(t.Context(), []string{"2"}))
	require.Equal(t, JournalBegun, stateOf(t, journal, "2"))
	require.NoError(t, journal.End(t.Context(), []JournalEntry{{"2", JournalAccepted}}))
	require.NoError(t, journal.Close())
	require.Equal(t, JournalAccepted, stateOf(t, openJournal(t, path, "spring campaign"), "2"))
	require.Equal(t, `{"job":"spring campaign"}
{"begin":["1","2","3","4"]}
{"accepted":["1"],"not_executed":["2"]}
{"begin":["2"]}
{"accepted":["2"]}
`, journalText(t, path), "the file is only ever appended to")
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "the file may have phone numbers in it")
}

// Keys and jobs may be any text.
func TestJournalKeys(t *testing.T) {
	t.Parallel()
	keys := []string{
		"", " ", "\n", `"quoted"`, `back\slash`, "имя", "\u2028", "😀", "\x00", "<&>", strings.Repeat("long", 10_000),
		// JSON has only one form for all bytes that are no UTF-8.
		"\xff", "\xfe", "a\xffb", "\x00hex:ff", "\ufffd", "\x00hex:",
	}
	for i, job := range keys {
		path := filepath.Join(t.TempDir(), "journal")
		journal := openJournal(t, path, job)
		for j, key := range keys {
			require.NoError(t, journal.Begin(t.Context(), []string{key}))
			if j%2 == i%2 {
				require.NoError(t, journal.End(t.Context(), []JournalEntry{{key, JournalAccepted}}))
			}
		}
		for range 2 {
			for j, key := range keys {
				want := JournalBegun
				if j%2 == i%2 {
					want = JournalAccepted
				}
				require.Equal(t, want, stateOf(t, journal, key), "%q", key)
			}
			require.NoError(t, journal.Close())
			journal = openJournal(t, path, job)
		}
		require.NoError(t, journal.Close())
		_, err := OpenFileJournal(path, job+"'s brother")
		require.ErrorIs(t, err, ErrOtherJob)
	}
}

func TestJournalRepeatedKeys(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	journal := openJournal(t, path, "job")
	require.NoError(t, journal.Begin(t.Context(), []string{"1", "1", "2"}))
	require.NoError(t, journal.End(t.Context(), []JournalEntry{{"1", JournalNotExecuted}, {"1", JournalAccepted}, {"2", JournalAccepted}}))
	for range 2 {
		require.NotEqual(t, JournalNew, stateOf(t, journal, "1"))
		require.Equal(t, JournalAccepted, stateOf(t, journal, "2"))
		require.NoError(t, journal.Close())
		journal = openJournal(t, path, "job")
	}
}

const soundJournal = `{"job":"job"}
{"begin":["1","2","3"]}
{"accepted":["1"],"not_executed":["2"]}
`

// What a crash leaves behind the last line break is taken off, and the journal
// goes on from there.
func TestJournalTornLine(t *testing.T) {
	t.Parallel()
	next := `{"begin":["3","4"]}`
	for cut := range len(next) + 1 {
		path := filepath.Join(t.TempDir(), "journal")
		require.NoError(t, os.WriteFile(path, []byte(soundJournal+next[:cut]), 0o600))
		journal := openJournal(t, path, "job")
		require.Equal(t, []JournalState{JournalAccepted, JournalNotExecuted, JournalBegun, JournalNew}, []JournalState{
			stateOf(t, journal, "1"), stateOf(t, journal, "2"), stateOf(t, journal, "3"), stateOf(t, journal, "4"),
		})
		require.NoError(t, journal.Begin(t.Context(), []string{"4"}))
		require.NoError(t, journal.Close())
		require.Equal(t, soundJournal+`{"begin":["4"]}`+"\n", journalText(t, path))
		require.Equal(t, JournalBegun, stateOf(t, openJournal(t, path, "job"), "4"))
	}
}

// A crash may also come while the journal is being made.
func TestJournalTornHead(t *testing.T) {
	t.Parallel()
	head := `{"job":"job"}`
	for cut := range len(head) + 1 {
		for _, rest := range []string{"", "\x00\x00\x00"} {
			path := filepath.Join(t.TempDir(), "journal")
			require.NoError(t, os.WriteFile(path, []byte(head[:cut]+rest), 0o600))
			require.NoError(t, openJournal(t, path, "job").Close())
			require.Equal(t, head+"\n", journalText(t, path))
		}
	}
}

func TestJournalDamage(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		is   error
	}{
		"another job":            {"{\"job\":\"other\"}\n", ErrOtherJob},
		"no job":                 {"{\"begin\":[\"1\"]}\n", ErrDamagedJournal},
		"an empty line":          {soundJournal + "\n" + soundJournal[14:], ErrDamagedJournal},
		"a second head":          {soundJournal + soundJournal, ErrDamagedJournal},
		"a torn line inside":     {"{\"job\":\"job\"}\n{\"begin\":[\"1\",\n{\"begin\":[\"2\"]}\n", ErrDamagedJournal},
		"two lines in one":       {"{\"job\":\"job\"}\n{\"accepted\":[\"2\"]}{\"begin\":[\"1\"]}\n", ErrDamagedJournal},
		"something behind":       {"{\"job\":\"job\"}\n{\"accepted\":[\"2\"]} x\n", ErrDamagedJournal},
		"another kind of line":   {"{\"job\":\"job\"}\n{\"finished\":[\"2\"]}\n", ErrDamagedJournal},
		"keys of another type":   {"{\"job\":\"job\"}\n{\"begin\":[1]}\n", ErrDamagedJournal},
		"null":                   {"{\"job\":\"job\"}\nnull\n", ErrDamagedJournal},
		"zeros inside":           {"{\"job\":\"job\"}\n\x00\x00\x00\x00\"]}\n{\"begin\":[\"2\"]}\n", ErrDamagedJournal},
		"a text file":            {"Dear diary,\ntoday\n", ErrDamagedJournal},
		"a text of one line":     {"Dear diary", ErrDamagedJournal},
		"a JSON file":            {"{\n\"job\": 1}", ErrDamagedJournal},
		"a JSON file of a line":  {`{"name":"x"}`, ErrDamagedJournal},
		"a head of another type": {"{\"job\":1}\n", ErrDamagedJournal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "journal")
			require.NoError(t, os.WriteFile(path, []byte(test.text), 0o600))
			for range 2 {
				_, err := OpenFileJournal(path, "job")
				require.ErrorIs(t, err, test.is)
				require.Equal(t, test.text, journalText(t, path), "what cannot be read is left as it is")
			}
		})
	}
}

func TestJournalThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	for _, path := range []string{t.TempDir(), filepath.Join(t.TempDir(), "no", "such", "folder")} {
		_, err := OpenFileJournal(path, "job")
		require.Error(t, err)
		require.ErrorContains(t, err, "journal")
	}
}

// After a failed write nothing more is written, and the run learns of it.
func TestJournalWriteFailure(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	journal := openJournal(t, path, "job")
	require.NoError(t, journal.Begin(t.Context(), []string{"1"}))
	before := journalText(t, path)
	// A file that can only be read fails like a full disk.
	readOnly, err := os.Open(path)
	require.NoError(t, err)
	sound := journal.file
	journal.file = readOnly
	require.Error(t, journal.Begin(t.Context(), []string{"2"}))
	journal.file = sound
	require.NoError(t, readOnly.Close())
	require.Error(t, journal.Begin(t.Context(), []string{"3"}), "behind half a line nothing may come")
	require.Error(t, journal.End(t.Context(), []JournalEntry{{"1", JournalAccepted}}))
	_, err = journal.State(t.Context(), "1")
	require.Error(t, err)
	require.NoError(t, journal.Close())
	require.Equal(t, before, journalText(t, path))
	journal = openJournal(t, path, "job")
	require.Equal(t, JournalBegun, stateOf(t, journal, "1"))
	require.Equal(t, JournalNew, stateOf(t, journal, "2"))
}

func TestJournalClosed(t *testing.T) {
	t.Parallel()
	journal := openJournal(t, filepath.Join(t.TempDir(), "journal"), "job")
	require.NoError(t, journal.Close())
	require.NoError(t, journal.Close(), "twice is fine")
	require.ErrorIs(t, journal.Begin(t.Context(), []string{"1"}), os.ErrClosed)
	require.ErrorIs(t, journal.End(t.Context(), []JournalEntry{{"1", JournalAccepted}}), os.ErrClosed)
	_, err := journal.State(t.Context(), "1")
	require.ErrorIs(t, err, os.ErrClosed)
}

func TestJournalOfSeveralWorkers(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	journal := openJournal(t, path, "job")
	var workers sync.WaitGroup
	for worker := range 8 {
		workers.Go(func() {
			for i := range 20 {
				key := fmt.Sprint(worker, "/", i)
				if err := journal.Begin(t.Context(), []string{key}); err != nil {
					t.Error(err)
				}
				if err := journal.End(t.Context(), []JournalEntry{{key, JournalAccepted}}); err != nil {
					t.Error(err)
				}
				if state, err := journal.State(t.Context(), key); err != nil || state != JournalAccepted {
					t.Error(state, err)
				}
			}
		})
	}
	workers.Wait()
	require.NoError(t, journal.Close())
	require.Len(t, openJournal(t, path, "job").states, 160)
}

const childLock = "SALEBOT_TEST_LOCK"

// TestJournalLockChild is the process that TestJournalLock starts.
func TestJournalLockChild(t *testing.T) {
	t.Parallel()
	path := os.Getenv(childLock)
	if path == "" {
		t.Skip("it only runs as the child of another test")
	}
	journal, err := OpenFileJournal(path, "job")
	require.NoError(t, err)
	require.NoError(t, journal.Close())
}

// Two processes, or two runs of one, cannot work with the same journal.
func TestJournalLock(t *testing.T) {
	t.Parallel()
	if !filelock.Works {
		t.Skip("this system has no such lock")
	}
	path := filepath.Join(t.TempDir(), "journal")
	journal := openJournal(t, path, "job")
	require.NoError(t, journal.Begin(t.Context(), []string{"1"}))
	before := journalText(t, path)
	child := func() (string, error) {
		command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestJournalLockChild$", "-test.v")
		command.Env = append(os.Environ(), childLock+"="+path)
		output, err := command.CombinedOutput()
		return string(output), err
	}
	output, err := child()
	require.Error(t, err)
	require.Contains(t, output, ErrJournalInUse.Error())
	_, err = OpenFileJournal(path, "job")
	require.ErrorIs(t, err, ErrJournalInUse)
	require.Equal(t, before, journalText(t, path))
	require.NoError(t, journal.Close())
	output, err = child()
	require.NoError(t, err, output)
	require.Contains(t, output, "PASS: TestJournalLockChild")
}

// A journal of many items fits into memory. It measures the whole process and so
// runs alone.
func TestJournalMemory(t *testing.T) { //nolint:paralleltest // see above
	const (
		items = 200_000
		most  = 48
	)
	path := filepath.Join(t.TempDir(), "journal")
	var text bytes.Buffer
	text.WriteString("{\"job\":\"job\"}\n")
	for i := 0; i < items; i += 100 {
		text.WriteString(`{"accepted":["a person with a rather long key 0"`)
		for j := range 99 {
			fmt.Fprintf(&text, `,"a person with a rather long key %d"`, i+j+1)
		}
		text.WriteString("]}\n")
	}
	require.NoError(t, os.WriteFile(path, text.Bytes(), 0o600))
	text = bytes.Buffer{}
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	before := heap()
	journal := openJournal(t, path, "job")
	after := heap()
	require.Greater(t, len(journal.states), items-items/100)
	require.Less(t, int64(after)-int64(before), int64(items*most), "bytes for %d items", items)
	require.Equal(t, JournalAccepted, stateOf(t, journal, "a person with a rather long key 77"))
}

// FuzzJournal opens any bytes as a journal, and cuts sound journals anywhere.
func FuzzJournal(f *testing.F) {
	f.Add([]byte(soundJournal), uint16(20), []byte{0, 5, 9, 200, 3})
	f.Add([]byte(soundJournal+`{"begin":["5"]`), uint16(0), []byte{})
	f.Add([]byte("{\"job\":\"job\"}\n{\"accepted\":[\"1\"]}{\"begin\":[\"1\"]}\n"), uint16(90), []byte{1, 2, 3, 4, 5, 6})
	f.Add([]byte("\x00\x00\xff\n"), uint16(77), []byte{255, 254, 1})
	f.Fuzz(func(t *testing.T, text []byte, cut uint16, steps []byte) {
		path := filepath.Join(t.TempDir(), "any")
		require.NoError(t, os.WriteFile(path, text, 0o600))
		if journal, err := OpenFileJournal(path, "job"); err != nil {
			require.Equal(t, string(text), journalText(t, path), "what cannot be read is left as it is")
		} else {
			requireWritten(t, text, journal)
			require.NoError(t, journal.Close())
			again := openJournal(t, path, "job")
			require.True(t, maps.Equal(journal.states, again.states), "a journal reads the same when it is opened again")
			whole := string(text[:bytes.LastIndexByte(text, '\n')+1])
			require.True(t, whole == "" || journalText(t, path) == whole, "whole lines stay as they are")
		}
		requireTruth(t, int(cut), steps)
	})
}

// requireWritten checks that a journal claims no item as accepted that stands in
// no line that says so.
func requireWritten(t *testing.T, text []byte, journal *FileJournal) {
	t.Helper()
	written := 0
	for line := range bytes.Lines(text) {
		if bytes.HasSuffix(line, []byte("\n")) {
			// An escaped or repeated name is possible, a missing one is not.
			written += bytes.Count(line, []byte(","))
			if strings.Contains(strings.ToLower(string(line)), "accepted") || bytes.Contains(line, []byte(`\u`)) {
				written++
			}
		}
	}
	accepted := 0
	for _, state := range journal.states {
		if state == JournalAccepted {
			accepted++
		}
	}
	require.LessOrEqual(t, accepted, written)
}

// requireTruth writes a journal step by step, cuts it, and compares what it then
// says with what was written up to there.
func requireTruth(t *testing.T, cut int, steps []byte) {
	t.Helper()
	steps = steps[:min(len(steps), 6)]
	path := filepath.Join(t.TempDir(), "sound")
	journal := openJournal(t, path, "job")
	keys := []string{"1", "имя", "\xff", "<a\n>"}
	now := map[string]JournalState{}
	type snapshot struct {
		size   int
		states map[string]JournalState
	}
	history := []snapshot{{0, nil}, {len(journalText(t, path)), nil}}
	for _, step := range steps {
		some := keys[step%4 : min(int(step%4)+int(step/4%3)+1, 4)]
		switch state := JournalState(step/12%3 + 1); state {
		case JournalBegun:
			require.NoError(t, journal.Begin(t.Context(), some))
			for _, key := range some {
				now[key] = JournalBegun
			}
		default:
			var entries []JournalEntry
			for _, key := range some {
				entries = append(entries, JournalEntry{key, state})
				now[key] = state
			}
			require.NoError(t, journal.End(t.Context(), entries))
		}
		history = append(history, snapshot{len(journalText(t, path)), maps.Clone(now)})
	}
	require.NoError(t, journal.Close())
	size := cut % (history[len(history)-1].size + 1)
	require.NoError(t, os.Truncate(path, int64(size)))
	last, _ := slices.BinarySearchFunc(history, size+1, func(s snapshot, size int) int { return s.size - size })
	journal = openJournal(t, path, "job")
	for _, key := range keys {
		require.Equal(t, history[last-1].states[key], stateOf(t, journal, key), "%q after %d of %d bytes", key, size, history[len(history)-1].size)
	}
}
