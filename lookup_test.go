package salebot_test

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
)

// always answers every request in the same way.
func always(t testing.TB, status int, body string) *salebot.Client {
	t.Helper()
	return clienttest.New(t, clienttest.MemoryAPI(func(clienttest.MemoryCall) (int, string, error) { return status, body, nil }), salebot.WithoutRetries())
}

// oneClient are the look-ups of one client.
var oneClient = map[string]func(context.Context, *salebot.Client) (salebot.ClientID, error){
	"GetClientIDByPhone": func(ctx context.Context, c *salebot.Client) (salebot.ClientID, error) {
		return c.GetClientIDByPhone(ctx, "79000000000")
	},
	"GetClientIDByEmail": func(ctx context.Context, c *salebot.Client) (salebot.ClientID, error) {
		return c.GetClientIDByEmail(ctx, "ann@example.com")
	},
	"GetClientIDByVariable": func(ctx context.Context, c *salebot.Client) (salebot.ClientID, error) {
		return c.GetClientIDByVariable(ctx, salebot.GetClientIDByVariableRequest{Name: "a", Value: "1"})
	},
	"GetLatestClientIDByVariable": func(ctx context.Context, c *salebot.Client) (salebot.ClientID, error) {
		return c.GetLatestClientIDByVariable(ctx, "a", "1")
	},
	"GetClientIDByOnlineChat": func(ctx context.Context, c *salebot.Client) (salebot.ClientID, error) {
		return c.GetClientIDByOnlineChat(ctx, salebot.GetClientIDByOnlineChatRequest{Recipient: "x"})
	},
	"GetClientIDByWhatsApp": func(ctx context.Context, c *salebot.Client) (salebot.ClientID, error) {
		return c.GetClientIDByWhatsApp(ctx, salebot.GetClientIDByWhatsAppRequest{Phone: "79000000000"})
	},
}

// manyClients are the look-ups of any number of clients.
var manyClients = map[string]func(context.Context, *salebot.Client) ([]salebot.ClientID, error){
	"GetClientIDsByVariable": func(ctx context.Context, c *salebot.Client) ([]salebot.ClientID, error) {
		return c.GetClientIDsByVariable(ctx, "a", "1")
	},
	"GetClientIDsByVariables": func(ctx context.Context, c *salebot.Client) ([]salebot.ClientID, error) {
		return c.GetClientIDsByVariables(ctx, map[string]string{"a": "1", "b": "2"})
	},
	"FindClients": func(ctx context.Context, c *salebot.Client) ([]salebot.ClientID, error) {
		return c.FindClients(ctx, salebot.FindClientsRequest{Query: map[string]salebot.Condition{"a": salebot.Equals(1)}})
	},
}

// lookUp runs all look-ups of client ids with one answer.
func lookUp(t *testing.T, status int, body string, one func(t *testing.T, id salebot.ClientID, err error), many func(t *testing.T, ids []salebot.ClientID, err error)) {
	t.Helper()
	for name, call := range oneClient {
		t.Run(name+" "+body, func(t *testing.T) {
			t.Parallel()
			id, err := call(t.Context(), always(t, status, body))
			one(t, id, err)
		})
	}
	for name, call := range manyClients {
		t.Run(name+" "+body, func(t *testing.T) {
			t.Parallel()
			ids, err := call(t.Context(), always(t, status, body))
			many(t, ids, err)
		})
	}
}

// Every form in which the number of a client was seen, or may come.
func TestLookUpFound(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][]salebot.ClientID{
		`{"client_id":836000000}`:                                    {836000000},
		`{"client_id":"836000000"}`:                                  {836000000},
		`{"status":"success","client_id":836000000}`:                 {836000000},
		`{"status":"success","id":836000000}`:                        {836000000},
		`{"status":"success","client_ids":[93890000]}`:               {93890000},
		`{"status":"success","client_ids":[93890000,"5",7]}`:         {93890000, 5, 7},
		`{"status":"success","client_id":[93890000,7]}`:              {93890000, 7},
		`{"ids":[93890000]}`:                                         {93890000},
		`{"status":"success","result":[1,2]}`:                        {1, 2},
		`[836000000]`:                                                {836000000},
		`["836000000",2]`:                                            {836000000, 2},
		`{"client_id":9007199254740993}`:                             {9007199254740993},
		`{"client_id":"9007199254740993"}`:                           {9007199254740993},
		`[9007199254740993]`:                                         {9007199254740993},
		`{"client_id":9223372036854775807}`:                          {math.MaxInt64},
		` {"client_id" : 5 , "new" : {"client_id": 6} , "status":1}`: {5},
	} {
		lookUp(t, http.StatusOK, body, func(t *testing.T, id salebot.ClientID, err error) {
			t.Helper()
			require.NoError(t, err)
			require.Equal(t, want[0], id)
		}, func(t *testing.T, ids []salebot.ClientID, err error) {
			t.Helper()
			require.NoError(t, err)
			require.Equal(t, want, ids)
		})
	}
}

