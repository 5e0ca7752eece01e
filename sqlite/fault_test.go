package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/ledger"
	"github.com/salebot-go/salebot/sqlite"
	"github.com/salebot-go/salebot/webhook"
)

// errFault is how a step fails that a test lets fail.
var errFault = errors.New("failing as wanted")

// life is what a process does with an inbox, and what it was told.
type life struct {
	errs []error
	// kept are the events that were acknowledged, over those that were committed.
	kept, over map[salebot.MessageID]bool
	// begun says that records were.
	begun bool
	log   bytes.Buffer
}

func (l *life) note(err error) bool {
	if err != nil {
		l.errs = append(l.errs, err)
	}
	return err == nil
}

// live opens an inbox, does with it all that there is to do, and closes it.
func live(t *testing.T, path string) *life {
	t.Helper()
	l := &life{kept: map[salebot.MessageID]bool{}, over: map[salebot.MessageID]bool{}}
	inbox, err := sqlite.OpenInbox(path, sqlite.WithLogger(textLogger(&l.log)))
	if !l.note(err) {
		return l
	}
	for m := range salebot.MessageID(4) {
		_, err := inbox.Put(t.Context(), event(salebot.ClientID(m+1), m+1))
		l.kept[m+1] = l.note(err)
	}
	// One more, to be forgotten.
	forgotten := event(9, 9)
	forgotten.AcceptedAt = time.Now().Add(-2 * time.Hour)
	_, err = inbox.Put(t.Context(), forgotten)
	l.note(err)
	for n, delivery := range l.lease(t, inbox) {
		switch n {
		case 0:
			l.over[delivery.MessageID] = l.note(inbox.Commit(t.Context(), delivery))
		case 1:
			l.note(inbox.Release(t.Context(), delivery, time.Second, "later"))
		default:
			l.note(inbox.Bury(t.Context(), delivery, "never"))
		}
	}
	_, err = inbox.Counts(t.Context(), endpoint)
	l.note(err)
	for _, err := range inbox.DeadLetters(t.Context(), endpoint) {
		l.note(err)
	}
	for _, err := range inbox.Seen(t.Context(), endpoint) {
		l.note(err)
	}
	_, err = inbox.Redrive(t.Context(), endpoint, webhook.AllDeadLetters)
	l.note(err)
	for _, delivery := range l.lease(t, inbox) {
		l.note(inbox.Bury(t.Context(), delivery, "never"))
	}
	_, err = inbox.Discard(t.Context(), endpoint, webhook.AllDeadLetters)
	l.note(err)
	l.note(inbox.Flush())
	l.note(inbox.Forget(t.Context(), time.Now().Add(-time.Hour)))
	if records, err := inbox.Ledger(sqlite.WithLedgerRetention(shortRetention)); l.note(err) {
		l.useLedger(t, records)
	}
	l.note(inbox.Close())
	return l
}

// lease takes what there is, if there is anything.
func (l *life) lease(t *testing.T, inbox *sqlite.Inbox) []webhook.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	deliveries, err := inbox.Lease(ctx, webhook.LeaseRequest{Endpoint: endpoint, Max: 9, Duration: time.Hour})
	l.note(err)
	return deliveries
}

func (l *life) useLedger(t *testing.T, records *sqlite.Ledger) {
	t.Helper()
	_, err := records.Bind(t.Context(), "shop")
	l.note(err)
	one, old := request("one"), request("old")
	for _, record := range []ledger.Record{old, request("older")} {
		if begun, err := records.Begin(t.Context(), record); l.note(err) {
			l.end(t, records, begun)
		}
	}
	<-time.After(2*shortRetention + shortRetention/2) // not when the janitor looks
	begun, err := records.Begin(t.Context(), one, request("two"), old)
	if !l.note(err) {
		return
	}
	l.begun = true
	_, err = records.Find(t.Context(), one.Key)
	l.note(err)
	for _, record := range []ledger.Record{one, request("older")} {
		_, err = records.FindEqual(t.Context(), record.Content)
		l.note(err)
	}
	_, err = records.Alive(t.Context(), begun[0].Holder)
	l.note(err)
	l.end(t, records, begun)
	l.note(records.Sweep(t.Context()))
	l.note(records.Forget(t.Context(), one.Key))
}

