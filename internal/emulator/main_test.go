package emulator_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/salebot-go/salebot/internal/testkit"
)

// The suite runs with the canary key: TestMain fails it if the key was printed,
// and if a goroutine was left behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(testkit.Screen(m)) }
