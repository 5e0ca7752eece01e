package ledger_test

import (
	"testing"
	"time"

	"github.com/salebot-go/salebot/internal/testkit"
)

// inBubble runs a test with virtual time.
func inBubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	testkit.Bubble(t, test)
}

// pass lets virtual time pass.
func pass(t *testing.T, d time.Duration) {
	t.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
}
