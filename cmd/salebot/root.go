package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/salebot-go/salebot"
)

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "salebot",
		Short:         "Work with the bot constructor Salebot",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newEmulatorCommand(), newCallCommand(), newVersionCommand())
	return root
}

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "salebot", salebot.Version, runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH)
			return err
		},
	}
}
