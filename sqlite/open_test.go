package sqlite_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/sqlite"
	"github.com/salebot-go/salebot/webhook"
)

func TestOneAtATime(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "inbox.db")
	inbox := openInbox(t, path)
	if _, err := sqlite.OpenInbox(path); !errors.Is(err, sqlite.ErrInUse) || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second inbox of this process: %v, want ErrInUse", err)
	}
	if inbox.Query(t, "SELECT 1 FROM setting WHERE name = 'closed' AND value = 0") != 1 {
		t.Error("the file says that nobody has it open: it would not be checked after a crash")
	}
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), role+"=receive", receivePath+"="+path, receiveLog+"="+filepath.Join(t.TempDir(), "log"))
	if output, err := command.CombinedOutput(); err == nil || !strings.Contains(string(output), sqlite.ErrInUse.Error()) {
		t.Errorf("another process: %v, %s; want ErrInUse", err, output)
	}
	if err := inbox.Close(); err != nil {
		t.Fatal(err)
	}
	process := startReceiver(t, path, filepath.Join(t.TempDir(), "log"))
	if _, err := sqlite.OpenInbox(path); !errors.Is(err, sqlite.ErrInUse) {
		t.Errorf("while another process has it open: %v, want ErrInUse", err)
	}
	process.kill(t)
	again := openInbox(t, path)
	if again.Recovery() != nil {
		t.Errorf("a killed process left damage: %+v", again.Recovery())
	}
}

func TestOddPaths(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"with space.db", "query?mode=memory", "hash#1", "percent%20%", "кириллица.db", "semi;colon&amp='quote'"} {
		path := filepath.Join(t.TempDir(), name)
		inbox := openInbox(t, path)
		put(t, inbox, event(1, 1))
		if err := inbox.Close(); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		l := openLedger(t, path+".ledger")
		for _, private := range []string{path, path + ".lock", path + ".reserve", path + ".ledger", path + ".ledger-wal", path + ".ledger.lock"} {
			if info, err := os.Stat(private); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%q: %v, %v; want a file that only its owner can read", private, info, err)
			}
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Run("relative", func(t *testing.T) {
		t.Parallel()
		if _, err := sqlite.OpenInbox(""); err == nil {
			t.Error("an empty path was opened")
		}
		if _, err := sqlite.OpenInbox(filepath.Join(t.TempDir(), "missing", "inbox.db")); err == nil {
			t.Error("a file in a folder that does not exist was opened")
		}
		if _, err := sqlite.OpenInbox(t.TempDir()); err == nil {
			t.Error("a folder was opened")
		}
		if _, err := sqlite.OpenInbox(filepath.Join(t.TempDir(), "inbox.db"), sqlite.WithMaxPending(0)); err == nil {
			t.Error("a negative option was accepted")
		}
	})
}

