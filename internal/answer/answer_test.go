package answer_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/answer"
)

var forms = []action.Answer{action.Acknowledgement, action.Confirmation, action.Data, action.Flat}

// A bare word, in any case, with space around it and as a JSON string, for each
// form of a success.
func TestWords(t *testing.T) {
	t.Parallel()
	successes := []string{"ok", "OK", "true", "True", "success", "Success"}
	failures := []string{
		"fail", "failed", "failure", "error", "Error", "false", "client_not_found", "CLIENT_NOT_FOUND", "client not found",
		"Клиент не найден", "клиент не найден.", "Client not found!", "Сделка не найдена", "Заказ не найден",
		"not_found", "order_not_found", "order 12345 not found", "Order not found", "WRONG_ACTION", "wrong_action",
	}
	unknown := []string{"okay", "queued", "null", "5", "0", "1", "-", "not_foundx", "order  not found", "unauthorized", "ok ok", "ок"}
	for _, form := range forms {
		acknowledges := form == action.Acknowledgement || form == action.Confirmation
		check := func(word string, want answer.Kind, code string) {
			t.Helper()
			quoted, err := json.Marshal(word)
			require.NoError(t, err)
			for _, body := range []string{word, " \n" + word + "\r\n", "\ufeff" + word, string(quoted)} {
				verdict := answer.Success([]byte(body), form)
				require.Equal(t, want, verdict.Kind, "%q as %v", body, form)
				require.Equal(t, code, verdict.Code, "%q as %v", body, form)
				require.Equal(t, want == answer.Unreadable, verdict.Error() != "", "%q as %v", body, form)
			}
		}
		for _, word := range successes {
			if acknowledges {
				check(word, answer.Accepted, "")
			} else {
				check(word, answer.Unreadable, "")
			}
			require.True(t, answer.IsSuccessWord(" "+word+"\n"))
		}
		for _, word := range failures {
			check(word, answer.Refused, word)
			require.False(t, answer.IsSuccessWord(word))
		}
		for _, word := range unknown {
			check(word, answer.Unreadable, "")
		}
	}
}

func TestEmptyBodiesAndPages(t *testing.T) {
	t.Parallel()
	for _, form := range forms {
		for _, body := range []string{"", " ", "\r\n\t", "\ufeff", "\ufeff \n"} {
			want := answer.Unreadable
			if form == action.Acknowledgement {
				want = answer.Accepted
			}
			require.Equal(t, want, answer.Success([]byte(body), form).Kind, "%q as %v", body, form)
		}
		for _, body := range []string{"<html>", "\n<!DOCTYPE html>", "<?xml?>", "<ok>", "<"} {
			verdict := answer.Success([]byte(body), form)
			require.Equal(t, answer.Unreadable, verdict.Kind)
			require.True(t, verdict.Page)
		}
	}
	require.False(t, answer.IsPage(nil))
}

