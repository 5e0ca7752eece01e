package probe

import (
	"net/http"
	"reflect"
	"slices"
	"strings"

	page "github.com/salebot-go/salebot/cmd/salebot/emulator"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

// finding is the value of a setting that a step showed.
type finding struct {
	value        any
	by           string
	contradicted []string
}

// find remembers what a step showed. The first step counts; another that shows something
// else is named.
func (r *run) find(setting string, value any, by string) {
	before, found := r.findings[setting]
	switch {
	case !found:
		r.findings[setting] = finding{value: value, by: by}
	case !reflect.DeepEqual(before.value, value) && !slices.Contains(before.contradicted, by):
		before.contradicted = append(before.contradicted, by)
		r.findings[setting] = before
	}
}

// learn finds out what an observation says about settings. last is the exchange that was
// observed.
func (r *run) learn(s step, o *Observation, last exchange) {
	for _, one := range signs {
		if !slices.Contains(one.steps, s.name) {
			continue
		}
		if value := one.read(o); value != nil {
			r.find(one.setting, value, s.name)
		}
	}
	if name := refusalSettings[s.name]; name != "" && o.failed && o.Status >= http.StatusBadRequest {
		r.find(name, replyOf(o, last, s.asked), s.name)
	}
	switch {
	case o.Status == http.StatusTooManyRequests:
		r.find("too_many_requests", replyOf(o, last, nil), s.name)
		r.find("retry_after", o.RetryAfter, s.name)
	case o.SDK.Error == "forbidden":
		r.find("missing_permission", replyOf(o, last, nil), s.name)
	}
}

// refusalSettings are the settings that the answer to a step is.
var refusalSettings = map[string]string{
	"a key that nobody has":         "unknown_key",
	"an action that does not exist": "unknown_action",
	"a wrong HTTP method":           "wrong_method",
	"a body that cannot be read":    "unreadable",
	"a missing parameter":           "invalid_parameter",
}

// sign reads a setting off an observation.
type sign struct {
	setting string
	// steps are those whose observations show it.
	steps []string
	// read returns nil if the observation does not show it.
	read func(o *Observation) any
}

var signs = []sign{
	{"sends", []string{
		"save_variables", "callback", "message", "whatsapp_message", "tg_callback", "vk_callback", "ok_callback", "max_callback", "whatsapp_callback", "email_callback",
	}, readSuccess},
	{"acknowledgements", []string{"add_to_list", "remove_from_list", "set_order_state"}, readSuccess},
	{"send_to_unknown_client", []string{"a client that does not exist"}, readNotFound},
	{"read_of_unknown_client", []string{"get_variables of nobody", "get_orders of nobody"}, readNotFound},
	{"nobody_found", []string{
		"find_client_id_by_phone of nobody", "find_client_id_by_email of nobody", "find_client_id_by_var of nobody", "find_latest_client_id_by_var of nobody",
	}, readNotFound},
	{"ids", []string{"get_clients", "connected_channels", "find_client_id_by_var"}, formAt(idForms, "clients[].id", "project_id", "client_id")},
	{"client_times", []string{"get_clients", "find_client_id_by_platform_id"}, formAt(timeForms, "clients[].created_at", "[].created_at")},
	{"history_times", []string{"get_history", "get_history with the callback"}, formAt(timeForms, "result[].created_at")},
	{"subscriber_times", []string{"subscribers", "vk_subscribers"}, formAt(timeForms, "[].created_at")},
	{"order_list", []string{"get_orders"}, readOrderList},
	{"latest_client", []string{"find_latest_client_id_by_var"}, keyOf("latest_client_id", "client_id")},
	{"callbacks_by_platform_id", []string{"send_callback_by_platform_id"}, readCallbacks},
	{"values", []string{"get_variables"}, func(o *Observation) any {
		if o.Body.has("*", kindNumber) || o.Body.has("*", kindFraction) || o.Body.has("*", kindBoolean) {
			return string(engine.ValuesAsSent)
		}
		return nil
	}},
	{"no_attachments", []string{"get_history", "get_history with the callback"}, readAttachments},
	{"null_descriptions", []string{"get_messages"}, func(o *Observation) any {
		const place = "messages[].description"
		switch null, empty := o.Body.has(place, kindNull), o.Body.has(place, kindEmptyText); {
		case null && !empty:
			return true
		case empty && !null:
			return false
		}
		return nil
	}},
	{"callback_without_message", []string{"callback without a message"}, func(o *Observation) any {
		switch {
		case !o.failed:
			return string(engine.EmptyCallbacksAccepted)
		case o.SDK.Error == "rejected":
			return string(engine.EmptyCallbacksRefused)
		}
		return nil
	}},
}

func readSuccess(o *Observation) any {
	if o.Status == http.StatusOK && o.Body[""] == kindNothing {
		return string(engine.SuccessEmpty) // also where the SDK does not take it for one
	}
	if o.failed || o.Status != http.StatusOK {
		return nil
	}
	switch o.Body[""] {
	case `"ok"`:
		if strings.HasPrefix(o.ContentType, "text/html") {
			return string(engine.SuccessOKAsHTML)
		}
		return string(engine.SuccessOK)
	case `"true"`:
		return string(engine.SuccessTrue)
	case `"success"`:
		return string(engine.SuccessText)
	case kindObject:
		if o.Body["status"] == `"success"` {
			return string(engine.SuccessJSON)
		}
	}
	return nil
}

func readNotFound(o *Observation) any {
	isObject := o.Body.has("", kindObject)
	switch {
	case !strings.HasSuffix(o.SDK.Error, "not found"):
	case o.Status == http.StatusNotFound && isObject:
		return string(engine.NotFoundJSON)
	case o.Status == http.StatusNotFound:
		return string(engine.NotFoundText)
	case o.Status == http.StatusOK && isObject:
		return string(engine.NotFoundJSON200)
	}
	return nil
}

// formAt reads a form off the kind that stands at the first of some places where there
// is one of the forms' kinds.
func formAt(forms map[string]string, places ...string) func(o *Observation) any {
	return func(o *Observation) any {
		for _, place := range places {
			if form := forms[o.Body[place]]; form != "" {
				return form
			}
		}
		return nil
	}
}

var idForms = map[string]string{kindNumber: string(engine.IDsAsNumbers), kindDigits: string(engine.IDsAsText)}

var timeForms = map[string]string{
	kindNumber: string(engine.TimesAsUnix), kindDigits: string(engine.TimesAsUnixText), kindTime: string(engine.TimesAsText),
}

func readOrderList(o *Observation) any {
	result, orderID := o.Body["result"] != "", o.Body["order_id"] != ""
	switch {
	case o.failed:
	case result && orderID:
		return string(engine.OrderListBoth)
	case result:
		return string(engine.OrderListResult)
	case orderID:
		return string(engine.OrderListOrderID)
	}
	return nil
}

// keyOf reads which of some keys an answer has.
func keyOf(keys ...string) func(o *Observation) any {
	return func(o *Observation) any {
		for _, key := range keys {
			if o.Body[key] != "" && !o.failed {
				return key
			}
		}
		return nil
	}
}

func readCallbacks(o *Observation) any {
	if o.Body["callback_sended"] != "" {
		return string(engine.CallbacksAsCount)
	}
	if readSuccess(o) != nil {
		return string(engine.CallbacksAsSends)
	}
	return nil
}

func readAttachments(o *Observation) any {
	const place = "result[].attachments"
	for kind, form := range map[string]engine.NoAttachmentsForm{
		kindEmptyObject: engine.NoAttachmentsObject, kindNull: engine.NoAttachmentsNull, kindEmptyList: engine.NoAttachmentsList,
	} {
		if o.Body.has(place, kind) {
			return string(form)
		}
	}
	return nil
}

// settings lists all settings of the emulator's answers with what was found.
func (r *run) settings() []Setting {
	var all []Setting
	for _, known := range page.AnswerSettings() {
		s := Setting{Name: known.Name}
		if f, found := r.findings[known.Name]; found {
			s.Value, s.By, s.Contradicted = f.value, f.by, f.contradicted
		} else {
			s.NotFound = howToFind[known.Name]
		}
		all = append(all, s)
	}
	return all
}

// howToFind says of each setting what it takes to find it out, or why it cannot be.
var howToFind = map[string]string{
	"sends":                      "needs --client ID",
	"acknowledgements":           "needs --client ID with --list NUMBER or --deal",
	"send_to_unknown_client":     "needs --refusals",
	"read_of_unknown_client":     "needs a client number that nobody has",
	"nobody_found":               "no look-up said that there is nobody",
	"ids":                        "needs a client",
	"client_times":               "needs a client",
	"history_times":              "needs a client with a history",
	"subscriber_times":           "needs a client in the retired list of subscribers",
	"order_list":                 "needs a client",
	"latest_client":              "needs a client with a variable",
	"callbacks_by_platform_id":   "needs --client ID",
	"whatsapp_suffix":            "needs --client ID of WhatsApp",
	"values":                     "needs --client ID",
	"unset_value":                "needs --client ID",
	"hide_order_variables":       "needs --client ID",
	"no_attachments":             "needs a client with a message that has no attachments",
	"hide_order_fields":          "needs --client ID --deal",
	"null_descriptions":          "needs a block without a description",
	"history_delay":              "needs --client ID",
	"hide_sends_in_history":      "needs --client ID",
	"rate_limit":                 "needs --limit NUMBER",
	"retry_after":                "needs --limit NUMBER",
	"callback_without_message":   "needs --client ID",
	"unknown_users":              "cannot be asked without creating a client",
	"unknown_groups":             "cannot be asked without creating a client",
	"broadcast_without_audience": "cannot be asked without writing to everybody",
	"any_method":                 "needs --refusals",
	"missing_permission":         "needs a key that lacks a permission",
	"unknown_key":                "needs --refusals",
	"unknown_action":             "needs --refusals",
	"wrong_method":               "needs --refusals",
	"unreadable":                 "needs --refusals",
	"too_many_requests":          "needs --limit NUMBER",
	"invalid_parameter":          "needs --refusals",
}
