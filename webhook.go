package salebot

import (
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/secret"
)

// UniversalWebhook describes an address for another service, which sends its data there
// in its own form. The address says under which keys Salebot finds the client. It needs
// at least one key or path.
//
// This is about requests to Salebot. What Salebot sends to a project's webhook is
// received by the package webhook.
type UniversalWebhook struct {
	// Action is the action to start, such as "callback"; required.
	Action string

	// Keys of the data, at its top level. They are understood by the actions
	// callback, vk_callback, ok_callback and whatsapp_callback. An empty key is
	// left out.

	// ClientIDKey is the key that holds the ClientID.
	ClientIDKey string
	// PhoneKey is the key that holds the phone number.
	PhoneKey string
	// EmailKey is the key that holds the e-mail address.
	EmailKey string
	// UserIDKey is the key that holds the id in the messenger.
	UserIDKey string
	// GroupIDKey is the key that holds the bot.
	GroupIDKey string
	// MessageKey is the key that holds the callback's text.
	MessageKey string

	// Paths through nested data: the keys from the outermost to the innermost.
	// They are understood by all callbacks but SendCallbackByPlatformID, and by
	// message, whatsapp_message, broadcast and save_variables. Whether a path can
	// be combined with keys is not documented.

	// ClientIDPath leads to the ClientID.
	ClientIDPath []string
	// PhonePath leads to the phone number.
	PhonePath []string
	// Delimiter is the character that joins the keys of a path; it must not occur in
	// any of them. If it is empty, one that fits is chosen.
	Delimiter string
}

// WebhookURL is an address that holds the API key. It prints as REDACTED; Reveal
// gives its text. The zero value is empty.
type WebhookURL struct{ text secret.Text }

// Reveal returns the address, key included.
func (u WebhookURL) Reveal() string { return u.text.Reveal() }

// String returns REDACTED.
func (WebhookURL) String() string { return secret.Redacted }

// Format prints REDACTED for every verb.
func (u WebhookURL) Format(f fmt.State, verb rune) { u.text.Format(f, verb) }

// MarshalText returns REDACTED.
func (u WebhookURL) MarshalText() ([]byte, error) { return u.text.MarshalText() }

// LogValue returns REDACTED.
func (u WebhookURL) LogValue() slog.Value { return u.text.LogValue() }

// UniversalWebhookURL builds the address for another service. It does no I/O. The
// result holds the key: give it only to services that you trust with it.
//
// Actions: those named at UniversalWebhook. Evidence: documented. Errors:
// ErrInvalidRequest and ErrNotInitialized.
func (c *Client) UniversalWebhookURL(webhook UniversalWebhook) (WebhookURL, error) {
	if !c.ready() {
		return WebhookURL{}, notSent("universal webhook", ErrNotInitialized)
	}
	query, err := webhook.query()
	if err != nil {
		return WebhookURL{}, notSent("universal webhook", err)
	}
	return WebhookURL{text: c.core.address(webhook.Action + "?" + query.Encode())}, nil
}

func (w *UniversalWebhook) query() (url.Values, error) {
	row := action.Lookup(w.Action)
	if row == nil || !row.Values && !row.Delimiter {
		return nil, invalid("Action", "is not an action that takes a universal webhook")
	}
	query := url.Values{}
	for _, key := range []struct{ field, name, value string }{
		{"ClientIDKey", "value_client_id", w.ClientIDKey},
		{"PhoneKey", "value_phone", w.PhoneKey},
		{"EmailKey", "value_email", w.EmailKey},
		{"UserIDKey", "value_user_id", w.UserIDKey},
		{"GroupIDKey", "value_group_id", w.GroupIDKey},
		{"MessageKey", "value_message", w.MessageKey},
	} {
		switch {
		case key.value == "":
			continue
		case !row.Values:
			return nil, invalid(key.field, "is not understood by "+row.Name+", only paths are")
		}
		query.Set(key.name, key.value)
	}
	if err := w.putPaths(query); err != nil {
		return nil, err
	}
	if len(query) == 0 {
		return nil, invalid("ClientIDKey", "is required, or another key or path")
	}
	return query, nil
}

func (w *UniversalWebhook) putPaths(query url.Values) error {
	paths := []struct {
		field, name, key string
		path             []string
	}{
		{"ClientIDPath", "delimiter_value_client_id", w.ClientIDKey, w.ClientIDPath},
		{"PhonePath", "delimiter_value_phone", w.PhoneKey, w.PhonePath},
	}
	for _, p := range paths {
		for i, key := range p.path {
			if key == "" {
				return invalid(p.field+"["+strconv.Itoa(i)+"]", "is empty")
			}
		}
		if len(p.path) > 0 && p.key != "" {
			return invalid(p.field, "cannot be combined with a key for the same value")
		}
	}
	if len(w.ClientIDPath) == 0 && len(w.PhonePath) == 0 {
		if w.Delimiter != "" {
			return invalid("Delimiter", "is of no use without a path")
		}
		return nil
	}
	delimiter, err := w.delimiter()
	if err != nil {
		return err
	}
	query.Set("delimiter", delimiter)
	for _, p := range paths {
		if len(p.path) > 0 {
			query.Set(p.name, strings.Join(p.path, delimiter))
		}
	}
	return nil
}

func (w *UniversalWebhook) delimiter() (string, error) {
	occurs := func(delimiter string) bool {
		for _, path := range [][]string{w.ClientIDPath, w.PhonePath} {
			for _, key := range path {
				if strings.Contains(key, delimiter) {
					return true
				}
			}
		}
		return false
	}
	if w.Delimiter != "" {
		switch {
		case utf8.RuneCountInString(w.Delimiter) != 1:
			return "", invalid("Delimiter", "must be one character")
		case occurs(w.Delimiter):
			return "", invalid("Delimiter", "occurs in a key of a path")
		}
		return w.Delimiter, nil
	}
	for _, delimiter := range []string{".", ",", ";", "|", "~", "-", "_", "!", "1", "0"} {
		if !occurs(delimiter) {
			return delimiter, nil
		}
	}
	return "", invalid("Delimiter", "is required, because all the usual ones occur in the paths")
}
