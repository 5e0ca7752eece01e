package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/testkit"
)

// Programs in production send what the reference describes in many ways, and read
// the answers in ways of their own. The requests here are written as such programs
// write them, byte by byte, and go to the running command.

const shop = `
channels:
  - {messenger: telegram, group_id: my_shop_bot}
  - {messenger: whatsapp, id: 41, group_id: c2hvcA==, status: 1}
blocks:
  - {id: 1, condition: payment_success, answer: "Thank you for your payment"}
clients:
  - {id: 25554, client_type: telegram, platform_id: 100200300, name: Ann, variables: {client.phone: "79000000001", city: Riga}}
  - {id: 25555, client_type: whatsapp, platform_id: "79000000002", name: Boris}
`

// wire sends a request as it is, with the length of its body in the place of
// LENGTH and the key in that of KEY, and returns the answer as it is.
func (p *process) wire(t *testing.T, text string) (status int, body string, header http.Header) {
	t.Helper()
	head, content, _ := strings.Cut(strings.TrimPrefix(text, "\n"), "\n\n")
	head = strings.NewReplacer("LENGTH", strconv.Itoa(len(content)), "KEY", testkit.EscapedKey, "\n", "\r\n").Replace(head)
	conn := p.dial(t)
	_, err := io.WriteString(conn, head+"\r\n\r\n"+content)
	require.NoError(t, err)
	method, _, _ := strings.Cut(head, " ")
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(answer), response.Header
}

func runShop(t *testing.T) *process {
	t.Helper()
	return runEmulator(t, "--key", testkit.Key, "--seed", writeFile(t, "shop.yaml", shop))
}

