package sqliteinbox

import (
	"errors"
	"log/slog"
	"time"
)

// The bounds of an inbox. Each can be changed by the field of Options that is named
// with it.
const (
	// DefaultDuplicateWindow is how long an accepted message is remembered
	// (Options.DuplicateWindow).
	DefaultDuplicateWindow = 7 * 24 * time.Hour
	// DefaultMaxPending is the number of events that may wait to be handled
	// (Options.MaxPending).
	DefaultMaxPending = 100_000
	// DefaultMaxFileBytes bounds the database file (Options.MaxFileBytes).
	DefaultMaxFileBytes = 8 << 30
)

// Options are the properties of an inbox. A zero field means its default.
type Options struct {
	// DuplicateWindow is how long an accepted message is remembered in order to
	// recognize it when it comes again (DefaultDuplicateWindow). It is forgotten
	// some time later.
	DuplicateWindow time.Duration
	// MaxPending is the number of events that may wait to be handled
	// (DefaultMaxPending); a Put beyond it fails with webhook.ErrFull. About 250
	// bytes of memory are used for each.
	MaxPending int
	// MaxFileBytes bounds what new events may take in the database file, its log not
	// counted (DefaultMaxFileBytes). A Put beyond it fails with webhook.ErrFull. An
	// eighth and a megabyte more are kept for what else has to be written, so that a
	// full inbox can be worked off.
	MaxFileBytes int64
	// WaitForLock is how long Open waits for a file that another process has open,
	// for example one that is about to be replaced by this one. By default Open
	// fails with ErrInUse at once.
	WaitForLock time.Duration
	// FlushSettled also flushes the log when an event is committed, released or made
	// a dead letter. Without it that is flushed together with the next event, or a
	// second later, which costs half as many flushes: the loss of power (not the
	// death of the process) may then bring back events that were committed in that
	// second.
	FlushSettled bool
	// RefuseDamaged lets Open fail with ErrDamaged where the file is damaged, in
	// place of setting the file aside and going on with what can be read of it.
	RefuseDamaged bool
	// Logger is told what was found damaged, and when the inbox breaks. By default
	// nothing is logged.
	Logger *slog.Logger
}

func (o *Options) complete() error {
	if o.DuplicateWindow < 0 || o.MaxPending < 0 || o.MaxFileBytes < 0 || o.WaitForLock < 0 {
		return errors.New("sqliteinbox: no option may be negative")
	}
	if o.DuplicateWindow == 0 {
		o.DuplicateWindow = DefaultDuplicateWindow
	}
	if o.MaxPending == 0 {
		o.MaxPending = DefaultMaxPending
	}
	if o.MaxFileBytes == 0 {
		o.MaxFileBytes = DefaultMaxFileBytes
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}
