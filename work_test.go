package salebot_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
	"github.com/salebot-go/salebot/ledger"
	"github.com/salebot-go/salebot/salebottest"
)

func notice(key string) salebot.Work { return salebot.Work{Name: "payment notice", Key: key} }

// texts sends one message after the other.
func texts(client *salebot.Client, all ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		for _, text := range all {
			if _, err := client.Message(ctx, hello(text)); err != nil {
				return err
			}
		}
		return nil
	}
}

func (s *shop) received(t testing.TB) []string {
	t.Helper()
	var all []string
	for _, message := range s.History(ann) {
		all = append(all, message.Text)
	}
	return all
}

func TestRunOnceRunsOnce(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	runs := 0
	for range 3 {
		client := s.open(t)
		err := client.RunOnce(t.Context(), notice("4711"), func(ctx context.Context) error {
			runs++
			if _, err := client.GetVariables(ctx, ann); err != nil {
				return err
			}
			return texts(client, "one", "two")(ctx)
		})
		require.NoError(t, err)
	}
	require.Equal(t, 1, runs)
	require.ElementsMatch(t, []string{"one", "two"}, s.received(t))
	s.AssertCalls(t, "get_variables", 1)

	client := s.open(t)
	require.NoError(t, client.RunOnce(t.Context(), notice("4712"), texts(client, "one")))
	require.NoError(t, client.RunOnce(t.Context(), salebot.Work{Name: "other", Key: "4711"}, texts(client, "one")))
	s.AssertCalls(t, "message", 4)

	require.NoError(t, client.ForgetWork(t.Context(), notice("4711")))
	require.NoError(t, client.RunOnce(t.Context(), notice("4711"), texts(client, "three")))
	s.AssertCalls(t, "message", 5)
}

// Each piece of work has a line in the log: what it came to, from how many calls of which
// kind, and never its key. A ledger that is down is not silent.
func TestRunOnceIsLogged(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := newShop(t)
		var log bytes.Buffer
		client := s.open(t, salebot.WithoutRetries(), salebot.WithProjectLocation(time.UTC),
			salebot.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
		lines := func() []string {
			var found []string
			for line := range strings.Lines(log.String()) {
				require.NotContains(t, line, "4711")
				if _, rest, ok := strings.Cut(strings.TrimSpace(line), " level="); ok && strings.Contains(rest, `"salebot work`) {
					found = append(found, rest)
				}
			}
			log.Reset()
			return found
		}
		failed := errors.New("the disk is full")
		run := func(ctx context.Context, then error) error {
			return client.RunOnce(ctx, notice("4711"), func(ctx context.Context) error {
				time.Sleep(time.Second)
				if err := texts(client, "one", "two")(ctx); err != nil {
					return err
				}
				return then
			})
		}
		require.NoError(t, run(salebot.Rehearse(t.Context()), nil))
		require.ErrorIs(t, run(t.Context(), failed), failed)
		require.ErrorIs(t, run(t.Context(), failed), failed)
		require.NoError(t, run(t.Context(), nil))
		require.NoError(t, run(t.Context(), nil))
		require.Equal(t, []string{
			`DEBUG msg="salebot work" work="payment notice" outcome="not tried" duration=1s`,
			`WARN msg="salebot work failed" work="payment notice" outcome=incomplete duration=1s accepted_calls=2 error="the disk is full"`,
			`WARN msg="salebot work failed" work="payment notice" outcome=incomplete duration=1s accepted_calls=2 recorded_calls=2 error="the disk is full"`,
			`DEBUG msg="salebot work" work="payment notice" outcome=accepted duration=1s accepted_calls=2 recorded_calls=2`,
			`DEBUG msg="salebot work" work="payment notice" outcome=accepted duration=0s recorded=true`,
		}, lines())

		require.NoError(t, client.RunOnce(t.Context(), notice("a single call"), texts(client, "one")))
		require.Equal(t, []string{`DEBUG msg="salebot work" work="payment notice" outcome=accepted duration=0s accepted_calls=1`}, lines())

		s.ledger.failFind = failed
		require.ErrorIs(t, run(t.Context(), nil), failed)
		require.Equal(t, []string{
			`WARN msg="salebot work failed" work="payment notice" outcome="not tried" duration=0s ` +
				`error.action=run_once error.attempts=0 error.outcome="not sent" error.cause="the disk is full"`,
		}, lines())
		s.ledger.failFind = nil

		require.Panics(t, func() {
			_ = client.RunOnce(t.Context(), notice("another"), func(context.Context) error { panic("a mistake") })
		})
		found := lines()
		require.Len(t, found, 1)
		require.Contains(t, found[0], `WARN msg="salebot work failed" work="payment notice" outcome=unknown duration=0s error=`)
	})
}

