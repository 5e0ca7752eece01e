package salebot_test

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
	"github.com/salebot-go/salebot/ledger"
	"github.com/salebot-go/salebot/salebottest"
)

func TestBulkBatches(t *testing.T) {
	t.Parallel()
	byFunction(t, func(t *testing.T, f bulkFunction) {
		s := &bulkServer{}
		report, err := f.run(t.Context(), s.client(t), salebot.Items(clienttest.Numbered(1050)), salebot.BulkOptions{Workers: 1})
		require.NoError(t, err)
		require.Equal(t, &salebot.BulkReport{Accepted: 1050, Requests: (1050 + f.size - 1) / f.size}, report)
		require.Equal(t, clienttest.KeysUpTo(1050), s.arrived(), "all of them, in their order")
		for i, batch := range s.batches {
			if i < len(s.batches)-1 {
				require.Len(t, batch, f.size)
			}
		}
	})
}

func TestBulkOfNobody(t *testing.T) {
	t.Parallel()
	byFunction(t, func(t *testing.T, f bulkFunction) {
		s := &bulkServer{}
		report, err := f.run(t.Context(), s.client(t), salebot.Items[salebot.ClientID](nil), salebot.BulkOptions{})
		require.NoError(t, err)
		require.Equal(t, &salebot.BulkReport{}, report)
		require.Empty(t, s.batches)
	})
}

// requireCut checks that items are cut into batches completely, in their order and
// by the limit, and that no more requests are under way than there are workers.
func requireCut(t require.TestingT, n, size, workers int) {
	s := &bulkServer{delay: time.Millisecond}
	client, err := salebot.New(testkit.Key, salebot.WithTransport(clienttest.MemoryAPI(s.serve)))
	require.NoError(t, err)
	report, err := client.BulkAddToList(context.Background(), 7, salebot.Items(clienttest.Numbered(n)),
		salebot.BulkOptions{Workers: workers, BatchSize: size})
	require.NoError(t, err)
	size = map[bool]int{true: salebot.DefaultBatchSize, false: size}[size == 0]
	workers = map[bool]int{true: salebot.DefaultBulkWorkers, false: workers}[workers == 0]
	require.Equal(t, n, report.Accepted)
	require.Len(t, s.batches, (n+size-1)/size)
	require.LessOrEqual(t, s.most, workers)
	slices.SortFunc(s.batches, func(a, b []string) int { return numberOf(a[0]) - numberOf(b[0]) })
	require.Equal(t, clienttest.KeysUpTo(n), append([]string{}, slices.Concat(s.batches...)...), "each batch is a stretch of the items")
	for i, batch := range s.batches {
		require.Len(t, batch, min(size, n-i*size))
	}
}

func numberOf(key string) int {
	n, err := strconv.Atoi(key)
	if err != nil {
		panic(err)
	}
	return n
}

func TestBulkCut(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		requireCut(r, rapid.IntRange(0, 300).Draw(r, "items"), rapid.IntRange(0, 120).Draw(r, "batch"), rapid.IntRange(0, 9).Draw(r, "workers"))
	})
}

func FuzzChunk(f *testing.F) {
	f.Add(uint16(0), uint8(0), uint8(0))
	f.Add(uint16(100), uint8(100), uint8(1))
	f.Add(uint16(101), uint8(100), uint8(2))
	f.Add(uint16(7), uint8(1), uint8(255))
	f.Fuzz(func(t *testing.T, n uint16, size, workers uint8) {
		requireCut(t, int(n%1000), int(size), int(workers))
	})
}

func TestBulkWorkersAreBounded(t *testing.T) {
	t.Parallel()
	byFunction(t, func(t *testing.T, f bulkFunction) {
		for _, workers := range []int{0, 1, 3, 16} {
			s := &bulkServer{delay: time.Second}
			start := time.Now()
			options := salebot.BulkOptions{Workers: workers}
			report, err := f.run(t.Context(), s.client(t), salebot.Items(clienttest.Numbered(24*f.size)), options)
			require.NoError(t, err)
			require.Equal(t, 24, report.Requests)
			if workers == 0 {
				workers = salebot.DefaultBulkWorkers
			}
			require.Equal(t, workers, s.most)
			require.Equal(t, time.Duration((24+workers-1)/workers)*time.Second, time.Since(start))
		}
	})
}

