package salebot_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
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
)

// bulkServer takes the requests of bulk runs and remembers which items came.
type bulkServer struct {
	// delay is how long a request takes.
	delay time.Duration
	// answer decides about a request, counted from 1; nil accepts all.
	answer func(number int, keys []string) (status int, body string, err error)

	mutex        sync.Mutex
	batches      [][]string
	bodies       []string
	times        []time.Time
	active, most int
}

func (s *bulkServer) serve(call clienttest.MemoryCall) (status int, body string, err error) {
	keys := clienttest.ItemKeys(call)
	s.mutex.Lock()
	s.batches = append(s.batches, keys)
	s.bodies = append(s.bodies, string(call.Body))
	s.times = append(s.times, time.Now())
	number := len(s.batches)
	s.active++
	s.most = max(s.most, s.active)
	s.mutex.Unlock()
	if s.delay > 0 {
		err = clienttest.Elapse(call.Ctx, s.delay)
	}
	s.mutex.Lock()
	s.active--
	s.mutex.Unlock()
	switch {
	case err != nil:
		return 0, "", err
	case s.answer != nil:
		return s.answer(number, keys)
	case call.Action == "load_clients":
		return http.StatusOK, loadedItems(keys, nil), nil
	}
	return http.StatusOK, "ok", nil
}

// loadedItems answers load_clients: the id of a client is that of the person and
// a million. The refused ones have another status.
func loadedItems(keys []string, refused map[string]string) string {
	items := make([]string, len(keys))
	for i, key := range keys {
		items[i] = fmt.Sprintf(`{"platform_id":%q,"group_id":"bot","client_type":1,"status":"success","id":1%06s}`, key+"@x", key)
		if status, ok := refused[key]; ok {
			items[i] = fmt.Sprintf(`{"platform_id":%q,"status":%q}`, key, status)
		}
	}
	return `{"status":"success","items":[` + strings.Join(items, ",") + `]}`
}

// arrived lists the items in the order in which they came.
func (s *bulkServer) arrived() []string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return slices.Concat(s.batches...)
}

// mapped turns the items of a sequence into others.
func mapped[A, B any](items iter.Seq2[A, error], convert func(A) B) iter.Seq2[B, error] {
	if items == nil {
		return nil
	}
	return func(yield func(B, error) bool) {
		for item, err := range items {
			if !yield(convert(item), err) {
				return
			}
		}
	}
}

// bulkRun runs one of the bulk functions over clients.
type bulkRun func(ctx context.Context, c *salebot.Client, clients iter.Seq2[salebot.ClientID, error], options salebot.BulkOptions) (*salebot.BulkReport, error)

// bulkFunction is a bulk function as the tests of all of them see it.
type bulkFunction struct {
	name string
	// size is its standard batch, most the largest one, 0 if there is no bound.
	size, most int
	run        bulkRun
	// key is the key of the item of a client.
	key func(salebot.ClientID) string
	// wrong makes a request that no item can be sent with; field is what is wrong.
	wrong bulkRun
	field string
	// once says that its requests must not be executed twice.
	once bool
}

func itself(client salebot.ClientID) salebot.ClientID { return client }

func plainKey(client salebot.ClientID) string { return strconv.Itoa(int(client)) }

