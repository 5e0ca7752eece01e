package once

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/salebot-go/salebot/internal/wait"
	"github.com/salebot-go/salebot/ledger"
)

// Guard keeps one request from being executed twice.
type Guard struct {
	keeper *Keeper
	call   Call
	// content is the digest of the request as it is made now.
	content ledger.Digest
	run     *Run
	entry   *entry
	// records are those of the request: one, or one for each item of a batch.
	records []ledger.Record
	// doubts says for each whether the request may have been executed before, so that it
	// stays unknown unless it is accepted now.
	doubts []bool
	// batch says that they are the items of a batch, which were looked at before.
	batch bool
	// unwritten is why an end could not be recorded, and unended says that the end of a
	// batch is not recorded yet.
	unwritten error
	unended   bool
	// begun says that this guard has begun the records, and asked that Enter was called.
	begun, asked bool
	scheduled    bool
	history      History
}

// errAgain says that a record was taken by another call, so that Enter has to look
// again.
var errAgain = errors.New("salebot: the record was taken by another call")

// IsAgain reports whether Begin found the record taken: call Enter again.
func IsAgain(err error) bool { return errors.Is(err, errAgain) }

// Guard returns the guard of a call: with an idempotency key, or inside a piece of
// work. Release must be called when the call is over.
func (k *Keeper) Guard(ctx context.Context, run *Run, call Call, history History) (*Guard, error) {
	binding, err := k.bind(ctx)
	if err != nil {
		return nil, err
	}
	text, unseen, scheduled := call.content()
	g := &Guard{keeper: k, call: call, history: history, scheduled: scheduled}
	content := binding.digest(kindContent, k.Project, call.Action, call.Query, text)
	g.content = content
	aside := call.unseenDigest(binding, unseen)
	if call.Key != "" {
		g.records = []ledger.Record{{Key: binding.digest(kindKey, k.Project, call.Key), Content: content, Step: aside}}
		return g, nil
	}
	if run = run.recorder(); !run.keeper.same(k) {
		return nil, ErrOtherLedger
	}
	var step ledger.Digest
	if call.Step != "" {
		step = call.stepDigest(binding)
	}
	g.run = run
	if g.entry, err = run.claim(ctx, content, step, aside); err != nil {
		return nil, err
	}
	g.records = []ledger.Record{g.entry.record}
	return g, nil
}

// Release ends the guard.
func (g *Guard) Release() {
	if g.entry != nil {
		g.run.release(g.entry, g.records[0])
	}
}

// Identity tells the call from others of its piece of work; nil for a batch.
func (g *Guard) Identity() any {
	switch {
	case g.batch:
		return nil
	case g.entry != nil:
		return g.entry
	}
	return [2]ledger.Digest{g.records[0].Key, g.content}
}

// Decision is what Enter found.
type Decision uint8

const (
	// Leave means that it may have been executed, and that nobody can tell.
	Leave Decision = iota
	// Send means that the request may be sent.
	Send
	// Replay means that it was executed before.
	Replay
)

// Enter decides what to do with the request, and waits while another call or process
// is at it.
func (g *Guard) Enter(ctx context.Context) (Decision, ledger.Answer, error) {
	if g.batch {
		return Send, ledger.Answer{}, nil
	}
	var look poller
	for {
		// What a piece of work read when it began is true as long as it has it.
		fresh := g.entry != nil && !g.asked
		g.asked = true
		if !fresh {
			if err := g.refresh(ctx); err != nil {
				return Leave, ledger.Answer{}, err
			}
		}
		record := &g.records[0]
		switch {
		case record.Version == 0, record.State == ledger.Refused:
			return Send, ledger.Answer{}, nil
		case record.State == ledger.Accepted:
			return Replay, record.Answer, nil
		case record.State == ledger.Unknown:
			return g.settle(ctx)
		}
		alive, err := g.keeper.Ledger.Alive(ctx, record.Holder)
		if err != nil {
			return Leave, ledger.Answer{}, err
		}
		if !alive || g.entry != nil {
			// Who holds the piece of work holds its calls: none of them is under way.
			return g.settle(ctx)
		}
		if err := look.wait(ctx); err != nil {
			return Leave, ledger.Answer{}, and(ErrUnderWay, err)
		}
	}
}

// refresh reads the record again.
func (g *Guard) refresh(ctx context.Context) error {
	mine := &g.records[0]
	found, err := g.keeper.Ledger.Find(ctx, mine.Key)
	if err != nil {
		return err
	}
	for _, record := range found {
		if record.Number != mine.Number {
			continue
		}
		if record.Content != mine.Content || record.Step != mine.Step {
			if g.entry == nil {
				return ErrKeyReused
			}
			// Another process has the piece of work by now.
			return ErrUnderWay
		}
		*mine = record
		return nil
	}
	if g.entry != nil && mine.Version != 0 {
		return ErrUnderWay // likewise
	}
	*mine = ledger.Record{Key: mine.Key, Number: mine.Number, Content: g.content, Step: mine.Step}
	return nil
}

