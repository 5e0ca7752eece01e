package openapi

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
)

const (
	// basePath is the path of the servers.
	basePath = "/api"
	// goldenKey takes the place of {api_key} in golden requests.
	goldenKey = "golden-key"
)

// ParseRequest reads the text of a golden request.
func ParseRequest(text []byte) (*http.Request, error) {
	head, body, found := bytes.Cut(text, []byte("\n\n"))
	if !found {
		return nil, errors.New("no blank line after the header")
	}
	placeholder := []byte("{" + keyParameter + "}")
	if n := bytes.Count(head, placeholder); n != 1 {
		return nil, fmt.Errorf("the header holds %s %d times, want once", placeholder, n)
	}
	head = bytes.Replace(head, placeholder, []byte(goldenKey), 1)
	req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(append(head, "\n\n"...))))
	if err != nil {
		return nil, err
	}
	// Without a Content-Length the parser takes a request for empty.
	body = bytes.TrimSuffix(body, []byte("\n"))
	req.Body = io.NopCloser(bytes.NewReader(body))
	req.ContentLength = int64(len(body))
	return req, nil
}

// CheckRequest checks a request against the operation that its path and method
// name. Unlike the description, which has to leave requests open, it refuses
// parameters that nobody declared.
func (d *Document) CheckRequest(req *http.Request) (Operation, error) {
	rest, ok := strings.CutPrefix(req.URL.Path, basePath+"/")
	key, action, found := strings.Cut(rest, "/")
	if !ok || !found || key == "" {
		return Operation{}, fmt.Errorf("path is not %s%s<action>", basePath, keyPrefix)
	}
	for _, operation := range d.Of(action) {
		if operation.Method == req.Method {
			return operation, operation.checkRequest(req, key)
		}
	}
	return Operation{}, fmt.Errorf("no operation %s %s", req.Method, action)
}

func (o Operation) checkRequest(req *http.Request, key string) error {
	query, err := url.ParseQuery(req.URL.RawQuery)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return err
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	if len(body) > 0 && o.RequestBody == nil {
		return errors.New("a body where none is declared")
	}
	mapped, err := o.mapped(query)
	if err != nil {
		return err
	}
	if mapped {
		o = o.relaxed()
	}
	o, free := o.withoutFreeParameter()
	if err := o.checkQuery(query, free); err != nil {
		return err
	}
	if !mapped {
		if err := o.checkMembers(req.Header.Get("Content-Type"), body); err != nil {
			return err
		}
	}
	return openapi3filter.ValidateRequest(req.Context(), o.input(req, key))
}

// mapped says whether the query renames parameters.
func (o Operation) mapped(query url.Values) (bool, error) {
	mapped := false
	for name := range query {
		var kind string
		switch {
		case name == "delimiter" || strings.HasPrefix(name, "delimiter_value_"):
			kind = "delimiter"
		case strings.HasPrefix(name, "value_"):
			kind = "value"
		default:
			continue
		}
		if !slices.Contains(o.mapping(), kind) {
			return false, fmt.Errorf("query parameter %q: the action takes no %s parameters", name, kind)
		}
		mapped = true
	}
	return mapped, nil
}

// relaxed is the operation for a request with renamed parameters: none is
// required, the keys are the sender's.
func (o Operation) relaxed() Operation {
	operation := *o.Operation
	operation.Parameters = make(openapi3.Parameters, 0, len(o.Parameters))
	for _, ref := range o.Parameters {
		parameter := *ref.Value
		parameter.Required = parameter.Required && parameter.In == openapi3.ParameterInPath
		operation.Parameters = append(operation.Parameters, &openapi3.ParameterRef{Value: &parameter})
	}
	if o.RequestBody != nil {
		body := *o.RequestBody.Value
		body.Content = openapi3.Content{}
		for mediaType := range o.RequestBody.Value.Content {
			body.Content[mediaType] = openapi3.NewMediaType().WithSchema(openapi3.NewObjectSchema())
		}
		operation.RequestBody = &openapi3.RequestBodyRef{Value: &body}
	}
	o.Operation = &operation
	return o
}

// withoutFreeParameter takes out the parameter that stands for arbitrary query
// keys, which the validator never finds in a request (it looks for declared
// properties only).
func (o Operation) withoutFreeParameter() (Operation, *openapi3.Parameter) {
	isFree := func(ref *openapi3.ParameterRef) bool {
		return ref.Value.In == openapi3.ParameterInQuery && ref.Value.Schema.Value.AdditionalProperties.Schema != nil
	}
	at := slices.IndexFunc(o.Parameters, isFree)
	if at < 0 {
		return o, nil
	}
	free := o.Parameters[at].Value
	operation := *o.Operation
	operation.Parameters = slices.Delete(slices.Clone(o.Parameters), at, at+1)
	o.Operation = &operation
	return o, free
}

// checkQuery refuses undeclared and repeated query keys. Those that a free
// parameter stands for are checked as its properties.
func (o Operation) checkQuery(query url.Values, free *openapi3.Parameter) error {
	rest := map[string]any{}
	for name, values := range query {
		if len(values) != 1 {
			return fmt.Errorf("query parameter %q occurs %d times", name, len(values))
		}
		if o.Parameters.GetByInAndName(openapi3.ParameterInQuery, name) == nil {
			rest[name] = values[0]
		}
	}
	if free == nil {
		for name := range rest {
			return fmt.Errorf("query parameter %q is not declared", name)
		}
		return nil
	}
	if len(rest) == 0 && !free.Required {
		return nil
	}
	if err := CheckValue(free.Schema.Value, rest); err != nil {
		return fmt.Errorf("query parameters: %w", err)
	}
	return nil
}

// checkMembers refuses undeclared members of a JSON object, at the top level and
// in the elements of an array.
func (o Operation) checkMembers(contentType string, body []byte) error {
	if o.RequestBody == nil || len(body) == 0 {
		return nil
	}
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return fmt.Errorf("Content-Type %q: %w", contentType, err)
	}
	media := o.RequestBody.Value.Content.Get(mediaType)
	if media == nil {
		return fmt.Errorf("Content-Type %q is not declared", mediaType)
	}
	if mediaType != "application/json" {
		return nil
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return err
	}
	schema := media.Schema.Value
	elements, ok := value.([]any)
	if ok && schema.Items != nil {
		schema = schema.Items.Value
	} else {
		elements = []any{value}
	}
	if schema.AdditionalProperties.Schema != nil {
		return nil
	}
	for _, element := range elements {
		object, ok := element.(map[string]any)
		if !ok {
			continue // The schema says what is wrong with it.
		}
		for name := range object {
			if schema.Properties[name] == nil {
				return fmt.Errorf("member %q is not declared", name)
			}
		}
	}
	return nil
}
