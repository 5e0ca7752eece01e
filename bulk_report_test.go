package salebot_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
)

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