// settle decides about a request that may have been executed.
func (g *Guard) settle(ctx context.Context) (Decision, ledger.Answer, error) {
	record := &g.records[0]
	last := g.keeper.lastMoment(record)
	if err := sleep(ctx, time.Until(last)); err != nil {
		// Nobody may act before its last moment has passed.
		return Leave, ledger.Answer{}, and(ErrUnderWay, err)
	}
	if g.run != nil && g.run.RepeatUnknown {
		g.doubts = []bool{true}
		return Send, ledger.Answer{}, nil
	}
	decision, err := g.resolve(ctx, record, last)
	if decision == Leave {
		return Leave, ledger.Answer{}, err
	}
	record.State = ledger.Refused
	if decision == Replay {
		record.State = ledger.Accepted
	}
	record.Answer = ledger.Answer{}
	ended, err := g.keeper.Ledger.End(ctx, *record)
	switch {
	case errors.Is(err, ledger.ErrTaken):
		return g.Enter(ctx)
	case err != nil:
		return Leave, ledger.Answer{}, err
	}
	*record = ended[0]
	return decision, ledger.Answer{}, nil
}

// flushTries bounds how often a record is written again because that took too long.
const flushTries = 3

// Begin records that the request is about to be sent, and returns the moment up to
// which it may be written.
func (g *Guard) Begin(ctx context.Context, deadline time.Time) (time.Time, error) {
	if g.run.Ended() {
		return time.Time{}, ErrWorkEnded
	}
	if g.Doubtful() {
		g.keepDoubt()
	} else {
		anchor := g.anchor(ctx)
		for i := range g.records {
			g.records[i].Anchor, g.records[i].Scheduled = anchor, g.scheduled
		}
	}
	for range flushTries {
		now := time.Now()
		if !deadline.IsZero() && !now.Before(deadline) {
			return time.Time{}, and(context.DeadlineExceeded, g.undo(ctx))
		}
		until := now.Add(g.keeper.SendWindow)
		if !deadline.IsZero() && deadline.Before(until) {
			until = deadline
		}
		if err := g.write(ctx, until); err != nil {
			return time.Time{}, err
		}
		// Whoever gave up while it was written has sent nothing.
		if err := ctx.Err(); err != nil {
			return time.Time{}, and(err, g.undo(ctx))
		}
		if !wait.Passed(until) {
			return until, nil
		}
	}
	return time.Time{}, and(
		fmt.Errorf("salebot: the ledger took longer than %v to record the request, which was not sent", g.keeper.SendWindow),
		g.undo(ctx))
}

// write records that the request may be written until a moment.
func (g *Guard) write(ctx context.Context, until time.Time) error {
	records := make([]ledger.Record, len(g.records))
	for i, record := range g.records {
		record.WriteBy = until
		if !g.batch {
			record.Content = g.content
		}
		records[i] = record
	}
	begun, err := g.keeper.Ledger.Begin(ctx, records...)
	switch {
	case errors.Is(err, ledger.ErrTaken) && g.batch:
		return ErrUnderWay
	case errors.Is(err, ledger.ErrTaken):
		return errAgain
	case err != nil:
		return err
	}
	g.records, g.begun = begun, true
	return nil
}

// undo ends records that nothing was sent for.
func (g *Guard) undo(ctx context.Context) error {
	if !g.begun {
		return nil
	}
	return g.End(ctx, ledger.Refused, ledger.Answer{})
}

// keepDoubt prepares the record of a request that may have been executed before for
// another one: what is asked later is whether any of them was executed, so the anchor
// stays the first. With other words that cannot be found out.
func (g *Guard) keepDoubt() {
	record := &g.records[0]
	record.Scheduled = record.Scheduled || g.scheduled
	if record.Content != g.content {
		record.Anchor = ledger.Anchor{}
	}
}

// End records what became of an attempt, or of the items of a batch alike.
func (g *Guard) End(ctx context.Context, state ledger.State, answer ledger.Answer) error {
	for i := range g.records {
		g.records[i].State, g.records[i].Answer = g.stateOf(i, state), answer
	}
	g.begun, g.unended = false, g.batch && state == ledger.Accepted
	if g.unended {
		// Some of the items may have been refused: Items.End records all at once.
		return nil
	}
	return g.end(ctx)
}

// MayBeExecuted reports whether an earlier request may have been executed, as far as
// is known.
func (g *Guard) MayBeExecuted() bool { return !g.batch && doubtful(&g.records[0]) }

// Doubtful reports whether the request may have been executed before, so that it is
// unknown unless it was accepted now.
func (g *Guard) Doubtful() bool { return !g.batch && len(g.doubts) > 0 && g.doubts[0] }

// stateOf is the state in which a record ends.
func (g *Guard) stateOf(i int, state ledger.State) ledger.State {
	if state == ledger.Refused && i < len(g.doubts) && g.doubts[i] {
		return ledger.Unknown
	}
	return state
}

func (g *Guard) end(ctx context.Context) error {
	// What happened has to be written down even if the caller gave up.
	ended, err := g.keeper.Ledger.End(context.WithoutCancel(ctx), g.records...)
	if err != nil {
		g.unwritten = err
		return err
	}
	g.records = ended
	return nil
}
