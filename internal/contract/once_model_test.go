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

// runOnce does a piece of work in a process of so many steps.
func (c *campaign) runOnce(t require.TestingT, name string, steps int, fn func(context.Context, *salebot.Client) error) (through bool, err error) {
	life, l := c.process(steps)
	client, failure := c.emulator.Connect(
		salebot.WithTransport(mortalTransport{life, c.emulator.Transport()}), salebot.WithLedger(l, "shop"),
		salebot.WithHistoryDelay(historyDelay), salebot.WithTimeout(time.Hour))
	require.NoError(t, failure)
	err = client.RunOnce(context.Background(), salebot.Work{Name: name, Key: "1"}, func(ctx context.Context) error { return fn(ctx, client) })
	require.NoError(t, l.Close())
	if life.dead {
		require.NoError(t, c.death(l))
	}
	return !life.dead, err
}

// luck is what goes wrong, drawn at random: after how many steps processes die, and what
// the server does.
type luck struct {
	lives  []int
	faults []salebottest.Fault
}

func drawLuck(r *rapid.T, faults []salebottest.Fault, mostLives, mostSkips int) luck {
	f := luck{lives: rapid.SliceOfN(rapid.IntRange(0, 40), 0, mostLives).Draw(r, "lives")}
	for _, n := range rapid.SliceOfN(rapid.IntRange(0, len(faults)-1), 0, 5).Draw(r, "faults") {
		fault := faults[n]
		fault.After = rapid.IntRange(0, mostSkips).Draw(r, "skips")
		f.faults = append(f.faults, fault)
	}
	return f
}

// meet does work in processes that die, and then up to so many times in one that does not,
// until it succeeds. A process with a negative number of steps does not die.
func (f luck) meet(t *testing.T, c *campaign, most int, work func(process, steps int) (through bool, err error)) (err error) {
	for _, fault := range f.faults {
		c.emulator.Fail(fault)
	}
	for process, steps := range f.lives {
		_, _ = work(process, steps)
	}
	for i := range most {
		var through bool
		through, err = work(len(f.lives)+i, -1)
		require.True(t, through)
		if err == nil {
			return nil
		}
	}
	return err
}

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
	return c.runOnce(t, "program", steps, func(ctx context.Context, client *salebot.Client) error {
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
		luck := drawLuck(r, faults, 5, 3)
		testkit.Bubble(t, func(t *testing.T) {
			c := newCampaign(t, 1, 1)
			c.death = death
			err := luck.meet(t, c, 20, func(process, steps int) (bool, error) { return p.run(t, c, process, steps) })
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
	return c.runOnce(t, "threads", steps, func(ctx context.Context, client *salebot.Client) error {
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
		luck := drawLuck(r, faults, 4, 5)
		testkit.Bubble(t, func(t *testing.T) {
			c := newCampaign(t, 1, 1)
			require.NoError(t, luck.meet(t, c, 10, func(process, steps int) (bool, error) {
				through, err := p.run(t, c, process, steps)
				// A goroutine that gives up leaves records that no other call may pass.
				require.True(t, steps >= 0 || err == nil || errors.Is(err, salebot.ErrOutcomeUnknown) || errors.Is(err, context.DeadlineExceeded), "%v", err)
				return through, err
			}))
			got := map[string]int{}
			for _, message := range c.emulator.History(1) {
				got[message.Text]++
				require.Equal(t, 1, got[message.Text], "%q was executed twice", message.Text)
			}
			require.Len(t, got, calls, "a call was lost")
		})
	})
}
