package commands

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/action"
	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/text"
)

func (a *app) call() *cobra.Command {
	var byGet, asIs, dryRun bool
	command := &cobra.Command{
		Use:   "call ACTION [NAME=TEXT | NAME:=JSON | @FILE | JSON]...",
		Short: "Call an action of the API",
		Long: `Calls an action of the API and prints what it answers. A parameter is a text
(NAME=TEXT), JSON (NAME:=JSON), the text of a file (NAME=@FILE) or its JSON
(NAME:=@FILE). All parameters together are JSON, a file with it (@FILE), or the
standard input (@-).

A call that a person could notice twice is not repeated, whatever happens.`,
		Example: `  salebot call get_variables client_id=25554
  salebot call message client_id=25554 message=Hello
  salebot call message client_id=25554 message=@text.txt
  salebot call save_variables client_id=25554 \
    'variables:={"client.city": "Riga"}'
  salebot call load_clients @people.json`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: completeCall,
		RunE: func(cmd *cobra.Command, args []string) error {
			given, err := understand(cmd.InOrStdin(), args[0], args[1:], asIs)
			if err != nil {
				return UsageError(err)
			}
			request, err := given.request(byGet)
			if err != nil {
				return UsageError(err)
			}
			if dryRun {
				return showRequest(cmd.OutOrStdout(), request)
			}
			client, _, err := a.connect(cmd)
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			if request.Class != salebot.Read {
				ctx = a.ending(cmd)
			}
			response, err := client.Do(ctx, request)
			if err != nil {
				return explainUnknown(args[0], err)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), string(response.Body))
			return err
		},
	}
	command.Flags().BoolVar(&byGet, "get", false, "call by GET, with the parameters in the address")
	command.Flags().BoolVar(&asIs, "as-is", false, "send names that this program does not know")
	command.Flags().BoolVar(&dryRun, "dry-run", false, "show the request and send nothing")
	return command
}

// showRequest writes a request as one would type it, without address and key.
func showRequest(out io.Writer, request salebot.DoRequest) error {
	line := request.Method + " " + request.Action
	if len(request.Query) > 0 {
		line += "?" + request.Query.Encode()
	}
	if request.Body != nil {
		body, err := json.Marshal(request.Body)
		if err != nil {
			return err
		}
		line += " " + string(body)
	}
	_, err := fmt.Fprintln(out, line)
	return err
}

// explainUnknown says that a refusal may be due to the name of the action.
func explainUnknown(name string, err error) error {
	if action.Lookup(name) != nil {
		return err
	}
	return fmt.Errorf("%w; this program knows no action %q", err, name)
}

var errParameters = errors.New("parameters are NAME=TEXT, NAME:=JSON, or one JSON value or @FILE for all of them")

// callArguments are the arguments of the command, understood.
type callArguments struct {
	row *action.Row
	// whole is the JSON of all parameters; nil if they were given one by one.
	whole      json.RawMessage
	parameters map[string]json.RawMessage
}