// The members by which an object tells success from failure.
func TestEnvelopes(t *testing.T) {
	t.Parallel()
	accepted := []string{
		`{}`, `{"status":"success"}`, `{"status":"OK"}`, `{"status":"true"}`, `{"status":true}`, `{"status":1}`, `{"status":"1"}`,
		`{"status":200}`, `{"status":"201"}`, `{"status":299}`, `{"status":200.0}`, `{"status":null}`, `{"status":""}`, `{"Status":"success"}`,
		`{"ok":true}`, `{"result":"success"}`, `{"result":5}`, `{"code":200}`, `{"code":0}`, `{"code":"A-7"}`, `{"error_code":0}`,
		`{"failed":0}`, `{"failed":false}`, `{"exception":null}`, `{"status":"success","detail":"sent"}`, `{"detail":null}`, `{"ok":true,"message":"sent"}`,
		`{"success":true}`, `{"success":1}`, `{"success":null}`, `{"success":{"id":5}}`, `{"success":"5 sent"}`, `{"success":""}`,
		`{"error":null}`, `{"error":false}`, `{"error":""}`, `{"error":{}}`, `{"error":[]}`, `{"error":0}`, `{"error":"0"}`,
		`{"error":"false"}`, `{"error":"None"}`, `{"error":"null"}`, `{"errors":[]}`, `{"errors":0}`, `{"message":"ok"}`, `{"success":true,"message":"sent"}`,
		`{"status":"success","message":"sent"}`, `{"id":5}`, ` { "status" : "success" } `,
		`{"status":" success"}`, `{"Status":null}`, `{"ok":null}`, `{"result":""}`, `{"result":"None"}`, `{"ok":true,"result":5,"detail":"sent"}`,
		`{"code":600}`, `{"code":299}`, `{"code":1000}`, `{"code":null}`,
	}
	refused := map[string][2]string{
		`{"status":"fail"}`:                                         {"fail", ""},
		`{"status":"error","message":"m"}`:                          {"error", "m"},
		`{"message":"m","status":"error"}`:                          {"error", "m"},
		`{"status":"client_not_found"}`:                             {"client_not_found", ""},
		`{"status":"wrong action"}`:                                 {"wrong action", ""},
		`{"message":"client_not_found"}`:                            {"client_not_found", ""},
		`{"Status":"client_not_found"}`:                             {"client_not_found", ""},
		`{"status":{"code":"client_not_found"}}`:                    {"client_not_found", ""},
		`{"result":"order 5 not found","message":"m"}`:              {"order 5 not found", "m"},
		`{"status":0}`:                                              {"0", ""},
		`{"status":404}`:                                            {"404", ""},
		`{"status":false}`:                                          {"false", ""},
		`{"success":false}`:                                         {"", ""},
		`{"success":"False"}`:                                       {"", ""},
		`{"success":0}`:                                             {"", ""},
		`{"success":false,"status":"success"}`:                      {"", ""},
		`{"error":true}`:                                            {"", ""},
		`{"error":1}`:                                               {"", ""},
		`{"error":"bad_request"}`:                                   {"bad_request", ""},
		`{"error":"Wrong parameters!"}`:                             {"", "Wrong parameters!"},
		`{"error":"Wrong parameters!","message":"first"}`:           {"", "Wrong parameters!"},
		`{"message":"first","error":"Wrong parameters!"}`:           {"", "first"},
		`{"error":{"code":"c","message":"m"}}`:                      {"c", "m"},
		`{"error":{"code":5,"message":null}}`:                       {"5", ""},
		`{"error":{"x":1}}`:                                         {"", ""},
		`{"error":["a","b"]}`:                                       {"", `["a","b"]`},
		`{"errors":["a"]}`:                                          {"", `["a"]`},
		`{"status":"success","error":"x_y"}`:                        {"x_y", ""},
		`{"status":"fail","error":"x_y"}`:                           {"x_y", ""},
		`{"status":"order 12345 not found","detail":"gone"}`:        {"order 12345 not found", "gone"},
		`{"status":" client_not_found"}`:                            {" client_not_found", ""},
		`{"status":400}`:                                            {"400", ""},
		`{"status":{"a":"client_not_found","b":"wrong_action"}}`:    {"client_not_found", ""},
		`{"code":"client_not_found"}`:                               {"client_not_found", ""},
		`{"error":"x_y","success":true}`:                            {"x_y", ""},
		`{"success":false,"success":true}`:                          {"", ""},
		`{"success":false,"result":"client_not_found"}`:             {"client_not_found", ""},
		`{"message":"m","error":{"code":"c","message":""}}`:         {"c", "m"},
		`{"error":"order not found"}`:                               {"order not found", ""},
		`{"status":"error","message":null,"description":"later"}`:   {"error", "later"},
		`{"status":"error","message":{"a":1},"error_message":"is"}`: {"error", "is"},
	}
	unreadable := []string{
		`{`, `{"status"`, `{"status":}`, `{"status":"success"`, `{"status":"success"} x`, `{"status":succ}`, `{"a":tru}`, `{"a":01}`, `{'status':'ok'}`,
		`{"a":1,}`, `{"a" 1}`, `{a:1}`,
	}
	// What was never seen proves neither.
	doubtful := []string{
		`{"status":"queued"}`, `{"status":"sent"}`, `{"status":"successful"}`, `{"status":500}`, `{"status":"503"}`, `{"status":408}`, `{"status":499}`, `{"status":300}`, `{"status":199}`,
		`{"status":["fail"]}`, `{"status":{"code":"fail"}}`, `{"status":{"a":1}}`, `{"Status":"fail"}`, `{"STATUS":"queued"}`,
		`{"ok":false}`, `{"ok":"no"}`, `{"ok":0}`, `{"result":false}`, `{"result":"error"}`, `{"Success":false}`, `{"Error":"x"}`,
		`{"code":400,"message":"bad request"}`, `{"code":"500"}`, `{"statusCode":503}`, `{"error_code":5,"error_message":"bad"}`, `{"errorCode":"E1"}`,
		`{"errorMessage":"bad"}`, `{"error-message":"bad"}`, `{"exception":"NullPointer"}`, `{"failed":true}`, `{"failed":3}`, `{"failures":[1]}`,
		`{"detail":"Not found."}`, `{"detail":["a"]}`, `{"message":"fail"}`, `{"message":"Not Found"}`, `{"status":"success","ok":false}`, `{"status":"success","code":404}`,
		`{"status":"5 sent"}`, `{"code":300}`, `{"code":599.5}`, `{"code":"error"}`, `{"error code":5}`, `{"detail":"x","details":null}`,
	}
	for _, form := range []action.Answer{action.Acknowledgement, action.Confirmation, action.Data} {
		for _, body := range doubtful {
			verdict := answer.Success([]byte(body), form)
			require.Equal(t, answer.Unreadable, verdict.Kind, body)
			require.NotEmpty(t, verdict.Problem, body)
		}
		for _, body := range accepted {
			require.Equal(t, answer.Accepted, answer.Success([]byte(body), form).Kind, body)
		}
		for body, want := range refused {
			verdict := answer.Success([]byte(body), form)
			require.Equal(t, answer.Refused, verdict.Kind, body)
			require.Equal(t, want, [2]string{verdict.Code, verdict.Message}, body)
		}
		for _, body := range unreadable {
			verdict := answer.Success([]byte(body), form)
			require.Equal(t, answer.Unreadable, verdict.Kind, body)
			require.NotEmpty(t, verdict.Problem)
		}
	}
	// If the keys are the user's own, none of that counts.
	for _, body := range append(accepted, `{"status":"fail"}`, `{"success":false}`, `{"error":"x"}`, `{"status":"client_not_found","a":1}`) {
		require.Equal(t, answer.Accepted, answer.Success([]byte(body), action.Flat).Kind, body)
	}
	for _, body := range doubtful {
		require.Equal(t, answer.Accepted, answer.Success([]byte(body), action.Flat).Kind, body)
	}
	verdict := answer.Success([]byte(`{"status":"queued","message":"later"}`), action.Confirmation)
	require.Equal(t, [2]string{"queued", "later"}, [2]string{verdict.Code, verdict.Message}, "an error names it")
	require.Equal(t, answer.Verdict{Kind: answer.Refused, Code: "wrong_action", Message: "no"},
		answer.Success([]byte(`{"status":"wrong_action","message":"no"}`), action.Flat))
	for _, body := range []string{
		`{"status":"client_not_found"}`, ` {"status" : "client_not_found"} `, `{"status":"Client not found"}`, `{"message":"no such client","status":"client_not_found"}`,
	} {
		verdict := answer.Success([]byte(body), action.Flat)
		require.Equal(t, answer.Refused, verdict.Kind)
		require.True(t, answer.IsClientNotFound(verdict.Code))
	}
	for _, body := range unreadable {
		verdict := answer.Success([]byte(body), action.Flat)
		require.Equal(t, answer.Unreadable, verdict.Kind, body)
		require.NotEmpty(t, verdict.Problem, body)
	}
}

