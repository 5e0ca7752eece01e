package testkit_test

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/testkit"
)

// failing is set for the child of this test.
const failing = "SALEBOT_TEST_FAILING_BUBBLE"

func TestFailureInABubbleFailsItsTestOnly(t *testing.T) {
	t.Parallel()
	if os.Getenv(failing) != "" {
		testkit.Bubble(t, func(t *testing.T) {
			go func() { <-time.After(time.Hour) }()
			require.Fail(t, "as it should")
		})
		return
	}
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^("+t.Name()+"|TestFindKeySeesEveryForm)$", "-test.v")
	command.Env = append(os.Environ(), failing+"=1")
	output, err := command.CombinedOutput()
	require.Error(t, err)
	printed := string(output)
	require.Contains(t, printed, "--- FAIL: "+t.Name())
	require.Contains(t, printed, "as it should")
	require.Contains(t, printed, "--- PASS: TestFindKeySeesEveryForm")
	require.NotContains(t, printed, "deadlock")
}
