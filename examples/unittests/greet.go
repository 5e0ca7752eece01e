// Package unittests shows four ways to test code that uses the SDK: with httpmock,
// with the emulator, with a fake written by hand and with testify/mock.
package unittests

import (
	"context"
	"errors"
	"fmt"

	"github.com/salebot-go/salebot"
)

// Bot is what Greet needs of a *salebot.Client.
type Bot interface {
	GetClientIDByWhatsApp(context.Context, salebot.GetClientIDByWhatsAppRequest, ...salebot.CallOption) (salebot.ClientID, error)
	Message(context.Context, salebot.MessageRequest, ...salebot.CallOption) (*salebot.Ack, error)
}

const greeting = "Good to see you again"

// Greet writes to the person with a phone number, if the project knows it.
func Greet(ctx context.Context, bot Bot, phone string) error {
	phone, err := salebot.NormalizePhone(phone)
	if err != nil {
		return fmt.Errorf("greet: %w", err)
	}
	person, err := bot.GetClientIDByWhatsApp(ctx, salebot.GetClientIDByWhatsAppRequest{Phone: phone})
	if errors.Is(err, salebot.ErrClientNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = bot.Message(ctx, salebot.MessageRequest{ClientID: person, Message: greeting})
	return err
}
