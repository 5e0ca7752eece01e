package contract_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/salebot-go/salebot/internal/testkit"
)

// The whole suite runs with the canary key: TestMain fails it if the key was
// printed, and if a goroutine was left behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(tellingKills{testkit.Screen(m)}) }

// tellingKills runs tests and says how many processes died in them.
type tellingKills struct{ tests goleak.TestingM }

func (t tellingKills) Run() int {
	status := t.tests.Run()
	if n := kills.Load(); n > 0 {
		fmt.Fprintf(os.Stderr, "deaths: %d\n", n)
	}
	return status
}
