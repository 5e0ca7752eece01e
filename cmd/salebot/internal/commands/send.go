package commands

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/cmd/salebot/internal/profiles"
)

// content is what a message says and when it is sent.
type content struct {
	block          int64
	attachment     string
	attachmentType string
	replies        []string
	schedule
}

func (c *content) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.Int64Var(&c.block, "block", 0, "`number` of a block of the flow to send instead of a text")
	flags.StringVar(&c.attachment, "attach", "", "public `address` of a file")
	flags.StringVar(&c.attachmentType, "attach-type", "", "`kind` of the file: image, video, audio, file or link (default file)")
	flags.StringArrayVar(&c.replies, "reply", nil, "`text` of a button on the keyboard; can be repeated")
	fixed(cmd, "attach-type", "image", "video", "audio", "file", "link")
	c.schedule.addTo(cmd)
}

func (c *content) attach() (salebot.AttachmentType, string) {
	if c.attachment != "" && c.attachmentType == "" {
		return salebot.AttachmentFile, c.attachment
	}
	return salebot.AttachmentType(c.attachmentType), c.attachment
}

func (c *content) buttons() salebot.Buttons {
	var buttons salebot.Buttons
	for _, text := range c.replies {
		buttons.Lines = append(buttons.Lines, []salebot.Button{salebot.ReplyButton(text)})
	}
	return buttons
}

// parts are what tells one content from another.
func (c *content) parts(text string) []any {
	return []any{text, c.block, c.attachment, c.attachmentType, c.replies, c.after, c.at}
}

// about is a line that shows the content.
func (c *content) about(text string) string {
	switch {
	case text != "":
		return fmt.Sprintf("%q", text)
	case c.block != 0:
		return fmt.Sprintf("block %d", c.block)
	}
	return c.attachment
}

// schedule says when something is to happen.
type schedule struct {
	after time.Duration
	at    string
}

func (s *schedule) addTo(cmd *cobra.Command) {
	cmd.Flags().DurationVar(&s.after, "after", 0, "`time` to wait before, such as 30m")
	cmd.Flags().StringVar(&s.at, "at", "", "`moment` in the project's time zone, such as \"2026-01-31 15:04\"; the profile has to have time_zone")
	cmd.MarkFlagsMutuallyExclusive("after", "at")
}

// moment reads --at in the project's time zone.
func (s *schedule) moment(profile profiles.Profile) (time.Time, error) {
	if s.at == "" {
		return time.Time{}, nil
	}
	if profile.TimeZone == "" {
		return time.Time{}, usage("--at needs a profile with time_zone; salebot profiles --help shows one")
	}
	location, err := time.LoadLocation(profile.TimeZone)
	if err != nil {
		return time.Time{}, usage("the profile %s has an unknown time zone", profile.Name)
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04", time.RFC3339} {
		if moment, err := time.ParseInLocation(layout, s.at, location); err == nil {
			return moment, nil
		}
	}
	return time.Time{}, usage("--at is written as \"2026-01-31 15:04\"")
}

func (a *app) send() *cobra.Command {
	var what content
	var whom audience
	var whatsApp, bot string
	run := bulk{app: a}
	command := &cobra.Command{
		Use:   "send [CLIENT] [TEXT]",
		Short: "Send a message",
		Long: `Sends a message to a client, or to many. For many it shows how many there are and
asks, or takes --yes --expect NUMBER. A run that was ended or killed goes on if the same
command is run again, and sends nothing twice.`,
		Example: `  salebot send 25554 "Hello"
  salebot send 25554 --block 1234 --after 30m
  salebot send --whatsapp 79990000000 "Hello"
  salebot send --from people.csv "We open today"
  salebot send --list 17 "Hi" --yes --expect 300`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			profile, client, err := a.start(cmd)
			if err != nil {
				return err
			}
			if whatsApp != "" {
				if run.name != "" {
					return errNameOfPerson
				}
				return a.sendWhatsApp(cmd, client, profile, &what, whatsApp, bot, args, run.dryRun)
			}
			named, text := splitClient(&whom, args)
			return a.sendMessages(cmd, client, profile, &what, &whom, &run, named, text)
		},
	}
	command.Flags().StringVar(&whatsApp, "whatsapp", "", "`phone` to send to by WhatsApp, in place of a client")
	command.Flags().StringVar(&bot, "whatsapp-bot", "", "`number` of the WhatsApp to send from")
	whom.addTo(command)
	what.addTo(command)
	run.addTo(command)
	return command
}

