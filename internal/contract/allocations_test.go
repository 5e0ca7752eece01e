package contract_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
)

// canned answers every request with the same body, at little cost.
type canned struct {
	header http.Header
	body   []byte
}

func (c *canned) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}
	return &http.Response{StatusCode: http.StatusOK, Header: c.header, Body: io.NopCloser(bytes.NewReader(c.body)), Request: r}, nil
}

// What a call may allocate through a transport that costs next to nothing. The
// bounds leave some room for the next version of Go; who breaks them by more has
// put something on the way of every call.
func TestAllocationsOfCalls(t *testing.T) { //nolint:paralleltest // it counts the allocations of the process
	if testkit.Race {
		t.Skip("the race detector allocates")
	}
	history := func(n int) string {
		items := make([]string, n)
		for i := range items {
			items[i] = fmt.Sprintf(`{"id":%d,"text":"Hello","created_at":"2026-05-28 17:33:42.539976","delivered":true,"attachments":null,"message_id":null}`, i+1)
		}
		return `{"status":"success","result":[` + strings.Join(items, ",") + `]}`
	}
	for _, c := range []struct {
		name string
		body string
		call clienttest.Scenario
		most float64
	}{
		{"message", "ok", clienttest.Scenarios["message"][0], 40},
		{"save_variables", "ok", clienttest.Scenarios["save_variables"][0], 48},
		{"get_variables", `{"a":"1","b":"2"}`, clienttest.Scenarios["get_variables"][0], 43},
		{"get_history of 1", history(1), clienttest.Scenarios["get_history"][0], 65},
		{"get_history of 500", history(500), clienttest.Scenarios["get_history"][0], 65 + 500*5},
	} {
		client := clienttest.New(t, &canned{header: http.Header{}, body: []byte(c.body)})
		got := testing.AllocsPerRun(50, func() {
			if _, err := c.call.Call(t.Context(), client); err != nil {
				t.Fatal(err)
			}
		})
		t.Logf("%s: %.0f allocations", c.name, got)
		require.LessOrEqual(t, got, c.most, c.name)
	}
}

// Reading a large map of variables costs the body and no value that nobody asks
// for; looking one up costs its text.
func TestAllocationsOfVariables(t *testing.T) { //nolint:paralleltest // see above
	if testkit.Race {
		t.Skip("the race detector allocates")
	}
	var b strings.Builder
	b.WriteByte('{')
	for i := range 1000 {
		fmt.Fprintf(&b, `"variable_%d":"value",`, i)
	}
	b.WriteString(`"last":"x"}`)
	source := []byte(b.String())
	require.LessOrEqual(t, testing.AllocsPerRun(20, func() {
		var v salebot.Variables
		if err := v.UnmarshalJSON(source); err != nil {
			t.Fatal(err)
		}
	}), 1.0)
}

// Bodies that passed through are not kept: a large answer does not make the next
// small ones heavy.
func TestLargeAnswersAreNotKept(t *testing.T) { //nolint:paralleltest // see above
	transport := &canned{header: http.Header{}, body: []byte(`{"a":"` + strings.Repeat("x", 8<<20) + `"}`)}
	client := clienttest.New(t, transport)
	large, err := client.GetVariables(t.Context(), 1)
	require.NoError(t, err)
	require.Len(t, large.Text("a"), 8<<20)
	transport.body = []byte(`{"a":"b"}`)
	small, err := client.GetVariables(t.Context(), 1)
	require.NoError(t, err)
	require.LessOrEqual(t, cap(small.Raw()), 64, "the result is a copy of its own size")
}
