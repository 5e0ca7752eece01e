package emulator

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	engine "github.com/salebot-go/salebot/internal/emulator"
)

// What is shown, to the letter. That a shell and curl make the request of it again
// is shown by TestCurlRepeatsRequests, which has the build tag curl.
func TestCurl(t *testing.T) {
	t.Parallel()
	const address = "http://127.0.0.1:8085"
	for want, r := range map[string]engine.Request{
		`curl "http://127.0.0.1:8085/api/$SALEBOT_API_KEY/get_variables?client_id=1"`: {
			Action: "get_variables", Method: "GET", Query: "client_id=1",
		},
		`curl -g "http://127.0.0.1:8085/api/$SALEBOT_API_KEY"'/message?clients[]=1'`: {
			Action: "message", Method: "GET", Query: "clients[]=1",
		},
		`curl "http://127.0.0.1:8085/api/$SALEBOT_API_KEY"'/callback?a=$(id)'`: {
			Action: "callback", Method: "GET", Query: "a=$(id)",
		},
		`curl -X 'POST' "http://127.0.0.1:8085/api/$SALEBOT_API_KEY/message"`: {Action: "message", Method: "POST"},
		`curl "http://127.0.0.1:8085/api/$SALEBOT_API_KEY/message" \` + "\n" + `  -H 'Content-Type: application/json' \` + "\n" +
			`  --data-raw '{"message":"it'\''s"}'`: {
			Action: "message", Method: "POST", ContentType: "application/json", Body: []byte(`{"message":"it's"}`),
		},
		`echo AP8= | base64 -d | curl "http://127.0.0.1:8085/api/$SALEBOT_API_KEY/message" \` + "\n" + `  -H 'Content-Type:' \` + "\n" +
			`  --data-binary @-`: {
			Action: "message", Method: "POST", Body: []byte("\x00\xff"),
		},
	} {
		require.Equal(t, want, curl(address, r))
	}
}

func TestMask(t *testing.T) {
	t.Parallel()
	const key = "se+cret/key"
	m := newMask([]string{"ab", key, key + "-2"})
	require.Equal(t, "ab {api_key} {api_key} {api_key} {api_key}",
		m.text("ab "+key+" "+key+"-2 "+url.QueryEscape(key)+" "+url.PathEscape(key)), "short keys would be found inside words")
}
