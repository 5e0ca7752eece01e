package emulator

import (
	"github.com/salebot-go/salebot"
)

// The retired lists of subscribers.

// subscribersPage is the size of a page, which programs only guessed.
const subscribersPage = 100

func subscribers(c *call) reply {
	group := c.parameters.Text("group")
	return c.subscribersWhere(func(candidate *client) bool { return group == "" || candidate.group == group })
}

func vkSubscribers(c *call) reply {
	group, tag := c.parameters.Text("group"), c.parameters.Text("tag")
	from, problem := c.optionalID("date_from")
	if problem != nil {
		return *problem
	}
	to, problem := c.optionalID("date_to")
	if problem != nil {
		return *problem
	}
	return c.subscribersWhere(func(candidate *client) bool {
		created := candidate.createdAt / 1e6
		return candidate.kind == salebot.ClientTypeVK &&
			(group == "" || candidate.group == group) && (tag == "" || candidate.tag == tag) &&
			(from == 0 || created >= from) && (to == 0 || created <= to)
	})
}

// subscribersWhere lists a page of clients, the first to come first. Pages are
// counted from 0.
func (c *call) subscribersWhere(matches func(*client) bool) reply {
	page, err := c.parameters.Number("page", 0)
	if err != nil || page < 0 {
		return c.project.invalid("page must be a whole number")
	}
	text, place := []byte{'['}, int64(0)
	for _, candidate := range c.project.roll {
		if !matches(candidate) {
			continue
		}
		if place/subscribersPage == page {
			if len(text) > 1 {
				text = append(text, ',')
			}
			text = append(text, c.project.record(candidate, "tg_id")...)
		}
		place++
	}
	return inJSON(append(text, ']'))
}