var bulkFunctions = []bulkFunction{
	{
		name: "BulkAddToList", once: true, size: 100, key: plainKey,
		run: func(ctx context.Context, c *salebot.Client, clients iter.Seq2[salebot.ClientID, error], o salebot.BulkOptions) (*salebot.BulkReport, error) {
			return c.BulkAddToList(ctx, 7, clients, o)
		},
		field: "ListID",
		wrong: func(ctx context.Context, c *salebot.Client, clients iter.Seq2[salebot.ClientID, error], o salebot.BulkOptions) (*salebot.BulkReport, error) {
			return c.BulkAddToList(ctx, 0, clients, o)
		},
	},
	{
		name: "BulkRemoveFromList", once: true, size: 100, key: plainKey,
		run: func(ctx context.Context, c *salebot.Client, clients iter.Seq2[salebot.ClientID, error], o salebot.BulkOptions) (*salebot.BulkReport, error) {
			return c.BulkRemoveFromList(ctx, 7, clients, o)
		},
		field: "ListID",
		wrong: func(ctx context.Context, c *salebot.Client, clients iter.Seq2[salebot.ClientID, error], o salebot.BulkOptions) (*salebot.BulkReport, error) {
			return c.BulkRemoveFromList(ctx, -1, clients, o)
		},
	},
	{
		name: "BulkDeleteClients", size: 500, most: 500, key: plainKey,
		run: func(ctx context.Context, c *salebot.Client, clients iter.Seq2[salebot.ClientID, error], o salebot.BulkOptions) (*salebot.BulkReport, error) {
			return c.BulkDeleteClients(ctx, clients, o)
		},
		field: "WithTimeout",
		wrong: func(ctx context.Context, c *salebot.Client, clients iter.Seq2[salebot.ClientID, error], o salebot.BulkOptions) (*salebot.BulkReport, error) {
			return c.BulkDeleteClients(ctx, clients, o, salebot.WithTimeout(-1))
		},
	},
	{
		name: "BulkSaveVariables", size: 100, key: plainKey,
		run: func(ctx context.Context, c *salebot.Client, clients iter.Seq2[salebot.ClientID, error], o salebot.BulkOptions) (*salebot.BulkReport, error) {
			return c.BulkSaveVariables(ctx, map[string]any{"a": 1}, clients, o)
		},
		field: `Variables["a"]`,
		wrong: func(ctx context.Context, c *salebot.Client, clients iter.Seq2[salebot.ClientID, error], o salebot.BulkOptions) (*salebot.BulkReport, error) {
			return c.BulkSaveVariables(ctx, map[string]any{"a": func() {}}, clients, o)
		},
	},
	{
		name: "BulkLoadClients", size: 100, key: func(client salebot.ClientID) string { return fmt.Sprintf("1/bot/%d", client) },
		run: func(ctx context.Context, c *salebot.Client, clients iter.Seq2[salebot.ClientID, error], o salebot.BulkOptions) (*salebot.BulkReport, error) {
			return c.BulkLoadClients(ctx, mapped(clients, personOf), o)
		},
		field: "WithTimeout",
		wrong: func(ctx context.Context, c *salebot.Client, clients iter.Seq2[salebot.ClientID, error], o salebot.BulkOptions) (*salebot.BulkReport, error) {
			return c.BulkLoadClients(ctx, mapped(clients, personOf), o, salebot.WithTimeout(-1))
		},
	},
	{
		name: "BulkSendCallbackByPlatformID", once: true, size: 300, most: 300, key: plainKey,
		run: func(ctx context.Context, c *salebot.Client, clients iter.Seq2[salebot.ClientID, error], o salebot.BulkOptions) (*salebot.BulkReport, error) {
			return c.BulkSendCallbackByPlatformID(ctx, salebot.SendCallbackByPlatformIDRequest{CallbackText: "start"}, mapped(clients, platformOf), o)
		},
		field: "CallbackText",
		wrong: func(ctx context.Context, c *salebot.Client, clients iter.Seq2[salebot.ClientID, error], o salebot.BulkOptions) (*salebot.BulkReport, error) {
			return c.BulkSendCallbackByPlatformID(ctx, salebot.SendCallbackByPlatformIDRequest{}, mapped(clients, platformOf), o)
		},
	},
	{
		name: "ForEach", once: true, size: 1, most: 1, key: plainKey,
		run: func(ctx context.Context, c *salebot.Client, clients iter.Seq2[salebot.ClientID, error], o salebot.BulkOptions) (*salebot.BulkReport, error) {
			return salebot.ForEach(ctx, c, clients, o, itself, func(ctx context.Context, client salebot.ClientID) error {
				_, err := c.Message(ctx, salebot.MessageRequest{ClientID: client, Message: "Hello"})
				return err
			})
		},
		field: "ctx, items, key and send",
		wrong: func(ctx context.Context, c *salebot.Client, clients iter.Seq2[salebot.ClientID, error], o salebot.BulkOptions) (*salebot.BulkReport, error) {
			return salebot.ForEach(ctx, c, clients, o, itself, nil)
		},
	},
}

