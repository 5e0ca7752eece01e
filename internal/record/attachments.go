package record

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/salebot-go/salebot/internal/wire"
)

// Attachment is one of the attachments of a message.
type Attachment struct {
	// URL is the web address of a file; "" for a contact, and for a file without one.
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

// Attachments reads the attachments of a message, in any of the forms that Salebot
// uses. One in an unknown form has only Raw, so that none is lost.
func Attachments(raw []byte) []Attachment {
	raw = wire.Trim(raw)
	if isNoAttachment(raw) {
		return nil
	}
	return attachmentsIn(raw, 0)
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
	return string(raw) == "false"
}

// attachmentsIn reads a value, which is at least one attachment.
func attachmentsIn(raw []byte, depth int) []Attachment {
	var items []Attachment
	if depth <= maxAttachmentDepth && !isNoAttachment(raw) {
		switch raw[0] {
		case '[':
			_ = wire.Elements(raw, func(value []byte) error {
				items = append(items, attachmentsIn(value, depth+1)...)
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
		return attachmentAddresses(text, raw)
	case (text[0] == '[' || text[0] == '{') && wire.Check([]byte(text), wire.MaxDepth) == nil:
		return attachmentsIn([]byte(text), depth+1)
	}
	return nil
}

// attachmentAddresses reads a text that begins like an address. If each word of it does, it
// holds as many, perhaps with a comma behind; if not, the address has a space in it.
func attachmentAddresses(text string, raw []byte) []Attachment {
	words := strings.Fields(text)
	items := make([]Attachment, len(words))
	for i, word := range words {
		if !isAddress(word) {
			return []Attachment{{URL: text, Raw: raw}}
		}
		if len(words) > 1 {
			word = strings.TrimRight(word, ",;")
		}
		items[i] = Attachment{URL: word, Raw: raw}
	}
	return items
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
			items = append(items, attachmentsIn(value, depth+1)...)
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
		for _, inner := range attachmentsIn(value, depth+1) {
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
