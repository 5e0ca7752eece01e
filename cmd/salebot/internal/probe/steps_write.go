package probe

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/salebot-go/salebot"
)

// The steps that write. All of them are about the one client who was named.

// The variables that are written.
const (
	variableNumber = "salebot_probe_number"
	variableUnset  = "salebot_probe_unset"
	variableOfDeal = "salebot_probe_deal"
)

var writeSteps = []step{
	{
		name: "save_variables", action: "save_variables", part: Writes,
		plan: "writes the variables client." + variableNumber + ", client." + variableUnset + " and " + variableOfDeal + " of the client",
		ask: func(ctx context.Context, r *run) error {
			_, err := r.client.SaveVariables(ctx, salebot.SaveVariablesRequest{ClientID: r.about.client, Variables: map[string]any{
				"client." + variableNumber: 42, "client." + variableUnset: nil, variableOfDeal: "1",
			}})
			r.about.saved = err == nil
			return err
		},
	},
	{
		name: "get_variables that were saved", action: "get_variables", part: Writes, plan: "reads them back",
		lacks: needsSaved,
		ask:   askSaved,
	},
	{
		name: "set_order_vars", action: "set_order_vars", part: Writes, plan: "writes the variable " + variableOfDeal + " of a deal that the client has",
		lacks: needsOwnOrder, ask: func(ctx context.Context, r *run) error {
			_, err := r.client.SetOrderVariables(ctx, salebot.SetOrderVariablesRequest{
				ClientID: r.about.client, OrderID: r.about.order, Variables: map[string]any{variableOfDeal: "1"},
			})
			return err
		},
	},
	{
		name: "load_clients", action: "load_clients", part: Writes, plan: "names the client by its id in the messenger, which creates nobody",
		lacks: needsBot, ask: func(ctx context.Context, r *run) error {
			about := r.about.record
			_, err := r.client.LoadClients(ctx, []salebot.ClientToLoad{salebot.UserOf(about.ClientType, about.PlatformID, about.GroupID)})
			if err == nil && about.ClientType == salebot.ClientTypeWhatsApp {
				r.find("whatsapp_suffix", bytes.Contains(r.recorder.last().body, []byte("@s.whatsapp.net")), "load_clients")
			}
			return err
		},
	},
	{
		name: "online_chat_client_id", action: "online_chat_client_id", part: Writes, plan: "names the client by its id in the online chat, which creates nobody",
		lacks: needsType(salebot.ClientTypeOnlineChat), ask: func(ctx context.Context, r *run) error {
			_, err := r.client.GetClientIDByOnlineChat(ctx, salebot.GetClientIDByOnlineChatRequest{Recipient: string(r.about.record.PlatformID)})
			return err
		},
	},
	{
		name: "message", action: "message", part: Message, plan: "sends the text to the client, WHO SEES IT",
		ask: func(ctx context.Context, r *run) error {
			_, err := r.client.Message(ctx, salebot.MessageRequest{ClientID: r.about.client, Message: r.options.Message})
			return err
		},
	},
	{
		name: "whatsapp_message", action: "whatsapp_message", part: Message, plan: "sends the text to the client by WhatsApp, if the client is there, WHO SEES IT",
		lacks: needsOnlyWhatsApp, ask: func(ctx context.Context, r *run) error {
			_, err := r.client.WhatsAppMessage(ctx, salebot.WhatsAppMessageRequest{Phone: string(r.about.record.PlatformID), Message: r.options.Message})
			return err
		},
	},
	{
		name: "add_to_list", action: "add_to_list", part: List, plan: "adds the client to the list",
		ask: func(ctx context.Context, r *run) error {
			_, err := r.client.AddToList(ctx, salebot.AddToListRequest{ListID: r.options.List, Clients: []salebot.ClientID{r.about.client}})
			return err
		},
	},
	{
		name: "remove_from_list", action: "remove_from_list", part: List, plan: "removes the client from the list, also if the client was in it before",
		ask: func(ctx context.Context, r *run) error {
			_, err := r.client.RemoveFromList(ctx, salebot.RemoveFromListRequest{ListID: r.options.List, Clients: []salebot.ClientID{r.about.client}})
			return err
		},
	},
}

