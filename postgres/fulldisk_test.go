//go:build postgres

package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/ledger"
	"github.com/salebot-go/salebot/postgres"
	"github.com/salebot-go/salebot/postgres/internal/postgrestest"
	"github.com/salebot-go/salebot/webhook"
)

// smallDisk is the environment variable by which a test that runs once more, where it can
// mount what nobody else sees, is told the folder for a small disk.
const smallDisk = "SALEBOT_POSTGRES_TEST_SMALL_DISK"

// TestFullDisk checks on a disk of its own which is really full that nothing is acknowledged
// that was not kept and nothing begun that was not recorded, that the error says so, and
// that work goes on when there is room. The tables are on that disk, as a tablespace; the
// log of the server is not.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	onSmallDisk(t, "32m", onFullDisk)
}

// TestFullDiskOfTheServer checks the same on a disk that has the server's log of changes as
// well: the server stops when that has no room, and is started again when there is some.
func TestFullDiskOfTheServer(t *testing.T) {
	t.Parallel()
	// The server has its folder where temporary files are.
	onSmallDisk(t, "192m", onFullDiskOfTheServer, "TMPDIR")
}

// onSmallDisk runs a part of a test in a process that has a disk of its own, and is told
// its folder, also by environment variables.
func onSmallDisk(t *testing.T, size string, run func(t *testing.T, folder string), variables ...string) {
	t.Helper()
	if folder := os.Getenv(smallDisk); folder != "" {
		run(t, folder)
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a small disk and run a server as somebody else")
	}
	// The user of the server has to get there.
	folder, err := os.MkdirTemp("", "salebot-disk-") //nolint:usetesting // that is closed to others
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("mount -t tmpfs -o size=%[4]s,mode=777 tmpfs %[1]q && %[2]q -test.run '^%[3]s$' -test.v", folder, os.Args[0], t.Name(), size)
	command := exec.CommandContext(t.Context(), "unshare", "--mount", "sh", "-ec", script)
	command.Env = os.Environ()
	for _, variable := range append(variables, smallDisk) {
		command.Env = append(command.Env, variable+"="+folder)
	}
	output, err := command.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "PASS: "+t.Name()) {
		t.Fatalf("%v: %s", err, output)
	}
}

