package salebot_test

import (
	"context"
	"net/http"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
)

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
