package emulator

import (
	"strconv"

	"github.com/salebot-go/salebot/internal/emulator/request"
	"github.com/salebot-go/salebot/internal/wire"
)

// Numbers that an action needs, and the refusal if they are missing or wrong.

// optionalID returns a parameter that is the number of something, 0 if it was
// not given.
func (c *call) optionalID(name string) (int64, *reply) {
	n, err := c.parameters.Number(name, 0)
	if err != nil {
		return 0, new(c.project.invalid(err.Error()))
	}
	if text := c.parameters.Text(name); wire.IsUnset(text) && text != "" {
		c.parameters.Notef("%s is %s, which is what a variable without a value holds", name, request.Shown(text))
	}
	return n, nil
}

// id is optionalID for a parameter that has to be given.
func (c *call) id(name string) (int64, *reply) {
	if c.parameters.Raw(name) == nil {
		return 0, new(c.project.required(name))
	}
	return c.optionalID(name)
}

// positiveID is id for what cannot be looked up, so that only its sign can tell.
func (c *call) positiveID(name string) (int64, *reply) {
	n, problem := c.id(name)
	if problem == nil && n <= 0 {
		problem = new(c.project.invalid(name + " is not a positive number"))
	}
	return n, problem
}

// ids returns a list of numbers. What is not a number is left out, with a remark; if
// nothing is left it is refused.
func (c *call) ids(name string) ([]int64, *reply) {
	values := c.parameters.Values(name)
	if len(values) == 0 {
		return nil, new(c.project.required(name))
	}
	var ids []int64
	var skipped []string
	for _, value := range values {
		if n, err := request.WholeNumber(value); err == nil && n != 0 {
			ids = append(ids, n)
			continue
		}
		text, _ := wire.LooseText(value)
		skipped = append(skipped, request.Shown(text))
	}
	c.parameters.NoteSkipped(name, skipped, "not a whole number")
	if len(ids) == 0 {
		return nil, new(c.project.invalid(name + ": " + skipped[0] + " " + request.ErrNotWhole.Error()))
	}
	return ids, nil
}

// known returns the clients of numbers, with a remark about those that are none.
func (c *call) known(name string, ids []int64) []*client {
	found := make([]*client, 0, len(ids))
	var skipped []string
	for _, id := range ids {
		if target := c.meets(c.project.clients[id]); target != nil {
			found = append(found, target)
			continue
		}
		skipped = append(skipped, strconv.FormatInt(id, 10))
	}
	c.parameters.NoteSkipped(name, skipped, "no client has the number")
	return found
}

// capped bounds how many elements a request wants, with a remark if it wanted
// more.
func (c *call) capped(limit, largest int64) int64 {
	if limit > largest {
		c.parameters.Notef("limit %d is more than %s returns at once; it counts as %d", limit, c.row.Name, largest)
	}
	return min(limit, largest)
}
