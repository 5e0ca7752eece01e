package emulator

import (
	"encoding/json"
	"iter"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/salebot-go/salebot/internal/wire"
)

// The state as records, so that a file can follow it: each is a JSON array whose
// first element says what it is. replay.go reads them.

// Journal keeps the state of an emulator outside of it. Its methods are called
// while the emulator is locked, before a change is answered; so they must be quick
// and must not call the emulator. A record is only valid during the call.
type Journal interface {
	// Change takes one change.
	Change(record []byte)
	// Replace takes the whole state, which replaces all that was kept.
	Replace(state iter.Seq[[]byte])
}

// SetJournal has every change of the state told to a journal from now on, and the
// present state at once.
func (e *Emulator) SetJournal(journal Journal) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.journal = journal
	e.tellAll()
}

// follow lets a journal follow that has the present state already. The emulator is
// locked.
func (e *Emulator) follow(journal Journal) {
	e.journal = journal
	e.project.changed = &changeRecord{next: e.project.next, clock: e.clock.offset.Load()}
}

// Records are the whole state. The emulator goes on while they are read: what
// changes is in the records, or the journal is told of it, or both. To read the
// changes after them does no harm.
func (e *Emulator) Records() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		var roll []*client
		var record []byte
		e.read(func(p *project) {
			roll = slices.Clone(p.roll)
			record = p.appendProject(record, e.clock.offset.Load())
		})
		if !yield(record) {
			return
		}
		for _, c := range roll {
			record = record[:0]
			e.read(func(p *project) {
				if p.clients[c.id] == c {
					record = p.appendWholeClient(record, c)
				}
			})
			if len(record) > 0 && !yield(record) {
				return
			}
		}
		record = record[:0]
		e.read(func(p *project) { record = p.appendRest(record) })
		yield(record)
	}
}

// records are the whole state. The emulator is locked.
func (p *project) records(clockOffset int64) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		record := p.appendProject(nil, clockOffset)
		if !yield(record) {
			return
		}
		for _, c := range p.roll {
			if record = p.appendWholeClient(record[:0], c); !yield(record) {
				return
			}
		}
		yield(p.appendRest(record[:0]))
	}
}

// The words with which records begin.
const (
	wordChange  = "change"  // further records that belong together
	wordProject = "project" // what is neither a client nor of one
	wordClient  = "client"  // a client and its deals, new or changed
	wordHistory = "history" // a client and its whole conversation
	wordSaid    = "said"    // a client and one more message
	wordCleared = "cleared" // a client without its conversation
	wordGone    = "gone"    // clients that are no longer there
	wordList    = "list"    // a list and all its members
	wordJoined  = "joined"  // a list and new members
	wordLeft    = "left"    // a list and former members
	wordWaiting = "waiting" // a send that waits for its time
	wordSent    = "sent"    // one that does not wait any more
	wordNext    = "next"    // the numbers to give next
	wordClock   = "clock"   // how far the clock was put forward
)

func begin(record []byte, word string) []byte {
	if len(record) > 0 {
		record = append(record, ',')
	}
	record = append(record, '[', '"')
	record = append(record, word...)
	return append(record, '"')
}

func appendNumbers(record []byte, numbers ...int64) []byte {
	for _, n := range numbers {
		record = strconv.AppendInt(append(record, ','), n, 10)
	}
	return record
}

// appendValue adds a value that can always be written.
func appendValue(record []byte, value any) []byte {
	text, err := wire.Marshal(value)
	if err != nil {
		panic("emulator: a record: " + err.Error())
	}
	return append(append(record, ','), text...)
}

// appendProject writes everything but the clients and what is theirs.
func (p *project) appendProject(record []byte, clockOffset int64) []byte {
	state := p.exportFrame()
	state.ClockOffset = Duration(clockOffset)
	record = appendValue(begin(begin(record, wordChange), wordProject), state)
	return append(p.appendNext(append(record, ']')), ']')
}

func (p *project) appendNext(record []byte) []byte {
	n := p.next
	return append(appendNumbers(begin(record, wordNext), n.client, n.message, n.order, n.scheduled), ']')
}

// appendRest writes what is about several clients. It stands after them.
func (p *project) appendRest(record []byte) []byte {
	record = begin(record, wordChange)
	for _, id := range slices.Sorted(maps.Keys(p.lists)) {
		record = appendNumbers(begin(record, wordList), id)
		for _, c := range p.lists[id].members {
			record = appendNumbers(record, c.id)
		}
		record = append(record, ']')
	}
	for _, s := range p.exportSchedule() {
		record = append(appendValue(begin(record, wordWaiting), s), ']')
	}
	return append(record, ']')
}

// clientRecord is a client as it is recorded: without conversation and lists, and
// with its deals.
type clientRecord struct {
	Person
	// Variables are those of Person as they are kept.
	Variables map[string]json.RawMessage `json:"variables,omitempty"`
	Deals     []orderRecord              `json:"deals,omitempty"`
}

type orderRecord struct {
	Order
	// Variables are those of Order as they are kept.
	Variables variables `json:"variables,omitempty"`
}

