package probe_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	page "github.com/salebot-go/salebot/cmd/salebot/emulator"
	"github.com/salebot-go/salebot/cmd/salebot/internal/probe"
	"github.com/salebot-go/salebot/cmd/salebot/internal/settings"
	"github.com/salebot-go/salebot/internal/action"
	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/emulator/faults"
	"github.com/salebot-go/salebot/internal/testkit"
	"github.com/salebot-go/salebot/internal/wait"
)

// clock is that of package time, which is virtual in a bubble.
type clock struct{}

func (clock) Now() time.Time { return time.Now() }

func (clock) Sleep(ctx context.Context, d time.Duration) bool { return wait.For(ctx, d) }

// connectTo makes clients of an emulator.
func connectTo(emulated *engine.Emulator) probe.Connect {
	transport := emulated.Transport()
	return func(key string, options ...salebot.Option) (*salebot.Client, error) {
		if key == "" {
			key = emulated.Key()
		}
		return salebot.New(key, append([]salebot.Option{
			salebot.WithBaseURL(engine.BaseURL), salebot.WithPlainHTTP(), salebot.WithTransport(transport),
		}, options...)...)
	}
}

const client = salebot.ClientID(25554)

// personal is in everything that a person says or is.
const personal = "Zyxanna"

// project is one with a person in it.
func project(kind salebot.ClientType) engine.Project {
	group := salebot.GroupID(personal + "_bot")
	if kind == salebot.ClientTypeWhatsApp {
		group = "77"
	}
	return engine.Project{
		Channels: []engine.Channel{
			{Messenger: "telegram", GroupID: personal + "_bot", Name: personal},
			{Messenger: "whatsapp", GroupID: "77", Name: personal},
			{Messenger: "vkontakte", GroupID: "143000000"},
		},
		Clients: []engine.PersonState{{
			Person: engine.Person{
				ID: client - 1, ClientType: salebot.ClientTypeTelegram, PlatformID: "100200299", GroupID: personal + "_bot", Name: personal, Tag: personal,
			},
			History: []engine.Message{{FromClient: true, Text: personal}},
		}, {
			Person: engine.Person{
				ID: client, ClientType: kind, PlatformID: "79000000555", GroupID: group, Name: personal, Avatar: "https://example.com/" + personal,
				Variables: map[string]any{
					"client.phone": "79000000555", "client.email": personal + "@example.com", "client." + personal: personal, "deal_" + personal: personal,
				},
			},
			History: []engine.Message{{FromClient: true, Text: personal}, {Text: "Dear " + personal}},
		}},
		Orders: []engine.Order{{ClientID: client, Name: personal, Budget: 3, Variables: map[string]any{"sum_" + personal: 1}}},
		Blocks: []engine.Block{{ID: 5, Condition: personal, Answer: personal, Description: personal}, {ID: 6, Condition: "b", Answer: personal}},
	}
}

// everything asks all that can be asked.
var everything = probe.Options{Client: client, Message: "Hello", List: 7, Deal: true, Refusals: true}

// one is an emulator that is asked.
type one struct {
	answers     engine.Answers
	kind        salebot.ClientType
	permissions []engine.Permission
	options     probe.Options
	// look looks at the emulator when it has been asked.
	look func(emulated *engine.Emulator)
}

func (o one) probed(t *testing.T) (report *probe.Report) {
	t.Helper()
	testkit.Bubble(t, func(t *testing.T) {
		emulated, err := engine.Open(
			engine.WithProject(project(o.kind)), engine.WithAnswers(o.answers), engine.WithKey(testkit.Key, o.permissions...),
		)
		require.NoError(t, err)
		defer emulated.Close()
		report, err = probe.Run(t.Context(), connectTo(emulated), clock{}, o.options)
		require.NoError(t, err)
		if o.look != nil {
			o.look(emulated)
		}
	})
	return report
}

// settingOf is what a report says of a setting.
func settingOf(t *testing.T, report *probe.Report, name string) probe.Setting {
	t.Helper()
	at := slices.IndexFunc(report.Settings, func(s probe.Setting) bool { return s.Name == name })
	require.GreaterOrEqual(t, at, 0, "there is no setting %s", name)
	return report.Settings[at]
}

