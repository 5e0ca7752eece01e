package webhook

import "time"

// The defaults of a Handler. Each can be changed by the option that is named with
// it.
const (
	// DefaultBodyLimit bounds the body of a request, in bytes (WithBodyLimit).
	DefaultBodyLimit = 1 << 20
	// DefaultDepthLimit bounds the nesting of a body (WithDepthLimit).
	DefaultDepthLimit = 64
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

// The bounds of a memory inbox. Each can be changed by a field of MemoryOptions.
const (
	// DefaultMemoryEvents is the number of events that a memory inbox keeps.
	DefaultMemoryEvents = 10_000
	// DefaultMemoryBytes is the size of the bodies that a memory inbox keeps.
	DefaultMemoryBytes = 64 << 20
	// DefaultMemoryDeadLetters is the number of dead letters that a memory inbox
	// keeps.
	DefaultMemoryDeadLetters = 1000
	// DefaultMemorySeen is the number of messages that a memory inbox remembers in
	// order to recognize them when they come again.
	DefaultMemorySeen = 100_000
	// DefaultDuplicateWindow is how long an inbox of this package remembers them.
	DefaultDuplicateWindow = 24 * time.Hour
)
