package salebot_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
)

// What is asked for, request by request.
func TestClientsRequests(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		request salebot.ClientsRequest
		total   int
		want    []string
	}{
		"all, the oldest first": {
			salebot.ClientsRequest{},
			1200,
			[]string{"limit=500&offset=0&reverse=1", "limit=500&offset=500&reverse=1", "limit=500&offset=1000&reverse=1", "limit=500&offset=1200&reverse=1"},
		},
		"the newest first": {
			salebot.ClientsRequest{NewestFirst: true},
			3,
			[]string{"limit=500&offset=0", "limit=500&offset=3"},
		},
		"of a list": {
			salebot.ClientsRequest{List: 1170282},
			0,
			[]string{"limit=500&list=1170282&offset=0"},
		},
		"of a list, the newest first": {
			salebot.ClientsRequest{List: 1170282, NewestFirst: true},
			0,
			[]string{"limit=500&list=1170282&offset=0"},
		},
		"from an offset, in smaller pages": {
			salebot.ClientsRequest{Offset: 7, PageSize: 2},
			11,
			[]string{"limit=2&offset=7&reverse=1", "limit=2&offset=9&reverse=1", "limit=2&offset=11&reverse=1"},
		},
		"from an offset behind the end": {
			salebot.ClientsRequest{Offset: 700},
			11,
			[]string{"limit=500&offset=700&reverse=1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Bubble(t, func(t *testing.T) {
				var queries []string
				list := pagedList{test.total, 500}
				client := clienttest.New(t, clienttest.MemoryAPI(func(call clienttest.MemoryCall) (int, string, error) {
					require.Equal(t, "get_clients", call.Action)
					queries = append(queries, call.Query.Encode())
					_, numbers := clientsPager.serve(list, call.Query)
					return http.StatusOK, clientsPager.answer(list, numbers), nil
				}))
				got, err := drain(t, clientNumbers(client.Clients(t.Context(), test.request)))
				require.NoError(t, err)
				require.Len(t, got, max(0, test.total-test.request.Offset))
				require.Equal(t, test.want, queries)
			})
		})
	}
}

func TestSubscribersRequests(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		var queries []string
		client := clienttest.New(t, clienttest.MemoryAPI(func(call clienttest.MemoryCall) (int, string, error) {
			require.Equal(t, "subscribers", call.Action)
			queries = append(queries, call.Query.Encode())
			return http.StatusOK, subscribersPager.answer(pagedList{}, window(pagedList{5, 2}.numbers(), number(call.Query, "page")*2, 2)), nil
		}))
		got, err := drain(t, clientNumbers(client.Subscribers(t.Context(), salebot.SubscribersRequest{StartPage: 1, GroupID: "my_bot"})))
		require.NoError(t, err)
		require.Equal(t, []int64{3, 4, 5}, got)
		require.Equal(t, []string{"group=my_bot&page=1", "group=my_bot&page=2", "group=my_bot&page=3"}, queries)
	})
}

// A break goes through the sequences that are made of others.
func TestClientIDsStopWithTheLoop(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := newPageServer(clientsPager, pagedList{100, 5})
		client := clienttest.New(t, clienttest.MemoryAPI(s.serve))
		for id, err := range salebot.ClientIDs(client.Clients(t.Context(), salebot.ClientsRequest{PageSize: 5})) {
			require.NoError(t, err)
			if id == 7 {
				break
			}
		}
		require.LessOrEqual(t, len(s.requests()), 3)
		var items []int
		for item, err := range salebot.Items([]int{1, 2, 3}) {
			require.NoError(t, err)
			if items = append(items, item); item == 2 {
				break
			}
		}
		require.Equal(t, []int{1, 2}, items)
	})
}