// end ends records, and checks that what is told is the end of all of them.
func (l *life) end(t *testing.T, records *sqlite.Ledger, begun []ledger.Record) {
	t.Helper()
	for i := range begun {
		begun[i].State = ledger.Accepted
	}
	if ended, err := records.End(t.Context(), begun...); l.note(err) && (len(ended) != len(begun) || len(ended) == 0) {
		t.Errorf("%d of %d records have ended", len(ended), len(begun))
	}
}

// shortRetention is how long the ledgers of these tests keep what has ended.
const shortRetention = time.Second

// eachFault runs a test with one step after the other failing, a statement or what is done
// with a file, until there are no more, and tells it which one failed; "" in the last run,
// where none does. prepare may put a file at the path before.
func eachFault(t *testing.T, least int, failure error, prepare func(path string), run func(t *testing.T, path string, stop func() (failed string))) {
	t.Helper()
	folder := quickFolder(t)
	for n := 0; ; n++ {
		folder := filepath.Join(folder, strconv.Itoa(n))
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, "file.db")
		prepare(path)
		fault, failed := sqlite.FailAt(folder, n, failure), ""
		synctest.Test(t, func(t *testing.T) { run(t, path, func() string { failed = fault.Stop(); return failed }) })
		if failed == "" {
			if n < least {
				t.Errorf("there were %d steps only", n)
			}
			return
		}
	}
}

// checkTold checks that somebody learned of a failure, if there was one.
func checkTold(t *testing.T, l *life, failed string) {
	t.Helper()
	if failed != "" && len(l.errs) == 0 && l.log.Len() == 0 {
		t.Errorf("nobody is told that this failed: %s", failed)
	}
	for _, err := range l.errs {
		if failed == "" {
			t.Errorf("without a failure: %v", err)
		}
	}
}

// TestEachStepOfAnInboxMayFail lets one step after the other fail of all that a process
// takes, and checks that somebody is told, and that what was acknowledged is in the file.
// The file is new, or that of a process that was killed.
func TestEachStepOfAnInboxMayFail(t *testing.T) {
	t.Parallel()
	folder := quickFolder(t)
	path := filepath.Join(folder, "killed.db")
	inbox := openInbox(t, path)
	for m := range salebot.MessageID(3) {
		put(t, inbox, event(salebot.ClientID(m+5), m+5))
	}
	if err := inbox.Release(t.Context(), take(t, inbox, 1)[0], time.Minute, "later"); err != nil {
		t.Fatal(err)
	}
	begin(t, ledgerOf(t, inbox), request("earlier"))
	killed := inbox.Crash(t, path, folder)
	for name, prepare := range map[string]func(path string){
		"new":                          func(string) {},
		"of a process that was killed": func(path string) { place(t, killed, path, "", "-wal", ".lock") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachFault(t, 90, errFault, prepare, func(t *testing.T, path string, stop func() string) {
				l := live(t, path)
				failed := stop()
				checkTold(t, l, failed)
				checkKept(t, path, l, failed)
			})
		})
	}
}

