package emulator_test

import (
	"encoding/json"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

// What get_variables lists can be searched for.
func TestListedVariablesAreSearched(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t, engine.WithPerson(engine.Person{
		ID: ann, Name: "Ann", Avatar: "https://example.com/ann.png", BlockID: 7, ClientType: salebot.ClientTypeTelegram,
		Variables: map[string]any{"client.city": "Riga"},
	}), engine.WithPerson(engine.Person{ID: bob, Name: "Bob", ClientType: salebot.ClientTypeWhatsApp}))
	var listed map[string]string
	require.NoError(t, json.Unmarshal([]byte(get(t, emulator, "get_variables?client_id=25554").body), &listed))
	require.Len(t, listed, 6)
	for name, value := range listed {
		pair, err := json.Marshal(map[string]string{name: value})
		require.NoError(t, err)
		require.Contains(t, post(t, emulator, "find_clients", `{"q":`+string(pair)+`}`).body, "25554", name)
		query := "?var=" + name + "&val=" + url.QueryEscape(value)
		require.Contains(t, get(t, emulator, "find_client_id_by_var"+query).body, "25554", name)
		require.Contains(t, get(t, emulator, "find_all_client_id_by_var"+query).body, "25554", name)
		require.Contains(t, get(t, emulator, "find_all_client_id_by_several_vars?"+name+"="+url.QueryEscape(value)).body, "25554", name)
	}
	require.JSONEq(t, `{"status":"success","client_ids":[25554]}`, post(t, emulator, "find_clients", `{"q":{"name":"Ann"}}`).body)
	require.JSONEq(t, `{"status":"success","client_ids":[`+string(mustMarshal(t, bob))+`]}`, post(t, emulator, "find_clients", `{"q":{"name":{"_not":"Ann"}}}`).body)
	require.JSONEq(t, `{"status":"success","client_ids":[]}`, post(t, emulator, "find_clients", `{"q":{"avatar":""}}`).body)
	require.JSONEq(t, `{"status":"success","client_ids":[]}`, post(t, emulator, "find_clients", `{"q":{"name":"Ann"},"search_in":"order"}`).body, "the deal has no name of its own")
	require.JSONEq(t, `{"status":"success","latest_client_id":25554}`, get(t, emulator, "find_latest_client_id_by_var?var=name&val=Ann").body)
}

func mustMarshal(t *testing.T, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return text
}
