package emulator_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/testkit"
)

// receiver is a webhook that answers with one status after another, and with the
// last one from then on.
type receiver struct {
	mu       sync.Mutex
	statuses []int
	bodies   []string
	headers  []http.Header
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, _ := io.ReadAll(request.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bodies = append(r.bodies, string(body))
	r.headers = append(r.headers, request.Header)
	if len(r.statuses) == 0 {
		return
	}
	w.WriteHeader(r.statuses[0])
	if len(r.statuses) > 1 {
		r.statuses = r.statuses[1:]
	}
}

func (r *receiver) got() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bodies
}

func deliveries(t *testing.T, emulator *double) []engine.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	require.NoError(t, emulator.WaitForDeliveries(ctx))
	return emulator.Deliveries()
}

func TestWebhookIsToldEveryMessage(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		target := &receiver{}
		client, emulator := newClient(t, withFlow(),
			engine.WithPerson(engine.Person{
				ID: ann, Name: "Ann", ClientType: salebot.ClientTypeTelegram, PlatformID: "100200300", Tag: "spring",
				Variables: map[string]any{"client.city": "Riga", "sum": 5},
			}),
			engine.WithWebhook(engine.Webhook{Handler: target, Header: http.Header{"X-Secret": {"s"}}}))
		_, err := emulator.Write(ann, "menu")
		require.NoError(t, err)
		_, err = client.Message(t.Context(), salebot.MessageRequest{ClientID: ann, AttachmentType: "image", AttachmentURL: "https://example.com/a.png"})
		require.NoError(t, err)
		_, err = client.Callback(t.Context(), salebot.CallbackRequest{ClientID: ann, Message: "event"})
		require.NoError(t, err)
		all := deliveries(t, emulator)
		require.Len(t, all, 4)
		person := `{"id":25554,"recepient":"100200300","client_type":1,"name":"Ann","avatar":null,"created_at":"2000-01-01 00:00:00.000000","tag":"spring",
			"group":"my_shop_bot","variables":{"city":"Riga"},"order_variables":{"sum":"5"}}`
		for i, want := range []string{
			`{"id":22560000001,"client":` + person + `,"message":"menu","attachments":null,"message_id":null,"project_id":424000,"is_input":1,"delivered":1,"error_message":"","internal_id":"560000001"}`,
			`{"id":22560000002,"client":` + person + `,"message":"What would you like?","attachments":null,"message_id":1,"project_id":424000,"is_input":0,"delivered":1,"error_message":"","internal_id":null}`,
			`{"id":22560000003,"client":` + person + `,"message":null,"attachments":["https://example.com/a.png"],"message_id":null,"project_id":424000,"is_input":0,"delivered":1,"error_message":"","internal_id":null}`,
			`{"id":22560000004,"client":` + person + `,"message":"event","attachments":null,"message_id":null,"project_id":424000,"is_input":1,"delivered":1,"error_message":"","internal_id":"560000004"}`,
		} {
			require.JSONEq(t, want, target.got()[i])
			require.JSONEq(t, want, string(all[i].Body))
			require.True(t, all[i].Accepted())
			require.Equal(t, ann, all[i].ClientID)
		}
		require.Equal(t, "s", target.headers[0].Get("X-Secret"))
		require.Equal(t, "application/json", target.headers[0].Get("Content-Type"))
	})
}

func TestFormsOfAttachments(t *testing.T) {
	t.Parallel()
	for form, want := range map[engine.AttachmentsForm]string{
		"":                          `["https://example.com/a.png",{"phone_number":"79000000000"}]`,
		engine.AttachmentsAsURLs:    `["https://example.com/a.png",{"phone_number":"79000000000"}]`,
		engine.AttachmentsAsObjects: `[{"type":"image","url":"https://example.com/a.png"},{"phone_number":"79000000000"}]`,
		engine.AttachmentsAsObject:  `{"type":"image","url":"https://example.com/a.png"}`,
		engine.AttachmentsAsText:    `"[\"https://example.com/a.png\",{\"phone_number\":\"79000000000\"}]"`,
	} {
		target := &receiver{}
		emulator := newEmulator(t, withAnn(), engine.WithWebhook(engine.Webhook{Handler: target, Attachments: form}))
		_, err := emulator.Write(ann, "", engine.Attachment{Type: "image", URL: "https://example.com/a.png"}, engine.Attachment{PhoneNumber: "79000000000"})
		require.NoError(t, err)
		deliveries(t, emulator)
		require.Contains(t, target.got()[0], `"attachments":`+want+`,`)
	}
}