func TestForeignFiles(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	document := filepath.Join(directory, "letter.txt")
	if err := os.WriteFile(document, []byte("Dear Ann,\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(directory, "foreign.db")
	inbox := openInbox(t, foreign)
	inbox.Execute(t, "PRAGMA application_id = 7")
	newer := filepath.Join(directory, "newer.db")
	second := openInbox(t, newer)
	second.Execute(t, fmt.Sprintf("PRAGMA user_version = %d", sqlite.SchemaVersion+1))
	for _, i := range []*sqlite.Inbox{inbox, second} {
		if err := i.Close(); err != nil {
			t.Fatal(err)
		}
	}
	// These are no databases, or not one of an inbox, whatever is at the places that tell.
	page := func(magic string, kind byte) string {
		content := make([]byte, 4096)
		copy(content, magic)
		content[100] = kind
		name := filepath.Join(directory, fmt.Sprintf("page%d%d.db", len(magic), kind))
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	zeros, interior := page("", 13), page("SQLite format 3\x00", 5)
	// What is beside a file that is refused is not touched either.
	if err := os.WriteFile(document+".reserve", []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if content, err := os.ReadFile(document + ".reserve"); err != nil || string(content) != "mine" {
			t.Errorf("the file beside it is %q, %v", content, err)
		}
	}()
	if _, err := sqlite.OpenLedger(document); !errors.Is(err, sqlite.ErrForeignFile) {
		t.Errorf("as a ledger: %v, want ErrForeignFile", err)
	}
	// Asking again must not make it the inbox's file.
	if _, err := sqlite.OpenInbox(document); !errors.Is(err, sqlite.ErrForeignFile) {
		t.Errorf("%v, want ErrForeignFile", err)
	}
	for path, want := range map[string]error{document: sqlite.ErrForeignFile, foreign: sqlite.ErrForeignFile, zeros: sqlite.ErrForeignFile, interior: sqlite.ErrForeignFile, newer: sqlite.ErrNewerSchema} {
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sqlite.OpenInbox(path); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", filepath.Base(path), err, want)
		}
		after, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(after, before) {
			t.Errorf("%s was changed: %v", filepath.Base(path), err)
		}
	}
}

func TestFullFile(t *testing.T) {
	t.Parallel()
	inbox := openInbox(t, filepath.Join(t.TempDir(), "inbox.db"), sqlite.WithMaxFileSize(256<<10))
	kept := 0
	var err error
	for m := 1; m < 2000 && err == nil; m++ {
		if _, err = inbox.Put(t.Context(), event(salebot.ClientID(m), salebot.MessageID(m))); err == nil {
			kept++
		}
	}
	if !errors.Is(err, webhook.ErrFull) || kept < 50 {
		t.Fatalf("after %d events: %v, want ErrFull", kept, err)
	}
	// What was kept can be handled, and makes room.
	for _, delivery := range take(t, inbox, 40) {
		if err := inbox.Commit(t.Context(), delivery); err != nil {
			t.Fatal(err)
		}
	}
	put(t, inbox, event(5000, 5000))
	if counts, err := inbox.Counts(t.Context(), endpoint); err != nil || counts.Waiting != kept-40+1 {
		t.Errorf("%+v, %v; want %d waiting", counts, err, kept-40+1)
	}
}

func TestForgetting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inbox := openInbox(t, filepath.Join(quickFolder(t), "inbox.db"), sqlite.WithDuplicateWindow(24*time.Hour))
		const messages = 2500
		for m := range messages {
			put(t, inbox, event(1, salebot.MessageID(m+1)))
		}
		<-time.After(23 * time.Hour)
		if !put(t, inbox, event(1, 1)).Duplicate || !put(t, inbox, event(1, messages)).Duplicate {
			t.Error("a message was forgotten within the window")
		}
		put(t, inbox, event(1, messages+1))
		<-time.After(2*time.Hour + time.Minute) // all are forgotten at once
		if put(t, inbox, event(1, 1)).Duplicate || put(t, inbox, event(1, messages)).Duplicate {
			t.Error("a message was remembered long after the window")
		}
		if !put(t, inbox, event(1, messages+1)).Duplicate {
			t.Error("a younger message was forgotten")
		}
	})
}

// TestSequencesRise checks that no number is given twice, whether the file was
// closed or not.
func TestSequencesRise(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "inbox.db")
	last := int64(0)
	for life := range 6 {
		inbox := openInbox(t, path)
		for range 3 {
			receipt := put(t, inbox, event(1, 0))
			if receipt.Sequence <= last {
				t.Fatalf("sequence %d after %d", receipt.Sequence, last)
			}
			last = receipt.Sequence
		}
		for _, delivery := range take(t, inbox, 1) {
			if err := inbox.Commit(t.Context(), delivery); err != nil {
				t.Fatal(err)
			}
		}
		if life%2 == 0 {
			path = inbox.Crash(t, path, t.TempDir())
		} else if err := inbox.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCrashesAreCounted checks that an event over which the process dies again and
// again is known to have been tried.
func TestCrashesAreCounted(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "inbox.db")
	inbox := openInbox(t, path)
	put(t, inbox, event(1, 1))
	var attempts []int
	for range 4 {
		attempts = append(attempts, take(t, inbox, 1)[0].Attempt)
		path = inbox.Crash(t, path, t.TempDir())
		inbox = openInbox(t, path)
	}
	// The first one is not written down, so that it costs nothing.
	if fmt.Sprint(attempts) != "[1 1 2 3]" {
		t.Errorf("attempts %v", attempts)
	}
}

func TestFlushSettled(t *testing.T) {
	t.Parallel()
	for _, settled := range []bool{false, true} {
		var opts []sqlite.InboxOption
		if settled {
			opts = append(opts, sqlite.WithFlushSettled())
		}
		inbox := openInbox(t, filepath.Join(t.TempDir(), "inbox.db"), opts...)
		for m := range 3 {
			put(t, inbox, event(1, salebot.MessageID(m+1)))
		}
		if lazy := inbox.Lazy(t); lazy {
			t.Errorf("FlushSettled %v: an event was put without a flush", settled)
		}
		if err := inbox.Commit(t.Context(), take(t, inbox, 1)[0]); err != nil {
			t.Fatal(err)
		}
		if lazy := inbox.Lazy(t); lazy == settled {
			t.Errorf("FlushSettled %v: lazy after a commit is %v", settled, lazy)
		}
		put(t, inbox, event(1, 10))
		if lazy := inbox.Lazy(t); lazy {
			t.Errorf("FlushSettled %v: an event was put without a flush", settled)
		}
	}
}

