package emulator

import (
	"net/http"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/cmd/salebot/internal/settings"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

// Status is what an event and GET status tell: how far the emulator has come.
type Status struct {
	// Revision rises with each change.
	Revision  int64             `json:"revision"`
	Version   string            `json:"version"`
	ProjectID salebot.ProjectID `json:"project_id,string"`
	// Now is the emulator's time.
	Now       time.Time         `json:"now"`
	TimeZone  string            `json:"time_zone"`
	Clients   int               `json:"clients"`
	Next      salebot.MessageID `json:"next_message_id,string"`
	Scheduled int               `json:"scheduled"`
	Requests  int64             `json:"requests"`
	Delivered int64             `json:"deliveries"`
	Waiting   int               `json:"deliveries_waiting"`
	// Refused and Failed are the requests that were refused, as far as it can be told,
	// and the deliveries that no receiver took.
	Refused int64 `json:"requests_refused"`
	Failed  int64 `json:"deliveries_failed"`
	// Attempts is how often a delivery was tried.
	Attempts int64 `json:"delivery_attempts"`
	Faults   int   `json:"faults"`
	// Webhook is the address of the receiver.
	Webhook string `json:"webhook_url"`
	// Saves reports whether the state is kept in a file.
	Saves bool `json:"state_file"`
	// MaxMessages is how many messages of each conversation are kept; 0 means all.
	MaxMessages int `json:"max_messages"`
	// Receivers is how many addresses the webhook has.
	Receivers int `json:"receivers"`
}

func (c *control) status(revision int64) Status {
	p, webhook := c.Progress(), c.Webhook()
	receivers := len(webhook.Further)
	if webhook.URL != "" {
		receivers++
	}
	return Status{
		Revision: revision, Version: c.version, ProjectID: c.ProjectID(), Now: c.Now().UTC(), TimeZone: c.Location().String(),
		Clients: p.Clients, Next: p.NextMessage, Scheduled: p.Scheduled, Requests: p.Requests, Delivered: p.Deliveries,
		Waiting: p.Waiting, Refused: c.countRefusals(p.Requests), Failed: p.Failed, Attempts: p.Attempts, Faults: p.Faults, Webhook: webhook.URL, Receivers: receivers, Saves: c.save != nil,
		MaxMessages: c.MaxMessages(),
	}
}

func (c *control) getStatus(*call) (any, error) {
	c.feed.mu.Lock()
	revision := c.feed.revision
	c.feed.mu.Unlock()
	return c.status(revision), nil
}

// getHealth says that the emulator answers, and nothing else.
func (*control) getHealth(*call) (any, error) {
	return struct {
		Status string `json:"status"`
	}{"ok"}, nil
}

// clockShape is the emulator's time and what waits for it.
type clockShape struct {
	Now       time.Time        `json:"now"`
	TimeZone  string           `json:"time_zone"`
	Scheduled []scheduledShape `json:"scheduled"`
	Total     int              `json:"total"`
}

type scheduledShape struct {
	ID       int64            `json:"id,string"`
	Due      time.Time        `json:"due"`
	Action   string           `json:"action"`
	ClientID salebot.ClientID `json:"client_id,string"`
	Callback bool             `json:"callback"`
	Text     string           `json:"text"`
}

// mostScheduled bounds the list of what waits.
const mostScheduled = 200

func (c *control) getClock(*call) (any, error) {
	all := c.Scheduled()
	shape := clockShape{Now: c.Now().UTC(), TimeZone: c.Location().String(), Scheduled: []scheduledShape{}, Total: len(all)}
	for _, s := range all[:min(len(all), mostScheduled)] {
		shape.Scheduled = append(shape.Scheduled, scheduledShape{
			ID: s.ID, Due: s.Due, Action: s.Action, ClientID: s.ClientID, Callback: s.Callback, Text: s.Text,
		})
	}
	return shape, nil
}

// farthest bounds one step of the clock; far in the future times cannot be
// written any more.
const farthest = 10 * 366 * 24 * time.Hour

func (c *control) advanceClock(r *call) (any, error) {
	var wanted struct {
		By     *settings.Duration `json:"by"`
		ToNext bool               `json:"to_next"`
	}
	if err := r.read(&wanted); err != nil {
		return nil, err
	}
	var by time.Duration
	switch {
	case wanted.By != nil && wanted.ToNext:
		return nil, badRequest("by and to_next do not go together")
	case wanted.By != nil:
		by = time.Duration(*wanted.By)
	case wanted.ToNext:
		if waiting := c.Scheduled(); len(waiting) > 0 {
			by = max(waiting[0].Due.Sub(c.Now()), 0)
		}
	}
	switch {
	case by < 0:
		return nil, badRequest("the clock cannot go back")
	case by > farthest:
		return nil, badRequest("that is too far in the future")
	case c.Now().Add(by).Year() > 9000:
		return nil, badRequest("that is too far in the future")
	}
	c.Advance(by)
	return c.getClock(r)
}

func (c *control) getSettings(*call) (any, error) {
	return struct {
		Answers engine.Answers `json:"answers"`
	}{c.Answers()}, nil
}

func (c *control) setSettings(r *call) (any, error) {
	var wanted struct {
		Answers engine.Answers `json:"answers"`
	}
	if err := r.read(&wanted); err != nil {
		return nil, err
	}
	c.settings.Lock()
	defer c.settings.Unlock()
	if err := c.SetAnswers(wanted.Answers); err != nil {
		return nil, badRequest("%v", err)
	}
	return c.getSettings(r)
}

func (c *control) getWebhook(*call) (any, error) { return settings.Shown(c.Webhook()), nil }

func (c *control) setWebhook(r *call) (any, error) {
	var wanted settings.Webhook
	if err := r.read(&wanted); err != nil {
		return nil, err
	}
	if err := c.SetWebhook(wanted.Emulated()); err != nil {
		return nil, badRequest("%v", err)
	}
	return c.getWebhook(r)
}

func (c *control) getSnapshot(r *call) (any, error) {
	r.w.Header().Set("Content-Disposition", `attachment; filename="salebot-emulator.json"`)
	return c.Snapshot(), nil
}

func (c *control) restore(r *call) (any, error) {
	var state engine.Project
	if err := r.readAtMost(&state, largestSnapshot); err != nil {
		return nil, err
	}
	err := state.Validate()
	if err == nil {
		err = c.Restore(state)
	}
	if err != nil {
		return nil, err
	}
	return c.getStatus(r)
}

func (c *control) saveState(r *call) (any, error) {
	if c.save == nil {
		return nil, problem{http.StatusConflict, "there is no state file; start the emulator with --state"}
	}
	if err := c.save(); err != nil {
		return nil, problem{http.StatusInternalServerError, err.Error()}
	}
	return c.getStatus(r)
}

func (c *control) reset(r *call) (any, error) {
	if err := c.Reset(); err != nil {
		return nil, err
	}
	return c.getStatus(r)
}
