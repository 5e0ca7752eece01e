package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/salebot-go/salebot/ledger"
	"github.com/salebot-go/salebot/webhook"
)

// The errors of this package. Each also wraps the error of the server, a
// *pgconn.PgError, if there is one.
var (
	// ErrNoSchema says that the tables are missing: call Migrate.
	ErrNoSchema = errors.New("postgres: the tables are missing")
	// ErrSchemaTooOld says that the tables are those of an older version: call Migrate.
	ErrSchemaTooOld = errors.New("postgres: the tables are too old")
	// ErrServerTooOld says that the server lacks what is needed.
	ErrServerTooOld = errors.New("postgres: the server is too old")
	// ErrReadOnly says that the server accepts no changes: it is a standby, or an
	// administrator made it read-only.
	ErrReadOnly = errors.New("postgres: the server is read-only")
	// ErrNoRights says that the user of the database may not do what is needed; see
	// docs/postgres.md.
	ErrNoRights = errors.New("postgres: the user lacks a right")
	// ErrUnreachable says that the server can't be reached or lets nobody in, or that the
	// connection broke.
	// A change that was under way may have been made.
	ErrUnreachable = errors.New("postgres: the server cannot be reached or went away")
	// ErrSlow says that the server did not answer in time (WithTimeout). A change that
	// was under way may have been made.
	ErrSlow = errors.New("postgres: the server did not answer in time")
)

// The codes of SQLSTATE that are told apart.
const (
	stateDeadHolder   = "SB001"
	stateTaken        = "SB002"
	stateReadOnly     = "25006"
	stateNoRights     = "42501"
	stateNoTable      = "42P01"
	stateNoFunction   = "42883"
	stateNoSchema     = "3F000"
	stateDiskFull     = "53100"
	stateDeadlock     = "40P01"
	stateSerialize    = "40001"
	stateQueryEnded   = "57014"
	classData         = "22"
	classConstraint   = "23"
	classConnection   = "08"
	classIntervention = "57"
	classResources    = "53"
	// classLogin is that of a role that may not log in, or of a wrong password.
	classLogin = "28"
)

// failure returns an error of the database as callers get it. The texts of pgx hold
// neither the password nor the values of a statement.
func failure(doing string, err error) error {
	if err == nil {
		return nil
	}
	class := classOf(err)
	if class == nil {
		return fmt.Errorf("postgres: %s: %w", doing, err)
	}
	return fmt.Errorf("%w: %s: %w", class, doing, err)
}

// classOf returns the error of this package that an error of the database is; nil if it
// is none of them.
func classOf(err error) error {
	state := sqlState(err)
	switch state {
	case stateReadOnly:
		return ErrReadOnly
	case stateNoRights:
		return ErrNoRights
	case stateNoTable, stateNoFunction, stateNoSchema:
		return ErrNoSchema
	case stateDiskFull:
		return webhook.ErrFull
	case stateQueryEnded:
		return ErrSlow
	}
	switch state[:min(len(state), 2)] {
	case "":
	case classConnection, classIntervention, classResources, classLogin:
		return ErrUnreachable
	default:
		return nil
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return ErrSlow
	case errors.Is(err, context.Canceled), errors.Is(err, webhook.ErrClosed), errors.Is(err, ledger.ErrClosed), errors.Is(err, pgx.ErrTxClosed):
		return nil
	}
	// What the server did not say comes from the connection.
	return ErrUnreachable
}

// passing reports whether a transaction failed because of another one, so that it can be
// repeated at once.
func passing(err error) bool {
	state := sqlState(err)
	return state == stateDeadlock || state == stateSerialize
}

// aboutValues reports whether a statement failed because of what it was given.
func aboutValues(err error) bool {
	state := sqlState(err)
	return strings.HasPrefix(state, classData) || strings.HasPrefix(state, classConstraint)
}
