package attempt

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/testkit"
)

// A call of which one attempt was refused and the next never left was refused: it is
// not true that nothing left.
func TestNotSentDoesNotHideWhatCameBefore(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		loop := Loop{Policy: Policy{MaxAttempts: 2, BaseDelay: time.Second, MaxDelay: time.Second}, Class: action.Once}
		summary := loop.Run(t.Context(), func(number int, _ time.Duration) Result {
			if number == 1 {
				return Result{Outcome: Rejected, RateLimited: true}
			}
			return Result{Outcome: NotSent}
		})
		require.Equal(t, Summary{Attempts: 3, Outcome: Rejected, Stop: StopAttempts}, summary)
	})
}