func platformOf(client salebot.ClientID) salebot.PlatformID {
	if client == 0 {
		return ""
	}
	return salebot.PlatformID(plainKey(client))
}

func personOf(client salebot.ClientID) salebot.ClientToLoad {
	return salebot.TelegramUser(platformOf(client), "bot")
}

// byFunction runs a test for each bulk function, in a bubble with virtual time.
func byFunction(t *testing.T, test func(t *testing.T, f bulkFunction)) {
	t.Helper()
	for _, f := range bulkFunctions {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) { test(t, f) })
		})
	}
}

func (s *bulkServer) client(t testing.TB, options ...salebot.Option) *salebot.Client {
	t.Helper()
	return clienttest.New(t, clienttest.MemoryAPI(s.serve), options...)
}

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

// An item that is wrong by itself does not spoil the others of its batch.
func TestBulkRefusesWrongItems(t *testing.T) {
	t.Parallel()
	byFunction(t, func(t *testing.T, f bulkFunction) {
		s := &bulkServer{}
		clients := slices.Insert(clienttest.Numbered(5), 2, 0)
		report, err := f.run(t.Context(), s.client(t), salebot.Items(clients), salebot.BulkOptions{})
		require.ErrorIs(t, err, salebot.ErrNotAllAccepted)
		require.Equal(t, 5, report.Accepted)
		require.Equal(t, 1, report.Rejected)
		require.ErrorIs(t, report.Problems[0].Err, salebot.ErrInvalidRequest)
		require.ElementsMatch(t, clienttest.KeysUpTo(5), s.arrived())
	})
}

// What would be refused for every item is refused before anything is read.
func TestBulkRefusesWrongRequests(t *testing.T) {
	t.Parallel()
	byFunction(t, func(t *testing.T, f bulkFunction) {
		s := &bulkServer{}
		items := func(func(salebot.ClientID, error) bool) { t.Error("the items were read") }
		require.NotNil(t, f.wrong)
		for _, options := range []salebot.BulkOptions{{}, {DryRun: true}} {
			report, err := f.wrong(t.Context(), s.client(t), items, options)
			requireField(t, err, f.field)
			require.Equal(t, &salebot.BulkReport{}, report)
		}
		bad := []salebot.BulkOptions{{Workers: -1}, {Workers: 257}}
		if f.size > 1 {
			bad = append(bad, salebot.BulkOptions{BatchSize: -1})
		}
		if f.most > 1 {
			bad = append(bad, salebot.BulkOptions{BatchSize: f.most + 1})
		}
		for _, options := range bad {
			report, err := f.run(t.Context(), s.client(t), items, options)
			requireField(t, err, map[bool]string{true: "Workers", false: "BatchSize"}[options.Workers != 0])
			require.Equal(t, &salebot.BulkReport{}, report)
		}
		_, err := f.run(nil, s.client(t), items, salebot.BulkOptions{})
		require.ErrorIs(t, err, salebot.ErrInvalidRequest)
		_, err = f.run(t.Context(), s.client(t), nil, salebot.BulkOptions{})
		require.ErrorIs(t, err, salebot.ErrInvalidRequest)
		require.Empty(t, s.batches)
	})
	testkit.Bubble(t, func(t *testing.T) {
		for _, f := range bulkFunctions {
			if f.name == "ForEach" {
				continue
			}
			report, err := f.run(t.Context(), new(salebot.Client), salebot.Items(clienttest.Numbered(1)), salebot.BulkOptions{})
			require.ErrorIs(t, err, salebot.ErrNotInitialized, f.name)
			require.NotNil(t, report)
		}
	})
}

