package salebot_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/fixture"
	"github.com/salebot-go/salebot/internal/testkit"
)

// fixed is a transport that answers with the body of the moment.
type fixed struct{ body []byte }

func (f *fixed) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(f.body)), Request: r}, nil
}

// fuzzAnswer shows arbitrary bodies to the method of an action. Whatever comes
// there is either a result or an error, and the error knows what it means.
func fuzzAnswer(f *testing.F, action string, check func(t *testing.T, body []byte, result any)) {
	answers, err := fixture.Answers(action)
	if err != nil {
		f.Fatal(err)
	}
	for _, answer := range answers {
		f.Add(answer.Body)
	}
	transport := &fixed{}
	client := clienttest.New(f, transport)
	f.Fuzz(func(t *testing.T, body []byte) {
		transport.body = body
		result, err := clienttest.Scenarios[action][0].Call(t.Context(), client)
		if err == nil {
			check(t, body, result)
			return
		}
		var failure *salebot.OpError
		if !errors.As(err, &failure) || failure.Attempts != 1 {
			t.Fatalf("%q: %v", body, err)
		}
		switch failure.Outcome {
		case salebot.OutcomeRejected:
			if !errors.Is(err, salebot.ErrRejected) {
				t.Fatalf("%q: %v", body, err)
			}
		case salebot.OutcomeUnknown, salebot.OutcomeFailed:
			if (failure.Outcome == salebot.OutcomeFailed) != (failure.Class == salebot.Read) || !errors.Is(err, salebot.ErrUnexpectedResponse) {
				t.Fatalf("%q: %v", body, err)
			}
		case salebot.OutcomeAccepted:
			var partial *salebot.PartialError
			if !errors.As(err, &partial) && !errors.Is(err, salebot.ErrTruncated) {
				t.Fatalf("%q: %v", body, err)
			}
		default:
			t.Fatalf("%q: %v", body, err)
		}
		if strings.ContainsAny(err.Error(), "\n\r") {
			t.Fatalf("%q: a text of several lines: %q", body, err)
		}
	})
}

// requireJSON fails where a result was made of something that is no JSON.
func requireJSON(t *testing.T, body []byte) {
	t.Helper()
	if trimmed := bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\ufeff"))); !json.Valid(trimmed) {
		t.Fatalf("%q was read although it is no JSON", body)
	}
}

// requireStable writes a value, reads it, and writes it again.
func requireStable[T any](t *testing.T, value T) {
	t.Helper()
	first, err := json.Marshal(value)
	if err != nil {
		t.Fatalf("%+v: %v", value, err)
	}
	var read T
	if err := json.Unmarshal(first, &read); err != nil {
		t.Fatalf("%s: %v", first, err)
	}
	second, err := json.Marshal(read)
	if err != nil || !bytes.Equal(first, second) {
		t.Fatalf("%s became %s, %v", first, second, err)
	}
}

func FuzzHistory(f *testing.F) {
	fuzzAnswer(f, "get_history", func(t *testing.T, body []byte, result any) {
		t.Helper()
		requireJSON(t, body)
		for _, item := range result.([]salebot.HistoryItem) {
			if item.ID == 0 {
				t.Fatalf("%q: an item without an id", body)
			}
			requireStable(t, item.CreatedAt)
			requireStable(t, item.Attachments)
			_ = item.Attachments.Items()
		}
	})
}

func FuzzVariables(f *testing.F) {
	fuzzAnswer(f, "get_variables", func(t *testing.T, body []byte, result any) {
		t.Helper()
		requireJSON(t, body)
		v := result.(salebot.Variables)
		requireStable(t, v)
		var want map[string]any
		_ = json.Unmarshal(v.Raw(), &want)
		distinct := map[string]bool{}
		for name, value := range v.All() {
			distinct[name] = true
			if text, isText := want[name].(string); isText && !value.IsUnset() && v.Text(name) != text {
				t.Fatalf("%q: %q is %q, want %q", body, name, v.Text(name), text)
			}
		}
		if len(distinct) != len(want) {
			t.Fatalf("%q: %d names, want %d", body, len(distinct), len(want))
		}
	})
}

func FuzzChannels(f *testing.F) {
	fuzzAnswer(f, "connected_channels", func(t *testing.T, body []byte, result any) {
		t.Helper()
		requireJSON(t, body)
		channels := result.(*salebot.ConnectedChannels)
		counted := map[string]int{}
		for _, channel := range channels.Channels {
			if channel.ID == 0 && channel.GroupID == "" {
				t.Fatalf("%q: a channel that nobody can name", body)
			}
			counted[channel.Messenger]++
		}
		for messenger, n := range counted {
			if len(channels.Of(messenger)) != n {
				t.Fatalf("%q: %d of %q, want %d", body, len(channels.Of(messenger)), messenger, n)
			}
		}
	})
}

