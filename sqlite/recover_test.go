package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/sqlite"
	"github.com/salebot-go/salebot/webhook"
)

const endpoint = "test"

func event(client salebot.ClientID, message salebot.MessageID) webhook.Entry {
	return webhook.Entry{
		Endpoint: endpoint, ClientID: client, MessageID: message, AcceptedAt: time.Now(),
		Body: fmt.Sprintf(`{"id":%d,"client":{"id":%d},"message":%q,"is_input":1}`, message, client, strings.Repeat("text ", 60)),
	}
}

func put(tb testing.TB, inbox webhook.Inbox, entry webhook.Entry) webhook.Receipt {
	tb.Helper()
	receipt, err := inbox.Put(context.Background(), entry)
	if err != nil {
		tb.Fatal(err)
	}
	return receipt
}

func take(tb testing.TB, inbox webhook.Inbox, most int) []webhook.Delivery {
	tb.Helper()
	const patience = time.Minute
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	deliveries, err := inbox.Lease(ctx, webhook.LeaseRequest{Endpoint: endpoint, Max: most, Duration: time.Hour})
	if err != nil {
		tb.Fatalf("no event was handed out within %v: %v", patience, err)
	}
	return deliveries
}

// filled makes a file with events in every state and closes it. It returns the
// bodies by message.
func filled(tb testing.TB, path string, messages int) map[salebot.MessageID]string {
	tb.Helper()
	inbox, err := sqlite.OpenInbox(path)
	if err != nil {
		tb.Fatal(err)
	}
	bodies := map[salebot.MessageID]string{}
	for m := range messages {
		entry := event(salebot.ClientID(m+1), salebot.MessageID(m+1))
		bodies[entry.MessageID] = entry.Body
		put(tb, inbox, entry)
	}
	for _, delivery := range take(tb, inbox, 4) {
		if err := inbox.Bury(context.Background(), delivery, "buried"); err != nil {
			tb.Fatal(err)
		}
	}
	for _, delivery := range take(tb, inbox, 4) {
		delete(bodies, delivery.MessageID)
		if err := inbox.Commit(context.Background(), delivery); err != nil {
			tb.Fatal(err)
		}
	}
	if err := inbox.Close(); err != nil {
		tb.Fatal(err)
	}
	return bodies
}

// contents reads everything that an inbox still has and checks that none of it is
// something else than what was put.
func contents(tb testing.TB, inbox *sqlite.Inbox, bodies map[salebot.MessageID]string) (events, letters int) {
	tb.Helper()
	check := func(entry webhook.Entry) {
		tb.Helper()
		if entry.Endpoint != endpoint || bodies[entry.MessageID] != entry.Body || int64(entry.ClientID) != int64(entry.MessageID) {
			tb.Fatalf("message %d of client %d came back as %.80q", entry.MessageID, entry.ClientID, entry.Body)
		}
	}
	for letter, err := range inbox.DeadLetters(context.Background(), endpoint) {
		if err != nil {
			tb.Fatalf("dead letters: %v", err)
		}
		check(letter.Entry)
		letters++
	}
	for {
		counts, err := inbox.Counts(context.Background(), endpoint)
		if err != nil {
			tb.Fatalf("counts: %v", err)
		}
		if counts.Waiting == 0 {
			return events, letters
		}
		for _, delivery := range take(tb, inbox, 100) {
			check(delivery.Entry)
			events++
		}
	}
}

// change writes a changed copy of a file, as a damaged disk would give it back.
func change(tb testing.TB, path string, damage func([]byte) []byte) {
	tb.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, damage(content), 0o600); err != nil {
		tb.Fatal(err)
	}
}

func TestDamagedRowIsSetApart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "inbox.db")
	bodies := filled(t, path, 20)
	change(t, path, func(content []byte) []byte {
		// The structure of the file stays sound: only the checksum can notice. What
		// the row was before it was moved to another page is of no account.
		changed := bytes.ReplaceAll(content, []byte(`{"id":15,"client":{"id":15},"message":"text`), []byte(`{"id":15,"client":{"id":15},"message":"next`))
		if bytes.Equal(changed, content) {
			t.Fatal("the row was not found")
		}
		return changed
	})
	var log bytes.Buffer
	inbox := openInbox(t, path, sqlite.WithLogger(textLogger(&log)))
	if inbox.Recovery() != nil {
		t.Errorf("a single damaged row led to a recovery: %+v", inbox.Recovery())
	}
	counts, err := inbox.Counts(t.Context(), endpoint)
	oldest := counts.Oldest
	counts.Oldest = time.Time{}
	if err != nil || oldest.IsZero() || counts != (webhook.Counts{Waiting: 11, Dead: 4, Damaged: 1}) {
		t.Errorf("counts %+v, %v", counts, err)
	}
	if !strings.Contains(log.String(), "sequence=15 ") || !strings.Contains(log.String(), "checksum") {
		t.Errorf("the log does not name the row: %s", log.String())
	}
	if strings.Contains(log.String(), "next") {
		t.Errorf("the log quotes the body: %s", log.String())
	}
	delete(bodies, 15)
	if events, letters := contents(t, inbox, bodies); events != 11 || letters != 4 {
		t.Errorf("%d events and %d dead letters, want 11 and 4", events, letters)
	}
}

