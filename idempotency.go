package salebot

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/once"
	"github.com/salebot-go/salebot/internal/wire"
	"github.com/salebot-go/salebot/ledger"
)

// Errors of calls with an idempotency key and of pieces of work. A call that returns
// one of them has sent nothing. With ErrInProgress, another call may have.
var (
	// ErrKeyReused says that an idempotency key was used for another request before:
	// another action, receiver or content. It is a mistake of the caller.
	ErrKeyReused = once.ErrKeyReused
	// ErrNameReused says that the name of a bulk run was used for another action or
	// another request before, so its records say nothing about this one: choose another
	// name.
	ErrNameReused = once.ErrNameReused
	// ErrInProgress says that another call or process is working on the same call or
	// piece of work and did not finish in time, or that a try whose answer was lost may
	// still be written (WithSendWindow). The outcome is then unknown: ask again later.
	ErrInProgress = once.ErrUnderWay
	// ErrWorkChanged says that a piece of work makes different calls than before, so a
	// call could be an earlier one in other words. Nothing was sent, but trying again
	// fails again as long as the calls differ. Name calls whose words may differ with
	// WithStep. If the work itself was changed, a new key or ForgetWork makes all of its
	// calls, also those that were accepted before. Before it fails, the call waits for
	// those of other goroutines that are under way, and five seconds for others to come.
	ErrWorkChanged = once.ErrWorkChanged
	// ErrWorkNested says that a piece of work was asked for inside itself.
	ErrWorkNested = once.ErrWorkNested
	// ErrWorkEnded says that a call used the context of a piece of work that had
	// ended.
	ErrWorkEnded = once.ErrWorkEnded
	// ErrWorkTooOld says that a piece of work is older than what the ledger remembers.
	ErrWorkTooOld = once.ErrWorkTooOld
	// ErrOtherLedger says that a piece of work belongs to the ledger or the project of
	// another client.
	ErrOtherLedger = once.ErrOtherLedger
	// ErrCallsRefused says that a call was made inside a transaction; see RefuseCalls.
	ErrCallsRefused = errors.New("salebot: no call can be made inside a transaction: make it before")
)

// RefuseCalls returns a context in which every call of every client fails with
// ErrCallsRefused before anything is sent, until allow is called also in ctx if it is
// that of a piece of work or of a webhook's event. It is for code that holds something
// which must not wait for a server far away, such as the transaction of a database: a
// call would hold it for as long as Salebot takes, and is not undone with it.
func RefuseCalls(ctx context.Context) (refusing context.Context, allow func()) {
	return once.Refuse(ctx)
}

// DefaultSendWindow is how long after a ledger has recorded a request it may be
// written (WithSendWindow).
const DefaultSendWindow = 5 * time.Second

// ledgerConfig is what the options say about the ledger.
type ledgerConfig struct {
	ledger       ledger.Ledger
	project      string
	secret       []byte
	sendWindow   time.Duration
	historyDelay time.Duration
}

func (l *ledgerConfig) keeper() *once.Keeper {
	if l.ledger == nil {
		return nil
	}
	return &once.Keeper{
		Ledger: l.ledger, Project: l.project, Secret: l.secret, SendWindow: l.sendWindow, HistoryDelay: l.historyDelay,
	}
}

// logBlindness tells that the client's ledger cannot find a lost answer in the history.
func (c *config) logBlindness() {
	if c.logger == nil || c.ledger.ledger == nil || c.ledger.historyDelay > 0 || c.location != nil {
		return
	}
	c.logger.Info("salebot ledger cannot look for a lost answer in the history",
		slog.String("project", c.ledger.project), slog.String("missing", "WithHistoryDelay or WithProjectLocation"))
}

// minSecret is the length of the shortest secret that is accepted, in bytes.
const minSecret = 16

// WithLedger gives the client a ledger, so that calls with an idempotency key, pieces
// of work and bulk runs are executed once; see package ledger. The project is a name of
// your choice for the Salebot project. Unlike the API key it must stay the same, or the
// records are lost.
func WithLedger(l ledger.Ledger, project string) Option {
	return clientOption(func(c *config) error {
		const option = "WithLedger"
		switch {
		case l == nil:
			return badOption(option, "the ledger is nil")
		case strings.TrimSpace(project) == "":
			return badOption(option, "the project needs a name of your choice")
		}
		c.ledger.ledger, c.ledger.project, c.givenLedger = l, project, true
		return nil
	})
}