// timeless is a report without what differs from one time to the next.
func timeless(t *testing.T, report *probe.Report) string {
	t.Helper()
	text, err := json.Marshal(report)
	require.NoError(t, err)
	var values any
	require.NoError(t, json.Unmarshal(text, &values))
	text, err = json.MarshalIndent(withoutTimes(values), "", " ")
	require.NoError(t, err)
	return string(text)
}

func withoutTimes(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			if name == "milliseconds" || name == "attempts" || name == "requests" {
				delete(v, name)
				continue
			}
			v[name] = withoutTimes(member)
		}
	case []any:
		for i := range v {
			v[i] = withoutTimes(v[i])
		}
	}
	return value
}

// setting is a setting of an emulator that the probe has to find out.
type setting struct {
	one
	name string
	want any
	// missed says that the SDK does not understand such answers.
	missed bool
}

func reply(status int, contentType, body string) engine.Reply {
	return engine.Reply{Status: status, ContentType: contentType, Body: body}
}

const (
	plain  = "text/plain; charset=utf-8"
	inJSON = "application/json; charset=utf-8"
)

// found are all settings of the emulator's answers that a probe can find out, each with
// its values.
func found() []setting {
	var all []setting
	add := func(name string, want any, answers engine.Answers) {
		all = append(all, setting{one: one{answers: answers, kind: salebot.ClientTypeTelegram, options: everything}, name: name, want: want})
	}
	for _, form := range []engine.SuccessForm{
		engine.SuccessOK, engine.SuccessOKAsHTML, engine.SuccessTrue, engine.SuccessText, engine.SuccessJSON,
	} {
		add("sends", string(form), engine.Answers{Sends: form})
		add("acknowledgements", string(form), engine.Answers{Acknowledgements: form})
	}
	add("acknowledgements", "empty", engine.Answers{Acknowledgements: engine.SuccessEmpty})
	add("sends", "empty", engine.Answers{Sends: engine.SuccessEmpty})
	all[len(all)-1].missed = true
	for _, form := range []engine.NotFoundForm{engine.NotFoundText, engine.NotFoundJSON, engine.NotFoundJSON200} {
		add("send_to_unknown_client", string(form), engine.Answers{SendToUnknownClient: form})
		add("read_of_unknown_client", string(form), engine.Answers{ReadOfUnknownClient: form})
		add("nobody_found", string(form), engine.Answers{NobodyFound: form})
	}
	for _, form := range []engine.IDForm{engine.IDsAsNumbers, engine.IDsAsText} {
		add("ids", string(form), engine.Answers{IDs: form})
	}
	for _, form := range []engine.TimeForm{engine.TimesAsText, engine.TimesAsUnix, engine.TimesAsUnixText} {
		add("client_times", string(form), engine.Answers{ClientTimes: form})
		add("history_times", string(form), engine.Answers{HistoryTimes: form})
		add("subscriber_times", string(form), engine.Answers{SubscriberTimes: form})
	}
	for _, key := range []engine.OrderListKey{engine.OrderListResult, engine.OrderListOrderID, engine.OrderListBoth} {
		add("order_list", string(key), engine.Answers{OrderList: key})
	}
	for _, key := range []engine.LatestClientKey{engine.LatestClientClientID, engine.LatestClientLatestClientID} {
		add("latest_client", string(key), engine.Answers{LatestClient: key})
	}
	for _, form := range []engine.CallbacksForm{engine.CallbacksAsCount, engine.CallbacksAsSends} {
		add("callbacks_by_platform_id", string(form), engine.Answers{CallbacksByPlatformID: form})
	}
	for _, flag := range []bool{false, true} {
		add("whatsapp_suffix", flag, engine.Answers{WhatsAppSuffix: flag})
		all[len(all)-1].kind = salebot.ClientTypeWhatsApp
		add("hide_order_variables", flag, engine.Answers{HideOrderVariables: flag})
		add("hide_order_fields", flag, engine.Answers{HideOrderFields: flag})
		add("null_descriptions", flag, engine.Answers{NullDescriptions: flag})
		add("hide_sends_in_history", flag, engine.Answers{HideSendsInHistory: flag})
		add("any_method", flag, engine.Answers{AnyMethod: flag})
	}
	for _, form := range []engine.ValueForm{engine.ValuesAsText, engine.ValuesAsSent} {
		add("values", string(form), engine.Answers{Values: form})
	}
	for _, word := range []string{"None", "NONE", "null", "undefined", "-"} {
		add("unset_value", word, engine.Answers{UnsetValue: word})
	}
	for _, form := range []engine.NoAttachmentsForm{engine.NoAttachmentsObject, engine.NoAttachmentsNull, engine.NoAttachmentsList} {
		add("no_attachments", string(form), engine.Answers{NoAttachments: form})
	}
	for _, rule := range []engine.EmptyCallbackRule{engine.EmptyCallbacksAccepted, engine.EmptyCallbacksRefused} {
		add("callback_without_message", string(rule), engine.Answers{CallbackWithoutMessage: rule})
	}
	add("history_delay", "0s", engine.Answers{})
	add("history_delay", "2s", engine.Answers{HistoryDelay: engine.Duration(2 * time.Second)})
	add("history_delay", "10s", engine.Answers{HistoryDelay: engine.Duration(10 * time.Second)})

	for _, form := range []engine.RetryAfterForm{engine.RetryAfterSeconds, engine.RetryAfterDate, engine.RetryAfterNone} {
		limited := engine.Answers{RetryAfter: form, RateLimit: engine.Limit{Requests: 6, Per: 5 * time.Second}}
		for name, want := range map[string]string{"retry_after": string(form), "rate_limit": "6/5s"} {
			add(name, want, limited)
			all[len(all)-1].options = probe.Options{Limit: 100}
		}
	}
	add("too_many_requests", reply(429, inJSON, `{"error":"rate limit exceeded"}`), engine.Answers{
		TooManyRequests: reply(429, inJSON, `{"error":"rate limit exceeded"}`), RateLimit: engine.Limit{Requests: 6, Per: 5 * time.Second},
	})
	all[len(all)-1].options = probe.Options{Limit: 100}
	add("missing_permission", reply(403, plain, "WRONG_ACTION"), engine.Answers{})
	all[len(all)-1].options, all[len(all)-1].permissions = probe.Options{}, []engine.Permission{"clients_read"}
	add("missing_permission", reply(400, plain, "WRONG_ACTION"), engine.Answers{MissingPermission: engine.Reply{Status: 400}})
	all[len(all)-1].options, all[len(all)-1].permissions = probe.Options{}, []engine.Permission{"clients_read"}

	add("unknown_key", reply(403, inJSON, `{"error":"invalid api key"}`), engine.Answers{UnknownKey: reply(403, inJSON, `{"error":"invalid api key"}`)})
	add("unknown_key", reply(401, plain, " "), engine.Answers{UnknownKey: engine.Reply{Body: " "}})
	add("unknown_action", reply(404, plain, "{problem}"), engine.Answers{})
	add("unknown_action", reply(400, plain, "unknown action"), engine.Answers{UnknownAction: engine.Reply{Status: 400, Body: "unknown action"}})
	add("wrong_method", reply(404, "text/html; charset=utf-8", "<html></html>"), engine.Answers{
		WrongMethod: engine.Reply{Status: 404, Body: "<html><body>nginx</body></html>"},
	})
	add("unreadable", reply(500, plain, "internal error"), engine.Answers{Unreadable: engine.Reply{Status: 500, Body: "internal error"}})
	add("invalid_parameter", reply(422, inJSON, `{"message":"{problem}","status":"fail"}`), engine.Answers{
		InvalidParameter: engine.Reply{Status: 422, Body: `{"status":"fail","message":"{problem}"}`},
	})
	return all
}

