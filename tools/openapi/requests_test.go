package openapi

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// golden is the folder of the golden requests.
var golden = os.DirFS("../../testdata")

// checkGolden checks every file below requests and counts them.
func checkGolden(d *Document, fsys fs.FS) (int, error) {
	checked := 0
	err := fs.WalkDir(fsys, "requests", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || file == "requests/README.md" {
			return err
		}
		text, err := fs.ReadFile(fsys, file)
		if err != nil {
			return err
		}
		req, err := ParseRequest(text)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		operation, err := d.CheckRequest(req)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if path.Dir(file) != path.Join("requests", operation.Action) || path.Ext(file) != ".http" {
			return fmt.Errorf("%s: a request for %s has no place there", file, operation.Action)
		}
		checked++
		return nil
	})
	return checked, err
}

// All golden requests that exist; they are written by the client's own tests.
func TestGoldenRequestsFitTheDescription(t *testing.T) {
	t.Parallel()
	checked, err := checkGolden(document(t), golden)
	require.NoError(t, err)
	t.Logf("%d golden requests", checked)
}

func TestWrongGoldenFilesAreRefused(t *testing.T) {
	t.Parallel()
	good := request("GET get_variables?client_id=1", "")
	for name, c := range map[string]struct {
		file, text string
		ok         bool
	}{
		"a good one":         {"requests/get_variables/minimal.http", good, true},
		"a wrong folder":     {"requests/get_history/minimal.http", good, false},
		"no folder":          {"requests/minimal.http", good, false},
		"a wrong extension":  {"requests/get_variables/minimal.txt", good, false},
		"a wrong request":    {"requests/get_variables/minimal.http", request("GET get_variables", ""), false},
		"no request at all":  {"requests/get_variables/minimal.http", "", false},
		"a key in the clear": {"requests/get_variables/minimal.http", strings.Replace(good, "{api_key}", "0123456789abcdef", 1), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checked, err := checkGolden(document(t), fstest.MapFS{c.file: {Data: []byte(c.text)}})
			if c.ok {
				require.NoError(t, err)
				require.Equal(t, 1, checked)
			} else {
				require.Error(t, err)
			}
		})
	}
}

// request writes the text of a golden request; JSON is the default content.
func request(line, body string) string {
	text := strings.Replace(line, " ", " /api/{api_key}/", 1) + " HTTP/1.1\nHost: chatter.salebot.pro\n"
	if body != "" {
		text += "Content-Type: application/json\n"
	}
	return text + "\n" + body + "\n"
}

func checkRequest(t *testing.T, text string) error {
	t.Helper()
	req, err := ParseRequest([]byte(text))
	if err != nil {
		return err
	}
	_, err = document(t).CheckRequest(req)
	return err
}

func repeat(item string, n int) string {
	return strings.TrimSuffix(strings.Repeat(item+",", n), ",")
}