// The pace is the client's, whatever the number of workers.
func TestBulkKeepsTheRateLimit(t *testing.T) {
	t.Parallel()
	byFunction(t, func(t *testing.T, f bulkFunction) {
		s := &bulkServer{delay: 5 * time.Second}
		client := s.client(t, salebot.WithRateLimit(10, 1))
		_, err := f.run(t.Context(), client, salebot.Items(clienttest.Numbered(30*f.size)), salebot.BulkOptions{Workers: 64})
		require.NoError(t, err)
		require.Len(t, s.times, 30)
		for i := 1; i < len(s.times); i++ {
			require.GreaterOrEqual(t, s.times[i].Sub(s.times[i-1]), 99*time.Millisecond)
		}
	})
}

// Items are read no faster than they are sent: a sequence of millions is fine.
func TestBulkReadsAsItSends(t *testing.T) {
	t.Parallel()
	byFunction(t, func(t *testing.T, f bulkFunction) {
		read := 0
		s := &bulkServer{delay: time.Second}
		s.answer = func(_ int, keys []string) (int, string, error) {
			s.mutex.Lock()
			defer s.mutex.Unlock()
			// A batch for each worker, one that waits, and the one that is gathered.
			require.LessOrEqual(t, read, (len(s.batches)+3)*f.size)
			return http.StatusOK, map[bool]string{true: loadedItems(keys, nil), false: "ok"}[f.name == "BulkLoadClients"], nil
		}
		items := func(yield func(salebot.ClientID, error) bool) {
			for _, client := range clienttest.Numbered(20 * f.size) {
				s.mutex.Lock()
				read++
				s.mutex.Unlock()
				if !yield(client, nil) {
					return
				}
			}
		}
		_, err := f.run(t.Context(), s.client(t), items, salebot.BulkOptions{Workers: 2})
		require.NoError(t, err)
	})
}

// Only a connection that was never got proves that nothing left.
func TestBulkNotTried(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		peer := &testkit.Peer{Dialed: func(context.Context, int) error { return testkit.Refused() }}
		client := clienttest.New(t, peer.Transport())
		report, err := client.BulkAddToList(t.Context(), 7, salebot.Items(clienttest.Numbered(3)), salebot.BulkOptions{})
		require.ErrorIs(t, err, salebot.ErrNotAllAccepted)
		require.Equal(t, 3, report.NotTried)
		require.Len(t, report.Problems, 3)
		require.Equal(t, salebot.OutcomeNotTried, report.Problems[0].Outcome)
		require.Equal(t, "not tried", report.Problems[0].Outcome.String())
	})
}

// A sequence that panics leaves no worker behind.
func TestBulkOverASequenceThatPanics(t *testing.T) {
	t.Parallel()
	byFunction(t, func(t *testing.T, f bulkFunction) {
		s := &bulkServer{delay: time.Second}
		require.PanicsWithValue(t, "enough", func() {
			_, _ = f.run(t.Context(), s.client(t), func(yield func(salebot.ClientID, error) bool) {
				for _, client := range clienttest.Numbered(f.size) {
					yield(client, nil)
				}
				panic("enough")
			}, salebot.BulkOptions{})
		})
		require.Zero(t, s.active)
		require.Len(t, s.arrived(), f.size)
	})
}

