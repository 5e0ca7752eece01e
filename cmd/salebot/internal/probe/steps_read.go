package probe

import (
	"context"
	"math"

	"github.com/salebot-go/salebot"
)

// The steps that read.

// sampled is how many clients are looked at for one who has what a step needs.
const sampled = 5

var channelSteps = []step{
	{name: "connected_channels", action: "connected_channels", part: Reads, ask: func(ctx context.Context, r *run) error {
		connected, err := r.client.GetConnectedChannels(ctx)
		if err != nil {
			return err
		}
		r.about.channels = connected.Channels
		return nil
	}},
	{name: "get_messages", action: "get_messages", part: Reads, ask: func(ctx context.Context, r *run) error {
		_, err := r.client.GetBlocks(ctx)
		return err
	}},
}

var clientSteps = []step{
	{name: "get_clients", action: "get_clients", part: Reads, ask: askClients},
	{name: "get_history", action: "get_history", part: Reads, lacks: needsClient, ask: askHistory},
	{name: "get_variables", action: "get_variables", part: Reads, lacks: needsClient, ask: askVariables},
	{name: "get_variables of nobody", action: "get_variables", part: Reads, refused: true, ask: askNobody},
}

// askClients reads a page of clients and chooses one. A client who was named is looked
// for among the newest and the oldest.
func askClients(ctx context.Context, r *run) error {
	request := salebot.GetClientsRequest{Limit: 20}
	if r.options.Client != 0 {
		request.Limit = salebot.MaxClientsPage
		r.about.client = r.options.Client
	}
	clients, err := r.client.GetClients(ctx, request)
	if err != nil {
		return err
	}
	r.about.clients = clients
	if r.options.Client == 0 {
		if len(clients) > 0 {
			r.choose(clients[0].ID)
		}
		return nil
	}
	if r.choose(r.options.Client); r.about.record == nil && len(clients) == request.Limit {
		request.OldestFirst = true
		if r.about.clients, err = r.client.GetClients(ctx, request); err != nil {
			return err
		}
		r.choose(r.options.Client)
	}
	return nil
}

// choose makes a client the one whom questions are about.
func (r *run) choose(id salebot.ClientID) {
	r.about.client, r.about.record = id, nil
	for i := range r.about.clients {
		if r.about.clients[i].ID == id {
			r.about.record = &r.about.clients[i]
		}
	}
}

// candidates are the clients to look at: the one who was named, or some.
func (r *run) candidates() []salebot.ClientID {
	all := []salebot.ClientID{r.about.client}
	for i := range r.about.clients {
		if id := r.about.clients[i].ID; len(all) < sampled && id != r.about.client {
			all = append(all, id)
		}
	}
	return all
}

// askHistory reads the history of some client who has one.
func askHistory(ctx context.Context, r *run) error {
	for _, id := range r.candidates() {
		items, err := r.client.GetHistory(ctx, salebot.GetHistoryRequest{ClientID: id, Limit: 50})
		if err != nil || len(items) > 0 {
			return err
		}
	}
	return nil
}

// askVariables reads the variables of the client; if nobody was named, of the first who has
// some of its own, who is the client from then on.
func askVariables(ctx context.Context, r *run) error {
	candidates := r.candidates()
	if r.options.Client != 0 {
		candidates = candidates[:1]
	}
	for i, id := range candidates {
		variables, err := r.client.GetVariables(ctx, id)
		if err != nil {
			return err
		}
		looked := subject{variables: variables}
		_, _, own := looked.searchable()
		if own || i == 0 {
			r.choose(id)
			r.about.variables, r.about.read = variables, true
		}
		if own {
			return nil
		}
	}
	return nil
}

const (
	// nobodysClient is where the search for a number begins that no client has: at the
	// largest of 32 bits, which is still a number to a program of 32 bits, and which one
	// that counts from 1 reaches last.
	nobodysClient salebot.ClientID = math.MaxInt32
	// tries is how many such numbers are asked for.
	tries = 3
)

// askNobody looks for a number that no client has.
func askNobody(ctx context.Context, r *run) error {
	for id := nobodysClient; id > nobodysClient-tries; id-- {
		_, err := r.client.GetVariables(ctx, id)
		if err != nil {
			if isNotFound(err) {
				r.about.nobody = id
			}
			return err
		}
	}
	return nil
}

