package commands

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/salebot-go/salebot"
)

func (a *app) broadcast() *cobra.Command {
	var what content
	var whom audience
	var shift time.Duration
	run := bulk{app: a}
	command := &cobra.Command{
		Use:   "broadcast [TEXT]",
		Short: "Let Salebot send a message to many",
		Long: `Lets Salebot send a message to many clients, at the pace of a broadcast. Salebot does
not tell who got it; salebot send does. It shows how many clients there are and asks, or
takes --yes --expect NUMBER.`,
		Example: `  salebot broadcast --list 17 "We open today"
  salebot broadcast --all --block 1234 --shift 1s
  salebot broadcast --from people.csv "Hello" \
    --yes --expect 300`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			profile, client, err := a.start(cmd)
			if err != nil {
				return err
			}
			if !whom.isMany() {
				return UsageError(errNobody)
			}
			request := salebot.BroadcastRequest{BlockID: salebot.BlockID(what.block), Buttons: what.buttons(), Shift: shift, After: what.after}
			if len(args) > 0 {
				request.Message = args[0]
			}
			request.AttachmentType, request.AttachmentURL = what.attach()
			if request.At, err = what.moment(profile); err != nil {
				return err
			}
			ids, err := whom.collect(cmd.Context(), cmd.InOrStdin(), client, nil)
			if err != nil {
				return err
			}
			audience, err := salebot.CollectAudience(salebot.Items(ids))
			if err != nil {
				return err
			}
			p := plan{
				command: "broadcast", title: fmt.Sprintf("Broadcast to %d clients of %s", len(ids), &whom), size: audience.Len(), unit: "clients",
				sample: append([]string{what.about(request.Message)}, idsOf(ids)...),
				parts:  append(what.parts(request.Message), shift, whom.String()), always: true,
			}
			return run.do(cmd, profile, p, func(ctx context.Context, client *salebot.Client, options salebot.BulkOptions) (*salebot.BulkReport, error) {
				return client.BulkBroadcast(ctx, request, audience, p.size, options)
			})
		},
	}
	command.Flags().DurationVar(&shift, "shift", 0, "`pause` between two messages (default 0.2s)")
	whom.addTo(command)
	what.addTo(command)
	run.addTo(command)
	return command
}