// TestGivingUp checks that a caller who gives up leaves nothing half done: an event
// is kept or not, and the others go on.
func TestGivingUp(t *testing.T) {
	t.Parallel()
	inbox := openInbox(t, filepath.Join(t.TempDir(), "inbox.db"))
	const callers = 200
	results := make(chan error, callers)
	for m := range callers {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(m%7)*time.Millisecond)
		go func() {
			defer cancel()
			_, err := inbox.Put(ctx, event(salebot.ClientID(m+1), salebot.MessageID(m+1)))
			results <- err
		}()
	}
	kept := 0
	for range callers {
		switch err := <-results; {
		case err == nil:
			kept++
		case !errors.Is(err, context.DeadlineExceeded):
			t.Error(err)
		}
	}
	counts, err := inbox.Counts(t.Context(), endpoint)
	if err != nil || counts.Waiting < kept {
		t.Errorf("%d were acknowledged, %+v are there, %v", kept, counts, err)
	}
	put(t, inbox, event(1000, 1000))
}

// TestDocumentedQueries runs what the documentation tells people to.
func TestDocumentedQueries(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "inbox.db")
	filled(t, path, 10)
	inbox := openInbox(t, path)
	file, err := os.Open("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	queries := 0
	for lines := bufio.NewScanner(file); lines.Scan(); {
		query, found := strings.CutPrefix(lines.Text(), "//\tSELECT ")
		if !found {
			continue
		}
		queries++
		if rows := inbox.Query(t, "SELECT "+query); rows == 0 {
			t.Errorf("SELECT %s: no rows", query)
		}
	}
	if queries != 3 {
		t.Errorf("%d queries in the documentation, want 3", queries)
	}
}

// TestReceiverExample runs the example, kills it, and runs it again.
func TestReceiverExample(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	program := filepath.Join(directory, "receiver")
	if output, err := exec.Command("go", "build", "-o", program, "./examples/receiver").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	output, err := exec.Command(program, "-demo", "-inbox", filepath.Join(directory, "inbox.db")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	t.Logf("%s", output)
	if !strings.Contains(string(output), "nothing was lost") {
		t.Errorf("%s", output)
	}
}

// files are the contents of the files in a folder.
func files(t *testing.T, folder string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(entry.Name(), ".lock") {
			found[entry.Name()] = string(content)
		}
	}
	return found
}

// TestForeignDatabase checks that another program's database stays as it is, to the
// byte, and that its log stays a log.
func TestForeignDatabase(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"DELETE", "WAL"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			original, folder := t.TempDir(), t.TempDir()
			database := sqlite.OpenDatabase(t, filepath.Join(original, "app.db"))
			database.Execute(t, "PRAGMA journal_mode = "+mode+"; CREATE TABLE mine (x); PRAGMA wal_checkpoint; INSERT INTO mine VALUES (1)")
			// It is as a process left it that has died.
			for name, content := range files(t, original) {
				if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			before := files(t, folder)
			if _, err := sqlite.OpenInbox(filepath.Join(folder, "app.db")); !errors.Is(err, sqlite.ErrForeignFile) {
				t.Errorf("%v, want ErrForeignFile", err)
			}
			if !maps.Equal(files(t, folder), before) {
				t.Error("the files were changed")
			}
		})
	}
}

func TestSymbolicLinks(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "real", "inbox.db")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	links := []string{filepath.Join(folder, "link.db"), filepath.Join(folder, "chain.db"), filepath.Join(folder, "folder", "inbox.db")}
	for _, link := range [][2]string{{filepath.Join("real", "inbox.db"), links[0]}, {links[0], links[1]}, {"real", filepath.Dir(links[2])}} {
		if err := os.Symlink(link[0], link[1]); err != nil {
			t.Skip(err)
		}
	}
	// The first one makes the file that the links lead to.
	inbox := openInbox(t, links[1])
	put(t, inbox, event(1, 1))
	for _, other := range append(links, path) {
		if _, err := sqlite.OpenInbox(other); !errors.Is(err, sqlite.ErrInUse) {
			t.Errorf("%s: %v, want ErrInUse", other, err)
		}
	}
	if err := inbox.Close(); err != nil {
		t.Fatal(err)
	}
	if !put(t, openInbox(t, path), event(1, 1)).Duplicate {
		t.Error("the link led to another file")
	}
	loop := filepath.Join(folder, "loop.db")
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.OpenInbox(loop); err == nil {
		t.Error("a link to itself was opened")
	}
}

