//go:build postgres

package postgres_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/postgres"
	"github.com/salebot-go/salebot/postgres/internal/postgrestest"
	"github.com/salebot-go/salebot/salebottest"
)

func openPace(t testing.TB, server *postgrestest.Server, perSecond float64, burst int, opts ...postgres.PaceOption) *postgres.Pace {
	t.Helper()
	pace, err := postgres.OpenPace(t.Context(), server.Address(), "shop", perSecond, burst, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pace.Close(); err != nil {
			t.Error(err)
		}
	})
	return pace
}

// The environment of a process that starts requests.
const (
	paceAddress = "SALEBOT_POSTGRES_TEST_PACE"
	paceRate    = 200
	paceBurst   = 10
	// paceLate is for how long the clock may be read after a start.
	paceLate   = 0.05
	paceStarts = 120
)

func init() { roles["pace"] = paceProcess } //nolint:gochecknoinits // the table of roles is in another file

// paceProcess starts requests from several goroutines and prints when.
func paceProcess() error {
	schema, address, _ := strings.Cut(os.Getenv(paceAddress), " ")
	pace, err := postgres.OpenPace(context.Background(), address, "shop", paceRate, paceBurst, postgres.WithSchema(schema))
	if err != nil {
		return err
	}
	var mutex sync.Mutex
	var failed error
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range paceStarts / 4 {
				err := pace.Wait(context.Background())
				// All processes of a machine have the same clock.
				at := time.Now().UnixMicro()
				mutex.Lock()
				failed = errors.Join(failed, err)
				_, _ = fmt.Fprintln(os.Stdout, at)
				mutex.Unlock()
			}
		})
	}
	group.Wait()
	return errors.Join(failed, pace.Close())
}

// TestPaceOfProcesses checks that two and eight processes together never start more than
// the rate and the burst allow, in windows of every length.
func TestPaceOfProcesses(t *testing.T) {
	t.Parallel()
	for _, processes := range []int{2, 8} {
		t.Run(fmt.Sprint(processes), func(t *testing.T) {
			t.Parallel()
			starts := startsOf(t, processes)
			if len(starts) != processes*paceStarts {
				t.Fatalf("%d starts, want %d", len(starts), processes*paceStarts)
			}
			for first := range starts {
				for last := first; last < len(starts); last++ {
					window := float64(starts[last]-starts[first]) / 1e6
					if most := paceRate*(window+paceLate) + paceBurst; float64(last-first+1) > most+1e-6 {
						t.Fatalf("%d starts within %.3f s, at most %.1f are allowed", last-first+1, window, most)
					}
				}
			}
			whole := float64(starts[len(starts)-1]-starts[0]) / 1e6
			t.Logf("%d starts of %d processes in %.2f s: %.0f %% of the rate", len(starts), processes, whole, 100*float64(len(starts)-1)/whole/paceRate)
		})
	}
}

// startsOf runs processes and returns when they started requests, in microseconds.
func startsOf(t *testing.T, processes int) []int64 {
	t.Helper()
	server := commonServer(t)
	name := fmt.Sprintf("pace%d_%d", os.Getpid(), schemas.Add(1))
	if _, err := postgres.Migrate(t.Context(), server.Address(), postgres.WithSchema(name)); err != nil {
		t.Fatal(err)
	}
	var mutex sync.Mutex
	var starts []int64
	var group sync.WaitGroup
	for range processes {
		group.Go(func() {
			command := exec.CommandContext(t.Context(), os.Args[0])
			command.Env = append(os.Environ(), role+"=pace", paceAddress+"="+name+" "+server.Address())
			command.Stderr = os.Stderr
			output, err := command.Output()
			if err != nil {
				t.Error(err)
			}
			lines := bufio.NewScanner(strings.NewReader(string(output)))
			for lines.Scan() {
				at, err := strconv.ParseInt(lines.Text(), 10, 64)
				if err != nil {
					t.Error(err)
				}
				mutex.Lock()
				starts = append(starts, at)
				mutex.Unlock()
			}
		})
	}
	group.Wait()
	slices.Sort(starts)
	return starts
}

// TestPaceHolds checks that a 429 which one process got holds back another one.
func TestPaceHolds(t *testing.T) {
	t.Parallel()
	server := commonServer(t)
	schema := newSchema(t, server)
	one, two := openPace(t, server, 1000, 2, schema), openPace(t, server, 1000, 2, schema)
	for range 3 {
		if err := two.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	const hold = 400 * time.Millisecond
	began := time.Now()
	one.Held(hold)
	one.Told()
	if err := two.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if waited := time.Since(began); waited < hold {
		t.Errorf("the other process waited %v, want %v", waited, hold)
	}
	parts := query[float64](t, server, two.SQL("SELECT part FROM salebot.pace"))
	if len(parts) != 1 || parts[0] < 0.7 || parts[0] > 0.8 {
		t.Errorf("the part of the rate is %v, want a little over 0.7", parts)
	}
	limited, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	one.Held(time.Hour)
	one.Told()
	if err := two.Wait(limited); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want DeadlineExceeded", err)
	}
}

