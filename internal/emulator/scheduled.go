package emulator

import (
	"cmp"
	"container/heap"
	"errors"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/emulator/request"
)

// Scheduled is a message or a callback that waits for its time.
type Scheduled struct {
	// ID is a number of the emulator's own.
	ID int64 `json:"id"`
	// Due is when it will be sent, in the emulator's time.
	Due time.Time `json:"due"`
	// Action is the action that asked for it.
	Action string `json:"action"`
	// ClientID is the client whom it is for.
	ClientID salebot.ClientID `json:"client_id"`
	// Callback says that it is a callback and not a message.
	Callback bool `json:"callback,omitempty"`
	// ResumeBot says that the callback ends a pause of the bot.
	ResumeBot bool `json:"resume_bot,omitempty"`
	// Text is the text.
	Text string `json:"text,omitempty"`
	// Hint, Buttons, Attachments and BlockID are those of the message; see
	// Message.
	Hint        string          `json:"hint,omitempty"`
	Buttons     []Button        `json:"buttons,omitempty"`
	Attachments []Attachment    `json:"attachments,omitempty"`
	BlockID     salebot.BlockID `json:"block_id,omitempty"`
	// Variables are what came along with a callback. They are saved already.
	Variables map[string]string `json:"variables,omitempty"`
}

// send is something to send to a client.
type send struct {
	id, due   int64
	action    string
	client    int64
	callback  bool
	resume    bool
	content   content
	variables map[string]string
}

// schedule is a heap of what waits: the first to be sent is at its top.
type schedule []*send

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (s *schedule) Len() int { return len(*s) }

func (s *schedule) Less(i, j int) bool {
	a, b := (*s)[i], (*s)[j]
	return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(a.id, b.id)) < 0
}

func (s *schedule) Swap(i, j int) { (*s)[i], (*s)[j] = (*s)[j], (*s)[i] }

func (s *schedule) Push(x any) { *s = append(*s, x.(*send)) }

func (s *schedule) Pop() any {
	last := len(*s) - 1
	popped := (*s)[last]
	(*s)[last] = nil
	*s = (*s)[:last]
	return popped
}

// dispatch sends at once or puts off what is due later.
func (p *project) dispatch(s send, due, now int64) {
	if due <= now {
		p.perform(&s, now)
		return
	}
	s.id, s.due = p.next.scheduled, due
	p.next.scheduled++
	heap.Push(&p.schedule, &s)
	p.changed.waits(&s)
}

// perform sends. The client may be gone by now.
func (p *project) perform(s *send, at int64) {
	c := p.clients[s.client]
	switch {
	case c == nil:
	case s.callback:
		p.call(c, s, at)
	default:
		block := p.blockByID(s.content.block)
		what := s.content
		if block != nil {
			what = p.fillContent(c, what)
		}
		p.deliver(c, what, salebot.HistoryOriginAPI, at)
		if block != nil {
			p.ask(c, block, at)
		}
	}
}

// performDue sends what is due, each at its own time.
func (p *project) performDue(now int64) bool {
	happened := false
	for len(p.schedule) > 0 && p.schedule[0].due <= now {
		s := heap.Pop(&p.schedule).(*send)
		p.changed.about(wordSent, s.id)
		p.perform(s, s.due)
		happened = true
	}
	return happened
}

// Scheduled returns what waits for its time, the next to be sent first.
func (e *Emulator) Scheduled() []Scheduled {
	var waiting []Scheduled
	e.read(func(p *project) { waiting = p.exportSchedule() })
	return waiting
}

func (s *send) export() Scheduled {
	return Scheduled{
		ID: s.id, Due: timeOf(s.due), Action: s.action, ClientID: salebot.ClientID(s.client),
		Callback: s.callback, ResumeBot: s.resume, Text: s.content.text, Hint: s.content.hint,
		Buttons: slices.Clone(s.content.buttons), Attachments: slices.Clone(s.content.attachments), BlockID: salebot.BlockID(s.content.block),
		Variables: maps.Clone(s.variables),
	}
}

func (s *Scheduled) send() *send {
	return &send{
		id: s.ID, due: micro(s.Due), action: s.Action, client: int64(s.ClientID),
		callback: s.Callback, resume: s.ResumeBot, variables: maps.Clone(s.Variables),
		content: content{
			text: s.Text, hint: s.Hint, buttons: slices.Clone(s.Buttons), attachments: slices.Clone(s.Attachments), block: int64(s.BlockID),
		},
	}
}

func (p *project) exportSchedule() []Scheduled {
	waiting := make([]Scheduled, 0, len(p.schedule))
	for _, s := range p.schedule {
		waiting = append(waiting, s.export())
	}
	slices.SortFunc(waiting, func(a, b Scheduled) int {
		return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID))
	})
	return waiting
}

const sendTimeLayout = "2006-01-02 15:04:05"

var errSendTime = errors.New("send_time must be written as YYYY-MM-DD hh:mm:ss")

// due reads when a request wants to be carried out; a time in the past means at
// once. The delay counts more than the moment, as documented.
func (c *call) due() (int64, error) {
	delay, given, err := c.parameters.Seconds("time_shift")
	switch {
	case err != nil:
		return 0, err
	case given:
		if delay < 0 {
			c.note("time_shift is negative, which means at once")
		}
		return c.at + max(0, delay.Microseconds()), nil
	}
	text := c.parameters.Text("send_time")
	if text == "" {
		return c.at, nil
	}
	at, err := time.ParseInLocation(sendTimeLayout, text, c.project.location)
	if err != nil {
		return 0, errSendTime
	}
	// It has whole seconds, so the present one is not in the past.
	if micro(at.Add(time.Second)) <= c.at {
		c.parameters.Notef("send_time %s is in the past, which means at once; it is now %s in the time zone %s of the project",
			request.Shown(text), timeOf(c.at).In(c.project.location).Format(sendTimeLayout), c.project.location)
	}
	return micro(at), nil
}

// runDue carries out what is due and sets the timer for what is not.
func (e *Emulator) runDue() {
	e.mu.Lock()
	happened := e.project.performDue(micro(e.Now()))
	e.tell()
	e.setTimer()
	e.mu.Unlock()
	if happened {
		e.changes.notify()
	}
}

// alarm is the timer for the next send.
type alarm struct {
	timer Timer
	due   int64
	// number tells the timer from earlier ones, which may fire while they are
	// being stopped.
	number int64
}

const never = int64(math.MaxInt64)

// setTimer makes the timer fire when the next send is due. The lock is held.
func (e *Emulator) setTimer() {
	next := never
	if len(e.project.schedule) > 0 && !e.closed {
		next = e.project.schedule[0].due
	}
	if e.alarm.timer == nil && next == never || e.alarm.timer != nil && e.alarm.due == next {
		return
	}
	e.stopTimer()
	if next == never {
		return
	}
	number := e.alarm.number
	e.alarm.due = next
	e.alarm.timer = e.clock.AfterFunc(max(0, time.UnixMicro(next).Sub(e.Now())), func() {
		e.mu.Lock()
		current := e.alarm.number == number
		if current {
			e.alarm.timer = nil
		}
		e.mu.Unlock()
		if current {
			e.runDue()
		}
	})
}

// stopTimer stops the timer. The lock is held.
func (e *Emulator) stopTimer() {
	if e.alarm.timer != nil {
		e.alarm.timer.Stop()
		e.alarm.timer = nil
	}
	e.alarm.number++
}
