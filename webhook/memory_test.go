package webhook_test

import (
	"testing"

	"github.com/salebot-go/salebot/webhook"
	"github.com/salebot-go/salebot/webhook/inboxtest"
)

func TestMemoryInbox(t *testing.T) {
	t.Parallel()
	inboxtest.Run(t, memoryStore, inboxtest.VirtualTime())
}

func TestMemoryInboxInRealTime(t *testing.T) {
	t.Parallel()
	inboxtest.Run(t, memoryStore)
}

func memoryStore(testing.TB) inboxtest.Store {
	return inboxtest.Store{
		Open: func(testing.TB) webhook.Inbox { return webhook.NewMemoryInbox(webhook.MemoryOptions{}) },
		OpenSmall: func(_ testing.TB, entries int) webhook.Inbox {
			return webhook.NewMemoryInbox(webhook.MemoryOptions{MaxEvents: entries})
		},
	}
}
