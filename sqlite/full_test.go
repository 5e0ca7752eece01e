package sqlite_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/sqlite"
	"github.com/salebot-go/salebot/webhook"
)

// small is a bound that is soon reached.
const small = 256 << 10

// fill puts events of as many clients until there is no room, and returns how many
// there was room for.
func fill(t *testing.T, inbox *sqlite.Inbox) int {
	t.Helper()
	for m := 1; m < 5000; m++ {
		_, err := inbox.Put(t.Context(), event(salebot.ClientID(m), salebot.MessageID(m)))
		if errors.Is(err, webhook.ErrFull) && m > 50 {
			return m - 1
		}
		if err != nil {
			t.Fatalf("after %d events: %v, want ErrFull later", m-1, err)
		}
	}
	t.Fatal("there is room for everything")
	return 0
}

// TestFullFileCanBeWorkedOff checks that everything but a new event can be written when
// the file is full, so that the inbox gets out of that by itself.
func TestFullFileCanBeWorkedOff(t *testing.T) {
	t.Parallel()
	path := filepath.Join(quickFolder(t), "inbox.db")
	bound := sqlite.WithMaxFileSize(small)
	inbox := openInbox(t, path, bound)
	kept := fill(t, inbox)
	if !put(t, inbox, event(1, 1)).Duplicate {
		t.Error("a duplicate was refused; it takes no room")
	}
	if err := inbox.Health(t.Context()); !errors.Is(err, webhook.ErrFull) {
		t.Errorf("health: %v, want ErrFull", err)
	}
	reason := strings.Repeat("why ", 50)
	for n := range 3 {
		for _, delivery := range take(t, inbox, kept) {
			if err := inbox.Release(t.Context(), delivery, 0, reason); err != nil {
				t.Fatalf("release %d of an event: %v", n+1, err)
			}
		}
	}
	// After a restart each attempt has to be counted in the file.
	for range 3 {
		path = inbox.Crash(t, path, quickFolder(t))
		inbox = openInbox(t, path, bound)
		if leased := take(t, inbox, kept); len(leased) != kept {
			t.Fatalf("%d of %d events were handed out", len(leased), kept)
		}
	}
	path = inbox.Crash(t, path, quickFolder(t))
	inbox = openInbox(t, path, bound)
	for _, delivery := range take(t, inbox, kept) {
		if err := inbox.Bury(t.Context(), delivery, reason); err != nil {
			t.Fatalf("bury: %v", err)
		}
	}
	if counts, err := inbox.Counts(t.Context(), endpoint); err != nil || counts != (webhook.Counts{Dead: kept}) {
		t.Errorf("%+v, %v; want %d dead letters", counts, err, kept)
	}
	if n, err := inbox.Discard(t.Context(), endpoint, webhook.AllDeadLetters); n != kept || err != nil {
		t.Errorf("discarded %d of %d, %v", n, kept, err)
	}
	put(t, inbox, event(9000, 9000))
	if err := inbox.Health(t.Context()); err != nil {
		t.Errorf("health when there is room again: %v", err)
	}
}

func TestFullFileWithDamagedRowsOpens(t *testing.T) {
	t.Parallel()
	path := filepath.Join(quickFolder(t), "inbox.db")
	bound := sqlite.WithMaxFileSize(small)
	inbox := openInbox(t, path, bound)
	kept := fill(t, inbox)
	inbox.Execute(t, "UPDATE event SET body = replace(body, 'text', 'next') WHERE sequence % 3 = 0")
	if err := inbox.Close(); err != nil {
		t.Fatal(err)
	}
	// The bound may also have been another one before.
	bound = sqlite.WithMaxFileSize(small / 2)
	inbox = openInbox(t, path, bound)
	counts, err := inbox.Counts(t.Context(), endpoint)
	if err != nil || counts.Damaged < kept/3-1 || counts.Waiting+counts.Damaged != kept {
		t.Errorf("%+v, %v; want a third of %d set apart", counts, err, kept)
	}
	for _, delivery := range take(t, inbox, kept) {
		if err := inbox.Bury(t.Context(), delivery, "buried"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLargeGroupKeepsTheReserve checks that events which come together do not take
// what is kept for everything else.
func TestLargeGroupKeepsTheReserve(t *testing.T) {
	t.Parallel()
	path := filepath.Join(quickFolder(t), "inbox.db")
	inbox := openInbox(t, path, sqlite.WithMaxFileSize(small))
	const callers = 64
	body := strings.Repeat("b", 100_000)
	results := make(chan error, callers)
	for m := range callers {
		go func() {
			entry := event(salebot.ClientID(m+1), salebot.MessageID(m+1))
			entry.Body = body
			_, err := inbox.Put(t.Context(), entry)
			results <- err
		}()
	}
	kept := 0
	for range callers {
		switch err := <-results; {
		case err == nil:
			kept++
		case !errors.Is(err, webhook.ErrFull):
			t.Error(err)
		}
	}
	if kept < 2 || kept > 3 {
		t.Errorf("%d events of %d bytes were kept, with a bound of %d", kept, len(body), small)
	}
	for _, delivery := range take(t, inbox, callers) {
		if err := inbox.Bury(t.Context(), delivery, "buried"); err != nil {
			t.Error(err)
		}
	}
}

// TestUncountedAttemptsKeepNobodyBack checks that events which need no writing are
// handed out when the attempts of others cannot be counted, and the others later.
func TestUncountedAttemptsKeepNobodyBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		folder := quickFolder(t)
		path := filepath.Join(folder, "inbox.db")
		inbox := openInbox(t, path)
		put(t, inbox, event(1, 1))
		put(t, inbox, event(2, 2))
		path = inbox.Crash(t, path, folder)
		var log bytes.Buffer
		inbox = openInbox(t, path, sqlite.WithLogger(textLogger(&log)))
		put(t, inbox, event(3, 3))
		inbox.SetFailing(t, true)
		if got := take(t, inbox, 9); len(got) != 1 || got[0].MessageID != 3 {
			t.Errorf("%+v was handed out, want message 3", got)
		}
		if !strings.Contains(log.String(), "could not count attempts") {
			t.Errorf("nothing was logged: %q", log.String())
		}
		inbox.SetFailing(t, false)
		start := time.Now()
		got := take(t, inbox, 9)
		if len(got) != 2 || got[0].Attempt != 1 || got[1].Attempt != 1 || time.Since(start) > 2*time.Second {
			t.Errorf("%+v was handed out after %v, want the first attempts of the others soon", got, time.Since(start))
		}
	})
}