// Nobody is an error of its class where one client is wanted, and an empty list
// where any number is.
func TestLookUpNobody(t *testing.T) {
	t.Parallel()
	for _, answer := range []struct {
		status int
		body   string
	}{
		{200, `{"client_id":null}`},
		{200, `{"status":"success","client_id":null}`},
		{200, `{"client_id":""}`},
		{200, `{"client_id":"None"}`},
		{200, `{"client_id":0}`},
		{200, `{"status":"success","client_ids":[]}`},
		{200, `{"client_ids":null}`},
		{200, `[]`},
		{200, `{"result":[]}`},
		{200, `{"status":"client_not_found"}`},
		{200, `{"status":"not_found"}`},
		{200, `client_not_found`},
		{200, `"not_found"`},
		{200, `{"error":"client_not_found"}`},
		{404, `{"status":"client_not_found"}`},
		{404, `client_not_found`},
		{404, `{"status":"not_found"}`},
		{400, `{"error":"client_not_found"}`},
	} {
		lookUp(t, answer.status, answer.body, func(t *testing.T, id salebot.ClientID, err error) {
			t.Helper()
			require.ErrorIs(t, err, salebot.ErrClientNotFound)
			require.ErrorIs(t, err, salebot.ErrNotFound)
			clienttest.RequireOutcome(t, err, salebot.OutcomeRejected)
			require.Zero(t, id)
		}, func(t *testing.T, ids []salebot.ClientID, err error) {
			t.Helper()
			require.NoError(t, err)
			require.Equal(t, []salebot.ClientID{}, ids)
		})
	}
	// A plain 404 says it for whatsapp_client_id alone, whose reference says so.
	for name, call := range oneClient {
		_, err := call(t.Context(), always(t, http.StatusNotFound, "Client not found"))
		require.ErrorIs(t, err, salebot.ErrClientNotFound, name)
		_, err = call(t.Context(), always(t, http.StatusNotFound, ""))
		if name == "GetClientIDByWhatsApp" {
			require.ErrorIs(t, err, salebot.ErrClientNotFound)
			continue
		}
		require.ErrorIs(t, err, salebot.ErrUnexpectedResponse, name)
		require.NotErrorIs(t, err, salebot.ErrNotFound, name)
	}
	// That it finds nobody is something that a plural look-up has to say itself.
	_, err := always(t, http.StatusNotFound, "").GetClientsByPlatformID(t.Context(), salebot.GetClientsByPlatformIDRequest{PlatformIDs: []salebot.PlatformID{"1"}})
	require.ErrorIs(t, err, salebot.ErrRejected)
	require.NotErrorIs(t, err, salebot.ErrNotFound)
}

// An answer that cannot be trusted is neither a client nor nobody.
func TestLookUpUnexpected(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		``, `ok`, `true`, `null`, `0`, `-5`, `{}`, `{"status":"success"}`, `<html></html>`, `{"client_id":836`, `{"client_id":-5}`, `[-5]`, `[0]`, `[null]`, `[1,null]`,
		`{"client_id":{"id":1}}`, `{"client_id":true}`, `{"client_id":1.5}`, `{"client_id":1e-3}`, `{"client_id":9223372036854775808}`, `{"client_id":"Ann"}`, `[[1]]`,
		`{"client_ids":["x"]}`, `836000000`, `"836000000"`, `404`, `1`, `"1"`, `{"result":5}`, `{"result":"5"}`, `{"client_id":5}x`, `[1`, `[1]]`, `12ab`, `"12ab"`, `{"client_id":tru}`, `5 6`,
	} {
		lookUp(t, http.StatusOK, body, func(t *testing.T, id salebot.ClientID, err error) {
			t.Helper()
			require.ErrorIs(t, err, salebot.ErrUnexpectedResponse)
			require.NotErrorIs(t, err, salebot.ErrNotFound)
			require.Zero(t, id)
		}, func(t *testing.T, ids []salebot.ClientID, err error) {
			t.Helper()
			require.ErrorIs(t, err, salebot.ErrUnexpectedResponse)
			require.Empty(t, ids)
		})
	}
	// Nor is a page of HTML, which is a wrong address.
	lookUp(t, http.StatusNotFound, `<html></html>`, func(t *testing.T, _ salebot.ClientID, err error) {
		t.Helper()
		require.ErrorIs(t, err, salebot.ErrUnexpectedResponse)
		require.NotErrorIs(t, err, salebot.ErrNotFound)
	}, func(t *testing.T, _ []salebot.ClientID, err error) {
		t.Helper()
		require.ErrorIs(t, err, salebot.ErrUnexpectedResponse)
	})
	lookUp(t, http.StatusOK, `{"status":"fail","message":"Error in parameter format"}`, func(t *testing.T, _ salebot.ClientID, err error) {
		t.Helper()
		require.ErrorIs(t, err, salebot.ErrRejected)
		require.NotErrorIs(t, err, salebot.ErrNotFound)
		require.ErrorContains(t, err, "Error in parameter format")
	}, func(t *testing.T, _ []salebot.ClientID, err error) {
		t.Helper()
		require.ErrorIs(t, err, salebot.ErrRejected)
	})
}