func TestArrays(t *testing.T) {
	t.Parallel()
	for _, form := range []action.Answer{action.Acknowledgement, action.Confirmation} {
		require.Equal(t, answer.Accepted, answer.Success([]byte(`[1,2]`), form).Kind)
		require.Equal(t, answer.Unreadable, answer.Success([]byte(`[1,2`), form).Kind)
		for _, body := range []string{`[{"status":"fail"}]`, `["error"]`, `[false]`, `[{"id":1},{"status":"client_not_found"}]`, `[1,"error"]`, `[{"status":"queued"}]`} {
			verdict := answer.Success([]byte(body), form)
			require.Equal(t, answer.Unreadable, verdict.Kind, body)
			require.NotEmpty(t, verdict.Problem, body)
		}
		require.NotEmpty(t, answer.Success([]byte(`[1,2`), form).Problem)
		require.Equal(t, answer.Accepted, answer.Success([]byte(`["x",null]`), form).Kind)
		require.Equal(t, answer.Verdict{Kind: answer.Refused, Code: "wrong action"}, answer.Success([]byte(`["wrong action"]`), form))
		require.Equal(t, "client_not_found", answer.Success([]byte(`[{"status":"client_not_found"}]`), form).Code)
		require.Equal(t, answer.Unreadable, answer.Success([]byte(`{"message":"Queued for later"}`), form).Kind, "a text for people is no status")
	}
	require.Equal(t, answer.Accepted, answer.Success([]byte(`{"message":"Queued for later","id":5}`), action.Data).Kind)
	require.Equal(t, answer.Accepted, answer.Success([]byte(`[1,2`), action.Data).Kind, "the caller reads it")
	require.Equal(t, answer.Accepted, answer.Success([]byte(`[ ]`), action.Flat).Kind)
	require.Equal(t, answer.Unreadable, answer.Success([]byte(`[1]`), action.Flat).Kind)
	require.NotEmpty(t, answer.Success([]byte(`[1]`), action.Flat).Problem)
}

