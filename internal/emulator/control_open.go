package emulator

import (
	"time"

	"github.com/salebot-go/salebot"
)

// Progress says how far an emulator has come. Two that are equal do not mean that
// nothing happened in between.
type Progress struct {
	// Clients is the number of clients.
	Clients int
	// NextMessage is the number that the next message gets.
	NextMessage salebot.MessageID
	// Scheduled is the number of sends that wait for their time.
	Scheduled int
	// Requests is the number of requests since the start or the last Reset.
	Requests int64
	// Deliveries is the same for deliveries to the webhook, and Waiting how many
	// of those that are remembered are not made yet.
	Deliveries int64
	Waiting    int
	// Failed is the number of deliveries that no receiver took.
	Failed int64
	// Attempts is how often a delivery was tried.
	Attempts int64
	// Faults is the number of faults that are still to come.
	Faults int
}

// Progress returns how far the emulator has come.
func (e *Emulator) Progress() Progress {
	var now Progress
	e.read(func(p *project) {
		now.Clients, now.NextMessage, now.Scheduled = len(p.roll), salebot.MessageID(p.next.message), len(p.schedule)
	})
	e.log.mu.Lock()
	now.Requests = e.log.ring.total
	e.log.mu.Unlock()
	e.webhook.mu.Lock()
	now.Deliveries, now.Failed, now.Attempts = e.webhook.log.total, e.webhook.failed, e.webhook.attempts
	for _, d := range e.webhook.log.kept {
		if d.Pending {
			now.Waiting++
		}
	}
	e.webhook.mu.Unlock()
	now.Faults = e.faults.Len()
	return now
}

// Webhook returns where the project's webhook is.
func (e *Emulator) Webhook() Webhook {
	e.webhook.mu.Lock()
	defer e.webhook.mu.Unlock()
	return e.webhook.webhook.clone()
}

// Location returns the time zone of the project.
func (e *Emulator) Location() *time.Location {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.project.location
}

// MaxMessages returns how many messages of each conversation are kept; 0 means all.
func (e *Emulator) MaxMessages() int {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.project.maxMessages
}

// ProjectID returns the number of the project.
func (e *Emulator) ProjectID() salebot.ProjectID {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return salebot.ProjectID(e.project.id)
}
