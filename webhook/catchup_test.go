package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/testkit"
	"github.com/salebot-go/salebot/salebottest"
	"github.com/salebot-go/salebot/webhook"
)

// The client of the API is a HistoryReader.
var _ webhook.HistoryReader = (*salebot.Client)(nil)

// histories answers for the API. The newest message of a client is its last.
type histories struct {
	mu     sync.Mutex
	items  map[salebot.ClientID][]salebot.HistoryItem
	limits []int
}

func (h *histories) GetHistory(_ context.Context, request salebot.GetHistoryRequest, _ ...salebot.CallOption) ([]salebot.HistoryItem, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.limits = append(h.limits, request.Limit)
	items, ok := h.items[request.ClientID]
	if !ok {
		return nil, salebot.ErrClientNotFound
	}
	newest := slices.Clone(items)
	slices.Reverse(newest)
	return newest[:min(len(newest), request.Limit)], nil
}

// item is a message of the client in a history.
func item(id int, at time.Time) salebot.HistoryItem {
	return salebot.HistoryItem{ID: salebot.MessageID(id), Text: fmt.Sprintf("message %d", id), ClientReplica: true, Delivered: true, CreatedAt: salebot.UnixTimestamp(at)}
}

// remembering is a memory inbox that had accepted something before it was opened.
type remembering struct {
	*webhook.MemoryInbox
	seen []webhook.Seen
	err  error
}

func (r *remembering) Seen(context.Context, string) iter.Seq2[webhook.Seen, error] {
	return func(yield func(webhook.Seen, error) bool) {
		for _, seen := range r.seen {
			if !yield(seen, nil) {
				return
			}
		}
		if r.err != nil {
			yield(webhook.Seen{}, r.err)
		}
	}
}

func TestCatchUp(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	h := &histories{items: map[salebot.ClientID][]salebot.HistoryItem{}}
	for id := range 150 {
		h.items[1] = append(h.items[1], item(id+1, start.Add(time.Duration(id)*time.Second)))
	}
	for id := range 3000 {
		h.items[2] = append(h.items[2], item(10_000+id, start))
	}
	h.items[3] = []salebot.HistoryItem{item(20_000, start)}
	h.items[4] = []salebot.HistoryItem{
		item(30_000, start), item(30_001, start),
		{ID: 30_002, Text: "from the flow", BlockID: 5, Delivered: true},
		{ID: 30_003, Text: "from an operator", Delivered: true, EmployeeID: 1},
		{ID: 30_004, Text: "any text", ClientReplica: true, Origin: salebot.HistoryOriginCallback, Delivered: true},
		item(30_005, start),
	}
	inbox := &remembering{MemoryInbox: newMemoryInbox(t), seen: []webhook.Seen{{ClientID: 1, MessageID: 20}, {ClientID: 2, MessageID: 10_100}, {ClientID: 4, MessageID: 30_000}, {ClientID: 99, MessageID: 1}}}
	var events recorder
	handler := newHandler(t, events.handle, webhook.WithoutSecret(), webhook.WithInbox(inbox), webhook.WithWorkers(1))
	accepted(t, handler, message(4, 30_005, "message 30005")) // came by the webhook in the meantime
	report, err := handler.CatchUp(t.Context(), webhook.CatchUp{History: h})
	if err != nil {
		t.Fatal(err)
	}
	if report.Clients != 3 || report.Recovered != 130+2000+1 || report.Duplicates != 1 || report.Unwanted != 3 {
		t.Errorf("report %+v", report)
	}
	if !slices.Equal(report.Incomplete, []salebot.ClientID{2}) {
		t.Errorf("incomplete: %v, want client 2, whose history is longer than one answer", report.Incomplete)
	}
	if len(report.Failed) != 1 || report.Failed[0].ClientID != 99 || !errors.Is(report.Failed[0].Err, salebot.ErrClientNotFound) {
		t.Errorf("failed: %+v", report.Failed)
	}
	shutdown(t, handler)
	last := map[salebot.ClientID]salebot.MessageID{}
	for _, event := range events.events {
		if event.Recovered == (event.ID == 30_005) || event.Client.ID == 4 && event.ID == 30_005 {
			continue
		}
		if event.ID <= last[event.Client.ID] || !event.IsIncoming() || event.Text != fmt.Sprintf("message %d", event.ID) {
			t.Fatalf("event %+v after %d", event, last[event.Client.ID])
		}
		last[event.Client.ID] = event.ID
		if moment, ok := event.CreatedAt.Moment(); !ok || moment.Before(start) {
			t.Fatalf("event %d was created at %v", event.ID, event.CreatedAt)
		}
	}
	if last[1] != 150 || last[2] != 12_999 || last[4] != 30_001 || last[3] != 0 {
		t.Errorf("last events %v", last)
	}
	again, err := handler.CatchUp(t.Context(), webhook.CatchUp{History: h})
	if err != nil || again.Recovered != 0 || again.Duplicates != report.Recovered+1 {
		t.Errorf("once more: %+v, %v", again, err)
	}
}

