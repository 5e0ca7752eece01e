package emulator_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/cmd/salebot/emulator"
	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/testkit"
)

// send sends a request with a host and headers of one's own.
func (s *server) send(t testing.TB, method, path, host string, header map[string]string) answer {
	t.Helper()
	body := ""
	if method != http.MethodGet {
		body = `{"status":500}`
	}
	request, err := http.NewRequestWithContext(t.Context(), method, s.address+path, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	if host != "" {
		request.Host = host
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return answer{status: response.StatusCode, header: response.Header}
}

// answer is an answer without its body.
type answer struct {
	status int
	header http.Header
}

// A name that somebody else points at this machine must not open the emulator.
func TestHosts(t *testing.T) {
	t.Parallel()
	s := start(t, emulator.Options{AllowedHosts: []string{"Salebot.test"}})
	port := s.address[strings.LastIndex(s.address, ":"):]
	for host, allowed := range map[string]bool{
		"localhost" + port: true, "LOCALHOST" + port: true, "127.0.0.1" + port: true, "[::1]" + port: true, "192.168.1.7" + port: true,
		"localhost": true, "localhost.": true, "shop.localhost": true, "salebot.test": true, "salebot.test" + port: true,
		"evil.example" + port: false, "localhost.evil.example": false, "127.0.0.1.evil.example": false, "evil.example": false,
		"127.1.evil": false, "notlocalhost": false,
	} {
		for _, path := range []string{"/", "/main.js", "/_emulator/status"} {
			response := s.send(t, http.MethodGet, path, host, nil)
			require.Equal(t, allowed, response.status == http.StatusOK, "%s at %s: %d", path, host, response.status)
		}
		// Programs in other containers call the API under any name.
		response := s.send(t, http.MethodGet, "/api/"+testkit.EscapedKey+"/connected_channels", host, nil)
		require.Equal(t, http.StatusOK, response.status)
	}
}

// Other sites can neither drive the emulator nor read it.
func TestOrigins(t *testing.T) {
	t.Parallel()
	s := start(t, emulator.Options{})
	own := s.address
	other := "http://evil.example"
	for _, one := range []struct {
		method, path string
		header       map[string]string
		allowed      bool
	}{
		{"POST", "/_emulator/faults", nil, true}, // a program that is no browser
		{"POST", "/_emulator/faults", map[string]string{"Origin": own}, true},
		{"POST", "/_emulator/faults", map[string]string{"Origin": own, "Sec-Fetch-Site": "same-origin"}, true},
		{"POST", "/_emulator/faults", map[string]string{"Origin": other}, false},
		{"POST", "/_emulator/faults", map[string]string{"Origin": "null"}, false},
		{"POST", "/_emulator/faults", map[string]string{"Origin": "https" + strings.TrimPrefix(own, "http")}, false},
		{"POST", "/_emulator/faults", map[string]string{"Origin": "ftp" + strings.TrimPrefix(own, "http")}, false},
		{"POST", "/_emulator/faults", map[string]string{"Origin": strings.TrimPrefix(own, "http://")}, false},
		{"POST", "/_emulator/faults", map[string]string{"Origin": "http://127.0.0.1:1"}, false},
		{"POST", "/_emulator/faults", map[string]string{"Sec-Fetch-Site": "cross-site"}, false},
		{"POST", "/_emulator/faults", map[string]string{"Sec-Fetch-Site": "same-site"}, false},
		{"POST", "/_emulator/faults", map[string]string{"Origin": own, "Sec-Fetch-Site": "cross-site"}, false},
		{"GET", "/_emulator/status", map[string]string{"Origin": other}, false},
		{"GET", "/_emulator/status", map[string]string{"Sec-Fetch-Site": "cross-site"}, false},
		{"GET", "/_emulator/snapshot", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, false},
		{"GET", "/_emulator/status", map[string]string{"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}, true},
		{"GET", "/", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, true}, // a link
		{"GET", "/main.js", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, false},
		{"GET", "/", map[string]string{"Sec-Fetch-Site": "same-origin"}, true},
	} {
		response := s.send(t, one.method, one.path, "", one.header)
		require.Equal(t, one.allowed, response.status < 300, "%s %s %v: %d", one.method, one.path, one.header, response.status)
		require.Empty(t, response.header.Get("Access-Control-Allow-Origin"))
		require.Contains(t, response.header.Get("Content-Security-Policy"), "default-src 'none'")
		require.NotContains(t, response.header.Get("Content-Security-Policy"), "unsafe")
	}
	preflight := s.send(t, http.MethodOptions, "/_emulator/faults", "", map[string]string{
		"Origin": other, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type",
	})
	require.GreaterOrEqual(t, preflight.status, 400)
	require.Empty(t, preflight.header.Get("Access-Control-Allow-Origin"))
}

// A proxy with TLS stands in front of a host that is allowed with its scheme.
func TestOriginsBehindTLS(t *testing.T) {
	t.Parallel()
	s := start(t, emulator.Options{AllowedHosts: []string{"https://Shop.example", "plain.example"}})
	for origin, allowed := range map[string]bool{
		"https://shop.example": true, "http://shop.example": false, "http://plain.example": true, "https://plain.example": false,
	} {
		_, host, _ := strings.Cut(origin, "://")
		response := s.send(t, http.MethodGet, "/_emulator/status", host, map[string]string{"Origin": origin})
		require.Equal(t, allowed, response.status == http.StatusOK, "%s: %d", origin, response.status)
	}
}

// No operation at all is open to another site, whatever it sends, and none says
// anything to it.
func TestNothingIsOpenToOtherSites(t *testing.T) {
	t.Parallel()
	s := start(t, emulator.Options{Save: func() error { return errors.New("it must not be called") }},
		engine.WithPerson(engine.Person{ID: 25554}))
	_, err := s.Write(25554, "keep me")
	require.NoError(t, err)
	before, err := json.Marshal(s.Snapshot())
	require.NoError(t, err)
	const evil = "http://evil.example"
	parameters := strings.NewReplacer("{client_id}", "25554", "{number}", "1", "{fault_id}", "1")
	for _, operation := range append(emulator.Endpoints(), "GET /", "GET /main.js") {
		method, path, _ := strings.Cut(operation, " ")
		path = parameters.Replace(path)
		for name, hostile := range map[string]struct {
			host   string
			header map[string]string
		}{
			"another name for this machine": {"evil.example", nil},
			"the same, from its own page":   {"evil.example", map[string]string{"Origin": evil, "Sec-Fetch-Site": "same-origin"}},
			"a script":                      {"", map[string]string{"Origin": evil, "Sec-Fetch-Site": "cross-site"}},
			"a script in an old browser":    {"", map[string]string{"Origin": evil}},
			"a page without an origin":      {"", map[string]string{"Origin": "null"}},
			"another port":                  {"", map[string]string{"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site"}},
			"a form":                        {"", map[string]string{"Origin": evil, "Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Mode": "navigate"}},
			"a form with files":             {"", map[string]string{"Origin": "null", "Content-Type": "multipart/form-data; boundary=x", "Sec-Fetch-Mode": "navigate"}},
			"a form of text":                {"", map[string]string{"Origin": evil, "Content-Type": "text/plain", "Sec-Fetch-Mode": "navigate"}},
			"a picture or a script tag":     {"", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}},
			"an event source":               {"", map[string]string{"Origin": evil, "Sec-Fetch-Site": "cross-site", "Accept": "text/event-stream"}},
		} {
			answer := s.send(t, method, path, hostile.host, hostile.header)
			if operation == "GET /_emulator/health" {
				// It is asked under any name, and tells nothing.
				require.Equal(t, http.StatusOK, answer.status)
				require.Equal(t, strconv.Itoa(len(`{"status":"ok"}`)+1), answer.header.Get("Content-Length"))
				require.Empty(t, answer.header.Get("Access-Control-Allow-Origin"))
				continue
			}
			require.Contains(t, []int{http.StatusForbidden, http.StatusMisdirectedRequest}, answer.status, "%s: %s", operation, name)
			for header := range answer.header {
				require.False(t, strings.HasPrefix(header, "Access-Control-"), "%s: %s: %s", operation, name, header)
			}
			require.Equal(t, "same-origin", answer.header.Get("Cross-Origin-Resource-Policy"), operation)
			require.Equal(t, "DENY", answer.header.Get("X-Frame-Options"), operation)
		}
	}
	after, err := json.Marshal(s.Snapshot())
	require.NoError(t, err)
	require.JSONEq(t, string(before), string(after))
	require.Empty(t, s.Faults())
}

// For the API, and only for it, pages of other sites are a setting.
func TestCORS(t *testing.T) {
	t.Parallel()
	const origin = "https://shop.example"
	path := "/api/" + testKey + "/connected_channels"
	header := map[string]string{"Origin": origin, "Sec-Fetch-Site": "cross-site"}
	closed := start(t, emulator.Options{})
	require.Empty(t, closed.send(t, http.MethodGet, path, "", header).header.Get("Access-Control-Allow-Origin"))
	open := start(t, emulator.Options{}, engine.WithCORS(origin))
	require.Equal(t, origin, open.send(t, http.MethodGet, path, "", header).header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, http.StatusForbidden, open.send(t, http.MethodGet, "/_emulator/status", "", header).status)
	preflight := map[string]string{
		"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type,x-request-id",
	}
	answer := open.send(t, http.MethodOptions, path, "", preflight)
	require.Equal(t, http.StatusNoContent, answer.status)
	require.Equal(t, preflight["Access-Control-Request-Headers"], answer.header.Get("Access-Control-Allow-Headers"), "whatever it asks for")
	require.Empty(t, closed.send(t, http.MethodOptions, path, "", preflight).header.Get("Access-Control-Allow-Headers"))
	for _, headers := range []string{"content-type", ""} {
		preflight["Access-Control-Request-Headers"] = headers
		require.Equal(t, http.StatusForbidden, open.send(t, http.MethodOptions, "/_emulator/faults", "", preflight).status)
	}
}