func TestBulkDryRun(t *testing.T) {
	t.Parallel()
	byFunction(t, func(t *testing.T, f bulkFunction) {
		s := &bulkServer{answer: f.refuses("2", http.StatusBadRequest, "3", http.StatusBadGateway)}
		client, l := s.clientWithLedger(t, salebot.WithoutRetries())
		_, err := f.run(t.Context(), client, salebot.Items(clienttest.Numbered(3)), salebot.BulkOptions{Name: "spring", BatchSize: 1})
		require.ErrorIs(t, err, salebot.ErrNotAllAccepted)
		begun := l.begun.Load()
		s.batches = nil
		var items []string
		options := salebot.BulkOptions{
			Name: "spring", DryRun: true, OnItem: func(item salebot.BulkItem) { items = append(items, item.Key) },
		}
		report, err := f.run(t.Context(), client, salebot.Items(clienttest.Numbered(10)), options)
		require.NoError(t, err)
		if f.once && f.name != "ForEach" {
			require.Equal(t, []int{1, 1, 8, 2}, []int{report.Accepted, report.Unknown, report.NotTried, report.Earlier})
		} else {
			require.Equal(t, []int{1, 9, 1}, []int{report.Accepted, report.NotTried, report.Earlier}, "it may be repeated, or asks the history first")
		}
		require.Equal(t, map[bool]int{true: 9, false: 1}[f.name == "ForEach"], report.Requests, "those that it would have made")
		require.Len(t, items, 10)
		report, err = f.run(t.Context(), client, salebot.Items(append(clienttest.Numbered(10), 0)), options)
		if f.name == "ForEach" {
			// It knows nothing of the item but its key.
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, salebot.ErrNotAllAccepted)
			require.Equal(t, 1, report.Rejected)
		}
		report, err = f.run(t.Context(), client, salebot.Items(clienttest.Numbered(1)), options)
		require.NoError(t, err)
		require.Zero(t, report.Requests, "nothing is left to send")
		require.Empty(t, s.batches, "a dry run sends nothing")
		require.Equal(t, begun, l.begun.Load(), "nor does it write anything down")
	})
}

// A read error ends the run; what was read before it is sent.
func TestBulkEndsAtAReadError(t *testing.T) {
	t.Parallel()
	byFunction(t, func(t *testing.T, f bulkFunction) {
		for _, before := range []int{0, 1, f.size, f.size + 1} {
			s := &bulkServer{}
			items := func(yield func(salebot.ClientID, error) bool) {
				for _, client := range clienttest.Numbered(before) {
					yield(client, nil)
				}
				require.False(t, yield(0, clienttest.ErrCable), "nothing is read after it")
			}
			report, err := f.run(t.Context(), s.client(t), items, salebot.BulkOptions{})
			require.ErrorIs(t, err, clienttest.ErrCable)
			require.NotErrorIs(t, err, salebot.ErrNotAllAccepted)
			require.Equal(t, before, report.Accepted)
			require.Equal(t, before, report.Total())
			require.ElementsMatch(t, clienttest.KeysUpTo(before), s.arrived())
		}
	})
}

// All clients of a project go through the iterator, also where one of its pages
// fails: then the error says where to go on.
func TestBulkOverClients(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		sent, pages := &bulkServer{}, newPageServer(clientsPager, pagedList{950, 500})
		pages.broken[1] = brokenPages[3]
		client := clienttest.New(t, clienttest.MemoryAPI(func(call clienttest.MemoryCall) (int, string, error) {
			if call.Action == "get_clients" {
				return pages.serve(call)
			}
			return sent.serve(call)
		}))
		clients := salebot.ClientIDs(client.Clients(t.Context(), salebot.ClientsRequest{}))
		report, err := client.BulkAddToList(t.Context(), 7, clients, salebot.BulkOptions{})
		failure := requirePageError(t, err, salebot.ErrRejected)
		require.Equal(t, 500, failure.Position)
		require.Equal(t, 500, report.Accepted)
		delete(pages.broken, 1)
		clients = salebot.ClientIDs(client.Clients(t.Context(), salebot.ClientsRequest{Offset: failure.Position}))
		report, err = client.BulkAddToList(t.Context(), 7, clients, salebot.BulkOptions{})
		require.NoError(t, err)
		require.Equal(t, 450, report.Accepted)
		require.ElementsMatch(t, clienttest.KeysUpTo(950), sent.arrived())
	})
}

