package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/testkit"
	"github.com/salebot-go/salebot/webhook"
)

// decode reads a body that has to be one of the project's webhook.
func decode(t testing.TB, body string) webhook.Event {
	t.Helper()
	event, err := webhook.Decode([]byte(body))
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return event
}

// TestUnknownDirectionIsKept checks that an event which does not say in a known way who
// wrote it is neither handled as a person's message nor acknowledged and forgotten.
func TestUnknownDirectionIsKept(t *testing.T) {
	t.Parallel()
	const usual = `"id":1,"client":{"id":2,"recepient":"3"}`
	for _, test := range []struct {
		name, field string
		understood  bool
	}{
		{"2", `,"is_input":2`, false},
		{"negative", `,"is_input":-1`, false},
		{"fraction", `,"is_input":0.5`, false},
		{"null", `,"is_input":null`, false},
		{"empty", `,"is_input":""`, false},
		{"word", `,"is_input":"incoming"`, false},
		{"unset", `,"is_input":"None"`, false},
		{"list", `,"is_input":[]`, false},
		{"object", `,"is_input":{}`, false},
		{"absent", ``, false},
		{"another case", `,"Is_Input":1`, false},
		{"odd block of an outgoing one", `,"is_input":0,"message_id":"none of it"`, false},
		{"1", `,"is_input":1`, true},
		{"1.0", `,"is_input":1.0`, true},
		{"1e0", `,"is_input":1e0`, true},
		{"text 1.0", `,"is_input":"1.0"`, true},
	} {
		for _, text := range []string{"hi", "", "new_chat_member", "edit_task_callback 1"} {
			t.Run(test.name+" "+text, func(t *testing.T) {
				t.Parallel()
				testkit.Bubble(t, func(t *testing.T) {
					var events recorder
					inbox := newMemoryInbox(t)
					var mu sync.Mutex
					steps := map[webhook.StepKind]webhook.Step{}
					handler := newHandler(t, events.handle, webhook.WithoutSecret(), webhook.WithInbox(inbox), webhook.WithServiceEvents(), webhook.WithHook(webhook.Hook{
						After: func(_ context.Context, step webhook.Step) {
							mu.Lock()
							defer mu.Unlock()
							steps[step.Kind] = step
						},
					}))
					body := fmt.Sprintf(`{%s,"message":%q%s}`, usual, text, test.field)
					accepted(t, handler, body)
					shutdown(t, handler)
					stats := handler.Stats()
					counts, err := inbox.Counts(t.Context(), handler.Endpoint())
					if err != nil {
						t.Fatal(err)
					}
					if test.understood {
						if len(events.texts()) != 1 || counts.Dead != 0 || stats.NotUnderstood != 0 || stats.Kept != 1 || stats.DeadLetters != 0 {
							t.Errorf("%d calls, %+v, %+v; want a call", len(events.texts()), counts, stats)
						}
						return
					}
					if len(events.texts()) != 0 || counts != (webhook.Counts{Dead: 1}) || stats.NotUnderstood != 1 || stats.DeadLetters != 1 {
						t.Errorf("%d calls, %+v, %+v; want a dead letter and no call", len(events.texts()), counts, stats)
					}
					received, handled := steps[webhook.StepReceive], steps[webhook.StepHandle]
					if received.Result != webhook.ResultNotUnderstood || handled.Result != webhook.ResultDeadLetter || !errors.Is(handled.Err, webhook.ErrNotUnderstood) {
						t.Errorf("hooks saw %+v", steps)
					}
					for letter, err := range inbox.DeadLetters(t.Context(), handler.Endpoint()) {
						if err != nil || !strings.Contains(letter.Reason, webhook.ErrNotUnderstood.Error()) || letter.Body != body {
							t.Errorf("%+v, %v", letter, err)
						}
					}
				})
			})
		}
	}
}