// A refusal counts by its own word, in whatever member of a failure that stands.
func TestNamedRefusals(t *testing.T) {
	t.Parallel()
	bodies := map[string]string{
		`{"status":"error","message":"client_not_found"}`:             "client_not_found",
		`{"status":"fail","reason":"client_not_found"}`:               "client_not_found",
		`{"status":404,"message":"client_not_found"}`:                 "client_not_found",
		`{"success":false,"message":"WRONG_ACTION"}`:                  "WRONG_ACTION",
		`{"error":"Client not found"}`:                                "Client not found",
		`{"error":{"message":"Client not found"}}`:                    "Client not found",
		`{"error":{"code":404,"message":"client_not_found"}}`:         "client_not_found",
		`{"message":"Error","error":"Client not found"}`:              "Client not found",
		`{"error":"bad_request","message":"client_not_found"}`:        "client_not_found",
		`{"status":"error","message":"order 5 not found"}`:            "order 5 not found",
		`{"code":404,"message":"client_not_found"}`:                   "client_not_found",
		`{"status":"queued","message":"client_not_found"}`:            "client_not_found",
		`{"error":"client_not_found","message":"no such client"}`:     "client_not_found",
		`{"error_message":"client_not_found"}`:                        "client_not_found",
		`{"success":false,"error":"not_found","message":"Not Found"}`: "not_found",
	}
	for body, want := range bodies {
		for _, form := range forms[:3] {
			verdict := answer.Success([]byte(body), form)
			require.Equal(t, answer.Refused, verdict.Kind, body)
			require.Equal(t, want, verdict.Code, body)
			require.NotEqual(t, verdict.Code, verdict.Message, body)
		}
		verdict := answer.Failure([]byte(body))
		require.Equal(t, want, verdict.Code, body)
		flat := answer.Success([]byte(body), action.Flat)
		require.Equal(t, answer.IsClientNotFound(want) || answer.IsWrongAction(want), flat.Kind == answer.Refused, body)
	}
	// What web servers say of a missing page is none.
	for _, body := range []string{`{"status":"error","message":"Not Found"}`, `{"error":"Not Found"}`, `{"error":{"message":"not found"}}`} {
		require.NotContains(t, strings.ToLower(answer.Success([]byte(body), action.Data).Code), "not found", body)
		require.NotContains(t, strings.ToLower(answer.Failure([]byte(body)).Code), "not found", body)
	}
	// Beside a variable of another name they are variables.
	for body := range bodies {
		require.Equal(t, answer.Accepted, answer.Success([]byte(`{"city":"Riga",`+body[1:]), action.Flat).Kind, body)
	}
}

