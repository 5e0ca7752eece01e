package emulator

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/salebot-go/salebot/internal/wire"
)

// Variables in the texts of blocks: #{name}.

// placeholder is a variable in a text, or what looks like one.
var placeholder = regexp.MustCompile(`#\{([^{}]*)\}`)

// variableName is a name without anything to calculate.
var variableName = regexp.MustCompile(`^(client\.)?[\pL_][\pL\pN_]*$`)

// notFilled returns the first placeholder of a text that is more than the name of a
// variable, "" if there is none.
func notFilled(text string) string {
	for _, match := range placeholder.FindAllStringSubmatch(text, -1) {
		if !variableName.MatchString(match[1]) {
			return match[0]
		}
	}
	return ""
}

// fill puts the values of variables into a text. One that has no value is what the
// settings say of such.
func (p *project) fill(c *client, text string) string {
	if !strings.Contains(text, "#{") {
		return text
	}
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		name := found[2 : len(found)-1]
		if !variableName.MatchString(name) {
			return found
		}
		value, _ := wire.LooseText(p.value(p.lookedUp(c, name)))
		return value
	})
}

// lookedUp is the value of a variable of the client, of the deal, or of those that
// every client has; nil if there is none.
func (p *project) lookedUp(c *client, name string) []byte {
	own, isOwn := strings.CutPrefix(name, ownPrefix)
	if value, ok := c.variables[own]; ok {
		return value
	}
	if value, ok := (*c.dealVariables())[name]; ok && !isOwn {
		return value
	}
	var value string
	switch own {
	case "client_id":
		value = strconv.FormatInt(c.id, 10)
	case "platform_id":
		value = c.platform
	case "group", "group_id":
		value = c.group
	case "tag":
		value = c.tag
	case "project_id":
		value = strconv.FormatInt(p.id, 10)
	default:
		value = c.builtIn(own)
	}
	if value == "" {
		return nil
	}
	return wire.AppendText(nil, value)
}

// fillContent puts the values of variables into everything that a person sees of a
// block.
func (p *project) fillContent(c *client, what content) content {
	what.text, what.hint = p.fill(c, what.text), p.fill(c, what.hint)
	what.buttons = slices.Clone(what.buttons)
	for i := range what.buttons {
		b := &what.buttons[i]
		b.Text, b.URL, b.WebApp = p.fill(c, b.Text), p.fill(c, b.URL), p.fill(c, b.WebApp)
	}
	what.attachments = slices.Clone(what.attachments)
	for i := range what.attachments {
		what.attachments[i].URL = p.fill(c, what.attachments[i].URL)
	}
	return what
}
