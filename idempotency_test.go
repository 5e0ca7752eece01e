package salebot_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/action"
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

// Whatever an action returns, the second call with its key returns the same and says so.
func TestIdempotencyKeyOfEveryAction(t *testing.T) {
	t.Parallel()
	kinds := map[string]bool{}
	for _, row := range action.All() {
		if row.Class != action.Once {
			continue
		}
		s := newShop(t)
		client := s.open(t, salebot.WithProjectLocation(clienttest.Moscow))
		_, err := client.CreateOrder(t.Context(), salebot.CreateOrderRequest{ClientID: ann, Name: "Boots"})
		require.NoError(t, err)
		call, key := clienttest.Scenarios[row.Name][0].Call, salebot.WithIdempotencyKey(row.Name)
		first, err := call(t.Context(), client, key)
		if err != nil {
			continue // the emulator does not have what it is about
		}
		sent := s.Calls(row.Name)
		again, err := call(t.Context(), client, key)
		require.NoError(t, err, row.Name)
		require.Equal(t, sent, s.Calls(row.Name), row.Name)
		kinds[fmt.Sprintf("%T", first)] = true
		switch again := again.(type) {
		case *salebot.Ack:
			require.True(t, again.Recorded, row.Name)
		case *salebot.SentCallbacks:
			require.True(t, again.Recorded, row.Name)
			require.Equal(t, first.(*salebot.SentCallbacks).Started, again.Started, row.Name)
		default:
			require.Equal(t, first, again, row.Name)
		}
	}
	require.Subset(t, slices.Collect(maps.Keys(kinds)), []string{"*salebot.Ack", "*salebot.SentCallbacks", "salebot.OrderID", "salebot.StateID"})
}

// Calls that may be repeated anyway take no notice of a key, and need no ledger for it.
func TestIdempotencyKeyOfOtherClasses(t *testing.T) {
	t.Parallel()
	for _, scenario := range clienttest.RepeatableCalls {
		mock := clienttest.Answering(200, `{"status":"success"}`)
		for range 2 {
			_, err := scenario.Call(t.Context(), clienttest.New(t, mock), salebot.WithIdempotencyKey("key"))
			require.NoError(t, err, scenario.Name)
		}
		require.Equal(t, 2, mock.GetTotalCallCount(), scenario.Name)
	}
}

func TestLengthOfIdempotencyKeys(t *testing.T) {
	t.Parallel()
	client := newShop(t).open(t)
	_, err := client.Message(t.Context(), hello("paid"), salebot.WithIdempotencyKey(strings.Repeat("k", 1024)))
	require.NoError(t, err)
	_, err = client.Message(t.Context(), hello("paid"), salebot.WithIdempotencyKey(strings.Repeat("k", 1025)))
	requireField(t, err, "WithIdempotencyKey")
	require.ErrorIs(t, client.ForgetWork(t.Context(), salebot.Work{Name: "notice"}), salebot.ErrInvalidRequest)
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

// A context that ends between the record and the request has sent nothing, and says so:
// the next call need not look for it.
func TestContextThatEndsAfterTheRecord(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	client := s.open(t)
	for _, opts := range [][]salebot.CallOption{{salebot.WithIdempotencyKey("order 4711")}, {salebot.WithStep("paid")}} {
		for _, given := range []bool{true, false} {
			err := client.RunOnce(t.Context(), notice("4711"), func(ctx context.Context) error {
				limited, cancel := context.WithCancel(ctx)
				defer cancel()
				if given {
					s.ledger.afterBegin = cancel
				}
				_, err := client.Message(limited, hello("paid"), opts...)
				s.ledger.afterBegin = nil
				return errors.Join(err, errNotYet)
			})
			require.ErrorIs(t, err, errNotYet)
			require.NotErrorIs(t, err, salebot.ErrOutcomeUnknown)
			require.Equal(t, given, errors.Is(err, context.Canceled))
		}
	}
	s.AssertCalls(t, "message", 2)
}

// errNotYet keeps a piece of work from being done.
var errNotYet = errors.New("not yet")

// A client that never repeats a call after a 429 leaves that to whoever has the key: the
// call was refused, so it is made when it is asked for again.
func TestIdempotencyKeyAfterARateLimit(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		never bool
		sent  []int
	}{
		"left to the caller":     {true, []int{1, 2, 2}},
		"repeated by the client": {false, []int{2, 2, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				s := newShop(t)
				client := s.open(t, salebot.WithRetryPolicy(salebot.RetryPolicy{NeverRepeatOnceAfterRateLimit: test.never}))
				s.Fail(salebottest.Fault{Action: "message", Status: http.StatusTooManyRequests})
				for i, want := range test.sent {
					answer, err := client.Message(t.Context(), hello("paid"), salebot.WithIdempotencyKey("order 4711"))
					if test.never && i == 0 {
						require.ErrorIs(t, err, salebot.ErrRateLimited)
						require.NotErrorIs(t, err, salebot.ErrOutcomeUnknown)
					} else {
						require.NoError(t, err)
						require.Equal(t, i == 2 || i == 1 && !test.never, answer.Recorded)
					}
					s.AssertCalls(t, "message", want)
				}
				require.Equal(t, []string{"paid"}, s.received(t))
			})
		})
	}
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

