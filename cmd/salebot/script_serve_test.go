package main

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// Commands of the test scripts for what receives:
//
//	serve NAME ARG…       starts the command and waits for its address; sets NAME to it
//	await NAME [!] TEXT   waits until its output has a text
//	post ADDRESS BODY     posts a body to an address
//
// The command end ends it.

const listening = "Listening on "

func serveInScript(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: serve NAME ARG…")
	}
	executable, err := os.Executable()
	ts.Check(err)
	p := &process{command: exec.CommandContext(context.Background(), executable, args[1:]...)}
	p.command.Dir = ts.MkAbs(".")
	p.command.Env = append(os.Environ(), runAsCommand+"=1", "SALEBOT_WEBHOOK_SECRET="+ts.Getenv("SALEBOT_WEBHOOK_SECRET"))
	out, err := p.command.StdoutPipe()
	ts.Check(err)
	complaints, err := p.command.StderrPipe()
	ts.Check(err)
	ts.Check(p.command.Start())
	ready := make(chan string, 1)
	follow := func(lines *bufio.Scanner, into *bytes.Buffer) {
		for lines.Scan() {
			p.mu.Lock()
			into.WriteString(lines.Text() + "\n")
			p.mu.Unlock()
			if address, ok := strings.CutPrefix(lines.Text(), listening); ok {
				ready <- address
			}
		}
	}
	p.printed.Go(func() { follow(bufio.NewScanner(out), &p.stdout) })
	p.printed.Go(func() {
		defer close(ready)
		follow(bufio.NewScanner(complaints), &p.stderr)
	})
	address := <-ready
	if address == "" {
		ts.Fatalf("it ended before it was ready: %s", p.messages())
	}
	ts.Setenv(args[0], address)
	ts.Value(stateOfScript{}).(*scriptState).processes[args[0]] = p
	ts.Defer(func() {
		if p.command.ProcessState == nil {
			_ = p.end(syscall.SIGKILL)
		}
	})
}

func awaitInScript(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: await NAME TEXT")
	}
	p := ts.Value(stateOfScript{}).(*scriptState).processes[args[0]]
	text := strings.Join(args[1:], " ")
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); <-tick.C {
		p.mu.Lock()
		shown := p.stdout.String() + p.stderr.String()
		p.mu.Unlock()
		if strings.Contains(shown, text) {
			return
		}
	}
	ts.Fatalf("it did not write %q: %s%s", text, p.stdout.String(), p.messages())
}

func postInScript(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: post ADDRESS BODY")
	}
	status, err := postJSON(args[0], strings.Join(args[1:], " "))
	ts.Check(err)
	if (status > 299) != neg {
		ts.Fatalf("status %d", status)
	}
}
