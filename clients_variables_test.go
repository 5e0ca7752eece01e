package salebot_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
)

// variablesServer has clients with the numbers 1 to total, whose variable n is their
// number, in pages of five. Variables take a second.
type variablesServer struct {
	total int
	// answers are those of special clients.
	answers map[salebot.ClientID]int

	mutex         sync.Mutex
	running, most int
	read          []salebot.ClientID
}

func (s *variablesServer) serve(call clienttest.MemoryCall) (int, string, error) {
	if call.Action == "get_clients" {
		offset, _ := strconv.Atoi(call.Query.Get("offset"))
		var items []string
		for i := offset; i < min(offset+5, s.total); i++ {
			items = append(items, fmt.Sprintf(`{"id":%d}`, i+1))
		}
		return http.StatusOK, `{"status":"success","clients":[` + strings.Join(items, ",") + `]}`, nil
	}
	number, _ := strconv.Atoi(call.Query.Get("client_id"))
	id := salebot.ClientID(number)
	s.mutex.Lock()
	s.running++
	s.most = max(s.most, s.running)
	s.read = append(s.read, id)
	answer, special := s.answers[id]
	s.mutex.Unlock()
	// The later ones are faster, so that they overtake each other.
	err := clienttest.Elapse(call.Ctx, time.Second+time.Duration(100-number)*time.Millisecond)
	s.mutex.Lock()
	s.running--
	s.mutex.Unlock()
	switch {
	case err != nil:
		return 0, "", err
	case special && answer == http.StatusNotFound:
		return answer, "client_not_found", nil
	case special:
		return answer, "", nil
	}
	return http.StatusOK, fmt.Sprintf(`{"n":%d}`, id), nil
}

func (s *variablesServer) iterate(t *testing.T, request salebot.ClientsWithVariablesRequest, take int) ([]salebot.ClientRecord, error) {
	t.Helper()
	request.Clients.PageSize = 5
	client := clienttest.New(t, clienttest.MemoryAPI(s.serve), salebot.WithoutRetries())
	var records []salebot.ClientRecord
	for record, err := range client.ClientsWithVariables(t.Context(), request) {
		if err != nil {
			return records, err
		}
		if records = append(records, record); len(records) == take {
			break
		}
	}
	return records, nil
}

// All clients come in order with their own variables, a bounded number at once.
func TestClientsWithVariables(t *testing.T) {
	t.Parallel()
	for inFlight, most := range map[int]int{0: salebot.DefaultVariablesInFlight, 1: 1, 7: 7} {
		testkit.Bubble(t, func(t *testing.T) {
			s := &variablesServer{total: 23}
			records, err := s.iterate(t, salebot.ClientsWithVariablesRequest{VariablesInFlight: inFlight}, 0)
			require.NoError(t, err)
			require.Len(t, records, 23)
			for i, record := range records {
				require.Equal(t, salebot.ClientID(i+1), record.ID)
				require.Equal(t, strconv.Itoa(i+1), record.Variables.Text("n"))
				require.Empty(t, record.Unread)
			}
			require.Equal(t, most, s.most)
		})
	}
}

// A failure names the client to go on with, and loses none before it; a client who is
// gone costs nothing but its variables.
func TestClientsWithVariablesGoOn(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := &variablesServer{total: 23, answers: map[salebot.ClientID]int{4: http.StatusNotFound, 9: http.StatusBadGateway}}
		first, err := s.iterate(t, salebot.ClientsWithVariablesRequest{}, 0)
		var page *salebot.PageError
		require.ErrorAs(t, err, &page)
		require.ErrorIs(t, err, salebot.ErrServer)
		require.Equal(t, 8, page.Position)
		require.Len(t, first, 8)
		require.Equal(t, []string{"variables"}, first[3].Unread)
		require.Zero(t, first[3].Variables.Len())

		delete(s.answers, 9)
		rest, err := s.iterate(t, salebot.ClientsWithVariablesRequest{Clients: salebot.ClientsRequest{Offset: page.Position}}, 0)
		require.NoError(t, err)
		require.Len(t, rest, 15)
		require.Equal(t, salebot.ClientID(9), rest[0].ID)
	})
}

// A loop that is left stops the requests, and reads little ahead.
func TestClientsWithVariablesStop(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := &variablesServer{total: 1000}
		records, err := s.iterate(t, salebot.ClientsWithVariablesRequest{VariablesInFlight: 3}, 2)
		require.NoError(t, err)
		require.Len(t, records, 2)
		require.LessOrEqual(t, len(s.read), 2+3)
		require.Zero(t, s.running)
	})
}

func TestClientsWithVariablesAreChecked(t *testing.T) {
	t.Parallel()
	s := &variablesServer{total: 3}
	for _, inFlight := range []int{-1, 65} {
		_, err := s.iterate(t, salebot.ClientsWithVariablesRequest{VariablesInFlight: inFlight}, 0)
		requireField(t, err, "VariablesInFlight")
	}
	_, err := s.iterate(t, salebot.ClientsWithVariablesRequest{Clients: salebot.ClientsRequest{Offset: -1}}, 0)
	requireField(t, err, "Offset")
	client := clienttest.New(t, clienttest.MemoryAPI(s.serve))
	for _, err := range client.ClientsWithVariables(nil, salebot.ClientsWithVariablesRequest{}) { //nolint:staticcheck // this is what is tested
		requireField(t, err, "ctx")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	failed := false
	for _, err := range client.ClientsWithVariables(ctx, salebot.ClientsWithVariablesRequest{}) {
		require.ErrorIs(t, err, context.Canceled)
		failed = true
	}
	require.True(t, failed, "it does not end as if there were no clients")
}
