package settings

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestConfig(t *testing.T) {
	t.Parallel()
	pace := Duration(50 * time.Millisecond)
	limit := 10
	want := Config{
		Answers: engine.Answers{
			Sends: engine.SuccessJSON, AnyMethod: true, UnknownKey: engine.Reply{Status: 403, Body: "no"},
		},
		TimeZone:      "Europe/Moscow",
		Keys:          []engine.Key{{Value: "0790", Name: "reader", Permissions: []engine.Permission{"clients_read"}}},
		Webhook:       Webhook{URL: "http://127.0.0.1:1/", Resend: engine.Resend5xx, RetryDelay: Duration(1500 * time.Millisecond), Header: map[string]string{"X-Secret": "1"}},
		BroadcastPace: &pace,
		CORS:          "*",
		AllowedHosts:  []string{"salebot"},
		MaxLogEntries: &limit,
	}
	for name, text := range map[string]string{
		"YAML": `
answers:
  sends: json
  any_method: true
  unknown_key: {status: 403, body: "no"}
time_zone: Europe/Moscow
keys:
  - value: 0790      # a text although it looks like a number
    name: reader
    permissions: [clients_read]
webhook:
  url: http://127.0.0.1:1/
  resend: 5xx
  retry_delay: 1.5
  header: {X-Secret: 1}
broadcast_pace: 50ms
cors: "*"
allowed_hosts: [salebot]
max_log_entries: 10
`,
		"JSON": `{"answers": {"sends": "json", "any_method": true, "unknown_key": {"status": 403, "body": "no"}},
	"time_zone": "Europe/Moscow", "keys": [{"value": "0790", "name": "reader", "permissions": ["clients_read"]}],
	"webhook": {"url": "http://127.0.0.1:1/", "resend": "5xx", "retry_delay": "1.5s", "header": {"X-Secret": "1"}},
	"broadcast_pace": 0.05, "cors": "*", "allowed_hosts": ["salebot"], "max_log_entries": 10}`,
	} {
		config, err := LoadConfig(file(t, text))
		require.NoError(t, err, name)
		require.Equal(t, want, config, name)
	}
	empty, err := LoadConfig(file(t, "# nothing yet\n"))
	require.NoError(t, err)
	require.Equal(t, Config{}, empty)
}

