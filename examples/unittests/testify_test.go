package unittests

import (
	"context"
	"testing"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
)

// With testify/mock, a test says which calls it expects.

type mockBot struct{ mock.Mock }

func (m *mockBot) GetClientIDByWhatsApp(
	ctx context.Context, request salebot.GetClientIDByWhatsAppRequest, _ ...salebot.CallOption,
) (salebot.ClientID, error) {
	called := m.Called(ctx, request)
	return called.Get(0).(salebot.ClientID), called.Error(1)
}

func (m *mockBot) Message(ctx context.Context, request salebot.MessageRequest, _ ...salebot.CallOption) (*salebot.Ack, error) {
	return &salebot.Ack{}, m.Called(ctx, request).Error(0)
}

func TestGreetWithTestify(t *testing.T) {
	t.Parallel()
	var bot mockBot
	bot.Test(t)
	bot.On("GetClientIDByWhatsApp", mock.Anything, mock.Anything).Return(salebot.ClientID(25554), nil)
	bot.On("Message", mock.Anything, salebot.MessageRequest{ClientID: 25554, Message: greeting}).Return(nil).Once()

	require.NoError(t, Greet(t.Context(), &bot, "+7 900 000-00-00"))
	bot.AssertExpectations(t)
}
