package webhook

import "time"

// The defaults of a Handler. Each can be changed by the option that is named with
// it.
const (
	// DefaultMaxBodySize is the max size of a request's body, in bytes
	// (WithMaxBodySize).
	DefaultMaxBodySize = 1 << 20
	// DefaultMaxDepth is the max nesting of a body (WithMaxDepth).
	DefaultMaxDepth = 64
	// DefaultReadTimeout bounds the time in which a sender has to send the body
	// (WithReadTimeout).
	DefaultReadTimeout = 10 * time.Second
	// DefaultPutTimeout bounds the time in which the inbox has to keep an event
	// (WithPutTimeout).
	DefaultPutTimeout = 10 * time.Second
	// DefaultEndpoint is the name under which an inbox keeps the events of a
	// Handler (WithEndpoint).
	DefaultEndpoint = "default"
	// DefaultWorkers is the number of events that are handled at once
	// (WithWorkers).
	DefaultWorkers = 16
	// DefaultEventTimeout bounds one call of the handler's function
	// (WithEventTimeout).
	DefaultEventTimeout = time.Minute
	// DefaultMaxAttempts bounds the calls with one event before it becomes a dead
	// letter (WithRetryPolicy).
	DefaultMaxAttempts = 25
	// DefaultBaseDelay bounds the random wait before the second attempt; the bound
	// doubles before each further one (WithRetryPolicy).
	DefaultBaseDelay = time.Second
	// DefaultMaxDelay bounds the random wait before any attempt (WithRetryPolicy).
	DefaultMaxDelay = 5 * time.Minute
)

// The defaults of a MemoryInbox. The option in parentheses changes each.
const (
	// DefaultMaxEvents is the max number of events that are kept (WithMaxEvents).
	DefaultMaxEvents = 10_000
	// DefaultMaxBytes is the max size of the bodies that are kept, in bytes
	// (WithMaxBytes).
	DefaultMaxBytes = 64 << 20
	// DefaultMaxDeadLetters is the max number of dead letters that are kept
	// (WithMaxDeadLetters).
	DefaultMaxDeadLetters = 1000
	// DefaultMaxSeen is the max number of messages that are remembered in order to
	// recognize them if they come again (WithMaxSeen).
	DefaultMaxSeen = 100_000
	// DefaultDuplicateWindow is how long they are remembered (WithDuplicateWindow).
	DefaultDuplicateWindow = 24 * time.Hour
)