func TestSlipsAreNamed(t *testing.T) {
	t.Parallel()
	for text, wants := range map[string][]string{
		"answers:\n  sendz: ok\n":                       {`line 2: answers: unknown key "sendz"`, "sends"},
		"ansers: {}\n":                                  {`line 1: unknown key "ansers"`, "answers"},
		`{"ansers": {}}`:                                {`line 1: unknown key "ansers"`},
		"answers: {sends: maybe}\n":                     {`sends: "maybe" is none of`, "ok"},
		"max_log_entries: many\n":                       {`line 1: max_log_entries: "many" is not a whole number`},
		"max_log_entries: 1\nmax_log_entries: 2\n":      {`"max_log_entries"`},
		"broadcast_pace: soon\n":                        {`"soon" is not a time`},
		"answers: [1]\n":                                {"line 1: answers: a list does not fit here"},
		"keys: {value: x}\n":                            {"line 1: keys: a mapping does not fit here"},
		"keys: [x]\n":                                   {"line 1: keys[0]: a list or a mapping is wanted here"},
		"answers: {any_method: perhaps}\n":              {`"perhaps" is neither true nor false`},
		"time_zone: Mars/Olympus\n":                     {"Mars/Olympus"},
		"webhook: {url: 'ftp://x'}\n":                   {"http://"},
		"a: &a [x]\nb: &b [*a,*a]\nanswers: {sends: [":  {"line"},
		"answers: {unknown_key: {status: 99}}\n":        {"99 is no status"},
		"answers: {no_such: 1, sends: ok, nor_this: 1}": {"no_such", "nor_this"},
	} {
		_, err := LoadConfig(file(t, text))
		require.Error(t, err, text)
		require.Contains(t, err.Error(), "file.yaml")
		for _, want := range wants {
			require.ErrorContains(t, err, want, text)
		}
	}
	_, err := LoadConfig(filepath.Join(t.TempDir(), "none.yaml"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestSeed(t *testing.T) {
	t.Parallel()
	seed, err := LoadSeed(file(t, `
id: 77
channels:
  - {messenger: telegram, group_id: my_shop_bot}
blocks:
  - id: 1
    condition: /start
    answer: 2026-05-28
    buttons: [{text: "Yes"}, {text: "No", line: 0, index_in_line: 1}]
clients:
  - id: 25554
    platform_id: 0790
    client_type: telegram
    name: Ann
    created_at: 2026-05-28 17:33:42
    variables: {client.city: Riga, client.phone: "79000000000", sum: 99999999999999999, paid: true, none: null}
    history:
      - {from_client: true, text: 12}
orders: [{client_id: 25554, budget: 1.5}]
`))
	require.NoError(t, err)
	require.Equal(t, salebot.ProjectID(77), seed.ID)
	require.Equal(t, "2026-05-28", seed.Blocks[0].Answer)
	client := seed.Clients[0]
	require.Equal(t, salebot.PlatformID("0790"), client.PlatformID)
	require.Equal(t, salebot.ClientTypeTelegram, client.ClientType)
	require.Equal(t, time.Date(2026, 5, 28, 17, 33, 42, 0, time.UTC), client.CreatedAt)
	require.Equal(t, "12", client.History[0].Text)
	emulator, err := engine.Open(engine.WithProject(seed))
	require.NoError(t, err)
	defer emulator.Close()
	require.Equal(t, "99999999999999999", emulator.Variables(25554)["sum"], "no digit is lost")

	for text, want := range map[string]string{
		"clients: [{client_type: icq}]":             `line 1: clients[0].client_type: there is no messenger "icq"`,
		"clients: [{naem: Ann}]":                    `clients[0]: unknown key "naem"`,
		"clients: [{created_at: yesterday}]":        `"yesterday" is not a time`,
		`{"clients": [{"naem": "Ann"}]}`:            `line 1: clients[0]: unknown key "naem"`,
		"clients: [{variables: {a: .nan}}]":         `".nan" cannot be used here`,
		"orders: [{client_id: x}]":                  `"x" is not a whole number`,
		"orders: [{client_id: 1, budget: .inf}]":    "not a number",
		"clients: [{? [a] : b}]":                    "a key must be a text",
		"blocks: [{id: 1, answer: {text: nested}}]": "a mapping does not fit here",
	} {
		_, err := LoadSeed(file(t, text))
		require.ErrorContains(t, err, want, text)
	}
}

// A few lines that repeat each other must not fill the memory.
func TestAliasesCannotExplode(t *testing.T) {
	t.Parallel()
	text := "x0: &x0 [a,a,a,a,a,a,a,a,a,a]\n"
	for i := 1; i < 12; i++ {
		n, before := string(rune('a'+i)), string(rune('a'+i-1))
		if i == 1 {
			before = "x0"
		}
		text += n + ": &" + n + " [*" + before + ",*" + before + ",*" + before + ",*" + before + ",*" + before + "]\n"
	}
	_, err := LoadSeed(file(t, "clients:\n  - variables:\n      "+indent(text)))
	require.ErrorContains(t, err, "repeats itself too often")
}

// Nor must one that has itself inside.
func TestAFileInsideItself(t *testing.T) {
	t.Parallel()
	_, err := LoadSeed(file(t, "clients: [{variables: &a {x: *a}}]"))
	require.ErrorContains(t, err, "repeats itself too often")
}

func indent(text string) string {
	indented := ""
	for _, r := range text {
		indented += string(r)
		if r == '\n' {
			indented += "      "
		}
	}
	return indented
}

// A bare number is seconds, and text is a duration, in both kinds of files.
func TestTheClockOfASeed(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"clock_offset: 1h", "clock_offset: 3600", "clock_offset: '3600'", `{"clock_offset": "1h"}`, `{"clock_offset": 3600}`} {
		path := filepath.Join(t.TempDir(), "seed.yaml")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		seed, err := LoadSeed(path)
		require.NoError(t, err, text)
		require.Equal(t, time.Hour, time.Duration(seed.ClockOffset), text)
	}
}

// Every mistake of a seed is named, each with its line.
func TestMistakesOfASeed(t *testing.T) {
	t.Parallel()
	_, err := LoadSeed(file(t, `channels:
  - {messenger: telegramm, group_id: my_shop_bot}
blocks:
  - id: 1
    condition: /start
    answer: "Hello #{name}, #{sum * 2}"
  - id: 2
    condition: " /START "
    attachments:
      - type: picture
        url: https://example.com/a.png
    buttons:
      - {text: Go, type: replay}
  - {id: 2, fallback: true, answer: x}
  - id: 0
    fallback: true
    condition: "#{a} > 1"
    request:
      url: ftp://example.com
      method: FETCH
clients:
  - id: 5
    client_type: 99
    history:
      - {text: a, attachments: [{type: pikture, url: "https://example.com"}]}
  - id: 5
orders:
  - {client_id: 7}
`))
	var lines []string
	for _, one := range separate(err) {
		mistake, ok := errors.AsType[*FileError](one)
		require.True(t, ok)
		require.Equal(t, "file.yaml", filepath.Base(mistake.File))
		lines = append(lines, strings.TrimPrefix(mistake.Error(), mistake.File+": "))
	}
	want := []string{
		`line 2: channels[0].messenger: "telegramm" is no messenger; known are viber`,
		`line 6: blocks[0].answer: #{sum * 2} is more than the name of a variable`,
		`line 8: blocks[1].condition: block 1 has the condition " /START " already`,
		`line 10: blocks[1].attachments[0].type: "picture" is no type of attachment`,
		`line 13: blocks[1].buttons[0].type: "replay" is no kind of button`,
		`line 14: blocks[2].id: there are two blocks 2`,
		`line 15: blocks[3].id: the number must be positive`,
		`line 16: blocks[3].fallback: block 2 is the fallback already`,
		`line 17: blocks[3].condition: a condition is compared as it stands`,
		`line 19: blocks[3].request.url: the address must begin with http`,
		`line 20: blocks[3].request.method: "FETCH" is no method`,
		`line 23: clients[0].client_type: 99 is no messenger`,
		`line 25: clients[0].history[0].attachments[0].type: "pikture"`,
		`line 26: clients[1]: client 5 is in the project already`,
		`line 28: orders[0].client_id: there is no client 7`,
	}
	require.Len(t, lines, len(want))
	slices.SortFunc(lines, func(a, b string) int { return cmp.Compare(lineNumber(a), lineNumber(b)) })
	for i, beginning := range want {
		require.True(t, strings.HasPrefix(lines[i], beginning), "%s\n%s", beginning, lines[i])
	}

	// So it is with JSON, and what the constructor has and the emulator has not.
	for text, want := range map[string]string{
		"{\"blocks\": [\n{\"id\": 1, \"answer\": \"a\"},\n{\"id\": 1, \"answer\": \"b\"}]}": "line 3: blocks[1].id: there are two blocks 1",
		"blocks:\n  - id: 1\n    calculator: a = 1":                                         "line 3: blocks[0]: calculator: the emulator does not calculate",
		"blocks:\n  - id: 1\n    delay: 5":                                                  "line 3: blocks[0]: delay: the emulator has no timers",
		"clock_offset: soon":                                                                `line 1: clock_offset: "soon" is not a time`,
		"x: &x {id: 1}\nblocks:\n  - *x\n  - *x":                                            "line 1: unknown key",
	} {
		_, err := LoadSeed(file(t, text))
		require.ErrorContains(t, err, want)
	}
}

func lineNumber(text string) (line int) {
	_, _ = fmt.Sscanf(text, "line %d", &line)
	return line
}
