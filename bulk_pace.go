package salebot

import (
	"context"
	"time"
)

func withPatience(ctx, running context.Context, bound time.Duration) (context.Context, func() time.Duration) {
	return ctx, func() time.Duration { return 0 }
}