func TestClientsKeepUnknownFieldsOnRequest(t *testing.T) {
	t.Parallel()
	client := clienttest.New(t, clienttest.MemoryAPI(func(call clienttest.MemoryCall) (int, string, error) {
		if call.Query.Get("offset") != "0" {
			return http.StatusOK, `{"clients":[]}`, nil
		}
		return http.StatusOK, `{"clients":[{"id":1,"mood":"good"},{"id":2}]}`, nil
	}))
	var raws []string
	for record, err := range client.Clients(t.Context(), salebot.ClientsRequest{}, salebot.WithRawItems()) {
		require.NoError(t, err)
		raws = append(raws, string(record.Raw))
	}
	require.Equal(t, []string{`{"id":1,"mood":"good"}`, `{"id":2}`}, raws)
	for record, err := range client.Clients(t.Context(), salebot.ClientsRequest{}) {
		require.NoError(t, err)
		require.Nil(t, record.Raw, "nobody pays for what he does not read")
	}
}

// A record of a client in all its forms becomes the same one.
func TestClientRecordForms(t *testing.T) {
	t.Parallel()
	want := salebot.ClientRecord{
		ID: 9007199254740993, PlatformID: "146000000", ClientType: salebot.ClientTypeTelegram, Name: "Ann", Avatar: "https://files.example/a.jpg",
		BlockID: 390, ProjectID: 1, CreatedAt: timestampOf(t, `1588248599`), Tag: "promo", GroupID: "143000000", CustomAnswer: "1", OperatorStartDialog: "true",
	}
	for name, text := range map[string]string{
		"as numbers": `{"id":9007199254740993,"platform_id":146000000,"client_type":1,"name":"Ann","avatar":"https://files.example/a.jpg","message_id":390,
			"project_id":1,"created_at":1588248599,"tag":"promo","group":143000000,"custom_answer":1,"operator_start_dialog":true}`,
		"as text": `{"id":"9007199254740993","platform_id":"146000000","client_type":"1","name":"Ann","avatar":"https://files.example/a.jpg","message_id":"390",
			"project_id":"1","created_at":"1588248599","tag":"promo","group":"143000000","custom_answer":"1","operator_start_dialog":"true"}`,
		"by other names": `{"client_id":9007199254740993,"tg_id":"146000000","client_type":"telegram","name":"Ann","avatar":"https:\\/\\/files.example\\/a.jpg",
			"message_id":390,"project_id":1,"created_at":1588248599,"tag":"promo","group_id":143000000,"custom_answer":"1","operator_start_dialog":"true"}`,
		"with more than is known": `{"id":9007199254740993,"vk_id":146000000,"client_type":1,"name":"Ann","avatar":"https:\/\/files.example\/a.jpg","message_id":390,
			"project_id":1,"created_at":1588248599,"updated_at":null,"tag":"promo","group":"143000000","group_id":"","custom_answer":"1","operator_start_dialog":"true",
			"mood":{"id":5},"variables":null,"new":[1]}`,
	} {
		var got salebot.ClientRecord
		require.NoError(t, json.Unmarshal([]byte(text), &got), name)
		require.Equal(t, want, got, name)
	}
}

