package emulator_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/emulator/faults"
)

func TestOpenRefusesInsteadOfPanicking(t *testing.T) {
	t.Parallel()
	_, err := engine.Open(engine.WithPerson(engine.Person{ID: -1}))
	require.Error(t, err)
	emulator, err := engine.Open(engine.WithProjectID(7))
	require.NoError(t, err)
	emulator.Close()
	require.Equal(t, salebot.ProjectID(7), emulator.ProjectID())
	require.Equal(t, time.UTC, emulator.Location())
}

func TestChatsAreInTheOrderOfTheirLastMessage(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	var clients []engine.Person
	for i := range 5 {
		clients = append(clients, engine.Person{
			ID: salebot.ClientID(100 + i), ClientType: salebot.ClientType(i % 2), Name: fmt.Sprintf("Name %d", i),
			PlatformID: salebot.PlatformID(fmt.Sprint("P", i)), CreatedAt: begin.Add(time.Duration(i) * time.Second),
		})
	}
	emulator := openEmulator(engine.WithPeople(clients...))
	defer emulator.Close()
	_, err := emulator.Write(101, "Hello")
	require.NoError(t, err)

	ids := func(query engine.ChatQuery) (ids []salebot.ClientID, total int) {
		chats, total := emulator.Chats(query)
		for _, chat := range chats {
			ids = append(ids, chat.ClientID)
		}
		return ids, total
	}
	telegram := salebot.ClientTypeTelegram
	for name, one := range map[string]struct {
		query engine.ChatQuery
		ids   []salebot.ClientID
		total int
	}{
		"all":       {engine.ChatQuery{Limit: 10}, []salebot.ClientID{101, 104, 103, 102, 100}, 5},
		"part":      {engine.ChatQuery{Offset: 1, Limit: 2}, []salebot.ClientID{104, 103}, 5},
		"beyond":    {engine.ChatQuery{Offset: 9, Limit: 2}, nil, 5},
		"nothing":   {engine.ChatQuery{}, nil, 5},
		"negative":  {engine.ChatQuery{Offset: -1, Limit: -1}, nil, 5},
		"name":      {engine.ChatQuery{Text: " nAME 3 ", Limit: 9}, []salebot.ClientID{103}, 1},
		"platform":  {engine.ChatQuery{Text: "p4", Limit: 9}, []salebot.ClientID{104}, 1},
		"number":    {engine.ChatQuery{Text: "102", Limit: 9}, []salebot.ClientID{102}, 1},
		"messenger": {engine.ChatQuery{ClientType: &telegram, Limit: 9}, []salebot.ClientID{101, 103}, 2},
	} {
		got, total := ids(one.query)
		require.Equal(t, one.ids, got, name)
		require.Equal(t, one.total, total, name)
	}
	chats, _ := emulator.Chats(engine.ChatQuery{Limit: 2})
	require.Equal(t, "Hello", chats[0].Last.Text)
	require.Equal(t, 1, chats[0].Messages)
	require.Nil(t, chats[1].Last)
}

func TestConversationInParts(t *testing.T) {
	t.Parallel()
	emulator := openEmulator(engine.WithPerson(engine.Person{ID: 25554}))
	defer emulator.Close()
	var all []salebot.MessageID
	for i := range 10 {
		message, err := emulator.Write(25554, fmt.Sprint(i))
		require.NoError(t, err)
		all = append(all, message.ID)
	}
	for name, one := range map[string]struct {
		query engine.ConversationQuery
		texts string
		rest  []int
	}{
		"the end":          {engine.ConversationQuery{Limit: 3}, "789", []int{7, 0}},
		"before":           {engine.ConversationQuery{Before: all[7], Limit: 3}, "456", []int{4, 3}},
		"before the first": {engine.ConversationQuery{Before: all[0], Limit: 3}, "", []int{0, 10}},
		"after":            {engine.ConversationQuery{After: all[1], Limit: 3}, "234", []int{2, 5}},
		"after the last":   {engine.ConversationQuery{After: all[9], Limit: 3}, "", []int{10, 0}},
		"unknown":          {engine.ConversationQuery{After: 1, Limit: 2}, "89", []int{8, 0}},
		"all":              {engine.ConversationQuery{Limit: 99}, "0123456789", []int{0, 0}},
		"nothing":          {engine.ConversationQuery{}, "", []int{10, 0}},
	} {
		part, ok := emulator.Conversation(25554, one.query)
		require.True(t, ok)
		var texts strings.Builder
		for _, m := range part.Messages {
			texts.WriteString(m.Text)
		}
		require.Equal(t, one.texts, texts.String(), name)
		got := []int{part.Before, part.After}
		require.Equal(t, one.rest, got, name)
	}
	_, ok := emulator.Conversation(1, engine.ConversationQuery{})
	require.False(t, ok)
}