// askSaved reads back what was saved: only a variable of its own can tell in which form
// Salebot keeps a number, and what it makes of null.
func askSaved(ctx context.Context, r *run) error {
	variables, err := r.client.GetVariables(ctx, r.about.client)
	if err != nil {
		return err
	}
	const by = "get_variables that were saved"
	if number, ok := variables.Get(variableNumber); ok {
		form := "text"
		if !strings.HasPrefix(string(number.Raw()), `"`) {
			form = "as-sent"
		}
		r.find("values", form, by)
	}
	if unset, ok := variables.Get(variableUnset); ok {
		var word string
		if json.Unmarshal(unset.Raw(), &word) == nil && word != "" {
			r.find("unset_value", word, by)
		}
	}
	_, together := variables.Get(variableOfDeal)
	r.find("hide_order_variables", !together, by)
	return nil
}

const planCallback = "starts the bot for the client with the text " + probeText + "_NUMBER, which the client does not see; a flow that reacts to any text answers"

var callbackSteps = []step{
	{name: "callback", action: "callback", part: Writes, plan: planCallback, ask: func(ctx context.Context, r *run) error {
		r.about.text = probeText + "_" + strconv.FormatInt(r.clock.Now().UnixMilli(), 10)
		_, err := r.client.Callback(ctx, salebot.CallbackRequest{ClientID: r.about.client, Message: r.about.text})
		r.about.called, r.about.calledAt = err == nil, r.clock.Now()
		return err
	}},
	{
		name: "get_history with the callback", action: "get_history", part: Writes, plan: "reads the history until the callback is there", requests: len(looks),
		lacks: needsStarted,
		ask:   askDelay,
	},
	{
		name: "callback without a message", action: "callback", part: Writes, refused: true, plan: "starts the bot for the client with nothing", asked: []string{"message"},
		ask: func(ctx context.Context, r *run) error {
			_, err := r.client.Do(ctx, salebot.DoRequest{Action: "callback", Body: map[string]any{"client_id": r.about.client}})
			return err
		},
	},
	{
		name: "send_callback_by_platform_id", action: "send_callback_by_platform_id", part: Writes, plan: "the same by the client's id in the messenger",
		lacks: needsBot, ask: func(ctx context.Context, r *run) error {
			_, err := r.client.SendCallbackByPlatformID(ctx, salebot.SendCallbackByPlatformIDRequest{
				PlatformIDs: []salebot.PlatformID{r.about.record.PlatformID}, GroupID: r.about.record.GroupID, CallbackText: probeText,
			})
			return err
		},
	},
	callbackOf("tg_callback", salebot.ClientTypeTelegram, func(ctx context.Context, c *salebot.Client, id salebot.PlatformID, bot salebot.GroupID) error {
		_, err := c.TGCallback(ctx, salebot.TGCallbackRequest{UserID: id, GroupID: bot, Message: probeText})
		return err
	}),
	callbackOf("vk_callback", salebot.ClientTypeVK, func(ctx context.Context, c *salebot.Client, id salebot.PlatformID, bot salebot.GroupID) error {
		_, err := c.VKCallback(ctx, salebot.VKCallbackRequest{UserID: id, GroupID: bot, Message: probeText})
		return err
	}),
	callbackOf("ok_callback", salebot.ClientTypeOdnoklassniki, func(ctx context.Context, c *salebot.Client, id salebot.PlatformID, bot salebot.GroupID) error {
		_, err := c.OKCallback(ctx, salebot.OKCallbackRequest{UserID: id, GroupID: bot, Message: probeText})
		return err
	}),
	callbackOf("max_callback", salebot.ClientTypeMAX, func(ctx context.Context, c *salebot.Client, id salebot.PlatformID, bot salebot.GroupID) error {
		_, err := c.MAXCallback(ctx, salebot.MAXCallbackRequest{ChatID: id, GroupID: bot, Message: probeText})
		return err
	}),
	callbackOf("whatsapp_callback", salebot.ClientTypeWhatsApp, func(ctx context.Context, c *salebot.Client, id salebot.PlatformID, _ salebot.GroupID) error {
		_, err := c.WhatsAppCallback(ctx, salebot.WhatsAppCallbackRequest{Phone: string(id), Message: probeText})
		return err
	}),
	callbackOf("email_callback", salebot.ClientTypeEmail, func(ctx context.Context, c *salebot.Client, id salebot.PlatformID, bot salebot.GroupID) error {
		_, err := c.EmailCallback(ctx, salebot.EmailCallbackRequest{Email: string(id), BotEmail: string(bot), Message: probeText})
		return err
	}),
}

