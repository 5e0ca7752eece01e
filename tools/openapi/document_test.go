package openapi

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/action"
)

var readText = sync.OnceValues(func() ([]byte, error) {
	return os.ReadFile(filepath.Join("..", "..", "api", "openapi.yaml"))
})

var readDocument = sync.OnceValues(func() (*Document, error) {
	text, err := readText()
	if err != nil {
		return nil, err
	}
	return Load(text)
})

// document returns the description, which tests must not change.
func document(t *testing.T) *Document {
	t.Helper()
	d, err := readDocument()
	require.NoError(t, err)
	return d
}

// edited returns the text of the description with one passage replaced.
func edited(t *testing.T, passage, replacement string) []byte {
	t.Helper()
	text, err := readText()
	require.NoError(t, err)
	require.Equal(t, 1, bytes.Count(text, []byte(passage)), "the passage must occur once")
	return bytes.Replace(text, []byte(passage), []byte(replacement), 1)
}

func mainOperation(t *testing.T, d *Document, name string) Operation {
	t.Helper()
	operations := d.Of(name)
	at := slices.IndexFunc(operations, func(o Operation) bool { return !o.Alternative() })
	require.GreaterOrEqual(t, at, 0, name)
	return operations[at]
}

func TestEveryActionHasOneMainOperation(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	for _, o := range document(t).Operations() {
		if !o.Alternative() {
			require.False(t, found[o.Action], "%s has two", o.Action)
			found[o.Action] = true
		}
	}
	for _, row := range action.All() {
		require.True(t, found[row.Name], "%s has none", row.Name)
	}
}

func TestOperationsSayAllAboutThemselves(t *testing.T) {
	t.Parallel()
	for _, o := range document(t).Operations() {
		require.NoError(t, o.CheckExtensions(), "%s %s", o.Method, o.Action)
		require.NotEmpty(t, o.Summary, o.Action)
		require.Len(t, o.Tags, 1, o.Action)
		first := mainOperation(t, document(t), o.Action)
		for _, name := range []string{extMethod, extPermission, extClass, extEvidence, extLegacy} {
			require.Equal(t, first.Extensions[name], o.Extensions[name], "%s %s %s", o.Method, o.Action, name)
		}
		for _, status := range []int{200, 400, 401, 403, 404, 429, 500, 502} {
			require.NotNil(t, o.Responses.Status(status), "%s %d", o.Action, status)
		}
	}
}

func TestBatchLimitsStandInTheSchemaToo(t *testing.T) {
	t.Parallel()
	for _, o := range document(t).Operations() {
		limit := o.BatchLimit()
		if limit == 0 {
			continue
		}
		var limits []uint64
		if o.RequestBody == nil {
			_, free := o.withoutFreeParameter()
			limits = append(limits, *free.Schema.Value.MaxProps)
		} else {
			for _, property := range o.RequestBody.Value.Content.Get("application/json").Schema.Value.Properties {
				if property.Value.MaxItems != nil {
					limits = append(limits, *property.Value.MaxItems)
				}
			}
		}
		require.Equal(t, []uint64{uint64(limit)}, limits, o.Action)
	}
}

func TestMappingParametersAreDeclared(t *testing.T) {
	t.Parallel()
	for _, o := range document(t).Operations() {
		for kind, names := range map[string][]string{
			"value":     {"value_client_id", "value_phone", "value_email", "value_user_id", "value_group_id", "value_message"},
			"delimiter": {"delimiter", "delimiter_value_client_id", "delimiter_value_phone"},
		} {
			for _, name := range names {
				declared := o.Parameters.GetByInAndName("query", name) != nil
				require.Equal(t, slices.Contains(o.mapping(), kind), declared, "%s %s %s", o.Method, o.Action, name)
			}
		}
	}
}

// Every extra key becomes a variable exactly where the schema says so.
func TestExtraVariablesAreDeclared(t *testing.T) {
	t.Parallel()
	for _, o := range document(t).Operations() {
		open := false
		if o.RequestBody != nil {
			open = o.RequestBody.Value.Content.Get("application/json").Schema.Value.AdditionalProperties.Schema != nil
		} else if o.Action != "find_all_client_id_by_several_vars" {
			_, free := o.withoutFreeParameter()
			open = free != nil
		}
		require.Equal(t, o.Extensions[extVariables] == true, open, "%s %s", o.Method, o.Action)
	}
}

func TestWrongDescriptionsAreRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string][]byte{
		"a reference to nothing":       edited(t, "    HistoryAnswer:\n", "    HistoryAnswers:\n"),
		"an operation id twice":        edited(t, "operationId: whatsapp_message\n", "operationId: message\n"),
		"an example that does not fit": edited(t, "              user_id: 100200300\n", "              user_id: [100200300]\n"),
		"a path without the key":       edited(t, "  /{api_key}/broadcast:\n    parameters:\n      - $ref: '#/components/parameters/ApiKey'\n", "  /broadcast:\n"),
		"an older version":             edited(t, "openapi: 3.1.0\n", "openapi: 3.0.3\n"),
		"a type that does not exist":   edited(t, "    BroadcastRequest:\n      type: object\n", "    BroadcastRequest:\n      type: thing\n"),
		"broken text":                  []byte("openapi: ["),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Load(text)
			require.Error(t, err)
		})
	}
}

func TestWrongExtensionsAreRefused(t *testing.T) {
	t.Parallel()
	const passage = "      x-salebot-method: DeleteClients\n" +
		"      x-salebot-permission: clients_delete\n" +
		"      x-salebot-class: idempotent\n" +
		"      x-salebot-evidence: assumed\n" +
		"      x-salebot-method-evidence: documented\n" +
		"      x-salebot-batch-limit: 500\n"
	for name, change := range map[string][2]string{
		"no method":                 {"      x-salebot-method: DeleteClients\n", ""},
		"no class":                  {"      x-salebot-class: idempotent\n", ""},
		"an unknown class":          {"class: idempotent", "class: harmless"},
		"an unknown permission":     {"clients_delete", "clients_erase"},
		"an unknown grade":          {"x-salebot-evidence: assumed", "x-salebot-evidence: guessed"},
		"no grade of the method":    {"      x-salebot-method-evidence: documented\n", ""},
		"a limit that is no number": {"batch-limit: 500", "batch-limit: many"},
		"an unknown extension":      {"batch-limit", "page-limit"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, 1, strings.Count(passage, change[0]))
			d, err := Load(edited(t, passage, strings.Replace(passage, change[0], change[1], 1)))
			require.NoError(t, err)
			require.Error(t, mainOperation(t, d, "delete_clients").CheckExtensions())
		})
	}
}

// decode keeps the digits of numbers.
func decode(t *testing.T, text []byte) any {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	require.NoError(t, decoder.Decode(&value))
	return value
}