// An order that fails half way goes on where it failed, and does not send twice.
func TestRunOnceGoesOn(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	client := s.open(t, salebot.WithoutRetries())
	s.Fail(salebottest.Fault{Action: "message", After: 1, Status: 400, Body: `{"status":"fail"}`})
	err := client.RunOnce(t.Context(), notice("4711"), texts(client, "one", "two", "three"))
	require.ErrorIs(t, err, salebot.ErrRejected)
	require.NoError(t, client.RunOnce(t.Context(), notice("4711"), texts(client, "one", "two", "three")))
	require.ElementsMatch(t, []string{"one", "two", "three"}, s.received(t))
	s.AssertCalls(t, "message", 4)
}

// A call in other words could be the one before, so it is not sent; a named one is
// known by its name.
func TestRunOnceThatChanged(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := newShop(t)
		client := s.open(t)
		failed := errors.New("the disk is full")
		say := func(text string, then error, opts ...salebot.CallOption) error {
			return client.RunOnce(t.Context(), notice("4711"), func(ctx context.Context) error {
				if _, err := client.Message(ctx, hello(text), opts...); err != nil {
					return err
				}
				return then
			})
		}
		require.ErrorIs(t, say("The weather is fine", failed), failed)
		err := say("It is sunny", nil)
		require.ErrorIs(t, err, salebot.ErrWorkChanged)
		require.NotErrorIs(t, err, salebot.ErrOutcomeUnknown)
		require.ErrorContains(t, err, "name a call whose words may differ with WithStep, or make all calls again, with a new key or after ForgetWork")
		require.NoError(t, say("The weather is fine", nil))
		require.Equal(t, []string{"The weather is fine"}, s.received(t))
	})
	testkit.Bubble(t, func(t *testing.T) {
		s := newShop(t)
		client := s.open(t)
		failed := errors.New("the disk is full")
		for i := range 3 {
			err := client.RunOnce(t.Context(), notice("4711"), func(ctx context.Context) error {
				answer, err := client.Message(ctx, hello(fmt.Sprint("answer ", i)), salebot.WithStep("answer"))
				require.NoError(t, err)
				require.Equal(t, i > 0, answer.Recorded)
				return failed
			})
			require.ErrorIs(t, err, failed)
		}
		require.Equal(t, []string{"answer 0"}, s.received(t))
	})
}

// A call that was refused leaves nothing behind that another could be.
func TestRunOnceAfterARefusalMayChange(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	client := s.open(t, salebot.WithoutRetries())
	s.Fail(salebottest.Fault{Action: "message", Status: 400, Body: `{"status":"fail"}`})
	require.ErrorIs(t, client.RunOnce(t.Context(), notice("4711"), texts(client, "too long")), salebot.ErrRejected)
	require.NoError(t, client.RunOnce(t.Context(), notice("4711"), texts(client, "short")))
	require.Equal(t, []string{"short"}, s.received(t))
}

// Goroutines find their records whatever their order.
func TestRunOnceWithGoroutines(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := newShop(t)
		client := s.open(t)
		failed := errors.New("not yet")
		both := func(first, second string, then error) error {
			return client.RunOnce(t.Context(), notice("4711"), func(ctx context.Context) error {
				var group sync.WaitGroup
				for i, text := range []string{first, second, first} {
					group.Go(func() {
						if clienttest.Elapse(ctx, time.Duration(i)*time.Second) != nil {
							return
						}
						if _, err := client.Message(ctx, hello(text)); err != nil {
							t.Error(err)
						}
					})
				}
				group.Wait()
				return then
			})
		}
		// The first run sends one only, and dies.
		require.ErrorIs(t, client.RunOnce(t.Context(), notice("4711"), func(ctx context.Context) error {
			_, err := client.Message(ctx, hello("b"))
			return errors.Join(err, failed)
		}), failed)
		require.ErrorIs(t, both("a", "b", failed), failed)
		require.NoError(t, both("a", "b", nil))
		require.ElementsMatch(t, []string{"a", "b", "a"}, s.received(t))
	})
}