// checkKept checks that a file has what was acknowledged, and not what is over.
func checkKept(t *testing.T, path string, l *life, failed string) {
	t.Helper()
	inbox := openInbox(t, path)
	for message, kept := range l.kept {
		if kept && !put(t, inbox, event(salebot.ClientID(message), message)).Duplicate {
			t.Errorf("message %d is gone after this failed: %s", message, failed)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	deliveries, err := inbox.Lease(ctx, webhook.LeaseRequest{Endpoint: endpoint, Max: 9, Duration: time.Hour})
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	for _, delivery := range deliveries {
		if l.over[delivery.MessageID] {
			t.Errorf("message %d came again after this failed: %s", delivery.MessageID, failed)
		}
	}
	if _, err := inbox.Ledger(); err != nil {
		t.Errorf("its ledger can't be opened after this failed: %s: %v", failed, err)
	}
	if err := inbox.Close(); err != nil {
		t.Error(err)
	}
}

// TestEachStepOfALedgerMayFail does the same with a ledger in a file of its own.
func TestEachStepOfALedgerMayFail(t *testing.T) {
	t.Parallel()
	eachFault(t, 30, errFault, func(string) {}, func(t *testing.T, path string, stop func() string) {
		l := &life{}
		if records, err := sqlite.OpenLedger(path, sqlite.WithLedgerLogger(textLogger(&l.log)), sqlite.WithLedgerRetention(shortRetention)); l.note(err) {
			l.useLedger(t, records)
			l.note(records.Close())
		}
		failed := stop()
		checkTold(t, l, failed)
		records := openLedger(t, path)
		found, err := records.Find(t.Context(), request("two").Key)
		if err != nil || l.begun && len(found) != 1 {
			t.Errorf("%+v, %v; want the record that was begun, after this failed: %s", found, err, failed)
		}
	})
}

// TestEachStepOfARecoveryMayFail does the same with the recovery of a damaged file, and with
// the end of one that was interrupted: what can be read is in the file in the end, and the
// damaged one is kept.
func TestEachStepOfARecoveryMayFail(t *testing.T) {
	t.Parallel()
	folder := quickFolder(t)
	damaged := filepath.Join(folder, "damaged.db")
	bodies := filled(t, damaged, 100)
	inbox := openInbox(t, damaged)
	if _, err := ledgerOf(t, inbox).Begin(t.Context(), request("one"), request("two")); err != nil {
		t.Fatal(err)
	}
	inbox.Execute(t, "INSERT INTO damaged (found, origin, sequence, endpoint, problem, content) VALUES (5, 'event', 7, 'test', 'why', x'7b7d')")
	const earlier = "SELECT 1 FROM damaged WHERE found = 5 AND origin = 'event' AND sequence = 7 AND endpoint = 'test' AND problem = 'why' AND content = x'7b7d'"
	if err := inbox.Close(); err != nil {
		t.Fatal(err)
	}
	spoilPage(t, damaged, bodies[60])
	copied := filepath.Join(folder, "copied.db")
	place(t, damaged, copied, "", ".lock")
	inbox = openInbox(t, copied)
	wantEvents, wantLetters := contents(t, inbox, bodies)
	if recovery := inbox.Recovery(); wantEvents < 70 || recovery == nil || recovery.Seen != 100 {
		t.Fatalf("%d events, %+v", wantEvents, recovery)
	}
	if err := inbox.Close(); err != nil {
		t.Fatal(err)
	}
	for name, prepare := range map[string]func(path string){
		"whole": func(path string) { place(t, damaged, path, "", ".lock") },
		"interrupted": func(path string) {
			place(t, damaged, path, "", ".lock")
			place(t, copied, path+".recovered", "")
		},
		"interrupted late": func(path string) {
			place(t, damaged, path+".damaged-20260102T030405.000000000", "")
			place(t, copied, path+".recovered", "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachFault(t, 15, errFault, prepare, func(t *testing.T, path string, stop func() string) {
				l := &life{}
				inbox, err := sqlite.OpenInbox(path, sqlite.WithLogger(textLogger(&l.log)))
				var recovery *sqlite.Recovery
				if l.note(err) {
					recovery = inbox.Recovery()
					l.note(inbox.Close())
				}
				failed := stop()
				checkTold(t, l, failed)
				inbox = openInbox(t, path)
				if recovery == nil {
					recovery = inbox.Recovery()
				}
				aside, globErr := filepath.Glob(path + ".damaged-*")
				if globErr != nil || len(aside) != 1 {
					t.Fatalf("%q are kept, want the damaged file, after this failed: %s (%v)", aside, failed, globErr)
				}
				told := recovery != nil && recovery.SetAside == aside[0]
				if texts := fmt.Sprint(err, l.log.String()); !told && !strings.Contains(texts, filepath.Base(aside[0])) {
					t.Errorf("nobody is told of %s after this failed: %s", aside[0], failed)
				}
				// What cannot be read is what is wrong with the file.
				read := strings.Contains(failed, "SELECT")
				events, letters := contents(t, inbox, bodies)
				if !read && (events != wantEvents || letters != wantLetters) {
					t.Errorf("%d events and %d dead letters, want %d and %d, after this failed: %s", events, letters, wantEvents, wantLetters, failed)
				}
				if !read && (!put(t, inbox, event(1, 1)).Duplicate || inbox.Query(t, "SELECT 1 FROM seen") != 100) {
					t.Errorf("messages are not remembered after this failed: %s", failed)
				}
				if !read && inbox.Query(t, earlier) != 1 {
					t.Errorf("what was set apart before is gone after this failed: %s", failed)
				}
				records, err := inbox.Ledger()
				if read && errors.Is(err, sqlite.ErrDamaged) {
					return
				}
				if err != nil {
					t.Fatalf("%v after this failed: %s", err, failed)
				}
				if found, err := records.Find(t.Context(), request("two").Key); err != nil || len(found) != 1 {
					t.Errorf("%+v, %v; want the record that was begun, after this failed: %s", found, err, failed)
				}
			})
		})
	}
}

