package salebot

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

const nilError = "<nil>"

// prefix begins the text of each sentinel and of each error of a method. A text that
// is made of others has it once.
const prefix = "salebot: "

// bare is the text of an error inside another one.
func bare(err error) string { return strings.ReplaceAll(errorText(err), prefix, "") }

// errorText is the text of an error that may be missing where a user made the one
// around it.
func errorText(err error) string {
	if err == nil {
		return nilError
	}
	return err.Error()
}

// formatError keeps %+v and %#v from walking through the fields, which hold
// bodies and the errors of others.
func formatError(f fmt.State, verb rune, err error) {
	if verb == 'q' {
		_, _ = io.WriteString(f, strconv.Quote(err.Error()))
		return
	}
	_, _ = io.WriteString(f, err.Error())
}
