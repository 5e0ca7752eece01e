package emulator_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// lastNotes are the remarks about the latest request.
func lastNotes(tb testing.TB, emulator *double) []string {
	tb.Helper()
	seen := emulator.RequestsBefore(0, 1)
	require.Len(tb, seen, 1)
	return seen[0].Notes
}

// requireNote wants a remark about the latest request with all of the words.
func requireNote(tb testing.TB, emulator *double, words ...string) {
	tb.Helper()
	for _, note := range lastNotes(tb, emulator) {
		missing := 0
		for _, word := range words {
			if !strings.Contains(note, word) {
				missing++
			}
		}
		if missing == 0 {
			return
		}
	}
	require.Fail(tb, "there is no such note", "want %q, have %q", words, lastNotes(tb, emulator))
}

// Go's decoder drops what others keep.
func TestEscapesAreDecodedAsByOtherLanguages(t *testing.T) {
	t.Parallel()
	const fields = "client_id=25554&message=50%+off; a;b&c=%u041F&d=100%&e=%4&f=%D0%9F+1%2b1&g=a%26b&=x&&h"
	for name, request := range map[string]struct{ path, contentType, body string }{
		"query":                {"callback?" + strings.ReplaceAll(fields, " ", "%20"), "", ""},
		"form":                 {"callback", form, fields},
		"form without a label": {"callback", "", fields},
		"universal webhook":    {"callback?value_client_id=id", form, strings.Replace(fields, "client_id", "id", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			emulator := newEmulator(t, withAnn())
			require.Equal(t, "ok", send(t, emulator, http.MethodPost, request.path, request.contentType, request.body).body)
			emulator.AssertCallback(t, ann, "50% off; a;b")
			require.Equal(t, map[string]string{"c": "%u041F", "d": "100%", "e": "%4", "f": "П 1+1", "g": "a&b", "h": ""}, emulator.Variables(ann))
			requireNote(t, emulator, `"message"`, "%25")
			requireNote(t, emulator, `"e"`, "%25")
			require.NotContains(t, strings.Join(lastNotes(t, emulator), "\n"), `"f"`)
		})
	}
}

func TestSemicolonsDoNotSeparate(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, withAnn())
	require.Equal(t, http.StatusBadRequest, send(t, emulator, http.MethodPost, "message", form, "client_id=25554;message=hi").status)
	requireNote(t, emulator, "only & separates", `"client_id"`)
	require.Equal(t, "ok", send(t, emulator, http.MethodPost, "message", form, "client_id=25554&message=a;b").body)
	require.Empty(t, lastNotes(t, emulator))
	require.Equal(t, "ok", post(t, emulator, "save_variables?delimiter=;&delimiter_value_client_id=lead;id", `{"lead":{"id":25554},"variables":{"a":1}}`).body)
}

func TestRepeatedParameters(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, withAnn(), withBob())
	for name, fields := range map[string]string{
		"twice":            "client_id=25554&message=a&message=b",
		"once more":        "client_id=25554&message=a&client_id=1&message=a",
		"nothing at first": "client_id=25554&message=&message=a",
		"brackets later":   "client_id=25554&message=a&message[]=b",
	} {
		require.Equal(t, "ok", send(t, emulator, http.MethodPost, "message", form, fields).body, name)
		require.Equal(t, "ok", get(t, emulator, "message?"+fields).body, name)
		for _, m := range emulator.Messages(ann) {
			require.Equal(t, "a", m.Text, name)
		}
	}
	requireTwice := func(path, body string) {
		t.Helper()
		require.Equal(t, "ok", send(t, emulator, http.MethodPost, path, form, body).body)
		requireNote(t, emulator, "the first value counts")
	}
	requireTwice("message", "client_id=25554&message=a&message=b")
	requireTwice("callback?client_id=25554&client_id=1", "message=c")

	// Those that are lists take all.
	id := strconv.FormatInt(int64(bob), 10)
	for _, clients := range []string{"clients=25554&clients=" + id, "clients[]=25554&clients=" + id, "clients=25554&clients[]=" + id} {
		require.NoError(t, emulator.Reset())
		require.Equal(t, http.StatusOK, send(t, emulator, http.MethodPost, "add_to_list", form, "list_id=7&"+clients).status)
		require.Len(t, emulator.ListMembers(7), 2, clients)
		require.Empty(t, lastNotes(t, emulator))
	}
	require.Equal(t, 2, strings.Count(send(t, emulator, http.MethodPost, "find_client_id_by_platform_id", form,
		"platform_ids=79000000000&platform_ids="+string(emulator.People()[0].PlatformID)).body, `"id"`))
}

func TestRepeatedKeysOfABody(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, withAnn())
	require.Equal(t, "ok", post(t, emulator, "callback", `{"client_id":1,"message":"first","client_id":25554,"message":"last"}`).body)
	emulator.AssertCallback(t, ann, "last")
	requireNote(t, emulator, `"message"`, "the last value counts")
	require.JSONEq(t, `{"client_id":25554,"message":"last"}`, string(emulator.Requests()[0].Parameters()))
	require.Equal(t, "ok", post(t, emulator, "save_variables", `{"client_id":25554,"variables":{"a":1,"client.b":1,"a":2}}`).body)
	emulator.AssertVariable(t, ann, "a", "2")
	require.Contains(t, post(t, emulator, "find_clients", `{"q":{"b":"2","b":"1"}}`).body, "[25554]")
	require.Contains(t, post(t, emulator, "load_clients", `[{"platform_id":1,"platform_id":2,"group_id":"my_shop_bot","client_type":1}]`).body, `"platform_id":2`)

	// Many keys are not a burden.
	var body strings.Builder
	body.WriteString(`{"client_id":25554,"message":"x"`)
	for i := range 50_000 {
		body.WriteString(`,"k` + strconv.Itoa(i) + `":1`)
	}
	body.WriteString(`,"k7":2}`)
	require.Equal(t, "ok", post(t, emulator, "callback", body.String()).body)
	emulator.AssertVariable(t, ann, "k7", "2")
}

func TestManyFields(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, withAnn())
	require.Equal(t, http.StatusBadRequest, send(t, emulator, http.MethodPost, "message", form, "client_id=25554&message=hi"+strings.Repeat("&a[]=1", 10_000)).status)
	require.Equal(t, "ok", post(t, emulator, "message?client_id=25554&message=hi"+strings.Repeat("&a[]=1", 10_000), "").body)
	requireNote(t, emulator, "10000")
}