// The probe finds each setting out, and an emulator with the answers that it writes cannot
// be told from the first one.
func TestSettingsAreFoundOut(t *testing.T) {
	t.Parallel()
	for _, c := range found() {
		t.Run(c.name+"="+strings.NewReplacer("/", "-", " ", "_").Replace(strings.Trim(textOf(t, c.want), `"`)), func(t *testing.T) {
			t.Parallel()
			report := c.probed(t)
			require.Equal(t, c.want, settingOf(t, report, c.name).Value)
			require.Equal(t, c.missed, len(report.NotUnderstood()) > 0)

			file, err := report.AnswersFile()
			require.NoError(t, err)
			path := filepath.Join(t.TempDir(), "answers.yaml")
			require.NoError(t, os.WriteFile(path, file, 0o600))
			second := c.one
			read, err := settings.LoadAnswers(path)
			require.NoError(t, err)
			second.answers = read.Answers
			require.Equal(t, timeless(t, report), timeless(t, second.probed(t)), string(file))
			for _, a := range report.Actions {
				for _, o := range a.Observations {
					require.Equal(t, "same", o.Emulator.Imitating, "%s: %v", o.Step, o.Emulator.Differences)
				}
			}
		})
	}
}

func textOf(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return string(text)
}

// Each setting that the emulator has is found out by a test, or it is said why it cannot be.
func TestEverySettingIsFoundOutOrCannotBe(t *testing.T) {
	t.Parallel()
	cannot := []string{"unknown_users", "unknown_groups", "broadcast_without_audience"}
	report := one{kind: salebot.ClientTypeTelegram}.probed(t)
	cases := found()
	for _, s := range page.AnswerSettings() {
		is := slices.ContainsFunc(cases, func(c setting) bool { return c.name == s.Name })
		require.NotEqual(t, slices.Contains(cannot, s.Name), is, s.Name)
		for _, value := range s.Values {
			with := slices.ContainsFunc(cases, func(c setting) bool { return c.name == s.Name && c.want == value })
			require.True(t, with || !is, "%s=%s", s.Name, value)
		}
		if said := settingOf(t, report, s.Name); said.Value == nil {
			require.NotEmpty(t, said.NotFound, s.Name)
		}
	}
}