// What does not come is zero, except for the messenger, where zero is VK.
func TestClientRecordOfFewWords(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"id":1}`,
		`{"id":1,"platform_id":null,"client_type":null,"name":null,"avatar":null,"message_id":null,"project_id":null,"created_at":null,"updated_at":null,
			"custom_answer":null,"tag":null,"group":null,"operator_start_dialog":null,"variables":null}`,
		`{"id":"1","platform_id":"","client_type":"","message_id":"NONE","project_id":"","created_at":"","group":"","variables":[]}`,
	} {
		var got salebot.ClientRecord
		require.NoError(t, json.Unmarshal([]byte(text), &got))
		require.Equal(t, salebot.ClientRecord{ID: 1, ClientType: salebot.ClientTypeUnrecognized}, got, text)
	}
	var vk salebot.ClientRecord
	require.NoError(t, json.Unmarshal([]byte(`{"id":1,"client_type":0}`), &vk))
	require.Equal(t, salebot.ClientTypeVK, vk.ClientType)
	for _, text := range []string{`{}`, `{"id":null}`, `{"id":0}`, `{"id":"Ann"}`, `{"id":1.5}`, `{"id":1e-3}`, `{"id":9223372036854775808}`, `[1]`, `1`, `{"id":[1]}`, `{"id":true}`} {
		before := salebot.ClientRecord{ID: 5}
		require.Error(t, json.Unmarshal([]byte(text), &before), text)
		require.Equal(t, salebot.ClientRecord{ID: 5}, before, "half a record is none")
	}
}

func TestClientRecordVariables(t *testing.T) {
	t.Parallel()
	var record salebot.ClientRecord
	require.NoError(t, json.Unmarshal([]byte(`{"id":1,"variables":{"tg_username":"@ann","счёт":9007199254740993}}`), &record))
	require.Equal(t, "@ann", record.Variables.Text("tg_username"))
	require.Equal(t, "9007199254740993", record.Variables.Text("счёт"))
}

// FuzzClientRecord reads anything as a record; ids are compared with what
// encoding/json reads.
func FuzzClientRecord(f *testing.F) {
	for _, text := range []string{
		`{"id":44000,"platform_id":"146000000","client_type":0,"name":null,"created_at":1588248599,"group":"143000000","operator_start_dialog":null}`,
		`{"id":"9007199254740993","variables":{"a":1}}`, `{"client_id":5,"tg_id":7}`, `{"id":null}`, `{"ID":5}`, `{"id":1,"id":2}`, `[]`, `{"id":1,"avatar":"https:\\/\\/x"}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var record salebot.ClientRecord
		if json.Unmarshal(text, &record) != nil {
			return
		}
		require.NotZero(t, record.ID)
		var want struct {
			ID       json.RawMessage `json:"id"`
			ClientID json.RawMessage `json:"client_id"`
		}
		require.NoError(t, json.Unmarshal(text, &want))
		digits := strconv.FormatInt(int64(record.ID), 10)
		found := strings.Trim(string(want.ID), `" `) == digits || strings.Trim(string(want.ClientID), `" `) == digits
		require.True(t, found || strings.ContainsAny(string(want.ID)+string(want.ClientID), `\0`), "%s has no %s", text, digits)
		_, _ = record.CreatedAt.In(clienttest.Moscow)
		require.GreaterOrEqual(t, record.Variables.Len(), 0)
	})
}

// A record is what the iterators, the look-ups and the subscribers return; all of
// them read the same forms.
func TestClientRecordsOfAllCalls(t *testing.T) {
	t.Parallel()
	element := `{"id":"9007199254740993","tg_id":146000000,"variables":{"a":"1"}}`
	want := []salebot.ClientRecord{{ID: 9007199254740993, PlatformID: "146000000", ClientType: salebot.ClientTypeUnrecognized}}
	for _, form := range []string{`[%s]`, `{"clients":[%s]}`, `{"status":"success","clients":[%s],"new":1}`} {
		client := always(t, 200, fmt.Sprintf(form, element))
		for name, call := range map[string]func() ([]salebot.ClientRecord, error){
			"GetClients": func() ([]salebot.ClientRecord, error) {
				return client.GetClients(t.Context(), salebot.GetClientsRequest{})
			},
			"GetSubscribers": func() ([]salebot.ClientRecord, error) {
				return client.GetSubscribers(t.Context(), salebot.GetSubscribersRequest{})
			},
			"GetVKSubscribers": func() ([]salebot.ClientRecord, error) {
				return client.GetVKSubscribers(t.Context(), salebot.GetVKSubscribersRequest{})
			},
			"GetClientsByPlatformID": func() ([]salebot.ClientRecord, error) {
				return client.GetClientsByPlatformID(t.Context(), salebot.GetClientsByPlatformIDRequest{PlatformIDs: []salebot.PlatformID{"1"}})
			},
		} {
			got, err := call()
			require.NoError(t, err, name)
			require.Equal(t, "1", got[0].Variables.Text("a"))
			got[0].Variables = salebot.Variables{}
			require.Equal(t, want, got, name)
		}
	}
}

