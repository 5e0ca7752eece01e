package salebot_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
)

func TestBlocksDecode(t *testing.T) {
	t.Parallel()
	var block salebot.Block
	require.NoError(t, json.Unmarshal([]byte(`{"id":"5","condition":null,"answer":7,"message_type":"2","description":"x"}`), &block))
	require.Equal(t, salebot.Block{ID: 5, Answer: "7", Type: 2, Description: "x"}, block)
	for _, text := range []string{`{}`, `{"id":{}}`, `{"id":-1}`, `{"ID":1}`} {
		require.Error(t, json.Unmarshal([]byte(text), &block), text)
	}
	require.Equal(t, salebot.BlockID(5), block.ID, "a failure changes nothing")
}

func TestConnectedChannelsInAllForms(t *testing.T) {
	t.Parallel()
	channel := salebot.Channel{Messenger: "telegram", ID: 5, GroupID: "b"}
	for body, want := range map[string]salebot.ConnectedChannels{
		`{"project_id":1,"telegram":{"0":{"id":5,"group_id":"b"}}}`:                       {ProjectID: 1, Channels: []salebot.Channel{channel}},
		`{"telegram":{"id":5,"group_id":"b"}}`:                                            {Channels: []salebot.Channel{channel}},
		`{"result":{"telegram":[{"id":5,"group_id":"b"}]}}`:                               {Channels: []salebot.Channel{channel}},
		`{"status":"success","data":{"project_id":"1","telegram":[]}}`:                    {ProjectID: 1},
		`{"telegram":[],"viber":null,"instagram":false,"ok":"","avito":"","whatsapp":{}}`: {},
		`{"telegram":[{"id":{},"group_id":"b"}]}`:                                         {Channels: []salebot.Channel{{Messenger: "telegram", GroupID: "b", Unread: []string{"id"}}}},
		`{"telegram":"x","ok":[],"plan":"business","tariff":{"a":1},"project_id":[]}`:     {Unread: []string{"telegram", "project_id"}},
		`{"max":{"id":5},"ok":[{"id":6}],"errors":[]}`:                                    {Channels: []salebot.Channel{{Messenger: "max", ID: 5}, {Messenger: "ok", ID: 6}}},
		`{"max":{"id":5}}`:              {Channels: []salebot.Channel{{Messenger: "max", ID: 5}}},
		`{"max":[]}`:                    {},
		`{"viber":[],"telegram":true}`:  {Unread: []string{"telegram"}},
		`{"whatsapp":{}}`:               {},
		`{"features":["a"],"viber":[]}`: {Unread: []string{"features"}},
	} {
		got, err := always(t, http.StatusOK, body).GetConnectedChannels(t.Context())
		require.NoError(t, err, body)
		require.Equal(t, &want, got, body)
	}
	for _, body := range []string{
		`{"errors":[]}`, `{"status":"success"}`, `{"result":{}}`, `{"project_id":0}`, `{"project_id":"x"}`, `{"telegram":{"id":{}}}`, `{"telegram":[5]}`, `{"telegram":{"0":5}}`,
		`{"message":"hello","plan":{}}`, `{"telegram":"x"}`, `{"result":{"result":{"telegram":[]}}}`,
	} {
		_, err := always(t, http.StatusOK, body).GetConnectedChannels(t.Context())
		require.ErrorIs(t, err, salebot.ErrUnexpectedResponse, body)
	}
}

func FuzzChannels(f *testing.F) {
	fuzzAnswer(f, "connected_channels", func(t *testing.T, body []byte, result any) {
		t.Helper()
		requireJSON(t, body)
		channels := result.(*salebot.ConnectedChannels)
		counted := map[string]int{}
		for _, channel := range channels.Channels {
			if channel.ID == 0 && channel.GroupID == "" {
				t.Fatalf("%q: a channel that nobody can name", body)
			}
			counted[channel.Messenger]++
		}
		for messenger, n := range counted {
			if len(channels.Of(messenger)) != n {
				t.Fatalf("%q: %d of %q, want %d", body, len(channels.Of(messenger)), messenger, n)
			}
		}
	})
}
