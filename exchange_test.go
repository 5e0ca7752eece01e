package salebot_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
)

// A POST that a kept connection could not take, because the server had closed it,
// is sent on another one: nothing of it was written.
func TestIdleConnectionThatTheServerClosed(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		closed := testkit.Respond(200, "ok")
		closed.Cut = true
		peer := &testkit.Peer{Answer: testkit.Always(closed)}
		client := clienttest.New(t, peer.Transport())
		for range 3 {
			_, err := clienttest.OnceCalls[0].Call(t.Context(), client)
			require.NoError(t, err)
			synctest.Wait()
		}
		require.Len(t, peer.Arrivals(), 3)
	})
}

// A transport that traces nothing proves nothing: even a refused connection may
// have been a request that arrived.
func TestNoTraceIsNoProof(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]clienttest.Scenario{"once": clienttest.OnceCalls[0], "once by GET": clienttest.OnceCalls[1]} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mock := httpmock.NewMockTransport()
			mock.RegisterNoResponder(httpmock.NewErrorResponder(testkit.Refused()))
			_, err := s.Call(t.Context(), clienttest.New(t, mock))
			failure := clienttest.RequireFailure(t, err, salebot.OutcomeUnknown)
			require.Equal(t, 1, failure.Attempts)
			require.Equal(t, 1, mock.GetTotalCallCount())
			require.ErrorIs(t, err, syscall.ECONNREFUSED)
		})
	}
}

// What a status says of a message, which is not repeated after any of these.
func TestEachStatusHasItsOutcome(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]struct {
		outcome salebot.Outcome
		is      error
	}{
		http.StatusMultipleChoices:     {salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
		http.StatusMovedPermanently:    {salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
		http.StatusTemporaryRedirect:   {salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
		399:                            {salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
		http.StatusBadRequest:          {salebot.OutcomeRejected, salebot.ErrRejected},
		http.StatusUnauthorized:        {salebot.OutcomeRejected, salebot.ErrUnauthorized},
		http.StatusForbidden:           {salebot.OutcomeRejected, salebot.ErrForbidden},
		http.StatusRequestTimeout:      {salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
		499:                            {salebot.OutcomeUnknown, salebot.ErrUnexpectedResponse},
		http.StatusInternalServerError: {salebot.OutcomeUnknown, salebot.ErrServer},
		http.StatusServiceUnavailable:  {salebot.OutcomeUnknown, salebot.ErrServer},
	} {
		body := "no"
		if status < http.StatusBadRequest {
			body = "ok"
		}
		mock := clienttest.Answering(status, body, "Location: https://elsewhere.example/")
		_, err := clienttest.New(t, mock).Message(t.Context(), salebot.MessageRequest{ClientID: 1, Message: "x"})
		failure := clienttest.RequireFailure(t, err, want.outcome)
		require.Equal(t, 1, failure.Attempts, "status %d", status)
		require.Equal(t, 1, mock.GetTotalCallCount(), "status %d", status)
		require.ErrorIs(t, err, want.is, "status %d", status)
	}
}

// A transport that leaves answers compressed, or a gateway that compresses them twice, is
// named as what is wrong.
func TestCompressedAnswers(t *testing.T) {
	t.Parallel()
	var body bytes.Buffer
	writer := gzip.NewWriter(&body)
	_, err := writer.Write([]byte(`{"client_id":5}`))
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	for encoding, problem := range map[string]string{"gzip": "the body is compressed", "br": "the body is compressed", "identity": "neither an object", "": "neither an object"} {
		client := clienttest.New(t, roundTripFunc(func(request *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Encoding": {encoding}}, Body: io.NopCloser(bytes.NewReader(body.Bytes())), Request: request}, nil
		}))
		_, err := client.GetClientIDByPhone(t.Context(), "1")
		require.ErrorIs(t, err, salebot.ErrUnexpectedResponse, encoding)
		require.ErrorContains(t, err, problem, encoding)
	}
}