func TestRunOnceMisused(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := newShop(t)
		client := s.open(t)
		var leaked context.Context
		err := client.RunOnce(t.Context(), notice("4711"), func(ctx context.Context) error {
			leaked = ctx
			inner := client.RunOnce(ctx, notice("4711"), texts(client, "inside"))
			require.ErrorIs(t, inner, salebot.ErrWorkNested)
			require.NoError(t, client.RunOnce(ctx, notice("another"), texts(client, "another")))

			foreign := s.Client(t)
			_, err := foreign.Message(ctx, hello("no ledger"))
			require.ErrorIs(t, err, salebot.ErrOtherLedger)
			elsewhere := s.Client(t, salebot.WithLedger(newTestLedger(t), "shop"))
			_, err = elsewhere.Message(ctx, hello("another ledger"))
			require.ErrorIs(t, err, salebot.ErrOtherLedger)
			return nil
		})
		require.NoError(t, err)
		_, err = client.Message(leaked, hello("late"))
		require.ErrorIs(t, err, salebot.ErrWorkEnded)
		_, err = client.GetVariables(leaked, ann)
		require.ErrorIs(t, err, salebot.ErrWorkEnded)
		require.Equal(t, []string{"another"}, s.received(t))

		nothing := func(context.Context) error { return nil }
		for field, call := range map[string]func() error{
			"Name":       func() error { return client.RunOnce(t.Context(), salebot.Work{Key: "k"}, nothing) },
			"Key":        func() error { return client.RunOnce(t.Context(), salebot.Work{Name: "n"}, nothing) },
			"fn":         func() error { return client.RunOnce(t.Context(), notice("1"), nil) },
			"ctx":        func() error { return client.RunOnce(nil, notice("1"), nothing) }, //nolint:staticcheck // that is the point
			"the client": func() error { return s.Client(t).RunOnce(t.Context(), notice("1"), nothing) },
		} {
			requireField(t, call(), field)
		}
		require.ErrorIs(t, client.RunOnce(t.Context(), salebot.Work{
			Name: "n", Key: "k", Since: time.Now().Add(-2 * ledger.DefaultRetention),
		}, texts(client, "too old")), salebot.ErrWorkTooOld)
		require.Equal(t, []string{"another"}, s.received(t))
	})
}

// Of two who do a piece of work at once, in one process or two, one does it.
func TestRunOnceAtOnce(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := newShop(t)
		s.Fail(salebottest.Fault{Action: "message", Delay: 3 * time.Second, Times: salebottest.Always})
		client := s.open(t)
		var group sync.WaitGroup
		for range 5 {
			group.Go(func() {
				if err := client.RunOnce(t.Context(), notice("4711"), texts(client, "paid")); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		require.Equal(t, []string{"paid"}, s.received(t))

		go func() { _ = client.RunOnce(t.Context(), notice("slow"), texts(client, "slow")) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := client.RunOnce(ctx, notice("slow"), texts(client, "slow"))
		require.ErrorIs(t, err, salebot.ErrInProgress)
		require.NotContains(t, err.Error(), "\n", "one line")
		require.ErrorIs(t, err, salebot.ErrOutcomeUnknown)
		elapseHere(t, time.Minute)
	})
}

// Without a deadline, work that is under way elsewhere is waited for as long as a call
// may take. The function itself may take as long as it likes.
func TestRunOnceWaitsAsLongAsACallMayTake(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := newShop(t)
		client := s.open(t)
		long := make(chan error, 1)
		go func() {
			long <- client.RunOnce(t.Context(), notice("4711"), func(ctx context.Context) error { return clienttest.Elapse(ctx, 24*time.Hour) })
		}()
		synctest.Wait()
		start := time.Now()
		err := client.RunOnce(t.Context(), notice("4711"), texts(client, "paid"))
		require.ErrorIs(t, err, salebot.ErrInProgress)
		require.Equal(t, salebot.DefaultTimeout, time.Since(start))
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		err = client.RunOnce(ctx, notice("4711"), texts(client, "paid"))
		require.ErrorIs(t, err, salebot.ErrInProgress)
		require.Equal(t, salebot.DefaultTimeout+time.Hour, time.Since(start))
		require.NoError(t, <-long)
		require.Empty(t, s.received(t))
	})
}

// A function that panics has not done its work.
func TestRunOnceAfterAPanic(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	client := s.open(t)
	require.Panics(t, func() {
		_ = client.RunOnce(t.Context(), notice("4711"), func(ctx context.Context) error {
			if _, err := client.Message(ctx, hello("one")); err != nil {
				return err
			}
			panic("two")
		})
	})
	require.NoError(t, client.RunOnce(t.Context(), notice("4711"), texts(client, "one", "two")))
	require.ElementsMatch(t, []string{"one", "two"}, s.received(t))
}

