package emulator

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	engine "github.com/salebot-go/salebot/internal/emulator"
)

// WriteRequests writes a line for each request to the API, until ctx ends: when, what
// was answered, how long it took, whom it was about and what it said. Keys are masked.
func WriteRequests(ctx context.Context, out io.Writer, emulated *engine.Emulator, keys []string) {
	c := &control{Emulator: emulated, mask: newMask(keys)}
	last := emulated.Progress().Requests
	for {
		changed := emulated.Changed()
		// After a reset the numbers begin again.
		now := emulated.Progress().Requests
		if now < last {
			last = 0
		}
		fresh := emulated.RequestsBefore(now+1, int(min(now-last, engine.DefaultMaxLogEntries)))
		if missed := now - last - int64(len(fresh)); missed > 0 {
			_, _ = fmt.Fprintf(out, "… %d more requests\n", missed)
		}
		for i := len(fresh) - 1; i >= 0; i-- {
			_, _ = io.WriteString(out, c.line(&fresh[i]))
		}
		last = now
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

func (c *control) line(r *engine.Request) string {
	shape := c.shapeOfRequest(*r)
	status := "cut"
	if shape.Status != 0 {
		status = strconv.Itoa(shape.Status)
	}
	action := shape.Action
	if action == "" {
		action = "(wrong address)"
	}
	var line strings.Builder
	fmt.Fprintf(&line, "%s %s %-4s %s %s", r.Time.In(c.Location()).Format(time.TimeOnly), status, shape.Method, action, r.Took.Round(time.Millisecond/10))
	if shape.Client != "" {
		line.WriteString(" " + printable(shape.Client))
	}
	if shape.About != "" {
		line.WriteString(": " + printable(shape.About))
	}
	if shape.Fault != "" {
		line.WriteString(" [made to go wrong: " + shape.Fault + "]")
	}
	line.WriteString("\n")
	for _, note := range shape.Notes {
		line.WriteString("         " + printable(note) + "\n")
	}
	return line.String()
}

// printable is a text without what a terminal takes for a command.
func printable(text string) string {
	quoted := strconv.Quote(text)
	return quoted[1 : len(quoted)-1]
}
