package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/salebot-go/salebot/cmd/salebot/emulator"
	"github.com/salebot-go/salebot/cmd/salebot/internal/settings"
	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/testkit"
)

// Commands of the test scripts, besides those of testscript:
//
//	project [SEED]             has a project in this process; sets what the command needs
//	emulator NAME FLAG…        runs the emulator; sets ADDRESS and KEY
//	status CODE PROGRAM ARG…   runs a program that has to end with a code
//	end NAME [int|term|kill]  ends it and checks how; out and err are its output
//	http METHOD PATH [BODY]    sends a request; the answer is the standard output
//	cut FILE                   cuts a file to half its length

type stateOfScript struct{}

type scriptState struct{ processes map[string]*process }

func projectInScript(ts *testscript.TestScript, _ bool, args []string) {
	options := []engine.Option{engine.WithKeys(engine.Key{Value: testkit.Key, Name: "main key"})}
	if len(args) > 0 {
		seed, err := settings.LoadSeed(ts.MkAbs(args[0]))
		ts.Check(err)
		options = append(options, engine.WithProject(seed))
	}
	emulated, err := engine.Open(options...)
	ts.Check(err)
	ts.Defer(emulated.Close)
	ctx, cancel := context.WithCancel(context.Background())
	ts.Defer(cancel)
	server := httptest.NewServer(emulator.NewHandler(ctx, emulator.Options{Emulator: emulated, Keys: []string{testkit.Key}}))
	ts.Defer(server.Close)
	ts.Setenv("ADDRESS", server.URL)
	ts.Setenv("SALEBOT_API_KEY", testkit.Key)
	ts.Setenv("SALEBOT_BASE_URL", server.URL+"/api")
}

func statusInScript(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: status CODE PROGRAM ARG…")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		code = ended.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("it ended with %d", code)
	}
}

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

// postJSON posts a body and returns the status of the answer.
func postJSON(address, body string) (int, error) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

func cutInScript(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		info, err := os.Stat(ts.MkAbs(name))
		ts.Check(err)
		ts.Check(os.Truncate(ts.MkAbs(name), info.Size()/2))
	}
}
