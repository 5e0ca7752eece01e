//go:build unix

// Serve starts a private server, prints its address, and ends it when its own input ends:
// for programs of other modules.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/salebot-go/salebot/postgres/internal/postgrestest"
)

func main() {
	if err := serve(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

// serve runs a server with settings such as "max_connections=400".
func serve(settings []string) error {
	server, err := postgrestest.Start(context.Background(), settings...)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(os.Stdout, server.Address())
	if err == nil {
		_, err = io.Copy(io.Discard, os.Stdin)
	}
	return errors.Join(err, server.Remove())
}