// After a cancellation nothing more is begun, and what is under way may end.
func TestBulkDrained(t *testing.T) {
	t.Parallel()
	byFunction(t, func(t *testing.T, f bulkFunction) {
		s := &bulkServer{delay: 100 * time.Millisecond}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(250*time.Millisecond, cancel)
		report, err := f.run(ctx, s.client(t), salebot.Items(clienttest.Numbered(20*f.size)), salebot.BulkOptions{Workers: 2})
		require.ErrorIs(t, err, context.Canceled)
		require.Len(t, s.batches, 6)
		require.Equal(t, 6*f.size, report.Accepted)
		require.Zero(t, report.Unknown)
		require.Positive(t, report.NotTried)
	})
}

// What does not end in time is cut off, and unknown.
func TestBulkDrainEnds(t *testing.T) {
	t.Parallel()
	byFunction(t, func(t *testing.T, f bulkFunction) {
		s := &bulkServer{delay: 20 * time.Second}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		report, err := f.run(ctx, s.client(t), salebot.Items(clienttest.Numbered(20*f.size)), salebot.BulkOptions{Workers: 2, DrainTimeout: 3 * time.Second})
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 4*time.Second, time.Since(start))
		require.Equal(t, 2*f.size, report.Unknown)
	})
}

// What is cut off at once is unknown.
func TestBulkCancelled(t *testing.T) {
	t.Parallel()
	reason := errors.New("the working day is over")
	byFunction(t, func(t *testing.T, f bulkFunction) {
		s := &bulkServer{delay: 100 * time.Millisecond}
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(250*time.Millisecond, func() { cancel(reason) })
		client, _ := s.clientWithLedger(t)
		options := salebot.BulkOptions{Name: "spring", Workers: 2, DrainTimeout: -1}
		report, err := f.run(ctx, client, salebot.Items(clienttest.Numbered(20*f.size)), options)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, reason)
		require.Len(t, s.batches, 6)
		require.Equal(t, 4*f.size, report.Accepted)
		require.Equal(t, 2*f.size, report.Unknown)
		require.Zero(t, report.Rejected)
		require.Positive(t, report.NotTried)
		for _, problem := range report.Problems {
			require.Error(t, problem.Err)
		}
		// Going on sends what was not sent, and leaves alone what may have been.
		earlier := s.batches
		s.batches = nil
		report, err = f.run(t.Context(), client, salebot.Items(clienttest.Numbered(20*f.size)), options)
		if !f.once {
			require.NoError(t, err)
			require.Equal(t, []int{20 * f.size, 4 * f.size}, []int{report.Accepted, report.Earlier})
			return
		}
		require.ErrorIs(t, err, salebot.ErrNotAllAccepted)
		if f.name == "ForEach" {
			require.Equal(t, []int{18, 2, 4}, []int{report.Accepted, report.Unknown, report.Earlier}, "the unknown ones were looked for")
			return
		}
		require.Equal(t, []int{18 * f.size, 2 * f.size, 6 * f.size}, []int{report.Accepted, report.Unknown, report.Earlier})
		require.ElementsMatch(t, clienttest.KeysUpTo(20*f.size), slices.Concat(append(earlier, s.batches...)...), "each item once")
	})
}

// An answer that comes as the context ends is written down all the same.
func TestBulkWritesDownWhatWasAnsweredAtLast(t *testing.T) {
	t.Parallel()
	byFunction(t, func(t *testing.T, f bulkFunction) {
		ctx, cancel := context.WithCancel(t.Context())
		s := &bulkServer{}
		s.answer = func(_ int, keys []string) (int, string, error) {
			cancel()
			synctest.Wait()
			return f.accepts(keys)
		}
		client, _ := s.clientWithLedger(t)
		options := salebot.BulkOptions{Name: "spring", Workers: 1, DrainTimeout: -1}
		report, err := f.run(ctx, client, salebot.Items(clienttest.Numbered(5*f.size)), options)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, f.size, report.Accepted)
		s.answer = nil
		report, err = f.run(t.Context(), client, salebot.Items(clienttest.Numbered(f.size)), options)
		require.NoError(t, err)
		require.Equal(t, f.size, report.Earlier)
	})
}