// talk returns what a client got and sent, with its author before each text.
func (p *process) talk(t *testing.T, client int64) []string {
	t.Helper()
	_, body := request(t, http.MethodGet, fmt.Sprintf("%s/_emulator/clients/%d/messages", p.address, client), "", "")
	var shown struct {
		Messages []struct {
			From, Text string
			Buttons    []struct{ Text string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(body), &shown), body)
	var lines []string
	for _, m := range shown.Messages {
		line := m.From + ": " + m.Text
		for _, button := range m.Buttons {
			line += " [" + button.Text + "]"
		}
		lines = append(lines, line)
	}
	return lines
}

func (p *process) variables(t *testing.T, client int64) map[string]string {
	t.Helper()
	_, body := request(t, http.MethodGet, fmt.Sprintf("%s/_emulator/clients/%d", p.address, client), "", "")
	var shown struct{ Variables map[string]string }
	require.NoError(t, json.Unmarshal([]byte(body), &shown), body)
	return shown.Variables
}

// The libraries for PHP: Guzzle with JSON, or curl with a form; a send went well
// where the body is exactly ok; clients are loaded inside an object; parameters
// that were not set go out as null or as nothing.
func TestPHPLibrary(t *testing.T) {
	t.Parallel()
	p := runShop(t)
	_, body, _ := p.wire(t, `
POST /api/KEY/message HTTP/1.1
Host: chatter.salebot.pro
User-Agent: GuzzleHttp/7
Content-Type: application/json
Content-Length: LENGTH

{"client_id":"25554","message":"Order 4711","message_id":null,"attachment_type":null,"attachment_url":null,"buttons":{"hint":"Choose","buttons":[{"type":"reply","text":"Yes","line":0,"index_in_line":0,"one_time":0},{"type":"reply","text":"No","line":0,"index_in_line":1,"one_time":1}]}}`)
	require.Equal(t, "ok", body)

	_, body, _ = p.wire(t, `
POST /api/KEY/message HTTP/1.1
Host: chatter.salebot.pro
Accept: */*
Content-Type: application/x-www-form-urlencoded
Content-Length: LENGTH

client_id=25554&message=%D0%9F%D1%80%D0%B8%D0%B2%D0%B5%D1%82&attachment_url=&buttons%5B0%5D%5Btext%5D=A&buttons%5B0%5D%5Btype%5D=inline&buttons%5B1%5D%5Btext%5D=B&buttons%5B1%5D%5Btype%5D=inline`)
	require.Equal(t, "ok", body)
	require.Equal(t, []string{"api: Order 4711 [Yes] [No]", "api: Привет [A] [B]"}, p.talk(t, 25554))

	_, body, _ = p.wire(t, `
POST /api/KEY/load_clients HTTP/1.1
Host: chatter.salebot.pro
User-Agent: GuzzleHttp/7
Content-Type: application/json
Content-Length: LENGTH

{"clients":[{"platform_id":100200300,"group_id":"my_shop_bot","client_type":1},{"platform_id":"555","group_id":"my_shop_bot","client_type":"1"}]}`)
	var loaded struct {
		Status string
		Items  []struct {
			PlatformID json.RawMessage `json:"platform_id"`
			ID         int64
		}
	}
	require.NoError(t, json.Unmarshal([]byte(body), &loaded), body)
	require.Equal(t, "success", loaded.Status)
	require.Equal(t, int64(25554), loaded.Items[0].ID, "it finds those who are there")
	require.Equal(t, "100200300", string(loaded.Items[0].PlatformID), "with the type that was sent")
	require.Equal(t, `"555"`, string(loaded.Items[1].PlatformID))

	_, body, _ = p.wire(t, `
POST /api/KEY/save_variables HTTP/1.1
Host: chatter.salebot.pro
Content-Type: application/x-www-form-urlencoded
Content-Length: LENGTH

client_id=25554&variables[client.city]=Kazan&variables[sum]=100`)
	require.Equal(t, "ok", body)
	require.Equal(t, map[string]string{"client.city": "Kazan", "client.phone": "79000000001", "city": "Riga", "sum": "100"}, p.variables(t, 25554))
}

// The node for n8n: connected_channels tests the key, variables and buttons come
// as forms and as JSON text.
func TestN8NNode(t *testing.T) {
	t.Parallel()
	p := runShop(t)
	status, body, header := p.wire(t, `
GET /api/KEY/connected_channels HTTP/1.1
Host: chatter.salebot.ai
accept: application/json,text/*;q=0.99
user-agent: n8n

`)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, header.Get("Content-Type"), "application/json")
	require.Contains(t, body, `"telegram":[{`)
	status, _, _ = p.wire(t, `
GET /api/another/connected_channels HTTP/1.1
Host: chatter.salebot.ai
accept: application/json

`)
	require.GreaterOrEqual(t, status, 400, "the test of a wrong key fails")

	_, body, _ = p.wire(t, `
POST /api/KEY/message HTTP/1.1
Host: chatter.salebot.ai
accept: application/json,text/html,application/xhtml+xml,application/xml,text/*;q=0.9, image/*;q=0.8, */*;q=0.7
content-type: application/json
content-length: LENGTH

{"client_id":25554,"message":"Choose","buttons":"{\"hint\":\"\",\"buttons\":[{\"type\":\"inline\",\"text\":\"Pay\",\"url\":\"https://example.com/pay?a=1&b=2\",\"line\":\"0\",\"index_in_line\":\"0\"}]}","time_shift":"","send_time":""}`)
	require.Equal(t, "ok", body)
	_, body, _ = p.wire(t, `
POST /api/KEY/callback HTTP/1.1
Host: chatter.salebot.ai
content-type: application/json
content-length: LENGTH

{"client_id":"25554","message":"payment_success","resume_bot":false,"order_id":"A-17","client.last_payment":"2026-05-01"}`)
	require.Equal(t, "ok", body)
	require.Equal(t, []string{"api: Choose [Pay]", "callback: payment_success", "flow: Thank you for your payment"}, p.talk(t, 25554))
	_, body, _ = p.wire(t, `
POST /api/KEY/save_variables HTTP/1.1
Host: chatter.salebot.ai
content-type: application/json
content-length: LENGTH

{"client_id":"25554","variables":[{"key":"client.stage","value":"paid"},{"key":"note","value":""}]}`)
	require.Equal(t, "ok", body)
	variables := p.variables(t, 25554)
	require.Equal(t, []string{"A-17", "2026-05-01", "paid"}, []string{variables["order_id"], variables["client.last_payment"], variables["client.stage"]})
}

// A proxy in Go that starts the bot for Telegram users whom nobody knows yet.
func TestTelegramProxy(t *testing.T) {
	t.Parallel()
	p := runShop(t)
	_, body, _ := p.wire(t, `
POST /api/KEY/tg_callback HTTP/1.1
Host: chatter.salebot.pro
User-Agent: Go-http-client/1.1
Content-Length: LENGTH
Content-Type: application/json
Accept-Encoding: gzip

{"user_id":6250000000,"group_id":"my_shop_bot","message":"payment_success","tg_username":"annlee","init_data":{"a":[1,2]}}
`)
	require.Equal(t, "ok", body)
	_, body, _ = p.wire(t, `
POST /api/KEY/find_client_id_by_platform_id HTTP/1.1
Host: chatter.salebot.pro
Content-Type: text/plain; charset=utf-8
Content-Length: LENGTH

{"platform_ids":["6250000000"],"group_id":"my_shop_bot"}`)
	var found []struct{ ID int64 }
	require.NoError(t, json.Unmarshal([]byte(body), &found), body)
	require.Len(t, found, 1)
	require.Equal(t, []string{"callback: payment_success", "flow: Thank you for your payment"}, p.talk(t, found[0].ID))
	require.Equal(t, "annlee", p.variables(t, found[0].ID)["tg_username"])
}

