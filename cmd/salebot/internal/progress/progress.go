// Package progress tells how far a long command is: by a bar on a terminal, and by a
// plain line now and then elsewhere, such as in the log of a job.
package progress

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// Interval is the time between two plain lines.
const Interval = 10 * time.Second

// Meter counts what is done.
type Meter struct {
	mu       sync.Mutex
	to       io.Writer
	what     string
	total    int
	done     int
	began    time.Time
	reported time.Time
	bar      *progressbar.ProgressBar
}

// Options say how a Meter shows what it counts.
type Options struct {
	// Terminal says that a bar can be drawn.
	Terminal bool
	// Color lets the bar be colored.
	Color bool
	// Quiet shows nothing.
	Quiet bool
}

// New returns a meter for a total, which is negative if it is not known. what names
// the things that are counted, such as "clients".
func New(to io.Writer, what string, total int, options Options) *Meter {
	m := &Meter{to: to, what: what, total: total, began: time.Now()}
	m.reported = m.began
	if options.Quiet {
		m.to = io.Discard
	}
	if options.Terminal && !options.Quiet {
		m.bar = progressbar.NewOptions(total,
			progressbar.OptionSetWriter(to), progressbar.OptionSetDescription(what),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString(what),
			progressbar.OptionSetPredictTime(total > 0), progressbar.OptionSetWidth(15),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionEnableColorCodes(options.Color),
			progressbar.OptionClearOnFinish(), progressbar.OptionSpinnerType(14),
		)
	}
	return m
}

// Add counts n more.
func (m *Meter) Add(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done += n
	if m.bar != nil {
		_ = m.bar.Add(n) // what cannot be drawn is not worth an end
		return
	}
	if now := time.Now(); now.Sub(m.reported) >= Interval {
		m.reported = now
		_, _ = fmt.Fprintln(m.to, m.line(now))
	}
}

// line tells the rate and, if the total is known, the time that is left.
func (m *Meter) line(now time.Time) string {
	rate := float64(m.done) / max(now.Sub(m.began).Seconds(), 1e-9)
	if m.total <= 0 {
		return fmt.Sprintf("%d %s, %.0f/s", m.done, m.what, rate)
	}
	left := "?"
	if rate > 0 {
		left = (time.Duration(float64(max(0, m.total-m.done))/rate) * time.Second).String()
	}
	return fmt.Sprintf("%d of %d %s, %.0f/s, %s left", m.done, m.total, m.what, rate, left)
}

// Close takes the bar away.
func (m *Meter) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.bar != nil {
		_ = m.bar.Finish()
	}
}
