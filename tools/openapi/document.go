// Package openapi checks api/openapi.yaml, and checks the project's fixtures
// and golden requests against it.
package openapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// Paths of the description are keyPrefix followed by the action.
const (
	keyParameter = "api_key"
	keyPrefix    = "/{" + keyParameter + "}/"
)

// Names of the extensions.
const (
	extMethod         = "x-salebot-method"
	extPermission     = "x-salebot-permission"
	extClass          = "x-salebot-class"
	extEvidence       = "x-salebot-evidence"
	extMethodEvidence = "x-salebot-method-evidence"
	extAlternative    = "x-salebot-alternative"
	extBatchLimit     = "x-salebot-batch-limit"
	extVariables      = "x-salebot-extra-variables"
	extMapping        = "x-salebot-mapping"
	extLegacy         = "x-salebot-legacy"
	extEmptyBody      = "x-salebot-empty-body"
)

func init() {
	// The validator has no decoder for pages; to it they are plain text.
	openapi3filter.RegisterBodyDecoder("text/html", openapi3filter.PlainBodyDecoder)
}

// Document is the description of the API.
type Document struct {
	spec *openapi3.T
}

// Operation is one action with one HTTP method.
type Operation struct {
	*openapi3.Operation
	Action string
	Method string

	spec *openapi3.T
	item *openapi3.PathItem
}

// Load reads and validates a description.
func Load(text []byte) (*Document, error) {
	loader := openapi3.NewLoader()
	spec, err := loader.LoadFromData(text)
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	if !spec.IsOpenAPI31OrLater() {
		return nil, fmt.Errorf("the description says openapi %s, want 3.1", spec.OpenAPI)
	}
	if err := spec.Validate(loader.Context, openapi3.EnableMultiError(), openapi3.EnableExamplesValidation()); err != nil {
		return nil, fmt.Errorf("validate: %w", err)
	}
	for path := range spec.Paths.Map() {
		if action, ok := strings.CutPrefix(path, keyPrefix); !ok || action == "" || strings.Contains(action, "/") {
			return nil, fmt.Errorf("path %q is not %s<action>", path, keyPrefix)
		}
	}
	return &Document{spec: spec}, nil
}

// Operations lists all operations, sorted by action and method.
func (d *Document) Operations() []Operation {
	var operations []Operation
	for path, item := range d.spec.Paths.Map() {
		for method, operation := range item.Operations() {
			operations = append(operations, Operation{
				Operation: operation,
				Action:    strings.TrimPrefix(path, keyPrefix),
				Method:    method,
				spec:      d.spec,
				item:      item,
			})
		}
	}
	slices.SortFunc(operations, func(a, b Operation) int {
		return cmp.Or(strings.Compare(a.Action, b.Action), strings.Compare(a.Method, b.Method))
	})
	return operations
}

// Of lists the operations of one action.
func (d *Document) Of(action string) []Operation {
	return slices.DeleteFunc(d.Operations(), func(o Operation) bool { return o.Action != action })
}

// Schema returns a schema by its name, or nil.
func (d *Document) Schema(name string) *openapi3.Schema {
	if ref := d.spec.Components.Schemas[name]; ref != nil {
		return ref.Value
	}
	return nil
}

// Webhook returns the schema of the JSON body of a webhook, or nil.
func (d *Document) Webhook(name string) *openapi3.Schema {
	item := d.spec.Webhooks[name]
	if item == nil || item.Post == nil || item.Post.RequestBody == nil {
		return nil
	}
	media := item.Post.RequestBody.Value.Content.Get("application/json")
	if media == nil || media.Schema == nil {
		return nil
	}
	return media.Schema.Value
}

// CheckValue checks a decoded JSON value.
func CheckValue(schema *openapi3.Schema, value any) error {
	return schema.VisitJSON(value, openapi3.EnableJSONSchema2020())
}

