//go:build strace

package sqlite_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/salebot-go/salebot"
)

// TestFlushBeforeAnswer watches the system calls of a receiver: between the arrival
// of each event and the 200 that answers it, the log is flushed to the disk, by a
// flush that began after the arrival and ended before the answer. A kill cannot show
// that, since it leaves what the operating system has. It needs strace:
//
//	go test -tags strace -run TestFlushBeforeAnswer -v .
func TestFlushBeforeAnswer(t *testing.T) {
	t.Parallel()
	for _, senders := range []int{1, 8} {
		t.Run(fmt.Sprintf("senders=%d", senders), func(t *testing.T) {
			t.Parallel()
			watchFlushes(t, senders)
		})
	}
}

// TestFlushBeforeDuplicate watches a process that opens a file which another one left
// when it died: what is in its log may not be on the disk, and must be before a message
// in it is called a duplicate; and not by the way, with what this process happens to
// write to the log itself.
func TestFlushBeforeDuplicate(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	path := filepath.Join(directory, "inbox.db")
	inbox := openInbox(t, path)
	put(t, inbox, event(1, 1))
	path = inbox.Crash(t, path, directory)
	trace := filepath.Join(directory, "trace")
	command := exec.Command("strace", "-f", "-y", "-s", "48", "-o", trace, "-e", "trace=write,pwrite64,fsync,fdatasync", os.Args[0])
	command.Env = append(os.Environ(), role+"=duplicate", receivePath+"="+path)
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	content, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	before, _, found := strings.Cut(string(content), `"duplicate`)
	log := `\(\d+<` + regexp.QuoteMeta(path) + `-wal>`
	if written := regexp.MustCompile(`pwrite64` + log).FindStringIndex(before); written != nil {
		before = before[:written[0]]
	}
	if !found || !regexp.MustCompile(`sync`+log).MatchString(before) {
		t.Errorf("the duplicate was answered (%v) before the log was flushed:\n%s", found, content)
	}
}

func watchFlushes(t *testing.T, count int) {
	directory := t.TempDir()
	trace := filepath.Join(directory, "trace")
	command := exec.Command("strace", "-f", "-y", "-s", "48", "-o", trace, "-e", "trace=read,write,fsync,fdatasync", os.Args[0])
	command.Env = append(os.Environ(), role+"=receive", receivePath+"="+filepath.Join(directory, "inbox.db"), receiveLog+"="+filepath.Join(directory, "log"))
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	input, output := startProcess(t, command)
	address, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatalf("the receiver did not start under strace: %v", err)
	}
	process := &receiverProcess{command: command, input: input, address: strings.TrimSpace(address)}
	const each = 50
	senders := make([]*clientSender, count)
	var group sync.WaitGroup
	for i := range senders {
		senders[i] = &clientSender{client: salebot.ClientID(i + 1), enough: each}
		group.Go(func() { senders[i].post(t.Context(), process.address) })
	}
	group.Wait()
	process.drain(t)
	acknowledged := 0
	for _, sender := range senders {
		acknowledged += sender.acknowledged
	}
	answers, flushes := readTrace(t, trace)
	t.Logf("%d senders: %d events acknowledged, %d answers seen, each after a flush of its own time; %d flushes", count, acknowledged, answers, flushes)
	if want := count * each; answers != want || acknowledged != want {
		t.Errorf("%d answers in the trace, %d acknowledged, want %d", answers, acknowledged, want)
	}
	if count == 1 && flushes < answers {
		t.Errorf("%d flushes for %d events that came one after the other", flushes, answers)
	}
}

// traced is a line of the trace: the process, the call with its descriptor, and the
// rest.
var (
	traced   = regexp.MustCompile(`^(\d+) +(read|write|fsync|fdatasync)\((\d+)<([^>]*)>(.*)$`)
	received = regexp.MustCompile(`= [1-9]\d*$`)
	resumed  = regexp.MustCompile(`^(\d+) +<\.{3} (read|write|fsync|fdatasync) resumed>(.*)$`)
)

// readTrace checks each answer and counts the answers and the flushes of the log.
// The order of the lines is the order of the events; a call that others interrupt
// has two lines.
func readTrace(t *testing.T, path string) (answers, flushes int) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	type call struct {
		name, descriptor, target string
		began                    int
	}
	pending := map[string]call{}
	arrived := map[string]int{}
	// began and ended are the lines of the flush that began last of those that have
	// ended.
	began := -1
	finish := func(c call, line int, rest string) {
		switch {
		case c.name == "read" && received.MatchString(rest):
			// The last of an event's reads has its end.
			arrived[c.descriptor] = line
		case strings.HasSuffix(c.name, "sync") && strings.HasSuffix(c.target, "-wal") && strings.HasSuffix(strings.TrimSpace(rest), "= 0"):
			flushes++
			began = max(began, c.began)
		}
	}
	scanner := bufio.NewScanner(file)
	for line := 0; scanner.Scan(); line++ {
		text := scanner.Text()
		if m := resumed.FindStringSubmatch(text); m != nil {
			if c, ok := pending[m[1]]; ok {
				delete(pending, m[1])
				finish(c, line, m[3])
			}
			continue
		}
		m := traced.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		c := call{name: m[2], descriptor: m[3], target: m[4], began: line}
		if c.name == "write" && strings.HasPrefix(m[5], `, "HTTP/1.1 200 `) {
			answers++
			at, ok := arrived[c.descriptor]
			if !ok || began < at {
				t.Errorf("line %d: a 200 without a flush since the event arrived (line %d, last flush began in line %d): %s", line+1, at+1, began+1, text)
			}
			delete(arrived, c.descriptor)
		}
		if strings.HasSuffix(m[5], "<unfinished ...>") {
			pending[m[1]] = c
			continue
		}
		finish(c, line, m[5])
	}
	if err := scanner.Err(); err != nil {
		t.Fatal(err)
	}
	return answers, flushes
}
