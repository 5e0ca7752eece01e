package emulator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/cmd/salebot/emulator"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

var description = sync.OnceValues(func() (*openapi3.T, error) {
	text, err := os.ReadFile("openapi.yaml")
	if err != nil {
		return nil, err
	}
	loader := openapi3.NewLoader()
	spec, err := loader.LoadFromData(text)
	if err != nil {
		return nil, err
	}
	spec.Servers = nil
	// A file is whatever it is.
	openapi3filter.RegisterBodyDecoder("application/octet-stream", openapi3filter.FileBodyDecoder)
	return spec, spec.Validate(loader.Context, openapi3.EnableMultiError())
})

var router = sync.OnceValues(func() (routers.Router, error) {
	spec, err := description()
	if err != nil {
		return nil, err
	}
	return gorillamux.NewRouter(spec)
})

// Every endpoint is described, and there is no description of something else.
func TestDescriptionIsComplete(t *testing.T) {
	t.Parallel()
	spec, err := description()
	require.NoError(t, err)
	var described []string
	for path, item := range spec.Paths.Map() {
		for _, method := range slices.Collect(maps.Keys(item.Operations())) {
			described = append(described, method+" "+path)
		}
	}
	require.ElementsMatch(t, emulator.Endpoints(), described)
}

// The parameters of the query are described too, with the bounds that hold.
func TestDescribedParameters(t *testing.T) {
	t.Parallel()
	spec, err := description()
	require.NoError(t, err)
	s := start(t, emulator.Options{}, engine.WithPerson(engine.Person{ID: 25554}))
	c := s.control(t)
	for path, item := range spec.Paths.Map() {
		place := strings.NewReplacer("/_emulator/", "", "{client_id}", "25554", "{number}", "1", "{fault_id}", "x", "{order_id}", "1", "{block_id}", "1", "{message_id}", "1", "{file}", "x", "{name}", "x").Replace(path)
		for method, operation := range item.Operations() {
			var described []string
			for _, reference := range operation.Parameters {
				parameter := reference.Value
				described = append(described, parameter.Name)
				require.Equal(t, openapi3.ParameterInQuery, parameter.In)
				schema := parameter.Schema.Value
				if !schema.Type.Is(openapi3.TypeInteger) {
					continue
				}
				require.NotNil(t, schema.Min, "%s: %s", path, parameter.Name)
				beyond := []float64{*schema.Min - 1}
				if schema.Max != nil {
					beyond = append(beyond, *schema.Max+1)
				}
				for _, value := range beyond {
					refusal := c.problem(method, fmt.Sprintf("%s?%s=%.0f", place, parameter.Name, value), nil, 400)
					require.Contains(t, refusal, parameter.Name)
				}
				require.Equal(t, 200, c.do(method, fmt.Sprintf("%s?%s=%.0f", place, parameter.Name, *schema.Min), nil, nil))
			}
			require.ElementsMatch(t, emulator.Parameters(method+" "+path), described, path)
			require.Contains(t, c.problem(method, place+"?aftr=1", nil, 400), "aftr", path)
		}
	}
}

// controlClient calls the control API. What goes out and what comes back has to
// be as described.
type controlClient struct {
	t       testing.TB
	address string
}

func (s *server) control(t testing.TB) *controlClient {
	t.Helper()
	return &controlClient{t: t, address: s.address}
}

// do returns the status of the answer, and its body in into.
func (c *controlClient) do(method, path string, body, into any) int {
	c.t.Helper()
	var text []byte
	if body != nil {
		var err error
		text, err = json.Marshal(body)
		require.NoError(c.t, err)
	}
	request, err := http.NewRequestWithContext(c.t.Context(), method, c.address+"/_emulator/"+path, bytes.NewReader(text))
	require.NoError(c.t, err)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(c.t, err)
	defer func() { require.NoError(c.t, response.Body.Close()) }()
	answer, err := io.ReadAll(response.Body)
	require.NoError(c.t, err)
	c.check(request, text, response, answer)
	if into != nil {
		require.Less(c.t, response.StatusCode, 300, string(answer))
		require.NoError(c.t, json.Unmarshal(answer, into))
	}
	return response.StatusCode
}

// problem returns the explanation of a call that has to be refused.
func (c *controlClient) problem(method, path string, body any, status int) string {
	c.t.Helper()
	text, err := json.Marshal(body)
	require.NoError(c.t, err)
	request, err := http.NewRequestWithContext(c.t.Context(), method, c.address+"/_emulator/"+path, bytes.NewReader(text))
	require.NoError(c.t, err)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(c.t, err)
	defer func() { require.NoError(c.t, response.Body.Close()) }()
	var problem struct{ Error string }
	require.NoError(c.t, json.NewDecoder(response.Body).Decode(&problem))
	require.Equal(c.t, status, response.StatusCode, problem.Error)
	require.NotEmpty(c.t, problem.Error)
	return problem.Error
}

func (c *controlClient) check(request *http.Request, body []byte, response *http.Response, answer []byte) {
	c.t.Helper()
	find, err := router()
	require.NoError(c.t, err)
	route, parameters, err := find.FindRoute(request)
	require.NoError(c.t, err, request.URL.Path)
	options := &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true}
	request.Body = io.NopCloser(bytes.NewReader(body))
	input := &openapi3filter.RequestValidationInput{Request: request, PathParams: parameters, Route: route, Options: options}
	if response.StatusCode < 300 {
		require.NoError(c.t, openapi3filter.ValidateRequest(context.Background(), input))
	}
	if strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") {
		output := &openapi3filter.ResponseValidationInput{
			RequestValidationInput: input, Status: response.StatusCode, Header: response.Header, Options: options,
		}
		output.SetBodyBytes(answer)
		require.NoError(c.t, openapi3filter.ValidateResponse(context.Background(), output), string(answer))
	}
}
