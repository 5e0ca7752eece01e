// Package commands has the commands of salebot that call the API or work with what came
// from it. Each file has a command or a family of commands, except for what they share:
// app.go (the project, the streams), output.go, audience.go and bulk.go (many at once),
// exit.go (what an error means to a script).
package commands

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/cmd/salebot/internal/profiles"
)

// app is what the flags of all commands say.
type app struct {
	profile string
	timeout time.Duration
	quiet   bool
}

// Add adds the commands, and the flags that they share, to the root command.
func Add(root *cobra.Command) {
	a := &app{}
	flags := root.PersistentFlags()
	flags.SortFlags = false
	flags.StringVar(&a.profile, "profile", "", "`name` of the project, if there are several")
	flags.DurationVar(&a.timeout, "timeout", 0, "`time` that a call may take (default 2m)")
	flags.BoolVar(&a.quiet, "quiet", false, "no progress and no notes")
	_ = root.RegisterFlagCompletionFunc("profile", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		file, err := profiles.Load()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		return file.Names(), cobra.ShellCompDirectiveNoFileComp
	})
	root.AddCommand(
		a.send(), a.callback(), a.broadcast(), a.history(), a.clients(), a.vars(), a.lists(), a.find(), a.orders(), a.channels(), a.check(),
		a.call(), a.webhook(), a.doctor(), a.probe(), a.ledgers(), a.profiles(),
	)
	nameArguments(root)
}

// choose finds the project of a command.
func (a *app) choose(cmd *cobra.Command) (profiles.Profile, error) {
	file, err := profiles.Load()
	if err != nil {
		return profiles.Profile{}, UsageError(err)
	}
	var ask func(string) (string, error)
	if in, terminal := terminalOf(cmd.InOrStdin()); terminal {
		ask = func(name string) (string, error) {
			_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "API key of %s (it is not shown): ", name)
			key, failed := readSecret(cmd.Context(), in)
			_, _ = fmt.Fprintln(cmd.ErrOrStderr())
			return key, failed
		}
	}
	chosen, err := profiles.Choose(file, a.profile, ask)
	return chosen, UsageError(err)
}

// connect returns the client of a command's project.
func (a *app) connect(cmd *cobra.Command) (*salebot.Client, profiles.Profile, error) {
	profile, err := a.choose(cmd)
	if err != nil {
		return nil, profile, err
	}
	client, err := a.clientOf(profile)
	return client, profile, err
}

func (a *app) clientOf(profile profiles.Profile, options ...salebot.Option) (*salebot.Client, error) {
	all := []salebot.Option{salebot.WithUserAgent("salebot-cli/" + salebot.Version)}
	if profile.BaseURL != "" {
		all = append(all, salebot.WithBaseURL(profile.BaseURL))
	}
	if profile.TimeZone != "" {
		location, err := time.LoadLocation(profile.TimeZone)
		if err != nil {
			return nil, usage("the profile %s has an unknown time zone", profile.Name)
		}
		all = append(all, salebot.WithProjectLocation(location))
	}
	if a.timeout != 0 {
		all = append(all, salebot.WithTimeout(a.timeout))
	}
	client, err := salebot.New(profile.Key, append(all, options...)...)
	return client, UsageError(err)
}

// note tells a person something that is no result.
func (a *app) note(cmd *cobra.Command, format string, args ...any) {
	if !a.quiet {
		_, _ = fmt.Fprintf(cmd.ErrOrStderr(), format+"\n", args...)
	}
}

// terminalOf reports whether a stream is a terminal.
func terminalOf(stream any) (*os.File, bool) {
	file, ok := stream.(*os.File)
	return file, ok && term.IsTerminal(int(file.Fd()))
}

// colored reports whether a stream is a terminal whose owner does not mind colors.
func colored(stream any) bool {
	_, terminal := terminalOf(stream)
	return terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// ending returns a context for a single call that changes something: it outlives the
// first Ctrl-C, so that the outcome becomes known. The second one ends the program.
func (a *app) ending(cmd *cobra.Command) context.Context {
	a.announceEnd(cmd)
	return context.WithoutCancel(cmd.Context())
}

// announceEnd says what happens at the first Ctrl-C.
func (a *app) announceEnd(cmd *cobra.Command) {
	context.AfterFunc(cmd.Context(), func() {
		a.note(cmd, "Ending after what is under way. Ctrl-C once more ends at once; what became of it is then not known.")
	})
}

// discard closes what was only read or has been flushed.
func discard(closer io.Closer) { _ = closer.Close() }