// The persons of BulkSendCallbackByPlatformID come from the sequence only.
func TestBulkSendCallbackByPlatformIDRefusesPersonsOfItsOwn(t *testing.T) {
	t.Parallel()
	s := &bulkServer{}
	request := salebot.SendCallbackByPlatformIDRequest{CallbackText: "start", PlatformIDs: []salebot.PlatformID{"1"}}
	report, err := s.client(t).BulkSendCallbackByPlatformID(t.Context(), request, salebot.Items([]salebot.PlatformID{"2"}), salebot.BulkOptions{})
	requireField(t, err, "PlatformIDs")
	require.NotNil(t, report)
	require.Empty(t, s.batches)
}

// What the request says besides its persons goes with every batch.
func TestBulkRequestsSayTheSame(t *testing.T) {
	t.Parallel()
	s := &bulkServer{}
	client := s.client(t)
	_, err := client.BulkSendCallbackByPlatformID(t.Context(), salebot.SendCallbackByPlatformIDRequest{CallbackText: "start", GroupID: "bot", After: time.Minute},
		salebot.Items([]salebot.PlatformID{"a", "b", "c"}), salebot.BulkOptions{BatchSize: 2, Workers: 1})
	require.NoError(t, err)
	_, err = client.BulkSaveVariables(t.Context(), map[string]any{"client.a": 1}, salebot.Items(clienttest.Numbered(3)), salebot.BulkOptions{BatchSize: 2, Workers: 1})
	require.NoError(t, err)
	_, err = client.BulkRemoveFromList(t.Context(), 7, salebot.Items(clienttest.Numbered(1)), salebot.BulkOptions{})
	require.NoError(t, err)
	_, err = client.BulkBroadcast(t.Context(), salebot.BroadcastRequest{BlockID: 9, Shift: time.Millisecond}, collected(t, 5), 1, salebot.BulkOptions{})
	require.NoError(t, err)
	require.Equal(t, []string{
		`{"platform_ids":["a","b"],"callback_text":"start","group_id":"bot","time_shift":60}`,
		`{"platform_ids":["c"],"callback_text":"start","group_id":"bot","time_shift":60}`,
		`{"clients":[1,2],"variables":{"client.a":1}}`, `{"clients":[3],"variables":{"client.a":1}}`,
		`{"list_id":7,"clients":[1]}`, `{"clients":[5],"message_id":9,"shift":0.001}`,
	}, s.bodies)
}

func requireField(t testing.TB, err error, field string) {
	t.Helper()
	var refusal *salebot.InvalidRequestError
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, field, refusal.Field)
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

func TestBulkProgress(t *testing.T) {
	t.Parallel()
	byFunction(t, func(t *testing.T, f bulkFunction) {
		s := &bulkServer{delay: time.Second}
		s.answer = func(number int, keys []string) (int, string, error) {
			if number%2 == 0 {
				return http.StatusBadRequest, "", nil
			}
			return http.StatusOK, map[bool]string{true: loadedItems(keys, nil), false: "ok"}[f.name == "BulkLoadClients"], nil
		}
		var (
			busy    sync.Mutex
			reports []salebot.BulkReport
			items   int
			texts   []string
		)
		report, err := f.run(t.Context(), s.client(t), salebot.Items(clienttest.Numbered(20*f.size)), salebot.BulkOptions{
			Workers: 7,
			OnItem: func(salebot.BulkItem) {
				require.True(t, busy.TryLock(), "two calls at a time")
				defer busy.Unlock()
				items++
			},
			OnProgress: func(report salebot.BulkReport) {
				require.True(t, busy.TryLock(), "two calls at a time")
				defer busy.Unlock()
				require.Equal(t, items, report.Total(), "every item of the request was reported before")
				require.Equal(t, len(reports)+1, report.Requests)
				reports, texts = append(reports, report), append(texts, fmt.Sprint(report))
			},
		})
		require.ErrorIs(t, err, salebot.ErrNotAllAccepted)
		require.Equal(t, 20*f.size, items)
		require.Len(t, reports, 20)
		require.Equal(t, *report, reports[19])
		for i := range reports {
			require.Equal(t, texts[i], fmt.Sprint(reports[i]), "a report that was handed out must not change")
		}
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
		require.Len(t, items, 10)
		report, err = f.run(t.Context(), client, salebot.Items(append(clienttest.Numbered(10), 0)), options)
		if f.name == "ForEach" {
			// It knows nothing of the item but its key.
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, salebot.ErrNotAllAccepted)
			require.Equal(t, 1, report.Rejected)
		}
		require.Empty(t, s.batches, "a dry run sends nothing")
		require.Equal(t, begun, l.begun.Load(), "nor does it write anything down")
	})
}

