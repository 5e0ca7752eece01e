package inboxtest_test

import (
	"testing"

	"github.com/salebot-go/salebot/webhook"
	"github.com/salebot-go/salebot/webhook/inboxtest"
)

func TestRun(t *testing.T) {
	t.Parallel()
	inboxtest.Run(t, func(testing.TB) inboxtest.Store {
		return inboxtest.Store{Open: func(t testing.TB) webhook.Inbox {
			inbox, err := webhook.NewMemoryInbox()
			if err != nil {
				t.Fatal(err)
			}
			return inbox
		}}
	}, inboxtest.VirtualTime())
}
