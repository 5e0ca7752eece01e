package emulator_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/emulator/faults"
)

// recorded keeps what a handler answers.
type recorded struct {
	header http.Header
	status int
	body   strings.Builder
}

func (r *recorded) Header() http.Header         { return r.header }
func (r *recorded) Write(b []byte) (int, error) { return r.body.Write(b) }
func (r *recorded) WriteHeader(status int)      { r.status = status }

// FuzzRequests sends anything to every action. No answer may be a failure of the
// emulator, and what calls itself JSON has to be it.
func FuzzRequests(f *testing.F) {
	for _, body := range []string{
		`{"client_id":25554,"message":"hi","buttons":{"hint":"h","buttons":[{"text":"Yes","line":"0"}]}}`,
		`{"client_id":"25554","variables":{"client.a":null,"b":{"c":[1]}},"clients":"[1,2]"}`,
		`[{"platform_id":"+7 900","group_id":5,"client_type":"6"}]`,
		`{"q":{"a":{"_in":[1,"2"]},"b":{"_not":null}},"include_all":"0","search_in":"order"}`,
		"client_id=25554&variables[a][b]=c&variables[]=d&buttons[0][text]=Yes",
		"client_id=25554&message=50%&message=%ff&clients=1&clients[]=2;a=b&%u=", "{\"client_id\":2.5554e4,\"message\":\"\xff\\ud800\"}",
		`"{\"client_id\":25554}"`, `{"a":{"b":25554},"message":"hi"}`, `[[[[`, `{"client_id":1e400}`, `{"time_shift":"1e300","client_id":25554,"message":"x"}`,
		`{"client_ids":[25554,-1,9223372036854775808]}`, `{"list":-5,"limit":-1,"offset":9223372036854775807}`,
	} {
		for action := range 3 {
			f.Add(uint8(action*7), "delimiter=.&delimiter_value_client_id=a.b", "application/json", []byte(body))
		}
	}
	names := engine.Actions()
	f.Fuzz(func(t *testing.T, number uint8, query, contentType string, body []byte) {
		emulator := openEmulator(withAnn(), withFlow(), engine.WithAnswers(engine.Answers{AnyMethod: true}))
		defer emulator.Close()
		name := names[int(number)%len(names)]
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, engine.BaseURL+"/"+emulator.Key()+"/"+name, strings.NewReader(string(body)))
		require.NoError(t, err)
		r.URL.RawQuery = query
		r.Header["Content-Type"] = []string{contentType}
		w := &recorded{header: http.Header{}}
		emulator.ServeHTTP(w, r)
		require.Less(t, w.status, 500)
		if strings.HasPrefix(w.header.Get("Content-Type"), "application/json") {
			require.True(t, json.Valid([]byte(w.body.String())), "%s: %s", name, w.body.String())
			require.True(t, utf8.ValidString(w.body.String()), "%s: %q", name, w.body.String())
		}
		seen := emulator.Requests()[0]
		require.True(t, json.Valid(seen.Parameters()), "%s", seen.Parameters())
		require.True(t, utf8.Valid(seen.Parameters()), "%q", seen.Parameters())
		_ = seen.Parameter("client_id")
		text, err := json.Marshal(emulator.Snapshot())
		require.NoError(t, err)
		require.True(t, utf8.Valid(text), "%q", text)
		var state engine.Project
		require.NoError(t, json.Unmarshal(text, &state))
		require.NoError(t, emulator.Restore(state))
		emulator.Advance(1000 * time.Hour)
	})
}

func TestHostileText(t *testing.T) {
	t.Parallel()
	client, _ := newClient(t, withAnn())
	for _, text := range []string{
		`<script>alert(1)</script>`, "\x00\x01\x7f", "\u2028\u2029\ufeff", strings.Repeat("я", 50_000), `"\"`, "a\r\nSet-Cookie: b", "\U0001F600",
	} {
		_, err := client.Message(t.Context(), salebot.MessageRequest{ClientID: ann, Message: text})
		require.NoError(t, err)
		items, err := client.GetHistory(t.Context(), salebot.GetHistoryRequest{ClientID: ann, Limit: 1})
		require.NoError(t, err)
		require.Equal(t, text, items[0].Text)
		_, err = client.SaveVariables(t.Context(), salebot.SaveVariablesRequest{ClientID: ann, Variables: map[string]any{text: text}})
		require.NoError(t, err)
		read, err := client.GetVariables(t.Context(), ann)
		require.NoError(t, err)
		require.Equal(t, text, read.Text(text))
	}
}