// testLedger is a ledger of the caller's own. Each of its methods can fail.
type testLedger struct {
	*ledger.Memory

	failFind, failBegin, failEnd error
	// begun counts the records that were begun.
	begun atomic.Int64
}

func (l *testLedger) Find(ctx context.Context, key ledger.Digest) ([]ledger.Record, error) {
	if l.failFind != nil {
		return nil, l.failFind
	}
	return l.Memory.Find(ctx, key)
}

func (l *testLedger) Begin(ctx context.Context, records ...ledger.Record) ([]ledger.Record, error) {
	if l.failBegin != nil {
		return nil, l.failBegin
	}
	l.begun.Add(int64(len(records)))
	return l.Memory.Begin(ctx, records...)
}

func (l *testLedger) End(ctx context.Context, records ...ledger.Record) ([]ledger.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if l.failEnd != nil {
		return nil, l.failEnd
	}
	return l.Memory.End(ctx, records...)
}

func newTestLedger(t testing.TB) *testLedger {
	t.Helper()
	memory, err := ledger.NewMemory()
	require.NoError(t, err)
	return &testLedger{Memory: memory}
}

// clientWithLedger is client with a ledger.
func (s *bulkServer) clientWithLedger(t testing.TB, options ...salebot.Option) (*salebot.Client, *testLedger) {
	t.Helper()
	l := newTestLedger(t)
	return s.client(t, append(options, salebot.WithLedger(l, "project"))...), l
}

// accepts is the answer to items that are accepted.
func (f *bulkFunction) accepts(keys []string) (status int, body string, err error) {
	if f.name == "BulkLoadClients" {
		return http.StatusOK, loadedItems(keys, nil), nil
	}
	return http.StatusOK, "ok", nil
}