// Where nothing but a success is due, a member that says failure raises doubts, whatever
// its name, and so does one of a member. A status that says success outweighs it.
func TestHints(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"response":"error"}`, `{"type":"error"}`, `{"state":"failed","id":5}`, `{"data":{"status":"fail"}}`, `{"result":{"status":"error"}}`,
		`{"response":{"ok":false}}`, `{"result":{"error":"x"}}`, `{"data":{"status":"queued"}}`,
	} {
		for _, form := range []action.Answer{action.Acknowledgement, action.Confirmation} {
			require.Equal(t, answer.Unreadable, answer.Success([]byte(body), form).Kind, body)
			require.Equal(t, answer.Accepted, answer.Success([]byte(`{"status":"success",`+body[1:]), form).Kind, body)
			require.Equal(t, answer.Accepted, answer.Success([]byte(`{"success":true,`+body[1:]), form).Kind, body)
		}
		require.Equal(t, answer.Accepted, answer.Success([]byte(body), action.Data).Kind, body)
	}
	for _, body := range []string{`{"response":"client_not_found"}`, `{"data":{"status":"client_not_found"}}`, `{"data":{"status":"error","message":"client_not_found"}}`} {
		require.Equal(t, answer.Verdict{Kind: answer.Refused, Code: "client_not_found"}, answer.Success([]byte(body), action.Confirmation), body)
	}
	for _, body := range []string{`{"response":"ok"}`, `{"data":{"id":5}}`, `{"data":{"data":{"status":"fail"}}}`, `{"text":"an error"}`, `{"data":{"status":"success"}}`, `{"id":5,"sent":false}`} {
		require.Equal(t, answer.Accepted, answer.Success([]byte(body), action.Confirmation).Kind, body)
	}
}

// What was encoded twice says the same as what was encoded once.
func TestEncodedTwice(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]answer.Kind{`{"status":"success"}`: answer.Accepted, `{"status":"client_not_found"}`: answer.Refused, `{"status":"queued"}`: answer.Unreadable, `["error"]`: answer.Unreadable} {
		twice, err := json.Marshal("\ufeff" + body + "\n")
		require.NoError(t, err)
		once := answer.Success([]byte(body), action.Confirmation)
		require.Equal(t, want, once.Kind)
		require.Equal(t, once, answer.Success(twice, action.Confirmation))
		require.Equal(t, answer.Failure([]byte(body)).Kind, answer.Failure(twice).Kind)
	}
	require.Equal(t, answer.Accepted, answer.Success([]byte(`"{\"a\":\"b\"}"`), action.Flat).Kind)
	require.Equal(t, answer.Unreadable, answer.Success([]byte(`"{\"a\":"`), action.Confirmation).Kind)
	require.Equal(t, answer.Unreadable, answer.Success([]byte(`"{}`), action.Confirmation).Kind)
}

// The body of an answer that is a failure by its status only adds to it.
func TestFailures(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]answer.Verdict{
		"":                                   {},
		" \n":                                {},
		"<html>":                             {Page: true},
		"client_not_found":                   {Code: "client_not_found"},
		`"client_not_found"`:                 {Code: "client_not_found"},
		"WRONG_ACTION\n":                     {Code: "WRONG_ACTION"},
		`" client_not_found "`:               {Code: "client_not_found"},
		"Not Found":                          {Message: "Not Found", Plain: true},
		"not_found":                          {Code: "not_found"},
		"some private_text here":             {Message: "some private_text here", Plain: true},
		`{"status":"Not Found"}`:             {Message: "Not Found"},
		`{"status":"not_found"}`:             {Code: "not_found"},
		`{"status":"queued","message":"m"}`:  {Code: "queued", Message: "m"},
		`{"status":"success","ok":false}`:    {},
		"order 12345 not found":              {Code: "order 12345 not found"},
		"Internal Server Error":              {Message: "Internal Server Error", Plain: true},
		"5":                                  {Message: "5", Plain: true},
		"[1]":                                {Message: "[1]", Plain: true},
		"anna":                               {Message: "anna", Plain: true},
		"token_5f3a":                         {Message: "token_5f3a", Plain: true},
		"LIMIT_EXCEEDED":                     {Code: "LIMIT_EXCEEDED"},
		"ok":                                 {Kind: answer.Accepted},
		`"Success"`:                          {Kind: answer.Accepted},
		`{"success":true}`:                   {Kind: answer.Accepted},
		`{"id":5}`:                           {},
		`{"message":"no Route matched"}`:     {Message: "no Route matched"},
		`{"status":404,"error":"Not Found"}`: {Code: "404", Message: "Not Found"},
		`{"status":"fail","message":"m"}`:    {Code: "fail", Message: "m"},
		`{"status":"success"}`:               {Kind: answer.Accepted},
		`{"error":{"code":"c"}}`:             {Code: "c"},
		`{"broken`:                           {},
		`"broken`:                            {},
		strings.Repeat("x", 65):              {Message: strings.Repeat("x", 65), Plain: true},
		`{"message":"only","x":{"y":[1]}}`:   {Message: "only"},
	} {
		if want.Kind == answer.Unreadable {
			want.Kind = answer.Refused
		}
		require.Equal(t, want, answer.Failure([]byte(body)), body)
	}
}

