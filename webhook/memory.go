package webhook

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/webhook/schedule"
)

// MemoryOption sets a property of a MemoryInbox. NewMemoryInbox checks the options. If
// one is given twice, the later one counts. A nil option is ignored.
type MemoryOption func(*memoryConfig) error

type memoryConfig struct {
	maxEvents, maxBytes, maxDeadLetters, maxSeen int
	duplicateWindow                              time.Duration
}

// WithMaxEvents sets how many events are kept, without those that were handled and the
// dead letters. A Put beyond that fails with ErrFull. The default is DefaultMaxEvents.
func WithMaxEvents(events int) MemoryOption {
	return positiveNumber("WithMaxEvents", events, func(c *memoryConfig) *int { return &c.maxEvents })
}

// WithMaxBytes sets how large the bodies of the events may be together, in bytes. A Put
// beyond that fails with ErrFull. The bodies of dead letters may take as much again. The
// default is DefaultMaxBytes.
func WithMaxBytes(bytes int) MemoryOption {
	return positiveNumber("WithMaxBytes", bytes, func(c *memoryConfig) *int { return &c.maxBytes })
}

// WithMaxDeadLetters sets how many dead letters are kept. The oldest one makes room for
// the next. The default is DefaultMaxDeadLetters.
func WithMaxDeadLetters(letters int) MemoryOption {
	return positiveNumber("WithMaxDeadLetters", letters, func(c *memoryConfig) *int { return &c.maxDeadLetters })
}

// WithMaxSeen sets how many messages are remembered in order to recognize them if they
// come again. The oldest one makes room for the next. The default is DefaultMaxSeen.
func WithMaxSeen(messages int) MemoryOption {
	return positiveNumber("WithMaxSeen", messages, func(c *memoryConfig) *int { return &c.maxSeen })
}

// WithDuplicateWindow sets how long messages are remembered. The default is
// DefaultDuplicateWindow.
func WithDuplicateWindow(window time.Duration) MemoryOption {
	return func(c *memoryConfig) error {
		if window <= 0 {
			return badOption("WithDuplicateWindow", "must be positive")
		}
		c.duplicateWindow = window
		return nil
	}
}

func positiveNumber(option string, value int, field func(*memoryConfig) *int) MemoryOption {
	return func(c *memoryConfig) error {
		if value <= 0 {
			return badOption(option, "must be positive")
		}
		*field(c) = value
		return nil
	}
}

// MemoryInbox is an Inbox that lives as long as the process. What it holds is lost when
// the process ends, in whatever way, although it was acknowledged. Use it for tests,
// and if Handler.Shutdown is always reached or a lost message does no harm. The module
// github.com/salebot-go/salebot/sqlite has one that survives. Make it with
// NewMemoryInbox.
type MemoryInbox struct {
	config   memoryConfig
	schedule *schedule.Schedule

	mu       sync.Mutex
	closed   bool
	sequence int64
	bytes    int
	entries  map[int64]Entry
	seen     map[seenKey]struct{}
	// seenOrder has the remembered messages, the oldest first.
	seenOrder []seenAt
	dead      map[string][]DeadLetter
	// deadCount and deadBytes are the number of dead letters and the size of their
	// bodies.
	deadCount, deadBytes int
}

type seenKey struct {
	endpoint string
	message  salebot.MessageID
	failed   bool
}

type seenAt struct {
	key seenKey
	at  time.Time
}

// NewMemoryInbox returns an empty inbox. It fails with a salebot.OptionError if an option
// is not valid.
func NewMemoryInbox(opts ...MemoryOption) (*MemoryInbox, error) {
	c := memoryConfig{
		maxEvents: DefaultMaxEvents, maxBytes: DefaultMaxBytes, maxDeadLetters: DefaultMaxDeadLetters, maxSeen: DefaultMaxSeen,
		duplicateWindow: DefaultDuplicateWindow,
	}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(&c); err != nil {
			return nil, err
		}
	}
	return &MemoryInbox{
		config:   c,
		schedule: schedule.New(),
		entries:  map[int64]Entry{},
		seen:     map[seenKey]struct{}{},
		dead:     map[string][]DeadLetter{},
	}, nil
}

