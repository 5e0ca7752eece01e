package contract_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/testkit"
	"github.com/salebot-go/salebot/salebottest"
)

// program is a piece of work drawn at random: calls in a row, each with a text of its
// own that tells it in the history.
type program struct {
	// forms say how each call is told: 0 by its content, 1 by a name, 2 by a key.
	forms []int
	// vary says that named calls have other words in each run.
	vary bool
}

// run runs the program as a process of so many steps.
func (p *program) run(t require.TestingT, c *campaign, process, steps int) (through bool, err error) {
	life, l := c.process(steps)
	client, failure := c.emulator.Connect(
		salebot.WithTransport(mortalTransport{life, c.emulator.Transport()}), salebot.WithLedger(l, "shop"),
		salebot.WithHistoryDelay(historyDelay), salebot.WithTimeout(time.Hour))
	require.NoError(t, failure)
	err = client.RunOnce(context.Background(), salebot.Work{Name: "program", Key: "1"}, func(ctx context.Context) error {
		for i, form := range p.forms {
			text, opts := fmt.Sprintf("call %d", i), []salebot.CallOption(nil)
			switch form {
			case 1:
				opts = append(opts, salebot.WithStep(text))
				if p.vary {
					text = fmt.Sprintf("call %d in run %d", i, process)
				}
			case 2:
				opts = append(opts, salebot.WithIdempotencyKey(text))
			}
			if _, err := client.Message(ctx, salebot.MessageRequest{ClientID: 1, Message: text}, opts...); err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(t, l.Close())
	if life.dead {
		require.NoError(t, c.death(l))
	}
	return !life.dead, err
}

// Each call of a piece of work is executed once at most, whatever happens; and once
// exactly when all may end, unless it is told that this is not known.
func TestWorkIsDoneOnceWhateverHappens(t *testing.T) {
	t.Parallel()
	faults := []salebottest.Fault{
		{Action: "message", Status: 429},
		{Action: "message", Status: 400, Body: `{"status":"fail"}`},
		{Action: "message", Status: 503},
		{Action: "message", Reset: salebottest.ResetBefore},
		{Action: "message", Reset: salebottest.ResetAfter},
		{Action: "get_history", Status: 503},
	}
	rapid.Check(t, func(r *rapid.T) {
		p := &program{forms: rapid.SliceOfN(rapid.IntRange(0, 2), 1, 5).Draw(r, "forms"), vary: rapid.Bool().Draw(r, "vary")}
		death := deaths[rapid.SampledFrom([]string{"the process is killed", "the machine fails", "a line is torn"}).Draw(r, "death")]
		lives := rapid.SliceOfN(rapid.IntRange(0, 40), 0, 5).Draw(r, "lives")
		plan := rapid.SliceOfN(rapid.IntRange(0, len(faults)-1), 0, 5).Draw(r, "faults")
		skips := rapid.SliceOfN(rapid.IntRange(0, 3), len(plan), len(plan)).Draw(r, "skips")
		testkit.Bubble(t, func(t *testing.T) {
			c := newCampaign(t, 1, 1)
			c.death = death
			for i, n := range plan {
				fault := faults[n]
				fault.After = skips[i]
				c.emulator.Fail(fault)
			}
			runs := 0
			for _, steps := range lives {
				_, _ = p.run(t, c, runs, steps)
				runs++
			}
			var err error
			for range 20 {
				var through bool
				through, err = p.run(t, c, runs, -1)
				runs++
				require.True(t, through)
				if err == nil {
					break
				}
			}
			got := map[int]int{}
			for _, message := range c.emulator.History(1) {
				var call int
				_, scanned := fmt.Sscanf(message.Text, "call %d", &call)
				require.NoError(t, scanned)
				got[call]++
				require.Equal(t, 1, got[call], "%q was executed twice", message.Text)
			}
			if err == nil {
				require.Len(t, got, len(p.forms), "a call was lost")
				return
			}
			require.ErrorIs(t, err, salebot.ErrOutcomeUnknown)
			require.True(t, p.vary, "the history can tell: %v", errors.Unwrap(err))
		})
	})
}
