package emulator

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"time"

	engine "github.com/salebot-go/salebot/internal/emulator"
)

const (
	// feedPace is the least time between two events. What happens in between is
	// in the next one: an event describes a state and not a step, so that nothing
	// is lost when one is missed.
	feedPace = 100 * time.Millisecond
	// feedPulse is the time after which an idle connection is shown to be alive.
	feedPulse = 15 * time.Second
	// mostListeners bounds the open event streams.
	mostListeners = 64
	// writeTime bounds the writing of one event.
	writeTime = 10 * time.Second
)

// feed tells listeners that something happened.
type feed struct {
	mu        sync.Mutex
	current   []byte
	changed   chan struct{}
	revision  int64
	listeners int
	ended     bool
	// describe describes the present state.
	describe func(revision int64) Status
	// clients is the revision of the clients up to which listeners were told.
	clients int64
	// poked asks for an event where the emulator does not tell of a change.
	poked chan struct{}
}

func newFeed() *feed { return &feed{changed: make(chan struct{}), poked: make(chan struct{}, 1)} }

// poke asks for an event.
func (f *feed) poke() {
	select {
	case f.poked <- struct{}{}:
	default:
	}
}

// follow makes an event of each change, but not too many of them.
func (f *feed) follow(ctx context.Context, emulator *engine.Emulator) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	defer f.end()
	for {
		changed := emulator.Changed()
		f.mu.Lock()
		f.revision++
		revision := f.revision
		f.mu.Unlock()
		text, err := json.Marshal(f.event(revision, emulator))
		if err == nil {
			f.publish(text)
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			return
		}
		select {
		case <-changed:
		case <-f.poked:
		case <-ctx.Done():
			return
		}
		pause.Reset(feedPace)
	}
}

// event is what listeners are told: the state, and which clients have changed.
type event struct {
	Status
	// Since and Until are revisions of the clients; Changed are those that changed in
	// between, and All says that it may be any of them. Whoever knows another
	// revision than Since has missed an event.
	Since   int64    `json:"clients_since"`
	Until   int64    `json:"clients_until"`
	Changed []string `json:"clients_changed"`
	All     bool     `json:"clients_all"`
}

// mostNamed bounds the clients that an event names.
const mostNamed = 200

func (f *feed) event(revision int64, emulator *engine.Emulator) event {
	ids, until, all := emulator.ChangedClients(f.clients, mostNamed)
	e := event{Status: f.describe(revision), Since: f.clients, Until: until, All: all, Changed: []string{}}
	for _, id := range ids {
		e.Changed = append(e.Changed, strconv.FormatInt(int64(id), 10))
	}
	f.clients = until
	return e
}

// fresh returns an event with the time of now. Whoever begins to listen sets a clock
// by it, and the latest change may be long ago; so it may be about any client.
func (f *feed) fresh(text []byte) []byte {
	var last event
	if json.Unmarshal(text, &last) != nil {
		return text
	}
	now, err := json.Marshal(event{
		Status: f.describe(last.Revision), Since: last.Until, Until: last.Until, Changed: []string{}, All: true,
	})
	if err != nil {
		return text
	}
	return now
}

func (f *feed) publish(text []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.current = text
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *feed) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
	close(f.changed)
}

// next returns the present event and a channel that is closed when there is
// another one.
func (f *feed) next() (text []byte, changed <-chan struct{}, ended bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.current, f.changed, f.ended
}

func (f *feed) enter(by int) (ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.listeners += by
	if f.listeners > mostListeners {
		f.listeners -= by
		return false
	}
	return true
}

// ServeHTTP sends events until the listener leaves.
func (f *feed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !f.enter(1) {
		refuse(w, http.StatusServiceUnavailable, "too many event streams are open")
		return
	}
	defer f.enter(-1)
	out := http.NewResponseController(w)
	// The stream stays open for longer than the server allows for a request.
	_ = out.SetReadDeadline(time.Time{})
	header := w.Header()
	header.Set("Content-Type", "text/event-stream; charset=utf-8")
	header.Set("X-Accel-Buffering", "no")
	send := func(text string) bool {
		_ = out.SetWriteDeadline(time.Now().Add(writeTime))
		_, err := w.Write([]byte(text))
		return err == nil && out.Flush() == nil
	}
	if !send("retry: 1000\n\n") {
		return
	}
	pulse := time.NewTicker(feedPulse)
	defer pulse.Stop()
	last := ""
	for {
		text, changed, ended := f.next()
		if ended {
			return
		}
		if now := string(text); now != "" && now != last {
			if last == "" {
				text = f.fresh(text)
			}
			if !send("event: state\ndata: " + string(text) + "\n\n") {
				return
			}
			last = now
		}
		select {
		case <-changed:
		case <-pulse.C:
			if !send(": alive\n\n") {
				return
			}
		case <-r.Context().Done():
			return
		}
	}
}
