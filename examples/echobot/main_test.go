package main

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestChat(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, chat(ctx))
}

func Example() {
	if err := chat(context.Background()); err != nil {
		panic(err)
	}
	// Output:
	// Ann: Hello
	// bot: You wrote: Hello
	// Ann: Are you a bot?
	// bot: You wrote: Are you a bot?
	// 4 messages went to the webhook, the bot answered 2 of them
}
