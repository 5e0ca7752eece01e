package sqlite_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/salebot-go/salebot/sqlite"
	"github.com/salebot-go/salebot/webhook"
)

// TestEndedContext checks that nothing is acknowledged to a caller whose context had ended,
// and that an event whose lease could not be ended for that can be ended still.
func TestEndedContext(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, settle := range map[string]func(context.Context, *sqlite.Inbox, webhook.Delivery) error{
		"commit": func(ctx context.Context, i *sqlite.Inbox, d webhook.Delivery) error { return i.Commit(ctx, d) },
		"release": func(ctx context.Context, i *sqlite.Inbox, d webhook.Delivery) error {
			return i.Release(ctx, d, time.Hour, "")
		},
		"bury": func(ctx context.Context, i *sqlite.Inbox, d webhook.Delivery) error { return i.Bury(ctx, d, "") },
	} {
		inbox := openInbox(t, filepath.Join(quickFolder(t), "inbox.db"))
		if _, err := inbox.Put(ended, event(1, 1)); !errors.Is(err, context.Canceled) {
			t.Errorf("put: %v, want the end of the context", err)
		}
		if put(t, inbox, event(1, 1)).Duplicate {
			t.Error("an event that was refused counts as known")
		}
		delivery := take(t, inbox, 1)[0]
		if err := settle(ended, inbox, delivery); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want the end of the context", name, err)
		}
		if err := settle(t.Context(), inbox, delivery); err != nil {
			t.Errorf("%s once more: %v", name, err)
		}
	}
}