func TestPressUnderACertainMessage(t *testing.T) {
	t.Parallel()
	emulator := openEmulator(engine.WithPerson(engine.Person{ID: 25554}), engine.WithBlocks(
		engine.Block{ID: 1, Condition: "one", Answer: "1", Buttons: []engine.Button{{Text: "A"}, {Text: "B", Type: "phone"}}},
		engine.Block{ID: 2, Condition: "two", Answer: "2", Buttons: []engine.Button{{Text: "A", URL: "https://example.com"}}},
	))
	defer emulator.Close()
	for _, text := range []string{"one", "two"} {
		_, err := emulator.Write(25554, text)
		require.NoError(t, err)
	}
	history := emulator.History(25554)
	first, second := history[1].ID, history[3].ID
	pressed, err := emulator.PressUnder(25554, first, 0)
	require.NoError(t, err)
	require.Equal(t, "A", pressed.Text)
	pressed, err = emulator.PressUnder(25554, first, 1)
	require.NoError(t, err)
	require.NotEmpty(t, pressed.Attachments[0].PhoneNumber)
	_, err = emulator.PressUnder(25554, second, 0)
	require.ErrorContains(t, err, "outside")
	for _, place := range []int{-1, 2} {
		_, err = emulator.PressUnder(25554, first, place)
		require.ErrorContains(t, err, "no such button")
	}
	_, err = emulator.PressUnder(25554, 1, 0)
	require.Error(t, err)
	_, err = emulator.PressUnder(1, first, 0)
	require.Error(t, err)
}

func TestReachableAndPaused(t *testing.T) {
	t.Parallel()
	client, emulator := newClient(t, engine.WithPerson(engine.Person{ID: 25554}),
		engine.WithBlocks(engine.Block{ID: 1, Condition: "hi", Answer: "hello"}))
	require.True(t, emulator.SetReachable(25554, "blocked"))
	_, err := client.Message(t.Context(), salebot.MessageRequest{ClientID: 25554, Message: "x"})
	require.NoError(t, err)
	require.Equal(t, "blocked", emulator.History(25554)[0].Error)
	require.True(t, emulator.SetReachable(25554, ""))
	require.True(t, emulator.SetPaused(25554, true))
	_, err = emulator.Write(25554, "hi")
	require.NoError(t, err)
	require.Empty(t, emulator.Messages(25554), "the bot keeps quiet")
	require.False(t, emulator.SetPaused(1, true))
	require.False(t, emulator.SetReachable(1, ""))
}

func TestLogsInParts(t *testing.T) {
	t.Parallel()
	receiver := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	client, emulator := newClient(t, engine.WithMaxLogEntries(4), engine.WithPerson(engine.Person{ID: 25554}),
		engine.WithWebhook(engine.Webhook{Handler: receiver, URL: "http://receiver.localhost/"}))
	require.Equal(t, "http://receiver.localhost/", emulator.Webhook().URL)
	for range 6 {
		_, err := client.Message(t.Context(), salebot.MessageRequest{ClientID: 25554, Message: "x"})
		require.NoError(t, err)
	}
	require.NoError(t, emulator.WaitForDeliveries(t.Context()))
	requests := func(before int64, limit int) (numbers []int64) {
		for _, r := range emulator.RequestsBefore(before, limit) {
			numbers = append(numbers, r.Number)
		}
		for i, d := range emulator.DeliveriesBefore(before, limit) {
			require.Equal(t, numbers[i], d.Number)
		}
		return numbers
	}
	require.Equal(t, []int64{6, 5, 4, 3}, requests(0, 10))
	require.Equal(t, []int64{6, 5}, requests(0, 2))
	require.Equal(t, []int64{4, 3}, requests(5, 10))
	require.Equal(t, []int64{6}, requests(99, 1))
	require.Empty(t, requests(3, 10))
	for number, known := range map[int64]bool{-1: false, 0: false, 1: false, 2: false, 3: true, 6: true, 7: false} {
		r, ok := emulator.LookupRequest(number)
		require.Equal(t, known, ok, number)
		d, ok := emulator.LookupDelivery(number)
		require.Equal(t, known, ok, number)
		if known {
			require.Equal(t, []int64{number, number}, []int64{r.Number, d.Number})
		}
	}
	progress := emulator.Progress()
	require.Equal(t, []int64{6, 6, 1, 0, 0, 0}, []int64{
		progress.Requests, progress.Deliveries, int64(progress.Clients), int64(progress.Waiting), int64(progress.Scheduled), int64(progress.Faults),
	})
}

func TestRemoveFaults(t *testing.T) {
	t.Parallel()
	emulator := openEmulator()
	defer emulator.Close()
	emulator.Fail(faults.Fault{Status: 500, Times: 2}, faults.Fault{Status: 502}, faults.Fault{Action: "message", Status: 500})
	require.Equal(t, 2, emulator.RemoveFaults(func(f faults.Fault) bool { return f.Status == 500 }))
	require.Equal(t, []faults.Fault{{Status: 502, Times: 1}}, emulator.Faults())
	require.Zero(t, emulator.RemoveFaults(func(faults.Fault) bool { return false }))
	require.Len(t, emulator.States(), 3)
}
