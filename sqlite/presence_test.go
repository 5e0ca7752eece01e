package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/sqlite"
	"github.com/salebot-go/salebot/webhook"
)

// TestDeletedFileIsNoticed checks that nothing is acknowledged any more once a file of
// the inbox was deleted or replaced, and that the health says it without an event.
func TestDeletedFileIsNoticed(t *testing.T) {
	t.Parallel()
	replace := func(suffix string) func(string) error {
		return func(path string) error {
			content, err := os.ReadFile(path + suffix)
			return errors.Join(err, os.Remove(path+suffix), os.WriteFile(path+suffix, content, 0o600))
		}
	}
	remove := func(suffix string) func(string) error {
		return func(path string) error { return os.Remove(path + suffix) }
	}
	for name, test := range map[string]struct {
		spoil func(path string) error
		// atOnce says that already the next event is refused.
		atOnce bool
	}{
		"deleted":        {remove(""), true},
		"replaced":       {replace(""), true},
		"moved":          {func(path string) error { return os.Rename(path, path+".old") }, true},
		"log deleted":    {remove("-wal"), true},
		"log replaced":   {replace("-wal"), true},
		"lock deleted":   {remove(".lock"), false},
		"index deleted":  {remove("-shm"), false},
		"folder renamed": {func(path string) error { return os.Rename(filepath.Dir(path), filepath.Dir(path)+"2") }, true},
	} {
		for _, idle := range []bool{true, false} {
			if !idle && !test.atOnce {
				continue
			}
			synctest.Test(t, func(t *testing.T) {
				folder := filepath.Join(quickFolder(t), "inner")
				if err := os.Mkdir(folder, 0o700); err != nil {
					t.Fatal(err)
				}
				path := filepath.Join(folder, "inbox.db")
				inbox, err := sqlite.OpenInbox(path)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = inbox.Close() }()
				put(t, inbox, event(1, 1))
				<-time.After(5 * time.Second)
				put(t, inbox, event(2, 2))
				if err := inbox.Health(t.Context()); err != nil {
					t.Fatalf("%s: before: %v", name, err)
				}
				delivery := take(t, inbox, 1)[0]
				if err := test.spoil(path); err != nil {
					t.Fatal(err)
				}
				if idle {
					<-time.After(time.Second)
					synctest.Wait()
				} else if receipt, err := inbox.Put(t.Context(), event(3, 3)); !errors.Is(err, sqlite.ErrBroken) {
					t.Errorf("%s: the next event: %+v, %v; want ErrBroken", name, receipt, err)
				}
				checkBroken(t, inbox, delivery)
			})
		}
	}
}

// TestClockThatWasAhead checks that an event which was released by a clock that was far
// ahead does not wait for longer than an event ever had to.
func TestClockThatWasAhead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		folder := quickFolder(t)
		path := filepath.Join(folder, "inbox.db")
		inbox := openInbox(t, path)
		for m := range 3 {
			put(t, inbox, event(salebot.ClientID(m+1), salebot.MessageID(m+1)))
		}
		for n, delivery := range take(t, inbox, 3) {
			if err := inbox.Release(t.Context(), delivery, []time.Duration{time.Minute, time.Hour, 0}[n], "later"); err != nil {
				t.Fatal(err)
			}
		}
		// As if the clock had been a year ahead.
		inbox.Shift(t, 365*24*time.Hour)
		path = inbox.Crash(t, path, folder)
		inbox = openInbox(t, path)
		counts, err := inbox.Counts(t.Context(), endpoint)
		if err != nil || counts.Pending() != 3 || counts.Damaged != 0 {
			t.Fatalf("%+v, %v", counts, err)
		}
		start := time.Now()
		for range 3 {
			deliveries, err := inbox.Lease(t.Context(), webhook.LeaseRequest{Endpoint: endpoint, Max: 1, Duration: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			if waited := time.Since(start); waited > time.Hour {
				t.Errorf("message %d was handed out after %v, want an hour at most", deliveries[0].MessageID, waited)
			}
			if err := inbox.Commit(t.Context(), deliveries[0]); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestDelaysAreKept checks that a wait which is not over when the process dies goes on
// as it was.
func TestDelaysAreKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		folder := quickFolder(t)
		path := filepath.Join(folder, "inbox.db")
		inbox := openInbox(t, path)
		// The longest delay is not the last one.
		var released time.Time
		for n, delay := range []time.Duration{time.Hour, 2 * time.Second, time.Second} {
			put(t, inbox, event(salebot.ClientID(n+1), salebot.MessageID(n+1)))
			delivery := take(t, inbox, 1)[0]
			if err := inbox.Release(t.Context(), delivery, delay, "later"); err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				released = time.Now()
				continue
			}
			if err := inbox.Commit(t.Context(), take(t, inbox, 1)[0]); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(20 * time.Minute)
		path = inbox.Crash(t, path, folder)
		inbox = openInbox(t, path)
		if deliveries, err := inbox.Lease(t.Context(), webhook.LeaseRequest{Endpoint: endpoint, Max: 1, Duration: time.Hour}); err != nil || len(deliveries) != 1 {
			t.Fatal(deliveries, err)
		}
		if waited := time.Since(released); waited < time.Hour-time.Millisecond || waited > time.Hour+time.Second {
			t.Errorf("it came after %v, want an hour", waited)
		}
	})
}
