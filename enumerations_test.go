package salebot_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
)

// enumeration is an open enumeration as the tests of all of them see it.
type enumeration interface {
	fmt.Stringer
	Known() bool
}

// requireOpen checks that values of an enumeration are read in all their forms,
// that the known ones have names of their own, and that the others are kept.
func requireOpen[T interface {
	~int
	enumeration
}](t *testing.T, kind string, known map[T]string, unknown ...T,
) {
	t.Helper()
	read := func(text string) (value T, err error) {
		err = json.Unmarshal([]byte(text), &value)
		return value, err
	}
	names := map[string]bool{}
	for value, name := range known {
		require.True(t, value.Known(), name)
		require.Equal(t, name, value.String())
		require.False(t, names[name], "two values are called %s", name)
		names[name] = true
	}
	for _, value := range unknown {
		require.False(t, value.Known())
		require.Equal(t, fmt.Sprintf("%s %d", kind, int(value)), value.String(), "an unknown value prints its number")
		known[value] = ""
	}
	for value := range known {
		digits := strconv.Itoa(int(value))
		for _, form := range []string{digits, `"` + digits + `"`, `" ` + digits + ` "`} {
			got, err := read(form)
			require.NoError(t, err)
			require.Equal(t, value, got, form)
		}
		written, err := json.Marshal(value)
		require.NoError(t, err)
		require.Equal(t, digits, string(written), "what goes out is a number")
	}
	for _, form := range []string{"{}", "[1]"} {
		_, err := read(form)
		require.Error(t, err, form)
	}
}

func TestClientType(t *testing.T) {
	t.Parallel()
	requireOpen(t, "client type", map[salebot.ClientType]string{
		0: "VK", 1: "Telegram", 2: "Viber", 3: "Facebook", 4: "TalkMe", 5: "online chat", 6: "WhatsApp", 7: "Avito", 8: "Odnoklassniki",
		10: "Instagram", 11: "Jivosite", 12: "Yula", 13: "telephony", 14: "e-mail", 16: "Telegram Business", 19: "Cian", 20: "MAX",
		21: "Telegram account", 22: "TikTok",
	}, 9, 15, 17, 18, 23, 4000, -1)
	for text, want := range map[string]salebot.ClientType{
		`"vk"`: salebot.ClientTypeVK, `"instagram"`: salebot.ClientTypeInstagram, `"Telegram"`: salebot.ClientTypeTelegram, `"WHATSAPP"`: salebot.ClientTypeWhatsApp,
		`"telegram_business"`: salebot.ClientTypeTelegramBusiness, `"online-chat"`: salebot.ClientTypeOnlineChat, `"tg"`: salebot.ClientTypeTelegram,
		`"max"`: salebot.ClientTypeMAX, `"email"`: salebot.ClientTypeEmail,
		// It is not VK, although that is zero.
		`null`: salebot.ClientTypeUnrecognized, `""`: salebot.ClientTypeUnrecognized, `"None"`: salebot.ClientTypeUnrecognized,
		`"pigeon"`: salebot.ClientTypeUnrecognized, `"1.5"`: salebot.ClientTypeUnrecognized, `1.0`: salebot.ClientTypeTelegram, `"1.0"`: salebot.ClientTypeTelegram,
	} {
		got := salebot.ClientTypeTikTok
		require.NoError(t, json.Unmarshal([]byte(text), &got), text)
		require.Equal(t, want, got, text)
	}
}

func TestHistoryOrigin(t *testing.T) {
	t.Parallel()
	requireOpen(t, "history origin", map[salebot.HistoryOrigin]string{0: "ordinary", 1: "API", 2: "CRM", 3: "callback", 5: "telephony"}, 4, 6, 77, -3)
	requireZeroForNull[salebot.HistoryOrigin](t)
}

func TestChannelStatus(t *testing.T) {
	t.Parallel()
	requireOpen(t, "channel status", map[salebot.ChannelStatus]string{0: "not started", 1: "started", 2: "asleep", 3: "stopped"}, 4, -1)
	requireZeroForNull[salebot.ChannelStatus](t)
}

func TestOrderStatus(t *testing.T) {
	t.Parallel()
	requireOpen(t, "order status", map[salebot.OrderStatus]string{0: "active", 1: "successful", 2: "failed"}, 3, 4, -1)
	requireZeroForNull[salebot.OrderStatus](t)
}

func requireZeroForNull[T ~int](t *testing.T) {
	t.Helper()
	for _, text := range []string{`null`, `""`, `"None"`} {
		var value T
		require.NoError(t, json.Unmarshal([]byte(text), &value))
		require.Zero(t, value)
	}
	for _, text := range []string{`"x"`, `1.5`, `9223372036854775808`, `true`} {
		var value T
		require.Error(t, json.Unmarshal([]byte(text), &value), text)
	}
}

// FuzzEnumerations reads the same value as number and as text.
func FuzzEnumerations(f *testing.F) {
	for _, n := range []int64{0, 1, 22, 23, -1, math.MaxInt64, math.MinInt64} {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, n int64) {
		requireSameForms[salebot.ClientType](t, n)
		requireSameForms[salebot.HistoryOrigin](t, n)
		requireSameForms[salebot.ChannelStatus](t, n)
		requireSameForms[salebot.OrderStatus](t, n)
	})
}

func requireSameForms[T interface {
	~int
	enumeration
}](t *testing.T, n int64) {
	t.Helper()
	digits := strconv.FormatInt(n, 10)
	var number, text T
	require.Equal(t, json.Unmarshal([]byte(digits), &number) == nil, json.Unmarshal([]byte(`"`+digits+`"`), &text) == nil)
	require.Equal(t, number, text)
	if strconv.IntSize == 64 {
		require.Equal(t, n, int64(number))
	}
	require.NotEmpty(t, number.String())
}