func FuzzLoadClients(f *testing.F) {
	fuzzAnswer(f, "load_clients", func(t *testing.T, body []byte, result any) {
		t.Helper()
		requireJSON(t, body)
		loaded := result.([]salebot.LoadedClient)
		if len(loaded) != 1 || !loaded[0].Accepted() || loaded[0].ID == 0 {
			t.Fatalf("%q: %+v", body, loaded)
		}
	})
}

func FuzzMessageAnswer(f *testing.F) {
	fuzzAnswer(f, "message", func(t *testing.T, body []byte, result any) {
		t.Helper()
		ack := result.(*salebot.Ack)
		if !bytes.Equal(ack.Raw, body) {
			t.Fatalf("%q became %q", body, ack.Raw)
		}
		if word := strings.ToLower(strings.TrimSpace(ack.Text())); word == "fail" || word == "error" {
			t.Fatalf("%q was taken for a success", body)
		}
		if len(bytes.TrimSpace(body)) == 0 {
			t.Fatal("nothing was taken for a success")
		}
	})
}

func FuzzTimestamp(f *testing.F) {
	for _, text := range []string{"null", "0", "-1", "1587890000", `"1587890000"`, "1.5", `"-1.5"`, `"2026-05-28 17:33:42.539976"`, `"28.05.2026 17:33"`, `"2026-05-28T17:33:42Z"`, `"x"`, "9223372036854775807", "{}"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var at salebot.Timestamp
		if err := json.Unmarshal(text, &at); err != nil {
			var direct salebot.Timestamp
			_ = direct.UnmarshalJSON(text) // Only no panic is asked for.
			return
		}
		requireStable(t, at)
		moment, isMoment := at.Moment()
		local, err := at.In(time.UTC)
		switch {
		case at.IsZero() && (isMoment || err != nil || !local.IsZero()):
			t.Fatalf("%s: no time, but %v, %v", text, local, err)
		case isMoment && (err != nil || !local.Equal(moment)):
			t.Fatalf("%s: %v, but %v, %v in UTC", text, moment, local, err)
		case !isMoment && !at.IsZero() && err == nil:
			if _, err := at.In(nil); !errors.Is(err, salebot.ErrNoLocation) {
				t.Fatalf("%s: a civil time without a location is %v", text, err)
			}
		}
	})
}

func FuzzAttachments(f *testing.F) {
	for _, text := range []string{"null", "[]", "{}", `["https://a/b"]`, `[{"url":"https://a/b","type":"image"}]`, `"[\"https://a/b\"]"`, `{"a":"https://a/b"}`, `[{"phone_number":1}]`, `[[[[[]]]]]`, `"\""`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var a salebot.Attachments
		if json.Unmarshal(text, &a) != nil {
			_ = a.UnmarshalJSON(text)
			_ = a.Items()
			return
		}
		requireStable(t, a)
		urls := 0
		for _, item := range a.Items() {
			if item.URL != "" {
				urls++
			}
			if !json.Valid(item.Raw) {
				t.Fatalf("%s: Raw is %q", text, item.Raw)
			}
		}
		if len(a.URLs()) != urls {
			t.Fatalf("%s: %d addresses, want %d", text, len(a.URLs()), urls)
		}
	})
}

// Whatever is in a text or a variable, what is sent is one JSON object with
// exactly that, and the address does not change.
func FuzzRequests(f *testing.F) {
	f.Add("hello", "name", "value", int64(1))
	f.Add("\x00\xff\"\\\u2028", "client_id", "</script>", int64(-1))
	f.Add("", "", "", int64(0))
	transport := &captured{}
	client := clienttest.New(f, transport)
	f.Fuzz(func(t *testing.T, message, name, value string, id int64) {
		transport.request, transport.body = nil, nil
		_, err := client.Callback(t.Context(), salebot.CallbackRequest{ClientID: salebot.ClientID(id), Message: message, Variables: map[string]any{name: value}})
		if errors.Is(err, salebot.ErrInvalidRequest) {
			if transport.request != nil {
				t.Fatal("refused and sent")
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		var sent map[string]any
		decoder := json.NewDecoder(bytes.NewReader(transport.body))
		decoder.UseNumber()
		if err := decoder.Decode(&sent); err != nil || decoder.More() {
			t.Fatalf("%q: %v", transport.body, err)
		}
		clean := func(text string) string { return string([]rune(text)) } // each bad byte becomes U+FFFD
		if len(sent) != 3 || sent["message"] != clean(message) || sent[clean(name)] != clean(value) {
			t.Fatalf("%q: %v", transport.body, sent)
		}
		if transport.request.URL.EscapedPath() != "/api/"+testkit.EscapedKey+"/callback" || transport.request.URL.RawQuery != "" {
			t.Fatal("the address changed")
		}
	})
}

type captured struct {
	request *http.Request
	body    []byte
}

func (c *captured) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	c.request, c.body = r, body
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("ok")), Request: r}, err
}