func TestGetClientsByPlatformIDForms(t *testing.T) {
	t.Parallel()
	request := salebot.GetClientsByPlatformIDRequest{PlatformIDs: []salebot.PlatformID{"571000000", "256000000"}}
	for body, want := range map[string][]salebot.ClientID{
		`[{"id":15099000,"platform_id":"2560000"}]`:                      {15099000},
		`[{"id":"15099000"},{"client_id":7}]`:                            {15099000, 7},
		`{"status":"success","clients":[{"id":9007199254740993}]}`:       {9007199254740993},
		`{"result":[{"id":"9007199254740993"},{"id":9007199254740993}]}`: {9007199254740993, 9007199254740993},
		`[]`:                            {},
		`{"clients":[]}`:                {},
		`{"status":"client_not_found"}`: {},
	} {
		records, err := always(t, http.StatusOK, body).GetClientsByPlatformID(t.Context(), request)
		require.NoError(t, err, body)
		require.NotNil(t, records)
		ids := []salebot.ClientID{}
		for _, record := range records {
			ids = append(ids, record.ID)
		}
		require.Equal(t, want, ids, body)
	}
	for _, body := range []string{`[{"name":"Ann"}]`, `[{"id":0}]`, `[5]`, `{"client_id":5}`, `null`, `[{"id":1}`, `ok`, ``} {
		_, err := always(t, http.StatusOK, body).GetClientsByPlatformID(t.Context(), request)
		require.ErrorIs(t, err, salebot.ErrUnexpectedResponse, body)
	}
}

// What a look-up asks for.
func TestLookUpRequests(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		call func(context.Context, *salebot.Client) error
		want string
	}{
		"phone with a plus": {func(ctx context.Context, c *salebot.Client) error {
			_, err := c.GetClientIDByPhone(ctx, "+7 900")
			return err
		}, "find_client_id_by_phone?phone=%2B7+900"},
		"e-mail": {func(ctx context.Context, c *salebot.Client) error {
			_, err := c.GetClientIDByEmail(ctx, "a+b&c@example.com")
			return err
		}, "find_client_id_by_email?email=a%2Bb%26c%40example.com"},
		"variable of a deal": {func(ctx context.Context, c *salebot.Client) error {
			_, err := c.GetClientIDByVariable(ctx, salebot.GetClientIDByVariableRequest{Name: "имя", Value: "Анна", GroupID: "bot", SearchIn: salebot.SearchInOrder})
			return err
		}, "find_client_id_by_var?group_id=bot&search_in=order&val=%D0%90%D0%BD%D0%BD%D0%B0&var=%D0%B8%D0%BC%D1%8F"},
		"several variables": {func(ctx context.Context, c *salebot.Client) error {
			_, err := c.GetClientIDsByVariables(ctx, map[string]string{"b": "2", "a": "1", "c": "x y"})
			return err
		}, "find_all_client_id_by_several_vars?a=1&b=2&c=x+y"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got string
			client := clienttest.New(t, clienttest.MemoryAPI(func(call clienttest.MemoryCall) (int, string, error) {
				got = call.Action + "?" + call.Query.Encode()
				return http.StatusOK, `[1]`, nil
			}))
			require.NoError(t, test.call(t.Context(), client))
			require.Equal(t, test.want, got)
		})
	}
}

