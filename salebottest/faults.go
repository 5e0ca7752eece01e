package salebottest

import (
	"time"

	"github.com/salebot-go/salebot/internal/emulator/faults"
)

// Fault is something that goes wrong with requests. A fault with a Status, a
// Body, a Page or a RetryAfter replaces the answer, and the action is not carried
// out unless Execute says so. All others let the action be carried out and spoil
// its answer, except ResetBefore.
type Fault struct {
	// Action is the action that it concerns; empty for all of them.
	Action string
	// After is the number of requests that still go well.
	After int
	// Times is the number of requests that go wrong. Zero means one; Always goes
	// on.
	Times int

	// Probability is how likely the fault acts on a request that it concerns, between
	// 0 and 1. Zero means always.
	Probability float64
	// Seed makes the choice repeatable: the same seed chooses the same requests, if
	// they come in the same order. Zero asks for a seed that is made up; Faults
	// tells it.
	Seed uint64

	// Status is the HTTP status of the answer. It is 200 if only
	// Body is set, 502 if only Page is, and 429 if only RetryAfter is.
	Status int
	// Body is the body of the answer.
	Body string
	// ContentType is its declared type; empty means what the body looks like.
	ContentType string
	// Page makes the body an HTML page, such as a gateway's.
	Page bool
	// RetryAfter asks the client to wait, in whole seconds, rounded up.
	RetryAfter time.Duration
	// RetryAfterDate gives RetryAfter as a date instead of as seconds.
	RetryAfterDate bool
	// Execute carries the action out although the answer is replaced.
	Execute bool

	// Delay is waited before the answer, or before the connection is cut. Unless
	// the fault says otherwise the action was carried out by then, as it would be
	// by a slow server.
	Delay time.Duration
	// Reset cuts the connection.
	Reset Reset
	// Truncate answers with the first half of the body, as if it were all.
	Truncate bool
}

// Always is the Times of a Fault that goes on until the faults are cleared.
const Always = faults.Always

// Reset says at what moment a connection is cut.
type Reset string

// The moments.
const (
	// ResetBefore cuts the connection when the request has come and before the
	// action is carried out.
	ResetBefore Reset = "before"
	// ResetAfter cuts it when the action was carried out, without an answer.
	ResetAfter Reset = "after"
	// ResetDuring cuts it in the middle of the answer.
	ResetDuring Reset = "during"
)

func (f *Fault) engine() faults.Fault {
	return faults.Fault{
		Action: f.Action, After: f.After, Times: f.Times, Probability: f.Probability, Seed: f.Seed,
		Status: f.Status, Body: f.Body, ContentType: f.ContentType, Page: f.Page,
		RetryAfter: f.RetryAfter, RetryAfterDate: f.RetryAfterDate, Execute: f.Execute,
		Delay: f.Delay, Reset: faults.Reset(f.Reset), Truncate: f.Truncate,
	}
}

func faultOf(f faults.Fault) Fault {
	return Fault{
		Action: f.Action, After: f.After, Times: f.Times, Probability: f.Probability, Seed: f.Seed,
		Status: f.Status, Body: f.Body, ContentType: f.ContentType, Page: f.Page,
		RetryAfter: f.RetryAfter, RetryAfterDate: f.RetryAfterDate, Execute: f.Execute,
		Delay: f.Delay, Reset: Reset(f.Reset), Truncate: f.Truncate,
	}
}

// Fail adds faults to the plan. Faults that do different things to a request add
// up: one that waits and one that answers, cuts or truncates. Of two that do the
// same the first counts, so that faults for one action come one after another:
//
//	emulator.Fail(
//		salebottest.Fault{Action: "message", Status: 503, Times: 2},
//		salebottest.Fault{Action: "message", Reset: salebottest.ResetAfter},
//	)
//
// A fault that can never happen fails the test that the emulator was made for,
// since the test would pass for the wrong reason. If the emulator was made by Open
// or Start, Fail panics.
func (e *Emulator) Fail(planned ...Fault) {
	if e.test != nil {
		e.test().Helper()
	}
	err := e.engine.Fail(each(planned, func(f Fault) faults.Fault { return f.engine() })...)
	switch {
	case err == nil:
	case e.test != nil:
		e.test().Fatalf("salebottest: %v", err)
	default:
		panic("salebottest: " + err.Error())
	}
}

// Faults returns the faults that are still to come, with what is left of their
// counts.
func (e *Emulator) Faults() []Fault { return each(e.engine.Faults(), faultOf) }

// ClearFaults removes all faults.
func (e *Emulator) ClearFaults() { e.engine.ClearFaults() }
