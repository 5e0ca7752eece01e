package salebot_test

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"sync"
	"sync/atomic"
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

// ann is the person whom the tests of the ledger write to.
const ann = salebot.ClientID(25554)

func hello(text string) salebot.MessageRequest {
	return salebot.MessageRequest{ClientID: ann, Message: text}
}

// shop is an emulator together with a ledger; each client is a process of its own.
type shop struct {
	*salebottest.Emulator
	ledger *testLedger
}

func newShop(t testing.TB) *shop {
	t.Helper()
	return &shop{salebottest.New(t, salebottest.WithPerson(salebottest.Person{ID: ann, Name: "Ann"})), newTestLedger(t)}
}

func (s *shop) open(t testing.TB, opts ...salebot.Option) *salebot.Client {
	t.Helper()
	return s.Client(t, append([]salebot.Option{salebot.WithLedger(s.ledger, "shop")}, opts...)...)
}

func TestIdempotencyKeySendsOnce(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	client := s.open(t)
	for i := range 3 {
		answer, err := client.Message(t.Context(), hello("paid"), salebot.WithIdempotencyKey("order 4711"))
		require.NoError(t, err)
		require.Equal(t, i > 0, answer.Recorded)
	}
	_, err := s.open(t).Message(t.Context(), hello("paid"), salebot.WithIdempotencyKey("order 4712"))
	require.NoError(t, err)
	s.AssertCalls(t, "message", 2)
}

// A recorded answer has the numbers that the first one had.
func TestIdempotencyKeyReturnsTheFirstNumbers(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	client := s.open(t)
	key := salebot.WithIdempotencyKey("order 4711")
	first, err := client.CreateOrder(t.Context(), salebot.CreateOrderRequest{ClientID: ann, Name: "Boots"}, key)
	require.NoError(t, err)
	require.NotZero(t, first)
	again, err := client.CreateOrder(t.Context(), salebot.CreateOrderRequest{ClientID: ann, Name: "Boots"}, key)
	require.NoError(t, err)
	require.Equal(t, first, again)
	s.AssertCalls(t, "create_order", 1)
}

func TestIdempotencyKeyOfAnotherRequest(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	client := s.open(t)
	key := salebot.WithIdempotencyKey("order 4711")
	_, err := client.Message(t.Context(), hello("paid"), key)
	require.NoError(t, err)
	for name, call := range map[string]func() error{
		"another text": func() error { _, err := client.Message(t.Context(), hello("shipped"), key); return err },
		"another person": func() error {
			_, err := client.Message(t.Context(), salebot.MessageRequest{ClientID: 5, Message: "paid"}, key)
			return err
		},
		"another action": func() error {
			_, err := client.Callback(t.Context(), salebot.CallbackRequest{ClientID: ann, Message: "paid"}, key)
			return err
		},
	} {
		err := call()
		require.ErrorIs(t, err, salebot.ErrKeyReused, name)
		require.NotErrorIs(t, err, salebot.ErrOutcomeUnknown, name)
	}
	// When it is to be sent is no part of the request.
	later := hello("paid")
	later.After = time.Hour
	answer, err := client.Message(t.Context(), later, key)
	require.NoError(t, err)
	require.True(t, answer.Recorded)
	s.AssertCalls(t, "message", 1)
}

// A request that was refused, or did not leave, is sent when it is made again.
func TestIdempotencyKeyAfterARefusal(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	client := s.open(t, salebot.WithoutRetries())
	key := salebot.WithIdempotencyKey("order 4711")
	s.Fail(salebottest.Fault{Action: "message", Status: 400, Body: `{"status":"fail"}`})
	_, err := client.Message(t.Context(), hello("paid"), key)
	require.ErrorIs(t, err, salebot.ErrRejected)
	answer, err := client.Message(t.Context(), hello("paid"), key)
	require.NoError(t, err)
	require.False(t, answer.Recorded)
	s.AssertCalls(t, "message", 2)
	require.Len(t, s.History(ann), 1)
}

