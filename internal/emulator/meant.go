package emulator

import (
	"github.com/salebot-go/salebot/internal/emulator/request"
	"github.com/salebot-go/salebot/internal/text"
)

// unknownAction says that there is no such action, and which one may be meant.
func unknownAction(name string) string {
	problem := "there is no action " + request.Shown(name)
	if meant := MeantAction(name); meant != "" {
		problem += "; did you mean " + meant + "?"
	}
	return problem
}

// MeantAction returns the action whose name is most like another one, "" if none
// is like it.
func MeantAction(name string) string { return text.Nearest(name, Actions()) }