// The histories are read at the pace that Salebot allows: nobody is left out for it.
func TestCatchUpKeepsTheServersPace(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		const people = 200
		emulator := salebottest.New(t, salebottest.WithAnswers(salebottest.Answers{
			RateLimit: salebottest.Limit{Requests: 20, Per: time.Second, Burst: 1},
		}))
		var clients []salebot.ClientID
		for id := range salebot.ClientID(people) {
			if _, err := emulator.AddPerson(salebottest.Person{ID: id + 1}); err != nil {
				t.Fatal(err)
			}
			clients = append(clients, id+1)
		}
		start := time.Now()
		handler := newHandler(t, ignore, webhook.WithoutSecret())
		report, err := handler.CatchUp(t.Context(), webhook.CatchUp{
			History: emulator.Client(t), Clients: salebot.Items(clients), Since: start.Add(-time.Hour), Concurrency: 16,
		})
		if err != nil || report.Clients != people || len(report.Failed) > 0 {
			t.Errorf("report %+v, %v", report, err)
		}
		if took := time.Since(start); took < 9*time.Second || took > 20*time.Second {
			t.Errorf("it took %v for %d requests at 20 a second", took, people)
		}
		shutdown(t, handler)
	})
}

func TestCatchUpSince(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	var civil salebot.Timestamp
	if err := civil.UnmarshalJSON([]byte(`"2026-05-01 15:00:30"`)); err != nil { // 12:00:30 in Moscow
		t.Fatal(err)
	}
	inCivilTime := item(3, start)
	inCivilTime.CreatedAt = civil
	h := &histories{items: map[salebot.ClientID][]salebot.HistoryItem{
		7: {item(1, start), item(2, start.Add(20*time.Second)), inCivilTime, item(4, start.Add(40*time.Second))},
		8: {item(11, start.Add(time.Minute))},
	}}
	clients := func(yield func(salebot.ClientID, error) bool) {
		_ = yield(7, nil) && yield(8, nil) && yield(7, nil) && yield(0, nil)
	}
	var events recorder
	handler := newHandler(t, events.handle, webhook.WithoutSecret(), webhook.WithWorkers(1))
	// The second message is of the same second, which is all that the history tells.
	request := webhook.CatchUp{History: h, Clients: clients, Since: start.Add(20*time.Second + 900*time.Millisecond), Concurrency: 1}
	report, err := handler.CatchUp(t.Context(), request)
	if err != nil || report.Recovered != 1 || len(report.Failed) != 1 || !errors.Is(report.Err(), salebot.ErrNoLocation) {
		t.Errorf("without a location: %+v, %v", report, err)
	}
	request.Location = time.FixedZone("Moscow", 3*60*60)
	report, err = handler.CatchUp(t.Context(), request)
	if err != nil || report.Recovered != 3 || report.Duplicates != 1 || report.Clients != 2 {
		t.Errorf("with a location: %+v, %v", report, err)
	}
	shutdown(t, handler)
	if got := events.texts(); !slices.Equal(got, []string{"message 11", "message 2", "message 3", "message 4"}) {
		t.Errorf("events %q", got)
	}
}

