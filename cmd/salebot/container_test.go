package main

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/salebot-go/salebot/cmd/salebot/internal/settings"
	"github.com/salebot-go/salebot/internal/testkit"
)

// Each flag of the emulator has an environment variable, which counts less than the
// command line.
func TestFlagsFromTheEnvironment(t *testing.T) {
	var names []string
	newEmulatorCommand().Flags().VisitAll(func(flag *pflag.Flag) {
		if flag.Name == "help" {
			return
		}
		names = append(names, flag.Name)
		command := newEmulatorCommand()
		value := map[string]string{"bool": "true", "stringSlice": "a.example,b.example"}[flag.Value.Type()]
		if value == "" {
			value = "x"
		}
		t.Setenv(emulatorVariable(flag.Name), value)
		require.NoError(t, fromEnvironment(command.Flags()))
		got := command.Flags().Lookup(flag.Name).Value.String()
		require.Contains(t, []string{value, "[" + value + "]"}, got, flag.Name)
		if flag.Value.Type() == "string" {
			require.NoError(t, command.Flags().Set(flag.Name, "y"))
			require.NoError(t, fromEnvironment(command.Flags()))
			require.Equal(t, "y", command.Flags().Lookup(flag.Name).Value.String())
		}
		t.Setenv(emulatorVariable(flag.Name), "")
	})
	require.Contains(t, names, "allow-host")
	t.Setenv("SALEBOT_EMULATOR_OPEN", "perhaps")
	require.ErrorContains(t, fromEnvironment(newEmulatorCommand().Flags()), "SALEBOT_EMULATOR_OPEN")
}

// The recipes for containers name flags that there are, files that can be read, and a
// check of the health that works under any host name.
func TestContainerRecipes(t *testing.T) {
	t.Parallel()
	recipe, err := os.ReadFile("container/Dockerfile")
	require.NoError(t, err)
	text, err := os.ReadFile("container/compose.yaml")
	require.NoError(t, err)
	flags := newEmulatorCommand().Flags()
	known := map[string]bool{}
	flags.VisitAll(func(flag *pflag.Flag) { known[emulatorVariable(flag.Name)] = true })
	for _, variable := range regexp.MustCompile(`SALEBOT_EMULATOR_\w+`).FindAllString(string(recipe)+string(text), -1) {
		require.True(t, known[variable], variable)
	}
	require.Contains(t, string(recipe), "\nUSER 65532:65532\n")
	require.Contains(t, string(recipe), "CGO_ENABLED=0")
	require.Contains(t, string(recipe), `HEALTHCHECK --interval=5s --timeout=5s --start-period=2s CMD ["/salebot", "emulator", "--health"]`)
	var composed struct {
		Services map[string]struct {
			Environment map[string]string
			DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &composed))
	require.Equal(t, "service_healthy", composed.Services["bot"].DependsOn["salebot"].Condition)
	require.Equal(t, composed.Services["bot"].Environment["SALEBOT_API_KEY"], composed.Services["salebot"].Environment["SALEBOT_EMULATOR_KEY"])
	_, err = settings.LoadSeed("container/shop.yaml")
	require.NoError(t, err)

	p := runEmulator(t, "--key", testkit.Key, "--allow-host", "salebot")
	require.NoError(t, checkHealth(t.Context(), strings.TrimPrefix(p.address, "http://")))
	_, port, _ := strings.Cut(strings.TrimPrefix(p.address, "http://"), ":")
	require.NoError(t, checkHealth(t.Context(), ":"+port))
	require.NoError(t, checkHealth(t.Context(), "0.0.0.0:"+port))
	require.ErrorContains(t, checkHealth(t.Context(), "127.0.0.1:1"), "no emulator answers")
	require.Error(t, checkHealth(t.Context(), "nonsense"))
	for path, want := range map[string]map[string]int{
		"/_emulator/health": {"salebot": 200, "anything.example": 200},
		"/_emulator/status": {"salebot": 200, "anything.example": http.StatusMisdirectedRequest},
		"/":                 {"salebot": 200, "anything.example": http.StatusMisdirectedRequest},
	} {
		for host, status := range want {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.address+path, http.NoBody)
			require.NoError(t, err)
			r.Host = host + ":" + port
			response, err := http.DefaultTransport.RoundTrip(r)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			require.Equal(t, status, response.StatusCode, "%s under %s", path, host)
		}
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	whole, err := filepath.Abs(path)
	require.NoError(t, err)
	return whole
}

// The bot of the compose file answers what a person writes. It needs Python.
func TestBotInPython(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	require.NoError(t, err, "install python3")
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	p := runEmulator(t, "--key", testkit.Key, "--seed", absolute(t, "container/shop.yaml"))
	bot := exec.CommandContext(ctx, python, "-u", "container/bot.py")
	bot.Env = append(os.Environ(), "PORT=0", "SALEBOT_API_KEY="+testkit.Key, "SALEBOT_BASE_URL="+p.address+"/api")
	out, err := bot.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, bot.Start())
	t.Cleanup(func() {
		cancel()
		_ = bot.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	port := regexp.MustCompile(`\d+`).FindString(line)
	status, body := request(t, http.MethodPut, p.address+"/_emulator/webhook", "application/json", `{"url":"http://127.0.0.1:`+port+`/webhook"}`)
	require.Equal(t, http.StatusOK, status, body)
	for text, want := range map[string]string{"The prices, please": "Everything costs 100.", "Hm": "You wrote: Hm", "/start": "Welcome, Ann! Ask for the prices."} {
		_, written := request(t, http.MethodPost, p.address+"/_emulator/clients/25554/messages", "application/json", `{"text":"`+text+`"}`)
		var message struct{ ID string }
		require.NoError(t, json.Unmarshal([]byte(written), &message))
		_, answer := request(t, http.MethodGet, p.address+"/_emulator/clients/25554/messages?wait=60&after="+message.ID, "", "")
		require.Contains(t, answer, want)
	}
}

// With --quiet nothing is printed but problems, and without a terminal there is no
// line for each request.
func TestQuiet(t *testing.T) {
	t.Parallel()
	p, err := startProcess(context.WithoutCancel(t.Context()), t.TempDir(), "--quiet")
	require.ErrorIs(t, err, errNotReady)
	require.Contains(t, p.messages(), "--quiet needs --key")

	loud := runEmulator(t, "--key", testkit.Key)
	request(t, http.MethodGet, loud.api("connected_channels"), "", "")
	require.NoError(t, loud.end(syscall.SIGTERM))
	require.Empty(t, loud.messages())

	// A quiet one does not say that it is ready, so it is asked.
	executable, err := os.Executable()
	require.NoError(t, err)
	quiet := exec.CommandContext(t.Context(), executable, "emulator", "--key", testkit.Key, "--quiet", "--addr", "127.0.0.1:0", "--state", "state.json")
	quiet.Dir = t.TempDir()
	quiet.Env = append(os.Environ(), runAsCommand+"=1")
	quiet.Cancel = func() error { return quiet.Process.Signal(syscall.SIGTERM) }
	var printed strings.Builder
	quiet.Stdout, quiet.Stderr = &printed, &printed
	require.NoError(t, quiet.Start())
	require.Eventually(t, func() bool {
		_, err := os.Stat(quiet.Dir + "/state.json")
		return err == nil
	}, patience, 10*time.Millisecond)
	require.NoError(t, quiet.Process.Signal(syscall.SIGTERM))
	require.NoError(t, quiet.Wait())
	require.Empty(t, printed.String())
}