// refuses answers requests that have an item with a status, and accepts the others.
func (f *bulkFunction) refuses(itemsAndStatus ...any) func(int, []string) (int, string, error) {
	return func(_ int, keys []string) (int, string, error) {
		for i := 0; i < len(itemsAndStatus); i += 2 {
			if slices.Contains(keys, itemsAndStatus[i].(string)) {
				return itemsAndStatus[i+1].(int), "", nil
			}
		}
		return f.accepts(keys)
	}
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

// A bulk run with a ledger needs a name.
func TestBulkNeedsAName(t *testing.T) {
	t.Parallel()
	byFunction(t, func(t *testing.T, f bulkFunction) {
		s := &bulkServer{}
		client, _ := s.clientWithLedger(t)
		_, err := f.run(t.Context(), client, salebot.Items(clienttest.Numbered(1)), salebot.BulkOptions{})
		requireField(t, err, "Name")
		require.Empty(t, s.batches)
	})
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

// A report has at most a thousand problems; OnItem gets all.
func TestBulkReportsAreBounded(t *testing.T) {
	t.Parallel()
	byFunction(t, func(t *testing.T, f bulkFunction) {
		s := &bulkServer{answer: func(int, []string) (int, string, error) { return http.StatusBadRequest, "", nil }}
		items := 0
		report, err := f.run(t.Context(), s.client(t), salebot.Items(clienttest.Numbered(2500)), salebot.BulkOptions{
			Workers: 1, OnItem: func(salebot.BulkItem) { items++ },
		})
		require.ErrorIs(t, err, salebot.ErrNotAllAccepted)
		require.Equal(t, 2500, report.Rejected)
		require.Equal(t, 2500, items)
		require.Len(t, report.Problems, 1000)
		require.Equal(t, f.key(1), report.Problems[0].Key)
		require.Equal(t, f.key(1000), report.Problems[999].Key)
	})
}

func TestBulkLoadClientsTellsTheClients(t *testing.T) {
	t.Parallel()
	s := &bulkServer{}
	s.answer = func(_ int, keys []string) (int, string, error) {
		return http.StatusOK, loadedItems(keys, map[string]string{"3": "group not found", "250": ""}), nil
	}
	loaded := map[string]salebot.BulkItem{}
	report, err := s.client(t).BulkLoadClients(t.Context(), mapped(salebot.Items(clienttest.Numbered(250)), personOf), salebot.BulkOptions{
		OnItem: func(item salebot.BulkItem) { loaded[item.Key] = item },
	})
	require.ErrorIs(t, err, salebot.ErrNotAllAccepted)
	require.Equal(t, []int{248, 2}, []int{report.Accepted, report.Rejected})
	require.Len(t, report.Problems, 2)
	for i := 1; i <= 250; i++ {
		item := loaded["1/bot/"+strconv.Itoa(i)]
		if i == 3 || i == 250 {
			require.Equal(t, salebot.OutcomeRejected, item.Outcome)
			require.ErrorIs(t, item.Err, salebot.ErrRejected)
			require.Zero(t, item.ClientID)
			continue
		}
		require.Equal(t, salebot.BulkItem{Key: item.Key, Outcome: salebot.OutcomeAccepted, ClientID: salebot.ClientID(1_000_000 + i)}, item)
	}
	require.ErrorContains(t, loaded["1/bot/3"].Err, "group not found")
}

// An answer of another length cannot be matched with the persons.
func TestBulkLoadClientsWithAnAnswerOfAnotherLength(t *testing.T) {
	t.Parallel()
	s := &bulkServer{}
	s.answer = func(_ int, keys []string) (int, string, error) { return http.StatusOK, loadedItems(keys[1:], nil), nil }
	report, err := s.client(t).BulkLoadClients(t.Context(), mapped(salebot.Items(clienttest.Numbered(3)), personOf), salebot.BulkOptions{})
	require.ErrorIs(t, err, salebot.ErrNotAllAccepted)
	require.Equal(t, 3, report.Unknown)
	require.ErrorIs(t, report.Problems[0].Err, salebot.ErrUnexpectedResponse)
}

// What an item comes to is worked out from its calls.
func TestForEachOutcomes(t *testing.T) {
	t.Parallel()
	own := errors.New("an error of the caller")
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
				if test.err != nil {
					return test.err
				}
				return failed
			})
			require.Equal(t, test.want == salebot.OutcomeAccepted, err == nil)
			require.Len(t, items, 1)
			require.Equal(t, "a", items[0].Key)
			require.Equal(t, test.want, items[0].Outcome)
			require.Equal(t, 1, report.Total())
			if test.err != nil {
				require.ErrorIs(t, items[0].Err, test.err)
			}
			require.Equal(t, test.want == salebot.OutcomeUnknown, errors.Is(items[0].Err, salebot.ErrOutcomeUnknown))
		})
	}
}

func collected(t testing.TB, clients ...salebot.ClientID) *salebot.Audience {
	t.Helper()
	audience, err := salebot.CollectAudience(salebot.Items(clients))
	require.NoError(t, err)
	return audience
}

func TestCollectAudience(t *testing.T) {
	t.Parallel()
	require.Equal(t, 3, collected(t, 5, 1, 5, 3, 1).Len(), "each client once")
	require.Zero(t, collected(t).Len())
	_, err := salebot.CollectAudience(salebot.Items([]salebot.ClientID{1, 0}))
	requireField(t, err, "ClientID")
	_, err = salebot.CollectAudience(func(yield func(salebot.ClientID, error) bool) {
		_ = yield(1, nil) && yield(0, clienttest.ErrCable)
	})
	require.ErrorIs(t, err, clienttest.ErrCable, "half an audience is none")
}

