package salebot_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
)

// 0 callbacks is a success that reached nobody.
func TestCallbacksAreCounted(t *testing.T) {
	t.Parallel()
	request := salebot.SendCallbackByPlatformIDRequest{PlatformIDs: []salebot.PlatformID{"1", "2"}, CallbackText: "x"}
	for body, want := range map[string]*int{
		`{"status":"success","callback_sended":0}`: new(0), `{"callback_sended":2}`: new(2), `{"callback_sended":"2"}`: new(2), `{"status":"success","callback_sended":2.0}`: new(2), `{"status":"success","result":{"callback_sended":2}}`: new(2), `{"data":{"callback_sended":0}}`: new(0),
		`ok`: nil, ``: nil, `{"status":"success"}`: nil, `{"callback_sended":null}`: nil, `{"callback_sended":"many"}`: nil, `{"callback_sended":-1}`: nil, `{"Callback_Sended":2}`: nil,
	} {
		got, err := always(t, http.StatusOK, body).SendCallbackByPlatformID(t.Context(), request)
		require.NoError(t, err, body)
		require.Equal(t, want, got.Started, body)
		require.Equal(t, body, string(got.Raw))
		odd := strings.Contains(body, "many") || strings.Contains(body, "-1")
		require.Equal(t, odd, slices.Contains(got.Unread, "callback_sended"), body)
	}
	for body, want := range map[string][]int{
		`{"callback_sended":0}`: {0, 2, 0}, `{"callback_sended":1}`: {0, 0, 2}, `{"callback_sended":2}`: {2, 0, 0}, `{"callback_sended":5}`: {0, 0, 2}, `ok`: {2, 0, 0},
		`{"callback_sended":"many"}`: {0, 0, 2}, `{"callback_sended":false}`: {0, 0, 2}, `{"data":{"callback_sended":0}}`: {0, 2, 0},
	} {
		report, err := always(t, http.StatusOK, body).BulkSendCallbackByPlatformID(t.Context(), salebot.SendCallbackByPlatformIDRequest{CallbackText: "x"},
			salebot.Items(request.PlatformIDs), salebot.BulkOptions{})
		require.Equal(t, want, []int{report.Accepted, report.Rejected, report.Unknown}, body)
		require.Equal(t, want[0] < 2, err != nil, body)
		for _, problem := range report.Problems {
			require.Contains(t, []string{"1", "2"}, problem.Key)
			require.Error(t, problem.Err)
		}
	}
	// Those that are due later may not be counted yet.
	report, _ := always(t, http.StatusOK, `{"callback_sended":0}`).BulkSendCallbackByPlatformID(t.Context(),
		salebot.SendCallbackByPlatformIDRequest{CallbackText: "x", After: time.Hour}, salebot.Items(request.PlatformIDs), salebot.BulkOptions{})
	require.Equal(t, 2, report.Unknown)
}

// All callbacks have their text, the end of a pause, the delay and the variables in
// common, and each refuses a variable that is one of its own parameters.
func TestCallbacksShareTheirParts(t *testing.T) {
	t.Parallel()
	const after = 90 * time.Second
	for own, call := range map[string]func(c *salebot.Client, text string, variables map[string]any) error{
		"client_id": func(c *salebot.Client, text string, variables map[string]any) error {
			_, err := c.Callback(t.Context(), salebot.CallbackRequest{ClientID: 1, Message: text, ResumeBot: true, After: after, Variables: variables})
			return err
		},
		"user_id": func(c *salebot.Client, text string, variables map[string]any) error {
			_, err := c.VKCallback(t.Context(), salebot.VKCallbackRequest{UserID: "1", GroupID: "g", Message: text, ResumeBot: true, After: after, Variables: variables})
			return err
		},
		"bot_id": func(c *salebot.Client, text string, variables map[string]any) error {
			_, err := c.WhatsAppCallback(t.Context(), salebot.WhatsAppCallbackRequest{Phone: "1", Message: text, ResumeBot: true, After: after, Variables: variables})
			return err
		},
		"name": func(c *salebot.Client, text string, variables map[string]any) error {
			_, err := c.OKCallback(t.Context(), salebot.OKCallbackRequest{UserID: "1", GroupID: "g", Message: text, ResumeBot: true, After: after, Variables: variables})
			return err
		},
		"group_id": func(c *salebot.Client, text string, variables map[string]any) error {
			_, err := c.TGCallback(t.Context(), salebot.TGCallbackRequest{UserID: "1", GroupID: "g", Message: text, ResumeBot: true, After: after, Variables: variables})
			return err
		},
		"email_id_bot": func(c *salebot.Client, text string, variables map[string]any) error {
			_, err := c.EmailCallback(t.Context(), salebot.EmailCallbackRequest{Email: "a@b.example", Message: text, ResumeBot: true, After: after, Variables: variables})
			return err
		},
		"platform_id": func(c *salebot.Client, text string, variables map[string]any) error {
			_, err := c.MAXCallback(t.Context(), salebot.MAXCallbackRequest{ChatID: "1", GroupID: "g", Message: text, ResumeBot: true, After: after, Variables: variables})
			return err
		},
	} {
		var sent map[string]any
		client := clienttest.New(t, clienttest.MemoryAPI(func(call clienttest.MemoryCall) (int, string, error) {
			return http.StatusOK, "ok", json.Unmarshal(call.Body, &sent)
		}))
		require.NoError(t, call(client, "paid", map[string]any{"sum": 5}), own)
		require.Subset(t, sent, map[string]any{"message": "paid", "resume_bot": true, "time_shift": 90.0, "sum": 5.0}, own)
		sent = nil
		requireField(t, call(client, " ", nil), "Message")
		require.ErrorIs(t, call(client, "paid", map[string]any{own: 5}), salebot.ErrInvalidRequest, own)
		require.Nil(t, sent, "nothing is sent of what is refused")
	}
}