// The error of a piece of work tells that a call may have been executed, also if the
// function uses words of its own.
func TestRunOnceTellsTheUnknown(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	client := s.open(t)
	own := errors.New("it did not work")
	s.Fail(salebottest.Fault{Action: "message", Reset: salebottest.ResetAfter})
	err := client.RunOnce(t.Context(), notice("4711"), func(ctx context.Context) error {
		_, _ = client.Message(ctx, hello("paid"))
		return own
	})
	require.ErrorIs(t, err, own)
	require.ErrorIs(t, err, salebot.ErrOutcomeUnknown)
}

// A function that makes no call asks what became of the work.
func TestRunOnceThatOnlyAsks(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		errNotDone := errors.New("not done")
		s := newShop(t)
		client := s.open(t)
		ask := func(key string) error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			return client.RunOnce(ctx, notice(key), func(context.Context) error { return errNotDone })
		}
		for _, one := range []struct {
			key   string
			fault salebottest.Fault
			want  error
		}{
			{"done", salebottest.Fault{}, nil},
			{"refused half way", salebottest.Fault{Action: "message", After: 1, Status: http.StatusBadRequest}, errNotDone},
			{"lost", salebottest.Fault{Action: "message", Reset: salebottest.ResetAfter}, salebot.ErrOutcomeUnknown},
		} {
			err := ask(one.key)
			require.ErrorIs(t, err, errNotDone)
			require.NotErrorIs(t, err, salebot.ErrOutcomeUnknown)
			if one.fault.Action != "" {
				s.Fail(one.fault)
			}
			_ = client.RunOnce(t.Context(), notice(one.key), texts(client, "one "+one.key, "two "+one.key))
			sent := len(s.received(t))
			err = ask(one.key)
			require.ErrorIs(t, err, one.want)
			require.Equal(t, one.want == salebot.ErrOutcomeUnknown, errors.Is(err, salebot.ErrOutcomeUnknown), one.key)
			require.Len(t, s.received(t), sent, "asking sends nothing")
		}
		s.Fail(salebottest.Fault{Action: "message", Delay: 5 * time.Second})
		working := make(chan error)
		go func() { working <- client.RunOnce(t.Context(), notice("slow"), texts(client, "slow")) }()
		synctest.Wait()
		require.ErrorIs(t, ask("slow"), salebot.ErrInProgress)
		require.NoError(t, <-working)
	})
}

// A function that returns no error does not hide that a call may have been executed: the
// work is not done until that is known.
func TestRunOnceThatHidesTheUnknown(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault salebottest.Fault
		// later is what the function does when it runs again: the call, or nothing.
		later bool
		want  error
	}{
		"executed":                     {salebottest.Fault{Action: "message", Reset: salebottest.ResetAfter}, true, nil},
		"not executed":                 {salebottest.Fault{Action: "message", Status: 503}, true, nil},
		"executed, and not made again": {salebottest.Fault{Action: "message", Reset: salebottest.ResetAfter}, false, salebot.ErrOutcomeUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				s := newShop(t)
				client := s.open(t, salebot.WithHistoryDelay(20*time.Second))
				runs := 0
				run := func() error {
					return client.RunOnce(t.Context(), notice("4711"), func(ctx context.Context) error {
						runs++
						if runs == 1 || test.later {
							_, _ = client.Message(ctx, hello("paid"))
						}
						return nil
					})
				}
				s.Fail(test.fault)
				require.ErrorIs(t, run(), salebot.ErrOutcomeUnknown)
				for range 2 {
					require.ErrorIs(t, run(), test.want)
				}
				require.Equal(t, []string{"paid"}, s.received(t))
				require.Equal(t, map[bool]int{true: 2, false: 3}[test.want == nil], runs, "work that is done does not run again")
			})
		})
	}
}