var lookupSteps = []step{
	{
		name: "find_client_id_by_platform_id", action: "find_client_id_by_platform_id", part: Reads, lacks: needsPerson,
		ask: func(ctx context.Context, r *run) error {
			_, err := r.client.GetClientsByPlatformID(ctx, salebot.GetClientsByPlatformIDRequest{
				PlatformIDs: []salebot.PlatformID{r.about.record.PlatformID}, GroupID: r.about.record.GroupID,
			})
			return err
		},
	},
	{
		name: "find_client_id_by_platform_id of nobody", action: "find_client_id_by_platform_id", part: Reads, refused: true,
		ask: func(ctx context.Context, r *run) error {
			_, err := r.client.GetClientsByPlatformID(ctx, salebot.GetClientsByPlatformIDRequest{PlatformIDs: []salebot.PlatformID{nobodysPlatform}})
			return err
		},
	},
	{name: "whatsapp_client_id", action: "whatsapp_client_id", part: Reads, lacks: needsWhatsAppClient, ask: func(ctx context.Context, r *run) error {
		_, err := r.client.GetClientIDByWhatsApp(ctx, salebot.GetClientIDByWhatsAppRequest{Phone: r.about.whatsApp()})
		return err
	}},
	{
		name: "whatsapp_client_id of nobody", action: "whatsapp_client_id", part: Reads, refused: true, lacks: needsChannel("whatsapp"),
		ask: func(ctx context.Context, r *run) error {
			_, err := r.client.GetClientIDByWhatsApp(ctx, salebot.GetClientIDByWhatsAppRequest{Phone: nobodysPhone})
			return err
		},
	},
	{name: "find_client_id_by_phone", action: "find_client_id_by_phone", part: Reads, lacks: needsPhone, ask: func(ctx context.Context, r *run) error {
		_, err := r.client.GetClientIDByPhone(ctx, r.about.phone())
		return err
	}},
	{name: "find_client_id_by_phone of nobody", action: "find_client_id_by_phone", part: Reads, refused: true, ask: func(ctx context.Context, r *run) error {
		_, err := r.client.GetClientIDByPhone(ctx, nobodysPhone)
		return err
	}},
	{name: "find_client_id_by_email", action: "find_client_id_by_email", part: Reads, lacks: needsEmail, ask: func(ctx context.Context, r *run) error {
		_, err := r.client.GetClientIDByEmail(ctx, r.about.email())
		return err
	}},
	{name: "find_client_id_by_email of nobody", action: "find_client_id_by_email", part: Reads, refused: true, ask: func(ctx context.Context, r *run) error {
		_, err := r.client.GetClientIDByEmail(ctx, nobodysEmail)
		return err
	}},
	{name: "find_client_id_by_var", action: "find_client_id_by_var", part: Reads, lacks: needsVariable, ask: func(ctx context.Context, r *run) error {
		name, value, _ := r.about.searchable()
		_, err := r.client.GetClientIDByVariable(ctx, salebot.GetClientIDByVariableRequest{Name: name, Value: value})
		return err
	}},
	{name: "find_client_id_by_var of nobody", action: "find_client_id_by_var", part: Reads, refused: true, ask: func(ctx context.Context, r *run) error {
		_, err := r.client.GetClientIDByVariable(ctx, salebot.GetClientIDByVariableRequest{Name: probeVariable, Value: nobodysValue})
		return err
	}},
	{name: "find_latest_client_id_by_var", action: "find_latest_client_id_by_var", part: Reads, lacks: needsVariable, ask: func(ctx context.Context, r *run) error {
		name, value, _ := r.about.searchable()
		_, err := r.client.GetLatestClientIDByVariable(ctx, name, value)
		return err
	}},
	{
		name: "find_latest_client_id_by_var of nobody", action: "find_latest_client_id_by_var", part: Reads, refused: true,
		ask: func(ctx context.Context, r *run) error {
			_, err := r.client.GetLatestClientIDByVariable(ctx, probeVariable, nobodysValue)
			return err
		},
	},
	{name: "find_all_client_id_by_var", action: "find_all_client_id_by_var", part: Reads, lacks: needsVariable, ask: func(ctx context.Context, r *run) error {
		name, value, _ := r.about.searchable()
		_, err := r.client.GetClientIDsByVariable(ctx, name, value)
		return err
	}},
	{name: "find_all_client_id_by_var of nobody", action: "find_all_client_id_by_var", part: Reads, refused: true, ask: func(ctx context.Context, r *run) error {
		_, err := r.client.GetClientIDsByVariable(ctx, probeVariable, nobodysValue)
		return err
	}},
	{
		name: "find_all_client_id_by_several_vars", action: "find_all_client_id_by_several_vars", part: Reads, lacks: needsVariable,
		ask: func(ctx context.Context, r *run) error {
			name, value, _ := r.about.searchable()
			_, err := r.client.GetClientIDsByVariables(ctx, map[string]string{name: value})
			return err
		},
	},
	{name: "find_clients", action: "find_clients", part: Reads, lacks: needsVariable, ask: func(ctx context.Context, r *run) error {
		name, value, _ := r.about.searchable()
		_, err := r.client.FindClients(ctx, salebot.FindClientsRequest{Query: map[string]salebot.Condition{name: salebot.Equals(value)}})
		return err
	}},
	{name: "check_whatsapp", action: "check_whatsapp", part: Reads, lacks: needsWhatsAppClient, ask: func(ctx context.Context, r *run) error {
		_, err := r.client.CheckWhatsApp(ctx, r.about.whatsApp())
		return err
	}},
	{
		name: "check_insta_subscription", action: "check_insta_subscription", part: Reads, lacks: needsChannel("instagram"),
		ask: func(ctx context.Context, r *run) error {
			_, err := r.client.CheckInstagramSubscription(ctx, salebot.CheckInstagramSubscriptionRequest{UserName: "instagram"})
			return err
		},
	},
}

