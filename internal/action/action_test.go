package action_test

import (
	"net/http"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/action"
)

// The rows are consistent in themselves.
func TestTable(t *testing.T) {
	t.Parallel()
	name := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	names, goMethods := map[string]bool{}, map[string]bool{}
	require.NotEmpty(t, action.All())
	permissions := []action.Permission{
		action.ClientsRead, action.ClientsWrite, action.ClientsDelete, action.CRMRead, action.CRMWrite, action.UnknownPermission,
	}
	for _, row := range action.All() {
		require.Regexp(t, name, row.Name)
		require.False(t, names[row.Name], "%s occurs twice", row.Name)
		require.False(t, goMethods[row.GoMethod], "%s occurs twice", row.GoMethod)
		names[row.Name], goMethods[row.GoMethod] = true, true
		require.NotEmpty(t, row.GoMethod, "%s has no GoMethod", row.Name)
		require.Contains(t, permissions, row.Permission)
		require.NotEmpty(t, row.Methods)
		for _, method := range row.Methods {
			require.Contains(t, []string{http.MethodGet, http.MethodPost}, method)
			require.True(t, row.Accepts(method))
		}
		require.False(t, row.Accepts(http.MethodDelete))
		require.Equal(t, row.Methods[0], row.Method())

		sorted := slices.Sorted(slices.Values(row.Params))
		require.Len(t, slices.Compact(sorted), len(row.Params), "%s names a parameter twice", row.Name)
		for _, parameter := range row.Params {
			require.True(t, row.Takes(parameter))
		}
		require.False(t, row.Takes("no such parameter"))
		require.Equal(t, row.Place == action.Nowhere, len(row.Params) == 0 && !row.Extra, row.Name)

		// A body travels by POST, a query by GET, as they are sent here.
		inBody := row.Place == action.Object || row.Place == action.Array
		require.Equal(t, inBody, row.Method() == http.MethodPost, row.Name)
		require.GreaterOrEqual(t, row.BatchLimit, 0)

		require.Same(t, row, action.Lookup(row.Name))
		require.Same(t, row, action.MustLookup(row.Name))
		require.Equal(t, row.Class == action.Once && row.Method() == http.MethodGet, row.FreshConnection(), row.Name)
		if row.Class == action.Once && row.Method() == http.MethodGet {
			require.False(t, row.Accepts(http.MethodPost), "%s goes by POST where it can", row.Name)
		}
		if row.Class == action.Read {
			require.NotContains(t, []action.Answer{action.Acknowledgement, action.Confirmation}, row.Answer, "%s reads nothing", row.Name)
		}
	}
	require.Nil(t, action.Lookup("no_such_action"))
	require.Panics(t, func() { action.MustLookup("no_such_action") })
}

// What a person or a flow may notice twice, by the name of the action; the list
// stands here a second time on purpose.
func TestClasses(t *testing.T) {
	t.Parallel()
	once := []string{
		"callback", "vk_callback", "whatsapp_callback", "ok_callback", "tg_callback", "max_callback", "send_callback_by_platform_id", "email_callback",
		"message", "whatsapp_message", "broadcast", "clear_history", "assign_to_user", "add_to_list", "remove_from_list",
		"create_order", "set_order_state", "move_order_to_next_state",
	}
	idempotent := []string{"save_variables", "set_order_vars", "load_clients", "online_chat_client_id", "delete_clients"}
	for _, row := range action.All() {
		want := action.Read
		switch {
		case slices.Contains(once, row.Name):
			want = action.Once
		case slices.Contains(idempotent, row.Name):
			want = action.Idempotent
		}
		require.Equal(t, want.String(), row.Class.String(), "%s: the lists in this test have another class than its row", row.Name)
	}
	var zero action.Class
	require.Equal(t, action.Once, zero, "forgetting the class is safe")
}

func TestNames(t *testing.T) {
	t.Parallel()
	for value, want := range map[interface{ String() string }]string{
		action.Once: "once", action.Idempotent: "idempotent", action.Read: "read",
		action.Object: "JSON object", action.Array: "JSON array", action.Query: "query", action.Nowhere: "none",
		action.Assumed: "assumed", action.Documented: "documented", action.Observed: "observed",
	} {
		require.Equal(t, want, value.String())
	}
}
