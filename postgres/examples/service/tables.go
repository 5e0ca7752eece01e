package main

import (
	"context"
	"errors"
	"log"

	"github.com/jackc/pgx/v5"

	"github.com/salebot-go/salebot/postgres"
)

// migrate makes the tables, those of the module and the bot's own. It runs before a new
// version starts, and may run again.
func migrate(ctx context.Context, s settings) (err error) {
	steps, err := postgres.Migrate(ctx, s.database)
	if err != nil {
		return err
	}
	log.Print("steps taken: ", steps)
	connection, err := pgx.Connect(ctx, s.database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, connection.Close(ctx)) }()
	_, err = connection.Exec(ctx, "CREATE TABLE IF NOT EXISTS answered (message bigint PRIMARY KEY, client bigint NOT NULL, at timestamptz NOT NULL DEFAULT now())")
	return err
}