// A call that is made again after an unknown outcome, in one run, is the same call: it is
// looked for, and not sent a second time. What it came to counts by its end.
func TestRunOnceThatRepeatsAnUnknownCall(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault salebottest.Fault
		opts  []salebot.Option
		call  []salebot.CallOption
		sent  int
		want  error
	}{
		"executed":     {salebottest.Fault{Action: "message", Reset: salebottest.ResetAfter}, []salebot.Option{salebot.WithHistoryDelay(20 * time.Second)}, nil, 1, nil},
		"not executed": {salebottest.Fault{Action: "message", Status: 503}, []salebot.Option{salebot.WithHistoryDelay(20 * time.Second)}, nil, 1, nil},
		"cannot be told, executed": {
			salebottest.Fault{Action: "message", Reset: salebottest.ResetAfter}, nil, nil, 1, salebot.ErrOutcomeUnknown,
		},
		"cannot be told, not executed": {salebottest.Fault{Action: "message", Status: 503}, nil, nil, 0, salebot.ErrOutcomeUnknown},
		"with a key": {
			salebottest.Fault{Action: "message", Reset: salebottest.ResetAfter},
			[]salebot.Option{salebot.WithHistoryDelay(20 * time.Second)},
			[]salebot.CallOption{salebot.WithIdempotencyKey("paid")},
			1, nil,
		},
		"with a name": {
			salebottest.Fault{Action: "message", Status: 503},
			[]salebot.Option{salebot.WithHistoryDelay(20 * time.Second)},
			[]salebot.CallOption{salebot.WithStep("paid")},
			1, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				s := newShop(t)
				client := s.open(t, append(test.opts, salebot.WithoutRetries())...)
				s.Fail(test.fault)
				run := func() error {
					return client.RunOnce(t.Context(), notice("4711"), func(ctx context.Context) error {
						var err error
						for range 5 {
							if _, err = client.Message(ctx, hello("paid"), test.call...); err == nil {
								break
							}
							require.ErrorIs(t, err, salebot.ErrOutcomeUnknown)
						}
						return err
					})
				}
				require.ErrorIs(t, run(), test.want)
				require.ErrorIs(t, run(), test.want)
				require.Len(t, s.received(t), test.sent)
			})
		})
	}
}

// A named call that is made in other words after its request was lost is sent, if the
// history shows that the client was sent nothing since. It stays in doubt if anything was
// sent, since the first words are not known any more.
func TestRunOnceInOtherWordsAfterALostRequest(t *testing.T) {
	t.Parallel()
	type emulator = salebottest.Emulator
	for name, test := range map[string]struct {
		fault    salebottest.Fault
		opts     []salebot.Option
		between  func(*testing.T, *emulator)
		received []string
		want     error
	}{
		"not executed": {fault: salebottest.Fault{Reset: salebottest.ResetBefore}, received: []string{"it costs 3"}},
		"not executed, and the client wrote meanwhile": {
			fault: salebottest.Fault{Status: 503},
			between: func(t *testing.T, e *emulator) {
				_, err := e.Write(ann, "well?")
				require.NoError(t, err)
			},
			received: []string{"well?", "it costs 3"},
		},
		"executed": {fault: salebottest.Fault{Reset: salebottest.ResetAfter}, received: []string{"it costs 2"}, want: salebot.ErrOutcomeUnknown},
		"an employee wrote meanwhile": {
			fault: salebottest.Fault{Reset: salebottest.ResetBefore},
			between: func(t *testing.T, e *emulator) {
				_, err := e.WriteAsEmployee(ann, "operator@example.com", "it costs 2")
				require.NoError(t, err)
			},
			received: []string{"it costs 2"}, want: salebot.ErrOutcomeUnknown,
		},
		"a callback began meanwhile": {
			fault: salebottest.Fault{Reset: salebottest.ResetBefore},
			between: func(t *testing.T, e *emulator) {
				_, err := e.Client(t).Callback(t.Context(), salebot.CallbackRequest{ClientID: ann, Message: "well?"})
				require.NoError(t, err)
			},
			received: []string{"well?"}, want: salebot.ErrOutcomeUnknown,
		},
		"something odd came meanwhile": {
			fault: salebottest.Fault{Reset: salebottest.ResetBefore},
			between: func(_ *testing.T, e *emulator) {
				e.Fail(salebottest.Fault{
					Action: "get_history", Times: salebottest.Always,
					Body: `{"status":"success","result":[{"id":9000000000,"client_replica":true,"message_from_outside":"by post","text":"it costs 2"}]}`,
				})
			},
			want: salebot.ErrOutcomeUnknown,
		},
		"without a delay": {
			fault: salebottest.Fault{Reset: salebottest.ResetBefore}, opts: []salebot.Option{}, want: salebot.ErrOutcomeUnknown,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				s := newShop(t)
				if test.opts == nil {
					test.opts = []salebot.Option{salebot.WithHistoryDelay(20 * time.Second)}
				}
				client := s.open(t, append(test.opts, salebot.WithoutRetries())...)
				test.fault.Action = "message"
				s.Fail(test.fault)
				price := 1
				answer := func() error {
					price++
					return client.RunOnce(t.Context(), notice("4711"), func(ctx context.Context) error {
						_, err := client.Message(ctx, hello(fmt.Sprint("it costs ", price)), salebot.WithStep("price"))
						return err
					})
				}
				require.ErrorIs(t, answer(), salebot.ErrOutcomeUnknown)
				if test.between != nil {
					test.between(t, s.Emulator)
				}
				for range 2 {
					require.ErrorIs(t, answer(), test.want)
				}
				require.ElementsMatch(t, test.received, s.received(t))
			})
		})
	}
}

