//go:build postgres

package postgres_test

import (
	"io"
	"os"
	"testing"

	"github.com/salebot-go/salebot/postgres"
)

// TestExamples runs the examples and compares what they print. They are in a file without
// a build tag, so that the documentation shows them.
func TestExamples(t *testing.T) { //nolint:paralleltest // it takes the standard output away
	server := commonServer(t)
	if err := server.Execute(t.Context(), "CREATE DATABASE examples"); err != nil {
		t.Fatal(err)
	}
	address = server.AddressIn("examples")
	if _, err := postgres.Migrate(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	for name, example := range map[string]struct { //nolint:paralleltest // as above
		run  func()
		want string
	}{
		"Migrate":       {ExampleMigrate, "0 steps were left to take\n"},
		"Migrate_files": {ExampleMigrate_files, "migrations/0001_inbox.sql\n"},
		"OpenInbox":     {ExampleOpenInbox, "status 200\nstatus 200\nhandled 1 event: Hello\n"},
		"Settle":        {ExampleSettle, "Good morning\n"},
		"OpenLedger":    {ExampleOpenLedger, "process 1: sent before: false\nprocess 2: sent before: true\nmessages: 1\n"},
		"OpenPace":      {ExampleOpenPace, "messages: 3\n"},
		"OpenOutbox":    {ExampleOpenOutbox, "Order 4712 is paid\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := printed(t, example.run); got != example.want {
				t.Errorf("it printed\n%s, want\n%s", got, example.want)
			}
		})
	}
}

// printed returns what a function prints.
func printed(t *testing.T, run func()) string {
	t.Helper()
	reading, writing, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	standard := os.Stdout
	os.Stdout = writing
	run() // what it prints is less than a pipe holds
	os.Stdout = standard
	if err := writing.Close(); err != nil {
		t.Error(err)
	}
	text, err := io.ReadAll(reading)
	if err != nil {
		t.Error(err)
	}
	if err := reading.Close(); err != nil {
		t.Error(err)
	}
	return string(text)
}