// WithLedgerSecret sets the secret for the digests that a ledger keeps, at least 16
// bytes. The default is a random one that the ledger itself stores; whoever has the
// ledger can then check guesses of texts and phones. A secret that changes loses the
// records.
func WithLedgerSecret(secret []byte) Option {
	return clientOption(func(c *config) error {
		if len(secret) < minSecret {
			return badOption("WithLedgerSecret", "the secret is shorter than %d bytes", minSecret)
		}
		c.ledger.secret, c.givenLedger = append([]byte(nil), secret...), true
		return nil
	})
}

// WithSendWindow sets how long after its record a request may be written; the default
// is DefaultSendWindow. That includes making the connection. After a crash, nothing is
// decided about the request before that time has passed.
func WithSendWindow(window time.Duration) Option {
	return clientOption(func(c *config) error {
		if window <= 0 || window > once.LongestSendWindow {
			return badOption("WithSendWindow", "the time must be positive and at most an hour")
		}
		c.ledger.sendWindow, c.givenLedger = window, true
		return nil
	})
}

// WithHistoryDelay says how long Salebot takes, at most, to show a message in the
// history of a client. The client needs it to find out that a request of unknown outcome
// was not executed, and to send it again. Without it, the outcome of a request that is not
// in the history stays unknown. There is no default, because Salebot does not publish that
// time. The option costs one read of the history before each recorded message or callback.
func WithHistoryDelay(delay time.Duration) Option {
	return clientOption(func(c *config) error {
		if delay <= 0 || delay > 24*time.Hour {
			return badOption("WithHistoryDelay", "the time must be positive and at most a day")
		}
		c.ledger.historyDelay, c.givenLedger = delay, true
		return nil
	})
}

// maxKeyLength bounds idempotency keys and names of steps, in bytes.
const maxKeyLength = 1024

func checkKeyText(option, text string) error {
	switch {
	case strings.TrimSpace(text) == "":
		return invalid(option, "is empty")
	case len(text) > maxKeyLength:
		return invalid(option, "is longer than 1024 bytes")
	}
	return nil
}

// WithIdempotencyKey makes a call of class Once be executed once, however often it is
// made with this key and by whichever process. It needs a ledger; see WithLedger. A
// second call with the key returns the recorded answer. If the first is under way, it
// waits for it. If the first was refused or did not leave, it is sent. If the outcome
// of the first is unknown, it is looked for in the history; if that does not decide,
// the error is ErrOutcomeUnknown and nothing is sent. The key with another request is
// ErrKeyReused.
//
// The key is never sent: Salebot has no idempotency keys. Other classes of calls may
// be repeated anyway and ignore it.
func WithIdempotencyKey(key string) CallOption {
	return callOption(func(s *settings) error {
		s.idempotencyKey = key
		return checkKeyText("WithIdempotencyKey", key)
	})
}

// WithStep names a call within its piece of work. When the work runs again, the call
// with the name returns its first result whatever its words: for a text that may
// differ, such as one that a model writes or one made of data that changes. The first
// text that is accepted counts. A refused one gives way to the next. One of unknown outcome
// is looked for by its words. With other words it gives way only if the history shows that
// the client was sent nothing at all since (WithHistoryDelay); otherwise the error stays
// ErrOutcomeUnknown and nothing is sent. Outside of a piece of work it does nothing.
func WithStep(name string) CallOption {
	return callOption(func(s *settings) error {
		s.step = name
		return checkKeyText("WithStep", name)
	})
}

// guards reports whether something has to keep a call from being executed twice. Most
// calls need nothing.
func (*Client) guards(ctx context.Context, row *action.Row, s *settings) bool {
	if row.Class != action.Once {
		return false
	}
	run := once.From(ctx)
	return s.idempotencyKey != "" || run != nil && run.Recorded()
}

// guard returns what keeps a call from being executed twice. It may wait for other
// calls.
func (c *Client) guard(ctx context.Context, row *action.Row, s *settings, request *payload) (*once.Guard, error) {
	keeper := c.core.keeper
	switch {
	case keeper == nil && s.idempotencyKey != "":
		return nil, invalid("WithIdempotencyKey", "needs a ledger: see WithLedger")
	case keeper == nil:
		return nil, ErrOtherLedger
	}
	call := once.Call{
		Action: row.Name, Query: request.query.Encode(), Body: request.body,
		Key: s.idempotencyKey, Step: s.step, Sent: sentBy(row, request),
	}
	if s.first != nil {
		call.First = s.first.content
	}
	return keeper.Guard(ctx, once.From(ctx), call, &ledgerHistory{client: c, location: s.location})
}

