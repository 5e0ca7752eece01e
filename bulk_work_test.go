package salebot_test

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/ledger"
	"github.com/salebot-go/salebot/salebottest"
)

// Every way in which a request can end says what became of its items.
func TestBulkOutcomes(t *testing.T) {
	t.Parallel()
	page := "<!DOCTYPE html><html></html>"
	for name, test := range map[string]struct {
		status  int
		body    string
		err     error
		outcome salebot.Outcome
		is      error
	}{
		"refused with 200":     {200, `{"status":"fail"}`, nil, salebot.OutcomeRejected, salebot.ErrRejected},
		"refused with 400":     {400, "no", nil, salebot.OutcomeRejected, salebot.ErrRejected},
		"no such client":       {404, `{"status":"client_not_found"}`, nil, salebot.OutcomeRejected, salebot.ErrClientNotFound},
		"too fast":             {429, "", nil, salebot.OutcomeRejected, salebot.ErrRateLimited},
		"server error":         {500, page, nil, salebot.OutcomeUnknown, salebot.ErrServer},
		"gateway":              {503, page, nil, salebot.OutcomeUnknown, salebot.ErrServer},
		"a page of HTML":       {200, page, nil, salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
		"truncated":            {200, `{"status":"succ`, nil, salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
		"a broken connection":  {0, "", clienttest.ErrCable, salebot.OutcomeUnknown, clienttest.ErrCable},
		"a redirect elsewhere": {302, "", nil, salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			byFunction(t, func(t *testing.T, f bulkFunction) {
				broken := []string{"1", "2", "3"}
				if f.size == 1 {
					broken = broken[:1]
				}
				s := &bulkServer{}
				s.answer = func(_ int, keys []string) (int, string, error) {
					if keys[0] == "1" {
						return test.status, test.body, test.err
					}
					return http.StatusOK, map[bool]string{true: loadedItems(keys, nil), false: "ok"}[f.name == "BulkLoadClients"], nil
				}
				items := map[string][]salebot.BulkItem{}
				n := 2 * len(broken)
				report, err := f.run(t.Context(), s.client(t), salebot.Items(clienttest.Numbered(n)), salebot.BulkOptions{
					BatchSize: len(broken), Workers: 1,
					MaxPaceWait: time.Hour, // a server that is never content
					OnItem:      func(item salebot.BulkItem) { items[item.Key] = append(items[item.Key], item) },
				})
				require.ErrorIs(t, err, salebot.ErrNotAllAccepted)
				require.Equal(t, len(broken), report.Accepted)
				require.Equal(t, n, report.Total())
				require.Len(t, report.Problems, len(broken))
				require.Len(t, items, n)
				for _, client := range clienttest.Numbered(n) {
					got := items[f.key(client)]
					require.Len(t, got, 1, "each item is reported once")
					if int(client) > len(broken) {
						require.Equal(t, salebot.OutcomeAccepted, got[0].Outcome)
						require.NoError(t, got[0].Err)
						continue
					}
					require.Equal(t, test.outcome.String(), got[0].Outcome.String())
					require.ErrorIs(t, got[0].Err, test.is)
					require.Contains(t, report.Problems, got[0])
				}
				counts := map[salebot.Outcome]int{salebot.OutcomeRejected: report.Rejected, salebot.OutcomeUnknown: report.Unknown}
				require.Equal(t, len(broken), counts[test.outcome])
			})
		})
	}
}

// Two runs with different names each reach everybody.
func TestBulkNamesTellRunsApart(t *testing.T) {
	t.Parallel()
	byFunction(t, func(t *testing.T, f bulkFunction) {
		s := &bulkServer{}
		client, _ := s.clientWithLedger(t)
		for _, name := range []string{"spring", "summer"} {
			s.batches = nil
			report, err := f.run(t.Context(), client, salebot.Items(clienttest.Numbered(5)), salebot.BulkOptions{Name: name})
			require.NoError(t, err)
			require.Equal(t, []int{5, 0}, []int{report.Accepted, report.Earlier})
			require.ElementsMatch(t, clienttest.KeysUpTo(5), s.arrived())
		}
	})
}

// An item is sent once, however often its key comes.
func TestBulkRepeatedKeys(t *testing.T) {
	t.Parallel()
	byFunction(t, func(t *testing.T, f bulkFunction) {
		s := &bulkServer{}
		client, _ := s.clientWithLedger(t)
		clients := salebot.Items(append(clienttest.Numbered(5), clienttest.Numbered(3)...))
		for run := range 2 {
			report, err := f.run(t.Context(), client, clients, salebot.BulkOptions{Name: "spring"})
			require.ErrorIs(t, err, salebot.ErrNotAllAccepted)
			require.Equal(t, []int{5, 3, 5 * run}, []int{report.Accepted, report.NotTried, report.Earlier})
			require.ElementsMatch(t, clienttest.KeysUpTo(5), s.arrived())
		}
	})
}

// Items of unknown outcome are reported and left alone, unless their repetition is
// asked for. If that ends without success they are unknown still, since the first
// send may have arrived.
func TestBulkRepeatUnknown(t *testing.T) {
	t.Parallel()
	byFunction(t, func(t *testing.T, f bulkFunction) {
		if !f.once {
			return // it may be repeated anyway
		}
		s := &bulkServer{}
		status := http.StatusBadGateway
		s.answer = func(number int, keys []string) (int, string, error) { return f.refuses("1", status)(number, keys) }
		client, _ := s.clientWithLedger(t, salebot.WithoutRetries())
		run := func(repeat bool) *salebot.BulkReport {
			s.batches = nil
			report, err := f.run(t.Context(), client, salebot.Items(clienttest.Numbered(2)),
				salebot.BulkOptions{Name: "spring", Workers: 1, BatchSize: 1, RepeatUnknown: repeat})
			require.ErrorIs(t, err, salebot.ErrNotAllAccepted)
			require.Equal(t, []int{1, 1}, []int{report.Accepted, report.Unknown})
			return report
		}
		require.Zero(t, run(false).Earlier)
		require.Equal(t, []string{"1", "2"}, s.arrived())
		run(false)
		require.NotContains(t, s.arrived(), "1")
		status = http.StatusBadRequest
		report := run(true)
		require.Equal(t, 1, report.Earlier)
		require.ErrorIs(t, report.Problems[0].Err, salebot.ErrRejected)
		require.Equal(t, []string{"1"}, s.arrived())
		run(false)
		require.NotContains(t, s.arrived(), "1", "nobody asked for a third time")
		s.answer, s.batches = nil, nil
		report, err := f.run(t.Context(), client, salebot.Items(clienttest.Numbered(2)), salebot.BulkOptions{Name: "spring", RepeatUnknown: true})
		require.NoError(t, err)
		require.Equal(t, []int{2, 1}, []int{report.Accepted, report.Earlier})
		report, err = f.run(t.Context(), client, salebot.Items(clienttest.Numbered(2)), salebot.BulkOptions{Name: "spring"})
		require.NoError(t, err)
		require.Equal(t, []int{2, 2}, []int{report.Accepted, report.Earlier})
		require.Equal(t, []string{"1"}, s.arrived())
	})
}

// A refused item is sent again by the next run.
func TestBulkContinuesWithWhatWasRefused(t *testing.T) {
	t.Parallel()
	byFunction(t, func(t *testing.T, f bulkFunction) {
		s := &bulkServer{answer: func(int, []string) (int, string, error) { return http.StatusBadRequest, "", nil }}
		client, _ := s.clientWithLedger(t)
		options := salebot.BulkOptions{Name: "spring"}
		report, err := f.run(t.Context(), client, salebot.Items(clienttest.Numbered(5)), options)
		require.ErrorIs(t, err, salebot.ErrNotAllAccepted)
		require.Equal(t, 5, report.Rejected)
		s.answer, s.batches = nil, nil
		report, err = f.run(t.Context(), client, salebot.Items(clienttest.Numbered(5)), options)
		require.NoError(t, err)
		require.Zero(t, report.Earlier)
		require.ElementsMatch(t, clienttest.KeysUpTo(5), s.arrived())
	})
}

// What an item comes to is worked out from its calls.
func TestForEachOutcomes(t *testing.T) {
	t.Parallel()
	own := errors.New("an error of the caller")
	hidden := errors.New("the caller returns no error")
	for name, test := range map[string]struct {
		// answers are those of the messages, in their order: a status, or 0 for none.
		answers []int
		err     error
		want    salebot.Outcome
	}{
		"success":                             {[]int{200}, nil, salebot.OutcomeAccepted},
		"nothing to do":                       {nil, nil, salebot.OutcomeAccepted},
		"an error before any call":            {nil, own, salebot.OutcomeNotTried},
		"refused locally":                     {nil, &salebot.InvalidRequestError{Field: "ClientID", Problem: "is required"}, salebot.OutcomeRejected},
		"refused":                             {[]int{400}, nil, salebot.OutcomeRejected},
		"refused, in the caller's words":      {[]int{400}, own, salebot.OutcomeRejected},
		"unknown":                             {[]int{502}, nil, salebot.OutcomeUnknown},
		"unknown, in the caller's words":      {[]int{502}, own, salebot.OutcomeUnknown},
		"one sent, then an error":             {[]int{200}, own, salebot.OutcomeIncomplete},
		"one sent, one refused":               {[]int{200, 400}, nil, salebot.OutcomeIncomplete},
		"one sent, one unknown":               {[]int{200, 502}, nil, salebot.OutcomeUnknown},
		"one unknown, which is looked beyond": {[]int{502, 200}, own, salebot.OutcomeUnknown},
		"one unknown, which is hidden":        {[]int{200, 502}, hidden, salebot.OutcomeUnknown},
		"one refused, which is hidden":        {[]int{200, 400}, hidden, salebot.OutcomeAccepted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &bulkServer{answer: func(number int, _ []string) (int, string, error) {
				return test.answers[number-1], map[bool]string{true: "ok"}[test.answers[number-1] == 200], nil
			}}
			client := s.client(t, salebot.WithoutRetries())
			var items []salebot.BulkItem
			report, err := salebot.ForEach(t.Context(), client, salebot.Items([]string{"a"}), salebot.BulkOptions{
				OnItem: func(item salebot.BulkItem) { items = append(items, item) },
			}, func(key string) string { return key }, func(ctx context.Context, _ string) error {
				var failed error
				for i := range test.answers {
					_, err := client.Message(ctx, salebot.MessageRequest{ClientID: 7, Message: strconv.Itoa(i)})
					failed = errors.Join(failed, err)
				}
				switch test.err {
				case nil:
					return failed
				case hidden:
					return nil
				}
				return test.err
			})
			require.Equal(t, test.want == salebot.OutcomeAccepted, err == nil)
			require.Len(t, items, 1)
			require.Equal(t, "a", items[0].Key)
			require.Equal(t, test.want, items[0].Outcome)
			require.Equal(t, 1, report.Total())
			if test.err != nil && test.err != hidden {
				require.ErrorIs(t, items[0].Err, test.err)
			}
			require.Equal(t, test.want == salebot.OutcomeUnknown, errors.Is(items[0].Err, salebot.ErrOutcomeUnknown))
		})
	}
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

// A campaign fails in the rehearsal and not in the run.
func TestForEachRehearsed(t *testing.T) {
	t.Parallel()
	emulator := salebottest.New(t, salebottest.WithPerson(salebottest.Person{ID: ann}))
	client := emulator.Client(t)
	run := func(options salebot.BulkOptions) (*salebot.BulkReport, error) {
		return salebot.ForEach(t.Context(), client, salebot.Items([]string{"hello", ""}), options,
			func(text string) string { return "item " + text },
			func(ctx context.Context, text string) error {
				_, err := client.Message(ctx, hello(text))
				return err
			})
	}
	report, err := run(salebot.BulkOptions{Rehearse: true})
	require.ErrorIs(t, err, salebot.ErrNotAllAccepted)
	require.Equal(t, []int{1, 1}, []int{report.NotTried, report.Rejected})
	for _, problem := range report.Problems {
		require.Equal(t, problem.Key == "item ", errors.Is(problem.Err, salebot.ErrInvalidRequest))
	}
	emulator.AssertCalls(t, "message", 0)
	_, err = run(salebot.BulkOptions{Rehearse: true, DryRun: true})
	requireField(t, err, "Rehearse")
}