// A run that is stopped reports each item that it has read, by its key.
func TestBulkStoppedReportsEachItemThatWasRead(t *testing.T) {
	t.Parallel()
	byFunction(t, func(t *testing.T, f bulkFunction) {
		s := &bulkServer{delay: 100 * time.Millisecond}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(250*time.Millisecond, cancel)
		var read []salebot.ClientID
		report, err := f.run(ctx, s.client(t), func(yield func(salebot.ClientID, error) bool) {
			for client, err := range salebot.Items(clienttest.Numbered(20 * f.size)) {
				read = append(read, client)
				if !yield(client, err) {
					return
				}
			}
		}, salebot.BulkOptions{Workers: 2})
		require.ErrorIs(t, err, context.Canceled)
		require.Greater(t, len(read), 6*f.size, "more was read than was sent")
		reported := map[string]bool{}
		for _, batch := range s.batches {
			for _, key := range batch {
				reported[key] = true
			}
		}
		for _, problem := range report.Problems {
			require.Equal(t, salebot.OutcomeNotTried, problem.Outcome)
			reported[problem.Key] = true
		}
		for _, client := range read {
			// A batch at the server has the clients' numbers, a report the keys of the items.
			sent := reported[strconv.Itoa(int(client))]
			require.True(t, sent || reported[f.key(client)], "item %d was read and is not reported", client)
		}
		require.Equal(t, len(read), report.Total())
	})
}

func TestBulkWithAnEndedContext(t *testing.T) {
	t.Parallel()
	byFunction(t, func(t *testing.T, f bulkFunction) {
		s := &bulkServer{}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		report, err := f.run(ctx, s.client(t), salebot.Items(clienttest.Numbered(20*f.size)), salebot.BulkOptions{})
		require.ErrorIs(t, err, context.Canceled)
		require.Empty(t, s.batches)
		require.Equal(t, report.Total(), report.NotTried)
	})
}

// A key that is refused would be refused for every further item.
func TestBulkStopsWhereTheKeyIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		body   string
		is     error
	}{
		"unknown key":     {http.StatusUnauthorized, "", salebot.ErrUnauthorized},
		"no permission":   {http.StatusForbidden, "", salebot.ErrForbidden},
		"WRONG_ACTION":    {http.StatusBadRequest, "WRONG_ACTION", salebot.ErrForbidden},
		"with status 200": {http.StatusOK, `{"status":"WRONG_ACTION"}`, salebot.ErrForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			byFunction(t, func(t *testing.T, f bulkFunction) {
				s := &bulkServer{delay: time.Second}
				s.answer = func(number int, keys []string) (int, string, error) {
					if number == 3 {
						return test.status, test.body, nil
					}
					return http.StatusOK, map[bool]string{true: loadedItems(keys, nil), false: "ok"}[f.name == "BulkLoadClients"], nil
				}
				report, err := f.run(t.Context(), s.client(t), salebot.Items(clienttest.Numbered(50*f.size)), salebot.BulkOptions{Workers: 2})
				require.ErrorIs(t, err, test.is)
				require.NotErrorIs(t, err, context.Canceled, "nobody canceled anything")
				require.LessOrEqual(t, len(s.batches), 5)
				require.Equal(t, f.size, report.Rejected)
				require.Equal(t, (len(s.batches)-1)*f.size, report.Accepted, "what was under way was not cut off")
				require.LessOrEqual(t, report.NotTried, 4*f.size)
			})
		})
	}
}

