package contract_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
	"github.com/salebot-go/salebot/ledger"
	"github.com/salebot-go/salebot/salebottest"
)

// kills counts the deaths of all tests of this package.
var kills atomic.Int64

var errDead = errors.New("the process is dead")

// mortal stands for a process that dies at one of its steps: from there on nothing
// that it does has an effect.
type mortal struct {
	mutex sync.Mutex
	// left is the number of steps up to its death; it never dies if it is negative.
	left int
	dead bool
}

// step reports whether the process is still alive.
func (m *mortal) step() bool {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.left == 0 && !m.dead {
		m.dead = true
		kills.Add(1)
	}
	m.left--
	return !m.dead
}

// mortalLedger is the ledger of a mortal process.
type mortalLedger struct {
	*mortal
	*ledger.File

	path string
	// flushed is how much of the file a failure of the machine leaves.
	flushed atomic.Int64
}

func (l *mortalLedger) Find(ctx context.Context, key ledger.Digest) ([]ledger.Record, error) {
	if !l.step() {
		return nil, errDead
	}
	return l.File.Find(ctx, key)
}

func (l *mortalLedger) Begin(ctx context.Context, records ...ledger.Record) ([]ledger.Record, error) {
	if !l.step() {
		return nil, errDead
	}
	begun, err := l.File.Begin(ctx, records...)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(l.path)
	if err != nil {
		return nil, err
	}
	if !records[0].IsWork() {
		l.flushed.Store(max(l.flushed.Load(), info.Size()))
	}
	if !l.step() {
		return nil, errDead
	}
	return begun, nil
}

func (l *mortalLedger) End(ctx context.Context, records ...ledger.Record) ([]ledger.Record, error) {
	if !l.step() {
		return nil, errDead
	}
	ended, err := l.File.End(ctx, records...)
	if err == nil && !l.step() {
		err = errDead
	}
	return ended, err
}

// mortalTransport is the network of a mortal process.
type mortalTransport struct {
	*mortal
	inner http.RoundTripper
}

func (t mortalTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	if !t.step() {
		return nil, errDead
	}
	response, err := t.inner.RoundTrip(request)
	if err == nil && !t.step() {
		_ = response.Body.Close()
		return nil, errDead
	}
	return response, err
}

