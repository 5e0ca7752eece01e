package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// DefaultSchema is the schema that the tables are in (WithSchema).
const DefaultSchema = "salebot"

// Migrations holds the schema as plain SQL, for tools that apply such files. Apply each
// migrations/NNNN_name.sql once, in the order of the numbers, each in a transaction. The
// files themselves record what was applied. They create the schema "salebot".
//
//go:embed migrations/*.sql
var Migrations embed.FS

// migration is one of these files.
type migration struct {
	version int
	text    string
}

// schemaWord is the name of the schema in the files and in the statements of this package.
var schemaWord = regexp.MustCompile(`\bsalebot\b`)

// schema is the name of the schema that is used.
type schema string

// sql puts the name into a statement.
func (s schema) sql(statement string) string {
	if s == DefaultSchema {
		return statement
	}
	return schemaWord.ReplaceAllString(statement, string(s))
}

// channel is the name under which processes wake each other.
func (s schema) channel() string { return string(s) + "_events" }

func migrations() []migration {
	names, err := fs.Glob(Migrations, "migrations/*.sql")
	if err != nil {
		panic(err) // the pattern is valid
	}
	all := make([]migration, len(names))
	for i, name := range names {
		text, err := Migrations.ReadFile(name)
		if err != nil {
			panic(err) // it is part of the program
		}
		number, _, _ := strings.Cut(path.Base(name), "_")
		version, err := strconv.Atoi(number)
		if err != nil {
			panic(err)
		}
		all[i] = migration{version, string(text)}
	}
	return all
}

// Migrate creates the tables, or updates them to the version of this module. Run it before
// the processes of a new version start; those of the previous version work with the new
// tables, too. It waits for another Migrate that is under way, and returns the number of
// steps that it applied: 0 if there was nothing to do. Each step is a transaction, so a
// Migrate that failed can be repeated.
//
// Nothing else in this module changes the schema. The database user of Migrate needs the
// right to create a schema; the other users need the rights that docs/postgres.md lists.
func Migrate(ctx context.Context, address string, opts ...SharedOption) (steps int, err error) {
	c, err := newConfig(address)
	if err != nil {
		return 0, err
	}
	if err = applyShared(&c, opts); err != nil {
		return 0, err
	}
	connection, err := pgx.ConnectConfig(ctx, c.pool.ConnConfig.Copy())
	if err != nil {
		return 0, failure("connecting", err)
	}
	defer func() { err = errors.Join(err, connection.Close(context.WithoutCancel(ctx))) }()
	for _, m := range migrations() {
		done, stepErr := c.schema.migrate(ctx, connection, m)
		if stepErr != nil {
			return steps, failure(fmt.Sprintf("migration %d", m.version), stepErr)
		}
		if done {
			steps++
		}
	}
	return steps, nil
}

// migrate applies a migration unless it was applied.
func (s schema) migrate(ctx context.Context, connection *pgx.Conn, m migration) (done bool, err error) {
	err = pgx.BeginFunc(ctx, connection, func(tx pgx.Tx) error {
		if _, lockErr := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtext($1))", string(s)); lockErr != nil {
			return lockErr
		}
		version, versionErr := s.version(ctx, tx)
		if versionErr != nil || version >= m.version {
			return versionErr
		}
		// Without arguments a text may have several statements.
		_, applyErr := tx.Conn().PgConn().Exec(ctx, s.sql(m.text)).ReadAll()
		done = applyErr == nil
		return applyErr
	})
	return done, err
}

// querier is a connection, a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// version returns which migrations were applied; 0 if there is no schema.
func (s schema) version(ctx context.Context, q querier) (version int, err error) {
	// to_regclass also finds what the user may not read.
	var found bool
	if err = q.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", string(s)+".migration").Scan(&found); err != nil || !found {
		return 0, err
	}
	err = q.QueryRow(ctx, s.sql("SELECT coalesce(max(version), 0) FROM salebot.migration")).Scan(&version)
	return version, err
}

// minServer is the oldest version of PostgreSQL that has what is needed.
const minServer = 13

// check reports whether the server and the schema can be used with the rights that the
// user has.
func (c *config) check(ctx context.Context, q querier, n needs) error {
	var server int
	if err := q.QueryRow(ctx, "SELECT current_setting('server_version_num')::int / 10000").Scan(&server); err != nil {
		return failure("opening", err)
	}
	if server < c.minServer {
		return fmt.Errorf("%w: it is PostgreSQL %d, and %d is needed", ErrServerTooOld, server, c.minServer)
	}
	// First: who may not use the schema may not even ask for its version.
	if err := c.checkRights(ctx, q, n); err != nil {
		return err
	}
	version, err := c.schema.version(ctx, q)
	all := migrations()
	switch newest := all[len(all)-1].version; {
	case err != nil:
		return failure("opening", err)
	case version == 0:
		return fmt.Errorf("%w: there is no schema %q: call postgres.Migrate first, or apply its files", ErrNoSchema, string(c.schema))
	case version < newest:
		return fmt.Errorf("%w: it has version %d, and %d is needed: call postgres.Migrate", ErrSchemaTooOld, version, newest)
	}
	return nil
}

var _ querier = (*pgx.Conn)(nil)

// sqlState returns the code of an error that the server sent; "" for all others.
func sqlState(err error) string {
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok {
		return answer.Code
	}
	return ""
}
