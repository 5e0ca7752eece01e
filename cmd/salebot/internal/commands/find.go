package commands

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/salebot-go/salebot"
)

// finding is what a client is looked for by.
type finding struct {
	phone, email, whatsApp string
	platformIDs            []string
	bot                    string
	inDeals, anyOf, latest bool
}

func (a *app) find() *cobra.Command {
	var by finding
	var out output
	command := &cobra.Command{
		Use:   "find [NAME=TEXT | NAME!=TEXT]...",
		Short: "Find clients",
		Long: `Finds clients by the values of variables, by phone or address, or by their ids in a
messenger, and prints their numbers. If there is none, it ends with 3.`,
		Example: `  salebot find city=Riga
  salebot find city=Riga paid!=yes
  salebot find --phone 79990000000
  salebot find --platform-id 100200300
  salebot find city=Riga -o csv > riga.csv`,
		RunE: func(cmd *cobra.Command, args []string) error {
			results, err := out.results(cmd, columnClient)
			if err != nil {
				return err
			}
			client, _, err := a.connect(cmd)
			if err != nil {
				return err
			}
			ids, err := by.ids(cmd.Context(), client, args)
			if err != nil {
				return err
			}
			for _, id := range ids {
				if err := results.Write(id); err != nil {
					return err
				}
			}
			if err := results.Close(); err != nil {
				return err
			}
			if len(ids) == 0 {
				return &codedError{code: exitNotFound, text: "no client was found"}
			}
			return nil
		},
	}
	flags := command.Flags()
	flags.StringVar(&by.phone, "phone", "", "`phone` of the client")
	flags.StringVar(&by.email, "email", "", "`address` of the client")
	flags.StringVar(&by.whatsApp, "whatsapp", "", "`phone` of a client in WhatsApp")
	flags.StringArrayVar(&by.platformIDs, "platform-id", nil, "`id` in a messenger; can be repeated")
	flags.StringVar(&by.bot, "bot", "", "`group_id` of the bot, for ids and WhatsApp")
	flags.BoolVar(&by.inDeals, "in-deals", false, "look at the variables of deals")
	flags.BoolVar(&by.anyOf, "any", false, "one of the conditions is enough")
	flags.BoolVar(&by.latest, "latest", false, "only the client that was created last")
	out.addTo(command)
	command.MarkFlagsMutuallyExclusive("phone", "email", "whatsapp", "platform-id")
	return command
}

// ids looks for clients. Not to find one is no error.
func (f *finding) ids(ctx context.Context, client *salebot.Client, conditions []string) ([]salebot.ClientID, error) {
	var id salebot.ClientID
	var err error
	switch {
	case f.phone+f.email+f.whatsApp != "" || len(f.platformIDs) > 0:
		if len(conditions) > 0 {
			return nil, usage("either variables, or a phone, an address or ids")
		}
	case len(conditions) == 0:
		return nil, usage("what to look for? Name a variable, such as city=Riga, or use a flag")
	case f.latest:
		name, value, ok := strings.Cut(conditions[0], "=")
		if !ok || len(conditions) > 1 || strings.HasSuffix(name, "!") {
			return nil, usage("--latest goes with one NAME=TEXT")
		}
		id, err = client.GetLatestClientIDByVariable(ctx, name, value)
		return one(id, err)
	default:
		return f.byVariables(ctx, client, conditions)
	}
	switch {
	case f.phone != "":
		id, err = client.GetClientIDByPhone(ctx, f.phone)
	case f.email != "":
		id, err = client.GetClientIDByEmail(ctx, f.email)
	case f.whatsApp != "":
		id, err = client.GetClientIDByWhatsApp(ctx, salebot.GetClientIDByWhatsAppRequest{Phone: f.whatsApp, GroupID: salebot.GroupID(f.bot)})
	default:
		return f.byPlatform(ctx, client)
	}
	return one(id, err)
}

func one(id salebot.ClientID, err error) ([]salebot.ClientID, error) {
	if err != nil {
		return nil, err
	}
	return []salebot.ClientID{id}, nil
}

func (f *finding) byPlatform(ctx context.Context, client *salebot.Client) ([]salebot.ClientID, error) {
	request := salebot.GetClientsByPlatformIDRequest{GroupID: salebot.GroupID(f.bot)}
	for _, id := range f.platformIDs {
		request.PlatformIDs = append(request.PlatformIDs, salebot.PlatformID(id))
	}
	found, err := client.GetClientsByPlatformID(ctx, request)
	if err != nil {
		return nil, err
	}
	var ids []salebot.ClientID
	for i := range found {
		ids = append(ids, found[i].ID)
	}
	return ids, nil
}

func (f *finding) byVariables(ctx context.Context, client *salebot.Client, conditions []string) ([]salebot.ClientID, error) {
	request := salebot.FindClientsRequest{Query: map[string]salebot.Condition{}, Any: f.anyOf}
	if f.inDeals {
		request.SearchIn = salebot.SearchInOrder
	}
	for _, text := range conditions {
		name, value, ok := strings.Cut(text, "=")
		name, not := strings.CutSuffix(name, "!")
		if !ok || name == "" {
			return nil, usage("%.40q is neither NAME=TEXT nor NAME!=TEXT", text)
		}
		if _, twice := request.Query[name]; twice {
			return nil, usage("there are two conditions for %s", name)
		}
		request.Query[name] = salebot.Equals(value)
		if not {
			request.Query[name] = salebot.Not(value)
		}
	}
	return client.FindClients(ctx, request)
}
