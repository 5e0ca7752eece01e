package ledgertest

import (
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/salebot-go/salebot/ledger"
)

// The laws of a ledger while it is open: what is begun, ended and found.

func bindsOneProject(t *testing.T, subject Subject) {
	open := subject.New(t, long)
	l := opened(t, open)
	first, err := l.Bind(t.Context(), "project")
	if err != nil {
		t.Fatal(err)
	}
	if len(first.Secret) < 16 || first.Retention != long {
		t.Fatalf("the binding is %d bytes of secret and %v", len(first.Secret), first.Retention)
	}
	if _, err := l.Bind(t.Context(), "another"); !errors.Is(err, ledger.ErrOtherProject) {
		t.Fatalf("another project: %v, want ErrOtherProject", err)
	}
	other := fresh(t, subject)
	second, err := other.Bind(t.Context(), "project")
	if err != nil {
		t.Fatal(err)
	}
	if slices.Equal(first.Secret, second.Secret) {
		t.Fatal("two ledgers have the same secret")
	}
}

func beginsWhatDoesNotExist(t *testing.T, subject Subject) {
	l := fresh(t, subject)
	before := time.Now().Add(-time.Second)
	begun := begin(t, l, call("a", 0, "x"))[0]
	if begun.State != ledger.Begun || begun.Version == 0 || begun.Holder == "" || begun.BegunAt.Before(before) {
		t.Fatalf("begun as %+v", begun)
	}
	_, err := l.Begin(t.Context(), call("a", 0, "x"))
	wantTaken(t, err)
	unknown := call("b", 0, "x")
	unknown.Version = begun.Version
	_, err = l.Begin(t.Context(), unknown)
	wantTaken(t, err)
	if got := find(t, l, "b"); len(got) != 0 {
		t.Fatalf("found %+v", got)
	}
}

func beginsAllOrNone(t *testing.T, subject Subject) {
	l := fresh(t, subject)
	begin(t, l, call("b", 0, "x"))
	_, err := l.Begin(t.Context(), call("a", 0, "x"), call("b", 0, "x"), call("c", 0, "x"))
	wantTaken(t, err)
	for _, key := range []string{"a", "c"} {
		if got := find(t, l, key); len(got) != 0 {
			t.Fatalf("%s was begun although b could not be", key)
		}
	}
	begin(t, l, call("a", 0, "x"), call("c", 0, "x"), call("c", 1, "x"))
	if got := find(t, l, "c"); len(got) != 2 {
		t.Fatalf("found %+v", got)
	}
}

func letsOneOfManyBegin(t *testing.T, subject Subject) {
	l := fresh(t, subject)
	const keys, callers = 20, 8
	var won [keys]atomic.Int64
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for i := range keys {
				switch _, err := l.Begin(t.Context(), call(strconv.Itoa(i), 0, "x")); {
				case err == nil:
					won[i].Add(1)
				case !errors.Is(err, ledger.ErrTaken):
					t.Errorf("Begin: %v", err)
				}
			}
		})
	}
	group.Wait()
	for i := range won {
		if n := won[i].Load(); n != 1 {
			t.Errorf("key %d was begun by %d callers", i, n)
		}
	}
}

func takesOverByVersion(t *testing.T, subject Subject) {
	l := fresh(t, subject)
	first := begin(t, l, call("a", 0, "x"))[0]
	second := begin(t, l, first)[0]
	if second.Version == first.Version {
		t.Fatal("the version did not change")
	}
	if !second.BegunAt.Equal(first.BegunAt) {
		t.Fatalf("begun first at %v, then at %v", first.BegunAt, second.BegunAt)
	}
	_, err := l.Begin(t.Context(), first)
	wantTaken(t, err)
	wantNotTheirs(t, l, first)
	end(t, l, second, ledger.Refused)
	refused := find(t, l, "a")[0]
	if refused.State != ledger.Refused {
		t.Fatalf("ended as %v", refused.State)
	}
	again := begin(t, l, refused)[0]
	if again.State != ledger.Begun || !again.EndedAt.IsZero() {
		t.Fatalf("begun again as %+v", again)
	}
}