// Two equal calls of one run are two, unless the first is of unknown outcome.
func TestRunOnceWithEqualCalls(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := newShop(t)
		client := s.open(t, salebot.WithHistoryDelay(20*time.Second))
		failed := errors.New("not yet")
		for _, then := range []error{failed, nil} {
			err := client.RunOnce(t.Context(), notice("4711"), func(ctx context.Context) error {
				return errors.Join(texts(client, "Hello?", "Hello?")(ctx), then)
			})
			require.ErrorIs(t, err, then)
		}
		require.Equal(t, []string{"Hello?", "Hello?"}, s.received(t))

		s.Fail(salebottest.Fault{Action: "message", Reset: salebottest.ResetAfter})
		err := client.RunOnce(t.Context(), notice("4712"), func(ctx context.Context) error {
			for _, name := range []string{"first", "second"} {
				_, _ = client.Message(ctx, hello("Are you there?"), salebot.WithStep(name))
			}
			return nil
		})
		require.ErrorIs(t, err, salebot.ErrOutcomeUnknown)
		require.Len(t, s.received(t), 4, "calls with names are not taken for each other")
	})
}

// Work that is under way cannot be forgotten: somebody could begin it beside.
func TestWorkUnderWayIsNotForgotten(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	client, other := s.open(t), s.open(t)
	err := client.RunOnce(t.Context(), notice("4711"), func(ctx context.Context) error {
		require.ErrorIs(t, client.ForgetWork(ctx, notice("4711")), salebot.ErrInProgress)
		require.ErrorIs(t, other.ForgetWork(t.Context(), notice("4711")), salebot.ErrInProgress)
		require.NoError(t, other.ForgetWork(t.Context(), notice("4712")))
		return texts(client, "one")(ctx)
	})
	require.NoError(t, err)
	require.NoError(t, other.RunOnce(t.Context(), notice("4711"), texts(client, "two")))
	require.Equal(t, []string{"one"}, s.received(t))
}

// A record that somebody changed under a piece of work ends the call, and nothing is sent.
func TestRecordTakenFromAPieceOfWork(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := newShop(t)
		client := s.open(t, salebot.WithoutRetries())
		s.Fail(salebottest.Fault{Action: "message", Status: 400, Body: `{"status":"fail"}`})
		require.ErrorIs(t, client.RunOnce(t.Context(), notice("4711"), texts(client, "one")), salebot.ErrRejected)
		err := client.RunOnce(t.Context(), notice("4711"), func(ctx context.Context) error {
			s.ledger.forgetAll(t)
			return texts(client, "one")(ctx)
		})
		require.ErrorIs(t, err, salebot.ErrInProgress)
		require.NotContains(t, err.Error(), "\n", "one line")
		require.Empty(t, s.received(t))
	})
}

// Goroutines whose calls come in another order than before find their records, however
// long a call takes, and work that has changed is told nevertheless.
func TestRunOnceWithASlowGoroutine(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		// slow is what the other goroutine does before its call.
		slow func(ctx context.Context, client *salebot.Client) error
		// last is the call after it.
		last string
		want error
	}{
		"reads for a minute": {func(ctx context.Context, client *salebot.Client) error {
			_, err := client.GetVariables(ctx, ann, salebot.WithTimeout(time.Hour))
			return err
		}, "b", nil},
		"does work of its own for a minute": {func(ctx context.Context, client *salebot.Client) error {
			return client.RunOnce(ctx, notice("inside"), func(ctx context.Context) error {
				_, err := client.GetVariables(ctx, ann, salebot.WithTimeout(time.Hour))
				return err
			})
		}, "b", nil},
		"thinks for a moment": {func(ctx context.Context, _ *salebot.Client) error { return clienttest.Elapse(ctx, 4*time.Second) }, "b", nil},
		"has changed": {func(ctx context.Context, client *salebot.Client) error {
			_, err := client.GetVariables(ctx, ann, salebot.WithTimeout(time.Hour))
			return err
		}, "c", salebot.ErrWorkChanged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				s := newShop(t)
				client := s.open(t, salebot.WithTimeout(time.Hour))
				failed := errors.New("not yet")
				require.ErrorIs(t, client.RunOnce(t.Context(), notice("4711"), func(ctx context.Context) error {
					return errors.Join(texts(client, "b")(ctx), failed)
				}), failed)
				s.Fail(salebottest.Fault{Action: "get_variables", Delay: time.Minute})
				err := client.RunOnce(t.Context(), notice("4711"), func(ctx context.Context) error {
					var group sync.WaitGroup
					var first, second error
					group.Go(func() { first = texts(client, "a")(ctx) })
					group.Go(func() {
						if second = test.slow(ctx, client); second == nil {
							second = texts(client, test.last)(ctx)
						}
					})
					group.Wait()
					return errors.Join(first, second)
				})
				require.ErrorIs(t, err, test.want)
				if test.want == nil {
					require.ElementsMatch(t, []string{"a", "b"}, s.received(t))
				} else {
					require.Equal(t, []string{"b"}, s.received(t))
				}
			})
		})
	}
}