func TestResending(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		webhook  engine.Webhook
		statuses []int
		want     []int
		after    time.Duration
	}{
		"never":            {engine.Webhook{}, []int{500}, []int{500}, 0},
		"5xx":              {engine.Webhook{Resend: engine.Resend5xx}, []int{500, 503, 200}, []int{500, 503, 200}, 2 * time.Second},
		"5xx bounded":      {engine.Webhook{Resend: engine.Resend5xx, Attempts: 2, RetryDelay: time.Minute}, []int{500}, []int{500, 500}, time.Minute},
		"5xx but not 4xx":  {engine.Webhook{Resend: engine.Resend5xx}, []int{404}, []int{404}, 0},
		"all that failed":  {engine.Webhook{Resend: engine.ResendFailed}, []int{404, 302, 201}, []int{404, 302, 201}, 2 * time.Second},
		"accepted at once": {engine.Webhook{Resend: engine.ResendFailed}, []int{204}, []int{204}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				test.webhook.Handler = &receiver{statuses: test.statuses}
				emulator := newEmulator(t, withAnn(), engine.WithWebhook(test.webhook))
				start := time.Now()
				_, err := emulator.Write(ann, "hi")
				require.NoError(t, err)
				d := deliveries(t, emulator)[0]
				var got []int
				for _, attempt := range d.Attempts {
					got = append(got, attempt.Status)
				}
				require.Equal(t, test.want, got)
				require.Equal(t, test.after, time.Since(start))
			})
		})
	}
}

func TestDuplicatesAndDisorder(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		target := &receiver{}
		emulator := newEmulator(t, withAnn(), engine.WithWebhook(engine.Webhook{Handler: target, Duplicates: 1, Delay: time.Second}))
		_, err := emulator.Write(ann, "hi")
		require.NoError(t, err)
		all := deliveries(t, emulator)
		require.Len(t, all, 2)
		require.Equal(t, 1, all[1].Copy)
		require.Equal(t, target.got()[0], target.got()[1])

		target = &receiver{}
		require.NoError(t, emulator.SetWebhook(engine.Webhook{Handler: target, Reorder: true}))
		for _, text := range []string{"1", "2", "3", "4", "5"} {
			_, err := emulator.Write(ann, text)
			require.NoError(t, err)
		}
		deliveries(t, emulator)
		for i, want := range []string{"2", "1", "4", "3", "5"} {
			require.Contains(t, target.got()[i], `"message":"`+want+`"`)
		}
	})
}

func TestReceiverThatHangs(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		hangs := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		client, emulator := newClient(t, withAnn(), engine.WithWebhook(engine.Webhook{Handler: hangs, Timeout: time.Minute}))
		start := time.Now()
		for range 3 {
			require.NoError(t, hello(t, client))
		}
		require.Zero(t, time.Since(start), "nobody waits for the receiver")
		all := deliveries(t, emulator)
		require.Equal(t, 3*time.Minute, time.Since(start))
		require.Contains(t, all[0].Attempts[0].Error, "deadline exceeded")
		require.False(t, all[0].Accepted())
		require.NoError(t, hello(t, client))
	})
}

func TestDeliveriesSideBySide(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		emulator := newEmulator(t, withAnn(), engine.WithWebhook(engine.Webhook{Handler: &receiver{}, Delay: time.Minute, Parallel: 4}))
		start := time.Now()
		for range 8 {
			_, err := emulator.Write(ann, "hi")
			require.NoError(t, err)
		}
		deliveries(t, emulator)
		require.Equal(t, 2*time.Minute, time.Since(start))
	})
}

func TestResetGivesUpDeliveries(t *testing.T) {
	t.Parallel()
	for name, webhook := range map[string]engine.Webhook{
		"delayed":   {Delay: time.Minute},
		"in line":   {Delay: time.Minute, Duplicates: 3},
		"disorder":  {Reorder: true, RetryDelay: time.Minute},
		"transport": {Delay: time.Minute, URL: "http://receiver.localhost/"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				target := &receiver{}
				webhook.Handler = target
				if webhook.URL != "" {
					webhook.Handler, webhook.Transport = nil, transportThatDoesNotLook{target}
				}
				emulator := newEmulator(t, withAnn(), engine.WithWebhook(webhook))
				_, err := emulator.Write(ann, "before")
				require.NoError(t, err)
				synctest.Wait()
				require.NotZero(t, emulator.Progress().Waiting)
				require.NoError(t, emulator.Reset())
				require.Zero(t, emulator.Progress().Waiting)
				require.Zero(t, emulator.Progress().Deliveries)

				_, err = emulator.Write(ann, "after")
				require.NoError(t, err)
				for _, d := range deliveries(t, emulator) {
					require.Contains(t, string(d.Body), `"after"`)
					require.True(t, d.Accepted())
				}
				require.NotEmpty(t, target.got())
				for _, body := range target.got() {
					require.Contains(t, body, `"after"`)
				}
			})
		})
	}
}