// TestFiltersDoNotForgetUnknownDirections checks that a filter which does not take an
// event that nobody understands does not lose it, and that one which does gets it.
func TestFiltersDoNotForgetUnknownDirections(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		for takes, want := range map[bool]webhook.Counts{true: {}, false: {Dead: 1}} {
			var events recorder
			inbox := newMemoryInbox(t)
			handler := newHandler(t, events.handle, webhook.WithoutSecret(), webhook.WithInbox(inbox), webhook.WithFilter(func(e *webhook.Event) bool { return e.IsIncoming() || takes }))
			accepted(t, handler, `{"id":1,"is_input":"maybe","message":"hi"}`)
			shutdown(t, handler)
			counts, err := inbox.Counts(t.Context(), handler.Endpoint())
			if err != nil || counts != want || len(events.texts()) != 1-want.Dead {
				t.Errorf("takes %v: %+v, %v, %d calls", takes, counts, err, len(events.texts()))
			}
		}
	})
}

// TestUnknownAttachmentsReachTheFunction checks that a message which has nothing but an
// attachment in an unknown form is one of a person.
func TestUnknownAttachmentsReachTheFunction(t *testing.T) {
	t.Parallel()
	for _, attachments := range []string{`[{}]`, `[""]`, `[null]`, `[[]]`, `[[[[[{"url":"https://a.test/1"}]]]]]`, `{"x":5}`, `"text"`, `7`, `[{"file":"BQACAgIAAx"}]`} {
		for _, text := range []string{`""`, `null`} {
			event := decode(t, fmt.Sprintf(`{"id":1,"client":{"id":2,"recepient":"3"},"message":%s,"is_input":1,"attachments":%s}`, text, attachments))
			items := event.Attachments.Items()
			if event.IsService() || !event.IsIncoming() || event.Kind() != webhook.KindFile || len(items) == 0 || len(items[0].Raw) == 0 {
				t.Errorf("%s: service %v, kind %v, items %+v", attachments, event.IsService(), event.Kind(), items)
			}
		}
	}
	for _, attachments := range []string{`null`, `[]`, `{}`, `""`, `"[]"`, `"None"`} {
		if event := decode(t, fmt.Sprintf(`{"id":1,"message":"","is_input":1,"attachments":%s}`, attachments)); !event.IsService() {
			t.Errorf("%s: a message without anything is taken for one of a person", attachments)
		}
	}
}

// TestWholeNumbersInAnySpelling checks that ids are read exactly, whatever their
// spelling, and that the duplicates of such an event are seen.
func TestWholeNumbersInAnySpelling(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"5.0": 5, "7.0": 7, "1e3": 1000, `"5.0"`: 5, `"1e3"`: 1000, "50e-1": 5, "9007199254740993.0": 9007199254740993,
		"1234567890123456789": 1234567890123456789, `"9223372036854775807"`: 9223372036854775807, "9.223372036854775807e18": 9223372036854775807,
	} {
		event := decode(t, fmt.Sprintf(`{"id":%[1]s,"client":{"id":%[1]s,"unread_count":1},"project_id":%[1]s,"message_id":%[1]s,"is_input":1,"message":"hi"}`, text))
		if int64(event.ID) != want || int64(event.Client.ID) != want || int64(event.ProjectID) != want || int64(event.BlockID) != want || len(event.Unread) > 0 {
			t.Errorf("%s: %d, %d, %d, %d, unread %q; want %d", text, event.ID, event.Client.ID, event.ProjectID, event.BlockID, event.Unread, want)
		}
	}
	for _, text := range []string{"5.5", "1e-1", "9223372036854775808", "1e19", `"99999999999999999999"`, "true", "{}", `"x"`} {
		event := decode(t, fmt.Sprintf(`{"id":%s,"is_input":1,"message":"hi"}`, text))
		if event.ID != 0 || !slices.Equal(event.Unread, []string{"id"}) {
			t.Errorf("%s: %d, unread %q", text, event.ID, event.Unread)
		}
	}
	testkit.Bubble(t, func(t *testing.T) {
		var events recorder
		handler := newHandler(t, events.handle, webhook.WithoutSecret())
		for _, id := range []string{"5", "5.0", `"5"`, "50e-1"} {
			accepted(t, handler, fmt.Sprintf(`{"id":%s,"client":{"id":2},"is_input":1,"message":"hi"}`, id))
		}
		shutdown(t, handler)
		if stats := handler.Stats(); len(events.texts()) != 1 || stats.Duplicates != 3 || stats.Kept != 1 {
			t.Errorf("%d calls, %+v; want one", len(events.texts()), stats)
		}
	})
}

