package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"

	"github.com/spf13/cobra"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/cmd/salebot/emulator"
	"github.com/salebot-go/salebot/cmd/salebot/internal/settings"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

// emulatorFlags are the flags of the command emulator.
type emulatorFlags struct {
	addr, key, seed, state, config, answers string
	webhookURL, webhookResend               string
	rateLimit                               string
	historyDelay                            string
	allowHosts                              []string
	hideSends, browse, quiet                bool
	health                                  bool
}

// emulatorAddress is where the emulator listens if nothing else is said.
const emulatorAddress = "127.0.0.1:8085"

func newEmulatorCommand() *cobra.Command {
	var flags emulatorFlags
	command := &cobra.Command{
		Use:   "emulator",
		Short: "Run a Salebot project on this machine",
		Long: `Runs a Salebot project on this machine: the API under /api/{api_key}/{action}, a
page in the browser at / that shows each chat and lets you write as the client,
and a control API under /_emulator/ for tests in any language.

When it is ready it prints its address, and on a terminal a line for each request.
It stops at Ctrl-C or SIGTERM.

Each flag can be set by an environment variable too: --webhook-url by
SALEBOT_EMULATOR_WEBHOOK_URL, and so on.`,
		Example: `  salebot emulator
  salebot emulator --key emulator-key-1 --seed shop.yaml \
    --webhook-url http://localhost:3000/webhook
  salebot emulator --answers answers.yaml
  curl -d '{"client_id": 25554, "message": "Hello"}' \
    http://127.0.0.1:8085/api/emulator-key-1/message`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := fromEnvironment(cmd.Flags()); err != nil {
				return err
			}
			return flags.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	set := command.Flags()
	set.SortFlags = false
	set.StringVar(&flags.addr, "addr", emulatorAddress, "address to listen on; port 0 takes a free one")
	set.StringVar(&flags.key, "key", "", "API key; without it one is made and printed")
	set.StringVar(&flags.seed, "seed", "", "YAML or JSON file with the project to begin with")
	set.StringVar(&flags.state, "state", "", "file to keep the state in; it counts more than --seed once it is there")
	set.StringVar(&flags.webhookURL, "webhook-url", "", "address that gets every message, in and out")
	set.StringVar(&flags.webhookResend, "webhook-resend", "", "which deliveries are repeated: none, 5xx or failed (default none)")
	set.StringVar(&flags.rateLimit, "rate-limit", "", `requests that each key may make, such as 50/1s, or "50/1s burst 10" for a token bucket (default no limit)`)
	set.StringVar(&flags.historyDelay, "history-delay", "", "time until a message of the API is in the history, such as 5s (default at once)")
	set.BoolVar(&flags.hideSends, "hide-sends-in-history", false, "leave the messages of the API out of the history for good")
	set.StringVar(&flags.config, "config", "", "YAML or JSON file with settings")
	set.StringVar(&flags.answers, "answers", "", "YAML or JSON file with answers, such as salebot probe writes; they count more than those of --config")
	set.StringSliceVar(&flags.allowHosts, "allow-host", nil, "further host name of the page and the control API, such as that of a container")
	set.BoolVar(&flags.browse, "open", false, "open the page in the browser")
	set.BoolVar(&flags.quiet, "quiet", false, "print nothing but problems; needs --key")
	set.BoolVar(&flags.health, "health", false, "ask the emulator at --addr whether it answers, and end: for the health check of a container")
	return command
}

var errQuiet = errors.New("--quiet needs --key: nobody would learn the key that is made")

func (f *emulatorFlags) run(ctx context.Context, out, log io.Writer) error {
	if f.health {
		return checkHealth(ctx, f.addr)
	}
	if f.quiet && f.key == "" {
		return errQuiet
	}
	config, err := f.settings()
	if err != nil {
		return err
	}
	main, made := f.mainKey()
	emulated, err := f.open(config, main)
	if err != nil {
		return err
	}
	defer emulated.Close()
	report := func(text string) { _, _ = fmt.Fprintln(log, "salebot:", text) }

	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", f.addr)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	keys := []string{main}
	for _, key := range config.Keys {
		keys = append(keys, key.Value)
	}
	options := emulator.Options{
		Emulator: emulated, Version: salebot.Version, Keys: keys, AllowedHosts: append(config.AllowedHosts, f.allowHosts...),
	}
	store, err := f.keep(ctx, emulated, report)
	if err != nil {
		return err
	}
	if store != nil {
		defer func() { _ = store.Close() }()
		options.Save = store.Save
	}
	address, onLoopback := addressOf(listener)
	if !onLoopback {
		report("warning: it listens on " + listener.Addr().String() + ", so that whoever reaches this machine can use it")
	}
	handler := emulator.NewHandler(ctx, options)
	if err = f.greet(out, greeting(address, main, made)); err != nil {
		return err
	}
	f.accompany(ctx, address, log, func() { emulator.WriteRequests(ctx, log, emulated, keys) }, report)
	err = emulator.Serve(ctx, listener, handler)
	if store != nil {
		if failed := store.Save(); failed != nil {
			return failed
		}
	}
	return err
}

// settings reads the configuration, and the answers in place of those that it has.
func (f *emulatorFlags) settings() (config settings.Config, err error) {
	if f.config != "" {
		config, err = settings.LoadConfig(f.config)
	}
	if err != nil || f.answers == "" {
		return config, err
	}
	file, err := settings.LoadAnswers(f.answers)
	config.Answers = file.Answers
	if file.Webhook.Resend != "" {
		config.Webhook.Resend = file.Webhook.Resend
	}
	return config, err
}

// keep keeps the state in its file; the store is nil if there is none.
func (f *emulatorFlags) keep(ctx context.Context, emulated *engine.Emulator, report func(string)) (*emulator.Store, error) {
	if f.state == "" {
		return nil, nil //nolint:nilnil // no file was wanted
	}
	store, err := emulator.OpenStore(f.state, emulated, report)
	if err != nil {
		return nil, err
	}
	if err := store.Load(); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	go store.Follow(ctx)
	return store, nil
}

// accompany shows a person at a terminal what happens.
func (f *emulatorFlags) accompany(ctx context.Context, address string, log io.Writer, follow func(), report func(string)) {
	if !f.quiet && isTerminal(log) {
		go follow()
	}
	if f.browse {
		if err := browse(ctx, address); err != nil {
			report(err.Error())
		}
	}
}

func (f *emulatorFlags) greet(out io.Writer, text string) error {
	if f.quiet {
		return nil
	}
	_, err := io.WriteString(out, text)
	return err
}

// greeting is what the command prints when it is ready, with lines for the shell
// in which programs and the page's commands are run. A key of one's own is not
// repeated.
func greeting(address, key string, made bool) string {
	text := "The Salebot emulator is ready: " + address + "\n"
	if made {
		text = "API key: " + key + "\n" + text + "  export SALEBOT_API_KEY=" + key + "\n"
	} else {
		text += "  # and SALEBOT_API_KEY, the key that you gave\n"
	}
	return text + "  export SALEBOT_BASE_URL=" + address + "/api\n"
}

// mainKey returns the key and reports whether it was made up.
func (f *emulatorFlags) mainKey() (key string, made bool) {
	if f.key != "" {
		return f.key, false
	}
	random := make([]byte, 16)
	_, _ = rand.Read(random) // it never fails
	return hex.EncodeToString(random), true
}

// open makes the emulator that the files and flags describe.
func (f *emulatorFlags) open(config settings.Config, key string) (*engine.Emulator, error) {
	webhook := config.Webhook
	if f.webhookURL != "" {
		webhook.URL = f.webhookURL
	}
	if f.webhookResend != "" {
		webhook.Resend = engine.ResendRule(f.webhookResend)
	}
	if f.rateLimit != "" {
		if err := config.Answers.RateLimit.UnmarshalText([]byte(f.rateLimit)); err != nil {
			return nil, fmt.Errorf("--rate-limit: %w", err)
		}
	}
	if f.historyDelay != "" {
		if err := config.Answers.HistoryDelay.UnmarshalText([]byte(f.historyDelay)); err != nil {
			return nil, fmt.Errorf("--history-delay: %w", err)
		}
	}
	config.Answers.HideSendsInHistory = config.Answers.HideSendsInHistory || f.hideSends
	options, err := config.Options()
	if err != nil {
		return nil, err
	}
	options = append(options,
		engine.WithKeys(engine.Key{Value: key, Name: "main key"}), engine.WithKeys(config.Keys...),
		engine.WithWebhook(webhook.Emulated()),
	)
	emulated, err := engine.Open(options...)
	if err != nil || f.seed == "" {
		return emulated, err
	}
	// What is wrong from here on is wrong in the seed file.
	emulated.Close()
	seed, err := settings.LoadSeed(f.seed)
	if err != nil {
		return nil, err
	}
	emulated, err = engine.Open(append([]engine.Option{engine.WithProject(seed)}, options...)...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.seed, err)
	}
	return emulated, nil
}

// addressOf returns the address for a browser on this machine, and whether only
// this machine reaches it.
func addressOf(listener net.Listener) (address string, onLoopback bool) {
	at, err := netip.ParseAddrPort(listener.Addr().String())
	if err != nil {
		return "http://" + listener.Addr().String(), false
	}
	host := at.Addr().Unmap()
	if host.IsUnspecified() {
		return fmt.Sprintf("http://localhost:%d", at.Port()), false
	}
	return "http://" + netip.AddrPortFrom(host, at.Port()).String(), host.IsLoopback()
}
