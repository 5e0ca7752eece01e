package emulator

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/salebot-go/salebot"
)

// ProjectError is a mistake in the description of a project.
type ProjectError struct {
	// Place is where in the description it is, such as blocks[1].condition.
	Place string
	// Problem says what is wrong.
	Problem string
}

// Error implements error.
func (e *ProjectError) Error() string { return e.Place + ": " + e.Problem }

// mistakes collects what is wrong with a project.
type mistakes []error

func (m *mistakes) add(place, format string, args ...any) {
	*m = append(*m, &ProjectError{Place: place, Problem: fmt.Sprintf(format, args...)})
}

func placed(list string, index int, rest string) string {
	return list + "[" + strconv.Itoa(index) + "]" + rest
}

// Validate says what is wrong with a project that a person has written: all its
// mistakes, each as a *ProjectError, joined. It is stricter than Open and Restore,
// which take what an emulator may have been led to by the API.
func (state *Project) Validate() error {
	var found mistakes
	for i, channel := range state.Channels {
		if !slices.Contains(listedMessengers, channel.Messenger) {
			found.add(placed("channels", i, ".messenger"), "%q is no messenger; known are %s", channel.Messenger, strings.Join(listedMessengers, ", "))
		}
	}
	state.validateBlocks(&found)
	for i := range state.Clients {
		client := &state.Clients[i]
		// A snapshot has whatever messenger a program named.
		if client.CreatedAt.IsZero() && !client.ClientType.Known() {
			found.add(placed("clients", i, ".client_type"), "%d is no messenger", client.ClientType)
		}
		for j, m := range client.History {
			if m.ID == 0 { // one that a person has written
				validateAttachments(&found, placed("clients", i, placed(".history", j, "")), m.Attachments)
			}
		}
	}
	_, err := state.build(time.Now())
	return errors.Join(append(found, err)...)
}

func (state *Project) validateBlocks(found *mistakes) {
	conditions := map[string]int{}
	fallback := -1
	for i := range state.Blocks {
		block := &state.Blocks[i]
		place := placed("blocks", i, "")
		if key := strings.ToLower(strings.TrimSpace(block.Condition)); key != "" {
			if first, twice := conditions[key]; twice {
				found.add(place+".condition", "block %d has the condition %q already", state.Blocks[first].ID, block.Condition)
			} else {
				conditions[key] = i
			}
		}
		if block.Fallback && fallback >= 0 {
			found.add(place+".fallback", "block %d is the fallback already", state.Blocks[fallback].ID)
		} else if block.Fallback {
			fallback = i
		}
		if strings.Contains(block.Condition, "#{") {
			found.add(place+".condition", "a condition is compared as it stands: variables in it are not imitated")
		}
		for j, button := range block.Buttons {
			kinds := []string{"", "reply", "inline", "location", "phone", "web_app"}
			if !slices.Contains(kinds, button.Type) {
				found.add(place+placed(".buttons", j, ".type"), "%q is no kind of button; known are %s", button.Type, strings.Join(kinds[1:], ", "))
			}
		}
		validateAttachments(found, place, block.Attachments)
		block.Request.validate(found, place+".request")
		block.validateTexts(found, place)
	}
}

func validateAttachments(found *mistakes, place string, attachments []Attachment) {
	for j, attachment := range attachments {
		if attachment.PhoneNumber == "" && !slices.Contains(attachmentTypes, attachment.Type) {
			found.add(place+placed(".attachments", j, ".type"), "%q is no type of attachment; known are %s", attachment.Type, strings.Join(attachmentTypes, ", "))
		}
	}
}

func (r *BlockRequest) validate(found *mistakes, place string) {
	if r == nil {
		return
	}
	if !strings.HasPrefix(r.URL, "http://") && !strings.HasPrefix(r.URL, "https://") && !strings.HasPrefix(r.URL, "#{") {
		found.add(place+".url", "the address must begin with http:// or https://")
	}
	methods := []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
	if r.Method != "" && !slices.Contains(methods, r.Method) {
		found.add(place+".method", "%q is no method; known are %s", r.Method, strings.Join(methods, ", "))
	}
	for name, value := range r.Header {
		if !validHeader(name, []string{value}) {
			found.add(place+".header", "the header %q cannot be sent", name)
		}
	}
}

// validateTexts looks for placeholders that are more than a variable.
func (b *Block) validateTexts(found *mistakes, place string) {
	check := func(rest, text string) {
		if wrong := notFilled(text); wrong != "" {
			found.add(place+rest, "%s is more than the name of a variable: nothing is calculated here", wrong)
		}
	}
	check(".answer", b.Answer)
	check(".hint", b.Hint)
	for i, button := range b.Buttons {
		check(placed(".buttons", i, ".text"), button.Text)
		check(placed(".buttons", i, ".url"), button.URL)
		check(placed(".buttons", i, ".web_app"), button.WebApp)
	}
	for i, attachment := range b.Attachments {
		check(placed(".attachments", i, ".url"), attachment.URL)
	}
	if b.Request != nil {
		check(".request.url", b.Request.URL)
		check(".request.body", b.Request.Body)
		for _, value := range b.Request.Header {
			check(".request.header", value)
		}
	}
}

var attachmentTypes = []string{
	string(salebot.AttachmentImage), string(salebot.AttachmentVideo), string(salebot.AttachmentLink),
	string(salebot.AttachmentFile), string(salebot.AttachmentAudio),
}