// Put implements Inbox.
func (m *MemoryInbox) Put(ctx context.Context, entry Entry) (Receipt, error) {
	if err := ctx.Err(); err != nil {
		return Receipt{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return Receipt{}, ErrClosed
	}
	m.forgetSeen(time.Now())
	key := seenKey{entry.Endpoint, entry.MessageID, entry.Failed}
	if _, seen := m.seen[key]; seen {
		return Receipt{Duplicate: true}, nil
	}
	if len(m.entries) >= m.config.maxEvents || m.bytes+len(entry.Body) > m.config.maxBytes {
		return Receipt{}, ErrFull
	}
	if entry.MessageID != 0 {
		if len(m.seen) >= m.config.maxSeen {
			m.dropSeen()
		}
		m.seen[key] = struct{}{}
		m.seenOrder = append(m.seenOrder, seenAt{key, time.Now()})
	}
	m.sequence++
	m.entries[m.sequence] = entry
	m.bytes += len(entry.Body)
	m.schedule.Add(schedule.Entry{Endpoint: entry.Endpoint, Lane: int64(entry.ClientID), Sequence: m.sequence})
	return Receipt{Sequence: m.sequence}, nil
}

// forgetSeen drops the messages that were remembered long enough.
func (m *MemoryInbox) forgetSeen(now time.Time) {
	for len(m.seenOrder) > 0 && now.Sub(m.seenOrder[0].at) >= m.config.duplicateWindow {
		m.dropSeen()
	}
}

func (m *MemoryInbox) dropSeen() {
	delete(m.seen, m.seenOrder[0].key)
	m.seenOrder = m.seenOrder[1:]
}

// Lease implements Inbox.
func (m *MemoryInbox) Lease(ctx context.Context, request LeaseRequest) ([]Delivery, error) {
	leases, err := m.schedule.Take(ctx, request.Endpoint, max(request.Max, 1), request.Duration)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, ErrClosed
	}
	deliveries := make([]Delivery, len(leases))
	for i, lease := range leases {
		deliveries[i] = Delivery{
			Entry: m.entries[lease.Sequence], Sequence: lease.Sequence, Attempt: lease.Attempt, Lease: lease.Token, Until: lease.Until,
		}
	}
	return deliveries, nil
}

// settle begins the end of a lease.
func (m *MemoryInbox) settle(ctx context.Context, delivery Delivery) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if m.closed {
		return ErrClosed
	}
	return m.schedule.Settle(delivery.Sequence, delivery.Lease)
}

// Commit implements Inbox.
func (m *MemoryInbox) Commit(ctx context.Context, delivery Delivery) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.settle(ctx, delivery); err != nil {
		return err
	}
	m.remove(delivery.Sequence)
	m.schedule.Finish(delivery.Sequence)
	return nil
}

func (m *MemoryInbox) remove(sequence int64) Entry {
	entry := m.entries[sequence]
	m.bytes -= len(entry.Body)
	delete(m.entries, sequence)
	return entry
}

// Release implements Inbox.
func (m *MemoryInbox) Release(ctx context.Context, delivery Delivery, delay time.Duration, _ string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.settle(ctx, delivery); err != nil {
		return err
	}
	m.schedule.Delay(delivery.Sequence, time.Now().Add(delay))
	return nil
}

// Bury implements Inbox.
func (m *MemoryInbox) Bury(ctx context.Context, delivery Delivery, reason string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.settle(ctx, delivery); err != nil {
		return err
	}
	letter := DeadLetter{
		Entry: m.remove(delivery.Sequence), Sequence: delivery.Sequence, Attempts: delivery.Attempt, Reason: reason, BuriedAt: time.Now(),
	}
	for m.deadCount > 0 && (m.deadCount >= m.config.maxDeadLetters || m.deadBytes+len(letter.Body) > m.config.maxBytes) {
		m.dropOldestDeadLetter()
	}
	m.dead[letter.Endpoint] = append(m.dead[letter.Endpoint], letter)
	m.deadCount++
	m.deadBytes += len(letter.Body)
	m.schedule.Finish(delivery.Sequence)
	return nil
}

