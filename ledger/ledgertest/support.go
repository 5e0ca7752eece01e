package ledgertest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/salebot-go/salebot/ledger"
)

// long is a retention that no test outlives.
const long = 24 * time.Hour

// opened opens a ledger and binds it.
func opened(t *testing.T, open Open) Closer {
	t.Helper()
	l, err := open()
	if err != nil {
		t.Fatalf("opening: %v", err)
	}
	t.Cleanup(func() { _ = l.Close() })
	first, err := l.Bind(t.Context(), "project")
	if err != nil {
		t.Fatalf("Bind: %v", err)
	}
	if again, err := l.Bind(t.Context(), "project"); err != nil || !slices.Equal(again.Secret, first.Secret) {
		t.Fatalf("Bind once more gives another secret, or %v", err)
	}
	return l
}

func fresh(t *testing.T, subject Subject) Closer {
	t.Helper()
	return opened(t, subject.New(t, long))
}

// digest makes a digest of a word.
func digest(word string) ledger.Digest {
	var d ledger.Digest
	copy(d[:], word)
	return d
}

func call(key string, number int, content string) ledger.Record {
	return ledger.Record{Key: digest(key), Number: number, Content: digest(content)}
}

func begin(t *testing.T, l ledger.Ledger, records ...ledger.Record) []ledger.Record {
	t.Helper()
	begun, err := l.Begin(t.Context(), records...)
	if err != nil {
		t.Fatalf("Begin: %v", err)
	}
	if len(begun) != len(records) {
		t.Fatalf("Begin of %d records returned %d", len(records), len(begun))
	}
	return begun
}

func find(t *testing.T, l ledger.Ledger, key string) []ledger.Record {
	t.Helper()
	found, err := l.Find(t.Context(), digest(key))
	if err != nil {
		t.Fatalf("Find: %v", err)
	}
	return found
}

func end(t *testing.T, l ledger.Ledger, record ledger.Record, state ledger.State) ledger.Record {
	t.Helper()
	record.State = state
	ended, err := l.End(t.Context(), record)
	if err != nil {
		t.Fatalf("End: %v", err)
	}
	if len(ended) != 1 || ended[0].State != state || ended[0].Version == record.Version {
		t.Fatalf("End returns %+v", ended)
	}
	return ended[0]
}

// wantNotTheirs asserts that a record with an old version cannot be ended.
func wantNotTheirs(t *testing.T, l ledger.Ledger, record ledger.Record) {
	t.Helper()
	record.State = ledger.Refused
	_, err := l.End(t.Context(), record)
	wantTaken(t, err)
}

func wantTaken(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, ledger.ErrTaken) {
		t.Fatalf("the error is %v, want ErrTaken", err)
	}
}

// waitBound is how long the suite waits for something that has to come.
const waitBound = time.Minute

func eventually(t *testing.T, what string, come func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waitBound)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !come() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("did not come within %v: %s", waitBound, what)
		}
	}
}
