package emulator_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/cmd/salebot/emulator"
	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/testkit"
)

// The settings are those of the code: their names, values and what is known.
func TestAnswerSettings(t *testing.T) {
	t.Parallel()
	settings, err := json.MarshalIndent(declaredSettings(t), "", "  ")
	require.NoError(t, err)
	testkit.RequireMade(t, "answers.json", append(settings, '\n'))
}

// declaredSettings reads the declaration of engine.Answers.
func declaredSettings(t *testing.T) []emulator.AnswerSetting {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../../internal/emulator/answers.go", nil, parser.ParseComments)
	require.NoError(t, err)
	forms, err := parser.ParseFile(token.NewFileSet(), "../../../internal/emulator/forms.go", nil, 0)
	require.NoError(t, err)
	words, values := constants(t, forms)
	for field := range reflect.TypeFor[engine.Answers]().Fields() {
		words[field.Name], _, _ = strings.Cut(field.Tag.Get("json"), ",")
	}
	// Words of Go in the comments become those of a configuration file.
	inWords := func(text string) string {
		return regexp.MustCompile(`\b[A-Z][A-Za-z0-9]+\b`).ReplaceAllStringFunc(text, func(word string) string {
			if known, ok := words[word]; ok {
				return "`" + known + "`"
			}
			return word
		})
	}
	var settings []emulator.AnswerSetting
	ast.Inspect(file, func(node ast.Node) bool {
		declared, ok := node.(*ast.TypeSpec)
		if !ok || declared.Name.Name != "Answers" {
			return true
		}
		for _, field := range declared.Type.(*ast.StructType).Fields.List {
			of := field.Type.(*ast.Ident).Name
			kind := map[string]string{"bool": "flag", "string": "text", "Duration": "text", "Limit": "text", "Reply": "reply"}[of]
			if kind == "" {
				kind = "choice"
			}
			settings = append(settings, emulator.AnswerSetting{
				Name: words[field.Names[0].Name], Kind: kind, Values: values[of],
				Known: inWords(strings.Join(strings.Fields(field.Doc.Text()), " ")),
			})
		}
		return false
	})
	return settings
}

// constants returns the values of the constants by their names, and those of each
// type in their order.
func constants(t *testing.T, file *ast.File) (byName map[string]string, byType map[string][]string) {
	t.Helper()
	byName, byType = map[string]string{}, map[string][]string{}
	for _, declaration := range file.Decls {
		group, ok := declaration.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, spec := range group.Specs {
			constant := spec.(*ast.ValueSpec)
			of, ok := constant.Type.(*ast.Ident)
			if !ok {
				continue
			}
			value, err := strconv.Unquote(constant.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			byName[constant.Names[0].Name] = value
			byType[of.Name] = append(byType[of.Name], value)
		}
	}
	return byName, byType
}

type shownAnswer struct {
	Name, Kind     string
	Values         []string
	Default, Value any
	Changed        bool
	Known          string
}

func (c *controlClient) answers(t *testing.T, method string, body any) map[string]shownAnswer {
	t.Helper()
	var list struct{ Answers []shownAnswer }
	c.do(method, "settings/answers", body, &list)
	byName := map[string]shownAnswer{}
	for _, one := range list.Answers {
		byName[one.Name] = one
	}
	return byName
}

func TestAnswersOneByOne(t *testing.T) {
	t.Parallel()
	s := start(t, emulator.Options{}, engine.WithPerson(engine.Person{ID: 25554}))
	c := s.control(t)
	before := c.answers(t, "GET", nil)
	require.Len(t, before, reflect.TypeFor[engine.Answers]().NumField())
	for name, one := range before {
		require.False(t, one.Changed, name)
		require.NotEmpty(t, one.Known, name)
		if one.Kind == "choice" {
			require.Contains(t, one.Values, one.Default, name)
			require.Equal(t, one.Default, one.Value, name)
		}
	}
	after := c.answers(t, "PATCH", m{"answers": m{"sends": "json", "any_method": true}})
	require.Equal(t, "json", after["sends"].Value)
	require.True(t, after["sends"].Changed)
	require.Equal(t, "ok", after["sends"].Default)
	_, body := s.call(t, "POST", "message", "application/json", `{"client_id":25554,"message":"x"}`)
	require.JSONEq(t, `{"status":"success"}`, body, "it holds at once")

	after = c.answers(t, "PATCH", m{"answers": m{"unknown_action": m{"status": 400}}})
	require.Equal(t, m{"status": 400.0}, after["unknown_action"].Value)
	require.True(t, after["sends"].Changed, "the others stay")
	after = c.answers(t, "PATCH", m{"answers": m{"sends": nil, "unset_value": "None"}})
	require.False(t, after["sends"].Changed)
	require.False(t, after["unset_value"].Changed, "that is the default")
	require.Equal(t, engine.Answers{AnyMethod: true, UnsetValue: "None", UnknownAction: engine.Reply{Status: 400}}, s.Answers())

	for text, bad := range map[string]m{"maybe": {"sends": "maybe"}, "sendz": {"sendz": "ok"}, "true or false": {"any_method": "yes"}, "99": {"unknown_key": m{"status": 99}}} {
		require.Contains(t, c.problem("PATCH", "settings/answers", m{"answers": bad}, 400), text)
	}
	require.True(t, s.Answers().AnyMethod, "a refusal changes nothing")
}

// What is called the default is what the emulator does by itself, and every other
// value makes a difference.
func TestDefaultsOfAnswers(t *testing.T) {
	t.Parallel()
	usual := answersUnder(t, nil)
	listed := start(t, emulator.Options{}).control(t).answers(t, "GET", nil)
	for name, one := range listed {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, usual, answersUnder(t, m{name: one.Default}), "the default")
			usual := usual
			among := m{}
			if name == "retry_after" || name == "too_many_requests" {
				// They are seen beyond a limit only.
				among["rate_limit"] = "2/1h"
				usual = answersUnder(t, among)
			}
			others := []any{}
			switch one.Kind {
			case "choice":
				for _, value := range one.Values {
					if value != one.Default {
						others = append(others, value)
					}
				}
			case "flag":
				others = append(others, !one.Default.(bool))
			case "text":
				others = append(others, map[string]any{"rate_limit": "2/1h", "history_delay": "10m", "unset_value": "something else"}[name])
			case "reply":
				others = append(others, m{"status": 299}, m{"body": "something else"}, m{"content_type": "text/x"})
			}
			for _, value := range others {
				changed := maps.Clone(among)
				changed[name] = value
				require.NotEqual(t, usual, answersUnder(t, changed), "%v", value)
			}
		})
	}
}

