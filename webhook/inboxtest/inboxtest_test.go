package inboxtest_test

import (
	"testing"

	"github.com/salebot-go/salebot/webhook"
	"github.com/salebot-go/salebot/webhook/inboxtest"
)

func TestRun(t *testing.T) {
	t.Parallel()
	inboxtest.Run(t, func(testing.TB) inboxtest.Store {
		return inboxtest.Store{Open: func(testing.TB) webhook.Inbox { return webhook.NewMemoryInbox(webhook.MemoryOptions{}) }}
	}, inboxtest.VirtualTime())
}
