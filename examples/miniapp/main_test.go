package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/salebottest"
)

const (
	token = "100:not-a-token"
	group = salebot.GroupID("my_shop_bot")
)

// sign does what Telegram does when a person opens the app.
func sign(values map[string]string, token string) string {
	var lines []string
	query := url.Values{}
	for name, value := range values {
		lines = append(lines, name+"="+value)
		query.Set(name, value)
	}
	slices.Sort(lines)
	sum := func(key, text string) string {
		code := hmac.New(sha256.New, []byte(key))
		code.Write([]byte(text))
		return string(code.Sum(nil))
	}
	query.Set("hash", hex.EncodeToString([]byte(sum(sum("WebAppData", token), strings.Join(lines, "\n")))))
	return query.Encode()
}

// opened is the data of Ann, who opened the app at a moment.
func opened(at time.Time) map[string]string {
	return map[string]string{
		"auth_date": strconv.FormatInt(at.Unix(), 10),
		"query_id":  "AAH",
		"user":      `{"id":100200300,"first_name":"Ann + 50% & more"}`,
	}
}

// post opens the app and returns the status of the answer.
func post(t *testing.T, handler http.Handler, data string) int {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/start", nil)
	request.Header.Set("Authorization", "tma "+data)
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder.Code
}

func newEmulator(t *testing.T) *salebottest.Emulator {
	t.Helper()
	return salebottest.New(t, salebottest.WithChannels(salebottest.Channel{Messenger: "telegram", GroupID: group}))
}

func TestThePersonNeedNotBeKnown(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t)
	status := post(t, handler(emulator.Client(t), group, token), sign(opened(time.Now()), token))
	require.Equal(t, http.StatusNoContent, status)

	people := emulator.People()
	require.Len(t, people, 1)
	require.Equal(t, salebot.PlatformID("100200300"), people[0].PlatformID)
	emulator.AssertCallback(t, people[0].ID, "mini_app_opened")
}

func TestNobodyElseGetsIn(t *testing.T) {
	t.Parallel()
	good := opened(time.Now())
	other := opened(time.Now())
	other["user"] = `{"id":1}`
	signed := sign(good, token)
	_, hash, _ := strings.Cut(signed, "hash=")
	hash = "hash=" + hash[:64]
	for name, data := range map[string]string{
		"nothing":             "",
		"no signature":        "user=" + url.QueryEscape(good["user"]),
		"another bot":         sign(good, "200:another-token"),
		"another person":      strings.Replace(sign(other, token), "hash=", "old=", 1) + "&" + hash,
		"two persons":         "user=" + url.QueryEscape(other["user"]) + "&" + signed,
		"opened yesterday":    sign(opened(time.Now().Add(-24*time.Hour)), token),
		"opened tomorrow":     sign(opened(time.Now().Add(24*time.Hour)), token),
		"no person":           sign(map[string]string{"auth_date": good["auth_date"]}, token),
		"no time":             sign(map[string]string{"user": good["user"]}, token),
		"a bad user":          sign(map[string]string{"auth_date": good["auth_date"], "user": "{"}, token),
		"a key that is empty": sign(good, ""),
	} {
		emulator := newEmulator(t)
		require.Equal(t, http.StatusUnauthorized, post(t, handler(emulator.Client(t), group, token), data), name)
		require.Empty(t, emulator.Requests(), name)
	}
	emulator := newEmulator(t)
	require.Equal(t, http.StatusUnauthorized, post(t, handler(emulator.Client(t), group, ""), sign(good, "")), "a server without a token")
}

func TestTheAppIsToldWhatHappened(t *testing.T) {
	t.Parallel()
	for want, fault := range map[int]salebottest.Fault{
		http.StatusAccepted:   {Action: "tg_callback", Reset: salebottest.ResetAfter},
		http.StatusBadGateway: {Action: "tg_callback", Status: http.StatusForbidden},
	} {
		emulator := newEmulator(t)
		emulator.Fail(fault)
		require.Equal(t, want, post(t, handler(emulator.Client(t), group, token), sign(opened(time.Now()), token)))
		emulator.AssertCalls(t, "tg_callback", 1)
	}
}