// A request that may have been executed is looked for in the history: it is there.
func TestUnknownIsFoundInTheHistory(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]salebot.Option{
		"by Salebot's clock":    {salebot.WithProjectLocation(time.UTC)},
		"by the newest message": {salebot.WithHistoryDelay(time.Minute)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				s := newShop(t)
				client := s.open(t, opts...)
				_, err := client.Message(t.Context(), hello("paid"))
				require.NoError(t, err, "the same text went out before, without a key")
				elapseHere(t, time.Minute)
				_, err = client.GetVariables(t.Context(), ann) // tells the clock
				require.NoError(t, err)
				key := salebot.WithIdempotencyKey("order 4711")
				s.Fail(salebottest.Fault{Action: "message", Reset: salebottest.ResetAfter})
				_, err = client.Message(t.Context(), hello("paid"), key)
				require.ErrorIs(t, err, salebot.ErrOutcomeUnknown)
				answer, err := client.Message(t.Context(), hello("paid"), key)
				require.NoError(t, err)
				require.True(t, answer.Recorded)
				s.AssertCalls(t, "message", 2)
				require.Len(t, s.History(ann), 2)
			})
		})
	}
}

// It is not there: without the time that Salebot takes that proves nothing.
func TestUnknownIsNotInTheHistory(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opts []salebot.Option
		sent bool
	}{
		"the time is not known": {[]salebot.Option{salebot.WithProjectLocation(time.UTC)}, false},
		"the time is known":     {[]salebot.Option{salebot.WithHistoryDelay(20 * time.Second)}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				s := newShop(t)
				client := s.open(t, c.opts...)
				_, err := client.Message(t.Context(), hello("paid"))
				require.NoError(t, err, "the same text went out before, without a key")
				elapseHere(t, time.Minute)
				_, err = client.GetVariables(t.Context(), ann)
				require.NoError(t, err)
				key := salebot.WithIdempotencyKey("order 4711")
				s.Fail(salebottest.Fault{Action: "message", Reset: salebottest.ResetBefore})
				_, err = client.Message(t.Context(), hello("paid"), key)
				require.ErrorIs(t, err, salebot.ErrOutcomeUnknown)
				start := time.Now()
				answer, err := client.Message(t.Context(), hello("paid"), key)
				if !c.sent {
					require.ErrorIs(t, err, salebot.ErrOutcomeUnknown)
					require.Len(t, s.History(ann), 1)
					s.AssertCalls(t, "message", 2)
					return
				}
				require.NoError(t, err)
				require.False(t, answer.Recorded)
				require.GreaterOrEqual(t, time.Since(start), 20*time.Second, "it waited for the history")
				require.Len(t, s.History(ann), 2)
			})
		})
	}
}

// A request with a schedule, or whose text the flow rewrites, is never found missing.
func TestUnknownThatTheHistoryCannotTell(t *testing.T) {
	t.Parallel()
	later := hello("paid")
	later.After = time.Hour
	for name, request := range map[string]salebot.MessageRequest{
		"scheduled": later, "rewritten": hello("Dear #{name}"), "no text": {ClientID: ann, BlockID: 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				s := newShop(t)
				client := s.open(t, salebot.WithHistoryDelay(20*time.Second))
				s.Fail(salebottest.Fault{Action: "message", Reset: salebottest.ResetBefore})
				key := salebot.WithIdempotencyKey("order 4711")
				for range 2 {
					_, err := client.Message(t.Context(), request, key)
					require.ErrorIs(t, err, salebot.ErrOutcomeUnknown)
				}
				s.AssertCalls(t, "message", 1)
			})
		})
	}
}

// Two equal requests at once of which the history shows one cannot be told apart. One
// after the other they can.
func TestUnknownThatCannotBeToldApart(t *testing.T) {
	t.Parallel()
	for name, atOnce := range map[string]bool{"at once": true, "one after the other": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				s := newShop(t)
				client := s.open(t, salebot.WithHistoryDelay(20*time.Second))
				// Both look at the history before either of them sends.
				s.Fail(salebottest.Fault{Action: "get_history", Delay: time.Second, Times: 2},
					salebottest.Fault{Action: "message", Reset: salebottest.ResetAfter},
					salebottest.Fault{Action: "message", Reset: salebottest.ResetBefore})
				var group sync.WaitGroup
				send := func(key string) (err error) {
					_, err = client.Message(t.Context(), hello("paid"), salebot.WithIdempotencyKey(key))
					return err
				}
				for _, key := range []string{"one", "two"} {
					group.Go(func() {
						if err := send(key); !errors.Is(err, salebot.ErrOutcomeUnknown) {
							t.Error(err)
						}
					})
					if !atOnce {
						group.Wait()
					}
				}
				group.Wait()
				require.Len(t, s.History(ann), 1)
				for _, key := range []string{"one", "two"} {
					err := send(key)
					require.Equal(t, atOnce, errors.Is(err, salebot.ErrOutcomeUnknown), "%s: %v", key, err)
				}
				s.AssertCalls(t, "message", map[bool]int{true: 2, false: 3}[atOnce])
			})
		})
	}
}