// Every action is asked, or it is said why not.
func TestEveryActionIsAskedOrItIsSaidWhyNot(t *testing.T) {
	t.Parallel()
	asked := map[string]bool{}
	for _, kind := range []salebot.ClientType{
		salebot.ClientTypeTelegram, salebot.ClientTypeWhatsApp, salebot.ClientTypeVK, salebot.ClientTypeOdnoklassniki, salebot.ClientTypeMAX,
		salebot.ClientTypeEmail, salebot.ClientTypeOnlineChat,
	} {
		report := one{kind: kind, options: everything}.probed(t)
		require.Len(t, report.Actions, len(action.All()))
		for _, a := range report.Actions {
			require.NotEqual(t, len(a.Observations) > 0, a.NotAsked != "", a.Name)
			require.NotEqual(t, "no step asks it", a.NotAsked, "%s needs a step, or a reason in neverAsked", a.Name)
			asked[a.Name] = asked[a.Name] || len(a.Observations) > 0
		}
	}
	for _, row := range action.All() {
		never := []string{"broadcast", "clear_history", "delete_clients", "assign_to_user", "check_insta_subscription"}
		require.NotEqual(t, slices.Contains(never, row.Name), asked[row.Name], "%s: the list in this test says otherwise", row.Name)
	}
}

// A read is all that is sent unasked.
func TestOnlyReadsUnlessAsked(t *testing.T) {
	t.Parallel()
	reads := one{kind: salebot.ClientTypeTelegram, look: func(emulated *engine.Emulator) {
		requests := emulated.Requests()
		require.Greater(t, len(requests), 20)
		for _, r := range requests {
			require.Equal(t, action.Read, action.MustLookup(r.Action).Class, r.Action)
			require.Less(t, r.Status, 500)
			require.NotEqual(t, 429, r.Status)
		}
	}}
	reads.probed(t)
	require.Empty(t, probe.Plan(reads.options))
}

