//go:build curl

package emulator

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	engine "github.com/salebot-go/salebot/internal/emulator"
)

// What is copied into a shell sends the same request again, whatever was in it,
// and does nothing else.
func TestCurlRepeatsRequests(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("curl")
	require.NoError(t, err)
	type arrived struct{ method, path, query, contentType, body string }
	got := make(chan arrived, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- arrived{r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("Content-Type"), string(body)}
	}))
	defer server.Close()
	nasty := "it's \"quoted\" $(touch /tmp/x) `id` \\ %41 &a=b #c\nline\t\x01 привет ' ; ls"
	for name, r := range map[string]engine.Request{
		"get":        {Action: "get_variables", Method: "GET", Query: "client_id=1&x=%20%D1%8F"},
		"brackets":   {Action: "message", Method: "GET", Query: "clients[]=1&clients[]={2}"},
		"raw query":  {Action: "callback", Method: "GET", Query: "a='$(id)'&b=`id`&c=$HOME"},
		"json":       {Action: "message", Method: "POST", ContentType: "application/json", Body: []byte(`{"client_id": 1}`)},
		"form":       {Action: "message", Method: "POST", ContentType: "application/x-www-form-urlencoded", Body: []byte("a=1&b=@x")},
		"no label":   {Action: "message", Method: "POST", Body: []byte("{}")},
		"no body":    {Action: "message", Method: "POST"},
		"a file":     {Action: "message", Method: "POST", ContentType: "text/plain", Body: []byte("@/etc/passwd")},
		"nasty":      {Action: "message", Method: "POST", ContentType: "text/plain", Body: []byte(nasty)},
		"binary":     {Action: "message", Method: "POST", ContentType: "application/octet-stream", Body: []byte("\x00\xff\r\n\x80'")},
		"put":        {Action: "message", Method: "PUT", ContentType: "application/json", Body: []byte("{}")},
		"get, body":  {Action: "message", Method: "GET", ContentType: "application/json", Body: []byte("{}")},
		"bad action": {Action: "$(touch x)'\"", Method: "GET"},
	} {
		command := exec.CommandContext(t.Context(), "sh", "-c", curl(server.URL, r))
		command.Env = []string{"SALEBOT_API_KEY=the-key", "PATH=/usr/bin:/bin:" + filepath.Dir(program)}
		output, err := command.CombinedOutput()
		require.NoError(t, err, "%s: %s\n%s", name, command, output)
		again := <-got
		require.Equal(t, arrived{r.Method, "/api/the-key/" + r.Action, r.Query, r.ContentType, string(r.Body)}, again, name)
	}
}
