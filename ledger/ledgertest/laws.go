package ledgertest

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/salebot-go/salebot/ledger"
)

const long = 24 * time.Hour

// opened opens a ledger and binds it.
func opened(t *testing.T, open Open) Closer {
	t.Helper()
	l, err := open()
	if err != nil {
		t.Fatalf("opening: %v", err)
	}
	t.Cleanup(func() { _ = l.Close() })
	if _, err := l.Bind(t.Context(), "project"); err != nil {
		t.Fatalf("Bind: %v", err)
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

func forgetsAKey(t *testing.T, subject Subject) {
	l := fresh(t, subject)
	begin(t, l, call("a", 0, "x"), call("a", 1, "x"), call("b", 0, "x"))
	if err := l.Forget(t.Context(), digest("a"), digest("never known")); err != nil {
		t.Fatalf("Forget: %v", err)
	}
	if got := len(find(t, l, "a")) + 10*len(find(t, l, "b")); got != 10 {
		t.Fatalf("left of a and b: %d", got)
	}
	begin(t, l, call("a", 0, "x"))
}

// Whoever began a record that was forgotten and begun by another cannot end it.
func doesNotConfuseAForgottenOne(t *testing.T, subject Subject) {
	l := fresh(t, subject)
	old := begin(t, l, call("a", 0, "x"))[0]
	if err := l.Forget(t.Context(), digest("a")); err != nil {
		t.Fatal(err)
	}
	begin(t, l, call("a", 0, "x"))
	wantNotTheirs(t, l, old)
}

func takesRecordsPastTheirTimeOff(t *testing.T, subject Subject) {
	const retention = 50 * time.Millisecond
	l := opened(t, subject.New(t, retention))
	done := begin(t, l, call("a", 0, "x"))[0]
	end(t, l, done, ledger.Accepted)
	eventually(t, "the record is past its time", func() bool { return len(find(t, l, "a")) == 0 })
	if found, err := l.FindEqual(t.Context(), digest("x")); err != nil || len(found) != 0 {
		t.Fatalf("FindEqual finds %v, %v", found, err)
	}
	again := begin(t, l, call("a", 0, "x"))[0]
	wantNotTheirs(t, l, done)
	end(t, l, again, ledger.Accepted)
}

// A record that is under way is not past its time, however long that takes.
func keepsWhatIsUnderWay(t *testing.T, subject Subject) {
	const retention = 20 * time.Millisecond
	l := opened(t, subject.New(t, retention))
	begun := begin(t, l, ledger.Record{Key: digest("work")})[0]
	other := begin(t, l, call("other", 0, "x"))[0]
	end(t, l, other, ledger.Accepted)
	eventually(t, "another record is past its time", func() bool { return len(find(t, l, "other")) == 0 })
	_, err := l.Begin(t.Context(), ledger.Record{Key: digest("work")})
	wantTaken(t, err)
	end(t, l, begun, ledger.Accepted)
}

// keepsAKeyAsAWhole checks that the records of a key go together: what the first calls
// of a piece of work came to is kept as long as the work is tried.
func keepsAKeyAsAWhole(t *testing.T, subject Subject) {
	const retention = 100 * time.Millisecond
	l := opened(t, subject.New(t, retention))
	work := begin(t, l, ledger.Record{Key: digest("work")})[0]
	for number := 1; number <= 2; number++ {
		end(t, l, begin(t, l, call("work", number, "x"))[0], ledger.Accepted)
	}
	other := begin(t, l, call("other", 0, "y"))[0]
	end(t, l, other, ledger.Accepted)
	eventually(t, "a later record is past its time", func() bool { return len(find(t, l, "other")) == 0 })
	if got := find(t, l, "work"); len(got) != 3 {
		t.Fatalf("of the work under way is left %+v", got)
	}
	if found, err := l.FindEqual(t.Context(), digest("x")); err != nil || len(found) != 2 {
		t.Fatalf("FindEqual finds %+v, %v", found, err)
	}
	_, err := l.Begin(t.Context(), call("work", 1, "x"))
	wantTaken(t, err)
	again := begin(t, l, find(t, l, "work")[1])[0]
	end(t, l, again, ledger.Accepted)
	end(t, l, work, ledger.Refused)
	eventually(t, "the work is past its time", func() bool {
		n := len(find(t, l, "work"))
		if n != 0 && n != 3 {
			t.Fatalf("%d of the three records are left", n)
		}
		return n == 0
	})
	begin(t, l, ledger.Record{Key: digest("work")})
	if got := find(t, l, "work"); len(got) != 1 {
		t.Fatalf("the work that begins again has %+v", got)
	}
	if found, err := l.FindEqual(t.Context(), digest("x")); err != nil || len(found) != 0 {
		t.Fatalf("FindEqual finds %+v, %v", found, err)
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

func knowsItsOwnHolder(t *testing.T, subject Subject) {
	open := subject.New(t, long)
	l := opened(t, open)
	begun := begin(t, l, call("a", 0, "x"))[0]
	if alive, err := l.Alive(t.Context(), begun.Holder); err != nil || !alive {
		t.Fatalf("its own holder is alive: %v, %v", alive, err)
	}
	if alive, err := l.Alive(t.Context(), "nobody"); err != nil || alive {
		t.Fatalf("a holder that never was is alive: %v, %v", alive, err)
	}
	if subject.Forgets {
		return
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	next := opened(t, open)
	if alive, err := next.Alive(t.Context(), begun.Holder); err != nil || alive {
		t.Fatalf("the holder of a ledger that was closed is alive: %v, %v", alive, err)
	}
}

func refusesWhenClosed(t *testing.T, subject Subject) {
	l := fresh(t, subject)
	begun := begin(t, l, call("a", 0, "x"))[0]
	for range 2 {
		if err := l.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
	}
	ctx := t.Context()
	for name, use := range map[string]func() error{
		"Bind":      func() error { _, err := l.Bind(ctx, "project"); return err },
		"Find":      func() error { _, err := l.Find(ctx, digest("a")); return err },
		"FindEqual": func() error { _, err := l.FindEqual(ctx, digest("x")); return err },
		"Begin":     func() error { _, err := l.Begin(ctx, call("b", 0, "x")); return err },
		"End":       func() error { _, err := l.End(ctx, begun); return err },
		"Forget":    func() error { return l.Forget(ctx, digest("a")) },
		"Alive":     func() error { _, err := l.Alive(ctx, begun.Holder); return err },
	} {
		if err := use(); !errors.Is(err, ledger.ErrClosed) {
			t.Errorf("%s after Close: %v, want ErrClosed", name, err)
		}
	}
}

// What Begin acknowledged before a Close is there afterwards, also if the two meet.
func isClosedInTheMiddle(t *testing.T, subject Subject) {
	open := subject.New(t, long)
	l := opened(t, open)
	var mutex sync.Mutex
	var acknowledged []string
	var group sync.WaitGroup
	started := make(chan struct{}, 64)
	for worker := range 4 {
		group.Go(func() {
			for i := range 1_000_000 {
				key := strconv.Itoa(worker) + "/" + strconv.Itoa(i)
				_, err := l.Begin(context.WithoutCancel(t.Context()), call(key, 0, "x"))
				if err != nil {
					if !errors.Is(err, ledger.ErrClosed) {
						t.Errorf("Begin: %v, want ErrClosed", err)
					}
					return
				}
				mutex.Lock()
				acknowledged = append(acknowledged, key)
				mutex.Unlock()
				select {
				case started <- struct{}{}:
				default:
				}
			}
		})
	}
	for range 8 {
		<-started
	}
	if err := l.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	group.Wait()
	if subject.Forgets {
		return
	}
	l = opened(t, open)
	for _, key := range acknowledged {
		if len(find(t, l, key)) == 0 {
			t.Fatalf("%s was begun and is not there", key)
		}
	}
}

func opensAgain(t *testing.T, subject Subject) {
	if subject.Forgets {
		return
	}
	open := subject.New(t, long)
	l := opened(t, open)
	binding, err := l.Bind(t.Context(), "project")
	if err != nil {
		t.Fatal(err)
	}
	accepted := begin(t, l, call("a", 0, "x"))[0]
	accepted.Answer = ledger.Answer{Status: 200, IDs: []int64{5}}
	end(t, l, accepted, ledger.Accepted)
	lost := begin(t, l, call("b", 0, "y"))[0]
	begin(t, l, call("c", 0, "z"))
	if err := l.Forget(t.Context(), digest("c")); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = opened(t, open)
	again, err := l.Bind(t.Context(), "project")
	if err != nil || !slices.Equal(again.Secret, binding.Secret) {
		t.Fatalf("the secret is another one after opening again: %v", err)
	}
	if _, err := l.Bind(t.Context(), "another"); !errors.Is(err, ledger.ErrOtherProject) {
		t.Fatalf("another project: %v, want ErrOtherProject", err)
	}
	if got := find(t, l, "a"); len(got) != 1 || got[0].State != ledger.Accepted || !slices.Equal(got[0].Answer.IDs, []int64{5}) {
		t.Fatalf("a is %+v", got)
	}
	if got := find(t, l, "b"); len(got) != 1 || got[0].State != ledger.Begun || got[0].Version != lost.Version {
		t.Fatalf("b is %+v", got)
	}
	if got := find(t, l, "c"); len(got) != 0 {
		t.Fatalf("c is %+v", got)
	}
	if found, err := l.FindEqual(t.Context(), digest("y")); err != nil || len(found) != 1 {
		t.Fatalf("FindEqual finds %v, %v", found, err)
	}
	begin(t, l, find(t, l, "b")[0])
}

func isOpenedTwice(t *testing.T, subject Subject) {
	if subject.Forgets {
		return
	}
	open := subject.New(t, long)
	one := opened(t, open)
	if !subject.Shared {
		if other, err := open(); !errors.Is(err, ledger.ErrInUse) {
			if err == nil {
				_ = other.Close()
			}
			t.Fatalf("opened twice: %v, want ErrInUse", err)
		}
		return
	}
	two := opened(t, open)
	begun := begin(t, one, call("a", 0, "x"))[0]
	_, err := two.Begin(t.Context(), call("a", 0, "x"))
	wantTaken(t, err)
	if alive, err := two.Alive(t.Context(), begun.Holder); err != nil || !alive {
		t.Fatalf("the other one's holder is alive: %v, %v", alive, err)
	}
	end(t, one, begun, ledger.Accepted)
	if got := find(t, two, "a"); len(got) != 1 || got[0].State != ledger.Accepted {
		t.Fatalf("the other one finds %+v", got)
	}
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the holder that was closed is known to be dead", func() bool {
		alive, err := two.Alive(t.Context(), begun.Holder)
		return err == nil && !alive
	})
}