// Of two calls with a key at once one is made, and both get its answer: in one process
// and in two.
func TestIdempotencyKeyAtOnce(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := newShop(t)
		s.Fail(salebottest.Fault{Action: "create_order", Delay: 3 * time.Second, Times: salebottest.Always})
		client := s.open(t)
		var group sync.WaitGroup
		var mutex sync.Mutex
		seen := map[salebot.OrderID]int{}
		for range 8 {
			group.Go(func() {
				id, err := client.CreateOrder(t.Context(), salebot.CreateOrderRequest{ClientID: ann, Name: "Boots"}, salebot.WithIdempotencyKey("order"))
				if err != nil {
					t.Error(err)
				}
				mutex.Lock()
				seen[id]++
				mutex.Unlock()
			})
		}
		group.Wait()
		require.Len(t, seen, 1)
		require.NotContains(t, seen, salebot.OrderID(0))
		s.AssertCalls(t, "create_order", 1)

		// One that does not want to wait for so long is told.
		go func() {
			_, _ = client.Message(t.Context(), hello("slow"), salebot.WithIdempotencyKey("slow"))
		}()
		s.Fail(salebottest.Fault{Action: "message", Delay: 10 * time.Second})
		synctest.Wait()
		elapseHere(t, time.Second)
		_, err := client.Message(t.Context(), hello("slow"), salebot.WithIdempotencyKey("slow"), salebot.WithTimeout(time.Second))
		require.ErrorIs(t, err, salebot.ErrInProgress)
		require.ErrorIs(t, err, salebot.ErrOutcomeUnknown)
		elapseHere(t, time.Minute)
	})
}

// Wrong uses of keys are refused before anything is sent.
func TestIdempotencyKeysAreChecked(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	plain := s.Client(t)
	_, err := plain.Message(t.Context(), hello("paid"), salebot.WithIdempotencyKey("order"))
	require.ErrorIs(t, err, salebot.ErrInvalidRequest)
	require.ErrorContains(t, err, "ledger")
	client := s.open(t)
	for _, key := range []string{"", " ", string(make([]byte, 2000))} {
		_, err := client.Message(t.Context(), hello("paid"), salebot.WithIdempotencyKey(key))
		require.ErrorIs(t, err, salebot.ErrInvalidRequest)
		_, err = client.Message(t.Context(), hello("paid"), salebot.WithStep(key))
		require.ErrorIs(t, err, salebot.ErrInvalidRequest)
	}
	// Calls that may be repeated ignore it.
	for range 2 {
		_, err = plain.SaveVariables(t.Context(), salebot.SaveVariablesRequest{ClientID: ann, Variables: map[string]any{"a": 1}}, salebot.WithIdempotencyKey("order"))
		require.NoError(t, err)
	}
	s.AssertCalls(t, "save_variables", 2)
	s.AssertCalls(t, "message", 0)

	for name, opts := range map[string][]salebot.Option{
		"WithLedger":       {salebot.WithLedger(nil, "shop")},
		"WithLedger, name": {salebot.WithLedger(s.ledger, " ")},
		"WithLedgerSecret": {salebot.WithLedgerSecret([]byte("short"))},
		"WithSendWindow":   {salebot.WithSendWindow(0)},
		"WithHistoryDelay": {salebot.WithHistoryDelay(-1)},
	} {
		_, err := salebot.New("key", opts...)
		require.Error(t, err, name)
	}
}

