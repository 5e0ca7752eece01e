package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// runAsCommand makes the test program behave as the command.
const runAsCommand = "SALEBOT_TEST_RUN_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(runAsCommand) != "" {
		os.Exit(run())
	}
	testscript.Main(m, map[string]func(){"salebot": main})
}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			env.Values[stateOfScript{}] = &scriptState{processes: map[string]*process{}}
			env.Setenv("XDG_CONFIG_HOME", env.Getenv("WORK")+"/config")
			env.Setenv("XDG_STATE_HOME", env.Getenv("WORK")+"/state")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"project":  projectInScript,
			"serve":    serveInScript,
			"await":    awaitInScript,
			"post":     postInScript,
			"status":   statusInScript,
			"emulator": startInScript,
			"end":      endInScript,
			"http":     httpInScript,
			"cut":      cutInScript,
		},
	})
}