// A callback is found by its notice, and not taken for what the client writes.
func TestUnknownCallbackIsLookedForInTheHistory(t *testing.T) {
	t.Parallel()
	for name, executed := range map[string]bool{"executed": true, "not executed": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				s := newShop(t)
				client := s.open(t, salebot.WithHistoryDelay(20*time.Second), salebot.WithProjectLocation(time.UTC))
				call := func() (*salebot.Ack, error) {
					return client.Callback(t.Context(), salebot.CallbackRequest{ClientID: ann, Message: "paid"}, salebot.WithIdempotencyKey("order 4711"))
				}
				reset := salebottest.ResetBefore
				if executed {
					reset = salebottest.ResetAfter
				}
				s.Fail(salebottest.Fault{Action: "callback", Reset: reset})
				_, err := call()
				require.ErrorIs(t, err, salebot.ErrOutcomeUnknown)
				_, err = s.Write(ann, "paid")
				require.NoError(t, err)
				answer, err := call()
				require.NoError(t, err)
				require.Equal(t, executed, answer.Recorded)
				require.Len(t, s.Callbacks(ann), 1)
			})
		})
	}
}

// Requests that look alike in the history are told apart by what it does not show, but one
// is not found by what another one left there.
func TestUnknownAmongThoseThatLookAlike(t *testing.T) {
	t.Parallel()
	callback := func(sum int, text string) func(context.Context, *salebot.Client, salebot.CallOption) (*salebot.Ack, error) {
		return func(ctx context.Context, c *salebot.Client, key salebot.CallOption) (*salebot.Ack, error) {
			return c.Callback(ctx, salebot.CallbackRequest{ClientID: ann, Message: text, Variables: map[string]any{"sum": sum}}, key)
		}
	}
	message := func(picture, text string) func(context.Context, *salebot.Client, salebot.CallOption) (*salebot.Ack, error) {
		return func(ctx context.Context, c *salebot.Client, key salebot.CallOption) (*salebot.Ack, error) {
			return c.Message(ctx, salebot.MessageRequest{ClientID: ann, Message: text, AttachmentType: salebot.AttachmentImage, AttachmentURL: "https://example.com/" + picture}, key)
		}
	}
	for name, c := range map[string]struct {
		action   string
		one, two func(context.Context, *salebot.Client, salebot.CallOption) (*salebot.Ack, error)
	}{
		"variables":   {"callback", callback(1, "paid"), callback(2, "paid")},
		"attachments": {"message", message("1.png", "paid"), message("2.png", "paid")},
		"space":       {"message", message("1.png", "paid"), message("1.png", " paid\n")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				s := newShop(t)
				client := s.open(t, salebot.WithHistoryDelay(20*time.Second), salebot.WithProjectLocation(time.UTC))
				order1, order2 := salebot.WithIdempotencyKey("order 1"), salebot.WithIdempotencyKey("order 2")
				s.Fail(salebottest.Fault{Action: c.action, Reset: salebottest.ResetBefore})
				_, err := c.one(t.Context(), client, order1)
				require.ErrorIs(t, err, salebot.ErrOutcomeUnknown)
				_, err = c.two(t.Context(), client, order1)
				require.ErrorIs(t, err, salebot.ErrKeyReused)
				answer, err := c.two(t.Context(), client, order2)
				require.NoError(t, err)
				require.False(t, answer.Recorded)
				answer, err = c.one(t.Context(), client, order1)
				require.NoError(t, err)
				require.False(t, answer.Recorded, "the history shows the other one")
				answer, err = c.one(t.Context(), client, order1)
				require.NoError(t, err)
				require.True(t, answer.Recorded)
				s.AssertCalls(t, c.action, 3) // with the one that was cut off
			})
		})
	}
}

