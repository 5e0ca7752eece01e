package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/action"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

func newCallCommand() *cobra.Command {
	var byGet bool
	command := &cobra.Command{
		Use:   "call ACTION [NAME=TEXT… | NAME:=JSON… | JSON]",
		Short: "Call an action of the API",
		Long: `Calls an action of the API and prints what it answers. The key is read from
SALEBOT_API_KEY, the address from SALEBOT_BASE_URL where it is not the usual one.

A call that a person could notice twice is not repeated, whatever happens.`,
		Example: `  salebot call get_variables client_id=25554
  salebot call message client_id=25554 message=Hello
  salebot call save_variables client_id=25554 'variables:={"client.city": "Riga"}'
  salebot call load_clients '[{"platform_id": 100200300, "group_id": "my_shop_bot", "client_type": 1}]'`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			request, err := callOf(args[0], args[1:], byGet)
			if err != nil {
				return err
			}
			client, err := salebot.NewFromEnv()
			if err != nil {
				return err
			}
			response, err := client.Do(cmd.Context(), request)
			if err != nil {
				return explainSlip(args[0], err)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), string(response.Body))
			return err
		},
	}
	command.Flags().BoolVar(&byGet, "get", false, "call by GET, with the parameters in the address")
	return command
}

// explainSlip says which action may be meant where the API refused one that is not
// known. One that is newer than this program is sent all the same.
func explainSlip(name string, err error) error {
	if action.Lookup(name) != nil {
		return err
	}
	if meant := engine.MeantAction(name); meant != "" {
		return fmt.Errorf("%w; this program knows no action %q; did you mean %s?", err, name, meant)
	}
	return fmt.Errorf("%w; this program knows no action %q", err, name)
}

var errParameters = errors.New("parameters are NAME=TEXT, NAME:=JSON, or one JSON value for all of them")

// callOf puts the parameters where the action takes them.
func callOf(name string, args []string, byGet bool) (salebot.DoRequest, error) {
	row := action.Lookup(name)
	if row == nil {
		row = &action.Row{Name: name, Methods: []string{http.MethodPost}}
	}
	request := salebot.DoRequest{Action: name, Method: row.Method(), Class: salebot.SafetyClass(row.Class)}
	if byGet {
		request.Method = http.MethodGet
	}
	parameters := map[string]json.RawMessage{}
	if len(args) == 1 && strings.ContainsAny(args[0][:min(1, len(args[0]))], "{[") {
		body := json.RawMessage(args[0])
		if !json.Valid(body) {
			return request, errParameters
		}
		if request.Method == http.MethodPost {
			request.Body = body
			return request, nil
		}
		if json.Unmarshal(body, &parameters) != nil {
			return request, errParameters
		}
	} else if err := readParameters(parameters, args); err != nil {
		return request, err
	}
	switch {
	case request.Method == http.MethodGet:
		request.Query = inAddress(parameters)
	case row.Place == action.Array:
		request.Body = []any{parameters}
	default:
		request.Body = parameters
	}
	return request, nil
}

func readParameters(into map[string]json.RawMessage, args []string) error {
	for _, arg := range args {
		name, value, found := strings.Cut(arg, "=")
		inJSON := strings.HasSuffix(name, ":")
		name = strings.TrimSuffix(name, ":")
		if !found || name == "" {
			return errParameters
		}
		encoded := json.RawMessage(value)
		if !inJSON {
			var err error
			if encoded, err = json.Marshal(value); err != nil {
				return err
			}
		}
		if !json.Valid(encoded) {
			return fmt.Errorf("the value of %s is not JSON", name)
		}
		into[name] = encoded
	}
	return nil
}

// inAddress writes texts as they are and everything else as JSON.
func inAddress(parameters map[string]json.RawMessage) url.Values {
	query := url.Values{}
	for name, value := range parameters {
		var text string
		if json.Unmarshal(value, &text) != nil {
			text = string(value)
		}
		query.Set(name, text)
	}
	return query
}