// TestIDsOfMessengers checks that what is not an id of a messenger does not become one.
func TestIDsOfMessengers(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		`"3"`: "3", `3`: "3", `6.25e9`: "6250000000", `3.0`: "3", `-1001234567890`: "-1001234567890", `"ann@mail.test"`: "ann@mail.test", `null`: "", `""`: "",
		`12345678901234567890123`: "12345678901234567890123",
	} {
		event := decode(t, fmt.Sprintf(`{"is_input":1,"message":"hi","client":{"id":2,"recepient":%[1]s,"group":%[1]s}}`, value))
		if string(event.Client.PlatformID) != want || string(event.Client.GroupID) != want || len(event.Unread) > 0 {
			t.Errorf("%s: %q, %q, unread %q; want %q", value, event.Client.PlatformID, event.Client.GroupID, event.Unread, want)
		}
	}
	for _, value := range []string{`{"id":3}`, `[3]`, `false`, `true`, `"None"`, `"null"`, `3.5`, `1e400`} {
		event := decode(t, fmt.Sprintf(`{"is_input":1,"message":"hi","client":{"id":2,"recepient":%[1]s,"group":%[1]s}}`, value))
		if event.Client.PlatformID != "" || event.Client.GroupID != "" || !slices.Equal(event.Unread, []string{"client.recepient", "client.group"}) || event.Client.ID != 2 {
			t.Errorf("%s: %q, unread %q", value, event.Client.PlatformID, event.Unread)
		}
	}
}

func TestClientTypesInOtherSpellings(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]salebot.ClientType{"1.0": salebot.ClientTypeTelegram, "2e1": salebot.ClientTypeMAX, `"1.0"`: salebot.ClientTypeTelegram, "0.0": salebot.ClientTypeVK} {
		if event := decode(t, fmt.Sprintf(`{"is_input":1,"client":{"client_type":%s}}`, value)); event.Client.ClientType != want || len(event.Unread) > 0 {
			t.Errorf("%s: %v, unread %q; want %v", value, event.Client.ClientType, event.Unread, want)
		}
	}
	for _, value := range []string{"true", "1.5", "[]", "{}", "99999999999999999999"} {
		if event := decode(t, fmt.Sprintf(`{"is_input":1,"client":{"client_type":%s}}`, value)); event.Client.ClientType != salebot.ClientTypeUnrecognized || !slices.Equal(event.Unread, []string{"client.client_type"}) {
			t.Errorf("%s: %v, unread %q", value, event.Client.ClientType, event.Unread)
		}
	}
}