// The order stays, and what is kept is what the comment says: a set of all clients
// took 46 bytes for each.
func TestCollectAudienceIsSmall(t *testing.T) { //nolint:paralleltest // it measures the memory of the process
	const clients = 200_000
	memory := func() (held, allocated uint64) {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc, stats.TotalAlloc
	}
	held, allocated := memory()
	audience, err := salebot.CollectAudience(func(yield func(salebot.ClientID, error) bool) {
		for id := range 2 * clients {
			if !yield(salebot.ClientID(id%clients+1), nil) || id == clients {
				return
			}
		}
	})
	require.NoError(t, err)
	heldAfter, allocatedAfter := memory()
	require.Equal(t, clients, audience.Len())
	require.Less(t, int64(heldAfter)-int64(held), int64(10*clients))
	require.Less(t, allocatedAfter-allocated, uint64(70*clients), "all copies on the way taken together")
	runtime.KeepAlive(audience)
}

// A broadcast reaches exactly those whom its caller counted.
func TestBulkBroadcastNeedsConfirmation(t *testing.T) {
	t.Parallel()
	request := salebot.BroadcastRequest{Message: "Hello"}
	for name, test := range map[string]struct {
		audience  *salebot.Audience
		confirmed int
		change    func(*salebot.BroadcastRequest)
		field     string
	}{
		"fewer than confirmed": {collected(t, 1, 2, 3), 4, nil, "confirmed"},
		"more than confirmed":  {collected(t, 1, 2, 3), 2, nil, "confirmed"},
		"nothing confirmed":    {collected(t, 1, 2, 3), 0, nil, "confirmed"},
		"nobody":               {collected(t), 0, nil, "audience"},
		"no audience":          {nil, 0, nil, "audience"},
		"a list as well":       {collected(t, 1), 1, func(r *salebot.BroadcastRequest) { r.List = 7 }, "request"},
		"clients as well":      {collected(t, 1), 1, func(r *salebot.BroadcastRequest) { r.Clients = clienttest.Numbered(1) }, "request"},
		"persons as well":      {collected(t, 1), 1, func(r *salebot.BroadcastRequest) { r.PlatformIDs = []salebot.PlatformID{"1"} }, "request"},
		"no message":           {collected(t, 1), 1, func(r *salebot.BroadcastRequest) { r.Message = "" }, "Message"},
		"no location":          {collected(t, 1), 1, func(r *salebot.BroadcastRequest) { r.At = clienttest.Moment }, "At"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &bulkServer{}
			broken := request
			if test.change != nil {
				test.change(&broken)
			}
			report, err := s.client(t).BulkBroadcast(t.Context(), broken, test.audience, test.confirmed, salebot.BulkOptions{})
			requireField(t, err, test.field)
			require.NotNil(t, report)
			require.Empty(t, s.batches)
		})
	}
}

// No two parts of a broadcast are under way at once, however long they take.
func TestBulkBroadcastKeepsItsPace(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		shift time.Duration
		pace  time.Duration
	}{
		"Salebot's own shift": {0, 200 * time.Millisecond},
		"another shift":       {1500 * time.Millisecond, 1500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				s := &bulkServer{delay: 3 * time.Second}
				audience := collected(t, clienttest.Numbered(250)...)
				report, err := s.client(t).BulkBroadcast(t.Context(), salebot.BroadcastRequest{Message: "Hello", Shift: test.shift},
					audience, 250, salebot.BulkOptions{Workers: 64})
				require.NoError(t, err)
				require.Equal(t, &salebot.BulkReport{Accepted: 250, Requests: 3}, report)
				require.Equal(t, clienttest.KeysUpTo(250), s.arrived())
				require.Equal(t, 1, s.most)
				for i := range 2 {
					require.Equal(t, 3*time.Second+100*test.pace, s.times[i+1].Sub(s.times[i]))
				}
			})
		})
	}
}

