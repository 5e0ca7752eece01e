package webhook

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/salebot-go/salebot/internal/form"
	"github.com/salebot-go/salebot/internal/wire"
)

// Bounds of a form. A body within the body limit could otherwise describe a
// structure that costs much more than its own size.
const (
	maxFormFields = 2000
	maxFormDepth  = 8
)

// openForm turns a form into the JSON object that it describes: a[b]=1 is a
// member b of an object a, a[]=1 an element of a list. All values are texts. Some
// senders put a whole JSON body into the form, as a key without value; that body
// is returned then.
func openForm(body []byte) ([]byte, error) {
	if bytes.IndexByte(body, '=') < 0 && !bytes.HasPrefix(body, []byte("%7B")) && !bytes.HasPrefix(body, []byte("%22")) {
		return nil, fmt.Errorf("%w: neither JSON nor a form", ErrMalformed)
	}
	if bytes.Count(body, []byte("&")) >= maxFormFields {
		return nil, fmt.Errorf("%w: the form has too many fields", ErrMalformed)
	}
	var root form.Node
	for key, value := range form.Pairs(string(body)) {
		if root.Len() == 0 && value == "" && (isJSONText(key) || isJSONString(key)) {
			return []byte(key), nil
		}
		if key == "" || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || strings.ContainsRune(`{}"<>`, r) }) {
			return nil, fmt.Errorf("%w: neither JSON nor a form", ErrMalformed)
		}
		root.Put(form.Path(key, maxFormDepth), value)
	}
	if root.Len() == 0 {
		return nil, fmt.Errorf("%w: neither JSON nor a form", ErrMalformed)
	}
	return root.AppendObject(nil), nil
}

func isJSONString(text string) bool {
	return len(text) > 1 && text[0] == '"' && wire.Check([]byte(text), 1) == nil
}