// With one worker nothing at all follows the request that was refused.
func TestBulkStopsAtOnce(t *testing.T) {
	t.Parallel()
	byFunction(t, func(t *testing.T, f bulkFunction) {
		for range 10 {
			s := &bulkServer{answer: func(int, []string) (int, string, error) { return http.StatusForbidden, "", nil }}
			// The refusal comes while a part of the next batch is read.
			items := func(yield func(salebot.ClientID, error) bool) {
				for i, client := range clienttest.Numbered(5 * f.size) {
					if i == f.size+f.size/2 {
						elapseFor(t, time.Second)
					}
					if !yield(client, nil) {
						return
					}
				}
			}
			report, err := f.run(t.Context(), s.client(t), items, salebot.BulkOptions{Workers: 1})
			require.ErrorIs(t, err, salebot.ErrForbidden)
			require.Len(t, s.batches, 1)
			require.Equal(t, f.size, report.Rejected)
			require.Equal(t, f.size, report.Total()-report.NotTried)
		}
	})
}

func TestBulkLedgerFailures(t *testing.T) {
	t.Parallel()
	byFunction(t, func(t *testing.T, f bulkFunction) {
		for name, l := range map[string]*testLedger{
			"Find": {failFind: ledger.ErrBroken}, "Begin": {failBegin: ledger.ErrBroken}, "End": {failEnd: ledger.ErrBroken},
		} {
			memory, err := ledger.NewMemory()
			require.NoError(t, err)
			l.Memory = memory
			s := &bulkServer{delay: time.Second}
			client := s.client(t, salebot.WithLedger(l, "project"))
			report, err := f.run(t.Context(), client, salebot.Items(clienttest.Numbered(50*f.size)), salebot.BulkOptions{Name: "spring", Workers: 2})
			require.ErrorIs(t, err, ledger.ErrBroken, name)
			require.NotErrorIs(t, err, context.Canceled)
			if name == "End" {
				// These have gone, and it is known.
				require.LessOrEqual(t, len(s.batches), 2)
				require.Equal(t, len(s.batches)*f.size, report.Accepted)
				continue
			}
			require.Empty(t, s.batches, "nothing is sent that could not be written down")
			require.Equal(t, report.Total(), report.NotTried)
			require.Positive(t, report.NotTried)
		}
	})
}

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

