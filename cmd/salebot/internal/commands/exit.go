package commands

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/ledger"
)

// The codes with which the program ends. They are documented in the help and in
// docs/cli.md.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitRejected    = 4
	exitUnknown     = 5
	exitTemporary   = 6
	exitInterrupted = 130
)

// ExitCodes explains the codes, one a line.
const ExitCodes = `  0    done
  1    failed for another reason
  2    the command line or the settings are wrong
  3    there is no such client or deal
  4    Salebot refused it; nothing was done
  5    it may have been done, and nothing tells
  6    a temporary failure: try again
  130  ended by Ctrl-C; the command says how to go on`

// usageError says that the command line is wrong, and that nothing was done.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usage(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// UsageError says that an error is a mistake of the command line; nil stays nil.
func UsageError(err error) error {
	if err == nil {
		return nil
	}
	return &usageError{err}
}

// codedError is an error whose code is known.
type codedError struct {
	code int
	text string
	err  error
}

func (e *codedError) Error() string { return e.text }
func (e *codedError) Unwrap() error { return e.err }

// ExitCode returns the code of the program for what a command returned.
func ExitCode(err error) int {
	coded, isCoded := errors.AsType[*codedError](err)
	_, isUsage := errors.AsType[*usageError](err)
	_, isOption := errors.AsType[*salebot.OptionError](err)
	switch {
	case err == nil:
		return exitDone
	case isCoded:
		return coded.code
	case isUsage, isOption, errors.Is(err, salebot.ErrInvalidRequest):
		return exitUsage
	case errors.Is(err, salebot.ErrOutcomeUnknown):
		return exitUnknown
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.Is(err, salebot.ErrNotFound):
		return exitNotFound
	case isTemporary(err):
		return exitTemporary
	case isRefusal(err):
		return exitRejected
	}
	return exitFailed
}

func isTemporary(err error) bool {
	_, isTransport := errors.AsType[*salebot.TransportError](err)
	return isTransport || errors.Is(err, salebot.ErrRateLimited) || errors.Is(err, salebot.ErrServer) ||
		errors.Is(err, salebot.ErrInProgress) || errors.Is(err, ledger.ErrInUse) || errors.Is(err, context.DeadlineExceeded)
}

func isRefusal(err error) bool {
	return errors.Is(err, salebot.ErrRejected) || errors.Is(err, salebot.ErrUnauthorized) || errors.Is(err, salebot.ErrForbidden)
}

// Message is the text of an error for a person, with one prefix.
func Message(err error) string {
	const prefix = "salebot: "
	return prefix + strings.ReplaceAll(err.Error(), prefix, "")
}