// One odd field costs itself: the other fields and the other clients are there, and
// the record lists it.
func TestOddFieldsOfClients(t *testing.T) {
	t.Parallel()
	good := salebot.ClientRecord{ID: 2, ClientType: salebot.ClientTypeUnrecognized}
	for member, want := range map[string]func(*salebot.ClientRecord){
		`"message_id":"abc"`:   func(r *salebot.ClientRecord) { r.Unread = []string{"message_id"} },
		`"message_id":5.5`:     func(r *salebot.ClientRecord) { r.Unread = []string{"message_id"} },
		`"message_id":true`:    func(r *salebot.ClientRecord) { r.Unread = []string{"message_id"} },
		`"message_id":5.0`:     func(r *salebot.ClientRecord) { r.BlockID = 5 },
		`"message_id":"1e3"`:   func(r *salebot.ClientRecord) { r.BlockID = 1000 },
		`"variables":""`:       func(*salebot.ClientRecord) {},
		`"variables":"None"`:   func(*salebot.ClientRecord) {},
		`"variables":"{}x"`:    func(r *salebot.ClientRecord) { r.Unread = []string{"variables"} },
		`"variables":[1]`:      func(r *salebot.ClientRecord) { r.Unread = []string{"variables"} },
		`"variables":7`:        func(r *salebot.ClientRecord) { r.Unread = []string{"variables"} },
		`"created_at":{"a":1}`: func(r *salebot.ClientRecord) { r.Unread = []string{"created_at"} },
		`"created_at":"yesterday"`: func(r *salebot.ClientRecord) {
			r.CreatedAt, r.Unread = timestampOf(t, `"yesterday"`), []string{"created_at"}
		},
		`"updated_at":true`: func(r *salebot.ClientRecord) {
			r.UpdatedAt, r.Unread = timestampOf(t, `true`), []string{"updated_at"}
		},
		`"client_type":{}`:       func(r *salebot.ClientRecord) { r.Unread = []string{"client_type"} },
		`"client_type":"pigeon"`: func(r *salebot.ClientRecord) { r.Unread = []string{"client_type"} },
		`"client_type":true`:     func(r *salebot.ClientRecord) { r.Unread = []string{"client_type"} },
		`"client_type":1.0`:      func(r *salebot.ClientRecord) { r.ClientType = salebot.ClientTypeTelegram },
		`"platform_id":{}`:       func(r *salebot.ClientRecord) { r.Unread = []string{"platform_id"} },
		`"platform_id":6.25e9`:   func(r *salebot.ClientRecord) { r.PlatformID = "6250000000" },
		`"platform_id":[],"tg_id":5`: func(r *salebot.ClientRecord) {
			r.PlatformID, r.Unread = "5", []string{"platform_id"}
		},
		`"name":{"first":"Ann"}`:              func(r *salebot.ClientRecord) { r.Unread = []string{"name"} },
		`"avatar":["x"]`:                      func(r *salebot.ClientRecord) { r.Unread = []string{"avatar"} },
		`"tag":{},"project_id":"p"`:           func(r *salebot.ClientRecord) { r.Unread = []string{"project_id", "tag"} },
		`"message_id":"abc","message_id":5`:   func(r *salebot.ClientRecord) { r.BlockID = 5 },
		`"message_id":5,"message_id":"abc"`:   func(r *salebot.ClientRecord) { r.Unread = []string{"message_id"} },
		`"MESSAGE_ID":"abc","Name":"x"`:       func(*salebot.ClientRecord) {},
		`"custom_answer":{"kept":"as it is"}`: func(r *salebot.ClientRecord) { r.CustomAnswer = `{"kept":"as it is"}` },
	} {
		expected := good
		want(&expected)
		body := `{"status":"success","clients":[{"id":1},{"id":2,` + member + `}]}`
		got, err := always(t, http.StatusOK, body).GetClients(t.Context(), salebot.GetClientsRequest{})
		require.NoError(t, err, member)
		require.Equal(t, []salebot.ClientRecord{{ID: 1, ClientType: salebot.ClientTypeUnrecognized}, expected}, got, member)
	}
}
