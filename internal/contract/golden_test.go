package contract_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
)

const goldenRequests = "../../testdata/requests"

// recorded runs a scenario against a mock that refuses, and returns the one
// request that arrived there with its body.
func recorded(t *testing.T, s clienttest.Scenario) (*http.Request, []byte) {
	t.Helper()
	var requests []*http.Request
	var body []byte
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(func(request *http.Request) (*http.Response, error) {
		requests = append(requests, request)
		if request.Body != nil {
			read, err := io.ReadAll(request.Body)
			if err != nil {
				return nil, err
			}
			body = read
		}
		return httpmock.NewStringResponse(http.StatusBadRequest, "no"), nil
	})
	_, err := s.Call(t.Context(), clienttest.New(t, mock))
	require.ErrorIs(t, err, salebot.ErrRejected)
	require.Len(t, requests, 1)
	return requests[0], body
}

// golden is a request in the form of testdata/requests/README.md.
func golden(t *testing.T, request *http.Request, body []byte) []byte {
	t.Helper()
	target := request.URL.RequestURI()
	require.Equal(t, 1, strings.Count(target, testkit.EscapedKey), target)
	target = strings.Replace(target, testkit.EscapedKey, "{api_key}", 1)
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\nHost: %s\n", request.Method, target, request.URL.Host)
	for _, name := range slices.Sorted(maps.Keys(request.Header)) {
		for _, value := range request.Header[name] {
			if name == "User-Agent" {
				require.Equal(t, salebot.DefaultUserAgent, value)
				value = "{user_agent}"
			}
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	fmt.Fprintf(&b, "\n%s", body)
	if len(body) > 0 {
		b.WriteByte('\n')
	}
	return b.Bytes()
}

func TestGoldenRequests(t *testing.T) {
	t.Parallel()
	for name, list := range clienttest.Scenarios {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := filepath.Join(goldenRequests, name)
			written := map[string]bool{}
			for _, s := range list {
				require.NotContains(t, written, s.Name+".http", "two scenarios have the same name")
				written[s.Name+".http"] = true
				request, body := recorded(t, s)
				got := golden(t, request, body)
				file := filepath.Join(folder, s.Name+".http")
				testkit.RequireMade(t, file, got)
			}
			entries, err := os.ReadDir(folder)
			require.NoError(t, err)
			for _, entry := range entries {
				if testkit.Updating() && !written[entry.Name()] {
					require.NoError(t, os.Remove(filepath.Join(folder, entry.Name())))
					continue
				}
				require.Contains(t, written, entry.Name(), "nobody sends %s/%s", name, entry.Name())
			}
		})
	}
}

// What is sent is canonical JSON, or a sorted query, and announces its length.
func TestRequestsAreCanonical(t *testing.T) {
	t.Parallel()
	for name, list := range clienttest.Scenarios {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			row := action.MustLookup(name)
			for _, s := range list {
				request, body := recorded(t, s)
				require.Equal(t, row.Method(), request.Method)
				require.Equal(t, clienttest.Address(name), strings.TrimSuffix(request.URL.String(), "?"+request.URL.RawQuery))
				query, err := url.ParseQuery(request.URL.RawQuery)
				require.NoError(t, err)
				require.Equal(t, query.Encode(), request.URL.RawQuery, "sorted")
				if row.Place == action.Query || row.Place == action.Nowhere {
					require.Empty(t, body)
					require.NotContains(t, request.Header, "Content-Type")
					continue
				}
				require.Empty(t, request.URL.RawQuery)
				require.Equal(t, "application/json", request.Header.Get("Content-Type"))
				require.Equal(t, int64(len(body)), request.ContentLength)
				var compact bytes.Buffer
				require.NoError(t, json.Compact(&compact, body))
				require.Equal(t, compact.String(), string(body))
				require.Equal(t, row.Place == action.Array, body[0] == '[')
			}
		})
	}
}

// The scenarios, and so the golden requests, are complete in both directions:
// every action of the table is called, with every parameter it has and with none
// that it has not.
func TestScenariosCoverEveryParameter(t *testing.T) {
	t.Parallel()
	rows := map[string]bool{}
	for _, row := range action.All() {
		rows[row.Name] = true
		require.NotEmpty(t, clienttest.Scenarios[row.Name], "%s has no scenario in internal/clienttest/scenarios.go", row.Name)
		sent := map[string]bool{}
		for _, s := range clienttest.Scenarios[row.Name] {
			for _, parameter := range parameters(t, s) {
				sent[parameter] = true
				require.True(t, row.Takes(parameter) || row.Extra, "%s/%s sends %q", row.Name, s.Name, parameter)
			}
		}
		for _, parameter := range row.Params {
			require.Contains(t, sent, parameter, "no scenario of %s sends it", row.Name)
		}
	}
	for name := range clienttest.Scenarios {
		require.Contains(t, rows, name, "a scenario without an action")
	}
}

// parameters lists the names of what a scenario sends, at the top level.
func parameters(t *testing.T, s clienttest.Scenario) []string {
	t.Helper()
	request, body := recorded(t, s)
	names := slices.Collect(maps.Keys(request.URL.Query()))
	if len(body) == 0 {
		return names
	}
	var objects []map[string]json.RawMessage
	if body[0] == '{' {
		body = append(append([]byte{'['}, body...), ']')
	}
	require.NoError(t, json.Unmarshal(body, &objects))
	for _, object := range objects {
		names = slices.AppendSeq(names, maps.Keys(object))
	}
	return names
}

// Another host gets the same requests.
func TestGoldenRequestsSurviveTheInternationalHost(t *testing.T) {
	t.Parallel()
	var got *http.Request
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(func(request *http.Request) (*http.Response, error) {
		got = request
		return httpmock.NewStringResponse(http.StatusOK, "ok"), nil
	})
	client := clienttest.New(t, mock, salebot.WithBaseURL(salebot.InternationalBaseURL))
	_, err := clienttest.Scenarios["message"][0].Call(t.Context(), client)
	require.NoError(t, err)
	require.Equal(t, "https://chatter.salebot.ai/api/"+testkit.EscapedKey+"/message", got.URL.String())
	require.Empty(t, got.Referer())
}
