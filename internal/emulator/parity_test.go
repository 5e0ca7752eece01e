package emulator_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/action"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

func TestEveryActionHasAHandlerAndTheReverse(t *testing.T) {
	t.Parallel()
	handled := engine.Actions()
	var actions []string
	for _, row := range action.All() {
		actions = append(actions, row.Name)
		require.True(t, slices.Contains(handled, row.Name), "%s has no route in internal/emulator/routes.go", row.Name)
	}
	require.NotEmpty(t, actions)
	for _, name := range handled {
		require.True(t, slices.Contains(actions, name), "%s has a route in internal/emulator/routes.go and is not in the table of actions", name)
	}
}

func TestEveryActionTakesItsMethodsAndNoOther(t *testing.T) {
	t.Parallel()
	emulator := newEmulator(t)
	// What programs do and the reference does not name.
	observed := map[string]string{"tg_callback": http.MethodGet, "get_clients": http.MethodPost}
	for _, row := range action.All() {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
			got := send(t, emulator, method, row.Name, "application/json", "").status
			if row.Accepts(method) || observed[row.Name] == method {
				require.NotEqual(t, http.StatusMethodNotAllowed, got, "%s %s", method, row.Name)
				require.NotEqual(t, http.StatusForbidden, got, "%s %s", method, row.Name)
			} else {
				require.Equal(t, http.StatusMethodNotAllowed, got, "%s %s", method, row.Name)
			}
		}
	}
}

func TestEveryActionNeedsItsPermission(t *testing.T) {
	t.Parallel()
	for _, permission := range engine.Permissions() {
		emulator := newEmulator(t, engine.WithKey("scoped", permission))
		for _, row := range action.All() {
			got := send(t, emulator, row.Method(), row.Name, "application/json", "")
			if row.Permission == action.Permission(permission) || row.Permission == action.UnknownPermission {
				require.NotEqual(t, "WRONG_ACTION", got.body, "%s with %s", row.Name, permission)
			} else {
				require.Equal(t, answer{http.StatusForbidden, "text/plain; charset=utf-8", "WRONG_ACTION"}, got, "%s with %s", row.Name, permission)
			}
		}
	}
}