// understand reads the arguments. Unless they are to be sent as they are, a name that
// looks like a slip is refused.
func understand(in io.Reader, name string, args []string, asIs bool) (*callArguments, error) {
	c := &callArguments{row: action.Lookup(name), parameters: map[string]json.RawMessage{}}
	if c.row == nil {
		if meant := engine.MeantAction(name); meant != "" && !asIs {
			return nil, fmt.Errorf("this program knows no action %q: did you mean %s? With --as-is it is sent all the same", name, meant)
		}
		c.row = &action.Row{Name: name, Methods: []string{http.MethodPost}, Extra: true}
		asIs = true
	}
	if len(args) == 1 && strings.ContainsAny(args[0][:min(1, len(args[0]))], "{[@") {
		content, err := contentOf(in, args[0])
		if err != nil {
			return nil, err
		}
		if !json.Valid(content) {
			return nil, errParameters
		}
		c.whole = content
		return c, nil
	}
	for _, arg := range args {
		parameter, value, err := readParameter(in, arg)
		if err != nil {
			return nil, err
		}
		c.parameters[parameter] = value
	}
	if asIs {
		return c, nil
	}
	for parameter := range c.parameters {
		if err := c.checkName(parameter); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// checkName refuses a parameter that the action does not take, and one that would
// become a variable although its name looks like that of a parameter.
func (c *callArguments) checkName(name string) error {
	if c.row.Takes(name) || c.row.Values && strings.HasPrefix(name, "value_") || c.row.Delimiter && strings.HasPrefix(name, "delimiter") {
		return nil
	}
	meant := text.Nearest(name, c.row.Params)
	_, given := c.parameters[meant]
	switch {
	case meant != "" && (!c.row.Extra || !given):
		return fmt.Errorf("%s takes no parameter %q: did you mean %s? With --as-is it is sent all the same", c.row.Name, name, meant)
	case c.row.Extra:
		return nil
	case len(c.row.Params) == 0:
		return fmt.Errorf("%s takes no parameters", c.row.Name)
	}
	return fmt.Errorf("%s takes no parameter %q, but %s", c.row.Name, name, strings.Join(c.row.Params, ", "))
}

// request puts the parameters where the action takes them.
func (c *callArguments) request(byGet bool) (salebot.DoRequest, error) {
	request := salebot.DoRequest{Action: c.row.Name, Method: c.row.Method(), Class: salebot.SafetyClass(c.row.Class)}
	if byGet {
		request.Method = http.MethodGet
	}
	inBody := request.Method == http.MethodPost
	if c.whole != nil && !inBody && json.Unmarshal(c.whole, &c.parameters) != nil {
		return request, errParameters
	}
	switch {
	case !inBody:
		request.Query = inAddress(c.parameters)
	case c.whole != nil:
		request.Body = c.whole
	case c.row.Place == action.Array:
		request.Body = []any{c.parameters}
	default:
		request.Body = c.parameters
	}
	return request, nil
}

// readParameter reads NAME=TEXT, NAME:=JSON and their forms with a file.
func readParameter(in io.Reader, arg string) (name string, value json.RawMessage, err error) {
	name, given, found := strings.Cut(arg, "=")
	name, inJSON := strings.CutSuffix(name, ":")
	if !found || name == "" {
		return "", nil, errParameters
	}
	content, err := contentOf(in, given)
	if err != nil {
		return "", nil, err
	}
	if !inJSON {
		plain := string(content)
		if plain != given {
			plain = strings.TrimRight(plain, "\r\n") // which an editor adds to a file
		}
		value, err = json.Marshal(plain)
		return name, value, err
	}
	if !json.Valid(content) {
		return "", nil, fmt.Errorf("the value of %s is not JSON", name)
	}
	return name, content, nil
}

// maxContent bounds a file with a parameter.
const maxContent = 64 << 20

// contentOf is a text, or that of the file that it names: @FILE, @- for the standard
// input. @@ is a text that begins with @.
func contentOf(in io.Reader, given string) ([]byte, error) {
	path, isFile := strings.CutPrefix(given, "@")
	switch {
	case !isFile:
		return []byte(given), nil
	case strings.HasPrefix(path, "@"):
		return []byte(path), nil
	case path != "-":
		file, err := os.Open(path) //nolint:gosec // the user names the file
		if err != nil {
			return nil, err
		}
		defer discard(file)
		in = file
	}
	content, err := io.ReadAll(io.LimitReader(in, maxContent+1))
	if err == nil && len(content) > maxContent {
		err = fmt.Errorf("%s is larger than %d bytes", given, maxContent)
	}
	return content, err
}

// inAddress writes texts as they are and everything else as JSON.
func inAddress(parameters map[string]json.RawMessage) url.Values {
	query := url.Values{}
	for name, value := range parameters {
		var plain string
		if json.Unmarshal(value, &plain) != nil {
			plain = string(value)
		}
		query.Set(name, plain)
	}
	return query
}

// completeCall completes the action, and then the names of its parameters.
func completeCall(_ *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	var found []string
	if len(args) == 0 {
		for _, row := range action.All() {
			if strings.HasPrefix(row.Name, typed) {
				found = append(found, row.Name)
			}
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	}
	row := action.Lookup(args[0])
	if row == nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	for _, name := range row.Params {
		given := slices.ContainsFunc(args[1:], func(arg string) bool {
			return strings.HasPrefix(arg, name+"=") || strings.HasPrefix(arg, name+":=")
		})
		if strings.HasPrefix(name, typed) && !given {
			found = append(found, name+"=")
		}
	}
	return found, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
}