func TestDamagedWhileOpen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "inbox.db")
	inbox := openInbox(t, path)
	for m := range 3 {
		put(t, inbox, event(1, salebot.MessageID(m+1)))
	}
	// What was just put is in memory.
	path = inbox.Crash(t, path, t.TempDir())
	inbox = openInbox(t, path)
	inbox.Execute(t, "UPDATE event SET body = 'changed' WHERE sequence = 1", "UPDATE seen SET client = 99 WHERE message = 2")
	if got := take(t, inbox, 1); got[0].MessageID != 2 {
		t.Errorf("message %d, want 2: the damaged one is set apart and its client goes on", got[0].MessageID)
	}
	if counts, err := inbox.Counts(t.Context(), endpoint); err != nil || counts.Damaged != 1 {
		t.Errorf("counts %+v, %v", counts, err)
	}
	if put(t, inbox, event(1, 2)).Duplicate {
		t.Error("a mark that is damaged was believed")
	}
	if !put(t, inbox, event(1, 3)).Duplicate {
		t.Error("a sound mark was not believed")
	}
	counts, err := inbox.Counts(t.Context(), endpoint)
	if counts.Oldest = (time.Time{}); err != nil || counts != (webhook.Counts{Waiting: 2, Leased: 1, Damaged: 2}) {
		t.Errorf("counts %+v, %v; want the event whose mark was damaged twice", counts, err)
	}
	if !put(t, inbox, event(1, 2)).Duplicate {
		t.Error("the new mark was not believed")
	}
}

// TestDamagedRowThatCannotBeSetApart checks that an event which can be neither handed out
// nor set apart is tried again, and keeps nobody back.
func TestDamagedRowThatCannotBeSetApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		folder := quickFolder(t)
		path := filepath.Join(folder, "inbox.db")
		inbox := openInbox(t, path)
		put(t, inbox, event(1, 1))
		path = inbox.Crash(t, path, folder)
		inbox = openInbox(t, path)
		inbox.Execute(t, "UPDATE event SET body = 'changed' WHERE sequence = 1")
		put(t, inbox, event(2, 2))
		inbox.SetFailing(t, true)
		if got := take(t, inbox, 9); len(got) != 1 || got[0].MessageID != 2 {
			t.Errorf("%+v was handed out, want message 2", got)
		}
		inbox.SetFailing(t, false)
		if counts, err := inbox.Counts(t.Context(), endpoint); err != nil || counts.Damaged != 0 || counts.Delayed != 1 {
			t.Errorf("%+v, %v; want the damaged one to be tried again", counts, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if got, err := inbox.Lease(ctx, webhook.LeaseRequest{Endpoint: endpoint, Max: 1, Duration: time.Hour}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%+v, %v; want nothing", got, err)
		}
		if counts, err := inbox.Counts(t.Context(), endpoint); err != nil || counts.Damaged != 1 || counts.Pending() != 1 {
			t.Errorf("%+v, %v; want the damaged one to be set apart", counts, err)
		}
	})
}

func TestDeletedWhileOpen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "inbox.db")
	inbox := openInbox(t, path)
	for m := range 3 {
		put(t, inbox, event(1, salebot.MessageID(m+1)))
	}
	path = inbox.Crash(t, path, t.TempDir())
	var log bytes.Buffer
	inbox = openInbox(t, path, sqlite.WithLogger(textLogger(&log)))
	inbox.Execute(t, "DELETE FROM event WHERE sequence = 1")
	if got := take(t, inbox, 1); got[0].MessageID != 2 {
		t.Errorf("message %d, want 2", got[0].MessageID)
	}
	if !strings.Contains(log.String(), "level=ERROR") || !strings.Contains(log.String(), "sequence=1\n") {
		t.Errorf("the loss was not logged: %q", log.String())
	}
	counts, err := inbox.Counts(t.Context(), endpoint)
	counts.Oldest = time.Time{}
	if err != nil || counts != (webhook.Counts{Waiting: 1, Leased: 1}) {
		t.Errorf("counts %+v, %v", counts, err)
	}
}