func endsWhatWasBegun(t *testing.T, subject Subject) {
	l := fresh(t, subject)
	missing := call("a", 0, "x")
	missing.Version = 1
	wantNotTheirs(t, l, missing)
	for _, state := range []ledger.State{ledger.Accepted, ledger.Refused, ledger.Unknown} {
		key := state.String()
		begun := begin(t, l, call(key, 0, "x"))[0]
		begun.Answer = ledger.Answer{Status: 200, IDs: []int64{7, 1 << 60}}
		ended := end(t, l, begun, state)
		got := find(t, l, key)[0]
		if got.Version != ended.Version {
			t.Fatalf("ended with version %d, found with %d", ended.Version, got.Version)
		}
		if got.State != state || got.Answer.Status != 200 || !slices.Equal(got.Answer.IDs, []int64{7, 1 << 60}) || got.EndedAt.IsZero() {
			t.Fatalf("ended as %+v", got)
		}
		wantNotTheirs(t, l, begun)
		if state == ledger.Unknown {
			// What was found out later is written down too.
			end(t, l, got, ledger.Accepted)
			if found := find(t, l, key)[0]; found.State != ledger.Accepted {
				t.Fatalf("found out as %+v", found)
			}
		}
	}
}

func findsInOrder(t *testing.T, subject Subject) {
	l := fresh(t, subject)
	for _, number := range []int{2, 0, 10, 1} {
		begin(t, l, call("a", number, "x"))
	}
	begin(t, l, call("b", 5, "x"))
	var numbers []int
	for _, record := range find(t, l, "a") {
		numbers = append(numbers, record.Number)
	}
	if !slices.Equal(numbers, []int{0, 1, 2, 10}) {
		t.Fatalf("found %v", numbers)
	}
}

func findsEqualContent(t *testing.T, subject Subject) {
	l := fresh(t, subject)
	begin(t, l, call("a", 1, "x"), call("a", 2, "y"), call("b", 0, "x"))
	begin(t, l, ledger.Record{Key: digest("w")})
	equal := func(content ledger.Digest) int {
		t.Helper()
		found, err := l.FindEqual(t.Context(), content)
		if err != nil {
			t.Fatalf("FindEqual: %v", err)
		}
		for _, record := range found {
			if record.Content != content {
				t.Fatalf("found %+v", record)
			}
		}
		return len(found)
	}
	if got := [3]int{equal(digest("x")), equal(digest("y")), equal(digest("z"))}; got != [3]int{2, 1, 0} {
		t.Fatalf("found %v", got)
	}
	// A record that is begun with another content counts for that one.
	changed := find(t, l, "b")[0]
	changed.Content = digest("z")
	begin(t, l, changed)
	if got := [2]int{equal(digest("x")), equal(digest("z"))}; got != [2]int{1, 1} {
		t.Fatalf("found %v after a change", got)
	}
	if err := l.Forget(t.Context(), digest("a")); err != nil {
		t.Fatal(err)
	}
	if got := equal(digest("x")); got != 0 {
		t.Fatalf("found %d after Forget", got)
	}
}

func keepsEveryField(t *testing.T, subject Subject) {
	open := subject.New(t, long)
	l := opened(t, open)
	moment := time.Date(2026, time.November, 29, 1, 2, 3, 456_000_000, time.UTC)
	want := ledger.Record{
		Key: digest("a"), Number: 3, Content: digest("x"), Step: digest("s"), WriteBy: moment, Scheduled: true,
		Anchor: ledger.Anchor{Known: true, MessageID: 1 << 60, Server: moment.Add(time.Hour)},
	}
	begin(t, l, want)
	if !subject.Forgets {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = opened(t, open)
	}
	got := find(t, l, "a")[0]
	if got.Step != want.Step || got.Content != want.Content || !got.WriteBy.Equal(want.WriteBy) || !got.Scheduled || !got.Anchor.Known ||
		got.Anchor.MessageID != want.Anchor.MessageID || !got.Anchor.Server.Equal(want.Anchor.Server) || got.IsWork() {
		t.Fatalf("kept as %+v", got)
	}
}