// TestNotices checks the notices that Salebot documents, and that people can say nearly
// the same.
func TestNotices(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"write_access_allowed shop", "write_access_allowed", "kicked_chat_member", "new_chat_member", "left_chat_member", "chat_join_request",
		"edited_channel_post 2026-05-01 12:00:00", "bot_added_to_group", "bot_left_group", "new_like 5", "like_deleted 12", "chat_boost_from user 77",
		"remove_boost_from user 77", "chat_boost from giveaway", "remove_chat_boost from giveaway", "poll_added What is best?", "client_wall_reply_new 5 Nice photo\nindeed",
		"client_wall_reply_new 5", "client_wall_repost 8", "client_group_join", "client_group_join request", "client_group_join approved", "client_group_leave",
		"client_liked_post 4", "react 5 on 8", "cancel reaction on 8", "message_read", "client_wall_reply_new_comment https://vk.test/wall-1_2 7: hello",
		"client_wall_reply_new_live 7: hello", "mention_in_media https://instagram.test/p/1", "mention_in_comment https://instagram.test/p/1",
		"instagram_reaction_to_story", "bot_added", "bot_removed", "user_added", "user_removed", "new_like ❤ uid5", "new_like smile:3 uid5",
		"a1b2c3d4e5_success", "a1b2c3d4e5_success 100", "a1b2c3d4e5_fail", "A1B2C3D4E5_fail 1.5", "client_unsubscribed", "client_started", "client_silent_24h",
	} {
		event := decode(t, fmt.Sprintf(`{"id":1,"client":{"id":2,"recepient":"3"},"message":%q,"is_input":1}`, text))
		if !event.IsService() {
			t.Errorf("%q reaches the function as a person's message", text)
		}
	}
	for _, text := range []string{
		"hi", "new_like", "new_like five", "new_like 5 of you", "I like it: new_like 5", "bot_added!", "Bot_Added", "react on 5", "react x on 5", "client_wall_repost",
		"client_group_join now", "chat_boost from me", "message_read it", "new_like ❤ uid", "new_like  uid5", "mentioned", "poll", "a1b2c3d4e_success", "success", " bot_added", "bot_added\n",
	} {
		event := decode(t, fmt.Sprintf(`{"id":1,"client":{"id":2,"recepient":"3"},"message":%q,"is_input":1}`, text))
		if event.IsService() || event.Kind() != webhook.KindText {
			t.Errorf("%q is taken for a notice", text)
		}
	}
}

// TestNoticesCanBeTakenOut checks that the set is the user's to change, also for what has
// no fixed text.
func TestNoticesCanBeTakenOut(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		for text, pattern := range map[string]string{
			"bot_added": "bot_added", "new_like 5": "new_like {n}", "a1b2c3d4e5_success 100": webhook.ServicePayments, "edit_task_callback 1": webhook.ServiceCallbacks, "": webhook.ServiceEmpty,
		} {
			texts := webhook.KnownServiceTexts().Without(pattern)
			if slices.Contains(texts.Patterns(), pattern) || len(texts.Patterns()) != len(webhook.KnownServiceTexts().Patterns())-1 {
				t.Errorf("%s is still in the set", pattern)
			}
			for want, options := range map[int][]webhook.Option{0: nil, 1: {webhook.WithServiceTexts(texts)}} {
				var events recorder
				handler := newHandler(t, events.handle, append(options, webhook.WithoutSecret())...)
				accepted(t, handler, message(1, 1, text))
				shutdown(t, handler)
				if len(events.texts()) != want {
					t.Errorf("%q without %s: %d calls, want %d", text, pattern, len(events.texts()), want)
				}
			}
		}
	})
	own := webhook.ServiceTexts{}.With("a.b {n}", "a.b {n}", "x{word}y", "{n} of {text}")
	for text, want := range map[string]bool{"a.b 1": true, "a.b -1": true, "axb 1": false, "a.b": false, "xzy": true, "x y": false, "xy": false, "3 of": true, "3 of us": true, "3 off": false} {
		if got := own.Match(&webhook.Event{Origin: webhook.OriginClient, Text: text}); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	if n := len(own.Patterns()); n != 3 {
		t.Errorf("%d patterns, want 3", n)
	}
}

