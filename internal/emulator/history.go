package emulator

import (
	"slices"
	"time"
)

// largestHistory is how many messages get_history returns at most.
const largestHistory = 2000

const dateLayout = "02.01.2006"

func getHistory(c *call) reply {
	limit, err := c.parameters.Number("limit", largestHistory)
	if err != nil || limit < 1 {
		return c.project.invalid("limit must be a positive number")
	}
	from, to, problem := c.period()
	if problem != "" {
		return c.project.invalid(problem)
	}
	target, refused := c.client(c.project.noClientToRead)
	if target == nil {
		return refused
	}
	limit = c.capped(limit, largestHistory)
	text := []byte{'['}
	answered, listed := false, int64(0)
	for i := len(target.history) - 1; i >= 0 && listed < limit; i-- {
		m := &target.history[i]
		if !m.fromClient {
			answered = true
		}
		if m.at < from || m.at >= to || c.hides(m) {
			continue
		}
		if listed > 0 {
			text = append(text, ',')
		}
		listed++
		text = append(text, c.project.historyItem(m, answered || !m.fromClient)...)
	}
	o := c.project.success()
	o.Raw("result", append(text, ']'))
	return inJSON(o.Bytes())
}

// hides reports whether the history does not show a message or a callback of the
// API, or not yet.
func (c *call) hides(m *message) bool {
	answers := c.project.answers
	if !m.ofAPI() {
		return false
	}
	return answers.HideSendsInHistory || m.at+time.Duration(answers.HistoryDelay).Microseconds() > c.at
}

// period reads the days that a request is about. The last one is included, which
// is a guess.
func (c *call) period() (from, to int64, problem string) {
	start, stop := c.parameters.Text("start_date"), c.parameters.Text("stop_date")
	if start == "" && stop == "" {
		return 0, 1<<63 - 1, ""
	}
	if start == "" || stop == "" {
		return 0, 0, "start_date and stop_date go together"
	}
	first, err := time.ParseInLocation(dateLayout, start, c.project.location)
	if err != nil {
		return 0, 0, "start_date must be written as dd.mm.yyyy"
	}
	last, err := time.ParseInLocation(dateLayout, stop, c.project.location)
	if err != nil {
		return 0, 0, "stop_date must be written as dd.mm.yyyy"
	}
	return micro(first), micro(last.AddDate(0, 0, 1)), ""
}

func (p *project) historyItem(m *message, answered bool) []byte {
	more := m.more
	if more == nil {
		more = &details{}
	}
	o := object{in: p}
	o.id("id", m.id)
	o.Bool("answered", answered)
	o.Bool("client_replica", m.fromClient)
	o.idOrNull("message_id", m.block)
	o.Int("message_from_outside", int64(m.origin))
	o.historyTime("created_at", m.at)
	o.Text("text", m.text)
	switch {
	case len(more.attachments) > 0:
		o.Raw("attachments", appendAttachments(nil, more.attachments))
	case p.answers.NoAttachments == NoAttachmentsNull:
		o.null("attachments")
	case p.answers.NoAttachments == NoAttachmentsList:
		o.Raw("attachments", []byte("[]"))
	default:
		o.Raw("attachments", []byte("{}"))
	}
	o.Bool("delivered", more.failure == "")
	o.textOrNull("error_message", more.failure)
	if more.employee != nil {
		o.id("manager_id", int64(more.employee.ID))
		o.Text("manager_email", more.employee.Email)
	} else {
		o.null("manager_id")
		o.null("manager_email")
	}
	return o.Bytes()
}

func clearHistory(c *call) reply {
	target, refused := c.client(c.project.noClientToSendTo)
	if target == nil {
		return refused
	}
	target.history = slices.Delete(target.history, 0, len(target.history))
	c.project.seen(target)
	c.project.changed.about(wordCleared, target.id)
	return c.project.acknowledged()
}
