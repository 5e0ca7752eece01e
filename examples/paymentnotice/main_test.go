package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/salebottest"
)

func TestPaidStartsTheBot(t *testing.T) {
	t.Parallel()
	server := salebottest.NewServer(t, salebottest.WithPerson(salebottest.Person{ID: 25554, Name: "Ann"}))

	recorder := post(t, server, `{"client_id": "25554", "order": 4711, "amount": "1990.00"}`)

	require.Equal(t, http.StatusOK, recorder.Code, recorder.Body)
	server.AssertCallback(t, 25554, "order_paid")
}

func TestPaidIsNotRepeatedAfterAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	server := salebottest.NewServer(t, salebottest.WithPerson(salebottest.Person{ID: 25554, Name: "Ann"}))
	server.Fail(salebottest.Fault{Action: "callback", Reset: salebottest.ResetAfter})

	recorder := post(t, server, `{"client_id": 25554, "order": 4711}`)

	require.Equal(t, http.StatusAccepted, recorder.Code)
	server.AssertCalls(t, "callback", 1)
}

func TestPaidRefusesAnUnknownClient(t *testing.T) {
	t.Parallel()
	server := salebottest.NewServer(t)

	recorder := post(t, server, `{"client_id": 404, "order": 4711}`)

	require.Equal(t, http.StatusUnprocessableEntity, recorder.Code)
}

func post(t *testing.T, server *salebottest.Server, body string) *httptest.ResponseRecorder {
	t.Helper()
	recorder := httptest.NewRecorder()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/paid", strings.NewReader(body))
	handler(server.Client(t)).ServeHTTP(recorder, request)
	return recorder
}
