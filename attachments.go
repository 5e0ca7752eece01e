package salebot

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/salebot-go/salebot/internal/wire"
)

// Attachments are the files and contacts of a message that was received. They
// come as null, a list of addresses, a list of objects, one object, or any of
// these as text, and stay as they came until asked for. The zero value has none.
type Attachments struct{ raw []byte }

// Attachment is one of the attachments of a message that was received.
type Attachment struct {
	// URL is the address of a file; "" for a contact.
	URL string
	// Name is the file's name; often "".
	Name string
	// Type is the kind of file in Salebot's words; often "".
	Type string
	// PhoneNumber is the number of a shared contact; "" for a file.
	PhoneNumber string
	// Raw is the attachment as it came.
	Raw json.RawMessage
}

// Raw returns the JSON that came; nil where there was none.
func (a Attachments) Raw() json.RawMessage { return a.raw }

// MarshalJSON returns the JSON that came.
func (a Attachments) MarshalJSON() ([]byte, error) {
	if a.raw == nil {
		return []byte("null"), nil
	}
	return a.raw, nil
}

// UnmarshalJSON keeps any JSON.
func (a *Attachments) UnmarshalJSON(value []byte) error {
	a.raw = nil
	if !wire.IsNull(value) {
		a.raw = bytes.Clone(value)
	}
	return nil
}

// Items returns the attachments in their order. What is in none of the known
// forms is one Attachment that has only Raw.
func (a Attachments) Items() []Attachment { return attachmentItems(a.raw, 0) }

// URLs returns the addresses of the files.
func (a Attachments) URLs() []string {
	var urls []string
	for _, item := range a.Items() {
		if item.URL != "" {
			urls = append(urls, item.URL)
		}
	}
	return urls
}

// deepestAttachment bounds JSON text within JSON text, and lists within lists.
const deepestAttachment = 3

func attachmentItems(raw []byte, depth int) []Attachment {
	raw = wire.Trim(raw)
	if wire.IsNull(raw) || depth > deepestAttachment {
		return nil
	}
	switch raw[0] {
	case '[':
		var items []Attachment
		_ = wire.Elements(raw, func(value []byte) error {
			items = append(items, attachmentItems(value, depth+1)...)
			return nil
		})
		return items
	case '{':
		return attachmentObject(raw)
	case '"':
		text, err := wire.Text(raw)
		text = strings.TrimSpace(text)
		switch {
		case err != nil || text == "":
			return nil
		case isAddress(text):
			return []Attachment{{URL: text, Raw: raw}}
		case (text[0] == '[' || text[0] == '{') && json.Valid([]byte(text)):
			return attachmentItems([]byte(text), depth+1)
		}
	}
	return []Attachment{{Raw: raw}}
}

// attachmentObject reads one object: an attachment, or a dictionary of addresses.
func attachmentObject(raw []byte) []Attachment {
	item := Attachment{Raw: raw}
	var addresses []Attachment
	members := 0
	_ = wire.Members(raw, func(key string, value []byte) error {
		members++
		text, err := wire.Text(value)
		if err != nil || text == "" {
			return nil //nolint:nilerr // what is no text is no address
		}
		switch key {
		case "url", "file", "link", "src":
			if item.URL == "" {
				item.URL = text
			}
		case "name", "filename", "file_name":
			item.Name = text
		case "type":
			item.Type = text
		case "phone_number", "phone":
			item.PhoneNumber = text
		default:
			if isAddress(text) {
				addresses = append(addresses, Attachment{URL: text, Name: key, Raw: value})
			}
		}
		return nil
	})
	switch {
	case members == 0:
		return nil
	case item.URL == "" && item.PhoneNumber == "" && len(addresses) > 0:
		return addresses
	}
	return []Attachment{item}
}

func isAddress(text string) bool {
	return strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "http://")
}