// A ledger that cannot be used keeps the request from being sent.
func TestUnusableLedgers(t *testing.T) {
	t.Parallel()
	closed, err := ledger.NewMemory()
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	other := newTestLedger(t)
	_, err = other.Bind(t.Context(), "another project")
	require.NoError(t, err)
	for want, l := range map[error]ledger.Ledger{
		ledger.ErrClosed:       closed,
		ledger.ErrOtherProject: other,
		clienttest.ErrCable:    &testLedger{Memory: newTestLedger(t).Memory, failBegin: clienttest.ErrCable},
		errFind:                &testLedger{Memory: newTestLedger(t).Memory, failFind: errFind},
	} {
		s := newShop(t)
		client := s.Client(t, salebot.WithLedger(l, "shop"))
		_, err := client.Message(t.Context(), hello("paid"), salebot.WithIdempotencyKey("order"))
		require.ErrorIs(t, err, want)
		require.NotErrorIs(t, err, salebot.ErrOutcomeUnknown)
		err = client.RunOnce(t.Context(), salebot.Work{Name: "n", Key: "k"}, func(context.Context) error { return nil })
		require.ErrorIs(t, err, want)
		s.AssertCalls(t, "message", 0)
	}
}

var errFind = errors.New("the ledger cannot be read")

// What cannot be recorded after a call is no failure of the call, and the key is not
// used a second time.
func TestEndThatCannotBeRecorded(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := newShop(t)
		s.ledger.failEnd = clienttest.ErrCable
		client := s.open(t)
		key := salebot.WithIdempotencyKey("order")
		_, err := client.Message(t.Context(), hello("paid"), key)
		require.NoError(t, err)
		_, err = client.Message(t.Context(), hello("paid"), key)
		require.ErrorIs(t, err, salebot.ErrInProgress)
		s.AssertCalls(t, "message", 1)
	})
}

// A holder that wakes after its moment does not send.
func TestNothingIsSentAfterTheSendWindow(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := newShop(t)
		slow := &slowLedger{Ledger: s.ledger, delay: time.Minute}
		client := s.Client(t, salebot.WithLedger(slow, "shop"), salebot.WithTimeout(time.Hour))
		_, err := client.Message(t.Context(), hello("paid"), salebot.WithIdempotencyKey("order"))
		require.ErrorContains(t, err, "ledger")
		require.NotErrorIs(t, err, salebot.ErrOutcomeUnknown)
		s.AssertCalls(t, "message", 0)

		// What was not sent is sent once the ledger is fast enough.
		slow.calls.Store(100)
		_, err = client.Message(t.Context(), hello("paid"), salebot.WithIdempotencyKey("order"))
		require.NoError(t, err)
		s.AssertCalls(t, "message", 1)
	})
}

// slowLedger takes long for its first records.
type slowLedger struct {
	ledger.Ledger

	delay time.Duration
	calls atomic.Int64
}

func (l *slowLedger) Begin(ctx context.Context, records ...ledger.Record) ([]ledger.Record, error) {
	if l.calls.Add(1) <= 3 {
		if err := clienttest.Elapse(ctx, l.delay); err != nil {
			return nil, err
		}
	}
	return l.Ledger.Begin(ctx, records...)
}

// A call that was made before the key was forgotten is made again.
func TestKeysPastTheirTimeAreNew(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		memory, err := ledger.NewMemory(ledger.WithRetention(24 * time.Hour))
		require.NoError(t, err)
		s := newShop(t)
		client := s.Client(t, salebot.WithLedger(memory, "shop"))
		key := salebot.WithIdempotencyKey("reminder")
		for range 2 {
			_, err = client.Message(t.Context(), hello("hi"), key)
			require.NoError(t, err)
		}
		elapseHere(t, 25*time.Hour)
		_, err = client.Message(t.Context(), hello("hi"), key)
		require.NoError(t, err)
		s.AssertCalls(t, "message", 2)
	})
}

// elapseHere lets virtual time pass.
func elapseHere(t testing.TB, d time.Duration) {
	t.Helper()
	require.NoError(t, clienttest.Elapse(t.Context(), d))
}

