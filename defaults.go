package salebot

import (
	"time"
)

// The defaults of a client. Each can be changed by the option that is named
// with it.
const (
	// DefaultBaseURL is the address of the API (WithBaseURL).
	DefaultBaseURL = "https://chatter.salebot.pro/api"
	// InternationalBaseURL is the address of the API's international edition.
	InternationalBaseURL = "https://chatter.salebot.ai/api"
	// DefaultTimeout bounds a call with all its attempts and waits where the
	// context has no deadline (WithTimeout).
	DefaultTimeout = 2 * time.Minute
	// DefaultAttemptTimeout bounds one attempt (WithAttemptTimeout).
	DefaultAttemptTimeout = 30 * time.Second
	// DefaultMaxAttempts bounds the attempts of a call (WithRetryPolicy).
	DefaultMaxAttempts = 4
	// DefaultBaseDelay bounds the random wait before the second attempt; the
	// bound doubles before each further one (WithRetryPolicy).
	DefaultBaseDelay = 500 * time.Millisecond
	// DefaultMaxDelay bounds the random wait before any attempt
	// (WithRetryPolicy).
	DefaultMaxDelay = 10 * time.Second
	// DefaultMaxRetryAfter is the longest Retry-After that is waited for; a call
	// that is asked to wait longer fails at once (WithRetryPolicy).
	DefaultMaxRetryAfter = time.Minute
	// DefaultMaxHold bounds the time for which one answer of 429 holds the calls of a
	// client back, whatever wait it asks for (WithRetryPolicy).
	DefaultMaxHold = time.Minute
	// DefaultRetryBudget is the number of retries that the calls of a client may
	// take together before calls that succeed at once have to earn new ones, ten
	// for a retry (WithRetryBudget).
	DefaultRetryBudget = 100
	// DefaultMaxResponseSize bounds the body of an answer, in bytes
	// (WithMaxResponseSize).
	DefaultMaxResponseSize = 32 << 20
	// DefaultIdleConnections is the number of connections that a client keeps
	// open for the next calls, where it was not given a transport of its own
	// (WithTransport, WithHTTPClient).
	DefaultIdleConnections = 128
	// DefaultIdleTimeout is how long such a connection is kept. It is shorter than
	// what servers usually allow, because a POST that meets a connection which the
	// server is just closing has an unknown outcome.
	DefaultIdleTimeout = time.Minute
	// DefaultUserAgent is sent with each request (WithUserAgent).
	DefaultUserAgent = "salebot-go/" + Version
)

// Version is the version of this package.
const Version = "0.1.0"
