package webhook_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/salebot-go/salebot/webhook"
)

func TestDecodeFlatEveryFixture(t *testing.T) {
	t.Parallel()
	broken := map[string]error{
		"webhook-flat/empty.txt": webhook.ErrEmptyBody, "webhook-flat/not-json.txt": webhook.ErrMalformed, "webhook-flat/unescaped-quote.txt": webhook.ErrMalformed,
	}
	for _, name := range fixtureNames(t, "webhook-flat") {
		body := readFixture(t, name)
		flat, err := webhook.DecodeFlat(body)
		if want := broken[name]; want != nil {
			if !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", name, err, want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := webhook.Decode(body); !errors.Is(err, webhook.ErrNotProjectWebhook) && name != "webhook-flat/unquoted.txt" {
			t.Errorf("%s: as an event: %v, want ErrNotProjectWebhook", name, err)
		}
		if strings.Contains(name, "unsubstituted") {
			if got, want := flat.Unsubstituted(), []string{"client_id", "platform_id", "name", "question"}; !slices.Equal(got, want) {
				t.Errorf("%s: unsubstituted %q, want %q", name, got, want)
			}
			if id, err := flat.ClientID("client_id"); err == nil || id != 0 {
				t.Errorf("%s: a placeholder was read as client %d", name, id)
			}
			continue
		}
		if got := flat.Unsubstituted(); len(got) > 0 {
			t.Errorf("%s: unsubstituted %q", name, got)
		}
		if _, ok := flat.Get("client_id"); !ok {
			continue
		}
		if id, err := flat.ClientID("client_id"); err != nil || id != 836000000 && id != 9007199254740993 {
			t.Errorf("%s: client %d, %v", name, id, err)
		}
		if question := flat.Text("question"); strings.Contains(question, "my") && question != "Where is \"my\" order?\nA-17" {
			t.Errorf("%s: question %q", name, question)
		}
	}
	newline, err := webhook.DecodeFlat(readFixture(t, "webhook-flat/raw-newline.txt"))
	if err != nil || newline.Text("question") != "line one\nline two" {
		t.Errorf("raw newline: %q, %v", newline.Text("question"), err)
	}
}

