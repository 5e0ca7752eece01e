package emulator_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/testkit"
)

// retryAfter calls the API and returns the status and the header Retry-After.
func retryAfter(t *testing.T, emulator *double, key string) (status int, header string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, engine.BaseURL+"/"+key+"/get_messages", nil)
	require.NoError(t, err)
	w := &recorded{header: http.Header{}}
	emulator.ServeHTTP(w, r)
	return w.status, w.header.Get("Retry-After")
}

func withLimit(limit engine.Limit, form engine.RetryAfterForm) engine.Option {
	return engine.WithAnswers(engine.Answers{RateLimit: limit, RetryAfter: form})
}

func TestALimitOfRequestsInAWindow(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		emulator := newEmulator(t, withLimit(engine.Limit{Requests: 3, Per: 10 * time.Second}, ""), engine.WithKey("other"))
		for range 3 {
			status, header := retryAfter(t, emulator, testkit.Key)
			require.Equal(t, http.StatusOK, status)
			require.Empty(t, header)
		}
		time.Sleep(2500 * time.Millisecond)
		status, header := retryAfter(t, emulator, testkit.Key)
		require.Equal(t, http.StatusTooManyRequests, status)
		require.Equal(t, "8", header, "in whole seconds, rounded up")
		status, _ = retryAfter(t, emulator, "other")
		require.Equal(t, http.StatusOK, status, "each key has its own")
		time.Sleep(7500 * time.Millisecond)
		for range 3 {
			status, _ = retryAfter(t, emulator, testkit.Key)
			require.Equal(t, http.StatusOK, status)
		}
		status, _ = retryAfter(t, emulator, testkit.Key)
		require.Equal(t, http.StatusTooManyRequests, status)
		emulator.Advance(10 * time.Second)
		status, _ = retryAfter(t, emulator, testkit.Key)
		require.Equal(t, http.StatusOK, status, "the clock of the emulator counts")
	})
}

func TestALimitAsATokenBucket(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		emulator := newEmulator(t, withLimit(engine.Limit{Requests: 10, Per: time.Second, Burst: 2}, ""))
		passed := func() (n int) {
			for range 5 {
				if status, _ := retryAfter(t, emulator, testkit.Key); status == http.StatusOK {
					n++
				}
			}
			return n
		}
		require.Equal(t, 2, passed())
		time.Sleep(100 * time.Millisecond)
		require.Equal(t, 1, passed(), "a token comes each tenth of a second")
		time.Sleep(time.Hour)
		require.Equal(t, 2, passed(), "the bucket holds two")
	})
}

func TestTheFormsOfARetryAfter(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		for form, want := range map[engine.RetryAfterForm]string{
			engine.RetryAfterSeconds: "60", engine.RetryAfterNone: "", engine.RetryAfterDate: time.Now().Add(time.Minute).UTC().Format(http.TimeFormat),
		} {
			emulator := newEmulator(t, withLimit(engine.Limit{Requests: 1, Per: time.Minute}, form))
			retryAfter(t, emulator, testkit.Key)
			status, header := retryAfter(t, emulator, testkit.Key)
			require.Equal(t, http.StatusTooManyRequests, status)
			require.Equal(t, want, header, form)
		}
	})
}

func TestALimitRefusesBeforeTheActionIsCarriedOut(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, withAnn(), withLimit(engine.Limit{Requests: 1, Per: time.Hour}, engine.RetryAfterNone))
	post(t, emulator, "message", `{"client_id":25554,"message":"first"}`)
	post(t, emulator, "message", `{"client_id":25554,"message":"second"}`)
	require.Len(t, emulator.Messages(ann), 1)
	require.NoError(t, emulator.SetAnswers(engine.Answers{}))
	post(t, emulator, "message", `{"client_id":25554,"message":"third"}`)
	require.Len(t, emulator.Messages(ann), 2, "a limit that is taken away is gone")
}

func TestLimitsInFiles(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]engine.Limit{
		"":                   {},
		"50/1s":              {Requests: 50, Per: time.Second},
		"50/2":               {Requests: 50, Per: 2 * time.Second},
		" 5 / 1m burst 10 ":  {Requests: 5, Per: time.Minute, Burst: 10},
		"1000000/1s burst 1": {Requests: 1_000_000, Per: time.Second, Burst: 1},
	} {
		encoded, err := json.Marshal(text)
		require.NoError(t, err)
		var read engine.Limit
		require.NoError(t, json.Unmarshal(encoded, &read), text)
		require.Equal(t, want, read, text)
		written, err := json.Marshal(read)
		require.NoError(t, err)
		var again engine.Limit
		require.NoError(t, json.Unmarshal(written, &again))
		require.Equal(t, want, again)
	}
	for _, bad := range []string{"50", "50/", "/1s", "x/1s", "0/1s", "-1/1s", "50/0s", "50/-1s", "50/1s burst", "50/1s burst 0", "50/soon"} {
		require.Error(t, new(engine.Limit).UnmarshalText([]byte(bad)), bad)
	}
	require.Error(t, engine.Answers{RateLimit: engine.Limit{Requests: 5}}.Validate())
	require.Error(t, engine.Answers{RateLimit: engine.Limit{Burst: 5}}.Validate())
	require.Error(t, engine.Answers{HistoryDelay: -1}.Validate())
}

func TestTheHistoryShowsSendsOnlyAfterAWhile(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		client, emulator := newClient(t, withAnn(), withFlow(), engine.WithAnswers(engine.Answers{HistoryDelay: engine.Duration(5 * time.Second)}))
		require.NoError(t, hello(t, client))
		_, err := client.Callback(t.Context(), salebot.CallbackRequest{ClientID: ann, Message: "paid"})
		require.NoError(t, err)
		_, err = emulator.Write(ann, "menu")
		require.NoError(t, err)
		shown := func() (n int) {
			items, err := client.GetHistory(t.Context(), salebot.GetHistoryRequest{ClientID: ann})
			require.NoError(t, err)
			return len(items)
		}
		require.Equal(t, 2, shown(), "what the person wrote and the flow answered is there at once")
		time.Sleep(5*time.Second - time.Microsecond)
		require.Equal(t, 2, shown())
		time.Sleep(time.Microsecond)
		require.Equal(t, 4, shown())
		require.NoError(t, emulator.SetAnswers(engine.Answers{HideSendsInHistory: true}))
		require.Equal(t, 2, shown())
		require.Len(t, emulator.History(ann), 4, "the test sees everything")
	})
}