// TestMaxAge checks that an event which cannot be handled is not answered long after,
// that its client goes on then, and that a person may want it nevertheless.
func TestMaxAge(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		start := time.Now()
		last, failing := time.Duration(0), true
		inbox := newMemoryInbox(t)
		handler := newHandler(t, func(_ context.Context, event *webhook.Event) error {
			if event.Text == "greeting" && failing {
				last = time.Since(start)
				return errors.New("down")
			}
			return nil
		}, webhook.WithoutSecret(), webhook.WithInbox(inbox), webhook.WithMaxAge(10*time.Minute))
		accepted(t, handler, message(1, 1, "greeting"))
		if err := handler.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if last > 10*time.Minute || last < 5*time.Minute {
			t.Errorf("the last attempt came after %v", last)
		}
		var letters []webhook.DeadLetter
		for letter, err := range inbox.DeadLetters(t.Context(), handler.Endpoint()) {
			if err != nil {
				t.Fatal(err)
			}
			letters = append(letters, letter)
		}
		if len(letters) != 1 || letters[0].Reason != webhook.ErrTooOld.Error() {
			t.Fatalf("dead letters %+v", letters)
		}
		failing = false
		if n, err := inbox.Redrive(t.Context(), handler.Endpoint(), webhook.AllDeadLetters); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		if err := handler.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if counts, err := inbox.Counts(t.Context(), handler.Endpoint()); err != nil || counts.Dead != 1 {
			t.Errorf("%+v, %v; the inbox itself knows no exception", counts, err)
		}
		for _, sequences := range [][]int64{{letters[0].Sequence + 1}, {webhook.AllDeadLetters}} {
			if n, err := handler.Redrive(t.Context(), sequences...); err != nil || n > 1 {
				t.Fatal(n, err)
			}
		}
		shutdown(t, handler)
		if counts, err := inbox.Counts(t.Context(), handler.Endpoint()); err != nil || counts != (webhook.Counts{}) {
			t.Errorf("%+v, %v; want it handled", counts, err)
		}
	})
}

// TestWrittenByOperator checks what the history tells about the author of a message.
func TestWrittenByOperator(t *testing.T) {
	t.Parallel()
	h := &histories{items: map[salebot.ClientID][]salebot.HistoryItem{7: {
		{ID: 1, EmployeeID: 5}, {ID: 2, EmployeeEmail: "op@shop.test"}, {ID: 3, Origin: salebot.HistoryOriginAPI}, {ID: 4, Origin: salebot.HistoryOriginCRM}, {ID: 5},
	}}}
	for id, want := range map[salebot.MessageID]struct {
		operator bool
		err      error
	}{1: {true, nil}, 2: {true, nil}, 3: {false, nil}, 4: {false, nil}, 5: {false, webhook.ErrAuthorUnknown}, 6: {false, webhook.ErrAuthorUnknown}, 0: {false, webhook.ErrAuthorUnknown}} {
		event := webhook.Event{ID: id, Client: webhook.Client{ID: 7}, Origin: webhook.OriginOperatorOrAPI}
		if operator, err := event.WrittenByOperator(t.Context(), h); operator != want.operator || !errors.Is(err, want.err) {
			t.Errorf("message %d: %v, %v; want %v, %v", id, operator, err, want.operator, want.err)
		}
	}
	stranger := webhook.Event{ID: 1, Client: webhook.Client{ID: 8}, Origin: webhook.OriginOperatorOrAPI}
	if _, err := stranger.WrittenByOperator(t.Context(), h); !errors.Is(err, salebot.ErrClientNotFound) {
		t.Error(err)
	}
	calls := len(h.limits)
	for _, origin := range []webhook.Origin{webhook.OriginClient, webhook.OriginFunnel, webhook.OriginCallback, webhook.OriginUnknown} {
		if operator, err := (&webhook.Event{ID: 1, Client: webhook.Client{ID: 7}, Origin: origin}).WrittenByOperator(t.Context(), h); operator || err != nil {
			t.Errorf("%v: %v, %v", origin, operator, err)
		}
	}
	if len(h.limits) != calls {
		t.Error("a call was made for an event whose author is known")
	}
}

