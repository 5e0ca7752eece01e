package unittests

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
)

// With a fake written by hand, a test decides what each method answers.

type fakeBot struct {
	client salebot.ClientID
	err    error
	sent   []salebot.MessageRequest
}

func (f *fakeBot) GetClientIDByWhatsApp(
	context.Context, salebot.GetClientIDByWhatsAppRequest, ...salebot.CallOption,
) (salebot.ClientID, error) {
	return f.client, f.err
}

func (f *fakeBot) Message(_ context.Context, request salebot.MessageRequest, _ ...salebot.CallOption) (*salebot.Ack, error) {
	f.sent = append(f.sent, request)
	return &salebot.Ack{}, nil
}

func TestGreetWithAFake(t *testing.T) {
	t.Parallel()
	bot := &fakeBot{client: 25554}
	require.NoError(t, Greet(t.Context(), bot, "+7 900 000-00-00"))
	require.Equal(t, []salebot.MessageRequest{{ClientID: 25554, Message: greeting}}, bot.sent)
}

func TestGreetWithAFakeThatKnowsNobody(t *testing.T) {
	t.Parallel()
	bot := &fakeBot{err: salebot.ErrClientNotFound}
	require.NoError(t, Greet(t.Context(), bot, "+7 900 000-00-00"))
	require.Empty(t, bot.sent)
}
