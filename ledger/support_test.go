package ledger_test

import (
	"testing"
	"testing/synctest"
	"time"
)

// inBubble runs a test with virtual time.
func inBubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}

// passSecond lets a second of virtual time pass.
func passSecond(t *testing.T) {
	t.Helper()
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	<-timer.C
}