// TestPaceGivesUpMoments checks that moments which a process has taken before a 429 are not
// used after it, with the database and by itself.
func TestPaceGivesUpMoments(t *testing.T) {
	t.Parallel()
	server := commonServer(t)
	for name, hold := range map[string]time.Duration{"while it holds": 400 * time.Millisecond, "after it": time.Nanosecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pace := openPace(t, server, 100, 100, newSchema(t, server))
			pace.Expect(10)
			wait := func() {
				t.Helper()
				if err := pace.Wait(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			next := func() time.Time { return query[time.Time](t, server, pace.SQL("SELECT next FROM salebot.pace"))[0] }
			// The third of ten moments was used then.
			before := time.Time{}
			for wait(); !next().Equal(before); wait() {
				before = next()
			}
			began := time.Now()
			pace.Held(hold)
			pace.Told()
			wait()
			if waited := time.Since(began); waited < hold {
				t.Errorf("a call started %v after the 429, want %v at least", waited, hold)
			}
			if !next().After(before) {
				t.Error("a moment from before the 429 was used")
			}
		})
	}
}

// TestPaceOfClients checks the way of a 429 from one client to another.
func TestPaceOfClients(t *testing.T) {
	t.Parallel()
	server := commonServer(t)
	schema := newSchema(t, server)
	emulator := salebottest.New(t)
	client := func(pace *postgres.Pace) *salebot.Client { return emulator.Client(t, salebot.WithLimiter(pace)) }
	one, two := client(openPace(t, server, 1000, 2, schema)), client(openPace(t, server, 1000, 2, schema))
	emulator.Fail(salebottest.Fault{RetryAfter: time.Second})
	began := time.Now()
	if _, err := one.GetConnectedChannels(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := two.GetConnectedChannels(t.Context()); err != nil {
		t.Fatal(err)
	}
	if waited := time.Since(began); waited < time.Second {
		t.Errorf("done after %v, want a second at least", waited)
	}
}

// TestPaceWithoutDatabase checks both choices for the time in which the database is away,
// and that it is used again when it is back.
func TestPaceWithoutDatabase(t *testing.T) {
	t.Parallel()
	server := ownServer(t, "fsync=off")
	failing, alone := openPace(t, server, 100, 2), openPace(t, server, 100, 2, postgres.WithLocalShare(2))
	for _, pace := range []*postgres.Pace{failing, alone} {
		if err := pace.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := server.StopNow(); err != nil {
		t.Fatal(err)
	}
	if err := failing.Wait(t.Context()); !errors.Is(err, postgres.ErrUnreachable) {
		t.Errorf("%v, want ErrUnreachable", err)
	}
	began := time.Now()
	for range 21 {
		if err := alone.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took < 380*time.Millisecond {
		t.Errorf("21 starts by itself took %v, want those of half of 100 a second", took)
	}
	if err := server.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the database paces again", func() bool { return failing.Wait(t.Context()) == nil })
	before := query[time.Time](t, server, "SELECT next FROM salebot.pace")[0]
	eventually(t, "the other one uses it, too", func() bool {
		return alone.Wait(t.Context()) == nil && query[time.Time](t, server, "SELECT next FROM salebot.pace")[0].After(before)
	})
	if err := alone.Close(); err != nil {
		t.Error(err)
	}
	if err := alone.Wait(t.Context()); !errors.Is(err, postgres.ErrPaceClosed) {
		t.Errorf("after Close: %v, want ErrPaceClosed", err)
	}
}

// TestPaceNameIsSecret checks that the name cannot be read in the database, even if
// somebody took the API key for it.
func TestPaceNameIsSecret(t *testing.T) {
	t.Parallel()
	server := commonServer(t)
	schema := newSchema(t, server)
	pace, err := postgres.OpenPace(t.Context(), server.Address(), canary, 1000, 2, schema)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pace.Close() }()
	if err := pace.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, row := range query[string](t, server, pace.SQL("SELECT encode(name, 'escape') || p::text FROM salebot.pace p")) {
		if strings.Contains(row, canary) {
			t.Error("the row has the key")
		}
	}
}

// BenchmarkPace reports which part of the rate two processes' worth of callers use.
func BenchmarkPace(b *testing.B) {
	server := commonServer(b)
	for _, processes := range []int{2, 8} {
		b.Run(fmt.Sprint(processes), func(b *testing.B) {
			schema := newSchema(b, server)
			paces := make([]*postgres.Pace, processes)
			for i := range paces {
				paces[i] = openPace(b, server, 500, 25, schema)
			}
			begin := time.Now()
			const each = 1000
			var group sync.WaitGroup
			for _, pace := range paces {
				for range 16 {
					group.Go(func() {
						for range each / 16 {
							if err := pace.Wait(b.Context()); err != nil {
								b.Error(err)
							}
						}
					})
				}
			}
			group.Wait()
			starts := float64(processes * (each / 16) * 16)
			b.ReportMetric(starts/time.Since(begin).Seconds()/500, "of-the-rate")
		})
	}
}