func TestCodes(t *testing.T) {
	t.Parallel()
	for code, is := range map[string][4]bool{ // client, order, something, permission
		"client_not_found":                                {true, false, false, false},
		" Client Not Found ":                              {true, false, false, false},
		"order_not_found":                                 {false, true, false, false},
		"order 12345 not found":                           {false, true, false, false},
		" order_not_found ":                               {false, true, false, false},
		"Order ab-1 not_found":                            {false, true, false, false},
		"order " + strings.Repeat("9", 32) + " not found": {false, true, false, false},
		"order " + strings.Repeat("9", 33) + " not found": {false, false, false, false},
		"order 1 2 not found":                             {false, false, false, false},
		"not_found":                                       {false, false, true, false},
		"Not found":                                       {false, false, true, false},
		"wrong_action":                                    {false, false, false, true},
		"WRONG ACTION":                                    {false, false, false, true},
		"reorder_not_found":                               {false, false, false, false},
		"":                                                {false, false, false, false},
		"client_not_found_" + strings.Repeat("x", 1<<10):    {false, false, false, false},
		"order_" + strings.Repeat("_", 1<<10) + "not_found": {false, false, false, false},
	} {
		got := [4]bool{answer.IsClientNotFound(code), answer.IsOrderNotFound(code), answer.IsNotFound(code), answer.IsWrongAction(code)}
		require.Equal(t, is, got, code)
	}
}

func TestSigns(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"ok", "Status", "error_message", "errorMessage", "Error-Description", "HTTP status", "timestamp"} {
		require.True(t, answer.IsSign(key), key)
	}
	for _, key := range []string{"", "id", "statuses", "my_error", strings.Repeat("_", 20) + "ok"} {
		require.False(t, answer.IsSign(key), key)
	}
	for word, want := range map[string]bool{"Failed": true, "false": true, "client_not_found": true, "order 5 not found": true, "ok": false, "queued": false, "": false} {
		require.Equal(t, want, answer.IsFailureWord(word), word)
	}
}

func TestEnvelopeHandsOutData(t *testing.T) {
	t.Parallel()
	var got []string
	e := answer.Envelope{DataKeys: []string{"result", "items"}, Data: func(key string, value []byte) error {
		got = append(got, key+"="+string(value))
		return nil
	}}
	for _, member := range [][2]string{{"status", `"success"`}, {"result", "[broken"}, {"other", "1"}, {"items", "2"}} {
		require.NoError(t, e.Member(member[0], []byte(member[1])))
	}
	require.Equal(t, []string{"result=[broken", "items=2"}, got)
	require.Equal(t, answer.Accepted, e.Verdict().Kind)
	require.Equal(t, "success", e.Status())
}

func FuzzSuccess(f *testing.F) {
	for _, body := range []string{"", "ok", "{}", "[]", `{"status":"success"}`, `{"error":{"code":1}}`, "<", `"`, "\ufeff", `{"status":"order 1 not found"}`} {
		for form := range forms {
			f.Add([]byte(body), uint8(form))
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, form uint8) {
		verdict := answer.Success(body, forms[int(form)%len(forms)])
		switch verdict.Kind {
		case answer.Accepted:
			if verdict.Code != "" || verdict.Problem != "" {
				t.Fatalf("accepted with %+v", verdict)
			}
		case answer.Refused:
			if verdict.Problem != "" {
				t.Fatalf("refused and unreadable: %+v", verdict)
			}
		case answer.Unreadable:
			if verdict.Problem == "" {
				t.Fatal("unreadable without a reason")
			}
		}
		// An object that was accepted or refused is JSON, as it is checked to its end.
		trimmed := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(string(body)), "\ufeff"))
		if verdict.Kind != answer.Unreadable && strings.HasPrefix(trimmed, "{") && !json.Valid([]byte(trimmed)) {
			t.Fatalf("%q was read", body)
		}
		if failure := answer.Failure(body); failure.Kind == answer.Unreadable {
			t.Fatal("a failure is one whatever it says")
		}
	})
}