// A connection that takes longer than the send window is not used: the record is
// written again first.
func TestSlowConnectionsAreNotUsed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opts []salebot.Option
		sent int
	}{
		"the call is repeated": {nil, 1},
		"it is not":            {[]salebot.Option{salebot.WithoutRetries()}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				peer := &testkit.Peer{
					Dialed: func(ctx context.Context, number int) error {
						if number == 1 {
							return clienttest.Elapse(ctx, 10*time.Second)
						}
						return nil
					},
					Answer: func(int, *http.Request) testkit.Answer { return testkit.Respond(http.StatusOK, "ok") },
				}
				l := newTestLedger(t)
				opts := append([]salebot.Option{salebot.WithLedger(l, "shop")}, c.opts...)
				client := clienttest.New(t, peer.Transport(), opts...)
				_, err := client.Message(t.Context(), hello("paid"), salebot.WithIdempotencyKey("order"))
				require.Equal(t, c.sent == 1, err == nil, "%v", err)
				require.Len(t, peer.Arrivals(), c.sent)
				if err != nil {
					clienttest.RequireOutcome(t, err, salebot.OutcomeNotSent)
				}
				client.CloseIdleConnections()
			})
		})
	}
}

// A history that lags as long as the user said never leads to a second message. One
// that lags longer does: that is what the user vouches for.
func TestHistoryThatLags(t *testing.T) {
	t.Parallel()
	const stated = 20 * time.Second
	for name, c := range map[string]struct {
		lag  time.Duration
		want int
	}{
		"not at all": {0, 1}, "less than stated": {10 * time.Second, 1}, "as stated": {stated, 1}, "longer than stated": {2 * time.Minute, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				s := &shop{salebottest.New(t, salebottest.WithPerson(salebottest.Person{ID: ann}),
					salebottest.WithAnswers(salebottest.Answers{HistoryDelay: c.lag})), newTestLedger(t)}
				client := s.open(t, salebot.WithHistoryDelay(stated))
				s.Fail(salebottest.Fault{Action: "message", Reset: salebottest.ResetAfter})
				key := salebot.WithIdempotencyKey("order")
				_, err := client.Message(t.Context(), hello("paid"), key)
				require.ErrorIs(t, err, salebot.ErrOutcomeUnknown)
				_, err = client.Message(t.Context(), hello("paid"), key)
				require.NoError(t, err)
				s.AssertCalls(t, "message", c.want)
			})
		})
	}
}

// The error of a look-up that failed tells that the call may have been executed.
func TestUnknownThatCannotBeLookedUp(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := newShop(t)
		client := s.open(t, salebot.WithHistoryDelay(20*time.Second))
		key := salebot.WithIdempotencyKey("order")
		s.Fail(salebottest.Fault{Action: "message", Reset: salebottest.ResetAfter})
		_, err := client.Message(t.Context(), hello("paid"), key)
		require.ErrorIs(t, err, salebot.ErrOutcomeUnknown)
		s.Fail(salebottest.Fault{Action: "get_history", Status: 400, Body: `{"status":"fail"}`})
		_, err = client.Message(t.Context(), hello("paid"), key)
		require.ErrorIs(t, err, salebot.ErrOutcomeUnknown)
		require.ErrorContains(t, err, "may have been executed")
		_, err = client.Message(t.Context(), hello("paid"), key)
		require.NoError(t, err)
		s.AssertCalls(t, "message", 1)
	})
}

// A history that was cleared since proves nothing.
func TestUnknownAfterTheHistoryWasCleared(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := newShop(t)
		client := s.open(t, salebot.WithHistoryDelay(20*time.Second))
		_, err := client.Message(t.Context(), hello("welcome"))
		require.NoError(t, err)
		key := salebot.WithIdempotencyKey("order")
		s.Fail(salebottest.Fault{Action: "message", Reset: salebottest.ResetAfter})
		_, err = client.Message(t.Context(), hello("paid"), key)
		require.ErrorIs(t, err, salebot.ErrOutcomeUnknown)
		_, err = client.ClearHistory(t.Context(), ann)
		require.NoError(t, err)
		_, err = client.Message(t.Context(), hello("paid"), key)
		require.ErrorIs(t, err, salebot.ErrOutcomeUnknown)
		s.AssertCalls(t, "message", 2)
	})
}