// Writes touch the client who was named and nobody else.
func TestWritesTouchOneClient(t *testing.T) {
	t.Parallel()
	for _, kind := range []salebot.ClientType{salebot.ClientTypeTelegram, salebot.ClientTypeWhatsApp, salebot.ClientTypeEmail} {
		writes := 0
		one{kind: kind, options: everything, look: func(emulated *engine.Emulator) {
			for _, r := range emulated.Requests() {
				row := action.Lookup(r.Action)
				if row == nil || row.Class == action.Read {
					continue
				}
				writes++
				if r.Status != 404 { // one about nobody
					require.True(t, r.ClientID == client || r.Action == "add_to_list" || r.Action == "remove_from_list", "%s about %d", r.Action, r.ClientID)
				}
			}
			state := emulated.Snapshot()
			require.Len(t, state.Clients, 2, "nobody was created")
			before := project(kind).Clients[0]
			other, _ := emulated.LookupPerson(client - 1)
			require.Empty(t, other.Variables)
			require.Len(t, emulated.History(client-1), len(before.History))
			require.Len(t, emulated.Orders(client), 2)
			require.Empty(t, emulated.ListMembers(7))
			require.Empty(t, emulated.Scheduled())
		}}.probed(t)
		require.Greater(t, writes, 10)
		planned := 0
		for _, request := range probe.Plan(everything) {
			planned += request.Most
		}
		require.GreaterOrEqual(t, planned, writes)
	}
}

// Nothing that a person said or is, and no key, is in what is written.
func TestNothingPersonal(t *testing.T) {
	t.Parallel()
	for _, kind := range []salebot.ClientType{salebot.ClientTypeTelegram, salebot.ClientTypeWhatsApp, salebot.ClientTypeEmail} {
		for _, answers := range []engine.Answers{
			{}, {
				UnknownAction:    engine.Reply{Body: "no action for " + personal + ", " + personal + " {problem}"},
				InvalidParameter: engine.Reply{Body: `{"status":"` + personal + `","` + personal + `":"{problem}","error":["` + personal + `",55512345]}`},
				WrongMethod:      engine.Reply{Body: "<html>" + personal}, UnsetValue: "None",
				UnknownKey: engine.Reply{Body: `{"message":"` + testkit.Key + `"}`},
			},
		} {
			report := one{kind: kind, answers: answers, options: everything}.probed(t)
			var text strings.Builder
			require.NoError(t, report.WriteText(&text))
			file, err := report.AnswersFile()
			require.NoError(t, err)
			for name, written := range map[string]string{"report": textOf(t, report), "text": text.String(), "answers": string(file)} {
				require.NotContains(t, strings.ToLower(written), strings.ToLower(personal), name)
				for _, number := range []string{"79000000555", "25554", "100200299", "143000000", "55512345", "424000", "Dear"} {
					require.NotContains(t, written, number, name)
				}
				require.Empty(t, testkit.FindKey(written), name)
			}
		}
	}
}

// An answer that the SDK does not understand is named, and what the emulator cannot imitate.
func TestAnswersThatAreNotUnderstood(t *testing.T) {
	t.Parallel()
	var report *probe.Report
	testkit.Bubble(t, func(t *testing.T) {
		emulated, err := engine.Open(engine.WithProject(project(salebot.ClientTypeTelegram)), engine.WithKey(testkit.Key))
		require.NoError(t, err)
		defer emulated.Close()
		odd := func(name, body string) {
			require.NoError(t, emulated.Fail(faults.Fault{Action: name, Body: body, Times: faults.Always}))
		}
		odd("get_messages", `{"status":"success","blocks":{"of":"`+personal+`"}}`)
		odd("get_history", "<html>"+personal)
		odd("get_orders", `{"status":"`+personal+`"}`)
		report, err = probe.Run(t.Context(), connectTo(emulated), clock{}, probe.Options{})
		require.NoError(t, err)
	})
	var missed []string
	for _, o := range report.NotUnderstood() {
		missed = append(missed, o.Step)
		require.NotEqual(t, "same", o.Emulator.Imitating, o.Step)
	}
	require.ElementsMatch(t, []string{"get_messages", "get_history", "get_orders", "get_orders of nobody"}, missed)
	var text strings.Builder
	require.NoError(t, report.WriteText(&text))
	require.Contains(t, text.String(), "get_messages: status 200")
	require.NotContains(t, textOf(t, report), personal)
}