func TestWaitForLock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(quickFolder(t), "inbox.db")
		old := openInbox(t, path)
		start := time.Now()
		if _, err := sqlite.OpenInbox(path, sqlite.WithLockTimeout(time.Second)); !errors.Is(err, sqlite.ErrInUse) || time.Since(start) != time.Second {
			t.Errorf("%v after %v, want ErrInUse after a second", err, time.Since(start))
		}
		closed := make(chan error)
		go func() {
			<-time.After(time.Second)
			closed <- old.Close()
		}()
		start = time.Now()
		openInbox(t, path, sqlite.WithLockTimeout(time.Minute))
		if waited := time.Since(start); waited < time.Second || waited > 1100*time.Millisecond {
			t.Errorf("waited %v for the old process, which took a second", waited)
		}
		if err := <-closed; err != nil {
			t.Error(err)
		}
	})
}

// TestLockedByAnother checks that nobody waits longer than they want for another
// program that has the file locked, and that what it delayed is done when it lets go.
func TestLockedByAnother(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "inbox.db")
	var log bytes.Buffer
	inbox := openInbox(t, path, sqlite.WithLogger(textLogger(&log)))
	put(t, inbox, event(1, 1))
	delivery := take(t, inbox, 1)[0]
	other := sqlite.OpenDatabase(t, path)
	other.Execute(t, "BEGIN IMMEDIATE")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	// The other program keeps its lock until this has returned.
	if err := inbox.Commit(ctx, delivery); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("commit: %v, want the end of the context", err)
	}
	if err := inbox.Health(t.Context()); err != nil {
		t.Errorf("health: %v", err)
	}
	// To look through the marks needs no lock where none is to be forgotten.
	if err := inbox.Forget(t.Context(), time.Now().Add(-time.Hour)); err != nil {
		t.Errorf("forget: %v", err)
	}
	other.Execute(t, "ROLLBACK")
	put(t, inbox, event(1, 2))
	if got := take(t, inbox, 9); len(got) != 1 || got[0].MessageID != 2 {
		t.Errorf("%+v was handed out, want message 2: the first one was committed", got)
	}
	if log.Len() > 0 {
		t.Errorf("log: %s", log.String())
	}
}

// TestLeaseThatIsNotWaitedFor checks that an event whose attempt could not be counted, since
// another program has the file locked and the caller gives up, is handed out to the next.
func TestLeaseThatIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "inbox.db")
	inbox := openInbox(t, path)
	put(t, inbox, event(1, 1))
	path = inbox.Crash(t, path, folder)
	var log bytes.Buffer
	inbox = openInbox(t, path, sqlite.WithLogger(textLogger(&log)))
	other := sqlite.OpenDatabase(t, path)
	other.Execute(t, "BEGIN IMMEDIATE")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if got, err := inbox.Lease(ctx, webhook.LeaseRequest{Endpoint: endpoint, Max: 1, Duration: time.Hour}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%+v, %v; want the end of the context", got, err)
	}
	if counts, err := inbox.Counts(t.Context(), endpoint); err != nil || counts.Waiting != 1 {
		t.Errorf("%+v, %v; want the event to wait", counts, err)
	}
	other.Execute(t, "ROLLBACK")
	if got := take(t, inbox, 1)[0]; got.MessageID != 1 || got.Attempt != 1 {
		t.Errorf("%+v", got)
	}
	if log.Len() > 0 {
		t.Errorf("log: %s", log.String())
	}
}

// TestOverviewKeepsNobodyBack checks that events come and go while somebody looks
// through whole tables.
func TestOverviewKeepsNobodyBack(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "inbox.db")
	filled(t, path, 20)
	inbox := openInbox(t, path)
	release := inbox.HoldOverview()
	defer release()
	put(t, inbox, event(100, 100))
	for _, delivery := range take(t, inbox, 100) {
		if err := inbox.Commit(t.Context(), delivery); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDeadLettersAreCountedByIndex(t *testing.T) {
	t.Parallel()
	inbox := openInbox(t, filepath.Join(t.TempDir(), "inbox.db"))
	if plan := inbox.CountDeadLettersPlan(t); !strings.Contains(plan, "COVERING INDEX dead_letter_endpoint") {
		t.Errorf("the plan is %q", plan)
	}
}

func TestLogIsRequired(t *testing.T) {
	t.Parallel()
	if err := sqlite.SetUpInMemory(); err == nil || !strings.Contains(err.Error(), "write-ahead log") {
		t.Errorf("%v, want that there is no log", err)
	}
}
