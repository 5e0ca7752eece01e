//go:build unshare

package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/salebottest"
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
	onSmallDisk(t, fillDisk)
}

// onSmallDisk runs a test in a process of its own, with the folder of a disk that is its
// own, too.
func onSmallDisk(t *testing.T, test func(t *testing.T, folder string)) {
	t.Helper()
	if folder := os.Getenv(fullDiskFolder); folder != "" {
		test(t, folder)
		return
	}
	folder := t.TempDir()
	script := fmt.Sprintf("mount -t tmpfs -o size=16m tmpfs %[1]q && %[2]q -test.run '^%[3]s$' -test.v", folder, os.Args[0], t.Name())
	command := exec.Command("unshare", "--user", "--map-root-user", "--mount", "sh", "-ec", script)
	command.Env = append(os.Environ(), fullDiskFolder+"="+folder)
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	} else if !strings.Contains(string(output), "PASS: "+t.Name()) {
		t.Fatalf("it did not run: %s", output)
	}
}

// TestLedgerOnAFullDisk checks that nothing is sent that cannot be recorded, that the end
// of what was sent is recorded nevertheless, and that all goes on when there is room.
func TestLedgerOnAFullDisk(t *testing.T) {
	t.Parallel()
	onSmallDisk(t, payOnAFullDisk)
}

func payOnAFullDisk(t *testing.T, folder string) {
	t.Helper()
	path := filepath.Join(folder, "ledger.db")
	l, err := sqlite.OpenLedger(path)
	if err != nil {
		t.Fatal(err)
	}
	emulator := salebottest.New(t, salebottest.WithPerson(salebottest.Person{ID: 1}))
	// The disk becomes full while a request is under way.
	fills := false
	hook := salebot.WithHook(salebot.Hook{After: func(context.Context, salebot.Attempt) {
		if fills {
			occupy(t, folder)
		}
	}})
	client := emulator.Client(t, salebot.WithLedger(l, "shop"), hook)
	pay := func(order int) (*salebot.Ack, error) {
		return client.Message(t.Context(), salebot.MessageRequest{ClientID: 1, Message: "paid"}, salebot.WithIdempotencyKey(strconv.Itoa(order)))
	}
	paid := func(order int) {
		t.Helper()
		if answer, err := pay(order); err != nil || !answer.Recorded {
			t.Fatalf("order %d: %+v, %v", order, answer, err)
		}
	}
	const first = 20
	for order := range first {
		fills = order == first-1
		if _, err := pay(order); err != nil {
			t.Fatal(err)
		}
	}
	fills = false
	sent := first
	refused := func() {
		t.Helper()
		_, err := pay(sent)
		var failure *salebot.OpError
		if !errors.As(err, &failure) || failure.Outcome != salebot.OutcomeNotSent || !strings.Contains(err.Error(), "no room") {
			t.Fatalf("order %d on a full disk: %v", sent, err)
		}
	}
	// The log may have had room for some.
	for ; err == nil; sent++ {
		occupy(t, folder)
		_, err = pay(sent)
	}
	sent--
	for range 3 {
		refused()
	}
	for order := range sent {
		paid(order)
	}
	emulator.AssertCalls(t, "message", sent)
	// It is opened again on the full disk.
	if err := l.Close(); err != nil {
		t.Logf("closing: %v", err)
	}
	occupy(t, folder)
	if l, err = sqlite.OpenLedger(path); err != nil {
		t.Fatalf("opening on a full disk: %v", err)
	}
	client = emulator.Client(t, salebot.WithLedger(l, "shop"))
	refused()
	for order := range sent {
		paid(order)
	}
	if err := os.Remove(filepath.Join(folder, "other")); err != nil {
		t.Fatal(err)
	}
	for start := time.Now(); ; <-time.After(100 * time.Millisecond) {
		if _, err := pay(sent); err == nil {
			break
		} else if !strings.Contains(err.Error(), "no room") || time.Since(start) > time.Minute {
			t.Fatalf("with room: %v", err)
		}
	}
	emulator.AssertCalls(t, "message", sent+1)
	if err := l.Close(); err != nil {
		t.Error(err)
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