// A hook that makes a call inside of another one does not wait for it.
func TestCallOfAHookThatChangedIsTold(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := newShop(t)
		client := s.open(t)
		failed := errors.New("not yet")
		require.ErrorIs(t, client.RunOnce(t.Context(), notice("4711"), func(ctx context.Context) error {
			return errors.Join(texts(client, "a", "b")(ctx), failed)
		}), failed)
		var inside error
		hooked := s.open(t, salebot.WithHook(salebot.Hook{After: func(ctx context.Context, a salebot.Attempt) {
			if a.Action == "get_variables" {
				inside = texts(client, "c")(ctx)
			}
		}}), salebot.WithTimeout(24*time.Hour))
		start := time.Now()
		_ = hooked.RunOnce(t.Context(), notice("4711"), func(ctx context.Context) error {
			_, err := hooked.GetVariables(ctx, ann)
			return errors.Join(err, failed)
		})
		require.ErrorIs(t, inside, salebot.ErrWorkChanged)
		require.Less(t, time.Since(start), time.Minute)
	})
}

// A call that the function repeats after a refusal is one call when it runs again.
func TestRunOnceThatRepeatsARefusedCall(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	client := s.open(t, salebot.WithoutRetries())
	s.Fail(salebottest.Fault{Action: "message", Status: 400, Body: `{"status":"fail"}`})
	failed := errors.New("not yet")
	run := func(then error) error {
		return client.RunOnce(t.Context(), notice("4711"), func(ctx context.Context) error {
			_, err := client.Message(ctx, hello("paid"))
			if errors.Is(err, salebot.ErrRejected) {
				_, err = client.Message(ctx, hello("paid"))
			}
			return errors.Join(err, then)
		})
	}
	require.ErrorIs(t, run(failed), failed)
	require.NoError(t, run(nil))
	require.Equal(t, []string{"paid"}, s.received(t))
}

// A named call whose words differ is not looked for by its new words, which nobody sent.
func TestNamedCallOfUnknownOutcomeIsNotSentInOtherWords(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := newShop(t)
		client := s.open(t, salebot.WithHistoryDelay(20*time.Second))
		say := func(text string) error {
			return client.RunOnce(t.Context(), notice("4711"), func(ctx context.Context) error {
				_, err := client.Message(ctx, hello(text), salebot.WithStep("answer"))
				return err
			})
		}
		s.Fail(salebottest.Fault{Action: "message", Reset: salebottest.ResetAfter})
		require.ErrorIs(t, say("It is sunny"), salebot.ErrOutcomeUnknown)
		require.ErrorIs(t, say("The weather is fine"), salebot.ErrOutcomeUnknown)
		require.Equal(t, []string{"It is sunny"}, s.received(t))
		require.NoError(t, say("It is sunny"))
		require.Equal(t, []string{"It is sunny"}, s.received(t))
	})
}

// A name stands for one action and receiver; another one is told, and not swallowed.
func TestStepForAnotherReceiverOrAction(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	client := s.open(t)
	err := client.RunOnce(t.Context(), notice("4711"), func(ctx context.Context) error {
		step := salebot.WithStep("greeting")
		_, err := client.Message(ctx, hello("hello"), step)
		require.NoError(t, err)
		_, err = client.Message(ctx, salebot.MessageRequest{ClientID: ann + 1, Message: "hello"}, step)
		require.ErrorIs(t, err, salebot.ErrWorkChanged)
		require.NotErrorIs(t, err, salebot.ErrOutcomeUnknown)
		_, err = client.CreateOrder(ctx, salebot.CreateOrderRequest{ClientID: ann, Name: "Boots"}, step)
		require.ErrorIs(t, err, salebot.ErrWorkChanged)
		return nil
	})
	require.NoError(t, err)
	s.AssertCalls(t, "message", 1)
	s.AssertCalls(t, "create_order", 0)
}

