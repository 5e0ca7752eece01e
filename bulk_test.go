package salebot_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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

// An item that is wrong by itself does not spoil the others of its batch.
func TestBulkRefusesWrongItems(t *testing.T) {
	t.Parallel()
	byFunction(t, func(t *testing.T, f bulkFunction) {
		s := &bulkServer{}
		clients := slices.Insert(clienttest.Numbered(5), 2, 0)
		told := 0
		report, err := f.run(t.Context(), s.client(t), salebot.Items(clients), salebot.BulkOptions{OnProgress: func(salebot.BulkReport) { told++ }})
		require.Equal(t, report.Requests, told, "progress is that of requests")
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
		bad := []salebot.BulkOptions{{Workers: -1}, {Workers: 257}, {MaxPaceWait: -1}}
		if f.size > 1 {
			bad = append(bad, salebot.BulkOptions{BatchSize: -1})
		}
		if f.most > 1 {
			bad = append(bad, salebot.BulkOptions{BatchSize: f.most + 1})
		}
		for _, options := range bad {
			report, err := f.run(t.Context(), s.client(t), items, options)
			switch {
			case options.Workers != 0:
				requireField(t, err, "Workers")
			case options.MaxPaceWait != 0:
				requireField(t, err, "MaxPaceWait")
			default:
				requireField(t, err, "BatchSize")
			}
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
			report, err := f.run(t.Context(), new(salebot.Client), salebot.Items(clienttest.Numbered(1)), salebot.BulkOptions{})
			require.ErrorIs(t, err, salebot.ErrNotInitialized, f.name)
			require.NotNil(t, report)
		}
	})
}

// The largest settings are allowed.
func TestBulkLimitsAreInclusive(t *testing.T) {
	t.Parallel()
	byFunction(t, func(t *testing.T, f bulkFunction) {
		s := &bulkServer{}
		report, err := f.run(t.Context(), s.client(t), salebot.Items(clienttest.Numbered(1)), salebot.BulkOptions{Workers: 256, BatchSize: f.most})
		require.NoError(t, err)
		require.Equal(t, 1, report.Accepted)
	})
}

func requireField(t testing.TB, err error, field string) {
	t.Helper()
	var refusal *salebot.InvalidRequestError
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, field, refusal.Field)
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

// testLedger is a ledger of the caller's own. Each of its methods can fail.
type testLedger struct {
	*ledger.Memory

	failFind, failBegin, failEnd error
	// afterBegin is called when records were begun, if it is not nil.
	afterBegin func()
	// begun counts the records that were begun.
	begun atomic.Int64
	// keys are theirs.
	keys sync.Map
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
	for i := range records {
		l.keys.Store(records[i].Key, true)
	}
	if l.afterBegin != nil {
		defer l.afterBegin()
	}
	return l.Memory.Begin(ctx, records...)
}

// forgetAll forgets what is known of all keys that were begun.
func (l *testLedger) forgetAll(t testing.TB) {
	t.Helper()
	l.keys.Range(func(key, _ any) bool {
		require.NoError(t, l.Forget(t.Context(), key.(ledger.Digest)))
		return true
	})
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

// A bulk run with a ledger needs a name, and one without is not given one in vain: who
// names a run expects that it goes on and sends nothing twice.
func TestBulkNeedsANameForItsLedger(t *testing.T) {
	t.Parallel()
	byFunction(t, func(t *testing.T, f bulkFunction) {
		s := &bulkServer{}
		client, _ := s.clientWithLedger(t)
		_, err := f.run(t.Context(), client, salebot.Items(clienttest.Numbered(1)), salebot.BulkOptions{})
		requireField(t, err, "Name")
		_, err = f.run(t.Context(), s.client(t), salebot.Items(clienttest.Numbered(1)), salebot.BulkOptions{Name: "campaign"})
		requireField(t, err, "Name")
		_, err = f.run(t.Context(), s.client(t), salebot.Items(clienttest.Numbered(1)), salebot.BulkOptions{Name: "campaign", DryRun: true})
		require.NoError(t, err, "a dry run sends nothing")
		require.Empty(t, s.batches)
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
