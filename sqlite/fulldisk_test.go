//go:build unshare

package sqlite_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/sqlite"
	"github.com/salebot-go/salebot/webhook"
)

// fullDiskFolder tells the test, which runs once more inside a namespace of its own, to
// do its work there.
const fullDiskFolder = "SQLITE_TEST_FULL_DISK"

// TestFullDisk checks that an inbox on a disk without any room can be worked off, and be
// opened and worked off. It needs unshare and mount, for a small disk of its own:
//
//	go test -tags unshare -run TestFullDisk -v .
func TestFullDisk(t *testing.T) {
	t.Parallel()
	if folder := os.Getenv(fullDiskFolder); folder != "" {
		fillDisk(t, folder)
		return
	}
	folder := t.TempDir()
	script := fmt.Sprintf("mount -t tmpfs -o size=16m tmpfs %[1]q && %[2]q -test.run '^TestFullDisk$' -test.v", folder, os.Args[0])
	command := exec.Command("unshare", "--user", "--map-root-user", "--mount", "sh", "-ec", script)
	command.Env = append(os.Environ(), fullDiskFolder+"="+folder)
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	} else if !strings.Contains(string(output), "PASS: TestFullDisk") {
		t.Fatalf("it did not run: %s", output)
	}
}

// occupy takes all the room that there is.
func occupy(t *testing.T, folder string) {
	t.Helper()
	file, err := os.OpenFile(filepath.Join(folder, "other"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	for size := 1 << 20; size > 0; size /= 2 {
		for {
			if _, err := file.Write(make([]byte, size)); err != nil {
				break
			}
		}
	}
}

func fillDisk(t *testing.T, folder string) {
	t.Helper()
	path := filepath.Join(folder, "inbox.db")
	inbox, err := sqlite.OpenInbox(path)
	if err != nil {
		t.Fatal(err)
	}
	entry := func(m int) webhook.Entry {
		e := event(salebot.ClientID(m), salebot.MessageID(m))
		e.Body = strings.Repeat("b", 10_000)
		return e
	}
	const events = 300
	for m := range events {
		put(t, inbox, entry(m+1))
	}
	occupy(t, folder)
	refused := func() {
		t.Helper()
		_, putErr := inbox.Put(t.Context(), entry(9999))
		if !errors.Is(putErr, webhook.ErrFull) {
			t.Fatalf("a new event: %v, want ErrFull", putErr)
		}
		if err := inbox.Health(t.Context()); !errors.Is(err, webhook.ErrFull) {
			t.Fatalf("health: %v, want ErrFull (put said %v)", err, putErr)
		}
	}
	for m := 9000; ; m++ {
		if _, err := inbox.Put(t.Context(), entry(m)); errors.Is(err, webhook.ErrFull) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	occupy(t, folder)
	refused()
	work := func(deliveries int) {
		t.Helper()
		for n := range deliveries {
			delivery := take(t, inbox, 1)[0]
			var err error
			switch n % 3 {
			case 0:
				err = inbox.Commit(t.Context(), delivery)
			case 1:
				err = inbox.Bury(t.Context(), delivery, "buried")
			default:
				err = inbox.Release(t.Context(), delivery, time.Hour, strings.Repeat("why ", 200))
			}
			if err != nil {
				t.Fatalf("event %d: %v", n, err)
			}
		}
	}
	work(100)
	refused()
	// It is opened again on the full disk.
	if err := inbox.Close(); err != nil {
		t.Logf("closing: %v", err)
	}
	occupy(t, folder)
	if inbox, err = sqlite.OpenInbox(path); err != nil {
		t.Fatalf("opening on a full disk: %v", err)
	}
	refused()
	work(100)
	if err := os.Remove(filepath.Join(folder, "other")); err != nil {
		t.Fatal(err)
	}
	// New events are taken again some seconds after there is room.
	for start := time.Now(); ; <-time.After(100 * time.Millisecond) {
		if _, err := inbox.Put(t.Context(), entry(9998)); err == nil {
			break
		} else if !errors.Is(err, webhook.ErrFull) || time.Since(start) > time.Minute {
			t.Fatalf("with room: %v", err)
		}
	}
	if err := inbox.Close(); err != nil {
		t.Error(err)
	}
}