// Python: json= of requests, params= of aiohttp, and a dictionary given to data=.
func TestPythonPrograms(t *testing.T) {
	t.Parallel()
	p := runShop(t)
	_, body, _ := p.wire(t, `
POST /api/KEY/callback HTTP/1.1
Host: chatter.salebot.pro
User-Agent: python-requests/2.32.3
Accept-Encoding: gzip, deflate
Accept: */*
Connection: keep-alive
Content-Length: LENGTH
Content-Type: application/json

{"client_id": "25554", "message": "\u043e\u043f\u043b\u0430\u0442\u0430", "resume_bot": true}`)
	require.Equal(t, "ok", body)
	_, body, _ = p.wire(t, `
POST /api/KEY/whatsapp_message HTTP/1.1
Host: chatter.salebot.pro
User-Agent: python-requests/2.32.3
Content-Length: LENGTH
Content-Type: application/x-www-form-urlencoded

phone=%2B7+900+000-00-02&message=Your+table+is+booked&whatsapp_bot_id=41`)
	require.Equal(t, "ok", body)
	_, body, _ = p.wire(t, `
GET /api/KEY/get_clients?offset=0&limit=500 HTTP/1.1
Host: chatter.salebot.pro
User-Agent: Python/3.12 aiohttp/3.9.5

`)
	require.Contains(t, body, `"group":"my_shop_bot"`)
	require.Regexp(t, `"created_at":"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}"`, body)
	require.Equal(t, []string{"callback: оплата"}, p.talk(t, 25554))
	require.Equal(t, []string{"api: Your table is booked"}, p.talk(t, 25555))
	status, body, _ := p.wire(t, `
GET /api/KEY/get_variables?client_id=404 HTTP/1.1
Host: chatter.salebot.pro

`)
	require.Equal(t, http.StatusOK, status)
	require.JSONEq(t, `{"status":"client_not_found"}`, body)
	status, body, _ = p.wire(t, `
POST /api/KEY/message HTTP/1.1
Host: chatter.salebot.pro
Content-Type: application/json
Content-Length: LENGTH

{"client_id": 404, "message": "x"}`)
	require.Equal(t, []any{http.StatusNotFound, "client_not_found"}, []any{status, body})
}

// JavaScript: a page that may not send JSON says text/plain; a library labels JSON
// as a form; a script encodes it twice; everything in the address; in parts.
func TestJavaScriptPrograms(t *testing.T) {
	t.Parallel()
	p := runShop(t)
	for _, text := range []string{
		`
POST /api/KEY/callback HTTP/1.1
Host: chatter.salebot.pro
Origin: https://shop.example
Sec-Fetch-Mode: no-cors
Sec-Fetch-Site: cross-site
Content-Type: text/plain;charset=UTF-8
Content-Length: LENGTH

{"client_id":25554,"message":"a"}`, `
POST /api/KEY/callback HTTP/1.1
Host: chatter.salebot.pro
User-Agent: axios/1.7.2
Content-Type: application/x-www-form-urlencoded
Content-Length: LENGTH

{"client_id":25554,"message":"b"}`, `
POST /api/KEY/callback HTTP/1.1
Host: chatter.salebot.pro
User-Agent: Mozilla/5.0 (compatible; Google-Apps-Script)
Content-Type: application/json
Content-Length: LENGTH

"{\"client_id\":25554,\"message\":\"c\"}"`, `
GET /api/KEY/callback/?client_id=25554&message=d&api_key=KEY HTTP/1.1
Host: chatter.salebot.pro

`, `
POST /api/KEY/callback?value_client_id=user HTTP/1.1
Host: chatter.salebot.pro
Content-Type: application/json
Content-Length: LENGTH

{"user":"25554","message":"e"}`, `
POST /api/KEY/callback HTTP/1.1
Host: chatter.salebot.pro
Content-Type: multipart/form-data; boundary=XX
Content-Length: LENGTH

--XX` + "\r\n" + `Content-Disposition: form-data; name="client_id"` + "\r\n\r\n" + `25554` + "\r\n" + `--XX` + "\r\n" +
			`Content-Disposition: form-data; name="message"` + "\r\n\r\nf\r\n" + `--XX--` + "\r\n",
	} {
		_, body, _ := p.wire(t, text)
		require.Equal(t, "ok", body, text)
	}
	require.Equal(t, []string{"callback: a", "callback: b", "callback: c", "callback: d", "callback: e", "callback: f"}, p.talk(t, 25554))
}
