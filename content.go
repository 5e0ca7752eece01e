package salebot

import (
	"net/url"
	"strings"

	"github.com/salebot-go/salebot/internal/wire"
)

// putContent adds what a message consists of.
func putContent(o *wire.Object, message string, block BlockID, kind AttachmentType, address string) error {
	switch {
	case kind != "" && address == "":
		return invalid("AttachmentURL", "is required with AttachmentType")
	case kind == "" && address != "":
		return invalid("AttachmentType", "is required with AttachmentURL")
	case block < 0:
		return invalid("BlockID", "must be positive")
	case strings.TrimSpace(message) == "" && block == 0 && address == "":
		return invalid("Message", "is required, unless BlockID or AttachmentURL is set")
	}
	if err := checkText("Message", message); err != nil {
		return err
	}
	putText(o, "message", message)
	if block != 0 {
		o.Int("message_id", int64(block))
	}
	if address == "" {
		return nil
	}
	if err := checkAttachment(kind, address); err != nil {
		return err
	}
	o.Text("attachment_type", string(kind))
	o.Text("attachment_url", address)
	return nil
}

// checkAddress checks an address that a messenger has to open by itself.
func checkAddress(field, address string) error {
	if strings.ContainsAny(strings.TrimSpace(address), " \t\r\n") {
		return invalid(field, "has a space in the URL, which is written as %20")
	}
	parsed, err := url.Parse(address)
	// Links such as tel: and tg: have no host.
	if err != nil || parsed.Scheme == "" || parsed.Host == "" && (isWeb(parsed) || parsed.Opaque == "") || strings.TrimSpace(address) != address {
		return invalid(field, "needs a whole URL, such as https://example.com/page")
	}
	return nil
}

func isWeb(address *url.URL) bool { return address.Scheme == "http" || address.Scheme == "https" }

// checkAttachment checks the address of a file. Nobody can fetch one by another scheme,
// such as data:, but a link may have it.
func checkAttachment(kind AttachmentType, address string) error {
	err := checkAddress("AttachmentURL", address)
	if parsed, problem := url.Parse(address); err == nil && problem == nil && kind != AttachmentLink && !isWeb(parsed) {
		err = invalid("AttachmentURL", "needs an address of the web, such as https://example.com/file.pdf, where the messenger can fetch the file")
	}
	return err
}
