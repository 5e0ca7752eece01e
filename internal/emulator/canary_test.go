package emulator_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/testkit"
)

// What the emulator remembers and hands out does not hold the key of a request, known
// or not: a program may send the key of a real project by mistake.
func TestKeysAreNotRemembered(t *testing.T) {
	t.Parallel()
	target := &receiver{}
	for name, key := range map[string]string{"known": testkit.Key, "another": "another"} {
		emulator := newEmulator(t, withAnn(), withFlow(), engine.WithKeys(engine.Key{Value: key, Name: "one"}),
			engine.WithWebhook(engine.Webhook{Handler: target}))
		base := strings.TrimSuffix(engine.BaseURL, "/api")
		paths := []string{
			"/api/" + testkit.Key + "/message", "/api/" + testkit.EscapedKey + "/message", "/api/" + testkit.Key + "/add_to_list",
			"/api/" + testkit.Key + "/no_such_action", "/api/" + testkit.Key, "/api//" + testkit.Key + "/message", "/" + testkit.Key + "/message",
			"/api/" + testkit.Key + "/message/" + testkit.Key,
		}
		if name == "known" {
			paths = append(paths, "/api/message/"+testkit.Key)
		}
		for _, path := range paths {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				r, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(`{"client_id":25554,"message":"menu"}`))
				require.NoError(t, err)
				w := &recorded{header: http.Header{}}
				emulator.ServeHTTP(w, r)
				require.Empty(t, testkit.FindKey(w.body.String()), name)
			}
		}
		for what, value := range map[string]any{
			"requests": emulator.Requests(), "deliveries": deliveries(t, emulator), "snapshot": emulator.Snapshot(), "progress": emulator.Progress(),
			"history": emulator.History(ann), "webhook": emulator.Webhook(), "answers": emulator.Answers(),
		} {
			text, err := json.Marshal(value)
			require.NoError(t, err)
			require.Empty(t, testkit.FindKey(string(text)), "%s, %s", name, what)
			require.Empty(t, testkit.FindKey(fmt.Sprintf("%+v %#v %s", value, value, value)), "%s, %s", name, what)
		}
	}
}