func TestCatchUpErrors(t *testing.T) {
	t.Parallel()
	handler := newHandler(t, ignore, webhook.WithoutSecret())
	broken := errors.New("the list broke off")
	clients := func(yield func(salebot.ClientID, error) bool) { _ = yield(1, nil) && yield(0, broken) }
	for name, request := range map[string]webhook.CatchUp{
		"no history":      {},
		"no clients":      {History: &histories{}},
		"no time":         {History: &histories{}, Clients: clients},
		"bad concurrency": {History: &histories{}, Clients: clients, Since: time.Now(), Concurrency: -1},
	} {
		var problem *salebot.OptionError
		if _, err := handler.CatchUp(t.Context(), request); !errors.As(err, &problem) {
			t.Errorf("%s: %v, want an OptionError", name, err)
		}
	}
	if _, err := handler.CatchUp(t.Context(), webhook.CatchUp{History: &histories{}, Clients: clients, Since: time.Now()}); !errors.Is(err, broken) {
		t.Errorf("a list that breaks off: %v", err)
	}
	forgetful := &remembering{MemoryInbox: newMemoryInbox(t), err: broken}
	second := newHandler(t, ignore, webhook.WithoutSecret(), webhook.WithInbox(forgetful))
	if _, err := second.CatchUp(t.Context(), webhook.CatchUp{History: &histories{}}); !errors.Is(err, broken) {
		t.Errorf("an inbox that cannot say what it has seen: %v", err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	forgetful.err, forgetful.seen = nil, []webhook.Seen{{ClientID: 1, MessageID: 1}}
	if _, err := second.CatchUp(canceled, webhook.CatchUp{History: &histories{}}); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
	failing := &stubInbox{put: func(context.Context, webhook.Entry) error { return webhook.ErrFull }}
	third := newHandler(t, ignore, webhook.WithoutSecret(), webhook.WithInbox(failing))
	h := &histories{items: map[salebot.ClientID][]salebot.HistoryItem{1: {item(1, time.Now())}}}
	one := func(yield func(salebot.ClientID, error) bool) { yield(1, nil) }
	report, err := third.CatchUp(t.Context(), webhook.CatchUp{History: h, Clients: one, Since: time.Unix(0, 0)})
	if err != nil || len(report.Failed) != 1 || !errors.Is(report.Failed[0].Err, webhook.ErrFull) {
		t.Errorf("a full inbox: %+v, %v", report, err)
	}
}

// TestCatchUpNeedsOneSeries checks that nothing is taken from histories that may number
// their messages in another way than the webhook: all that is old would be handled
// once more, or nothing that is new.
func TestCatchUpNeedsOneSeries(t *testing.T) {
	t.Parallel()
	var old, others []salebot.HistoryItem
	for id := range 50 {
		old = append(old, item(5_000+id, time.Now()))
		others = append(others, item(6_000+id, time.Now()))
	}
	for name, test := range map[string]struct {
		seen        []webhook.Seen
		same        bool
		recovered   int
		unconfirmed []salebot.ClientID
	}{
		"smaller numbers":   {seen: []webhook.Seen{{ClientID: 2, MessageID: 7}, {ClientID: 1, MessageID: 8}}, unconfirmed: []salebot.ClientID{1, 2}},
		"larger numbers":    {seen: []webhook.Seen{{ClientID: 1, MessageID: 70_000}}, unconfirmed: []salebot.ClientID{1}},
		"one confirms it":   {seen: []webhook.Seen{{ClientID: 1, MessageID: 4_000}, {ClientID: 2, MessageID: 6_040}}, recovered: 50 + 9},
		"the caller knows":  {seen: []webhook.Seen{{ClientID: 1, MessageID: 4_000}}, same: true, recovered: 50},
		"nothing to repeat": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inbox := &remembering{MemoryInbox: newMemoryInbox(t), seen: test.seen}
			handler := newHandler(t, ignore, webhook.WithoutSecret(), webhook.WithInbox(inbox))
			report, err := handler.CatchUp(t.Context(), webhook.CatchUp{
				History: &histories{items: map[salebot.ClientID][]salebot.HistoryItem{1: old, 2: others}}, SameNumbers: test.same, Concurrency: 1,
			})
			if failed := report.Err(); (failed == nil) != (len(test.unconfirmed) == 0) {
				t.Errorf("the report's error is %v", failed)
			}
			if err != nil || report.Recovered != test.recovered || !slices.Equal(report.Unconfirmed, test.unconfirmed) {
				t.Errorf("%+v, %v; want %d recovered and %v unconfirmed", report, err, test.recovered, test.unconfirmed)
			}
		})
	}
}
