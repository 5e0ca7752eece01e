package sqlite

import (
	"strings"
	"testing"

	"github.com/salebot-go/salebot/webhook"
)

// TestRecentEventsAreBounded checks that events are kept in memory up to a bound, each until
// it is taken.
func TestRecentEventsAreBounded(t *testing.T) {
	t.Parallel()
	r := newRecent()
	body := strings.Repeat("b", 1<<20)
	for round := range int64(3) {
		kept := 0
		for n := range int64(20) {
			r.add(100*round+n, webhook.Entry{Body: body})
		}
		for n := range int64(20) {
			for take := range 2 {
				entry, ok := r.take(100*round + n)
				if ok != (take == 0 && n < 7) || ok && entry.Body != body {
					t.Errorf("round %d: event %d is there at time %d: %v", round, n, take, ok)
				}
				if ok {
					kept++
				}
			}
		}
		if kept != 7 { // of a megabyte and a little, in eight megabytes
			t.Errorf("round %d: %d events were kept", round, kept)
		}
	}
}