// The conditions of FindClients, and how several of them go together.
func TestFindClientsRequests(t *testing.T) {
	t.Parallel()
	conditions := func(pairs ...any) map[string]salebot.Condition {
		query := map[string]salebot.Condition{}
		for i := 0; i < len(pairs); i += 2 {
			query[pairs[i].(string)] = pairs[i+1].(salebot.Condition)
		}
		return query
	}
	for want, request := range map[string]salebot.FindClientsRequest{
		`{"q":{"name":"Joe"}}`:                                {Query: conditions("name", salebot.Equals("Joe"))},
		`{"q":{"age":30}}`:                                    {Query: conditions("age", salebot.Equals(30))},
		`{"q":{"big":9007199254740993}}`:                      {Query: conditions("big", salebot.Equals(int64(9007199254740993)))},
		`{"q":{"x":null}}`:                                    {Query: conditions("x", salebot.Equals(nil))},
		`{"q":{"name":{"_in":["Joe","Jane"]}}}`:               {Query: conditions("name", salebot.In("Joe", "Jane"))},
		`{"q":{"name":{"_in":["Joe"]}}}`:                      {Query: conditions("name", salebot.In("Joe"))},
		`{"q":{"name":{"_not_in":["Joe",1]}}}`:                {Query: conditions("name", salebot.NotIn("Joe", 1))},
		`{"q":{"name":{"_not":"Joe"}}}`:                       {Query: conditions("name", salebot.Not("Joe"))},
		`{"q":{"name":{"_not":null}}}`:                        {Query: conditions("name", salebot.Not(nil))},
		`{"q":{"age":{"_gt":18}}}`:                            {Query: conditions("age", salebot.Operator("_gt", 18))},
		`{"q":{"a":"1","b":{"_not":"2"},"имя":"<Анна>"}}`:     {Query: conditions("имя", salebot.Equals("<Анна>"), "b", salebot.Not("2"), "a", salebot.Equals("1"))},
		`{"q":{"a":"1"},"search_in":"order"}`:                 {Query: conditions("a", salebot.Equals("1")), SearchIn: salebot.SearchInOrder},
		`{"q":{"a":"1","b":"2"},"include_all":false}`:         {Query: conditions("a", salebot.Equals("1"), "b", salebot.Equals("2")), Any: true},
		`{"q":{"a":"1"},"search_in":"x","include_all":false}`: {Query: conditions("a", salebot.Equals("1")), SearchIn: "x", Any: true},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			var got string
			client := clienttest.New(t, clienttest.MemoryAPI(func(call clienttest.MemoryCall) (int, string, error) {
				got = string(call.Body)
				return http.StatusOK, `{"status":"success","client_ids":[41000,5620000,780000]}`, nil
			}))
			ids, err := client.FindClients(t.Context(), request)
			require.NoError(t, err)
			require.Equal(t, []salebot.ClientID{41000, 5620000, 780000}, ids)
			require.Equal(t, want, got)
		})
	}
	for field, query := range map[string]map[string]salebot.Condition{
		"Query":      nil,
		`Query[""]`:  conditions("", salebot.Equals(1)),
		`Query["a"]`: conditions("a", salebot.Condition{}),
		`Query["b"]`: conditions("b", salebot.In()),
		`Query["c"]`: conditions("c", salebot.NotIn()),
		`Query["d"]`: conditions("d", salebot.Equals(math.NaN())),
		`Query["e"]`: conditions("e", salebot.In(func() {})),
	} {
		_, err := always(t, http.StatusOK, "ok").FindClients(t.Context(), salebot.FindClientsRequest{Query: query})
		requireField(t, err, field)
	}
}

func TestLookUpsRefuseBadInput(t *testing.T) {
	t.Parallel()
	ctx, client := t.Context(), always(t, http.StatusOK, `[1]`)
	_, err := client.GetClientIDByPhone(ctx, " ")
	requireField(t, err, "phone")
	_, err = client.GetClientIDByEmail(ctx, "")
	requireField(t, err, "email")
	_, err = client.GetClientIDByVariable(ctx, salebot.GetClientIDByVariableRequest{Value: "1"})
	requireField(t, err, "Name")
	_, err = client.GetClientIDByVariable(ctx, salebot.GetClientIDByVariableRequest{Name: "a"})
	requireField(t, err, "Value")
	_, err = client.GetLatestClientIDByVariable(ctx, "", "1")
	requireField(t, err, "name")
	_, err = client.GetLatestClientIDByVariable(ctx, "a", "")
	requireField(t, err, "value")
	_, err = client.GetClientIDsByVariable(ctx, "a", "")
	requireField(t, err, "value")
	_, err = client.GetClientIDsByVariables(ctx, nil)
	requireField(t, err, "variables")
	_, err = client.GetClientIDsByVariables(ctx, map[string]string{"a": "1", "b": "2", "c": "3", "d": "4"})
	requireField(t, err, "variables")
	_, err = client.GetClientIDsByVariables(ctx, map[string]string{"a": "1", "b": ""})
	requireField(t, err, `variables["b"]`)
	_, err = client.GetClientIDsByVariables(ctx, map[string]string{"": "1"})
	requireField(t, err, `variables[""]`)
	_, err = client.GetClientsByPlatformID(ctx, salebot.GetClientsByPlatformIDRequest{})
	requireField(t, err, "PlatformIDs")
	_, err = client.GetClientsByPlatformID(ctx, salebot.GetClientsByPlatformIDRequest{PlatformIDs: []salebot.PlatformID{"1", ""}})
	requireField(t, err, "PlatformIDs[1]")
	_, err = client.GetClientIDByOnlineChat(ctx, salebot.GetClientIDByOnlineChatRequest{})
	requireField(t, err, "Recipient")
	_, err = client.GetClientIDByWhatsApp(ctx, salebot.GetClientIDByWhatsAppRequest{})
	requireField(t, err, "Phone")
}