// A request is looked for as far back as it may stand, behind whatever was written since.
func TestUnknownIsFoundBehindManyMessages(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := newShop(t)
		client := s.open(t, salebot.WithHistoryDelay(time.Second))
		_, err := s.Write(ann, "I want to pay")
		require.NoError(t, err)
		key := salebot.WithIdempotencyKey("order 4711")
		s.Fail(salebottest.Fault{Action: "message", Reset: salebottest.ResetAfter})
		_, err = client.Message(t.Context(), hello("paid"), key)
		require.ErrorIs(t, err, salebot.ErrOutcomeUnknown)
		for range 150 {
			_, err := s.Write(ann, "and?")
			require.NoError(t, err)
		}
		answer, err := client.Message(t.Context(), hello("paid"), key)
		require.NoError(t, err)
		require.True(t, answer.Recorded)
		s.AssertCalls(t, "message", 1)
	})
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
	_, err = client.Message(t.Context(), hello("paid"), salebot.WithIdempotencyKey(strings.Repeat("k", 1025)))
	require.ErrorIs(t, err, salebot.ErrInvalidRequest)
	// The longest key, and the longest name of a step, are not too long.
	longest := strings.Repeat("k", 1024)
	for range 2 {
		_, err = client.Message(t.Context(), hello("paid"), salebot.WithIdempotencyKey(longest), salebot.WithStep(longest))
		require.NoError(t, err)
	}
	s.AssertCalls(t, "message", 1)
	// Calls that may be repeated ignore it.
	for range 2 {
		_, err = plain.SaveVariables(t.Context(), salebot.SaveVariablesRequest{ClientID: ann, Variables: map[string]any{"a": 1}}, salebot.WithIdempotencyKey("order"))
		require.NoError(t, err)
	}
	s.AssertCalls(t, "save_variables", 2)
	s.AssertCalls(t, "message", 1)

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

// Inside a transaction no call is sent, also where the context of the work around is
// used; before and after it calls are sent.
func TestCallsAreRefusedInsideATransaction(t *testing.T) {
	t.Parallel()
	memory, err := ledger.NewMemory()
	require.NoError(t, err)
	clienttest.InBubble(t, testkit.Always(testkit.Respond(200, `{"status":"success"}`)), func(t *testing.T, peer *testkit.Peer, dial func(...salebot.Option) *salebot.Client) {
		client := dial(salebot.WithLedger(memory, "shop"))
		send := func(ctx context.Context, text string) error {
			_, err := client.Message(ctx, salebot.MessageRequest{ClientID: 1, Message: text})
			return err
		}
		refused := func(err error) {
			t.Helper()
			require.ErrorIs(t, err, salebot.ErrCallsRefused)
			failure, ok := errors.AsType[*salebot.OpError](err)
			require.True(t, ok)
			require.Equal(t, salebot.OutcomeNotSent, failure.Outcome)
		}
		err := client.RunOnce(t.Context(), salebot.Work{Name: "order", Key: "1"}, func(ctx context.Context) error {
			require.NoError(t, send(ctx, "before"))
			inside, allow := salebot.RefuseCalls(ctx)
			refused(send(inside, "inside"))
			refused(send(ctx, "outside, but now"))
			refused(client.RunOnce(inside, salebot.Work{Name: "order", Key: "2"}, func(context.Context) error { return nil }))
			_, err := client.GetVariables(inside, 1)
			refused(err)
			allow()
			allow() // once more does nothing
			refused(send(inside, "still inside"))
			return send(ctx, "after")
		})
		require.NoError(t, err)
		require.NoError(t, send(t.Context(), "elsewhere"))
		sent := 0
		for _, arrival := range peer.Arrivals() {
			if strings.HasSuffix(arrival.Path, "/message") {
				sent++
			}
		}
		require.Equal(t, 3, sent)
	})
}

// A client whose ledger could never find a lost answer says so once, when it is made, and
// in the error of the request that it could not look for.
func TestLedgerThatCannotLookSaysSo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opts    []salebot.Option
		logs    bool
		advises bool
	}{
		"neither delay nor location": {nil, true, true},
		"a location":                 {[]salebot.Option{salebot.WithProjectLocation(time.UTC)}, false, true},
		"a delay":                    {[]salebot.Option{salebot.WithHistoryDelay(20 * time.Second)}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				var log bytes.Buffer
				s := newShop(t)
				plain := s.Client(t, append([]salebot.Option{salebot.WithLogger(slog.New(slog.NewTextHandler(&log, nil)))}, c.opts...)...)
				require.Empty(t, log.String(), "without a ledger there is nothing to say")
				client, err := plain.With(salebot.WithLedger(s.ledger, "shop"))
				require.NoError(t, err)
				_, err = client.With(salebot.WithoutRetries())
				require.NoError(t, err)
				s.open(t, append([]salebot.Option{salebot.WithLogger(slog.New(slog.NewTextHandler(&log, nil)))}, c.opts...)...)
				lines := 0
				if c.logs {
					lines = 2
				}
				require.Equal(t, lines, strings.Count(log.String(), `level=INFO msg="salebot ledger cannot look for a lost answer in the history" `+
					`project=shop missing="WithHistoryDelay or WithProjectLocation"`), log.String())

				s.Fail(salebottest.Fault{Action: "message", Reset: salebottest.ResetBefore})
				key := salebot.WithIdempotencyKey("order")
				_, err = client.Message(t.Context(), hello("paid"), key)
				require.ErrorIs(t, err, salebot.ErrOutcomeUnknown)
				_, err = client.Message(t.Context(), hello("paid"), key)
				if !c.advises {
					require.NoError(t, err)
					return
				}
				require.ErrorIs(t, err, salebot.ErrOutcomeUnknown)
				require.ErrorContains(t, err, "with WithHistoryDelay the client could find out")
			})
		})
	}
}
