package testkit

import (
	"testing"
	"testing/synctest"
	"time"
)

// patience is the virtual time that a failed test leaves to what it started. It is
// longer than any wait of the tests that ends by itself.
const patience = 48 * time.Hour

// Bubble runs a test in virtual time, as synctest.Test does. A bubble whose test
// has failed and which still has goroutines that wait for time ends the whole
// program, with all other tests in it. Here they get that time first, so that only
// the one test fails.
func Bubble(t *testing.T, test func(*testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		// The first to be registered is the last to run.
		t.Cleanup(func() {
			if t.Failed() {
				time.Sleep(patience)
			}
		})
		test(t)
	})
}