// What of the webhook comes again is found out, and an emulator with it is the same.
func TestDeliveriesThatComeAgain(t *testing.T) {
	t.Parallel()
	for _, rule := range []engine.ResendRule{engine.ResendNone, engine.Resend5xx, engine.ResendFailed} {
		probedWith := func(rule engine.ResendRule) (report *probe.Report) {
			testkit.Bubble(t, func(t *testing.T) {
				receiver := &probe.Receiver{}
				emulated, err := engine.Open(
					engine.WithProject(project(salebot.ClientTypeTelegram)), engine.WithKey(testkit.Key),
					engine.WithWebhook(engine.Webhook{Handler: receiver, Resend: rule, RetryDelay: 5 * time.Second}),
				)
				require.NoError(t, err)
				defer emulated.Close()
				report, err = probe.Run(t.Context(), connectTo(emulated), clock{}, probe.Options{Client: client, Webhook: receiver})
				require.NoError(t, err)
			})
			return report
		}
		report := probedWith(rule)
		require.NotNil(t, report.Webhook, report.Notes)
		require.Equal(t, rule, report.Webhook.Resend)
		require.Equal(t, "object", report.Webhook.Body["client"])
		require.Equal(t, "text", report.Webhook.Body["message"])
		require.NotContains(t, textOf(t, report), personal)

		file, err := report.AnswersFile()
		require.NoError(t, err)
		path := filepath.Join(t.TempDir(), "answers.yaml")
		require.NoError(t, os.WriteFile(path, file, 0o600))
		read, err := settings.LoadAnswers(path)
		require.NoError(t, err)
		require.Equal(t, rule, read.Webhook.Resend)
		require.Equal(t, timeless(t, report), timeless(t, probedWith(read.Webhook.Resend)))
	}
}

// A project that posts nothing is told from one that does not repeat.
func TestNothingIsPosted(t *testing.T) {
	t.Parallel()
	report := one{kind: salebot.ClientTypeTelegram, options: probe.Options{Client: client, Webhook: &probe.Receiver{}}}.probed(t)
	require.Nil(t, report.Webhook)
	require.Contains(t, strings.Join(report.Notes, " "), "not posted to the webhook")
	file, err := report.AnswersFile()
	require.NoError(t, err)
	require.NotContains(t, string(file), "webhook:")
}

// What had to be refused and was not is no success.
func TestARefusalThatDoesNotCome(t *testing.T) {
	t.Parallel()
	report := one{
		kind: salebot.ClientTypeTelegram, answers: engine.Answers{UnknownKey: engine.Reply{Status: 200, Body: `{"project_id":1}`}},
		options: probe.Options{Refusals: true},
	}.probed(t)
	missed := report.NotUnderstood()
	require.Len(t, missed, 1)
	require.Equal(t, "a key that nobody has", missed[0].Step)
	require.Equal(t, "taken for a success", missed[0].SDK.Error)
	require.Nil(t, settingOf(t, report, "unknown_key").Value)
}

// By a phone, another WhatsApp of the project would get a client of its own.
func TestSeveralWhatsApps(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		several := project(salebot.ClientTypeWhatsApp)
		several.Channels = append([]engine.Channel{{Messenger: "whatsapp", GroupID: "78"}}, several.Channels...)
		emulated, err := engine.Open(engine.WithProject(several), engine.WithKey(testkit.Key))
		require.NoError(t, err)
		defer emulated.Close()
		_, err = probe.Run(t.Context(), connectTo(emulated), clock{}, everything)
		require.NoError(t, err)
		require.Zero(t, emulated.Calls("whatsapp_callback")+emulated.Calls("whatsapp_message"))
		require.Len(t, emulated.Snapshot().Clients, 2)
	})
}
