package webhook

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime/multipart"
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
	if bytes.HasPrefix(body, []byte("--")) {
		pairs, err := parts(body)
		if err != nil {
			return nil, err
		}
		return formObject(pairs)
	}
	if bytes.IndexByte(body, '=') < 0 && !bytes.HasPrefix(body, []byte("%7B")) && !bytes.HasPrefix(body, []byte("%22")) {
		return nil, errNeither
	}
	if bytes.Count(body, []byte("&")) >= maxFormFields {
		return nil, errManyFields
	}
	return formObject(form.Pairs(string(body)))
}

var (
	errNeither    = fmt.Errorf("%w: neither JSON nor a form", ErrMalformed)
	errManyFields = fmt.Errorf("%w: the form has too many fields", ErrMalformed)
)

func formObject(pairs iter.Seq2[string, string]) ([]byte, error) {
	var root form.Node
	for key, value := range pairs {
		if root.Len() == 0 && value == "" && (isJSONText(key) || isJSONString(key)) {
			return []byte(key), nil
		}
		if key == "" || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || strings.ContainsRune(`{}"<>`, r) }) {
			return nil, errNeither
		}
		root.Put(form.Path(key, maxFormDepth), value)
	}
	if root.Len() == 0 {
		return nil, errNeither
	}
	return root.AppendObject(nil), nil
}

// parts reads a form of the type multipart/form-data, whose first line is the boundary.
// Of a file there is only its name: nobody puts the conversation into a file.
func parts(body []byte) (iter.Seq2[string, string], error) {
	boundary, _, _ := bytes.Cut(body[len("--"):], []byte("\n"))
	reader := multipart.NewReader(bytes.NewReader(body), string(bytes.TrimRight(boundary, "\r")))
	var names, values []string
	for {
		part, err := reader.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			return func(yield func(string, string) bool) {
				for i, name := range names {
					if !yield(name, values[i]) {
						return
					}
				}
			}, nil
		case err != nil:
			return nil, errNeither
		case len(names) == maxFormFields:
			return nil, errManyFields
		}
		value := part.FileName()
		if value == "" {
			text, err := io.ReadAll(part)
			if err != nil {
				return nil, errNeither
			}
			value = string(text)
		}
		names, values = append(names, part.FormName()), append(values, value)
	}
}

func isJSONString(text string) bool {
	return len(text) > 1 && text[0] == '"' && wire.Check([]byte(text), 1) == nil
}
