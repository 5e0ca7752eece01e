package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
)

// Commands of the test scripts, besides those of testscript:
//
//	emulator NAME FLAG…        runs the emulator; sets ADDRESS and KEY
//	end NAME [int|term|kill]  ends it and checks how; out and err are its output
//	http METHOD PATH [BODY]    sends a request; the answer is the standard output
//	cut FILE                   cuts a file to half its length

type stateOfScript struct{}

type scriptState struct{ processes map[string]*process }

func startInScript(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: emulator NAME FLAG…")
	}
	p, err := startProcess(context.Background(), ts.MkAbs("."), args[1:]...)
	if neg {
		if err == nil {
			ts.Fatalf("it should not have started")
		}
		ts.Check(writeOutput(ts, p))
		return
	}
	if err != nil {
		ts.Fatalf("%v: %s", err, p.messages())
	}
	ts.Setenv("ADDRESS", p.address)
	ts.Setenv("KEY", p.key)
	ts.Value(stateOfScript{}).(*scriptState).processes[args[0]] = p
	ts.Defer(func() {
		if p.command.ProcessState == nil {
			_ = p.end(syscall.SIGKILL)
		}
	})
}

func writeOutput(ts *testscript.TestScript, p *process) error {
	if err := os.WriteFile(ts.MkAbs("out"), p.stdout.Bytes(), 0o600); err != nil {
		return err
	}
	return os.WriteFile(ts.MkAbs("err"), p.stderr.Bytes(), 0o600)
}

func endInScript(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: end NAME [int|term|kill]")
	}
	p := ts.Value(stateOfScript{}).(*scriptState).processes[args[0]]
	signal := os.Signal(syscall.SIGTERM)
	if len(args) > 1 {
		signal = map[string]os.Signal{"int": os.Interrupt, "term": syscall.SIGTERM, "kill": syscall.SIGKILL}[args[1]]
	}
	err := p.end(signal)
	ts.Check(writeOutput(ts, p))
	if (err != nil) != neg {
		ts.Fatalf("it ended with %v: %s", err, p.messages())
	}
}

func httpInScript(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: http METHOD PATH [BODY]")
	}
	body := strings.Join(args[2:], " ")
	r, err := http.NewRequestWithContext(context.Background(), args[0], ts.Getenv("ADDRESS")+args[1], strings.NewReader(body))
	ts.Check(err)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	ts.Check(err)
	answer, err := io.ReadAll(response.Body)
	ts.Check(err)
	ts.Check(response.Body.Close())
	_, err = ts.Stdout().Write(answer)
	ts.Check(err)
	if (response.StatusCode > 299) != neg {
		ts.Fatalf("status %d: %s", response.StatusCode, answer)
	}
}

func cutInScript(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		info, err := os.Stat(ts.MkAbs(name))
		ts.Check(err)
		ts.Check(os.Truncate(ts.MkAbs(name), info.Size()/2))
	}
}
