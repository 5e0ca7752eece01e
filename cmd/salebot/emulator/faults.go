package emulator

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/salebot-go/salebot/cmd/salebot/internal/settings"
	"github.com/salebot-go/salebot/internal/emulator/faults"
)

// faultShape is a fault. Its times are text here, such as "1.5s".
type faultShape struct {
	// ID is made of what the fault does, so that faults that do the same have the
	// same one, and a program knows that of its own fault.
	ID             string            `json:"id,omitempty"`
	Action         string            `json:"action"`
	After          int               `json:"after"`
	Times          int               `json:"times"`
	Probability    float64           `json:"probability"`
	Seed           uint64            `json:"seed"`
	Status         int               `json:"status"`
	Body           string            `json:"body"`
	ContentType    string            `json:"content_type"`
	Page           bool              `json:"page"`
	RetryAfter     settings.Duration `json:"retry_after"`
	RetryAfterDate bool              `json:"retry_after_date"`
	Execute        bool              `json:"execute"`
	Delay          settings.Duration `json:"delay"`
	Reset          faults.Reset      `json:"reset"`
	Truncate       bool              `json:"truncate"`
	// Active says that the fault can act on the next request that it concerns. It is
	// told, not taken.
	Active bool `json:"active"`
}

func shapeOfFault(f faults.Fault) faultShape {
	return faultShape{
		ID: idOfFault(f), Action: f.Action, After: f.After, Times: f.Times, Probability: f.Probability, Seed: f.Seed, Status: f.Status, Body: f.Body,
		ContentType: f.ContentType, Page: f.Page, RetryAfter: settings.Duration(f.RetryAfter), RetryAfterDate: f.RetryAfterDate,
		Execute: f.Execute, Delay: settings.Duration(f.Delay), Reset: f.Reset, Truncate: f.Truncate,
	}
}

func idOfFault(f faults.Fault) string {
	f.After, f.Times, f.Seed = 0, 0, 0
	sum := sha256.Sum256(fmt.Appendf(nil, "%+v", f))
	return hex.EncodeToString(sum[:6])
}

// longestDelay keeps a slow answer within the time that the server gives a
// request.
const longestDelay = 3 * time.Minute

func (s faultShape) fault() (faults.Fault, error) {
	f := faults.Fault{
		Action: s.Action, After: s.After, Times: s.Times, Probability: s.Probability, Seed: s.Seed, Status: s.Status, Body: s.Body, ContentType: s.ContentType,
		Page: s.Page, RetryAfter: time.Duration(s.RetryAfter), RetryAfterDate: s.RetryAfterDate, Execute: s.Execute,
		Delay: time.Duration(s.Delay), Reset: s.Reset, Truncate: s.Truncate,
	}
	if err := f.Validate(); err != nil {
		return f, badRequest("%v", err)
	}
	switch {
	case f.Delay > longestDelay:
		return f, badRequest("delay must be at most %v", longestDelay)
	case f.Status != 0 && f.Reset != "":
		return f, badRequest("status and reset do not go together: a connection that is cut has no status")
	}
	return f, nil
}

type faultsShape struct {
	Faults []faultShape `json:"faults"`
}

func (c *control) listFaults(*call) (any, error) {
	shape := faultsShape{Faults: []faultShape{}}
	left := c.Faults()
	for i, f := range left {
		one := shapeOfFault(f)
		one.Active = faults.ActsNext(left, i)
		shape.Faults = append(shape.Faults, one)
	}
	return shape, nil
}

const mostFaults = 1000

func (c *control) addFault(r *call) (any, error) {
	var wanted faultShape
	if err := r.read(&wanted); err != nil {
		return nil, err
	}
	f, err := wanted.fault()
	switch {
	case err != nil:
		return nil, err
	case len(c.Faults()) >= mostFaults:
		return nil, badRequest("there are too many faults already")
	}
	f = f.Planned()
	if err := c.Fail(f); err != nil {
		return nil, badRequest("%v", err)
	}
	planned := append(c.Faults(), f)
	shape := shapeOfFault(f)
	shape.Active = faults.ActsNext(planned, slices.Index(planned, f))
	return shape, nil
}

func (c *control) clearFaults(r *call) (any, error) {
	c.ClearFaults()
	return c.listFaults(r)
}

func (c *control) removeFault(r *call) (any, error) {
	id := r.PathValue("fault_id")
	if c.RemoveFaults(func(f faults.Fault) bool { return idOfFault(f) == id }) == 0 {
		return nil, notFound("there is no fault %q", id)
	}
	return c.listFaults(r)
}