func TestLogsAreBounded(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, withAnn(), engine.WithMaxLogEntries(10))
	for i := range 500 {
		get(t, emulator, fmt.Sprintf("action_%d?x=%d", i, i))
	}
	seen := emulator.Requests()
	require.Len(t, seen, 10)
	require.Equal(t, "action_490", seen[0].Action)
	require.Equal(t, int64(500), seen[9].Number)
	require.Equal(t, "x=499", seen[9].Query)

	post(t, emulator, "message", `{"client_id":25554,"message":"`+strings.Repeat("x", 1<<20)+`"}`)
	last := emulator.Requests("message")[0]
	require.Len(t, last.Body, 64<<10)
	require.Empty(t, last.Parameter("message"))
	require.NotEmpty(t, last.Notes)
	require.Len(t, emulator.Messages(ann)[0].Text, 1<<20)

	quiet := newEmulator(t, withAnn(), engine.WithMaxLogEntries(0))
	post(t, quiet, "message", `{"client_id":25554,"message":"hi"}`)
	require.Empty(t, quiet.Requests())
	require.Equal(t, 1, quiet.Calls("message"))
}

func TestConversationsAreKeptUnlessASettingBoundsThem(t *testing.T) {
	t.Parallel()
	all, bounded := newEmulator(t, withAnn()), newEmulator(t, withAnn(), engine.WithMaxMessages(100))
	for i := range 21_000 {
		for _, emulator := range []*double{all, bounded} {
			_, err := emulator.Write(ann, strconv.Itoa(i))
			require.NoError(t, err)
		}
	}
	require.Len(t, all.History(ann), 21_000)
	kept := bounded.History(ann)
	require.Len(t, kept, 100)
	require.Equal(t, "20900", kept[0].Text)
	require.Equal(t, "20999", kept[99].Text)
	_, err := engine.Open(engine.WithMaxMessages(-1))
	require.Error(t, err)
}

func TestGarbageOnThePort(t *testing.T) {
	t.Parallel()
	server := newServer(t, withAnn())
	address := strings.TrimSuffix(strings.TrimPrefix(server.URL, "http://"), "/api")
	for _, garbage := range []string{"\x00\x01\x02\x03", "GET", "POST /api/" + server.Key() + "/message HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"cl", strings.Repeat("A", 1<<16)} {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		require.NoError(t, err)
		_, _ = io.WriteString(conn, garbage)
		require.NoError(t, conn.Close())
	}
	var idle []net.Conn
	for range 100 {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		require.NoError(t, err)
		idle = append(idle, conn)
	}
	require.NoError(t, hello(t, server.Client(t)))
	require.Len(t, server.Messages(ann), 1, "half a request is not carried out")
	for _, conn := range idle {
		require.NoError(t, conn.Close())
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	client, emulator := newClient(t, withAnn(), withBob(), withFlow(),
		engine.WithWebhook(engine.Webhook{Handler: &receiver{}, Duplicates: 1, Parallel: 3}))
	ctx := t.Context()
	const workers, rounds = 8, 25
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			for round := range rounds {
				_, err := client.Message(ctx, salebot.MessageRequest{ClientID: ann, Message: "menu", After: time.Duration(round) * time.Minute})
				if err != nil {
					t.Error(err)
				}
				_, _ = client.SaveVariables(ctx, salebot.SaveVariablesRequest{Clients: []salebot.ClientID{ann, bob}, Variables: map[string]any{strconv.Itoa(worker): round}})
				_, _ = client.GetVariables(ctx, ann)
				_, _ = client.GetHistory(ctx, salebot.GetHistoryRequest{ClientID: ann})
				_, _ = client.TGCallback(ctx, salebot.TGCallbackRequest{UserID: salebot.PlatformID(strconv.Itoa(worker)), GroupID: "my_shop_bot", Message: "menu"})
				_, _ = client.GetClients(ctx, salebot.GetClientsRequest{})
				_, _ = emulator.Write(bob, "menu")
				emulator.Fail(faults.Fault{Action: "get_messages", Status: 500})
				_ = emulator.SetAnswers(engine.Answers{IDs: engine.IDsAsText})
				_ = emulator.Snapshot()
				_, _, _, _ = emulator.Requests(), emulator.Deliveries(), emulator.Scheduled(), emulator.Faults()
				emulator.Advance(time.Second)
			}
		})
	}
	wg.Wait()
	emulator.Advance(time.Hour)
	deliveries(t, emulator)
	require.Len(t, emulator.Messages(ann), workers*rounds)
	require.Len(t, emulator.People(), 2+workers)
	emulator.AssertCalls(t, "message", workers*rounds)
}