func (p *project) appendClient(record []byte, c *client) []byte {
	one := clientRecord{Person: c.exportPerson()}
	if n := len(c.variables) + len(c.loose); n > 0 {
		one.Variables = make(map[string]json.RawMessage, n)
		for name, value := range c.variables {
			one.Variables[ownPrefix+name] = value
		}
		maps.Copy(one.Variables, c.loose)
	}
	for _, o := range c.orders {
		exported := o.export()
		exported.Variables = nil
		one.Deals = append(one.Deals, orderRecord{Order: exported, Variables: o.variables})
	}
	return append(appendValue(begin(record, wordClient), one), ']')
}

// appendWholeClient writes a client and its conversation as one change.
func (p *project) appendWholeClient(record []byte, c *client) []byte {
	record = p.appendClient(begin(record, wordChange), c)
	if len(c.history) > 0 {
		record = appendNumbers(begin(record, wordHistory), c.id)
		for i := range c.history {
			record = c.history[i].append(append(record, ','))
		}
		record = append(record, ']')
	}
	return append(record, ']')
}

// detailsRecord are details as they are recorded.
type detailsRecord struct {
	Hint        string            `json:"hint,omitempty"`
	Buttons     []Button          `json:"buttons,omitempty"`
	Attachments []Attachment      `json:"attachments,omitempty"`
	Failure     string            `json:"error,omitempty"`
	Employee    *Employee         `json:"employee,omitempty"`
	Variables   map[string]string `json:"variables,omitempty"`
}

// The directions of a recorded message.
const (
	directionIn  = "in"
	directionOut = "out"
)

// append writes a message: its number, its time in microseconds, its direction and
// its text; then, if it has more than that, its block, its origin and its details.
func (m *message) append(record []byte) []byte {
	direction := directionOut
	if m.fromClient {
		direction = directionIn
	}
	record = strconv.AppendInt(append(record, '['), m.id, 10)
	record = appendNumbers(record, m.at)
	record = append(append(append(record, ',', '"'), direction...), '"', ',')
	record = wire.AppendText(record, m.text)
	if m.block != 0 || m.origin != 0 || m.more != nil {
		record = appendNumbers(record, m.block, int64(m.origin))
	}
	if more := m.more; more != nil {
		record = appendValue(record, detailsRecord{
			Hint: more.hint, Buttons: more.buttons, Attachments: more.attachments, Failure: more.failure,
			Employee: more.employee, Variables: more.variables,
		})
	}
	return append(record, ']')
}

// changeRecord collects what one change alters. The nil one collects nothing.
type changeRecord struct {
	// events are records in the order of what happened; clients are who changed, and
	// are written before them as they are in the end.
	events  []byte
	clients []*client
	touched map[*client]bool
	// next and clock are what was told last.
	next  counters
	clock int64
}

// touch notes that a client or a deal of it has changed, apart from what its
// messages change.
func (r *changeRecord) touch(c *client) {
	if r == nil || r.touched[c] {
		return
	}
	if r.touched == nil {
		r.touched = map[*client]bool{}
	}
	r.touched[c] = true
	r.clients = append(r.clients, c)
}

func (r *changeRecord) said(c *client, m *message) {
	if r != nil {
		r.events = append(m.append(append(appendNumbers(begin(r.events, wordSaid), c.id), ',')), ']')
	}
}

// about notes an event that a word and numbers describe.
func (r *changeRecord) about(word string, numbers ...int64) {
	if r != nil {
		r.events = append(appendNumbers(begin(r.events, word), numbers...), ']')
	}
}

func (r *changeRecord) waits(s *send) {
	if r != nil {
		r.events = append(appendValue(begin(r.events, wordWaiting), s.export()), ']')
	}
}

// tell tells the journal of what has changed. The emulator is locked.
func (e *Emulator) tell() {
	p, offset := e.project, e.clock.offset.Load()
	r := p.changed
	if r == nil || len(r.events) == 0 && len(r.clients) == 0 && r.next == p.next && r.clock == offset {
		return
	}
	record := begin(nil, wordChange)
	if r.next != p.next {
		record = p.appendNext(record)
	}
	if r.clock != offset {
		record = append(appendNumbers(begin(record, wordClock), offset/int64(time.Microsecond)), ']')
	}
	for _, c := range r.clients {
		if p.clients[c.id] == c {
			record = p.appendClient(record, c)
		}
	}
	if len(r.events) > 0 {
		record = append(append(record, ','), r.events...)
	}
	e.journal.Change(append(record, ']'))
	events := r.events[:0]
	if cap(events) > mostKeptEvents {
		events = nil
	}
	clear(r.touched)
	clear(r.clients)
	*r = changeRecord{events: events, clients: r.clients[:0], touched: r.touched, next: p.next, clock: offset}
}

// mostKeptEvents bounds the room that is kept for the next change.
const mostKeptEvents = 1 << 20

// tellAll tells the journal of another state. The emulator is locked.
func (e *Emulator) tellAll() {
	if e.journal == nil {
		return
	}
	e.journal.Replace(e.project.records(e.clock.offset.Load()))
	e.follow(e.journal)
}