func TestHealthOfFullInbox(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		folder := quickFolder(t)
		inbox := openInbox(t, filepath.Join(folder, "pending.db"), sqlite.WithMaxPending(2))
		for m := range 2 {
			if err := inbox.Health(t.Context()); err != nil {
				t.Errorf("with %d events: %v", m, err)
			}
			put(t, inbox, event(1, salebot.MessageID(m+1)))
		}
		if err := inbox.Health(t.Context()); !errors.Is(err, webhook.ErrFull) {
			t.Errorf("with as many events as there may be: %v, want ErrFull", err)
		}
		if _, err := inbox.Put(t.Context(), event(1, 3)); !errors.Is(err, webhook.ErrFull) {
			t.Errorf("one event more than there may be: %v, want ErrFull", err)
		}
		if err := inbox.Commit(t.Context(), take(t, inbox, 1)[0]); err != nil {
			t.Fatal(err)
		}
		if err := inbox.Health(t.Context()); err != nil {
			t.Errorf("with one event less: %v", err)
		}
		if err := inbox.Close(); err != nil {
			t.Fatal(err)
		}
		if err := inbox.Health(t.Context()); !errors.Is(err, webhook.ErrClosed) {
			t.Errorf("after Close: %v, want ErrClosed", err)
		}
		inbox = openInbox(t, filepath.Join(folder, "file.db"), sqlite.WithMaxFileSize(small))
		kept := fill(t, inbox)
		if err := inbox.Health(t.Context()); !errors.Is(err, webhook.ErrFull) {
			t.Errorf("with a full file: %v, want ErrFull", err)
		}
		// What is worked off makes room, although no event came since.
		for _, delivery := range take(t, inbox, kept) {
			if err := inbox.Commit(t.Context(), delivery); err != nil {
				t.Fatal(err)
			}
		}
		if err := inbox.Health(t.Context()); err != nil {
			t.Errorf("when there is room: %v", err)
		}
	})
}

// TestOpeningWithoutRoom checks that a file which could not be opened for want of room on
// the disk is opened with what was kept for that, whichever step it was that found none,
// and that the room is kept again when it is closed.
func TestOpeningWithoutRoom(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(path string) (io.Closer, error){
		"inbox":  func(path string) (io.Closer, error) { return sqlite.OpenInbox(path) },
		"ledger": func(path string) (io.Closer, error) { return sqlite.OpenLedger(path) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachFault(t, 20, syscall.ENOSPC, func(path string) {
				if file, err := open(path); err != nil || file.Close() != nil {
					t.Error(err)
				}
			}, func(t *testing.T, path string, stop func() string) {
				file, err := open(path)
				failed := stop()
				ofLock := strings.Contains(failed, ".lock") || strings.Contains(failed, "locking_mode") || strings.Contains(failed, "user_version")
				if err != nil {
					if !ofLock {
						t.Errorf("%v, after there was no room for this: %s", err, failed)
					}
					return
				}
				if inbox, ok := file.(*sqlite.Inbox); ok {
					if _, err := inbox.Put(t.Context(), event(1, 0)); errors.Is(err, webhook.ErrFull) != (failed != "") {
						t.Errorf("%v, want the event to be refused while there is no reserve; there was no room for this: %q", err, failed)
					}
				}
				if err := file.Close(); err != nil {
					t.Error(err)
				}
				if info, err := os.Stat(path + ".reserve"); err != nil || info.Size() != 4<<20 {
					t.Errorf("the reserve is not there again after there was no room for this: %s (%v)", failed, err)
				}
			})
		})
	}
}

// TestFolderThatCannotBeFlushed checks that a system which cannot flush a folder is no
// reason not to open a file.
func TestFolderThatCannotBeFlushed(t *testing.T) {
	t.Parallel()
	for _, unable := range []error{errors.ErrUnsupported, fs.ErrInvalid, fs.ErrPermission} {
		flushes := 0
		eachFault(t, 20, unable, func(string) {}, func(t *testing.T, path string, stop func() string) {
			inbox, err := sqlite.OpenInbox(path)
			if failed := stop(); strings.HasPrefix(failed, "flush "+filepath.Base(filepath.Dir(path))) {
				flushes++
				if err != nil {
					t.Errorf("%v, where a folder cannot be flushed: %v", err, unable)
				}
			}
			if err == nil {
				err = inbox.Close()
				if err != nil {
					t.Error(err)
				}
			}
		})
		if flushes == 0 {
			t.Error("no folder is flushed")
		}
	}
}
