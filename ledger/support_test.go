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

// passSecond lets a second of virtual time pass.
func passSecond(t *testing.T) {
	t.Helper()
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	<-timer.C
}