func TestRecovery(t *testing.T) {
	t.Parallel()
	const messages, page = 400, 4096
	for name, test := range map[string]struct {
		damage func([]byte) []byte
		// least is the number of events that have to survive.
		least int
	}{
		"cut in half":     {func(c []byte) []byte { return c[:len(c)/2] }, 50},
		"cut in a page":   {func(c []byte) []byte { return c[:len(c)-page/2] }, 300},
		"cut to one page": {func(c []byte) []byte { return c[:page] }, 0},
		"cut to nothing":  {func([]byte) []byte { return nil }, 0},
		"cut in header":   {func(c []byte) []byte { return c[:60] }, 0},
		"no header":       {func(c []byte) []byte { clear(c[:100]); return c }, 0},
		"no first page":   {func(c []byte) []byte { clear(c[100:page]); return c }, 0},
		"page in the middle": {func(c []byte) []byte {
			at := len(c) / page / 2 * page
			clear(c[at : at+page])
			return c
		}, 250},
		"rubbish": {func([]byte) []byte { return bytes.Repeat([]byte("rubbish "), 5000) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(quickFolder(t), "inbox.db")
			bodies := filled(t, path, messages)
			change(t, path, test.damage)
			if _, err := sqlite.OpenInbox(path, sqlite.WithRefuseDamaged()); !errors.Is(err, sqlite.ErrDamaged) {
				t.Fatalf("RefuseDamaged: %v, want ErrDamaged", err)
			}
			inbox := openInbox(t, path)
			recovery := inbox.Recovery()
			if recovery == nil {
				t.Fatal("the damage was not noticed")
			}
			if recovery.Problem == "" {
				t.Errorf("recovery %+v", recovery)
			}
			if _, err := os.Stat(recovery.SetAside); err != nil {
				t.Errorf("the damaged file is not there: %v", err)
			}
			events, letters := contents(t, inbox, bodies)
			t.Logf("%d of %d events, %d of 4 dead letters, %d marks (%s)", events, messages-8, letters, recovery.Seen, recovery.Problem)
			if events != recovery.Events || letters != recovery.DeadLetters || events < test.least {
				t.Errorf("%d events and %d dead letters, want %d (at least %d) and %d", events, letters, recovery.Events, test.least, recovery.DeadLetters)
			}
			receipt := put(t, inbox, event(messages+1, messages+1))
			if receipt.Sequence <= 0 {
				t.Errorf("receipt %+v", receipt)
			}
			if err := inbox.Close(); err != nil {
				t.Fatal(err)
			}
			again := openInbox(t, path)
			if again.Recovery() != nil {
				t.Errorf("the recovered file is damaged: %+v", again.Recovery())
			}
			bodies[messages+1] = event(messages+1, messages+1).Body
			if n, _ := contents(t, again, bodies); n != events+1 {
				t.Errorf("%d events after the next start, want %d", n, events+1)
			}
		})
	}
}

func TestEmptyFileWithLog(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "inbox.db")
	inbox := openInbox(t, path)
	put(t, inbox, event(1, 1))
	path = inbox.Crash(t, path, t.TempDir())
	change(t, path, func([]byte) []byte { return nil })
	again := openInbox(t, path)
	if recovery := again.Recovery(); recovery == nil {
		t.Fatalf("recovery %+v: SQLite deletes the log of an empty file", recovery)
	}
}

// TestDamagedLog shows where the end of what can be noticed is: a log that breaks
// off is read up to there.
func TestDamagedLog(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "inbox.db")
	inbox := openInbox(t, path)
	bodies := map[salebot.MessageID]string{}
	for m := range 20 {
		entry := event(salebot.ClientID(m+1), salebot.MessageID(m+1))
		bodies[entry.MessageID] = entry.Body
		put(t, inbox, entry)
	}
	path = inbox.Crash(t, path, t.TempDir())
	change(t, path+"-wal", func(log []byte) []byte { return log[:len(log)*2/3] })
	again := openInbox(t, path)
	events, _ := contents(t, again, bodies)
	t.Logf("%d of 20 events are left of a log that was cut", events)
	if events == 0 || events == 20 {
		t.Errorf("%d events", events)
	}
}

func TestRecoveryGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	path := filepath.Join(directory, "inbox.db")
	recovered := filepath.Join(directory, "other", "inbox.db")
	if err := os.Mkdir(filepath.Dir(recovered), 0o700); err != nil {
		t.Fatal(err)
	}
	filled(t, path, 20)
	bodies := filled(t, recovered, 30)
	// The process died when the new file was ready, before it took the old one's
	// place.
	if err := os.Rename(recovered, path+".recovered"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+"-wal", []byte("the log of the damaged file"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".recovering", []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	inbox := openInbox(t, path, sqlite.WithLogger(textLogger(&log)))
	if events, letters := contents(t, inbox, bodies); events != 22 || letters != 4 {
		t.Errorf("%d events and %d dead letters, want 22 and 4", events, letters)
	}
	aside, err := filepath.Glob(path + ".damaged-*")
	if err != nil || len(aside) != 2 {
		t.Errorf("set aside: %q, %v; want the file and its log", aside, err)
	}
	recovery := inbox.Recovery()
	if recovery == nil || recovery.Problem == "" || recovery.SetAside != aside[0] || !strings.Contains(log.String(), "interrupted") {
		t.Fatalf("recovery %+v, log %q; want %s", recovery, log.String(), aside[0])
	}
	if err := inbox.Close(); err != nil {
		t.Fatal(err)
	}
	// Another one died later, when the damaged file had been set aside.
	if err := os.Rename(path, path+".recovered"); err != nil {
		t.Fatal(err)
	}
	inbox = openInbox(t, path)
	if recovery := inbox.Recovery(); recovery == nil || recovery.SetAside != aside[0] {
		t.Errorf("recovery %+v, want %s", recovery, aside[0])
	}
}

// TestSameNumberTwice checks that an event that is also a dead letter does not keep
// dead letters from coming back, and is not handed out twice.
func TestSameNumberTwice(t *testing.T) {
	t.Parallel()
	inbox := openInbox(t, filepath.Join(t.TempDir(), "inbox.db"))
	for m := range 3 {
		put(t, inbox, event(salebot.ClientID(m+1), salebot.MessageID(m+1)))
	}
	if err := inbox.Bury(t.Context(), take(t, inbox, 1)[0], "buried"); err != nil {
		t.Fatal(err)
	}
	inbox.Execute(t, "INSERT INTO dead_letter SELECT * FROM event WHERE sequence = 2")
	if n, err := inbox.Redrive(t.Context(), endpoint, webhook.AllDeadLetters); n != 2 || err != nil {
		t.Errorf("%d came back, %v; want 2", n, err)
	}
	if got := take(t, inbox, 9); len(got) != 3 {
		t.Errorf("%d events were handed out, want 3", len(got))
	}
}

// FuzzRecovery opens files that were cut and changed at any place: it must not
// panic, nor hand out anything that was not put.
func FuzzRecovery(f *testing.F) {
	directory := f.TempDir()
	path := filepath.Join(directory, "inbox.db")
	bodies := filled(f, path, 60)
	sound, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	// The lock file tells that the file beside it is an inbox.
	lock, err := os.ReadFile(path + ".lock")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(len(sound)), uint32(0), []byte{})
	f.Add(uint32(len(sound)/2), uint32(0), []byte{})
	f.Add(uint32(len(sound)), uint32(4096), []byte("\x00\x00\x00\x00\xff\xff"))
	f.Add(uint32(len(sound)), uint32(100), []byte{13, 0, 0, 0, 1})
	f.Add(uint32(0), uint32(0), []byte{})
	f.Fuzz(func(t *testing.T, length, at uint32, patch []byte) {
		damaged := bytes.Clone(sound[:min(int(length), len(sound))])
		if int(at) < len(damaged) {
			copy(damaged[at:], patch)
		}
		path := filepath.Join(quickFolder(t), "inbox.db")
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+".lock", lock, 0o600); err != nil {
			t.Fatal(err)
		}
		inbox, err := sqlite.OpenInbox(path)
		if err != nil {
			// What is refused is left as it is.
			left, readErr := os.ReadFile(path)
			if readErr != nil || len(left) < len(damaged) {
				t.Fatalf("%v; and the file is gone: %v", err, readErr)
			}
			return
		}
		defer func() { _ = inbox.Close() }()
		contents(t, inbox, bodies)
		if _, err := inbox.Put(t.Context(), event(1000, 1000)); err != nil && inbox.Recovery() != nil {
			t.Fatalf("a recovered file takes no event: %v", err)
		}
	})
}
