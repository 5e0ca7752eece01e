package ledgertest

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/salebot-go/salebot/ledger"
)

// The laws of how long things last: what is forgotten and when, what a ledger knows
// of holders, and what is left when it is closed and opened again.

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
