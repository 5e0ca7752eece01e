package ledgertest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/salebot-go/salebot/ledger"
)

// processVariable tells a process that it does what its input says.
const processVariable = "SALEBOT_LEDGERTEST_PROCESS"

// Processes checks a ledger that several processes share. It starts the test program
// again as other processes. As with Kill, the function has to open the same ledger in
// all of them, and the test must call nothing before that cannot be done twice.
func Processes(t *testing.T, open Open) {
	t.Helper()
	if os.Getenv(processVariable) != "" {
		obey(t, open)
		return
	}
	letsOneProcessBegin(t)
	knowsWhoWasKilled(t, open)
	knowsWhoIsStopped(t, open)
}

// letsOneProcessBegin has two processes begin the same records at once.
func letsOneProcessBegin(t *testing.T) {
	t.Helper()
	const keys = 100
	one, two := startProcess(t), startProcess(t)
	one.tell(t, "race", strconv.Itoa(keys))
	two.tell(t, "race", strconv.Itoa(keys))
	won := map[string]int{}
	for _, p := range []*process{one, two} {
		for key := p.hear(t); key != "done"; key = p.hear(t) {
			won[key]++
		}
	}
	for i := range keys {
		if n := won[raceKey(i)]; n != 1 {
			t.Errorf("%s was begun by %d processes", raceKey(i), n)
		}
	}
	one.kill(t)
	two.kill(t)
}

func raceKey(i int) string { return "race " + strconv.Itoa(i) }

// knowsWhoWasKilled has a process begin a record and kills it.
func knowsWhoWasKilled(t *testing.T, open Open) {
	t.Helper()
	l := opened(t, open)
	p := startProcess(t)
	p.ask(t, "killed", "begin", "killed")
	record := find(t, l, "killed")[0]
	if alive, err := l.Alive(t.Context(), record.Holder); err != nil || !alive {
		t.Fatalf("the holder in another process is alive: %v, %v", alive, err)
	}
	p.kill(t)
	eventually(t, "the holder that was killed is known to be dead", func() bool {
		alive, err := l.Alive(t.Context(), record.Holder)
		return err == nil && !alive
	})
	begin(t, l, record)
}

// knowsWhoIsStopped stops a process, and lets it go on: it was alive. What was taken
// from it in between is not its own any more.
func knowsWhoIsStopped(t *testing.T, open Open) {
	t.Helper()
	l := opened(t, open)
	p := startProcess(t)
	defer p.kill(t)
	for _, key := range []string{"kept", "taken"} {
		p.ask(t, key, "begin", key)
	}
	if err := stop(p.command.Process); err != nil {
		if errors.Is(err, errors.ErrUnsupported) {
			return
		}
		t.Fatal(err)
	}
	record := find(t, l, "taken")[0]
	if alive, err := l.Alive(t.Context(), record.Holder); err != nil || !alive {
		t.Errorf("the holder that was just stopped is alive: %v, %v", alive, err)
	}
	begin(t, l, record)
	if err := resume(p.command.Process); err != nil {
		t.Fatal(err)
	}
	p.ask(t, "kept", "end", "kept")
	p.ask(t, ledger.ErrTaken.Error(), "end", "taken")
}

// obey does what the input says, and answers each line by one or more.
func obey(t *testing.T, open Open) {
	t.Helper()
	l := opened(t, open)
	begun := map[string]ledger.Record{}
	say := func(what string) { fmt.Println(killMark + what) } //nolint:forbidigo // the other process reads it
	try := func(key string) error {
		records, err := l.Begin(t.Context(), call(key, 0, key))
		if err == nil {
			begun[key] = records[0]
		}
		return err
	}
	say("ready")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		command, what, _ := strings.Cut(lines.Text(), " ")
		var err error
		switch command {
		case "race":
			keys, _ := strconv.Atoi(what)
			for i := range keys {
				switch err := try(raceKey(i)); {
				case err == nil:
					say(raceKey(i))
				case !errors.Is(err, ledger.ErrTaken):
					say(err.Error())
				}
			}
			what = "done"
		case "begin":
			err = try(what)
		case "end":
			record := begun[what]
			record.State = ledger.Accepted
			_, err = l.End(t.Context(), record)
		}
		if err != nil {
			what = err.Error()
		}
		say(what)
	}
}

// process is another process that obeys.
type process struct {
	command *exec.Cmd
	input   io.WriteCloser
	lines   *bufio.Scanner
	end     context.CancelFunc
}

func startProcess(t *testing.T) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waitBound)
	command := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+regexp.QuoteMeta(t.Name())+"$", "-test.count=1")
	command.Env = append(os.Environ(), processVariable+"=1")
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{command: command, input: input, lines: bufio.NewScanner(output), end: cancel}
	if got := p.hear(t); got != "ready" {
		t.Fatalf("the other process says %q", got)
	}
	return p
}

// tell gives a command.
func (p *process) tell(t *testing.T, command, what string) {
	t.Helper()
	if _, err := fmt.Fprintln(p.input, command, what); err != nil {
		t.Fatal(err)
	}
}

// hear returns the next answer.
func (p *process) hear(t *testing.T) string {
	t.Helper()
	for p.lines.Scan() {
		if answer, ok := strings.CutPrefix(p.lines.Text(), killMark); ok {
			return answer
		}
	}
	t.Fatalf("the other process ended: %v", p.lines.Err())
	return ""
}

// ask gives a command and wants an answer.
func (p *process) ask(t *testing.T, want, command, what string) {
	t.Helper()
	p.tell(t, command, what)
	if got := p.hear(t); got != want {
		t.Fatalf("%s %s: the other process says %q, want %q", command, what, got, want)
	}
}

func (p *process) kill(t *testing.T) {
	t.Helper()
	if err := p.command.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = p.command.Wait() // it was killed
	p.end()
}
