package ledgertest

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/salebot-go/salebot/ledger"
)

// killVariable tells a process that it is the one to be killed, and of which round.
const killVariable = "SALEBOT_LEDGERTEST_ROUND"

// Kill starts the test program again as a process that begins and ends records as fast
// as it can. It kills that process at a random moment, opens the ledger, and checks
// that nothing that was acknowledged is lost; and so on, kills times. The function has
// to open the same ledger in both processes, so its place must not depend on t.TempDir
// alone: hand it on by an environment variable. The test that calls Kill must call
// nothing before it that cannot be done twice.
//
// It returns how many records were acknowledged.
func Kill(t *testing.T, kills int, open Open) int {
	t.Helper()
	if round := os.Getenv(killVariable); round != "" {
		victim(t, round, open)
		return 0
	}
	all := 0
	for round := range kills {
		acknowledged := killed(t, strconv.Itoa(round))
		all += len(acknowledged)
		check(t, open, acknowledged)
	}
	t.Logf("deaths: %d, records acknowledged: %d, none lost", kills, all)
	return all
}

// victim begins and ends records until it is killed, and says what was acknowledged.
func victim(t *testing.T, round string, open Open) {
	l := opened(t, open)
	var printing sync.Mutex
	say := func(what string) {
		printing.Lock()
		defer printing.Unlock()
		fmt.Println(killMark + what) //nolint:forbidigo // the other process reads it
	}
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for i := range 1_000_000 {
				key := round + "/" + strconv.Itoa(worker) + "/" + strconv.Itoa(i)
				begun, err := l.Begin(t.Context(), call(key, 0, key))
				if err != nil {
					t.Errorf("Begin: %v", err)
					return
				}
				say(key)
				begun[0].State = ledger.Accepted
				if _, err := l.End(t.Context(), begun...); err != nil {
					t.Errorf("End: %v", err)
					return
				}
			}
		})
	}
	group.Wait()
}

const killMark = "acknowledged "

// killed runs the victim, kills it and returns the keys that it acknowledged.
func killed(t *testing.T, round string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waitBound)
	defer cancel()
	command := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+regexp.QuoteMeta(t.Name())+"$", "-test.count=1")
	command.Env = append(os.Environ(), killVariable+"="+round)
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	// It is killed after so many acknowledgements, and a moment that differs.
	after := 1 + rand.IntN(40)
	var acknowledged []string
	var last string
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		last = lines.Text()
		if key, ok := strings.CutPrefix(last, killMark); ok {
			acknowledged = append(acknowledged, key)
		}
		if len(acknowledged) == after {
			time.AfterFunc(time.Duration(rand.IntN(2000))*time.Microsecond, func() { _ = command.Process.Kill() })
		}
	}
	_ = command.Wait() // it was killed
	if len(acknowledged) < after {
		t.Fatalf("the process ended by itself after %d acknowledgements; its last line: %.200s", len(acknowledged), last)
	}
	return acknowledged
}

func check(t *testing.T, open Open, acknowledged []string) {
	t.Helper()
	l, err := open()
	if err != nil {
		t.Fatalf("opening after a kill: %v", err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}()
	for _, key := range acknowledged {
		if len(find(t, l, key)) != 1 {
			t.Fatalf("%s was acknowledged and is lost", key)
		}
	}
}
