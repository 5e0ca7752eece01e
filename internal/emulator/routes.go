package emulator

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/emulator/request"
)

// call is one call of an action that was understood.
type call struct {
	project    *project
	row        *action.Row
	parameters request.Params
	// at is the time of the call.
	at int64
	// about is the first client whom it turned out to be about; 0 for none.
	about int64
}

// meets remembers whom the call is about.
func (c *call) meets(target *client) *client {
	if target != nil && c.about == 0 {
		c.about = target.id
	}
	return target
}

// note adds a remark for people who read the log of requests.
func (c *call) note(remark string) { c.parameters.Notef("%s", remark) }

// handler carries out an action. The emulator's lock is held.
type handler func(*call) reply

// route is how an action is carried out.
type route struct {
	handle handler
	// reads says that the action changes nothing, so that it need not wait for
	// other reads.
	reads bool
	// alsoBy is an HTTP method that programs use and the reference does not name.
	alsoBy string
}

var routes = map[string]route{
	"callback":                     {handle: startCallback},
	"vk_callback":                  {handle: startForUser(salebot.ClientTypeVK)},
	"whatsapp_callback":            {handle: startForWhatsApp},
	"ok_callback":                  {handle: startForUser(salebot.ClientTypeOdnoklassniki)},
	"tg_callback":                  {handle: startForUser(salebot.ClientTypeTelegram), alsoBy: http.MethodGet},
	"send_callback_by_platform_id": {handle: sendCallbackByPlatformID},
	"max_callback":                 {handle: startForPerson(salebot.ClientTypeMAX, "platform_id")},
	"email_callback":               {handle: startForEmail},

	"message":          {handle: sendMessage},
	"whatsapp_message": {handle: sendWhatsAppMessage},
	"broadcast":        {handle: broadcast},
	"get_history":      {handle: getHistory, reads: true},
	"clear_history":    {handle: clearHistory},

	"assign_to_user":   {handle: assignToUser},
	"load_clients":     {handle: loadClients},
	"add_to_list":      {handle: addToList},
	"remove_from_list": {handle: removeFromList},
	"get_clients":      {handle: getClients, reads: true, alsoBy: http.MethodPost},
	"delete_clients":   {handle: deleteClients},

	"save_variables": {handle: saveVariables},
	"get_variables":  {handle: getVariables, reads: true},

	"find_client_id_by_platform_id":      {handle: findClientIDByPlatformID, reads: true},
	"online_chat_client_id":              {handle: onlineChatClientID},
	"whatsapp_client_id":                 {handle: whatsAppClientID, reads: true},
	"find_client_id_by_phone":            {handle: findClientIDByPhone, reads: true},
	"find_client_id_by_email":            {handle: findClientIDByEmail, reads: true},
	"find_client_id_by_var":              {handle: findClientIDByVariable, reads: true},
	"find_latest_client_id_by_var":       {handle: findLatestClientIDByVariable, reads: true},
	"find_all_client_id_by_var":          {handle: findAllClientIDByVariable, reads: true},
	"find_all_client_id_by_several_vars": {handle: findAllClientIDBySeveralVariables, reads: true},
	"find_clients":                       {handle: findClients, reads: true},

	"get_current_order_id":     {handle: getCurrentOrderID, reads: true},
	"get_orders":               {handle: getOrders, reads: true},
	"move_order_to_next_state": {handle: moveOrderToNextState},
	"get_order_vars":           {handle: getOrderVariables, reads: true},
	"set_order_vars":           {handle: setOrderVariables},
	"create_order":             {handle: createOrder},
	"set_order_state":          {handle: setOrderState},
	"get_order_state":          {handle: getOrderState, reads: true},

	"check_whatsapp":           {handle: checkWhatsApp, reads: true},
	"connected_channels":       {handle: connectedChannels, reads: true},
	"get_messages":             {handle: getMessages, reads: true},
	"subscribers":              {handle: subscribers, reads: true},
	"vk_subscribers":           {handle: vkSubscribers, reads: true},
	"check_insta_subscription": {handle: checkInstagramSubscription, reads: true},
}

// accepts reports whether an action can be called by an HTTP method.
func (r route) accepts(row *action.Row, method string, answers *Answers) bool {
	if row.Accepts(method) || method == r.alsoBy {
		return true
	}
	return answers.AnyMethod && (method == http.MethodGet || method == http.MethodPost)
}

// methods are the HTTP methods by which an action can be called in any case.
func (r route) methods(row *action.Row) []string {
	methods := slices.Clone(row.Methods)
	if r.alsoBy != "" {
		methods = append(methods, r.alsoBy)
	}
	return methods
}

// noteMethod says what to do about a method that is refused.
func (r route) noteMethod(p *request.Params, row *action.Row, method string) {
	p.Notef("%s takes %s", row.Name, strings.Join(r.methods(row), " and "))
	if method == http.MethodGet || method == http.MethodPost {
		p.Notef("the setting any_method lets every action be called by GET and by POST")
	}
}

// Methods returns the HTTP methods by which an action can be called in any case,
// nil if there is no such action.
func Methods(name string) []string {
	row := action.Lookup(name)
	if row == nil {
		return nil
	}
	return routes[name].methods(row)
}

// Actions lists the actions that the emulator answers, in the order of the
// alphabet.
func Actions() []string { return slices.Sorted(maps.Keys(routes)) }
