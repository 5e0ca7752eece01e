package commands

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/cmd/salebot/internal/profiles"
)

// person names the receiver of a callback who is not named by the client's number.
type person struct {
	phone, email, bot string
	platform, id      string
}

// platforms are the messengers by which a person can be named.
var platforms = []string{"telegram", "vk", "ok", "max", "whatsapp", "email"}

func (a *app) callback() *cobra.Command {
	var when schedule
	var whom audience
	var who person
	var variables []string
	var resume bool
	run := bulk{app: a}
	command := &cobra.Command{
		Use:   "callback [CLIENT] TEXT",
		Short: "Start the bot by a callback",
		Long: `Starts the bot for a client, for a person in a messenger, or for many clients. For
many it asks, as salebot send does, and goes on if it is run again.`,
		Example: `  salebot callback 25554 order_paid
  salebot callback 25554 order_paid --var sum=100
  salebot callback --phone 79990000000 order_paid
  salebot callback --telegram 100200300 \
    --bot my_shop_bot welcome
  salebot callback --list 17 sale_begins`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			values, err := assignments(variables)
			if err != nil {
				return UsageError(err)
			}
			profile, client, err := a.start(cmd)
			if err != nil {
				return err
			}
			at, err := when.moment(profile)
			if err != nil {
				return err
			}
			request := salebot.CallbackRequest{ResumeBot: resume, After: when.after, At: at, Variables: values}
			if who.named() {
				if len(args) != 1 || whom.isMany() {
					return usage("one receiver: a client, or a person in a messenger, or many clients")
				}
				if run.name != "" {
					return errNameOfPerson
				}
				request.Message = args[0]
				err := who.call(a.rehearsal(cmd, run.dryRun), client, request)
				return a.said(cmd, err, run.dryRun)
			}
			named, text := splitClient(&whom, args)
			request.Message = text
			return a.callMany(cmd, client, profile, request, &whom, &run, named, when)
		},
	}
	flags := command.Flags()
	flags.StringArrayVar(&variables, "var", nil, "`NAME=TEXT` to save along with it; can be repeated")
	flags.BoolVar(&resume, "resume", false, "end a pause of the bot for this client")
	flags.StringVar(&who.phone, "phone", "", "`phone` of the client")
	flags.StringVar(&who.email, "client-email", "", "`address` of the client")
	for _, platform := range platforms {
		flags.Var(&platformFlag{&who, platform}, platform, "`id` of the person in "+platform)
	}
	flags.StringVar(&who.bot, "bot", "", "`group_id` of the bot in the messenger")
	whom.addTo(command)
	when.addTo(command)
	run.addTo(command)
	return command
}

// platformFlag is a flag that names a person in a messenger.
type platformFlag struct {
	who      *person
	platform string
}

func (f *platformFlag) String() string { return "" }
func (f *platformFlag) Type() string   { return "string" }

var errOnePerson = errors.New("only one person can be named")

func (f *platformFlag) Set(id string) error {
	if f.who.platform != "" {
		return errOnePerson
	}
	f.who.platform, f.who.id = f.platform, id
	return nil
}

func (w *person) named() bool { return w.platform != "" || w.phone != "" || w.email != "" }

// call starts the bot for the person.
func (w *person) call(ctx context.Context, client *salebot.Client, r salebot.CallbackRequest) error {
	if w.platform != "" && (w.phone != "" || w.email != "") {
		return UsageError(errOnePerson)
	}
	id, bot := salebot.PlatformID(w.id), salebot.GroupID(w.bot)
	var err error
	switch w.platform {
	case "telegram":
		_, err = client.TGCallback(ctx, salebot.TGCallbackRequest{UserID: id, GroupID: bot, Message: r.Message, ResumeBot: r.ResumeBot, After: r.After, At: r.At, Variables: r.Variables})
	case "vk":
		_, err = client.VKCallback(ctx, salebot.VKCallbackRequest{UserID: id, GroupID: bot, Message: r.Message, ResumeBot: r.ResumeBot, After: r.After, At: r.At, Variables: r.Variables})
	case "ok":
		_, err = client.OKCallback(ctx, salebot.OKCallbackRequest{UserID: id, GroupID: bot, Message: r.Message, ResumeBot: r.ResumeBot, After: r.After, At: r.At, Variables: r.Variables})
	case "max":
		_, err = client.MAXCallback(ctx, salebot.MAXCallbackRequest{ChatID: id, GroupID: bot, Message: r.Message, ResumeBot: r.ResumeBot, After: r.After, At: r.At, Variables: r.Variables})
	case "whatsapp":
		_, err = client.WhatsAppCallback(ctx, salebot.WhatsAppCallbackRequest{Phone: w.id, BotID: salebot.BotID(w.bot), Message: r.Message, ResumeBot: r.ResumeBot, After: r.After, At: r.At, Variables: r.Variables})
	case "email":
		_, err = client.EmailCallback(ctx, salebot.EmailCallbackRequest{Email: w.id, BotEmail: w.bot, Message: r.Message, ResumeBot: r.ResumeBot, After: r.After, At: r.At, Variables: r.Variables})
	default:
		r.Phone, r.Email = w.phone, w.email
		_, err = client.Callback(ctx, r)
	}
	return err
}

func (a *app) callMany(cmd *cobra.Command, client *salebot.Client, profile profiles.Profile, request salebot.CallbackRequest, whom *audience, run *bulk, named []string, when schedule) error {
	ids, err := whom.collect(cmd.Context(), cmd.InOrStdin(), client, named)
	if err != nil {
		return err
	}
	if run.direct(whom) {
		request.ClientID = ids[0]
		_, err := client.Callback(a.rehearsal(cmd, run.dryRun), request)
		return a.said(cmd, err, run.dryRun)
	}
	if request.Message == "" {
		return usage("a callback needs a text")
	}
	names := slices.Sorted(maps.Keys(request.Variables))
	p := plan{
		command: "callback", title: fmt.Sprintf("Start the bot for %d clients of %s", len(ids), whom), size: len(ids), unit: "clients",
		sample: append([]string{fmt.Sprintf("callback %q", request.Message)}, idsOf(ids)...),
		parts:  []any{request.Message, names, request.Variables, request.ResumeBot, when.after, when.at, whom.String()},
	}
	return run.do(cmd, profile, p, func(ctx context.Context, client *salebot.Client, options salebot.BulkOptions) (*salebot.BulkReport, error) {
		return salebot.ForEach(ctx, client, salebot.Items(ids), options, itself, func(ctx context.Context, id salebot.ClientID) error {
			single := request
			single.ClientID = id
			_, err := client.Callback(ctx, single)
			return err
		})
	})
}

// assignments reads NAME=TEXT.
func assignments(args []string) (map[string]any, error) {
	if len(args) == 0 {
		return nil, nil // no variables
	}
	values := make(map[string]any, len(args))
	for _, arg := range args {
		name, value, found := strings.Cut(arg, "=")
		if !found || name == "" {
			return nil, fmt.Errorf("%.40q is not NAME=TEXT", arg)
		}
		values[name] = value
	}
	return values, nil
}
