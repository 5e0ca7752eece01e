// Package mocktest shows how code that uses the SDK is tested with httpmock.
package mocktest

import (
	"context"
	"errors"
	"fmt"

	"github.com/salebot-go/salebot"
)

// Greet writes to the person with a phone number, if the project knows it.
func Greet(ctx context.Context, client *salebot.Client, phone string) error {
	phone, err := salebot.NormalizePhone(phone)
	if err != nil {
		return fmt.Errorf("greet: %w", err)
	}
	person, err := client.GetClientIDByWhatsApp(ctx, salebot.GetClientIDByWhatsAppRequest{Phone: phone})
	if errors.Is(err, salebot.ErrClientNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = client.Message(ctx, salebot.MessageRequest{ClientID: person, Message: "Good to see you again"})
	return err
}