// transportThatDoesNotLook delivers although the context of the request has ended.
type transportThatDoesNotLook struct{ target http.Handler }

func (t transportThatDoesNotLook) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	t.target.ServeHTTP(w, r)
	return w.Result(), nil
}

func TestResetWaitsForTheReceiver(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		var emulator *double
		calls := 0
		slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			_ = emulator.History(ann) // needs the lock that Reset has at first
			calls++
			w.WriteHeader(http.StatusInternalServerError)
		})
		emulator = newEmulator(t, withAnn(), engine.WithWebhook(engine.Webhook{
			Handler: slow, Timeout: time.Hour, Resend: engine.ResendFailed,
		}))
		_, err := emulator.Write(ann, "before")
		require.NoError(t, err)
		synctest.Wait()
		start := time.Now()
		require.NoError(t, emulator.Reset())
		require.Equal(t, 1, calls)
		require.Zero(t, time.Since(start))
		time.Sleep(time.Hour)
		emulator.Close()
		require.Equal(t, 1, calls, "nothing is repeated")
	})
}

func TestWebhookOverTheNetwork(t *testing.T) {
	t.Parallel()
	target := &receiver{statuses: []int{500, 200}}
	server := httptest.NewServer(target)
	t.Cleanup(server.Close)
	emulator := newEmulator(t, withAnn(), engine.WithWebhook(engine.Webhook{URL: server.URL + "/hook?secret=s"}))
	_, err := emulator.Write(ann, "hi")
	require.NoError(t, err)
	all := deliveries(t, emulator)
	require.Equal(t, 500, all[0].Attempts[0].Status)
	require.NoError(t, emulator.Redeliver(all[0].Number))
	all = deliveries(t, emulator)
	require.Len(t, all[0].Attempts, 2)
	require.True(t, all[0].Accepted())
	require.Error(t, emulator.Redeliver(99))

	require.NoError(t, emulator.PostToWebhook("text/plain", []byte("a body of one's own")))
	deliveries(t, emulator)
	require.Equal(t, "a body of one's own", target.got()[2])

	require.NoError(t, emulator.SetWebhook(engine.Webhook{}))
	require.Error(t, emulator.PostToWebhook("text/plain", nil))
	require.Error(t, emulator.Redeliver(1))
	_, err = emulator.Write(ann, "unheard")
	require.NoError(t, err)
	require.Len(t, deliveries(t, emulator), 2)
	require.Error(t, emulator.SetWebhook(engine.Webhook{URL: "nowhere"}))
	require.Error(t, emulator.SetWebhook(engine.Webhook{URL: "http://x", Resend: "often"}))
	require.Error(t, emulator.SetWebhook(engine.Webhook{URL: "http://x", Attempts: -1}))
}

func TestReceiverThatIsNotThere(t *testing.T) {
	t.Parallel()
	panics := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("out of order") })
	emulator := newEmulator(t, withAnn(), engine.WithWebhook(engine.Webhook{Handler: panics, WithoutCallbacks: true}))
	_, err := emulator.Write(ann, "hi")
	require.NoError(t, err)
	require.Contains(t, deliveries(t, emulator)[0].Attempts[0].Error, "out of order")
	require.Equal(t, "ok", post(t, emulator, "callback", `{"client_id":25554,"message":"event"}`).body)
	require.Len(t, deliveries(t, emulator), 1)

	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	require.NoError(t, emulator.SetWebhook(engine.Webhook{URL: server.URL}))
	_, err = emulator.Write(ann, "hi")
	require.NoError(t, err)
	require.NotEmpty(t, deliveries(t, emulator)[1].Attempts[0].Error)
}

// What could not be sent is refused when it is set, not at each delivery.
func TestHeadersThatCannotBeSentAreRefused(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t)
	for name, header := range map[string]http.Header{
		"a line break":        {"X-Secret": {"a\r\nHost: evil.example"}},
		"a lone line feed":    {"X-Secret": {"a\nb"}},
		"a NUL":               {"X-Secret": {"a\x00b"}},
		"a second value":      {"X-Secret": {"fine", "a\rb"}},
		"a name with a space": {"X Secret": {"a"}},
		"a name with a colon": {"X-Secret:": {"a"}},
		"an empty name":       {"": {"a"}},
		"a name in Cyrillic":  {"Ключ": {"a"}},
	} {
		webhook := engine.Webhook{URL: "http://bot.localhost/", Header: header}
		require.ErrorContains(t, emulator.SetWebhook(webhook), "cannot be sent", name)
		_, err := engine.Open(engine.WithWebhook(webhook))
		require.Error(t, err, name)
	}
	require.NoError(t, emulator.SetWebhook(engine.Webhook{
		URL: "http://bot.localhost/", Header: http.Header{"X-Secret": {"a\tb; c=\"ключ\""}},
	}))
}