func TestGoodRequestsAreTaken(t *testing.T) {
	t.Parallel()
	form := func(text string) string {
		return strings.Replace(text, "application/json", "application/x-www-form-urlencoded", 1)
	}
	for name, text := range map[string]string{
		"an object":            request("POST message", `{"client_id":44000,"message":"Hi"}`),
		"ids beyond a float":   request("POST message", `{"client_id":9007199254740993,"message_id":"9007199254740993"}`),
		"buttons with a hint":  request("POST message", `{"client_id":1,"message":"Hi","buttons":{"hint":"1 or 2","buttons":[{"text":"Yes","type":"inline"}]}}`),
		"bare buttons":         request("POST message", `{"client_id":1,"message":"Hi","buttons":[{"text":"Yes"}]}`),
		"an array":             request("POST load_clients", `[{"platform_id":"79000000000","group_id":"","client_type":13}]`),
		"a query":              request("GET get_history?client_id=44000&limit=2000&start_date=01.10.2024&stop_date=31.10.2024", ""),
		"an id as text":        request("GET get_variables?client_id=9007199254740993", ""),
		"nothing":              request("GET connected_channels", ""),
		"extra variables":      request("POST callback", `{"client_id":1,"message":"paid","sum":1500.5,"vip":true,"note":null}`),
		"a form":               form(request("POST callback", "client_id=1&message=paid&sum=1500")),
		"a GET callback":       request("GET callback?client_phone=79000000000&message=paid&sum=1500", ""),
		"free names":           request("GET find_all_client_id_by_several_vars?city=Riga&%D1%86%D0%B2%D0%B5%D1%82=red", ""),
		"operators":            request("POST find_clients", `{"q":{"name":{"_in":["Joe"]},"city":"Riga"},"include_all":false}`),
		"renamed parameters":   request("POST callback?value_client_id=my_client", `{"my_client":1,"text":"Hi"}`),
		"renamed in the query": request("GET vk_callback?value_group_id=g&value_user_id=u&g=1&u=2&message=Hi", ""),
		"a path of keys":       request("POST save_variables?delimiter=1&delimiter_value_client_id=data1id", `{"data":{"id":1},"variables":{"a":"b"}}`),
		"zero and false":       request("GET get_clients?limit=500&offset=0&reverse=1", ""),
		"order status zero":    request("GET get_orders?client_id=1&order_status=0", ""),
		"a file":               request("POST message", `{"client_id":1,"attachment_type":"image","attachment_url":"https://files.example/a.png"}`),
		"one audience":         request("POST broadcast", `{"platform_ids":[1,"2"],"group_id":"my_shop_bot","message":"Hi"}`),
		"the batch limit":      request("POST delete_clients", `{"client_ids":[`+repeat("1", 500)+`]}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, checkRequest(t, text))
		})
	}
}

func TestWrongRequestsAreRefused(t *testing.T) {
	t.Parallel()
	xml := strings.Replace(request("POST message", `{"client_id":1,"message":"Hi"}`), "application/json", "application/xml", 1)
	for name, text := range map[string]string{
		"a missing parameter":         request("POST message", `{"message":"Hi"}`),
		"nothing to send":             request("POST message", `{"client_id":1}`),
		"a misspelled parameter":      request("POST message", `{"client_id":1,"message":"Hi","send_tme":"2024-10-16 13:15:59"}`),
		"a wrong type":                request("POST message", `{"client_id":{"id":1},"message":"Hi"}`),
		"a fraction as id":            request("POST message", `{"client_id":1.5,"message":"Hi"}`),
		"a file without its type":     request("POST message", `{"client_id":1,"attachment_url":"https://files.example/a.png"}`),
		"an unknown type of file":     request("POST message", `{"client_id":1,"attachment_type":"gif","attachment_url":"https://files.example/a.gif"}`),
		"a button without a label":    request("POST message", `{"client_id":1,"message":"Hi","buttons":[{"type":"reply"}]}`),
		"labels as buttons":           request("POST message", `{"client_id":1,"message":"Hi","buttons":[["Yes","No"]]}`),
		"a wrong moment":              request("POST message", `{"client_id":1,"message":"Hi","send_time":"16.10.2024 13:15"}`),
		"no audience":                 request("POST broadcast", `{"message":"Hi"}`),
		"two audiences":               request("POST broadcast", `{"list":1,"clients":[1],"message":"Hi"}`),
		"platform ids without group":  request("POST broadcast", `{"platform_ids":[1],"message":"Hi"}`),
		"too many ids":                request("POST delete_clients", `{"client_ids":[`+repeat("1", 501)+`]}`),
		"too many callbacks":          request("POST send_callback_by_platform_id", `{"callback_text":"a","platform_ids":[`+repeat("1", 301)+`]}`),
		"no ids":                      request("POST delete_clients", `{"client_ids":[]}`),
		"an object for an array":      request("POST load_clients", `{"clients":[]}`),
		"a surplus member of an item": request("POST load_clients", `[{"platform_id":"1","group_id":"1","client_type":1,"id":1}]`),
		"a nested variable":           request("POST save_variables", `{"client_id":1,"variables":{"a":{"b":1}}}`),
		"a nested extra variable":     request("POST callback", `{"client_id":1,"message":"paid","order":{"id":1}}`),
		"no body":                     request("POST message", ""),
		"broken JSON":                 request("POST message", `{"client_id":1,"message":"Hi"`),
		"a body for a query action":   request("GET get_variables?client_id=1", `{"client_id":1}`),
		"a missing query parameter":   request("GET get_variables", ""),
		"an unknown query parameter":  request("GET get_variables?client_id=1&verbose=1", ""),
		"a repeated query parameter":  request("GET get_variables?client_id=1&client_id=2", ""),
		"a query beside a body":       request("POST message?client_id=1", `{"client_id":1,"message":"Hi"}`),
		"a limit beyond the limit":    request("GET get_history?client_id=1&limit=2001", ""),
		"a wrong day":                 request("GET get_history?client_id=1&start_date=2024-10-01&stop_date=2024-10-31", ""),
		"an unknown order status":     request("GET get_orders?client_id=1&order_status=3", ""),
		"four free names":             request("GET find_all_client_id_by_several_vars?a=1&b=2&c=3&d=4", ""),
		"no free name":                request("GET find_all_client_id_by_several_vars", ""),
		"renaming where it is not":    request("POST message?value_client_id=id", `{"id":1,"message":"Hi"}`),
		"a delimiter where it is not": request("POST create_order?delimiter=1", `{"client_id":1}`),
		"renaming for a list":         request("POST callback?value_client_id=id", `[1]`),
		"a wrong method":              request("POST get_variables", `{"client_id":1}`),
		"an unknown action":           request("POST send_message", `{"client_id":1}`),
		"an undeclared media type":    xml,
		"no templated key":            strings.Replace(request("GET connected_channels", ""), "{api_key}", "key", 1),
		"no base path":                strings.Replace(request("GET connected_channels", ""), "/api/{", "/{", 1),
		"no blank line":               "GET /api/{api_key}/connected_channels HTTP/1.1\nHost: chatter.salebot.pro",
		"no request line":             "{api_key}\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Error(t, checkRequest(t, text))
		})
	}
}