// FuzzLookUp gives any body to the look-ups: they must not panic, and what they
// return must be a client.
func FuzzLookUp(f *testing.F) {
	for _, body := range []string{
		`{"client_id":836000000}`, `{"status":"success","client_ids":[93890000]}`, `[836000000]`, `5`, `null`, `{"status":"not_found"}`, `{"client_id":-1}`,
		`{"client_id":9007199254740993}`, `{"client_id":"9007199254740993"}`, `{"client_id":`, `[[]]`, "\ufeff[1]", `{"client_id":"\u0031"}`, `{"result":{}}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		client := always(t, http.StatusOK, string(body))
		for name, call := range oneClient {
			if id, err := call(t.Context(), client); err == nil {
				require.Positive(t, id, name)
				require.True(t, digitsIn(body, id), "%s returns %d for %q", name, id, body)
			}
		}
		for name, call := range manyClients {
			ids, err := call(t.Context(), client)
			if err == nil {
				require.NotNil(t, ids, name)
			}
			for _, id := range ids {
				require.Positive(t, id, name)
			}
		}
	})
}

// digitsIn reports whether the digits of a number stand in a text; escaped ones, and
// numbers with zeros in front, are not looked for.
func digitsIn(text []byte, id salebot.ClientID) bool {
	return strings.Contains(string(text), strconv.FormatInt(int64(id), 10)) || strings.Contains(string(text), `\u`)
}

// FuzzLookUpID gives one number in all its forms.
func FuzzLookUpID(f *testing.F) {
	f.Add(int64(1))
	f.Add(int64(9007199254740993))
	f.Add(int64(math.MaxInt64))
	f.Add(int64(-1))
	f.Fuzz(func(t *testing.T, n int64) {
		for _, form := range []string{`{"client_id":%d}`, `{"client_id":"%d"}`, `[%d]`, `["%d"]`, `{"client_ids":[%d]}`, `{"status":"success","id":"%d"}`} {
			id, err := oneClient["GetClientIDByPhone"](t.Context(), always(t, http.StatusOK, fmt.Sprintf(form, n)))
			if n > 0 {
				require.NoError(t, err)
				require.Equal(t, n, int64(id))
			} else {
				require.Error(t, err, form)
			}
		}
	})
}

// A look-up by a name with the prefix of writing would silently find nobody.
func TestSearchedNamesHaveNoPrefix(t *testing.T) {
	t.Parallel()
	client := clienttest.New(t, clienttest.MemoryAPI(func(clienttest.MemoryCall) (int, string, error) { return 0, "", clienttest.ErrCable }))
	ctx := t.Context()
	for name, call := range map[string]func() error{
		"FindClients": func() error {
			_, err := client.FindClients(ctx, salebot.FindClientsRequest{Query: map[string]salebot.Condition{"client.phone": salebot.Equals("1")}})
			return err
		},
		"GetClientIDByVariable": func() error {
			_, err := client.GetClientIDByVariable(ctx, salebot.GetClientIDByVariableRequest{Name: "client.phone", Value: "1"})
			return err
		},
		"GetLatestClientIDByVariable": func() error {
			_, err := client.GetLatestClientIDByVariable(ctx, "client.phone", "1")
			return err
		},
		"GetClientIDsByVariable": func() error {
			_, err := client.GetClientIDsByVariable(ctx, " client.phone", "1")
			return err
		},
		"GetClientIDsByVariables": func() error {
			_, err := client.GetClientIDsByVariables(ctx, map[string]string{"city": "x", "client.phone": "1"})
			return err
		},
	} {
		err := call()
		require.ErrorIs(t, err, salebot.ErrInvalidRequest, name)
		require.ErrorContains(t, err, "search for the name without it", name)
	}
}