// TestTextsAreNoOtherValues checks that a name is not "false" and an avatar not "[]": what
// is no text is odd and costs only itself.
func TestTextsAreNoOtherValues(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"false", "true", "[]", "{}", `{"first":"Ann"}`, `["Ann"]`} {
		event := decode(t, fmt.Sprintf(`{"is_input":1,"message":"hi","client":{"id":2,"name":%[1]s,"avatar":%[1]s,"tag":%[1]s}}`, value))
		c := event.Client
		if c.Name != "" || c.Avatar != "" || c.Tag != "" || c.ID != 2 || !slices.Equal(event.Unread, []string{"client.name", "client.avatar", "client.tag"}) {
			t.Errorf("%s: %+v, unread %q", value, c, event.Unread)
		}
		if raw, ok := event.Field("client", "name"); !ok || string(raw) != value {
			t.Errorf("%s: %s", value, raw)
		}
	}
	event := decode(t, `{"is_input":1,"client":{"id":2,"name":5,"avatar":null,"tag":"false"}}`)
	if c := event.Client; c.Name != "5" || c.Avatar != "" || c.Tag != "false" || len(event.Unread) > 0 {
		t.Errorf("%+v, unread %q", c, event.Unread)
	}
}

// TestUnreadableTimesAndMessengers checks that a time which is none, and a messenger that
// nobody knows, are named: they are not what the event shows for an absent one.
func TestUnreadableTimesAndMessengers(t *testing.T) {
	t.Parallel()
	for _, value := range []string{`"28 мая 2026"`, "true", `"soon"`, `"Thu, 28 May"`, `"17:33"`, "{}"} {
		event := decode(t, fmt.Sprintf(`{"is_input":1,"created_at":%[1]s,"client":{"created_at":%[1]s}}`, value))
		if !slices.Equal(event.Unread, []string{"created_at", "client.created_at"}) {
			t.Errorf("%s: unread %q", value, event.Unread)
		}
	}
	for _, value := range []string{`"pigeon"`, `"ВК"`, `"-1"`} {
		event := decode(t, fmt.Sprintf(`{"is_input":1,"client":{"client_type":%s}}`, value))
		if event.Client.ClientType != salebot.ClientTypeUnrecognized || !slices.Equal(event.Unread, []string{"client.client_type"}) {
			t.Errorf("%s: %v, unread %q", value, event.Client.ClientType, event.Unread)
		}
	}
	for _, value := range []string{"null", `""`, `"None"`, `" "`, `"TG Business"`, `"telegram_business"`, `"TG-account"`} {
		event := decode(t, fmt.Sprintf(`{"is_input":1,"client":{"client_type":%s}}`, value))
		if len(event.Unread) > 0 {
			t.Errorf("%s: unread %q", value, event.Unread)
		}
	}
}

// TestSeveralAddressesInOneText checks that a text with several addresses is as many files,
// and that one with a space in it stays whole.
func TestSeveralAddressesInOneText(t *testing.T) {
	t.Parallel()
	for value, want := range map[string][]string{
		`"https://a.test/1\nhttps://a.test/2"`:                    {"https://a.test/1", "https://a.test/2"},
		`"https://a.test/1, https://a.test/2;"`:                   {"https://a.test/1", "https://a.test/2"},
		`["https://a.test/1 https://a.test/2","http://b.test/3"]`: {"https://a.test/1", "https://a.test/2", "http://b.test/3"},
		`" https://a.test/1 "`:                                    {"https://a.test/1"},
		`"https://a.test/my photo.jpg"`:                           {"https://a.test/my photo.jpg"},
		`"https://a.test/1,https://a.test/2"`:                     {"https://a.test/1,https://a.test/2"},
		`"https://a.test/1,"`:                                     {"https://a.test/1,"},
	} {
		event := decode(t, fmt.Sprintf(`{"is_input":1,"attachments":%s}`, value))
		if got := event.Attachments.URLs(); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", value, got, want)
		}
	}
	event := decode(t, `{"is_input":1,"client":{"id":1,"recepient":"2"},"message":"hi","attachments":false}`)
	if event.Kind() != webhook.KindText || len(event.Attachments.Items()) != 0 {
		t.Errorf("%v, %+v", event.Kind(), event.Attachments.Items())
	}
}

