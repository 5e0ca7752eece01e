package emulator_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/testkit"
)

// requireWellFormed wants JSON that a strict reader takes too.
func requireWellFormed(t *testing.T, text, what string) {
	t.Helper()
	require.True(t, json.Valid([]byte(text)), what)
	require.True(t, utf8.ValidString(text), what)
	whole := strings.NewReplacer(`\ud83d\ude00`, "", `\\ud83d\\ude00`, "") // once inside of text
	require.NotContains(t, strings.ToLower(whole.Replace(text)), `\ud`, what)
}

// What is not a character comes in by every door and must not go out by any.
func TestBrokenUnicodeIsReplaced(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		target := &receiver{}
		emulator := newEmulator(t, withAnn(), engine.WithWebhook(engine.Webhook{Handler: target}))
		for name, broken := range map[string]string{
			"bytes": "a\xff\xfeb", "half": `a\ud83d`, "other half": `\uDC00b`, "wrong order": `\udc00\ud83d`, "half and text": `\ud83dA`,
			"half twice": `\ud83d\ud83d\ude00`, "cut": "\xd0",
		} {
			for path, body := range map[string]string{
				"callback":       `{"client_id":25554,"message":"x","` + broken + `":"` + broken + `","list":["` + broken + `"]}`,
				"save_variables": `{"client_id":25554,"variables":{"client.a":"` + broken + `","b":{"c":["` + broken + `"]},"` + broken + `":1}}`,
				"message":        `{"client_id":25554,"message":"` + broken + `","buttons":[{"text":"` + broken + `"}]}`,
				"load_clients":   `[{"platform_id":"` + broken + `","group_id":"my_shop_bot","client_type":1}]`,
				"create_order":   `{"client_id":25554,"name":"` + broken + `"}`,
				"set_order_vars": `{"client_id":25554,"variables":{"` + broken + `":["` + broken + `"]}}`,
			} {
				got := post(t, emulator, path, body)
				require.Equal(t, http.StatusOK, got.status, "%s %s: %s", name, path, got.body)
				requireNote(t, emulator, "Unicode")
				if path == "load_clients" {
					requireWellFormed(t, got.body, name)
					require.Contains(t, got.body, `"platform_id":"`, name)
				}
				seen := emulator.RequestsBefore(0, 1)[0]
				requireWellFormed(t, string(seen.Parameters()), name+path)
			}
			// JSON inside of text, and forms.
			inner := `{"d":"` + broken + `"}`
			require.Equal(t, "ok", send(t, emulator, http.MethodPost, "save_variables", form, "client_id=25554&variables="+url.QueryEscape(inner)).body)
			requireNote(t, emulator, "Unicode")
			require.Equal(t, "ok", send(t, emulator, http.MethodPost, "callback?%FF=%FE", form, "client_id=25554&message=%ff").body)
			requireNote(t, emulator, "Unicode")
			twice, err := json.Marshal(`{"client_id":25554,"message":"` + strings.ToValidUTF8(broken, `\ud83d`) + `"}`)
			require.NoError(t, err)
			require.Equal(t, "ok", post(t, emulator, "message", string(twice)).body)
			requireNote(t, emulator, "Unicode")

			for _, path := range []string{"get_variables?client_id=25554", "get_clients", "get_history?client_id=25554"} {
				requireWellFormed(t, get(t, emulator, path).body, name+path)
			}
			requireWellFormed(t, post(t, emulator, "get_order_vars", `{"client_id":25554}`).body, name)
			text, err := json.Marshal(emulator.Snapshot())
			require.NoError(t, err)
			requireWellFormed(t, string(text), name)
			for _, delivery := range deliveries(t, emulator) {
				requireWellFormed(t, string(delivery.Body), name)
			}
			require.NoError(t, emulator.Reset())
		}
	})
}

func TestWholePairsAreKept(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, withAnn())
	require.Equal(t, "ok", post(t, emulator, "save_variables", `{"client_id":25554,"variables":{"a":"\ud83d\ude00 \\ud83d \u041f","b":{"c":"\uD83D\uDE00"}}}`).body)
	require.Empty(t, lastNotes(t, emulator))
	require.Equal(t, "😀 \\ud83d П", emulator.Variables(ann)["a"])
	require.JSONEq(t, `{"c":"😀"}`, emulator.Variables(ann)["b"])
}

// Variables of Go programs are kept as JSON too.
func TestBrokenUnicodeOfSeedsIsReplaced(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t,
		engine.WithPerson(engine.Person{ID: ann, ClientType: salebot.ClientTypeTelegram, Variables: map[string]any{"client.a": json.RawMessage("\"\xff\\ud800\"")}}),
		engine.WithOrders(engine.Order{ClientID: ann, Variables: map[string]any{"b": json.RawMessage("\"\xff\\ud800\"")}}))
	text, err := json.Marshal(emulator.Snapshot())
	require.NoError(t, err)
	requireWellFormed(t, string(text), "snapshot")
	requireWellFormed(t, get(t, emulator, "get_variables?client_id=25554").body, "variables")
}
