package salebot

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/salebot-go/salebot/internal/wire"
)

// AttachmentType says how a file is shown. Other values are passed on as they are.
type AttachmentType string

// The types that the reference names.
const (
	AttachmentImage AttachmentType = "image"
	AttachmentVideo AttachmentType = "video"
	AttachmentLink  AttachmentType = "link"
	AttachmentFile  AttachmentType = "file"
	AttachmentAudio AttachmentType = "audio"
)

// Attachments are the files and contacts of a message that was received. They
// come as null, a list of addresses, a list of objects, one object, or any of
// these as text, and stay as they came until asked for. The zero value has none.
type Attachments struct{ raw []byte }

// Attachment is one of the attachments of a message that was received.
type Attachment struct {
	// URL is the web address of a file. It is "" for a contact, and for a file that
	// has no address, such as one that is known by its number in the messenger.
	URL string
	// Name is the file's name, or the name under which its address came; often "".
	Name string
	// Type is the kind of file in Salebot's words; often "".
	Type string
	// PhoneNumber is the number of a shared contact; "" for a file.
	PhoneNumber string
	// Raw is the attachment as it came.
	Raw json.RawMessage
}

// Raw returns the JSON that came; nil if none did.
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

// Items returns the attachments in their order. An attachment in an unknown form
// has only Raw, so that none is lost. Null, "", an empty list and an empty object
// have no attachments.
func (a Attachments) Items() []Attachment {
	raw := wire.Trim(a.raw)
	if isNoAttachment(raw) {
		return nil
	}
	return attachmentItems(raw, 0)
}

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

// maxAttachmentDepth bounds JSON text within JSON text, and lists within lists.
const maxAttachmentDepth = 3

// isNoAttachment reports whether a value holds nothing at all.
func isNoAttachment(raw []byte) bool {
	if wire.IsNull(raw) {
		return true
	}
	switch raw[0] {
	case '[', '{':
		return len(bytes.TrimSpace(raw[1:max(len(raw)-1, 1)])) == 0
	case '"':
		text, err := wire.Text(raw)
		text = strings.TrimSpace(text)
		return err == nil && (wire.IsUnset(text) || text == "[]" || text == "{}")
	}
	return false
}

// attachmentItems reads a value, which is at least one attachment.
func attachmentItems(raw []byte, depth int) []Attachment {
	var items []Attachment
	if depth <= maxAttachmentDepth && !isNoAttachment(raw) {
		switch raw[0] {
		case '[':
			_ = wire.Elements(raw, func(value []byte) error {
				items = append(items, attachmentItems(value, depth+1)...)
				return nil
			})
		case '{':
			object := readAttachmentObject(raw)
			items = object.items(raw, depth)
		case '"':
			items = attachmentText(raw, depth)
		}
	}
	if len(items) == 0 {
		return []Attachment{{Raw: raw}}
	}
	return items
}

// attachmentText reads an address, or JSON in a text.
func attachmentText(raw []byte, depth int) []Attachment {
	text, err := wire.Text(raw)
	text = strings.TrimSpace(text)
	switch {
	case err != nil || text == "":
		return nil
	case isAddress(text):
		return []Attachment{{URL: text, Raw: raw}}
	case (text[0] == '[' || text[0] == '{') && wire.Check([]byte(text), wire.MaxDepth) == nil:
		return attachmentItems([]byte(text), depth+1)
	}
	return nil
}

// The names under which an attachment's properties come. If several are there, the
// first in these lists counts.
var (
	attachmentURLNames   = []string{"url", "file", "link", "src", "attachment_url"}
	attachmentNameNames  = []string{"name", "filename", "file_name"}
	attachmentTypeNames  = []string{"type", "attachment_type"}
	attachmentPhoneNames = []string{"phone_number", "phone"}
)

// attachmentObject is what an object holds: one attachment, or several under names of
// their own.
type attachmentObject struct {
	// texts are the members that are texts or numbers, by their names.
	texts map[string]string
	// addresses are the members with other names that are addresses.
	addresses []Attachment
	// inner are the members that are objects or lists.
	inner [][]byte
	// elements are all members if their names count them, as in {"0": ..., "1": ...}.
	elements [][]byte
}

func readAttachmentObject(raw []byte) attachmentObject {
	o := attachmentObject{texts: map[string]string{}}
	counted := true
	_ = wire.Members(raw, func(key string, value []byte) error {
		counted = counted && isIndex(key)
		o.elements = append(o.elements, value)
		switch value[0] {
		case '{', '[':
			o.inner = append(o.inner, value)
			return nil
		}
		text, ok := wire.TextOrNumber(value)
		if !ok || text == "" {
			return nil
		}
		o.texts[key] = text
		if value[0] == '"' && isAddress(text) && !isAttachmentProperty(key) {
			o.addresses = append(o.addresses, Attachment{URL: text, Name: key, Raw: value})
		}
		return nil
	})
	if !counted {
		o.elements = nil
	}
	return o
}

func isIndex(key string) bool { return key != "" && strings.Trim(key, "0123456789") == "" }

func isAttachmentProperty(key string) bool {
	for _, names := range [][]string{attachmentURLNames, attachmentNameNames, attachmentTypeNames, attachmentPhoneNames} {
		if slices.Contains(names, key) {
			return true
		}
	}
	return false
}

func (o *attachmentObject) first(names []string, usable func(string) bool) string {
	for _, name := range names {
		if text := o.texts[name]; text != "" && usable(text) {
			return text
		}
	}
	return ""
}

// items returns the attachments of the object.
func (o *attachmentObject) items(raw []byte, depth int) []Attachment {
	if o.elements != nil {
		var items []Attachment
		for _, value := range o.elements {
			items = append(items, attachmentItems(value, depth+1)...)
		}
		return items
	}
	anything := func(string) bool { return true }
	item := Attachment{
		URL: o.first(attachmentURLNames, isAddress), Name: o.first(attachmentNameNames, anything), Type: o.first(attachmentTypeNames, anything),
		PhoneNumber: o.first(attachmentPhoneNames, anything), Raw: raw,
	}
	if item.URL != "" || item.PhoneNumber != "" {
		return []Attachment{item}
	}
	found := o.addresses
	for _, value := range o.inner {
		for _, inner := range attachmentItems(value, depth+1) {
			if inner.URL != "" || inner.PhoneNumber != "" {
				found = append(found, inner)
			}
		}
	}
	if len(found) == 0 {
		return []Attachment{item}
	}
	if len(found) == 1 && (item.Name != "" || item.Type != "") {
		// The object describes the one file or contact in it.
		only := found[0]
		if item.Name != "" {
			only.Name = item.Name
		}
		if item.Type != "" {
			only.Type = item.Type
		}
		only.Raw = raw
		return []Attachment{only}
	}
	return found
}

// isAddress reports whether a text is the address of something in the web.
func isAddress(text string) bool {
	scheme, rest, found := strings.Cut(text, "://")
	return found && rest != "" && (strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "http"))
}
