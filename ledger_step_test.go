package salebot_test

import (
	"context"
	"errors"
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
