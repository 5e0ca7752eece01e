package contract_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
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
	// habit is what the function does after a call of unknown outcome: 0 it returns the
	// error, 1 it goes on and hides it, 2 it makes the call again.
	habit int
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
			err := errors.New("not made yet")
			for tries := 0; tries == 0 || p.habit == 2 && tries < 3 && errors.Is(err, salebot.ErrOutcomeUnknown); tries++ {
				_, err = client.Message(ctx, salebot.MessageRequest{ClientID: 1, Message: text}, opts...)
			}
			if hidden := p.habit == 1 && errors.Is(err, salebot.ErrOutcomeUnknown); err != nil && !hidden {
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
		p := &program{
			forms: rapid.SliceOfN(rapid.IntRange(0, 2), 1, 5).Draw(r, "forms"), vary: rapid.Bool().Draw(r, "vary"),
			habit: rapid.IntRange(0, 2).Draw(r, "habit"),
		}
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

// threads are goroutines of a piece of work, drawn at random: each makes its calls in a
// row, and before each it thinks for a while and then reads.
type threads [][]struct {
	thinks time.Duration
	reads  bool
}

func (p threads) run(t require.TestingT, c *campaign, process, steps int) (through bool, err error) {
	life, l := c.process(steps)
	client, failure := c.emulator.Connect(
		salebot.WithTransport(mortalTransport{life, c.emulator.Transport()}), salebot.WithLedger(l, "shop"),
		salebot.WithHistoryDelay(historyDelay), salebot.WithTimeout(time.Hour))
	require.NoError(t, failure)
	err = client.RunOnce(context.Background(), salebot.Work{Name: "threads", Key: "1"}, func(ctx context.Context) error {
		var group sync.WaitGroup
		failures := make([]error, len(p))
		for i, calls := range p {
			group.Go(func() {
				for j, call := range calls {
					// Each run has another order.
					if failures[i] = clienttest.Elapse(ctx, call.thinks*time.Duration((i+j+process)%3)); failures[i] != nil {
						return
					}
					if call.reads {
						if _, failures[i] = client.GetVariables(ctx, 1); failures[i] != nil {
							return
						}
					}
					if _, failures[i] = client.Message(ctx, salebot.MessageRequest{ClientID: 1, Message: fmt.Sprintf("call %d %d", i, j)}); failures[i] != nil {
						return
					}
				}
			})
		}
		group.Wait()
		return errors.Join(failures...)
	})
	require.NoError(t, l.Close())
	if life.dead {
		require.NoError(t, c.death(l))
	}
	return !life.dead, err
}

// Goroutines of a piece of work find their records whatever their order and their speed:
// nothing is sent twice, nothing is lost, and work that did not change is not taken for
// work that did.
func TestGoroutinesDoTheirWorkOnce(t *testing.T) {
	t.Parallel()
	faults := []salebottest.Fault{
		{Action: "message", Reset: salebottest.ResetAfter},
		{Action: "message", Status: 503},
		{Action: "message", Delay: 30 * time.Second},
		{Action: "get_variables", Delay: 50 * time.Second},
		{Action: "get_history", Delay: 20 * time.Second},
	}
	rapid.Check(t, func(r *rapid.T) {
		p := make(threads, rapid.IntRange(2, 3).Draw(r, "threads"))
		calls := 0
		for i := range p {
			p[i] = make([]struct {
				thinks time.Duration
				reads  bool
			}, rapid.IntRange(1, 3).Draw(r, "calls"))
			calls += len(p[i])
			for j := range p[i] {
				p[i][j].thinks = time.Duration(rapid.IntRange(0, 2000).Draw(r, "thinks")) * time.Millisecond
				p[i][j].reads = rapid.Bool().Draw(r, "reads")
			}
		}
		lives := rapid.SliceOfN(rapid.IntRange(0, 40), 0, 4).Draw(r, "lives")
		plan := rapid.SliceOfN(rapid.IntRange(0, len(faults)-1), 0, 5).Draw(r, "faults")
		skips := rapid.SliceOfN(rapid.IntRange(0, 5), len(plan), len(plan)).Draw(r, "skips")
		testkit.Bubble(t, func(t *testing.T) {
			c := newCampaign(t, 1, 1)
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
			for range 10 {
				var through bool
				through, err = p.run(t, c, runs, -1)
				runs++
				require.True(t, through)
				if err == nil {
					break
				}
				// A goroutine that gives up leaves records that no other call may pass.
				require.True(t, errors.Is(err, salebot.ErrOutcomeUnknown) || errors.Is(err, context.DeadlineExceeded), "%v", err)
			}
			require.NoError(t, err)
			got := map[string]int{}
			for _, message := range c.emulator.History(1) {
				got[message.Text]++
				require.Equal(t, 1, got[message.Text], "%q was executed twice", message.Text)
			}
			require.Len(t, got, calls, "a call was lost")
		})
	})
}