// CheckExtensions checks that the operation says all that it has to say about
// itself, in words that are known.
func (o Operation) CheckExtensions() error {
	allowed := map[string][]string{
		extPermission:     {"clients_read", "clients_write", "clients_delete", "crm_read", "crm_write", "unknown"},
		extClass:          {"read", "idempotent", "once"},
		extEvidence:       {"documented", "observed", "assumed"},
		extMethodEvidence: {"documented", "observed"},
	}
	for name, values := range allowed {
		if value := o.text(name); !slices.Contains(values, value) {
			return fmt.Errorf("%s is %q, want one of %q", name, value, values)
		}
	}
	if o.text(extMethod) == "" {
		return fmt.Errorf("%s is missing", extMethod)
	}
	for name, value := range o.Extensions {
		if !o.takes(name, value) {
			return fmt.Errorf("%s is unknown or has a bad value: %v", name, value)
		}
	}
	if o.Legacy() && o.Deprecated {
		return errors.New("a legacy action must not be marked as deprecated")
	}
	want := o.Action
	if o.Alternative() {
		want += "_" + strings.ToLower(o.Method)
	}
	if o.OperationID != want {
		return fmt.Errorf("operationId is %q, want %q", o.OperationID, want)
	}
	return nil
}

// takes reports whether an extension is known and its value fits.
func (o Operation) takes(name string, value any) bool {
	switch name {
	case extPermission, extClass, extEvidence, extMethodEvidence, extMethod:
		return true
	case extAlternative, extVariables, extLegacy:
		return value == true
	case extBatchLimit:
		return o.BatchLimit() > 0
	case extMapping:
		kinds := o.mapping()
		return len(kinds) > 0 && !slices.ContainsFunc(kinds, func(kind string) bool {
			return kind != "value" && kind != "delimiter"
		})
	default:
		return false
	}
}

// GoMethod is the client's method for the action.
func (o Operation) GoMethod() string { return o.text(extMethod) }

// Class is read, idempotent or once.
func (o Operation) Class() string { return o.text(extClass) }

// Evidence grades the answer to a success.
func (o Operation) Evidence() string { return o.text(extEvidence) }

// Legacy says that the action left the reference.
func (o Operation) Legacy() bool { return o.Extensions[extLegacy] == true }

// Alternative says that the action has its main operation under another method.
func (o Operation) Alternative() bool { return o.Extensions[extAlternative] == true }

// BatchLimit is the number of elements that one request may carry, 0 where
// none is known.
func (o Operation) BatchLimit() int {
	switch limit := o.Extensions[extBatchLimit].(type) {
	case int:
		return limit
	case uint64:
		return int(limit) //nolint:gosec // a small number in a file of ours
	case float64:
		return int(limit)
	}
	return 0
}

func (o Operation) text(extension string) string {
	text, _ := o.Extensions[extension].(string)
	return text
}

func (o Operation) mapping() []string {
	list, _ := o.Extensions[extMapping].([]any)
	kinds := make([]string, 0, len(list))
	for _, kind := range list {
		kinds = append(kinds, fmt.Sprint(kind))
	}
	return kinds
}

// input is what the validator wants to know about a request.
func (o Operation) input(req *http.Request, key string) *openapi3filter.RequestValidationInput {
	return &openapi3filter.RequestValidationInput{
		Request:    req,
		PathParams: map[string]string{keyParameter: key},
		Route: &routers.Route{
			Spec:      o.spec,
			Path:      keyPrefix + o.Action,
			PathItem:  o.item,
			Method:    o.Method,
			Operation: o.Operation,
		},
		Options: &openapi3filter.Options{SkipSettingDefaults: true},
	}
}

// CheckResponse checks an answer against what the operation declares.
func (o Operation) CheckResponse(ctx context.Context, res *http.Response) error {
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	declared := o.Responses.Status(res.StatusCode)
	if declared != nil && len(body) == 0 && declared.Value.Extensions[extEmptyBody] == true {
		return nil
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: o.input(&http.Request{Method: o.Method}, "key"),
		Status:                 res.StatusCode,
		Header:                 res.Header,
		Options:                &openapi3filter.Options{IncludeResponseStatus: true},
	}
	input.SetBodyBytes(body)
	return openapi3filter.ValidateResponse(ctx, input)
}