// callbackOf is a callback that names the client as a person in a messenger. The person
// is known, so that nobody is created.
func callbackOf(
	name string, messenger salebot.ClientType, ask func(ctx context.Context, c *salebot.Client, id salebot.PlatformID, bot salebot.GroupID) error,
) step {
	lacks := needsType(messenger)
	if messenger == salebot.ClientTypeWhatsApp {
		lacks = needsOnlyWhatsApp
	}
	return step{
		name: name, action: name, part: Writes, plan: "the same, if the client is one of " + messenger.String(), lacks: lacks,
		ask: func(ctx context.Context, r *run) error {
			return ask(ctx, r.client, r.about.record.PlatformID, r.about.record.GroupID)
		},
	}
}

// looks are the times after a callback at which the history is read.
var looks = []time.Duration{
	0, time.Second, 2 * time.Second, 3 * time.Second, 5 * time.Second, 7 * time.Second, 10 * time.Second, 15 * time.Second, 20 * time.Second,
	30 * time.Second, 45 * time.Second, time.Minute,
}

// askDelay finds out after what time a callback is in the history.
func askDelay(ctx context.Context, r *run) error {
	const by = "get_history with the callback"
	for _, look := range looks {
		if look > r.options.HistoryWait {
			break
		}
		if !r.clock.Sleep(ctx, r.about.calledAt.Add(look).Sub(r.clock.Now())) {
			return ctx.Err()
		}
		items, err := r.client.GetHistory(ctx, salebot.GetHistoryRequest{ClientID: r.about.client, Limit: 50})
		if err != nil {
			return err
		}
		for i := range items {
			if items[i].Text == r.about.text {
				r.find("history_delay", look.String(), by)
				r.find("hide_sends_in_history", false, by)
				return nil
			}
		}
	}
	r.find("hide_sends_in_history", true, by)
	return nil
}

var dealSteps = []step{
	{
		name: "create_order", action: "create_order", part: Deal, plan: "makes a deal of the client, which the API cannot delete again",
		ask: func(ctx context.Context, r *run) (err error) {
			r.about.made, err = r.client.CreateOrder(ctx, salebot.CreateOrderRequest{ClientID: r.about.client, Name: probeText, Budget: 1.5})
			return err
		},
	},
	{name: "get_order_vars of the new deal", action: "get_order_vars", part: Deal, plan: "reads its variables", lacks: needsMade, ask: askFields},
	{
		name: "get_order_state of the new deal", action: "get_order_state", part: Deal, plan: "reads its state", lacks: needsMade,
		ask: func(ctx context.Context, r *run) (err error) {
			r.about.state, err = r.client.GetOrderState(ctx, salebot.GetOrderStateRequest{ClientID: r.about.client, OrderID: r.about.made})
			return err
		},
	},
	{
		name: "set_order_vars of the new deal", action: "set_order_vars", part: Deal, plan: "writes the variable " + variableOfDeal, lacks: needsMade,
		ask: func(ctx context.Context, r *run) error {
			_, err := r.client.SetOrderVariables(ctx, salebot.SetOrderVariablesRequest{
				ClientID: r.about.client, OrderID: r.about.made, Variables: map[string]any{variableOfDeal: "1"},
			})
			return err
		},
	},
	{
		name: "set_order_state", action: "set_order_state", part: Deal, plan: "puts the new deal into the state in which it is",
		lacks: needsState,
		ask: func(ctx context.Context, r *run) error {
			_, err := r.client.SetOrderState(ctx, salebot.SetOrderStateRequest{ClientID: r.about.client, StateID: r.about.state})
			return err
		},
	},
	{
		name: "move_order_to_next_state", action: "move_order_to_next_state", part: Deal, plan: "moves the new deal on, which may start what the CRM does there", lacks: needsMade,
		ask: func(ctx context.Context, r *run) error {
			_, err := r.client.MoveOrderToNextState(ctx, salebot.MoveOrderToNextStateRequest{ClientID: r.about.client, OrderID: r.about.made})
			return err
		},
	},
}

// askFields finds out whether the name and the budget of a deal are among its variables.
func askFields(ctx context.Context, r *run) error {
	variables, err := r.client.GetOrderVariables(ctx, salebot.GetOrderVariablesRequest{ClientID: r.about.client, OrderID: r.about.made})
	if err != nil {
		return err
	}
	_, name := variables.Get(orderName)
	_, budget := variables.Get(orderBudget)
	if name == budget {
		r.find("hide_order_fields", !name, "get_order_vars of the new deal")
	}
	return nil
}
