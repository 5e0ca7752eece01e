package sqlite_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/sqlite"
	"github.com/salebot-go/salebot/webhook"
)

// checkBroken checks that every method tells that the inbox is broken.
func checkBroken(t *testing.T, inbox *sqlite.Inbox, delivery webhook.Delivery) {
	t.Helper()
	_, putErr := inbox.Put(t.Context(), event(7000, 7000))
	_, leaseErr := inbox.Lease(t.Context(), webhook.LeaseRequest{Endpoint: "another", Max: 1, Duration: time.Hour})
	_, countsErr := inbox.Counts(t.Context(), endpoint)
	_, redriveErr := inbox.Redrive(t.Context(), endpoint)
	_, discardErr := inbox.Discard(t.Context(), endpoint)
	var lettersErr, seenErr error
	for _, lettersErr = range inbox.DeadLetters(t.Context(), endpoint) {
		break
	}
	for _, seenErr = range inbox.Seen(t.Context(), endpoint) {
		break
	}
	for name, err := range map[string]error{
		"Health": inbox.Health(t.Context()), "Put": putErr, "Lease": leaseErr,
		"Commit": inbox.Commit(t.Context(), delivery), "Release": inbox.Release(t.Context(), delivery, 0, ""), "Bury": inbox.Bury(t.Context(), delivery, ""),
		"Counts": countsErr, "Redrive": redriveErr, "Discard": discardErr, "DeadLetters": lettersErr, "Seen": seenErr,
	} {
		if !errors.Is(err, sqlite.ErrBroken) || !errors.Is(err, webhook.ErrInboxBroken) || !strings.Contains(err.Error(), "opened again") {
			t.Errorf("%s: %v, want ErrBroken, and what to do", name, err)
		}
	}
}

// TestPageGoesBadWhileOpen checks that an inbox does not go on taking events when it
// cannot hand them out any more, and is recovered when it is opened again.
func TestPageGoesBadWhileOpen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "inbox.db")
	bodies := filled(t, path, 200)
	var log bytes.Buffer
	inbox := openInbox(t, path, sqlite.WithLogger(textLogger(&log)))
	delivery := take(t, inbox, 1)[0]
	waiting := make(chan error)
	go func() {
		_, err := inbox.Lease(t.Context(), webhook.LeaseRequest{Endpoint: "another", Max: 1, Duration: time.Hour})
		waiting <- err
	}()
	spoilPage(t, path, bodies[100])
	for inbox.Health(t.Context()) == nil {
		// Some events are on pages that are sound.
		if _, err := inbox.Lease(t.Context(), webhook.LeaseRequest{Endpoint: endpoint, Max: 10, Duration: time.Hour}); err != nil && !errors.Is(err, sqlite.ErrBroken) {
			t.Fatalf("%v, want ErrBroken", err)
		}
	}
	checkBroken(t, inbox, delivery)
	if err := <-waiting; !errors.Is(err, sqlite.ErrBroken) {
		t.Errorf("who waited for an event got %v, want ErrBroken", err)
	}
	if !strings.Contains(log.String(), "inbox is broken") {
		t.Errorf("the log does not tell: %s", log.String())
	}
	if err := inbox.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if err := inbox.Health(t.Context()); !errors.Is(err, webhook.ErrClosed) {
		t.Errorf("health after Close: %v, want ErrClosed", err)
	}
	again := openInbox(t, path)
	if again.Recovery() == nil {
		t.Error("the damage was not noticed when the file was opened again")
	}
	if events, _ := contents(t, again, bodies); events < 150 {
		t.Errorf("%d of 192 events are left", events)
	}
}

// spoilPage overwrites the page of a file that has a body on it.
func spoilPage(t *testing.T, path, body string) {
	t.Helper()
	const page = 4096
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.LastIndex(content, []byte(body)) / page * page
	_, writeErr := file.WriteAt(make([]byte, page), int64(at))
	if err := errors.Join(writeErr, file.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestFailedFlush checks that nothing is promised any more when a flush has failed
// that the operating system will not repeat.
func TestFailedFlush(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(log string) error{
		"it fails":        func(log string) error { return errors.Join(os.Remove(log), os.Symlink(os.DevNull, log)) },
		"the log is gone": os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "inbox.db")
			inbox := openInbox(t, path)
			put(t, inbox, event(1, 1))
			if err := inbox.Flush(); err != nil {
				t.Fatalf("a flush of a sound log: %v", err)
			}
			delivery := take(t, inbox, 1)[0]
			if err := spoil(path + "-wal"); err != nil {
				t.Fatal(err)
			}
			if err := inbox.Flush(); !errors.Is(err, sqlite.ErrBroken) {
				t.Fatalf("flush: %v, want ErrBroken", err)
			}
			checkBroken(t, inbox, delivery)
		})
	}
}

// TestGroupThatIsNotFlushed checks that nothing is acknowledged whose flush failed.
func TestGroupThatIsNotFlushed(t *testing.T) {
	t.Parallel()
	inbox := openInbox(t, filepath.Join(t.TempDir(), "inbox.db"))
	put(t, inbox, event(1, 1))
	delivery := take(t, inbox, 1)[0]
	inbox.SpoilLog(t)
	if _, err := inbox.Put(t.Context(), event(1, 2)); !errors.Is(err, sqlite.ErrBroken) {
		t.Fatalf("put: %v, want ErrBroken", err)
	}
	checkBroken(t, inbox, delivery)
}

// TestPanicLeavesNobodyAlone checks that those who wait behind an operation that
// panics are told that the inbox is broken.
func TestPanicLeavesNobodyAlone(t *testing.T) {
	t.Parallel()
	inbox := openInbox(t, filepath.Join(t.TempDir(), "inbox.db"))
	put(t, inbox, event(1, 1))
	delivery := take(t, inbox, 1)[0]
	const others = 5
	results := make(chan error, others)
	begun := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was lost")
			}
		}()
		_ = inbox.Panic(t.Context(), begun, others)
	})
	<-begun
	for m := range others {
		group.Go(func() {
			_, err := inbox.Put(t.Context(), event(2, salebot.MessageID(m+2)))
			results <- err
		})
	}
	group.Wait()
	for range others {
		if err := <-results; !errors.Is(err, sqlite.ErrBroken) {
			t.Errorf("%v, want ErrBroken", err)
		}
	}
	checkBroken(t, inbox, delivery)
}