// A flow may put a variable into JSON without quotes, for it to be a number. One that has
// no value, or is a text, breaks the JSON.
func TestDecodeFlatWithoutQuotes(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"a": None, "b": }`:                            `{"a":"None","b":""}`,
		`{"a": ,"b": 5}`:                                `{"a":"","b":5}`,
		`{"a": True, "b": undefined, "c": NaN}`:         `{"a":"True","b":"undefined","c":"NaN"}`,
		`{"a": +7 (900) 000-00-00, "b": 007}`:           `{"a":"+7 (900) 000-00-00","b":"007"}`,
		`{"a": 28.05.2026, "b": 12:30, "c": 1.50}`:      `{"a":"28.05.2026","b":"12:30","c":1.50}`,
		`{"a": Анна Ли, "b": "x, y"}`:                   `{"a":"Анна Ли","b":"x, y"}`,
		`{"a": #{x}, "b": {{ y }}, "c": #{z} и {{y}} }`: `{"a":"#{x}","b":"{{ y }}","c":"#{z} и {{y}}"}`,
		`{"a": [None, 1, #{x}], "b": {"c": None}}`:      `{"a":["None",1,"#{x}"],"b":{"c":"None"}}`,
		`{"a": {}, "b": [], "c": [[None]], "d": -}`:     `{"a":{},"b":[],"c":[["None"]],"d":"-"}`,
		"{\"a\": None, \"b\": \"x\ny\"}":                `{"a":"None","b":"x\ny"}`,
		"{\"a\": line\\one\n two\n}":                    `{"a":"line\\one\n two"}`,
		`{"data": {"a": None}}`:                         `{"a":"None"}`,
		`"{\"a\": None}"`:                               `{"a":"None"}`,
		`{"a": null, "b": tru}`:                         `{"a":null,"b":"tru"}`,
	} {
		flat, err := webhook.DecodeFlat([]byte(body))
		if err != nil {
			t.Errorf("%s: %v", body, err)
			continue
		}
		if got, _ := flat.MarshalJSON(); strings.ReplaceAll(string(got), " ", "") != strings.ReplaceAll(want, " ", "") {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
	flat, err := webhook.DecodeFlat([]byte(`{"a": None, "b": #{left}, "client_id": }`))
	if id, idErr := flat.ClientID("client_id"); err != nil || idErr != nil || id != 0 || flat.Text("a") != "" || !slices.Equal(flat.Unsubstituted(), []string{"b"}) {
		t.Errorf("%v, %v, client %d, %v, unsubstituted %q", flat, err, id, idErr, flat.Unsubstituted())
	}
	// What breaks off, or cannot be told apart, stays broken.
	for _, body := range []string{
		`{"a": None`, `{"a": None, "b"`, `{"a": "x", "b": 5`, `{"a": None}}`, `{"a": None}{"b": 1}`, `{"a": Ли, Анна}`, `{"a": say "hi"}`, `{"a": 1,5}`, `{a: None}`,
		`{"is_input": None}`, `{"data": {"is_input": }}`, `{"a" None}`, `{"a": None,}`, `{"a": [1, ]}`, `{"a": None]`, `{"a": }}`, `{`, `{"a": #{x}`, `{"a": "x}`, `{'a': 1}`, `{"a": None, "b": ` + strings.Repeat(`[`, 1<<16),
	} {
		if flat, err := webhook.DecodeFlat([]byte(body)); !errors.Is(err, webhook.ErrMalformed) {
			t.Errorf("%.60s: %v, %v", body, flat, err)
		}
	}
	if _, err := webhook.DecodeFlat([]byte(`{"a": ` + strings.Repeat(`[`, 100) + `None`)); !errors.Is(err, webhook.ErrTooDeep) {
		t.Error(err)
	}
}

func TestDecodeFlatWrappers(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"a":1,"data":{"b":2}}`:         `{"a":1,"data":{"b":2}}`,
		`{"data":{"b":2}}`:               `{"b":2}`,
		`{"data":{"data":{"b":2}}}`:      `{"b":2}`,
		`{"data":[1]}`:                   `{"data":[1]}`,
		`{"data":"text"}`:                `{"data":"text"}`,
		`"{\"data\":\"{\\\"b\\\":2}\"}"`: `{"b":2}`,
		"a=1&b=x+y&a=2":                  `{"a":"2","b":"x y"}`,
		"a=100%&b=50%+off;+50+%25&c=%u4": `{"a":"100%","b":"50% off; 50 %","c":"%u4"}`,
		"list[]=1&list[]=2&o[k][l]=v":    `{"list":["1","2"],"o":{"k":{"l":"v"}}}`,
		"data[a]=1":                      `{"a":"1"}`,
		"data=%7B%22a%22%3A1%7D":         `{"a":1}`,
		"a[=1&b]=2&c[d=3":                `{"a[":"1","b]":"2","c[d":"3"}`,
		"a[b]=1&a=2":                     `{"a":"2"}`,
		"a=2&a[b]=1":                     `{"a":{"b":"1"}}`,
	} {
		flat, err := webhook.DecodeFlat([]byte(body))
		if err != nil {
			t.Errorf("%s: %v", body, err)
			continue
		}
		if got, _ := flat.MarshalJSON(); string(got) != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
}

// Each mark of a body of the project's webhook is enough, also below "data".
func TestDecodeFlatKnowsTheProjectWebhook(t *testing.T) {
	t.Parallel()
	for body, isWebhook := range map[string]bool{
		`{"is_input":0}`: true, `{"client":{"recepient":1}}`: true, `{"client":{"id":1},"delivered":1}`: true, `{"client":"{\"recepient\":1}"}`: true, "client[recepient]=1": true,
		`{"client":{"id":1}}`: false, `{"client":"recepient"}`: false, `{"client":"{"}`: false, `{"client":""}`: false, `{"delivered":1}`: false, `{"recepient":1}`: false,
	} {
		for _, wrapped := range []string{body, `{"data":` + body + `}`} {
			if _, err := webhook.DecodeFlat([]byte(wrapped)); errors.Is(err, webhook.ErrProjectWebhook) != isWebhook && (body[0] == '{' || wrapped == body) {
				t.Errorf("%s: %v", wrapped, err)
			}
		}
	}
}

func TestDecodeFlatRequest(t *testing.T) {
	t.Parallel()
	request := func(target, body string) *http.Request {
		return httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))
	}
	flat, err := webhook.DecodeFlatRequest(request("/hook?client_id=7&note=query&note=last", `{"client_id":8}`))
	if err != nil || flat.Text("client_id") != "8" || flat.Text("note") != "last" || flat.Len() != 2 {
		t.Errorf("%v, %v", flat, err)
	}
	flat, err = webhook.DecodeFlatRequest(httptest.NewRequest(http.MethodGet, "/hook?client_id=7", nil))
	if id, _ := flat.ClientID("client_id"); err != nil || id != 7 {
		t.Errorf("query alone: %v, %v", flat, err)
	}
	flat, err = webhook.DecodeFlatRequest(httptest.NewRequest(http.MethodGet, "/hook?note=100%&text=a;b", nil))
	if err != nil || flat.Text("note") != "100%" || flat.Text("text") != "a;b" {
		t.Errorf("a query that was not escaped: %v, %v", flat, err)
	}
	if _, err = webhook.DecodeFlatRequest(request("/hook", "")); !errors.Is(err, webhook.ErrEmptyBody) {
		t.Errorf("nothing at all: %v", err)
	}
	if _, err = webhook.DecodeFlatRequest(request("/hook", strings.Repeat("a", webhook.DefaultMaxBodySize+1))); !errors.Is(err, webhook.ErrBodyTooLarge) {
		t.Errorf("too large: %v", err)
	}
	if _, err = webhook.DecodeFlatRequest(request("/hook?x=1", "y")); !errors.Is(err, webhook.ErrMalformed) {
		t.Errorf("a body that is wrong beside a query: %v", err)
	}
	broken := httptest.NewRequest(http.MethodPost, "/hook?x=1", iotest.ErrReader(http.ErrBodyReadAfterClose))
	if _, err = webhook.DecodeFlatRequest(broken); !errors.Is(err, http.ErrBodyReadAfterClose) {
		t.Errorf("a body that breaks off: %v", err)
	}
	if _, err = webhook.DecodeFlatRequest(request("/hook?x=1", `{"is_input":1}`)); !errors.Is(err, webhook.ErrProjectWebhook) {
		t.Errorf("project webhook: %v", err)
	}
}

func TestPlaceholders(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"":                                 nil,
		"plain":                            nil,
		"#{name}":                          {"name"},
		"Hello, #{name} from {{ city }}!":  {"name", "city"},
		"{{client.phone}}":                 {"client.phone"},
		"{{ моя_переменная }}":             {"моя_переменная"},
		"{name}":                           nil,
		`{"a":{"b":1}}`:                    nil,
		`{{"a":1}}`:                        nil,
		"{{}} #{} {{ }}":                   nil,
		"{{ open #{name}":                  {"name"},
		"{{{name}}}":                       {"name"},
		strings.Repeat("{", 1<<20):         nil,
		strings.Repeat("{{", 1<<18) + "}}": nil,
	} {
		if got := webhook.Placeholders(text); !slices.Equal(got, want) {
			t.Errorf("%.40q: %q, want %q", text, got, want)
		}
	}
}

// FuzzFlat checks that any body gives fields or one of the documented errors, and
// that what was read can be written and read again.
func FuzzFlat(f *testing.F) {
	for _, folder := range []string{"webhook-flat", "webhook"} {
		for _, name := range fixtureNames(f, folder) {
			f.Add(readFixture(f, name))
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		flat, err := webhook.DecodeFlat(body)
		if err != nil {
			requireDocumented(t, err)
			return
		}
		for range flat.Unsubstituted() {
			continue
		}
		for name := range flat.All() {
			_, _ = flat.ClientID(name)
			_ = flat.Text(name)
		}
		object, err := flat.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		// An object whose only member is data again opens one wrapper more.
		if again, err := webhook.DecodeFlat(object); err == nil && flat.Len() > 1 && again.Len() != flat.Len() {
			t.Fatalf("%d fields became %d", flat.Len(), again.Len())
		}
	})
}

// TestQueryIsBounded checks that a query costs no more than a form: its parameters are
// bounded, and the body is looked at once and not for each of them.
func TestQueryIsBounded(t *testing.T) { //nolint:paralleltest // it counts the allocations of the process
	var body strings.Builder
	body.WriteString(`{"first":1`)
	for n := 0; body.Len() < webhook.DefaultMaxBodySize-100; n++ {
		fmt.Fprintf(&body, `,"k%d":"%s"`, n, strings.Repeat("x", 20))
	}
	body.WriteString(`,"k1":2}`)
	read := func(parameters int) (webhook.Flat, error) {
		query := "k0=query&own=1&own=2&first=query" + strings.Repeat("&a=1", parameters-4)
		return webhook.DecodeFlatRequest(httptest.NewRequest(http.MethodPost, "/?"+query, strings.NewReader(body.String())))
	}
	flat, err := read(2000)
	if err != nil || flat.Text("own") != "2" || flat.Text("first") != "1" || flat.Text("k0") == "query" || flat.Text("a") != "1" {
		t.Errorf("%v, %q, %q", err, flat.Text("own"), flat.Text("first"))
	}
	few := testing.AllocsPerRun(1, func() { _, _ = read(10) })
	if many := testing.AllocsPerRun(1, func() { _, _ = read(2000) }); many > few+1000 {
		t.Errorf("%v allocations for 2000 parameters, %v for 10", many, few)
	}
	if _, err := read(2001); !errors.Is(err, webhook.ErrMalformed) {
		t.Errorf("2001 parameters: %v, want ErrMalformed", err)
	}
}