// stillClock stands still, so that the same calls get the same answers.
type stillClock struct{}

func (stillClock) Now() time.Time { return time.Date(2026, 5, 28, 17, 33, 42, 0, time.UTC) }

func (stillClock) AfterFunc(wait time.Duration, run func()) engine.Timer {
	return time.AfterFunc(wait, run)
}

// answersUnder returns what the emulator answers to calls whose answers are
// settings.
func answersUnder(t *testing.T, answers m) string {
	t.Helper()
	s := start(t, emulator.Options{},
		engine.WithClock(stillClock{}),
		engine.WithKey("only-reads", engine.PermissionClientsRead),
		engine.WithBlocks(engine.Block{ID: 1, Answer: "Hello"}),
		engine.WithPerson(engine.Person{
			ID: 25554, PlatformID: "1", GroupID: "my_shop_bot", ClientType: salebot.ClientTypeTelegram, Variables: m{"client.n": 1, "client.gone": nil},
		}),
		engine.WithOrders(engine.Order{ID: 9, ClientID: 25554, Name: "Order", Budget: 10, Variables: m{"sum": 5}}),
	)
	if answers != nil {
		s.control(t).do("PATCH", "settings/answers", m{"answers": answers}, nil)
	}
	var all strings.Builder
	for _, call := range []struct{ key, method, action, body string }{
		{testkit.EscapedKey, "POST", "message", `{"client_id":25554,"message":"x"}`},
		{testkit.EscapedKey, "POST", "add_to_list", `{"list_id":1,"clients":[25554]}`},
		{testkit.EscapedKey, "GET", "add_to_list?list_id=1&clients=25554", ""},
		{testkit.EscapedKey, "POST", "message", `{"client_id":1,"message":"x"}`},
		{testkit.EscapedKey, "GET", "get_variables?client_id=1", ""},
		{testkit.EscapedKey, "GET", "find_client_id_by_phone?phone=79000000000", ""},
		{testkit.EscapedKey, "GET", "get_clients", ""},
		{testkit.EscapedKey, "GET", "get_orders?client_id=25554", ""},
		{testkit.EscapedKey, "GET", "get_variables?client_id=25554", ""},
		{testkit.EscapedKey, "POST", "get_order_vars", `{"client_id":25554,"order_id":9}`},
		{testkit.EscapedKey, "GET", "get_messages", ""},
		{testkit.EscapedKey, "GET", "find_latest_client_id_by_var?var=n&val=1", ""},
		{testkit.EscapedKey, "POST", "send_callback_by_platform_id", `{"callback_text":"x","platform_ids":["1"]}`},
		{testkit.EscapedKey, "GET", "subscribers?group=my_shop_bot&page=0", ""},
		{testkit.EscapedKey, "POST", "load_clients", `[{"platform_id":79990001122,"group_id":"c2hvcC13aGF0c2FwcA==","client_type":6}]`},
		{testkit.EscapedKey, "POST", "callback", `{"client_id":25554}`},
		{testkit.EscapedKey, "POST", "tg_callback", `{"user_id":5,"group_id":"my_shop_bot","message":"x"}`},
		{testkit.EscapedKey, "POST", "tg_callback", `{"user_id":1,"group_id":"other_bot","message":"x"}`},
		{testkit.EscapedKey, "POST", "broadcast", `{"message":"to whom?"}`},
		{"only-reads", "POST", "message", `{"client_id":25554,"message":"x"}`},
		{"nobody", "GET", "get_clients", ""},
		{testkit.EscapedKey, "GET", "push", ""},
		{testkit.EscapedKey, "PUT", "get_clients", ""},
		{testkit.EscapedKey, "POST", "message", `{`},
		{testkit.EscapedKey, "POST", "find_client_id_by_platform_id", `{}`},
		{testkit.EscapedKey, "GET", "get_history?client_id=25554", ""},
	} {
		if strings.HasPrefix(call.action, "get_history") {
			s.Advance(time.Minute) // for the broadcast
		}
		request, err := http.NewRequestWithContext(t.Context(), call.method, s.address+"/api/"+call.key+"/"+call.action, strings.NewReader(call.body))
		require.NoError(t, err)
		request.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultTransport.RoundTrip(request)
		require.NoError(t, err)
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		_, _ = fmt.Fprintln(&all, call.method, call.action, response.StatusCode, response.Header.Get("Content-Type"), response.Header.Get("Retry-After"), string(body))
	}
	return all.String()
}