// An item whose look-up fails before anything is sent for it was not tried, also if the
// look-up was refused. A refused write decides about it.
func TestForEachWhoseFirstCallIsRefused(t *testing.T) {
	t.Parallel()
	const nobody = "client_not_found"
	for name, c := range map[string]struct {
		status int
		body   string
		first  func(context.Context, *salebot.Client) error
		want   salebot.Outcome
	}{
		"a read": {404, nobody, func(ctx context.Context, c *salebot.Client) error {
			_, err := c.GetVariables(ctx, 7)
			return err
		}, salebot.OutcomeNotTried},
		"a write of which a part is refused": {200, loadedItems([]string{"1", "2"}, map[string]string{"2": "fail"}), func(ctx context.Context, c *salebot.Client) error {
			_, err := c.LoadClients(ctx, []salebot.ClientToLoad{personOf(1), personOf(2)})
			return err
		}, salebot.OutcomeRejected},
		"a write that may be repeated": {404, nobody, func(ctx context.Context, c *salebot.Client) error {
			_, err := c.SaveVariables(ctx, salebot.SaveVariablesRequest{ClientID: 7, Variables: map[string]any{"a": 1}})
			return err
		}, salebot.OutcomeRejected},
	} {
		client := clienttest.New(t, clienttest.Answering(c.status, c.body))
		report, err := salebot.ForEach(t.Context(), client, salebot.Items([]salebot.ClientID{7}), salebot.BulkOptions{}, itself,
			func(ctx context.Context, _ salebot.ClientID) error { return c.first(ctx, client) })
		require.ErrorIs(t, err, salebot.ErrNotAllAccepted)
		require.Equal(t, c.want, report.Problems[0].Outcome, name)
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
	require.Len(t, report.Problems, 1, "what would be sent is no problem")
	require.Equal(t, "item ", report.Problems[0].Key)
	require.ErrorIs(t, report.Problems[0].Err, salebot.ErrInvalidRequest)
	emulator.AssertCalls(t, "message", 0)
	_, err = run(salebot.BulkOptions{Rehearse: true, DryRun: true})
	requireField(t, err, "Rehearse")
}

// A rehearsal knows what an earlier run has done, and calls a look-up that failed what the
// run would call it.
func TestForEachRehearsedWithALedger(t *testing.T) {
	const bob = salebot.ClientID(7002)
	t.Parallel()
	emulator := salebottest.New(t, salebottest.WithPerson(salebottest.Person{ID: ann}), salebottest.WithPerson(salebottest.Person{ID: bob}))
	records, err := ledger.NewMemory()
	require.NoError(t, err)
	client := emulator.Client(t, salebot.WithLedger(records, "shop"))
	run := func(options salebot.BulkOptions, people ...salebot.ClientID) (*salebot.BulkReport, error) {
		options.Name = "spring"
		return salebot.ForEach(t.Context(), client, salebot.Items(people), options,
			func(id salebot.ClientID) salebot.ClientID { return id },
			func(ctx context.Context, id salebot.ClientID) error {
				if _, err := client.GetVariables(ctx, id); err != nil {
					return err
				}
				_, err := client.Message(ctx, salebot.MessageRequest{ClientID: id, Message: "hello"})
				return err
			})
	}
	_, err = run(salebot.BulkOptions{}, ann)
	require.NoError(t, err)
	report, err := run(salebot.BulkOptions{Rehearse: true}, ann, bob)
	require.NoError(t, err)
	require.Equal(t, []int{1, 1, 1}, []int{report.Accepted, report.Earlier, report.NotTried})
	require.Empty(t, report.Problems)
	emulator.AssertCalls(t, "get_variables", 2)
	report, err = run(salebot.BulkOptions{Rehearse: true}, 404)
	require.ErrorIs(t, err, salebot.ErrNotAllAccepted)
	require.Equal(t, 1, report.NotTried, "nothing was refused but a look-up")
	require.ErrorIs(t, report.Problems[0].Err, salebot.ErrClientNotFound)
	emulator.AssertCalls(t, "message", 1)
}

// Only ForEach can be rehearsed. The others must not take that for leave to send.
func TestBatchesCannotBeRehearsed(t *testing.T) {
	t.Parallel()
	emulator := salebottest.New(t, salebottest.WithPerson(salebottest.Person{ID: ann}))
	_, err := emulator.Client(t).BulkDeleteClients(t.Context(), salebot.Items([]salebot.ClientID{ann}), salebot.BulkOptions{Rehearse: true})
	requireField(t, err, "Rehearse")
	emulator.AssertCalls(t, "delete_clients", 0)
}

// The error of a run tells whether something may have been executed, and not only that
// something was not.
func TestErrorOfARunInDoubt(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		fault   salebottest.Fault
		inDoubt bool
	}{
		{salebottest.Fault{Action: "message", Status: http.StatusNotFound, Body: "client_not_found"}, false},
		{salebottest.Fault{Action: "message", Reset: salebottest.ResetAfter}, true},
	} {
		emulator := salebottest.New(t, salebottest.WithPerson(salebottest.Person{ID: ann}))
		emulator.Fail(test.fault)
		client := emulator.Client(t)
		_, err := salebot.ForEach(t.Context(), client, salebot.Items([]salebot.ClientID{ann}), salebot.BulkOptions{},
			func(id salebot.ClientID) salebot.ClientID { return id },
			func(ctx context.Context, id salebot.ClientID) error {
				_, err := client.Message(ctx, salebot.MessageRequest{ClientID: id, Message: "hello"})
				return err
			})
		require.ErrorIs(t, err, salebot.ErrNotAllAccepted)
		require.Equal(t, test.inDoubt, errors.Is(err, salebot.ErrOutcomeUnknown), "%v", err)
	}
}