// deaths are what may be left of a ledger.
var deaths = map[string]func(l *mortalLedger) error{
	"the process is killed": func(*mortalLedger) error { return nil },
	"the machine fails":     func(l *mortalLedger) error { return os.Truncate(l.path, l.flushed.Load()) },
	"a line is torn": func(l *mortalLedger) error {
		file, err := os.OpenFile(l.path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = file.WriteString(`{"begun":[{"key":"01`)
		return errors.Join(err, file.Close())
	},
}

// campaign is a bulk run that is started again and again until it is through. Each
// person is looked up and gets two messages.
type campaign struct {
	t        require.TestingT
	emulator *salebottest.Emulator
	path     string
	people   int
	workers  int
	death    func(*mortalLedger) error
	// together sends the two messages at once, in an order that changes.
	together bool
	runs     int
}

func newCampaign(t testing.TB, people, workers int) *campaign {
	t.Helper()
	var all []salebottest.Person
	for _, id := range clienttest.Numbered(people) {
		all = append(all, salebottest.Person{ID: id})
	}
	return &campaign{
		t: t, emulator: salebottest.New(t, salebottest.WithPeople(all...)), people: people, workers: workers,
		path: filepath.Join(t.TempDir(), "ledger"), death: deaths["the process is killed"],
	}
}

// historyDelay is how long the history takes, as the user states it.
const historyDelay = 20 * time.Second

// process opens the ledger as a process that lives for so many steps.
func (c *campaign) process(steps int) (*mortal, *mortalLedger) {
	process := &mortal{left: steps}
	file, err := ledger.OpenFile(c.path)
	require.NoError(c.t, err)
	info, err := os.Stat(c.path)
	require.NoError(c.t, err)
	l := &mortalLedger{mortal: process, File: file, path: c.path}
	l.flushed.Store(info.Size())
	return process, l
}

// run runs the campaign for so many steps, forever if they are negative. It reports
// whether it got through.
func (c *campaign) run(steps int) (report *salebot.BulkReport, through bool) {
	process, l := c.process(steps)
	client, err := c.emulator.Connect(
		salebot.WithTransport(mortalTransport{process, c.emulator.Transport()}),
		salebot.WithLedger(l, "shop"), salebot.WithHistoryDelay(historyDelay), salebot.WithTimeout(time.Hour))
	require.NoError(c.t, err)
	c.runs++
	report, err = salebot.ForEach(context.Background(), client, salebot.Items(clienttest.Numbered(c.people)),
		salebot.BulkOptions{Name: "spring", Workers: c.workers},
		func(id salebot.ClientID) salebot.ClientID { return id },
		func(ctx context.Context, id salebot.ClientID) error { return c.write(ctx, client, id) })
	require.NoError(c.t, l.Close())
	if process.dead {
		require.NoError(c.t, c.death(l))
		return report, false
	}
	if report.Accepted == c.people {
		require.NoError(c.t, err)
	}
	return report, true
}

func (c *campaign) write(ctx context.Context, client *salebot.Client, id salebot.ClientID) error {
	if _, err := client.GetVariables(ctx, id); err != nil {
		return err
	}
	texts := []string{"one", "two"}
	send := func(text string) error {
		_, err := client.Message(ctx, salebot.MessageRequest{ClientID: id, Message: text})
		return err
	}
	if !c.together {
		for _, text := range texts {
			if err := send(text); err != nil {
				return err
			}
		}
		return nil
	}
	if c.runs%2 == 0 {
		slices.Reverse(texts)
	}
	var group sync.WaitGroup
	failures := make([]error, len(texts))
	for i, text := range texts {
		group.Go(func() { failures[i] = send(text) })
	}
	group.Wait()
	return errors.Join(failures...)
}

// requireEverybodyOnce checks that everybody got both messages, once.
func (c *campaign) requireEverybodyOnce() {
	for _, id := range clienttest.Numbered(c.people) {
		var got []string
		for _, message := range c.emulator.History(id) {
			got = append(got, message.Text)
		}
		slices.Sort(got)
		require.Equal(c.t, []string{"one", "two"}, got, "what %d got", id)
	}
}

// finish goes on until everything is done.
func (c *campaign) finish() {
	for range 10 {
		report, through := c.run(-1)
		require.True(c.t, through)
		require.Zero(c.t, report.Unknown, "the history can tell: %+v", report.Problems)
		if report.Accepted == c.people {
			c.requireEverybodyOnce()
			return
		}
		require.True(c.t, c.together, "%+v", report.Problems)
	}
	require.Fail(c.t, "it was not through after ten runs")
}

// A campaign that dies at any of its steps and is started again sends nothing twice,
// forgets nothing and leaves nothing unknown.
func TestCampaignKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	for name, death := range deaths {
		for _, shape := range []struct {
			workers  int
			together bool
		}{{1, false}, {2, false}, {16, false}, {2, true}} {
			t.Run(fmt.Sprintf("%s, %d workers, together %v", name, shape.workers, shape.together), func(t *testing.T) {
				t.Parallel()
				const people = 3
				for steps := 0; ; steps++ {
					done := false
					testkit.Bubble(t, func(t *testing.T) {
						c := newCampaign(t, people, shape.workers)
						c.death, c.together = death, shape.together
						if _, through := c.run(steps); through {
							require.Greater(t, steps, 15*people, "the campaign has that many steps")
							c.requireEverybodyOnce()
							done = true
							return
						}
						c.finish()
					})
					if done || t.Failed() {
						return
					}
				}
			})
		}
	}
}

// So does one that dies again and again.
func TestCampaignKilledManyTimes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		people, workers := rapid.IntRange(1, 8).Draw(r, "people"), rapid.SampledFrom([]int{1, 2, 16}).Draw(r, "workers")
		together := rapid.Bool().Draw(r, "together")
		death := deaths[rapid.SampledFrom([]string{"the process is killed", "the machine fails", "a line is torn"}).Draw(r, "death")]
		lives := rapid.SliceOfN(rapid.IntRange(0, 80), 1, 6).Draw(r, "lives")
		testkit.Bubble(t, func(t *testing.T) {
			c := newCampaign(t, people, workers)
			c.death, c.together = death, together
			for _, steps := range lives {
				c.run(steps)
			}
			c.finish()
		})
	})
}