// errNameOfPerson says that a run has clients, of whom a ledger knows.
var errNameOfPerson = usage("--name goes with clients, not with a person who is named by phone or messenger")

// start returns the project of a command and its client without a ledger.
func (a *app) start(cmd *cobra.Command) (profiles.Profile, *salebot.Client, error) {
	client, profile, err := a.connect(cmd)
	return profile, client, err
}

// splitClient takes the client from the arguments, unless flags name many.
func splitClient(whom *audience, args []string) (named []string, text string) {
	if !whom.isMany() && len(args) > 0 {
		named, args = args[:1], args[1:]
	}
	if len(args) > 0 {
		text = args[0]
	}
	return named, text
}

func (a *app) sendWhatsApp(cmd *cobra.Command, client *salebot.Client, profile profiles.Profile, what *content, phone, bot string, args []string, dryRun bool) error {
	at, err := what.moment(profile)
	if err != nil {
		return err
	}
	request := salebot.WhatsAppMessageRequest{
		Phone: phone, BlockID: salebot.BlockID(what.block), BotID: salebot.BotID(bot), After: what.after, At: at,
	}
	if len(args) > 0 {
		request.Message = args[0]
	}
	if len(args) > 1 || len(what.replies) > 0 {
		return usage("--whatsapp takes one text and no --reply")
	}
	request.AttachmentType, request.AttachmentURL = what.attach()
	ctx := a.rehearsal(cmd, dryRun)
	_, err = client.WhatsAppMessage(ctx, request)
	return a.said(cmd, err, dryRun)
}

// rehearsal is the context of a single call that changes something.
func (a *app) rehearsal(cmd *cobra.Command, dryRun bool) context.Context {
	ctx := a.ending(cmd)
	if dryRun {
		return salebot.Rehearse(ctx)
	}
	return ctx
}

// said tells that a single call that changes something is done.
func (a *app) said(cmd *cobra.Command, err error, dryRun bool) error {
	switch {
	case err != nil:
		return err
	case dryRun:
		a.note(cmd, "Nothing was sent: the request is right.")
	default:
		a.note(cmd, "Done.")
	}
	return nil
}

func (a *app) sendMessages(cmd *cobra.Command, client *salebot.Client, profile profiles.Profile, what *content, whom *audience, run *bulk, named []string, text string) error {
	at, err := what.moment(profile)
	if err != nil {
		return err
	}
	request := salebot.MessageRequest{
		Message: text, BlockID: salebot.BlockID(what.block), Buttons: what.buttons(), After: what.after, At: at,
	}
	request.AttachmentType, request.AttachmentURL = what.attach()
	ids, err := whom.collect(cmd.Context(), cmd.InOrStdin(), client, named)
	if err != nil {
		return err
	}
	if run.direct(whom) {
		request.ClientID = ids[0]
		_, err := client.Message(a.rehearsal(cmd, run.dryRun), request)
		return a.said(cmd, err, run.dryRun)
	}
	if err := checkOne(cmd.Context(), client, ids, request); err != nil {
		return err
	}
	p := plan{
		command: "send", title: fmt.Sprintf("Send to %d clients of %s", len(ids), whom), size: len(ids), unit: "clients",
		sample: append([]string{what.about(text)}, idsOf(ids)...), parts: append(what.parts(text), whom.String()),
	}
	return run.do(cmd, profile, p, func(ctx context.Context, client *salebot.Client, options salebot.BulkOptions) (*salebot.BulkReport, error) {
		return salebot.ForEach(ctx, client, salebot.Items(ids), options, itself, func(ctx context.Context, id salebot.ClientID) error {
			single := request
			single.ClientID = id
			_, err := client.Message(ctx, single)
			return err
		})
	})
}

// itself is the key of an item that is its own.
func itself(id salebot.ClientID) salebot.ClientID { return id }

// checkOne finds out before anybody is asked whether the request is right.
func checkOne(ctx context.Context, client *salebot.Client, ids []salebot.ClientID, request salebot.MessageRequest) error {
	if len(ids) == 0 {
		return nil
	}
	request.ClientID = ids[0]
	_, err := client.Message(salebot.Rehearse(ctx), request)
	return err
}
