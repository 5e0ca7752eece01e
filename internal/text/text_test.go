package text_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/text"
)

func TestShorten(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"": "", "abcde": "abcde", "abcdef": "abcde…", "привет": "приве…", "приве": "приве",
		"a\nb\x00c": "a b c", "\xff": "\ufffd", "日本語日本語": "日本語日本…", "a\u0085b": "a b",
	} {
		got := text.Shorten(given, 5)
		require.Equal(t, want, got)
		require.LessOrEqual(t, utf8.RuneCountInString(got), 6)
	}
	require.Equal(t, strings.Repeat("ж", 300), text.Shorten(strings.Repeat("ж", 300), 300), "characters count, not bytes")
}

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"message", "get_messages", "callback", "form"}
	for given, want := range map[string]string{
		"mesage": "message", "calback_": "callback", "xessages": "message", "Message": "message", "MESSAGE": "message", "please_callback": "", "xform": "form", "get-messages": "get_messages", "callbak": "callback", //nolint:misspell // they are what is tested
		" message ": "message", "nessege": "", "mesg": "", "age": "", "callb": "", "xcallback": "callback", "essage": "message", "messagexy": "message", "messagexyz": "",
		"orders": "", "": "", strings.Repeat("message", 20): "",
	} {
		require.Equal(t, want, text.Nearest(given, known), given)
	}
}