// The parts of a broadcast for a moment are due one after the other.
func TestBulkBroadcastForAMoment(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := &bulkServer{}
		at := time.Date(2026, time.October, 16, 22, 15, 0, 0, clienttest.Moscow)
		_, err := s.client(t).BulkBroadcast(t.Context(), salebot.BroadcastRequest{Message: "Hello", Shift: time.Second, At: at},
			collected(t, clienttest.Numbered(250)...), 250, salebot.BulkOptions{}, salebot.WithProjectLocation(clienttest.Moscow))
		require.NoError(t, err)
		require.Len(t, s.bodies, 3)
		for i, due := range []string{"2026-10-16 22:15:00", "2026-10-16 22:16:40", "2026-10-16 22:18:20"} {
			require.Contains(t, s.bodies[i], due)
		}
	})
}

// A broadcast that is given up while it waits for its turn has sent nothing of the
// part that waits, and the ledger knows that.
func TestBulkBroadcastGivenUp(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := &bulkServer{}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		client, l := s.clientWithLedger(t)
		audience := collected(t, clienttest.Numbered(250)...)
		request := salebot.BroadcastRequest{Message: "Hello"}
		options := salebot.BulkOptions{Name: "Sunday"}
		report, err := client.BulkBroadcast(ctx, request, audience, 250, options)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 100, report.Accepted)
		require.Zero(t, report.Unknown)
		require.EqualValues(t, 100, l.begun.Load(), "what waits is not begun")
		report, err = client.BulkBroadcast(t.Context(), request, audience, 250, options)
		require.NoError(t, err)
		require.Equal(t, []int{250, 100}, []int{report.Accepted, report.Earlier})
		require.Equal(t, clienttest.KeysUpTo(250), s.arrived())
	})
}

// A report can be kept as JSON and as CSV, with outcomes in words.
func TestBulkReportIsWritten(t *testing.T) {
	t.Parallel()
	s := &bulkServer{answer: func(_ int, keys []string) (int, string, error) {
		if keys[0] == "2" {
			return http.StatusBadGateway, "", nil
		}
		return http.StatusOK, "ok", nil
	}}
	client := s.client(t, salebot.WithoutRetries())
	report, err := client.BulkAddToList(t.Context(), 7, salebot.Items(clienttest.Numbered(3)), salebot.BulkOptions{BatchSize: 1})
	require.ErrorIs(t, err, salebot.ErrNotAllAccepted)
	text, err := json.Marshal(report)
	require.NoError(t, err)
	var read map[string]any
	require.NoError(t, json.Unmarshal(text, &read))
	problems := read["problems"].([]any)
	require.Len(t, problems, 1)
	problem := problems[0].(map[string]any)
	require.Equal(t, "2", problem["key"])
	require.EqualValues(t, 2, problem["client_id"])
	require.Equal(t, "unknown", problem["outcome"])
	require.Contains(t, problem["error"], "502")
	require.EqualValues(t, 2, read["accepted"])

	var table bytes.Buffer
	require.NoError(t, report.WriteCSV(&table))
	require.Equal(t, "key,client_id,outcome,earlier,error\n2,2,unknown,false,"+report.Problems[0].Err.Error()+"\n", table.String())
	require.ErrorIs(t, report.WriteCSV(brokenWriter{}), errPipe)
	require.Len(t, salebot.BulkItem{}.CSVHeader(), len(salebot.BulkItem{}.CSVRecord()))
}

var errPipe = errors.New("the pipe is broken")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errPipe }

func TestWordsAreTexts(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(map[string]any{
		"outcomes": []salebot.Outcome{
			salebot.OutcomeUnknown, salebot.OutcomeNotSent, salebot.OutcomeRejected, salebot.OutcomeAccepted,
			salebot.OutcomeNotTried, salebot.OutcomeIncomplete, salebot.OutcomeFailed,
		},
		"classes": []salebot.SafetyClass{salebot.Once, salebot.Idempotent, salebot.Read},
	})
	require.NoError(t, err)
	require.JSONEq(t, `{"classes":["once","idempotent","read"],
		"outcomes":["unknown","not sent","rejected","accepted","not tried","incomplete","failed"]}`, string(text))
}