// TestMultipartForms checks forms of the other type, those that are broken too.
func TestMultipartForms(t *testing.T) {
	t.Parallel()
	part := func(name, value string) string {
		return "--x\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n"
	}
	event := decode(t, part("is_input", "1")+part("client[id]", "2")+part("client[variables][город]", "Рига")+part("message", "a=b&c\r\n--y")+part("attachments[]", "https://a.test/1")+
		"--x\r\nContent-Disposition: form-data; name=\"voice\"; filename=\"v.ogg\"\r\nContent-Type: audio/ogg\r\n\r\n\x00\xff\r\n--x--\r\n")
	if event.Text != "a=b&c\r\n--y" || event.Client.ID != 2 || event.Client.Variables.Text("город") != "Рига" || !slices.Equal(event.Attachments.URLs(), []string{"https://a.test/1"}) || event.Origin != webhook.OriginClient {
		t.Errorf("%+v", event)
	}
	if voice, _ := event.Field("voice"); string(voice) != `"v.ogg"` {
		t.Errorf("voice %s", voice)
	}
	whole := decode(t, part("payload", `{"is_input":1,"message":"hi"}`)+"--x--")
	if whole.Text != "hi" {
		t.Errorf("%+v", whole)
	}
	for _, body := range []string{
		"--", "--x", "--x\r\n", "--x--", part("is_input", "1"), "--x\r\n\r\n1\r\n--x--", part("{", "1") + "--x--", strings.Repeat(part("is_input", "1"), 2001) + "--x--",
	} {
		if _, err := webhook.Decode([]byte(body)); !errors.Is(err, webhook.ErrMalformed) {
			t.Errorf("%.60q: %v", body, err)
		}
	}
}

// TestOtherNamesOfTheClient checks the names under which programs expect the client besides
// the documented ones, which count more.
func TestOtherNamesOfTheClient(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]struct {
		client   salebot.ClientID
		platform salebot.PlatformID
		unread   []string
	}{
		`"client":{"id":2,"recipient":"9"}`:                 {2, "9", nil},
		`"client":{"id":2,"platform_id":9}`:                 {2, "9", nil},
		`"client":{"platform_id":8,"recipient":9,"id":2}`:   {2, "9", nil},
		`"client":{"recipient":"9","recepient":"3","id":2}`: {2, "3", nil},
		`"client":{"recepient":null,"recipient":9,"id":2}`:  {2, "9", nil},
		`"client":{"recepient":{},"recipient":"9","id":2}`:  {2, "9", []string{"client.recepient"}},
		`"client":{"recipient":[],"id":2}`:                  {2, "", []string{"client.recipient"}},
		`"client":{"recipient":"9"},"client":{"id":2}`:      {2, "", nil},
		`"client_id":7,"client":{"id":2,"recepient":"3"}`:   {2, "3", nil},
		`"client_id":"7","client":{"recepient":"3"}`:        {7, "3", nil},
		`"client_id":7`:                             {7, "", nil},
		`"client_id":"#{client_id}"`:                {0, "", []string{"client_id"}},
		`"client_id":null`:                          {0, "", nil},
		`"client":"{\"id\":2,\"recipient\":\"9\"}"`: {2, "9", nil},
	} {
		event := decode(t, `{"is_input":1,`+body+`}`)
		if event.Client.ID != want.client || event.Client.PlatformID != want.platform || !slices.Equal(event.Unread, want.unread) {
			t.Errorf("%s: client %d, %q, unread %q; want %+v", body, event.Client.ID, event.Client.PlatformID, event.Unread, want)
		}
	}
}
