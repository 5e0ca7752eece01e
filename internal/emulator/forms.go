package emulator

// SuccessForm is how a success without data is said.
type SuccessForm string

// The forms of a success without data.
const (
	// SuccessOK is the plain text ok.
	SuccessOK SuccessForm = "ok"
	// SuccessOKAsHTML is the plain text ok, labeled as a page.
	SuccessOKAsHTML SuccessForm = "ok-html"
	// SuccessTrue is the plain text true.
	SuccessTrue SuccessForm = "true"
	// SuccessText is the plain text success.
	SuccessText SuccessForm = "success"
	// SuccessJSON is {"status":"success"}.
	SuccessJSON SuccessForm = "json"
	// SuccessEmpty is an empty body.
	SuccessEmpty SuccessForm = "empty"
)

// NotFoundForm is how "no such client" is said.
type NotFoundForm string

// The forms of "no such client".
const (
	// NotFoundText is a 404 with the word as plain text.
	NotFoundText NotFoundForm = "404-text"
	// NotFoundJSON is a 404 with the word as the status of a JSON object.
	NotFoundJSON NotFoundForm = "404-json"
	// NotFoundJSON200 is the same with 200.
	NotFoundJSON200 NotFoundForm = "200-json"
)

// IDForm is how ids are written.
type IDForm string

// The forms of ids.
const (
	IDsAsNumbers IDForm = "number"
	IDsAsText    IDForm = "text"
)

// TimeForm is how times are written.
type TimeForm string

// The forms of times.
const (
	// TimesAsText is 2026-05-28 17:33:42.539976, without a zone.
	TimesAsText TimeForm = "text"
	// TimesAsUnix is whole seconds since 1970.
	TimesAsUnix TimeForm = "unix"
	// TimesAsUnixText is the same as text.
	TimesAsUnixText TimeForm = "unix-text"
)

// OrderListKey is the key of a list of deals.
type OrderListKey string

// The keys of a list of deals.
const (
	OrderListResult  OrderListKey = "result"
	OrderListOrderID OrderListKey = "order_id"
	OrderListBoth    OrderListKey = "both"
)

// LatestClientKey is the key of the latest client.
type LatestClientKey string

// The keys of the latest client.
const (
	LatestClientLatestClientID LatestClientKey = "latest_client_id"
	LatestClientClientID       LatestClientKey = "client_id"
)

// CallbacksForm is how the success of callbacks by platform id is said.
type CallbacksForm string

// The forms of the success of callbacks by platform id.
const (
	// CallbacksAsCount is {"callback_sended":2}.
	CallbacksAsCount CallbacksForm = "count"
	// CallbacksAsSends is what sends says.
	CallbacksAsSends CallbacksForm = "sends"
)

// RetryAfterForm is how a Retry-After is written.
type RetryAfterForm string

// The forms of a Retry-After.
const (
	// RetryAfterSeconds is a number of seconds.
	RetryAfterSeconds RetryAfterForm = "seconds"
	// RetryAfterDate is a date.
	RetryAfterDate RetryAfterForm = "date"
	// RetryAfterNone leaves the header out.
	RetryAfterNone RetryAfterForm = "none"
)

// ValueForm is how the values of variables are written.
type ValueForm string

// The forms of values.
const (
	ValuesAsText ValueForm = "text"
	ValuesAsSent ValueForm = "as-sent"
)

// NoAttachmentsForm is how a message without attachments is written.
type NoAttachmentsForm string

// The forms of "no attachments".
const (
	NoAttachmentsObject NoAttachmentsForm = "object"
	NoAttachmentsNull   NoAttachmentsForm = "null"
	NoAttachmentsList   NoAttachmentsForm = "list"
)

// EmptyCallbackRule says what becomes of a callback without a message.
type EmptyCallbackRule string

// The rules for callbacks without a message.
const (
	EmptyCallbacksAccepted EmptyCallbackRule = "accept"
	EmptyCallbacksRefused  EmptyCallbackRule = "refuse"
)

// UnknownUsersRule says what a callback does for an unknown person.
type UnknownUsersRule string

// The rules for unknown persons.
const (
	UsersCreated UnknownUsersRule = "create"
	UsersRefused UnknownUsersRule = "refuse"
)

// UnknownGroupsRule says what becomes of a bot that is not connected.
type UnknownGroupsRule string

// The rules for bots that are not connected.
const (
	GroupsAccepted UnknownGroupsRule = "accept"
	GroupsRefused  UnknownGroupsRule = "refuse"
)

// AudienceRule says who gets a broadcast that names nobody.
type AudienceRule string

// The rules for a broadcast that names nobody.
const (
	AudienceNobody    AudienceRule = "nobody"
	AudienceEverybody AudienceRule = "everybody"
)