// sentBy tells what a history would show of a request; nil if that cannot be told.
func sentBy(row *action.Row, request *payload) *once.Sent {
	if row.Name != "message" && row.Name != "callback" {
		return nil
	}
	sent := once.Sent{Callback: row.Name == "callback"}
	err := wire.Members(request.body, func(name string, value []byte) (err error) {
		switch name {
		case "client_id":
			sent.Client, err = wire.Int(value)
		case "message":
			sent.Text, err = wire.Text(value)
		}
		return err
	})
	if err != nil || sent.Client == 0 || strings.TrimSpace(sent.Text) == "" {
		return nil
	}
	return &sent
}

// ledgerHistory reads the history for the ledger's decisions.
type ledgerHistory struct {
	client   *Client
	location *time.Location
}

// Newest implements once.History.
func (h *ledgerHistory) Newest(ctx context.Context, client int64) (int64, error) {
	id, err := h.client.LatestMessageID(once.With(ctx, nil), ClientID(client))
	return int64(id), err
}

// Since implements once.History.
func (h *ledgerHistory) Since(ctx context.Context, sent *once.Sent, anchor ledger.Anchor) ([]once.Item, bool, error) {
	want := FindSentRequest{ClientID: ClientID(sent.Client), Message: sent.Text, Callback: sent.Callback}
	for limit := sentSearchDepth; ; limit = MaxHistory {
		history, err := h.client.GetHistory(once.With(ctx, nil), GetHistoryRequest{ClientID: want.ClientID, Limit: limit})
		if err != nil {
			return nil, false, err
		}
		items := make([]once.Item, len(history))
		// A history without the anchor was cleared since.
		whole := len(history) < limit && (!anchor.Known || anchor.MessageID == 0)
		for i := range history {
			items[i] = h.item(&want, &history[i])
			older := anchor.Known && items[i].ID <= anchor.MessageID
			if !anchor.Known && !items[i].At.IsZero() {
				older = items[i].At.Before(anchor.Server.Add(-time.Minute))
			}
			whole = whole || older
		}
		if whole || limit == MaxHistory {
			return items, whole, nil
		}
	}
}

func (h *ledgerHistory) item(want *FindSentRequest, message *HistoryItem) once.Item {
	item := once.Item{ID: int64(message.ID), Text: message.Text, Matches: want.matches(message)}
	// Of callbacks only those that came by the API match.
	item.FromAPI = want.Callback || message.Origin == HistoryOriginAPI
	item.FromPerson = message.ClientReplica && message.Origin == HistoryOriginOrdinary && len(message.Unread) == 0
	if moment, ok := message.CreatedAt.Moment(); ok {
		item.At = moment
	} else if h.location != nil && !message.CreatedAt.IsZero() {
		if at, err := message.CreatedAt.In(h.location); err == nil {
			item.At = at
		}
	}
	return item
}

// ServerTime implements once.History.
func (h *ledgerHistory) ServerTime() (time.Time, bool) { return h.client.core.clock.now() }

// serverClock is an estimate of Salebot's clock, from the Date header of its answers.
// The header tells whole seconds and is some time on its way, so the estimate is
// never ahead.
type serverClock struct{ seen atomic.Pointer[clockReading] }

type clockReading struct{ server, local time.Time }

func (c *serverClock) set(date string) {
	if date == "" {
		return
	}
	server, err := http.ParseTime(date)
	if err != nil {
		return
	}
	c.seen.Store(&clockReading{server: server, local: time.Now()})
}

func (c *serverClock) now() (time.Time, bool) {
	reading := c.seen.Load()
	if reading == nil {
		return time.Time{}, false
	}
	return reading.server.Add(time.Since(reading.local)), true
}

// recordedIDs are the numbers of an answer, which are all that a ledger keeps of it.
func recordedIDs(result any) []int64 {
	switch result := result.(type) {
	case OrderID:
		return []int64{int64(result)}
	case StateID:
		return []int64{int64(result)}
	case *SentCallbacks:
		if result != nil && result.Started != nil {
			return []int64{int64(*result.Started)}
		}
	}
	return nil
}

// replayed makes a result of what a ledger keeps.
func replayed[T any](recorded ledger.Answer) T {
	var result T
	var first int64
	if len(recorded.IDs) > 0 {
		first = recorded.IDs[0]
	}
	switch target := any(&result).(type) {
	case **Ack:
		*target = &Ack{Recorded: true}
	case **SentCallbacks:
		sent := &SentCallbacks{Ack: Ack{Recorded: true}}
		if len(recorded.IDs) > 0 {
			sent.Started = new(int(first))
		}
		*target = sent
	case **Response:
		*target = &Response{Status: recorded.Status}
	case *OrderID:
		*target = OrderID(first)
	case *StateID:
		*target = StateID(first)
	}
	return result
}
