package salebot_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
)

// The address of a file is one that a messenger can fetch.
func TestAttachmentAddresses(t *testing.T) {
	t.Parallel()
	client := always(t, http.StatusOK, "ok")
	send := func(kind salebot.AttachmentType, address string) error {
		_, err := client.Message(t.Context(), salebot.MessageRequest{ClientID: 1, AttachmentType: kind, AttachmentURL: address})
		return err
	}
	for _, address := range []string{"https://a.test/1.jpg", "HTTP://A.test/фото.jpg", "https://a.test/my%20photo.jpg?x=1#y", "https://a.test"} {
		require.NoError(t, send(salebot.AttachmentImage, address), address)
	}
	require.NoError(t, send(salebot.AttachmentLink, "tg://resolve?domain=shop"))
	for address, problem := range map[string]string{
		"data:image/png;base64,AAAA": "can fetch the file", "tel:79000000000": "can fetch the file", "ftp://a.test/1.jpg": "can fetch the file", "s3://bucket/1.jpg": "can fetch the file",
		"https://a.test/my photo.jpg": "%20", "https://a.test/1\n.jpg": "%20", "file:///etc/passwd": "whole URL", "a.jpg": "whole URL", "//a.test/1.jpg": "whole URL",
		" https://a.test/1.jpg": "whole URL", "https://": "whole URL", "https://a.test/%zz": "whole URL",
	} {
		err := send(salebot.AttachmentImage, address)
		require.ErrorIs(t, err, salebot.ErrInvalidRequest, address)
		require.ErrorContains(t, err, problem, address)
		require.ErrorContains(t, err, "AttachmentURL", address)
	}
}

// A text that is not Unicode would reach people as question marks, and bytes and errors as
// something that nobody wrote.
func TestTextsThatCannotBeSent(t *testing.T) {
	t.Parallel()
	const cyrillic = "\xcf\xf0\xe8\xe2\xe5\xf2" // in windows-1251
	calls := map[string]func(context.Context, *salebot.Client) error{
		"Message": func(ctx context.Context, c *salebot.Client) error {
			_, err := c.Message(ctx, salebot.MessageRequest{ClientID: 1, Message: cyrillic})
			return err
		},
		"Callback": func(ctx context.Context, c *salebot.Client) error {
			_, err := c.Callback(ctx, salebot.CallbackRequest{ClientID: 1, Message: cyrillic})
			return err
		},
		"value": func(ctx context.Context, c *salebot.Client) error {
			_, err := c.Callback(ctx, salebot.CallbackRequest{ClientID: 1, Message: "x", Variables: map[string]any{"a": cyrillic}})
			return err
		},
		"name": func(ctx context.Context, c *salebot.Client) error {
			_, err := c.SaveVariables(ctx, salebot.SaveVariablesRequest{ClientID: 1, Variables: map[string]any{cyrillic: 1}})
			return err
		},
		"look-up": func(ctx context.Context, c *salebot.Client) error {
			_, err := c.GetClientIDByVariable(ctx, salebot.GetClientIDByVariableRequest{Name: "city", Value: cyrillic})
			return err
		},
	}
	for name, call := range calls {
		err := call(t.Context(), always(t, http.StatusOK, "ok"))
		require.ErrorIs(t, err, salebot.ErrInvalidRequest, name)
		require.ErrorContains(t, err, "UTF-8", name)
	}
	save := func(value any) error {
		_, err := always(t, http.StatusOK, "ok").SaveVariables(t.Context(), salebot.SaveVariablesRequest{ClientID: 1, Variables: map[string]any{"a": value}})
		return err
	}
	require.ErrorContains(t, save([]byte("abc")), "is bytes")
	require.ErrorContains(t, save(errors.New("x")), "is an error")
	for _, value := range []any{"привет 😀", json.RawMessage(`{"a":1}`), json.Number("1e5"), nil, writtenError{}} {
		require.NoError(t, save(value))
	}
}

// writtenError is an error that JSON can write.
type writtenError struct{ error }

func (writtenError) MarshalJSON() ([]byte, error) { return []byte(`"written"`), nil }