// onDisk starts a server whose tables are in a folder.
func onDisk(t *testing.T, folder string) *postgrestest.Server {
	t.Helper()
	server, err := postgrestest.Start(t.Context(), "fsync=off")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Remove() })
	place := filepath.Join(folder, "tables")
	if err := os.Mkdir(place, 0o700); err != nil {
		t.Fatal(err)
	}
	// It belongs to the user of the server.
	owner, err := os.Stat(server.Folder())
	if err != nil {
		t.Fatal(err)
	}
	if as, ok := owner.Sys().(*syscall.Stat_t); ok {
		if err := os.Chown(place, int(as.Uid), int(as.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	if err := server.Execute(t.Context(), "CREATE TABLESPACE small LOCATION '"+place+"'", "CREATE DATABASE small TABLESPACE small"); err != nil {
		t.Fatal(err)
	}
	if _, err := postgres.Migrate(t.Context(), server.AddressIn("small")); err != nil {
		t.Fatal(err)
	}
	return server
}

func onFullDisk(t *testing.T, folder string) {
	t.Helper()
	server := onDisk(t, folder)
	address := server.AddressIn("small")
	inbox, err := postgres.OpenInbox(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = inbox.Close() }()
	l, err := postgres.OpenLedger(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	handled := make(chan salebot.MessageID, 1000)
	h := handler(t, inbox, func(_ context.Context, event *webhook.Event) error {
		handled <- event.ID
		return nil
	}, webhook.WithEndpoint("handled"))
	large := func(message int64) webhook.Entry {
		e := benchEntry(message)
		e.Body = strings.Repeat(fmt.Sprintf("%8d", message), 500)
		return e
	}
	record := func(n int64) error {
		_, err := l.Begin(t.Context(), ledger.Record{Key: digestOf(n), Content: digestOf(n)})
		return err
	}
	kept := int64(0)
	keep := func() error {
		_, err := inbox.Put(t.Context(), large(kept+1))
		if err == nil {
			kept++
		}
		return err
	}
	for range 20 {
		if err := keep(); err != nil {
			t.Fatal(err)
		}
	}
	occupy(t, folder)
	// Pages that the tables have already may have some room.
	for err = keep(); err == nil; err = keep() {
		occupy(t, folder)
	}
	if !errors.Is(err, webhook.ErrFull) {
		t.Fatalf("an event: %v, want ErrFull", err)
	}
	records := int64(0)
	for err = record(1); err == nil; err = record(records + 1) {
		records++
	}
	if !errors.Is(err, webhook.ErrFull) || !strings.Contains(err.Error(), "No space left on device") {
		t.Fatalf("a record: %v, want ErrFull that says why", err)
	}
	acknowledged := int64(0)
	for status(h, fmt.Sprint(1_000_000+acknowledged)) == http.StatusOK {
		acknowledged++
	}
	if code := status(h, "2000000"); code != http.StatusServiceUnavailable {
		t.Errorf("a request: status %d, want 503", code)
	}
	t.Logf("%d events, %d records and %d requests found room", kept, records, acknowledged)
	// What was acknowledged is all there, and no more.
	counts, err := inbox.Counts(t.Context(), "bench")
	if err != nil || counts.Waiting != int(kept) {
		t.Errorf("%+v, %v; want %d that wait", counts, err, kept)
	}
	if err := os.Remove(filepath.Join(folder, "other")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "an event is kept again", func() bool { return keep() == nil })
	eventually(t, "a record is kept again", func() bool { return record(records+1) == nil })
	eventually(t, "a request is acknowledged again", func() bool { return status(h, fmt.Sprint(1_000_000+acknowledged)) == http.StatusOK })
	for n := int64(0); n <= acknowledged; n++ {
		<-handled
	}
	for range kept {
		d := leaseOne(t, inbox)
		if d.Body != large(int64(d.MessageID)).Body {
			t.Fatalf("message %d has another body", d.MessageID)
		}
		if err := inbox.Commit(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	shutDown(t, h)
}

func onFullDiskOfTheServer(t *testing.T, folder string) {
	t.Helper()
	server, err := postgrestest.Start(t.Context(), "fsync=off", "max_wal_size=32MB", "min_wal_size=32MB")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Remove() })
	if _, err = postgres.Migrate(t.Context(), server.Address()); err != nil {
		t.Fatal(err)
	}
	inbox := openInbox(t, server, quick()...)
	l, err := postgres.OpenLedger(t.Context(), server.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	h := handler(t, inbox, func(context.Context, *webhook.Event) error { return nil }, webhook.WithEndpoint("handled"))
	kept := map[salebot.MessageID]bool{}
	keep := func(message int64) bool {
		_, err := inbox.Put(t.Context(), benchEntry(message))
		if err == nil {
			kept[salebot.MessageID(message)] = true
		}
		return err == nil
	}
	for message := range int64(20) {
		if !keep(message + 1) {
			t.Fatal("an event was not kept")
		}
	}
	occupy(t, folder)
	// A new part of the log begins, for which there is no room: the server stops.
	for err == nil {
		err = server.Execute(t.Context(), "SELECT pg_create_restore_point('full')", "SELECT pg_switch_wal()")
		occupy(t, folder)
	}
	t.Logf("the server: %v", err)
	next := int64(100)
	for keep(next) {
		next++
	}
	// It may start again by itself, and find a little room.
	record := int64(1)
	for err = nil; err == nil; record++ {
		_, err = l.Begin(t.Context(), ledger.Record{Key: digestOf(record), Content: digestOf(record)})
	}
	request, code := 1_000_000, http.StatusOK
	for ; code == http.StatusOK; request++ {
		code = status(h, strconv.Itoa(request))
	}
	if code != http.StatusServiceUnavailable {
		t.Errorf("a request: status %d, want 503", code)
	}

	if err := os.Remove(filepath.Join(folder, "other")); err != nil {
		t.Fatal(err)
	}
	_ = server.StopNow()
	if err := server.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "an event is kept again", func() bool { next++; return keep(next) })
	eventually(t, "a record is kept again", func() bool {
		record++
		_, err := l.Begin(t.Context(), ledger.Record{Key: digestOf(record), Content: digestOf(record)})
		return err == nil
	})
	eventually(t, "a request is acknowledged again", func() bool { return status(h, strconv.Itoa(request)) == http.StatusOK })
	// Events whose answer was lost may be there besides, but no other is.
	for len(kept) > 0 {
		d := leaseOne(t, inbox)
		if int64(d.MessageID) > next {
			t.Fatalf("message %d was never put", d.MessageID)
		}
		delete(kept, d.MessageID)
		if err := inbox.Commit(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	shutDown(t, h)
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
		for err == nil {
			_, err = file.Write(make([]byte, size))
		}
		err = nil
	}
}