// A rehearsal does no work, so none is recorded as done.
func TestRunOnceRehearsedIsNotDone(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	client := s.open(t)
	require.NoError(t, client.RunOnce(salebot.Rehearse(t.Context()), notice("4711"), texts(client, "paid")))
	require.Empty(t, s.received(t))
	require.NoError(t, client.RunOnce(t.Context(), notice("4711"), texts(client, "paid")))
	require.Equal(t, []string{"paid"}, s.received(t))
}

// Work whose function does not wait for its calls is not done.
func TestRunOnceWithACallLeftUnderWay(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := newShop(t)
		client := s.open(t)
		s.Fail(salebottest.Fault{Action: "message", Delay: 3 * time.Second})
		err := client.RunOnce(t.Context(), notice("4711"), func(ctx context.Context) error {
			go func() { _, _ = client.Message(ctx, hello("paid")) }()
			return clienttest.Elapse(ctx, time.Second)
		})
		require.ErrorIs(t, err, salebot.ErrWorkEnded)
		require.ErrorIs(t, err, salebot.ErrOutcomeUnknown)
		elapseHere(t, time.Minute)
		require.NoError(t, client.RunOnce(t.Context(), notice("4711"), texts(client, "paid")))
		require.Equal(t, []string{"paid"}, s.received(t))
	})
}

// The items of a run without a ledger do not hide the piece of work around them.
func TestRunOnceAroundARunWithoutALedger(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	client, plain := s.open(t), s.Client(t)
	failed := errors.New("not yet")
	run := func(then error) error {
		return client.RunOnce(t.Context(), notice("4711"), func(ctx context.Context) error {
			_, err := salebot.ForEach(ctx, plain, salebot.Items([]string{"one", "two"}), salebot.BulkOptions{},
				func(text string) string { return text },
				func(ctx context.Context, text string) error { return texts(client, text)(ctx) })
			return errors.Join(err, then)
		})
	}
	require.ErrorIs(t, run(failed), failed)
	require.NoError(t, run(nil))
	require.ElementsMatch(t, []string{"one", "two"}, s.received(t))
}

// A panic of a hook leaves a call whose outcome is unknown, and that nobody waits for.
func TestHookThatPanics(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := newShop(t)
		panics := true
		client := s.open(t, salebot.WithHistoryDelay(time.Second), salebot.WithHook(salebot.Hook{After: func(_ context.Context, a salebot.Attempt) {
			if panics && a.Action == "message" {
				panic("a hook")
			}
		}}))
		key := salebot.WithIdempotencyKey("order")
		require.Panics(t, func() { _, _ = client.Message(t.Context(), hello("paid"), key) })
		panics = false
		answer, err := client.Message(t.Context(), hello("paid"), key)
		require.NoError(t, err)
		require.True(t, answer.Recorded)
		require.Equal(t, []string{"paid"}, s.received(t))
	})
}

// In a rehearsal reads are real, writes are checked, and nothing is sent.
func TestRehearse(t *testing.T) {
	t.Parallel()
	emulator := salebottest.New(t, salebottest.WithPerson(salebottest.Person{ID: ann, Variables: map[string]any{"client.city": "Kazan"}}))
	client := emulator.Client(t)
	ctx := salebot.Rehearse(t.Context())
	variables, err := client.GetVariables(ctx, ann)
	require.NoError(t, err)
	require.Equal(t, "Kazan", variables.Text("city"))
	_, err = client.Message(ctx, hello("paid"))
	require.NoError(t, err)
	_, err = client.Message(ctx, hello(""))
	requireField(t, err, "Message")
	order, err := client.CreateOrder(ctx, salebot.CreateOrderRequest{ClientID: ann, Name: "Boots"})
	require.NoError(t, err)
	require.NotZero(t, order)
	_, err = client.SetOrderState(ctx, salebot.SetOrderStateRequest{ClientID: ann, StateID: 1})
	require.NoError(t, err)
	response, err := client.Do(ctx, salebot.DoRequest{Action: "brand_new"})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.Status)
	loaded, err := client.LoadClients(ctx, []salebot.ClientToLoad{personOf(1), personOf(2)})
	require.NoError(t, err)
	require.Len(t, loaded, 2)
	require.NotZero(t, loaded[1].ID)
	_, err = client.SaveVariables(ctx, salebot.SaveVariablesRequest{ClientID: ann, Variables: map[string]any{"client.city": "Omsk"}})
	require.NoError(t, err)
	emulator.AssertVariable(t, ann, "client.city", "Kazan")
	require.Len(t, emulator.Requests(), 1)
}