func (m *MemoryInbox) dropOldestDeadLetter() {
	oldest := ""
	for endpoint, letters := range m.dead {
		if oldest == "" || letters[0].BuriedAt.Before(m.dead[oldest][0].BuriedAt) {
			oldest = endpoint
		}
	}
	m.takeDeadLetters(oldest, []int64{m.dead[oldest][0].Sequence})
}

// takeDeadLetters removes the dead letters with these numbers.
func (m *MemoryInbox) takeDeadLetters(endpoint string, sequences []int64) []DeadLetter {
	var taken, left []DeadLetter
	all := slices.Contains(sequences, AllDeadLetters)
	for _, letter := range m.dead[endpoint] {
		if all || slices.Contains(sequences, letter.Sequence) {
			taken = append(taken, letter)
			m.deadBytes -= len(letter.Body)
		} else {
			left = append(left, letter)
		}
	}
	m.deadCount -= len(taken)
	m.dead[endpoint] = left
	if len(left) == 0 {
		delete(m.dead, endpoint)
	}
	return taken
}

// DeadLetters implements Inbox.
func (m *MemoryInbox) DeadLetters(ctx context.Context, endpoint string) iter.Seq2[DeadLetter, error] {
	return func(yield func(DeadLetter, error) bool) {
		m.mu.Lock()
		closed := m.closed
		letters := slices.SortedFunc(slices.Values(m.dead[endpoint]), func(a, b DeadLetter) int { return cmp.Compare(a.Sequence, b.Sequence) })
		m.mu.Unlock()
		if closed {
			yield(DeadLetter{}, ErrClosed)
			return
		}
		for _, letter := range letters {
			if err := ctx.Err(); err != nil {
				yield(DeadLetter{}, err)
				return
			}
			if !yield(letter, nil) {
				return
			}
		}
	}
}

// Redrive implements Inbox. The bounds of the inbox do not keep it from taking the
// dead letters back.
func (m *MemoryInbox) Redrive(ctx context.Context, endpoint string, sequences ...int64) (int, error) {
	return m.withDeadLetters(ctx, endpoint, sequences, func(letter DeadLetter) {
		m.entries[letter.Sequence] = letter.Entry
		m.bytes += len(letter.Body)
		m.schedule.Add(schedule.Entry{Endpoint: endpoint, Lane: int64(letter.ClientID), Sequence: letter.Sequence})
	})
}

// Discard implements Inbox.
func (m *MemoryInbox) Discard(ctx context.Context, endpoint string, sequences ...int64) (int, error) {
	return m.withDeadLetters(ctx, endpoint, sequences, func(DeadLetter) {})
}

func (m *MemoryInbox) withDeadLetters(ctx context.Context, endpoint string, sequences []int64, do func(DeadLetter)) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return 0, ErrClosed
	}
	taken := m.takeDeadLetters(endpoint, sequences)
	for _, letter := range taken {
		do(letter)
	}
	return len(taken), nil
}

// Counts implements Inbox.
func (m *MemoryInbox) Counts(ctx context.Context, endpoint string) (Counts, error) {
	if err := ctx.Err(); err != nil {
		return Counts{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return Counts{}, ErrClosed
	}
	c := m.schedule.Counts(endpoint)
	return Counts{Waiting: c.Waiting, Delayed: c.Delayed, Leased: c.Leased, Dead: len(m.dead[endpoint]), Oldest: m.entries[c.Oldest].AcceptedAt}, nil
}

// Close implements Inbox. What has not been handled is lost.
func (m *MemoryInbox) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.schedule.Close()
	clear(m.entries)
	return nil
}