var orderSteps = []step{
	{name: "get_orders", action: "get_orders", part: Reads, lacks: needsClient, ask: askOrders},
	{name: "get_current_order_id", action: "get_current_order_id", part: Reads, lacks: needsOrder, ask: func(ctx context.Context, r *run) error {
		_, err := r.client.GetCurrentOrderID(ctx, r.about.owner)
		return err
	}},
	{name: "get_order_state", action: "get_order_state", part: Reads, lacks: needsOrder, ask: func(ctx context.Context, r *run) (err error) {
		r.about.state, err = r.client.GetOrderState(ctx, salebot.GetOrderStateRequest{ClientID: r.about.owner, OrderID: r.about.order})
		return err
	}},
	{name: "get_order_vars", action: "get_order_vars", part: Reads, lacks: needsOrder, ask: askOrderVariables},
	{name: "get_orders of nobody", action: "get_orders", part: Reads, refused: true, lacks: needsNobody, ask: func(ctx context.Context, r *run) error {
		_, err := r.client.GetOrders(ctx, salebot.GetOrdersRequest{ClientID: r.about.nobody})
		return err
	}},
}

// askOrders looks for a client with deals.
func askOrders(ctx context.Context, r *run) error {
	for _, id := range r.candidates() {
		orders, err := r.client.GetOrders(ctx, salebot.GetOrdersRequest{ClientID: id})
		if isNotFound(err) {
			continue
		}
		if err != nil {
			return err
		}
		if len(orders) > 0 {
			r.about.owner, r.about.order = id, orders[len(orders)-1]
			return nil
		}
	}
	return nil
}

// askOrderVariables reads the variables of a deal, and finds out whether those of its
// client are read together with them.
func askOrderVariables(ctx context.Context, r *run) error {
	ofDeal, err := r.client.GetOrderVariables(ctx, salebot.GetOrderVariablesRequest{ClientID: r.about.owner, OrderID: r.about.order})
	if err != nil || !r.about.read || r.about.owner != r.about.client {
		return err
	}
	known, missing := 0, 0
	for name := range ofDeal.All() {
		if name == orderName || name == orderBudget {
			continue
		}
		if _, ok := r.about.variables.Get(name); ok {
			known++
		} else {
			missing++
		}
	}
	switch {
	case known > 0 && missing == 0:
		r.find("hide_order_variables", false, "get_order_vars")
	case known == 0 && missing > 0:
		r.find("hide_order_variables", true, "get_order_vars")
	}
	return nil
}

// What a deal has without any variable being saved.
const (
	orderName   = "order_name"
	orderBudget = "budget"
)

var subscriberSteps = []step{
	{name: "subscribers", action: "subscribers", part: Reads, ask: func(ctx context.Context, r *run) error {
		_, err := r.client.GetSubscribers(ctx, salebot.GetSubscribersRequest{})
		return err
	}},
	{name: "vk_subscribers", action: "vk_subscribers", part: Reads, lacks: needsChannel("vkontakte"), ask: func(ctx context.Context, r *run) error {
		_, err := r.client.GetVKSubscribers(ctx, salebot.GetVKSubscribersRequest{})
		return err
	}},
}