// Do returns what is recorded of the answer, and not an empty one.
func TestIdempotencyKeyOfDo(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	client := s.open(t)
	for range 2 {
		response, err := client.Do(t.Context(), salebot.DoRequest{
			Action: "message", Body: map[string]any{"client_id": ann, "message": "paid"},
		}, salebot.WithIdempotencyKey("order"))
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, response.Status)
	}
	s.AssertCalls(t, "message", 1)
}

// A name of a run that was used for something else says nothing of this run.
func TestBulkNameUsedForAnotherRequest(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	client := s.open(t)
	options := salebot.BulkOptions{Name: "spring"}
	people := func() iter.Seq2[salebot.ClientID, error] { return salebot.Items([]salebot.ClientID{ann}) }
	_, err := client.BulkSaveVariables(t.Context(), map[string]any{"a": 1}, people(), options)
	require.NoError(t, err)
	_, err = client.BulkSaveVariables(t.Context(), map[string]any{"a": 1}, people(), options)
	require.NoError(t, err)
	s.AssertCalls(t, "save_variables", 1)
	_, err = client.BulkSaveVariables(t.Context(), map[string]any{"a": 2}, people(), options)
	require.ErrorIs(t, err, salebot.ErrNameReused)
	_, err = salebot.ForEach(t.Context(), client, people(), options, func(id salebot.ClientID) salebot.ClientID { return id },
		func(ctx context.Context, _ salebot.ClientID) error { return texts(client, "hi")(ctx) })
	require.ErrorIs(t, err, salebot.ErrNameReused)
	s.AssertCalls(t, "save_variables", 1)
	s.AssertCalls(t, "message", 0)
}

// Of a batch whose process dies between the answer and its record, nothing is called
// done that was refused.
func TestBatchThatDiesBeforeItsItemsAreRecorded(t *testing.T) {
	t.Parallel()
	mock := clienttest.Answering(http.StatusOK, `[{"status":"success","client_id":1,"platform_id":"1"},{"status":"error","platform_id":"2"}]`)
	l := newTestLedger(t)
	people := []salebot.ClientToLoad{salebot.TelegramUser("1", "bot"), salebot.TelegramUser("2", "bot")}
	run := func(l ledger.Ledger) *salebot.BulkReport {
		client := clienttest.New(t, mock, salebot.WithLedger(l, "shop"))
		report, _ := client.BulkLoadClients(t.Context(), salebot.Items(people), salebot.BulkOptions{Name: "import"})
		return report
	}
	require.Equal(t, 1, run(&dyingLedger{testLedger: l}).Rejected)
	mock.RegisterNoResponder(clienttest.Answer(http.StatusOK, `[{"status":"success","client_id":2,"platform_id":"2"}]`))
	report := run(l)
	require.Equal(t, 2, report.Accepted, "what was accepted is known, and what was refused is tried again: %+v", report)
	require.Equal(t, 2, mock.GetTotalCallCount())
}

// dyingLedger records one end only.
type dyingLedger struct {
	*testLedger

	ends atomic.Int64
}

func (l *dyingLedger) End(ctx context.Context, records ...ledger.Record) ([]ledger.Record, error) {
	if l.ends.Add(1) > 1 {
		return nil, clienttest.ErrCable
	}
	return l.testLedger.End(ctx, records...)
}

// The calls of a hook are not those of the batch that it watches.
func TestHooksOfABatchMakeCallsOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	var client *salebot.Client
	hook := salebot.Hook{Before: func(ctx context.Context, a salebot.Attempt) context.Context {
		if a.Action == "add_to_list" {
			if _, err := client.Message(ctx, hello("a list grows"), salebot.WithIdempotencyKey("grows")); err != nil {
				t.Error(err)
			}
		}
		return ctx
	}}
	client = s.open(t, salebot.WithHook(hook))
	report, err := client.BulkAddToList(t.Context(), 5, salebot.Items([]salebot.ClientID{ann, ann + 1}), salebot.BulkOptions{Name: "list", BatchSize: 1, Workers: 1})
	require.Equal(t, []string{"a list grows"}, s.received(t))
	require.Equal(t, 2, report.Total(), "%v", err)
	require.Zero(t, report.Unknown, "%+v", report)
	require.Zero(t, report.NotTried, "%+v", report)
}