// TestEachStepWithDamagedRowsMayFail does the same where rows are damaged: each is where it
// was or set apart, and an event whose mark was damaged is there if it was acknowledged.
func TestEachStepWithDamagedRowsMayFail(t *testing.T) {
	t.Parallel()
	folder := quickFolder(t)
	damaged := filepath.Join(folder, "damaged.db")
	inbox := openInbox(t, damaged)
	for m := range salebot.MessageID(4) {
		put(t, inbox, event(salebot.ClientID(m+1), m+1))
	}
	for _, delivery := range take(t, inbox, 2) {
		if err := inbox.Bury(t.Context(), delivery, "never"); err != nil {
			t.Fatal(err)
		}
	}
	inbox.Execute(t, "UPDATE event SET body = 'changed' WHERE sequence = 3", "UPDATE dead_letter SET body = 'changed' WHERE sequence = 1",
		"UPDATE seen SET client = 99 WHERE message = 4")
	damaged = inbox.Crash(t, damaged, folder)
	eachFault(t, 40, errFault, func(path string) { place(t, damaged, path, "", "-wal", ".lock") }, func(t *testing.T, path string, stop func() string) {
		acknowledged := false
		inbox, err := sqlite.OpenInbox(path)
		if err == nil {
			_, err = inbox.Put(t.Context(), event(4, 4))
			acknowledged = err == nil
			_, redriveErr := inbox.Redrive(t.Context(), endpoint, webhook.AllDeadLetters)
			err = errors.Join(err, redriveErr, inbox.Close())
		}
		failed := stop()
		if (err != nil) != (failed != "") {
			t.Errorf("%v, although this failed: %s", err, failed)
		}
		inbox = openInbox(t, path)
		for row, query := range map[string]string{
			"event":                       "SELECT 1 FROM damaged WHERE sequence = 3 UNION ALL SELECT 1 FROM event WHERE sequence = 3",
			"dead letter":                 "SELECT 1 FROM damaged WHERE sequence = 1 UNION ALL SELECT 1 FROM dead_letter WHERE sequence = 1",
			"mark":                        "SELECT 1 FROM damaged WHERE origin = 'seen' UNION ALL SELECT 1 FROM seen WHERE client = 99",
			"event with the damaged mark": "SELECT 1 FROM event WHERE message = 4 AND sequence = 4",
			"sound dead letter":           "SELECT 1 FROM dead_letter WHERE sequence = 2 UNION ALL SELECT 1 FROM event WHERE sequence = 2",
		} {
			if rows := inbox.Query(t, query); rows != 1 {
				t.Errorf("there are %d of the %s after this failed: %s", rows, row, failed)
			}
		}
		if acknowledged && inbox.Query(t, "SELECT 1 FROM event WHERE message = 4") != 2 {
			t.Errorf("an event is gone after this failed: %s", failed)
		}
	})
}

// place puts copies of a file, and of those of its name with an ending, somewhere else.
func place(t *testing.T, from, to string, endings ...string) {
	t.Helper()
	for _, ending := range endings {
		content, err := os.ReadFile(from + ending)
		if err == nil {
			err = os.WriteFile(to+ending, content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
