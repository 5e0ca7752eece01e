package commands

import (
	"github.com/spf13/cobra"

	"github.com/salebot-go/salebot"
)

func (a *app) channels() *cobra.Command {
	var out output
	command := &cobra.Command{
		Use:   "channels",
		Short: "List the connected messengers",
		Long: `Lists the messengers that are connected to the project. group_id is what other
commands take as --bot.`,
		Example: `  salebot channels
  salebot channels -o csv > channels.csv`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			results, err := out.results(cmd, "messenger", "id", "group_id", "name", "enabled", "status")
			if err != nil {
				return err
			}
			client, _, err := a.connect(cmd)
			if err != nil {
				return err
			}
			connected, err := client.GetConnectedChannels(cmd.Context())
			if err != nil {
				return err
			}
			for _, c := range connected.Channels {
				if err := results.Write(c.Messenger, c.ID, c.GroupID, channelName(c), optional(c.Enabled), statusOf(c)); err != nil {
					return err
				}
			}
			return results.Close()
		},
	}
	out.addTo(command)
	return command
}

func channelName(c salebot.Channel) string {
	if c.Name == "" {
		return c.ShortName
	}
	return c.Name
}

func statusOf(c salebot.Channel) any {
	if c.Status == nil {
		return nil
	}
	return c.Status.String()
}

// optional is the value of a pointer, or nil.
func optional[T any](pointer *T) any {
	if pointer == nil {
		return nil
	}
	return *pointer
}
